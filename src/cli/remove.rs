use std::path::PathBuf;

use clap::Args;

use super::OperatorFormat;

/// Take flags out of the flag files
///
/// Comments that belong to a flag go with it: those within, and those directly above. Everything else
/// stays; a file with nothing left in it is removed. Several flags are taken out together or not at all.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist remove old_search --src src
  hoist remove old_search old_checkout --dry-run")]
pub struct Remove {
    /// Flags to take out
    #[arg(value_name = "FLAG", required = true)]
    pub flags: Vec<String>,
    /// Look in this directory for code that still names them, between quotes; may be given again
    #[arg(long, value_name = "DIR")]
    pub src: Vec<PathBuf>,
    /// Show what would be written as a diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
