use clap::Args;

use super::OperatorFormat;

/// Give an environment the settings that a flag has in another
///
/// Rewrites `environments` of the flag in its file, so that the flag resolves in one environment as it
/// does in the other; comments and everything else stay. Several flags are promoted together or not at
/// all. Then shows the plan that it leads to; nothing is applied.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist promote --from staging --to production new_search
  hoist promote --from staging --to production new_search new_checkout --dry-run")]
pub struct Promote {
    /// Flags to promote
    #[arg(value_name = "FLAG", required = true)]
    pub flags: Vec<String>,
    /// Environment whose settings are taken
    #[arg(long, value_name = "NAME")]
    pub from: String,
    /// Environment that gets them
    #[arg(long, value_name = "NAME")]
    pub to: String,
    /// Show what would be written as a diff, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
