use clap::Args;

use super::{OperatorFormat, number};

/// Put the specs of an earlier generation back
///
/// Shows what that changes, and commits it. Stages reached and emergency stops are kept. Until the
/// flag files change, `hoist apply` refuses to bring back what was taken back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist rollback --last --env production --dry-run
  hoist rollback --last --env production --reason 'errors in the checkout'
  hoist rollback 41 --env production

`hoist history` shows the generations.")]
#[command(group = clap::ArgGroup::new("where").required(true))]
pub struct Rollback {
    /// Generation to go back to: the store as that commit left it
    #[arg(value_name = "GENERATION", group = "where")]
    pub generation: Option<u64>,
    /// Take back the last apply or rollback, and what happened to its flags since
    #[arg(long, group = "where")]
    pub last: bool,
    /// Why, for the history and for whoever plans next
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Consent to delete up to N flags
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = number)]
    pub allow_deletes: usize,
    /// How to print what changes
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
