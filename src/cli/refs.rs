use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Show where code refers to each flag
///
/// Looks through code for the keys of flags between quotes, and for the aliases and patterns of `[refs]`
/// in hoist.toml. Lists every place, flags that are never referred to, and calls of flag clients with a key
/// that no flag has. What git ignores is passed over, and so is what `.ignore` files name.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist refs --src src --src web
  hoist refs --src src new_search
  hoist refs --unused
  hoist refs --unknown --deny-unknown --format github")]
pub struct Refs {
    /// Flags to show [default: all]
    #[arg(value_name = "FLAG")]
    pub flags: Vec<String>,
    /// Directory of code; may be given several times [default: `src` of `[refs]` in hoist.toml]
    #[arg(long, value_name = "DIR")]
    pub src: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: RefsFormat,
    /// Show only flags that are never referred to
    #[arg(long)]
    pub unused: bool,
    /// Show only calls with a key that no flag has
    #[arg(long, conflicts_with = "flags")]
    pub unknown: bool,
    /// Exit with 1 where a flag is never referred to
    #[arg(long)]
    pub deny_unused: bool,
    /// Exit with 1 where there is a call with a key that no flag has
    #[arg(long, conflicts_with = "flags")]
    pub deny_unknown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RefsFormat {
    Human,
    Json,
    Sarif,
    Github,
}
