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
  hoist lint --fix --dry-run
  hoist lint --select expired,stale-flag --deny-warnings
  hoist lint --explain stage-order")]
pub struct Lint {
    /// Files or directories to check, or `-` for standard input [default: the flags directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the findings
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: LintFormat,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// Look for these rules only, and for errors that are always errors
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Mend what can be mended safely, in the files themselves
    #[arg(long)]
    pub fix: bool,
    /// Show what `--fix` would change as a diff, and write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Name of the file that is read from standard input
    #[arg(long, value_name = "FILE")]
    pub stdin_filename: Option<PathBuf>,
    /// Explain a rule, with an example, and exit; without one, list them all
    #[arg(
        long,
        value_name = "RULE",
        num_args = 0..=1,
        conflicts_with_all = ["paths", "deny_warnings", "select", "ignore", "fix", "stdin_filename"],
    )]
    pub explain: Option<Option<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    Human,
    Json,
    Sarif,
    Github,
    Junit,
}
