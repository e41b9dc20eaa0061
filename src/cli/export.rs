use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Write the flags as files of another system
///
/// Reads the flag files, as they are for the environment: a rollout stands at its first stage. What
/// the format has no words for is listed on standard error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist export --format flagd --env production --output flags.flagd.json
  hoist export --format goff --strict > flags.goff.yaml
  hoist export --format openfeature-manifest --output flags.json
  hoist export --format json | jq '.flags | keys'")]
pub struct Export {
    /// What to write
    #[arg(long, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Write to this file instead of standard output; what was in it is replaced
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write nothing unless the format can say everything
    #[arg(long)]
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Flag definitions for flagd, which give everyone the same as hoist
    Flagd,
    /// A flag file for GO Feature Flag
    Goff,
    /// Types and defaults for the OpenFeature CLI, which makes typed code of them
    OpenfeatureManifest,
    /// The records that an apply would write, without their status
    Json,
}
