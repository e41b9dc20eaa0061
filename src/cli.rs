//! The command line: argument types only. They are parsed here and resolved against the world in
//! `commands`. One file a command; what all commands take stands here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use crate::operate::StageName;

mod apply;
mod diff;
mod doctor;
mod eval;
mod history;
mod init;
mod kill;
mod lint;
mod new;
mod operator;
mod plan;
mod promote;
mod remove;
mod restore;
mod rollback;
mod rollout;
#[cfg(feature = "serve")]
mod serve;
mod test;
mod watch;

pub use apply::Apply;
pub use diff::{Diff, DiffFormat};
pub use doctor::Doctor;
pub use eval::{Eval, EvalFormat};
pub use history::{History, HistoryFormat};
pub use init::Init;
pub use kill::Kill;
pub use lint::{Lint, LintFormat};
pub use new::{New, Stages};
pub use operator::OperatorFormat;
pub use plan::{Plan, PlanFormat};
pub use promote::Promote;
pub use remove::Remove;
pub use restore::Restore;
pub use rollback::Rollback;
pub use rollout::{Advance, Pause, Resume, Rollout, RolloutCommand, RolloutStatus};
#[cfg(feature = "serve")]
pub use serve::Serve;
pub use test::{Test, TestFormat};
pub use watch::{Watch, WatchFormat};

/// Feature flags that live as YAML in git and run from Redis.
#[derive(Debug, Parser)]
#[command(name = "hoist", version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hoist init                     start a flag set in this directory
  hoist lint                     check the flag files
  hoist plan --env production    show what an apply would change
  hoist apply --env production   make the store agree with the flag files
  hoist watch                    apply every change as it is saved, for development
  hoist diff main...             show what this branch changes, and what is risky about it
  hoist kill FLAG --reason WHY   turn a flag off at once, whatever git says

Exit codes: 0 done, or clean; 1 the answer is no; 2 it could not be done; 3 refused")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Run as if started in this directory
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Read this file instead of the nearest hoist.toml [env: HOIST_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Environment of hoist.toml to work on, or several, separated by commas [env: HOIST_ENV]
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<String>,
    /// Work on every environment of hoist.toml, for commands that take several
    #[arg(long, global = true, conflicts_with = "env")]
    pub all_envs: bool,
    /// Store to use instead of the environment's: redis://, rediss://, redis+unix://,
    /// redis+sentinel://, redis+cluster:// or sqlite: [env: HOIST_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// Seconds to wait for a store: for one answer, and for a primary that is gone to be found again
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: std::time::Duration,
    /// Replicas that must have a commit before it counts as safe
    #[arg(long, global = true, value_name = "N", value_parser = number)]
    pub wait_replicas: Option<usize>,
    /// Certificate authorities (PEM) to trust instead of the system's [env: HOIST_CA_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Client certificate (PEM) to show to a store [env: HOIST_CERT_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Key of the client certificate (PEM) [env: HOIST_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub key: Option<PathBuf>,
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

impl Global {
    /// Whether the options may name more than one environment.
    #[must_use]
    pub fn names_several(&self) -> bool {
        self.all_envs || self.env.as_ref().is_some_and(|names| names.contains(','))
    }

    /// The same options for one environment.
    #[must_use]
    pub fn for_environment(&self, name: &str) -> Self {
        Self {
            env: Some(name.to_owned()),
            all_envs: false,
            ..self.clone()
        }
    }
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
    Test(Test),
    Plan(Plan),
    Apply(Apply),
    Watch(Watch),
    History(History),
    Rollback(Rollback),
    Eval(Eval),
    Rollout(Rollout),
    Kill(Kill),
    Restore(Restore),
    Diff(Diff),
    Promote(Promote),
    New(New),
    Remove(Remove),
    #[cfg(feature = "serve")]
    Serve(Serve),
    Doctor(Doctor),
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

fn date(text: &str) -> Result<Date, String> {
    let strict = text.len() == 10;
    text.parse()
        .ok()
        .filter(|_| strict)
        .ok_or_else(|| "write it as YYYY-MM-DD".into())
}

fn stage(text: &str) -> Result<StageName, String> {
    text.parse().map_err(str::to_owned)
}

/// `30s`, `1m`, `2h`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = "write a duration of at most 30 days, for example 30s, 1m or 2h";
    let duration: jiff::SignedDuration = text.parse().map_err(|_| wrong)?;
    let limits = std::time::Duration::from_millis(1)..=std::time::Duration::from_hours(30 * 24);
    std::time::Duration::try_from(duration)
        .ok()
        .filter(|duration| limits.contains(duration))
        .ok_or_else(|| wrong.into())
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "write a whole number, 0 or more".into())
}

fn percent(text: &str) -> Result<crate::model::Percent, String> {
    let number = text.parse().ok();
    number
        .and_then(crate::model::Percent::from_f64)
        .ok_or_else(|| "write a number from 0 to 100 with at most 3 decimals".into())
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let wrong = "write a number of seconds above 0, for example 10 or 0.5";
    let seconds: f64 = text.parse().map_err(|_| wrong)?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(wrong.into());
    }
    Ok(std::time::Duration::from_secs_f64(seconds))
}
