//! The stages of a rollout: where it stands, and how it moves.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::Draft;
use super::stop::note;
use crate::model::Percent;
use crate::record::{Kind, Record, Stop};

/// A rollout as it stands in a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// One at least.
    pub stages: Vec<Stage>,
    /// Index of the current stage.
    pub stage: usize,
    /// When it began, in seconds since the epoch, where that is known.
    pub since: Option<f64>,
    /// Share of users now.
    pub percentage: Percent,
    pub state: State,
}

/// A gate's answer that a rollout is to stay where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// When it was first given at this stage, in seconds since the epoch.
    pub since: f64,
    /// What the gate printed then.
    pub said: String,
}

/// One stage of a rollout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// `None` where a client has written something that is no percentage.
    pub percentage: Option<Percent>,
    /// How long it lasts, in seconds; a stage without holds until somebody advances it.
    pub seconds: Option<f64>,
}

/// What a rollout does. Of several that hold the first counts.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// In an emergency.
    Stopped(Stop),
    /// Git has it off.
    Off,
    Paused(Pause),
    /// At its last stage.
    Complete,
    /// At a stage without a duration.
    Holding,
    /// The stage ends at `due`, in seconds since the epoch; `None` where nobody knows when it began.
    Running {
        due: Option<f64>,
    },
}

/// A rollout that does not go on for now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pause {
    /// Seconds since the epoch.
    pub since: Option<f64>,
    pub actor: Option<String>,
    pub reason: Option<String>,
    /// Seconds that the stage lasts once the rollout goes on; `None` for a stage that holds.
    pub left: Option<f64>,
}

/// How people name a stage: by its number as it is shown, from 1, or by its percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageName {
    Number(usize),
    Percentage(Percent),
}

/// Why something cannot be done to a flag, as the end of a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfit {
    #[error("is not stopped")]
    NotStopped,
    #[error("is no rollout: it has no stages")]
    NoRollout,
    #[error("has no stage {name}: it has {stages}")]
    NoSuchStage { name: StageName, stages: String },
    #[error("is at its last stage, {0}")]
    LastStage(String),
    #[error("is stopped")]
    Stopped(Stop),
    #[error("is off")]
    Off,
    #[error("is paused")]
    Paused(Pause),
    #[error("is not paused")]
    NotPaused,
    #[error("is at stage {from} already, and stage {to} is before it")]
    Backward { from: usize, to: usize },
    #[error("has no percentage at stage {0} that makes sense")]
    NoPercentage(usize),
}

impl Rollout {
    /// The rollout that `record` is; none where it has no stages.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let stages = record.spec.as_json().get("rollout_stages")?.as_array()?;
        if record.spec.kind() != Kind::Rollout || stages.is_empty() {
            return None;
        }
        let stages: Vec<Stage> = stages.iter().map(Stage::read).collect();
        let status = &record.status;
        // Another client may have left no index, or one out of range: then the share tells.
        let known = status.current_stage().filter(|stage| *stage < stages.len());
        let by_share = || {
            stages
                .iter()
                .rposition(|stage| stage.percentage.is_some_and(|p| p <= record.percentage))
        };
        let stage = known.or_else(by_share).unwrap_or(0);
        let started = status.seconds("stage_started");
        let mut rollout = Self {
            stage,
            since: started.or_else(|| status.seconds("rollout_started")),
            percentage: record.percentage,
            state: State::Off,
            stages,
        };
        rollout.state = rollout.state(record);
        Some(rollout)
    }

    /// How long the current stage lasts, in seconds.
    #[must_use]
    pub fn lasts(&self) -> Option<f64> {
        self.stages.get(self.stage).and_then(|stage| stage.seconds)
    }

    fn state(&self, record: &Record) -> State {
        if let Some(stop) = record.stop() {
            State::Stopped(stop)
        } else if !record.spec.enabled() {
            State::Off
        } else if let Some(pause) = self.pause(record) {
            State::Paused(pause)
        } else if self.is_last(self.stage) {
            State::Complete
        } else if let Some(lasts) = self.lasts() {
            let due = self.since.map(|since| since + lasts);
            State::Running { due }
        } else {
            State::Holding
        }
    }

    fn pause(&self, record: &Record) -> Option<Pause> {
        let status = &record.status;
        status.0.get("paused_at")?;
        let since = status.seconds("paused_at");
        let elapsed = since.zip(self.since);
        let elapsed = elapsed.map_or(0.0, |(end, start)| lasted(start, end));
        Some(Pause {
            since,
            actor: status.note("actor"),
            reason: status.note("reason"),
            left: self.lasts().map(|lasts| (lasts - elapsed).max(0.0)),
        })
    }

    #[must_use]
    pub fn is_last(&self, stage: usize) -> bool {
        stage + 1 >= self.stages.len()
    }

    /// Whether it may be moved at all: one that is stopped, paused or off is not.
    pub fn can_move(&self) -> Result<(), Unfit> {
        match &self.state {
            State::Stopped(stop) => Err(Unfit::Stopped(stop.clone())),
            State::Off => Err(Unfit::Off),
            State::Paused(pause) => Err(Unfit::Paused(pause.clone())),
            State::Complete | State::Holding | State::Running { .. } => Ok(()),
        }
    }

    /// Seconds until the stage's time is up, negative once it is; `None` where it does not run.
    #[must_use]
    pub fn left(&self, now: f64) -> Option<f64> {
        match self.state {
            State::Running { due: Some(due) } => Some(due - now),
            _ => None,
        }
    }

    /// Whether the stage's time is up.
    #[must_use]
    pub fn is_due(&self, now: f64) -> bool {
        self.left(now).is_some_and(|left| left <= 0.0)
    }

    /// Index of the stage that is called so.
    pub fn find(&self, name: StageName) -> Result<usize, Unfit> {
        let found = match name {
            StageName::Number(number) => number.checked_sub(1).filter(|at| *at < self.stages.len()),
            StageName::Percentage(percentage) => self
                .stages
                .iter()
                .position(|stage| stage.percentage == Some(percentage)),
        };
        found.ok_or_else(|| Unfit::NoSuchStage {
            name,
            stages: self.ramp(),
        })
    }

    /// `1 %, 10 %, 100 %`.
    fn ramp(&self) -> String {
        let stages = self.stages.iter().map(|stage| match stage.percentage {
            Some(percentage) => format!("{percentage} %"),
            None => "?".to_owned(),
        });
        stages.collect::<Vec<_>>().join(", ")
    }
}

