use clap::Args;

use super::OperatorFormat;

/// Stop flags at once, whatever git says
///
/// Off for everyone, and no sync turns them on again until `hoist restore` does, or git says
/// `enabled: false` and later `enabled: true`. Reads no flag file, and works while others write.
/// A flag that is stopped already keeps its first stop.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist kill new_checkout --reason \"error rate at 4 %\" --env production
  hoist kill new_checkout new_search --reason \"database down\" --store redis://localhost:6379")]
pub struct Kill {
    /// Flags to stop; all of them or none
    #[arg(value_name = "FLAG", required = true)]
    pub flags: Vec<String>,
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// What keys of records begin with, instead of the environment's prefix
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
