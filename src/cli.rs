//! The command line: argument types only. They are parsed here and resolved against the world in
//! `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

/// Feature flags that live as YAML in git and run from Redis.
#[derive(Debug, Parser)]
#[command(name = "hoist", version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hoist init                     start a flag set in this directory
  hoist lint                     check the flag files
  hoist plan --env production    show what an apply would change
  hoist apply --env production   make the store agree with the flag files

Exit codes: 0 done, or clean; 1 the answer is no; 2 it could not be done; 3 refused")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Run as if started in this directory
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Read this file instead of the nearest hoist.toml [env: HOIST_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Environment of hoist.toml to work on [env: HOIST_ENV]
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<String>,
    /// Store to use instead of the environment's: redis://, rediss://, redis+unix:// or sqlite:
    /// [env: HOIST_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// Seconds to wait for a store
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: std::time::Duration,
    /// Date to take for today, so that a run can be repeated
    #[arg(long, global = true, value_name = "DATE", value_parser = date)]
    pub today: Option<Date>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Print results only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say on stderr which configuration, environment and store are used
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Lint(Lint),
    Plan(Plan),
    Apply(Apply),
    Init(Init),
    /// Print the JSON Schema of flag files
    #[command(after_help = "Example:\n  hoist schema > schema/flags.schema.json")]
    Schema,
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  hoist completions bash > ~/.local/share/bash-completion/completions/hoist"
    )]
    Completions {
        /// Shell to write it for
        shell: clap_complete::Shell,
    },
}

/// Check the flag files
///
/// Every file is read and every problem reported, with its place and what to write instead.
/// Exits with 1 where there are errors.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist lint
  hoist lint flags/checkout.yaml --format json
  hoist lint --explain stage-order")]
pub struct Lint {
    /// Files or directories to check [default: the flags directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the findings
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: LintFormat,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// Explain a rule, with an example, and exit
    #[arg(long, value_name = "RULE", conflicts_with_all = ["paths", "deny_warnings"])]
    pub explain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    Human,
    Json,
}

/// Show what an apply would change in a store
///
/// Nothing is written. The flag files are linted first; errors in them stop the plan.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist plan --env production
  hoist plan --env production --out change.plan && hoist apply change.plan
  hoist plan --exit-code --format json")]
pub struct Plan {
    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlanFormat,
    /// Also write the plan to this file, for `hoist apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 1 where there are changes
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    Human,
    Json,
}

/// Make a store agree with the flag files
///
/// Lints, plans, checks the guards and commits: all of it or nothing. Stages reached and emergency
/// stops in the store are kept. Where nothing differs, nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist apply
  hoist apply --store redis://localhost:6379
  hoist apply --env production --dry-run
  hoist apply change.plan")]
pub struct Apply {
    /// A plan saved by `hoist plan --out`; refused where anything that it touches has moved
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Go as far as the commit, and stop there
    #[arg(long)]
    pub dry_run: bool,
    /// Take over keys that hoist does not manage yet, and write what git says
    #[arg(long)]
    pub adopt: bool,
    /// Consent to delete up to N flags
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = number)]
    pub allow_deletes: usize,
    /// How to print the plan
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlanFormat,
}

/// Start a flag set in this directory
///
/// Writes a hoist.toml, a sample flag file, and the schema that editors complete and check with.
/// Never overwrites: where one of these is there already, it is named and nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hoist init && hoist lint && hoist apply")]
pub struct Init {}

fn date(text: &str) -> Result<Date, String> {
    let strict = text.len() == 10;
    text.parse()
        .ok()
        .filter(|_| strict)
        .ok_or_else(|| "write it as YYYY-MM-DD".into())
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "write a whole number, 0 or more".into())
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let wrong = "write a number of seconds above 0, for example 10 or 0.5";
    let seconds: f64 = text.parse().map_err(|_| wrong)?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(wrong.into());
    }
    Ok(std::time::Duration::from_secs_f64(seconds))
}
