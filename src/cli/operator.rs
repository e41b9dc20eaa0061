//! What the commands of operators have in common.

use clap::ValueEnum;

/// How to print what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OperatorFormat {
    Human,
    Json,
}
