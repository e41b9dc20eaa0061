use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Show which flags are due for removal
///
/// A flag is due that has been on for everyone for days, has expired, is an experiment past its end, was
/// stopped and forgotten, or that no code refers to. Each is listed with the evidence, in the order in
/// which to remove them. Since when a flag is on for everyone is read from the store of the environment that
/// is named, else from git.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist stale                               by the flag files and their git history
  hoist stale --env production --src src    by the store and the code as well
  hoist stale --live --env production       by the store alone, without a flag file
  hoist stale --days 14 --format markdown --fail")]
pub struct Stale {
    /// Days that a flag may be on for everyone, or stay stopped, before it is due
    #[arg(long, value_name = "N", default_value = "30", value_parser = days)]
    pub days: u32,
    /// Look in the code below this directory too; may be given several times [default: `src` of `[refs]`
    /// in hoist.toml]
    #[arg(long, value_name = "DIR")]
    pub src: Vec<PathBuf>,
    /// Judge what the store holds, and read no flag file
    #[arg(long)]
    pub live: bool,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: StaleFormat,
    /// Exit with 1 where a flag is due
    #[arg(long)]
    pub fail: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StaleFormat {
    Human,
    Json,
    Markdown,
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| *days <= 36_500);
    days.ok_or_else(|| "write a whole number of days, at most 36500".into())
}
