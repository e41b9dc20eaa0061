use std::time::Duration;

use clap::{Args, Subcommand};

use super::{OperatorFormat, duration, stage};
use crate::operate::StageName;

/// Show rollouts, and move them from stage to stage
///
/// Works on the store alone: no flag file is read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist rollout status --env production --watch
  hoist rollout advance new_checkout --env production
  hoist rollout advance --due --every 1m --env production
  hoist rollout pause new_checkout --reason \"until Monday\" --env production")]
pub struct Rollout {
    #[command(subcommand)]
    pub command: RolloutCommand,
}

#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    Status(RolloutStatus),
    Advance(Advance),
    Pause(Pause),
    Resume(Resume),
}

/// Show where rollouts stand, and what is stopped
///
/// One line a rollout: its stages with the live one marked, how long it has lasted, and when the next
/// is due. Flags that are stopped are shown whatever their kind.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist rollout status
  hoist rollout status new_checkout --env production --watch
  hoist rollout status --format json")]
pub struct RolloutStatus {
    /// Flags to show [default: every rollout, and what is stopped]
    #[arg(value_name = "FLAG")]
    pub flags: Vec<String>,
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// How often, under `--watch`
    #[arg(long, value_name = "DURATION", default_value = "2s", requires = "watch", value_parser = duration)]
    pub interval: Duration,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}

/// Move rollouts to another stage
///
/// By name, to the next stage or to the one that `--to` names; or, with `--due`, every rollout of
/// hoist's whose stage has lasted its time by the store's clock, one stage each. A flag that is
/// stopped, paused or off is not moved.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist rollout advance new_checkout --env production
  hoist rollout advance new_checkout --to 50% --env production
  hoist rollout advance --due --env production
  hoist rollout advance --due --every 1m --gate ./check-errors --env production

A gate is run by `sh -c` before each flag that is due is moved. Exit code 0 moves it, 1 holds it,
2 stops it like `hoist kill`; anything else holds it and is reported. HOIST_FLAG, HOIST_ENVIRONMENT,
HOIST_STAGE, HOIST_STAGES, HOIST_PERCENTAGE, HOIST_STAGE_SECONDS, HOIST_NEXT_STAGE and
HOIST_NEXT_PERCENTAGE tell it what this is about; stages count from 1.")]
pub struct Advance {
    /// Flags to move; with `--due` those among them whose time is up
    #[arg(value_name = "FLAG", required_unless_present = "due")]
    pub flags: Vec<String>,
    /// Stage to move to: its number, from 1, as `hoist rollout status` shows it, or its percentage
    #[arg(long, value_name = "STAGE", value_parser = stage, conflicts_with = "due")]
    pub to: Option<StageName>,
    /// Move to an earlier stage too, which takes the flag from users
    #[arg(long, requires = "to")]
    pub back: bool,
    /// Move every rollout whose stage has lasted its time
    #[arg(long)]
    pub due: bool,
    /// Go on for ever, so often
    #[arg(long, value_name = "DURATION", requires = "due", value_parser = duration)]
    pub every: Option<Duration>,
    /// Command that decides about each flag that is due
    #[arg(long, value_name = "COMMAND", requires = "due", value_parser = command)]
    pub gate: Option<String>,
    /// How long a gate may take
    #[arg(long, value_name = "DURATION", default_value = "1m", requires = "gate", value_parser = duration)]
    pub gate_timeout: Duration,
    /// Say what would be moved, and write nothing; no gate is run
    #[arg(long, conflicts_with = "every")]
    pub dry_run: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Move although the environment is frozen
    #[arg(long)]
    pub ignore_freeze: bool,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}

/// Keep rollouts at their stage
///
/// What is left of the stage is kept for `hoist rollout resume`. Users keep what they have.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hoist rollout pause new_checkout --reason \"until Monday\" --env production")]
pub struct Pause {
    /// Flags to pause; all of them or none
    #[arg(value_name = "FLAG", required = true)]
    pub flags: Vec<String>,
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}

/// Let paused rollouts go on
///
/// The stage has as long left as when it was paused.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hoist rollout resume new_checkout --env production")]
pub struct Resume {
    /// Flags to resume; all of them or none
    #[arg(value_name = "FLAG", required = true)]
    pub flags: Vec<String>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How to print what was done
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: OperatorFormat,
}

/// A command for `sh`. An empty one, of a variable that is not set say, would allow everything.
fn command(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the command is empty: nothing would decide".to_owned());
    }
    Ok(text.to_owned())
}
