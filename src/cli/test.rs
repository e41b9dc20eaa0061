use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Run the tests that flags carry
///
/// Each entry under `tests` of a flag says what somebody is to get; here they are asked. Needs no
/// store. `hoist apply` runs them too, before it plans, and stops where one fails. Exits with 1
/// where a test fails.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist test
  hoist test flags/checkout.yaml
  hoist test --format junit > tests.xml")]
pub struct Test {
    /// Files or directories whose flags to test [default: the flags directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the results
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: TestFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    Human,
    Json,
    Junit,
}
