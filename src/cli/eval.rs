use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::percent;
use crate::model::Percent;

/// Show what a user gets from a flag, and why
///
/// Reads the flag files, as they are for the environment: a rollout stands at its first stage.
/// `--live` reads the environment's store instead, where it stands where it stands. With
/// `--quiet`, nothing but the value is printed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist eval new_search --user ana --group employees
  hoist eval new_search --user ana --live --env production
  hoist eval --all --user ana --format json
  hoist eval pricing_page --users customers.csv
  hoist eval pricing_page --simulate 100000")]
pub struct Eval {
    /// Key of the flag
    #[arg(value_name = "FLAG", required_unless_present = "all")]
    pub flag: Option<String>,
    /// Who asks; without one there is no bucket, and a share below 100 % gives false or the control
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// A group that the user is a member of; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Every flag for this user
    #[arg(long, conflicts_with_all = ["flag", "users", "simulate"])]
    pub all: bool,
    /// Count what the users of a file get: one id a line, or CSV with the columns `user` and
    /// `groups` (separated by `;`); `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "groups", "simulate"])]
    pub users: Option<PathBuf>,
    /// Count what N made-up users get
    #[arg(long, value_name = "N", conflicts_with_all = ["user", "groups"], value_parser = clap::value_parser!(u32).range(1..))]
    pub simulate: Option<u32>,
    /// Share of users to take instead of the flag's own, or of the stage that is live
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub percentage: Option<Percent>,
    /// Read the environment's store instead of the flag files
    #[arg(long)]
    pub live: bool,
    /// How to print the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: EvalFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvalFormat {
    Human,
    Json,
}
