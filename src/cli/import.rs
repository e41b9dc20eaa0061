use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Write flag files from a store, or from files of another system
///
/// Without a file, the records in the environment's store become flags: the next apply adopts them
/// and changes nothing. What cannot be carried over is listed with its place and the reason. Flags
/// and files that are there already stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist import --env production --dry-run
  hoist import --env production --into flags/imported.yaml
  hoist import flags.goff.yaml --rename
  hoist import features.yml --from flipt --strict")]
pub struct Import {
    /// Files of flagd, Flipt, GO Feature Flag or Unleash, as YAML or JSON; without one the store is
    /// read
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What to read, where that cannot be told from the files
    #[arg(long, value_name = "SYSTEM")]
    pub from: Option<ImportFrom>,
    /// Write all flags into this file, instead of a file for each
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
    /// Give flags whose keys hoist does not allow one that it does, such as `new_search` for
    /// `newSearch`; code has to ask for that one then
    #[arg(long)]
    pub rename: bool,
    /// Write over files that are there, as long as no other flag is lost with them
    #[arg(long)]
    pub overwrite: bool,
    /// Write nothing unless everything can be carried over as it is
    #[arg(long)]
    pub strict: bool,
    /// Print the files instead of writing them
    #[arg(long)]
    pub dry_run: bool,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: ImportFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFrom {
    /// The environment's store
    Store,
    /// Flag definitions of flagd
    Flagd,
    /// An export or a feature file of Flipt
    Flipt,
    /// A flag file of GO Feature Flag
    Goff,
    /// An export of Unleash
    Unleash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    Human,
    Json,
}
