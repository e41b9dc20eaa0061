use clap::Args;

use super::{OperatorFormat, stage};
use crate::operate::StageName;

/// End the stop of flags
///
/// They are what git has them be: on, or off. A rollout goes on at its first stage, or at the one
/// that `--at-stage` names, from now on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist restore new_checkout --env production
  hoist restore new_checkout --at-stage 3 --env production
  hoist restore new_checkout --at-stage 25% --env production")]
pub struct Restore {
    /// Flags to restore; all of them or none
    #[arg(value_name = "FLAG", required = true)]
    pub flags: Vec<String>,
    /// Stage to go on at: its number, from 1, as `hoist rollout status` shows it, or its percentage
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    pub at_stage: Option<StageName>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Restore although the environment is frozen
    #[arg(long)]
    pub ignore_freeze: bool,
    /// What keys of records begin with, instead of the environment's prefix
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
