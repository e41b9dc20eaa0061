use clap::Args;

use super::OperatorFormat;

/// Look for what can lose flags in a store
///
/// Looks at the server's settings and state, at the rights of the user, and at hoist's records and
/// bookkeeping, or at the SQLite file. Each finding comes with the command that mends it, where there
/// is one; nothing is changed. Ends with 1 where there is an error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist doctor --env production
  hoist doctor --store redis://localhost:6379 --format json")]
pub struct Doctor {
    /// What keys of records begin with, instead of the environment's prefix
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}
