//! Where rollouts stand and what is stopped, for people and for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::Value;

use super::operated::{header, painted};
use super::text::visible;
use super::words;
use crate::model::Percent;
use crate::operate::{Hold, Pause, Rollout, State};
use crate::plan::StoreRef;
use crate::record::{Kind, Record, Stop};
use crate::store::Info;

/// Stages that are drawn on each side of the live one.
const AROUND: usize = 4;

/// What a store holds of rollouts and stops.
#[derive(Debug)]
pub struct Rollouts<'a> {
    pub environment: Option<&'a str>,
    pub info: &'a Info,
    pub store: StoreRef,
    /// The store's clock, in seconds since the epoch.
    pub now: f64,
    /// By flag.
    pub flags: Vec<Shown>,
}

/// One flag.
#[derive(Debug)]
pub struct Shown {
    pub flag: String,
    /// Whether hoist manages it.
    pub managed: bool,
    /// None where only the bookkeeping knows of it.
    pub record: Option<Record>,
    pub rollout: Option<Rollout>,
    pub stop: Option<Stop>,
    /// What there is instead of the rollout that hoist has written.
    pub lost: Option<Lost>,
    /// What keeps a rollout that is due where it is.
    pub hold: Option<Hold>,
}

/// What stands in a store where hoist has written a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// No record; what it is instead.
    Unreadable(String),
    /// Nothing.
    Missing,
    /// Another flag's record.
    Replaced,
}

impl Lost {
    fn state(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Missing => "missing",
            Self::Replaced => "replaced",
        }
    }

    /// The same in words.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::Unreadable(what) => format!("unreadable: its key holds {what}"),
            Self::Missing => "missing: its rollout was deleted, and a sync puts it back".to_owned(),
            Self::Replaced => {
                "replaced: another client has made it a flag without stages".to_owned()
            }
        }
    }
}

impl Shown {
    fn state(&self, now: f64) -> &'static str {
        if let Some(lost) = &self.lost {
            return lost.state();
        }
        match (&self.rollout, &self.record) {
            _ if self.stop.is_some() => "stopped",
            (Some(rollout), _) => match rollout.state {
                State::Stopped(_) => "stopped",
                State::Off => "off",
                State::Paused(_) => "paused",
                State::Complete => "complete",
                State::Holding => "holding",
                State::Running { .. } if rollout.is_due(now) => match self.hold {
                    Some(_) => "held",
                    None => "due",
                },
                State::Running { .. } => "running",
            },
            (None, Some(record)) if record.spec.enabled() => "on",
            (None, Some(_)) => "off",
            (None, None) => "missing",
        }
    }

    fn kind(&self) -> &'static str {
        match &self.record {
            None => "no record",
            Some(record) => match record.spec.kind() {
                Kind::Experiment => "experiment",
                Kind::Boolean | Kind::Rollout => "switch",
            },
        }
    }

    fn said(&self, now: f64) -> String {
        if let Some(lost) = &self.lost {
            return lost.said();
        }
        let said = match (&self.rollout, &self.stop, &self.record) {
            (Some(rollout), _, record) => {
                let odd = record
                    .as_ref()
                    .map(|record| words::oddities(rollout, record));
                let hold = self.hold.as_ref().map(|hold| words::held(hold, now));
                words::progress(rollout, now) + &hold.unwrap_or_default() + &odd.unwrap_or_default()
            }
            (None, Some(stop), None) => {
                format!(
                    "stopped{}, also when a sync puts it back",
                    words::of_stop(stop)
                )
            }
            (None, Some(stop), Some(_)) => format!("stopped{}", words::of_stop(stop)),
            (None, None, Some(record)) => words::state(record),
            (None, None, None) => "a sync puts it back".to_owned(),
        };
        if self.managed {
            said
        } else {
            format!("{said} (not managed)")
        }
    }
}

/// Writes one line a flag, and a line that sums them up.
pub fn human(out: &mut dyn Write, rollouts: &Rollouts<'_>, color: bool) -> io::Result<()> {
    let (now, flags) = (rollouts.now, &rollouts.flags);
    header(
        out,
        rollouts.environment,
        rollouts.info,
        &rollouts.store,
        color,
    )?;
    writeln!(out)?;
    let names: Vec<String> = flags.iter().map(|shown| visible(&shown.flag)).collect();
    let ramps: Vec<Ramp> = flags.iter().map(Ramp::new).collect();
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0).min(40);
    let name_width = widest(&mut names.iter().map(|name| name.chars().count()));
    let ramp_width = widest(&mut ramps.iter().map(Ramp::width));
    let bold = painted(color, Style::new().bold());
    for ((shown, name), ramp) in flags.iter().zip(&names).zip(&ramps) {
        write!(out, "  {bold}{name:<name_width$}{bold:#}  ")?;
        ramp.write(out, ramp_width, color)?;
        let style = painted(color, style(shown.state(now)));
        writeln!(out, "  {style}{}{style:#}", visible(&shown.said(now)))?;
    }
    if !flags.is_empty() {
        writeln!(out)?;
    }
    let at = words::time(now).map(|time| format!("At {time}: "));
    writeln!(out, "{}{}", at.unwrap_or_default(), summary(rollouts))
}

fn summary(rollouts: &Rollouts<'_>) -> String {
    let flags = &rollouts.flags;
    if flags.is_empty() {
        return "no rollouts, and nothing is stopped".to_owned();
    }
    let counts = [
        "due",
        "held",
        "running",
        "holding",
        "paused",
        "complete",
        "off",
        "on",
        "stopped",
        "missing",
        "replaced",
        "unreadable",
    ];
    let count = |state: &&str| {
        let found = flags
            .iter()
            .filter(|shown| shown.state(rollouts.now) == *state);
        found.count()
    };
    let parts = counts.iter().map(|state| (count(state), state));
    let parts: Vec<_> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    parts.join(", ")
}

