use clap::Args;

/// Start a flag set in this directory
///
/// Writes a hoist.toml, a sample flag file, and the schema that editors complete and check with.
/// Never overwrites: where one of these is there already, it is named and nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hoist init && hoist lint && hoist apply")]
pub struct Init {}