impl Stage {
    fn read(stage: &Value) -> Self {
        let number = |field: &str| stage.get(field).and_then(Value::as_f64);
        Self {
            percentage: number("percentage").and_then(Percent::nearest),
            seconds: number("duration_hours")
                .map(|hours| hours * 3600.0)
                .filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
        }
    }
}

/// Seconds from one time to another; clocks that were set back have not run backwards.
fn lasted(start: f64, end: f64) -> f64 {
    (end - start).max(0.0)
}

/// The stage that a flag is to be moved to by name: the next one, or the one that is named. Back only
/// where that is meant.
pub fn next_stage(rollout: &Rollout, to: Option<StageName>, back: bool) -> Result<usize, Unfit> {
    rollout.can_move()?;
    let to = match to {
        Some(name) => rollout.find(name)?,
        None if rollout.is_last(rollout.stage) => {
            return Err(Unfit::LastStage(format!("{} %", rollout.percentage)));
        }
        None => rollout.stage + 1,
    };
    if to < rollout.stage && !back {
        return Err(Unfit::Backward {
            from: rollout.stage + 1,
            to: to + 1,
        });
    }
    Ok(to)
}

/// Moves a rollout to the stage with index `to`, which begins now.
pub fn advance(draft: &Draft, to: usize, now: f64) -> Result<Draft, Unfit> {
    let rollout = Rollout::of(draft.record()).ok_or(Unfit::NoRollout)?;
    at_stage(draft, &rollout, to, now)
}

pub(super) fn at_stage(
    draft: &Draft,
    rollout: &Rollout,
    to: usize,
    now: f64,
) -> Result<Draft, Unfit> {
    let stages = draft.record().spec.as_json().get("rollout_stages");
    let percentage = stages.and_then(|stages| stages.get(to)?.get("percentage"));
    let makes_sense = |_: &&Value| {
        rollout
            .stages
            .get(to)
            .is_some_and(|s| s.percentage.is_some())
    };
    let percentage = percentage
        .filter(makes_sense)
        .ok_or(Unfit::NoPercentage(to + 1))?;
    let moved = draft.with([
        ("current_stage", Some(to.into())),
        ("percentage", Some(percentage.clone())),
        ("stage_started", Some(now.into())),
    ]);
    let begun = draft.record().status.seconds("rollout_started");
    Ok(match begun {
        Some(_) => moved,
        None => moved.with([("rollout_started", Some(now.into()))]),
    })
}

/// Stops the clock of a rollout: it stays at its stage, and keeps what is left of it.
pub fn pause(draft: &Draft, reason: &str, actor: Option<&str>, now: f64) -> Result<Draft, Unfit> {
    let rollout = Rollout::of(draft.record()).ok_or(Unfit::NoRollout)?;
    if let State::Stopped(stop) = rollout.state {
        return Err(Unfit::Stopped(stop));
    }
    if let Some(pause) = rollout.pause(draft.record()) {
        return Err(Unfit::Paused(pause));
    }
    Ok(draft.with([
        ("paused_at", Some(now.into())),
        ("note", note(Some(reason), actor)),
    ]))
}

/// Starts the clock of a paused rollout again: the stage has as long left as when it was paused.
pub fn resume(draft: &Draft, now: f64) -> Result<Draft, Unfit> {
    let rollout = Rollout::of(draft.record()).ok_or(Unfit::NoRollout)?;
    if let State::Stopped(stop) = rollout.state {
        return Err(Unfit::Stopped(stop));
    }
    let status = &draft.record().status;
    if !status.0.contains_key("paused_at") {
        return Err(Unfit::NotPaused);
    }
    let paused = status.seconds("paused_at").map(|paused| paused.min(now));
    let elapsed = paused
        .zip(rollout.since)
        .map_or(0.0, |(end, start)| lasted(start, end));
    Ok(draft.with([
        ("stage_started", Some((now - elapsed).into())),
        ("paused_at", None),
        ("note", None),
    ]))
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Percentage(percentage) => write!(f, "of {percentage} %"),
        }
    }
}

impl FromStr for StageName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(percent) = text.strip_suffix('%') {
            let percentage = percent.trim_end().parse().ok().and_then(Percent::from_f64);
            return percentage
                .map(Self::Percentage)
                .ok_or("a percentage is 0% to 100%, with at most 3 decimals");
        }
        match text.parse() {
            Ok(0) => Err("stages count from 1, as `hoist rollout status` shows them"),
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => {
                Err("name a stage by its number, such as 2, or by its percentage, such as 25%")
            }
        }
    }
}