fn style(state: &str) -> Style {
    match state {
        "stopped" | "unreadable" => AnsiColor::Red.on_default().bold(),
        "paused" | "due" | "held" | "missing" | "replaced" => AnsiColor::Yellow.on_default(),
        "off" | "complete" => Style::new().dimmed(),
        _ => Style::new(),
    }
}

/// `1 ━ 5 ━ [25] ─ 50 ─ 100`: what lies behind, where it stands, what is to come.
struct Ramp {
    before: String,
    live: String,
    after: String,
}

impl Ramp {
    fn new(shown: &Shown) -> Self {
        let Some(rollout) = &shown.rollout else {
            return Self {
                before: shown.kind().to_owned(),
                live: String::new(),
                after: String::new(),
            };
        };
        let at = rollout.stage;
        let percentage = |percentage: Option<Percent>| match percentage {
            Some(percentage) => percentage.to_string(),
            None => "?".to_owned(),
        };
        let (mut before, mut after) = (String::new(), String::new());
        if at > AROUND {
            before += "… ━ ";
        }
        for (index, stage) in rollout.stages.iter().enumerate() {
            if index < at && index + AROUND >= at {
                before += &format!("{} ━ ", percentage(stage.percentage));
            } else if index > at && index <= at + AROUND {
                after += &format!(" ─ {}", percentage(stage.percentage));
            }
        }
        if at + AROUND + 1 < rollout.stages.len() {
            after += " ─ …";
        }
        let live = rollout.stages.get(at).and_then(|stage| stage.percentage);
        Self {
            before,
            live: format!("[{}]", percentage(live)),
            after,
        }
    }

    fn width(&self) -> usize {
        let parts = [&self.before, &self.live, &self.after];
        parts.iter().map(|part| part.chars().count()).sum()
    }

    fn write(&self, out: &mut dyn Write, width: usize, color: bool) -> io::Result<()> {
        let live = painted(color, AnsiColor::Green.on_default().bold());
        let dim = painted(color, Style::new().dimmed());
        let room = width.saturating_sub(self.width());
        write!(
            out,
            "{}{live}{}{live:#}{dim}{}{dim:#}{:room$}",
            self.before, self.live, self.after, ""
        )
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    environment: Option<&'a str>,
    store: &'a StoreRef,
    now: f64,
    flags: Vec<FlagDocument<'a>>,
}

#[derive(Serialize)]
struct FlagDocument<'a> {
    flag: &'a str,
    managed: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollout: Option<RolloutDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Since<'a>>,
}

#[derive(Serialize)]
struct RolloutDocument<'a> {
    /// From 1.
    stage: usize,
    stages: Vec<StageDocument>,
    since: Option<f64>,
    due: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<Since<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldDocument<'a>>,
}

#[derive(Serialize)]
struct HoldDocument<'a> {
    since: f64,
    output: &'a str,
}

#[derive(Serialize)]
struct StageDocument {
    percentage: Option<Value>,
    seconds: Option<f64>,
}

#[derive(Serialize)]
struct Since<'a> {
    since: Option<f64>,
    actor: Option<&'a str>,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<f64>,
}

impl<'a> Since<'a> {
    fn stop(stop: &'a Stop) -> Self {
        Self {
            since: stop.since,
            actor: stop.actor.as_deref(),
            reason: stop.reason.as_deref(),
            left: None,
        }
    }

    fn pause(pause: &'a Pause) -> Self {
        Self {
            since: pause.since,
            actor: pause.actor.as_deref(),
            reason: pause.reason.as_deref(),
            left: pause.left,
        }
    }
}

/// The same as a JSON value.
#[must_use]
pub fn json(rollouts: &Rollouts<'_>) -> Value {
    let flag = |shown| flag_document(shown, rollouts.now);
    let document = Document {
        version: 1,
        environment: rollouts.environment,
        store: &rollouts.store,
        now: rollouts.now,
        flags: rollouts.flags.iter().map(flag).collect(),
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn flag_document(shown: &Shown, now: f64) -> FlagDocument<'_> {
    FlagDocument {
        flag: &shown.flag,
        managed: shown.managed,
        state: shown.state(now),
        percentage: shown
            .record
            .as_ref()
            .map(|record| record.percentage.to_json()),
        rollout: shown
            .rollout
            .as_ref()
            .map(|rollout| rollout_document(rollout, shown.hold.as_ref())),
        stop: shown.stop.as_ref().map(Since::stop),
    }
}

fn rollout_document<'a>(rollout: &'a Rollout, hold: Option<&'a Hold>) -> RolloutDocument<'a> {
    let stages = rollout.stages.iter().map(|stage| StageDocument {
        percentage: stage.percentage.map(Percent::to_json),
        seconds: stage.seconds,
    });
    let (due, pause) = match &rollout.state {
        State::Running { due } => (*due, None),
        State::Paused(pause) => (None, Some(Since::pause(pause))),
        State::Stopped(_) | State::Off | State::Complete | State::Holding => (None, None),
    };
    RolloutDocument {
        stage: rollout.stage + 1,
        stages: stages.collect(),
        since: rollout.since,
        due,
        pause,
        hold: hold.map(|hold| HoldDocument {
            since: hold.since,
            output: &hold.said,
        }),
    }
}
