use std::path::PathBuf;

use clap::Args;

use super::{OperatorFormat, number};

/// Make a store agree with the flag files
///
/// Lints, plans, checks the guards and commits: all of it or nothing. Stages reached and emergency
/// stops in the store are kept. Where nothing differs, nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist apply
  hoist apply --store redis://localhost:6379
  hoist apply --env production --dry-run
  hoist apply --env staging,production
  hoist apply --store redis+cluster://localhost:7000 --wait-replicas 1
  hoist apply change.plan")]
pub struct Apply {
    /// A plan saved by `hoist plan --out`; refused where anything that it touches has moved
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Go as far as the commit, and stop there
    #[arg(long)]
    pub dry_run: bool,
    /// Take over keys that hoist does not manage yet, and write what git says
    #[arg(long)]
    pub adopt: bool,
    /// Consent to delete up to N flags
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = number)]
    pub allow_deletes: usize,
    /// Consent to change flags that the environment protects
    #[arg(long)]
    pub allow_protected: bool,
    /// Consent to change a flag for more users at once than the environment allows
    #[arg(long)]
    pub allow_moved: bool,
    /// Apply although the environment is frozen
    #[arg(long)]
    pub ignore_freeze: bool,
    /// Apply what `hoist rollback` has taken back
    #[arg(long)]
    pub undo_rollback: bool,
    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
