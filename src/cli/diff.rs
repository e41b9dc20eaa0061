use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Show what changed between two states of the flag files
///
/// Compares a git revision with another, or with the work tree: what changes for which flag, for how
/// many people, and what is risky about it. Nothing is checked out and no store is needed. Exits with
/// 1 where there are findings at error level.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist diff main                what the work tree changes, against main as it is now
  hoist diff main...             the same, against main where this branch left it
  hoist diff v1.2.0 v1.3.0       what a release changed
  hoist diff origin/main... --format markdown > comment.md")]
pub struct Diff {
    /// Revision to compare with: a branch, a tag, a commit; `A...B` for B and where it left A
    #[arg(value_name = "BASE")]
    pub base: String,
    /// Revision that is looked at [default: the work tree]
    #[arg(value_name = "HEAD")]
    pub head: Option<String>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: DiffFormat,
    /// What the paths of files follow where Markdown links to them, such as
    /// `https://github.com/OWNER/REPO/blob/COMMIT` [default: by the variables of GitHub or GitLab]
    #[arg(long, value_name = "URL")]
    pub links: Option<String>,
    /// Exit with 1 where there are changes
    #[arg(long)]
    pub exit_code: bool,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// Count and name the users of a file to whom something happens: one id a line, or CSV with the
    /// columns `user` and `groups` (separated by `;`); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Look in the code below this directory for flags that are removed; may be given several times
    #[arg(long, value_name = "DIR")]
    pub src: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    Human,
    Json,
    Markdown,
}
