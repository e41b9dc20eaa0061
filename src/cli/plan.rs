use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Show what an apply would change in a store
///
/// Nothing is written. The flag files are linted first; errors in them stop the plan.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist plan --env production
  hoist plan --all-envs
  hoist plan --env production --users customers.csv
  hoist plan --env production --out change.plan && hoist apply change.plan
  hoist plan --exit-code --format json
  hoist plan --env production --format markdown > comment.md")]
pub struct Plan {
    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlanFormat,
    /// Also write the plan to this file, for `hoist apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Count and name the users of a file to whom something happens: one id a line, or CSV with the
    /// columns `user` and `groups` (separated by `;`); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// What the paths of files follow where Markdown links to them, such as
    /// `https://github.com/OWNER/REPO/blob/COMMIT` [default: by the variables of GitHub or GitLab]
    #[arg(long, value_name = "URL")]
    pub links: Option<String>,
    /// Exit with 1 where there are changes
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    Human,
    Json,
    Markdown,
}
