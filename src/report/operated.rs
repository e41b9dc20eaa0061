//! What was done to flags by hand or by time, for people and for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Map, Value};

use super::text::visible;
use crate::plan::StoreRef;
use crate::store::Info;

/// What a command did to some flags.
#[derive(Debug)]
pub struct Operated<'a> {
    /// None where a store was named and no environment.
    pub environment: Option<&'a str>,
    pub info: &'a Info,
    /// The store as it is now.
    pub store: StoreRef,
    /// Whether anything was written.
    pub committed: bool,
    /// How many replicas have it, where it waited for them.
    pub replicas: Option<usize>,
    pub flags: &'a [Line],
    /// What to know next.
    pub advice: Vec<String>,
}

/// What was done to one flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub flag: String,
    pub outcome: Outcome,
    /// The same in words.
    pub said: String,
    pub before: Option<Map<String, Value>>,
    pub after: Option<Map<String, Value>>,
    pub gate: Option<GateAnswer>,
}

/// What a gate answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateAnswer {
    /// Its exit code; none where it was not left to end by itself.
    pub exit: Option<i32>,
    /// What it printed, or the end of it.
    pub output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Stopped,
    AlreadyStopped,
    Restored,
    NotStopped,
    Advanced,
    /// At the wanted stage before.
    AtStage,
    Paused,
    AlreadyPaused,
    Resumed,
    NotPaused,
    /// By a gate or a freeze, or since there is no rollout any more.
    Held,
    /// Its time is up, in a dry run.
    Due,
    NotDue,
    /// Somebody else came first.
    Moved,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    environment: Option<&'a str>,
    store: &'a StoreRef,
    committed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<usize>,
    flags: Vec<LineDocument<'a>>,
}

#[derive(Serialize)]
struct LineDocument<'a> {
    flag: &'a str,
    outcome: Outcome,
    said: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'a GateAnswer>,
    before: Option<&'a Map<String, Value>>,
    after: Option<&'a Map<String, Value>>,
}

/// What was done, as a JSON value.
#[must_use]
pub fn json(operated: &Operated<'_>) -> Value {
    let document = Document {
        version: 1,
        environment: operated.environment,
        store: &operated.store,
        committed: operated.committed,
        replicas: operated.replicas,
        flags: operated.flags.iter().map(line_document).collect(),
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn line_document(line: &Line) -> LineDocument<'_> {
    LineDocument {
        flag: &line.flag,
        outcome: line.outcome,
        said: &line.said,
        gate: line.gate.as_ref(),
        before: line.before.as_ref(),
        after: line.after.as_ref(),
    }
}

/// Writes all of it.
pub fn human(out: &mut dyn Write, operated: &Operated<'_>, color: bool) -> io::Result<()> {
    header(
        out,
        operated.environment,
        operated.info,
        &operated.store,
        color,
    )?;
    if !operated.flags.is_empty() {
        writeln!(out)?;
        lines(out, operated.flags, color)?;
    }
    if !operated.advice.is_empty() {
        writeln!(out)?;
    }
    for advice in &operated.advice {
        writeln!(out, "{}", visible(advice))?;
    }
    Ok(())
}

/// `production on redis://host (prefix ff, generation 12)`.
pub fn header(
    out: &mut dyn Write,
    environment: Option<&str>,
    info: &Info,
    store: &StoreRef,
    color: bool,
) -> io::Result<()> {
    let bold = painted(color, Style::new().bold());
    if let Some(environment) = environment {
        write!(out, "{bold}{}{bold:#} on ", visible(environment))?;
    }
    let generation = match store.generation {
        0 => "never written by hoist".into(),
        generation => format!("generation {generation}"),
    };
    writeln!(
        out,
        "{} (prefix {}, {generation})",
        visible(&info.url),
        visible(&store.prefix)
    )
}

/// A line for each flag, and what a gate printed below it.
pub fn lines(out: &mut dyn Write, flags: &[Line], color: bool) -> io::Result<()> {
    let names: Vec<String> = flags.iter().map(|line| visible(&line.flag)).collect();
    let lengths = names.iter().map(|name| name.chars().count());
    let width = lengths.max().unwrap_or(0).min(40);
    let (bold, dim) = (
        painted(color, Style::new().bold()),
        painted(color, Style::new().dimmed()),
    );
    for (line, name) in flags.iter().zip(names) {
        let (sign, style) = sign(line.outcome);
        let style = painted(color, style);
        writeln!(
            out,
            "  {style}{sign}{style:#} {bold}{name:<width$}{bold:#}  {}",
            visible(&line.said)
        )?;
        for text in line.gate.iter().flat_map(|gate| gate.output.lines()) {
            writeln!(out, "      {dim}| {}{dim:#}", visible(text))?;
        }
    }
    Ok(())
}

fn sign(outcome: Outcome) -> (char, Style) {
    let bold = |color: AnsiColor| color.on_default().bold();
    match outcome {
        Outcome::Stopped => ('■', bold(AnsiColor::Red)),
        Outcome::Restored | Outcome::Advanced | Outcome::Resumed => ('▶', bold(AnsiColor::Green)),
        Outcome::Paused => ('‖', bold(AnsiColor::Yellow)),
        Outcome::Held | Outcome::Due => ('…', bold(AnsiColor::Yellow)),
        Outcome::AlreadyStopped
        | Outcome::NotStopped
        | Outcome::AtStage
        | Outcome::AlreadyPaused
        | Outcome::NotPaused
        | Outcome::NotDue
        | Outcome::Moved => ('·', Style::new().dimmed()),
    }
}

pub(super) fn painted(color: bool, style: Style) -> Style {
    if color { style } else { Style::new() }
}
