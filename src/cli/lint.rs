use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Check the flag files
///
/// Every file is read and every problem reported, with its place and what to write instead.
/// Exits with 1 where there are errors.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist lint
  hoist lint flags/checkout.yaml --format json
  hoist lint --explain stage-order")]
pub struct Lint {
    /// Files or directories to check [default: the flags directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the findings
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: LintFormat,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// Explain a rule, with an example, and exit
    #[arg(long, value_name = "RULE", conflicts_with_all = ["paths", "deny_warnings"])]
    pub explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    Human,
    Json,
}
