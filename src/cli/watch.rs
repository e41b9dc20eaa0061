use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration;

/// Apply every change of the flag files as it is saved
///
/// Lints and applies once, and then whenever something is saved below the flags directory, in hoist.toml
/// or in the schema, until Ctrl-C. A save with errors changes nothing: the store keeps the last good
/// state. While the store is away, it waits for it. For development: it refuses an environment with
/// `protected_environment = true`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist watch
  hoist watch --store redis://localhost:6379 --bell
  hoist watch --exec 'curl -fsS -X POST localhost:8000/flags/reload'
  hoist watch --format json

A command is run by `sh -c` after each sync that has changed the store. HOIST_GENERATION, HOIST_FLAGS (keys
with a space between them), HOIST_ENVIRONMENT and HOIST_PREFIX tell it what this is about.")]
pub struct Watch {
    /// Apply the files without errors although others have some
    #[arg(long)]
    pub partial: bool,
    /// How long nothing must have been saved before it is looked at
    #[arg(long, value_name = "DURATION", default_value = "20ms", value_parser = duration)]
    pub debounce: Duration,
    /// Look at all files so often, for file systems that tell of no changes
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "500ms",
        value_parser = duration,
    )]
    pub poll: Option<Duration>,
    /// Command to run after each sync
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// Ring the terminal's bell after each sync
    #[arg(long)]
    pub bell: bool,
    /// How to print what happens: for people, or as JSON, one event a line
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: WatchFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WatchFormat {
    Human,
    Json,
}
