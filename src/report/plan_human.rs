//! A plan for people: one block a flag, what it is before and after, and a line that sums it up.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use crate::diagnostic::{Diagnostic, Severity};
use crate::impact::{Impact, People};
use crate::plan::{Action, Change, FieldChange, Plan, Source, Stopped};
use crate::record::stage_in_words;
use crate::report::Affected;
use crate::report::text::visible;
use crate::store::Info;

mod impact;

pub(super) use impact::summary as list_summary;

/// Values longer than this, in characters, are shown as a diff of lines.
const LONG: usize = 48;

/// Writes the whole plan, and what it does to the users of a list.
pub fn plan(
    out: &mut dyn Write,
    plan: &Plan,
    store: &Info,
    affected: Option<&Affected>,
    color: bool,
) -> io::Result<()> {
    let paint = Paint { color };
    header(out, plan, store, paint)?;
    if let Some(rolled_back) = &plan.rolled_back {
        let words = visible(&rolled_back.words());
        writeln!(out, "  Git is ahead: {words}.\n")?;
    }
    for (index, change) in plan.changes.iter().enumerate() {
        let people = affected.and_then(|affected| affected.of(index));
        block(out, change, people, paint)?;
    }
    stopped(out, &plan.stopped, paint)?;
    for flag in &plan.kept {
        writeln!(
            out,
            "  {} is no longer in the flag set; it stays, since `prune` is false",
            visible(flag)
        )?;
    }
    if !plan.kept.is_empty() {
        writeln!(out)?;
    }
    if let Some(affected) = affected {
        impact::summary(out, affected)?;
    }
    writeln!(out, "{}", summary(plan))
}

fn header(out: &mut dyn Write, plan: &Plan, store: &Info, paint: Paint) -> io::Result<()> {
    let bold = paint.style(Style::new().bold());
    let generation = match plan.store.generation {
        0 => "never written by hoist".into(),
        generation => format!("generation {generation}"),
    };
    writeln!(
        out,
        "{bold}{}{bold:#} on {} (prefix {}, {generation})\n",
        visible(&plan.environment),
        visible(&store.url),
        visible(&store.prefix)
    )
}

#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub color: bool,
}

impl Paint {
    pub(super) fn style(self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    fn action(self, action: Action) -> Style {
        let color = match action {
            Action::Create | Action::Adopt => AnsiColor::Green,
            Action::Update => AnsiColor::Yellow,
            Action::Drift => AnsiColor::Magenta,
            Action::Conflict | Action::Delete | Action::Forget => AnsiColor::Red,
        };
        self.style(color.on_default().bold())
    }

    pub(super) fn dim(self) -> Style {
        self.style(Style::new().dimmed())
    }
}

fn sign(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Adopt => '=',
        Action::Conflict => '!',
        Action::Update => '~',
        Action::Drift => '≠',
        Action::Delete | Action::Forget => '-',
    }
}

fn block(
    out: &mut dyn Write,
    change: &Change,
    people: Option<&People>,
    paint: Paint,
) -> io::Result<()> {
    let dim = paint.dim();
    let source = change.source.as_ref();
    head(out, change.action, change.flag(), source, paint)?;
    match (change.before(), change.after()) {
        _ if change.blocked.is_some() => {}
        (None, Some(after)) => whole(out, &after, "")?,
        (Some(before), None) => whole(out, &before, "was ")?,
        _ => fields(out, &change.fields(), paint)?,
    }
    let effect = impact::Effect::new(change);
    effect.lines(out, people, paint)?;
    let notes = change.notes.iter().chain(&change.blocked);
    for note in notes.chain(&effect.notes) {
        writeln!(out, "      {dim}note:{dim:#} {}", visible(note))?;
    }
    for found in &change.risks {
        risk(out, found, paint)?;
    }
    writeln!(out)
}

/// What a change does to people, in shares and of a list.
pub(super) fn shares(
    out: &mut dyn Write,
    impact: Option<&Impact>,
    people: Option<&People>,
    paint: Paint,
) -> io::Result<()> {
    let shares = impact.map(ToString::to_string);
    impact::lines(out, shares.as_deref(), people, paint)
}

/// What a rule about change found, and what to do about it.
pub(super) fn risk(out: &mut dyn Write, found: &Diagnostic, paint: Paint) -> io::Result<()> {
    let color = match found.severity {
        Severity::Error => AnsiColor::BrightRed,
        Severity::Warning => AnsiColor::Yellow,
    };
    let style = paint.style(color.on_default().bold());
    let dim = paint.dim();
    writeln!(
        out,
        "      {style}{}[{}]{style:#}: {}",
        found.severity,
        found.rule,
        visible(&found.message)
    )?;
    match &found.help {
        Some(help) => writeln!(out, "        {dim}help:{dim:#} {}", visible(help)),
        None => Ok(()),
    }
}

/// `~ update   new_search  flags/search.yaml:2`
pub(super) fn head(
    out: &mut dyn Write,
    action: Action,
    flag: &str,
    source: Option<&Source>,
    paint: Paint,
) -> io::Result<()> {
    let (style, dim, bold) = (
        paint.action(action),
        paint.dim(),
        paint.style(Style::new().bold()),
    );
    write!(
        out,
        "  {style}{} {:<8}{style:#} {bold}{}{bold:#}",
        sign(action),
        action.as_str(),
        visible(flag)
    )?;
    match source {
        Some(source) => writeln!(
            out,
            "  {dim}{}:{}{dim:#}",
            visible(&source.file),
            source.line
        ),
        None => writeln!(out),
    }
}

/// A record that comes or goes: what matters of it, in a line or two.
pub(super) fn whole(out: &mut dyn Write, record: &Map<String, Value>, was: &str) -> io::Result<()> {
    writeln!(out, "      {}", brief(record, was))?;
    for field in ["allowed_users", "allowed_groups", "forced"] {
        if let Some(list) = record.get(field).filter(|list| !is_empty(list)) {
            writeln!(out, "      {field} {}", shorten(&compact(list)))?;
        }
    }
    Ok(())
}

/// Who has it, in one line: `on for 10 % of users`.
pub(super) fn brief(record: &Map<String, Value>, was: &str) -> String {
    let on = record.get("enabled") == Some(&Value::Bool(true));
    let share = match record.get("percentage") {
        Some(percentage) if percentage.as_f64() == Some(100.0) => "everyone".to_owned(),
        percentage => format!("{} % of users", percentage.map(compact).unwrap_or_default()),
    };
    let line = if let Some(stages) = record.get("rollout_stages").and_then(Value::as_array) {
        let number = record
            .get("current_stage")
            .and_then(Value::as_u64)
            .map_or(1, |stage| stage + 1);
        format!(
            "for {share}, stage {number} of {}: {}",
            stages.len(),
            ramp(stages)
        )
    } else if let Some(variants) = record.get("variants").and_then(Value::as_object) {
        let arms: Vec<_> = variants
            .iter()
            .map(|(name, weight)| format!("{} {} %", visible(name), compact(weight)))
            .collect();
        format!("for {share}, an experiment: {}", arms.join(", "))
    } else {
        format!("for {share}")
    };
    match (on, was) {
        (true, was) => format!("{was}on {line}"),
        (false, "") => format!("off; once it is on, {line}"),
        (false, was) => format!("{was}off"),
    }
}

/// `1 % for 2h, 100 %`.
fn ramp(stages: &[Value]) -> String {
    stages.iter().map(stage).collect::<Vec<_>>().join(", ")
}

fn stage(stage: &Value) -> String {
    visible(&stage_in_words(stage))
}

/// A line for each field, or several for a long one.
pub(super) fn fields(out: &mut dyn Write, fields: &[FieldChange], paint: Paint) -> io::Result<()> {
    let width = fields
        .iter()
        .map(|field| field.path.chars().count())
        .max()
        .unwrap_or(0)
        .min(24);
    for field in fields {
        let (before, after) = (side(field.before.as_ref()), side(field.after.as_ref()));
        let path = visible(&field.path);
        if field.path == "rollout_stages" || before.chars().count() + after.chars().count() > LONG {
            writeln!(out, "      {path}")?;
            lines(out, field, paint)?;
        } else {
            writeln!(out, "      {path:<width$}  {before} → {after}")?;
        }
    }
    Ok(())
}

/// The lines of a long value that differ, with one line around them.
fn lines(out: &mut dyn Write, field: &FieldChange, paint: Paint) -> io::Result<()> {
    for (sign, line) in line_diff(field) {
        let style = match sign {
            '-' => paint.style(AnsiColor::Red.on_default()),
            '+' => paint.style(AnsiColor::Green.on_default()),
            '…' => {
                writeln!(out, "          …")?;
                continue;
            }
            _ => paint.dim(),
        };
        writeln!(out, "        {style}{sign} {line}{style:#}")?;
    }
    Ok(())
}

/// The same as `-`, `+` or a space, and the line; `…` where lines are left out.
pub(super) fn line_diff(field: &FieldChange) -> Vec<(char, String)> {
    let text =
        |value: Option<&Value>| value.map_or_else(String::new, |value| parts(&field.path, value));
    let (before, after) = (text(field.before.as_ref()), text(field.after.as_ref()));
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(1).iter().enumerate() {
        if index > 0 {
            lines.push(('…', String::new()));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push((sign, visible(change.value().trim_end())));
        }
    }
    lines
}

/// A value with a line for each of its parts, so that only the parts that differ are shown.
fn parts(path: &str, value: &Value) -> String {
    let lines: Vec<String> = match value {
        Value::Array(stages) if path == "rollout_stages" => stages.iter().map(stage).collect(),
        Value::Array(list) => list.iter().map(compact).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| format!("{}: {}", visible(name), compact(value)))
            .collect(),
        Value::String(text) => text.lines().map(visible).collect(),
        value => vec![compact(value)],
    };
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn side(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), compact)
}

fn compact(value: &Value) -> String {
    match value {
        // Plain words read better without quotes.
        Value::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) => {
            visible(text)
        }
        value => visible(&value.to_string()),
    }
}

fn shorten(text: &str) -> String {
    const WIDTH: usize = 80;
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let start: String = text.chars().take(WIDTH).collect();
    format!("{start}…")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Emergency stops stand apart from the changes: they are what a reviewer must not overlook.
fn stopped(out: &mut dyn Write, stopped: &[Stopped], paint: Paint) -> io::Result<()> {
    if stopped.is_empty() {
        return Ok(());
    }
    let red = paint.style(AnsiColor::Red.on_default().bold());
    writeln!(out, "  {red}Rolled back, and staying off:{red:#}")?;
    for stop in stopped {
        let since = stop
            .since
            .and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
        let since = since
            .map(|since| since.strftime(" since %Y-%m-%d %H:%M UTC").to_string())
            .unwrap_or_default();
        let by = stop
            .actor
            .as_ref()
            .map(|actor| format!(" by {actor}"))
            .unwrap_or_default();
        let reason = stop
            .reason
            .as_ref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        writeln!(
            out,
            "    {}",
            visible(&format!("{}{since}{by}{reason}", stop.flag))
        )?;
    }
    writeln!(out)
}

/// A change in one line: `~ new_search  percentage 10 → 25`.
pub(super) fn line(change: &Change, color: bool) -> String {
    let paint = Paint { color };
    let (style, bold) = (
        paint.action(change.action),
        paint.style(Style::new().bold()),
    );
    let what = match (change.before(), change.after()) {
        (None, Some(after)) => brief(&after, ""),
        (Some(before), None) => brief(&before, "was "),
        _ => {
            let fields = change.fields();
            let field = |field: &FieldChange| {
                let (before, after) = (side(field.before.as_ref()), side(field.after.as_ref()));
                let path = visible(&field.path);
                format!("{path} {} → {}", shorten(&before), shorten(&after))
            };
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    };
    let (sign, flag) = (sign(change.action), visible(change.flag()));
    format!("{style}{sign}{style:#} {bold}{flag}{bold:#}  {what}")
}

/// `Plan: 3 to create, 1 to update; 8 unchanged, 2 unmanaged: 1 warning`.
#[must_use]
pub fn summary(plan: &Plan) -> String {
    format!("Plan: {}", counts(plan))
}

/// `3 to create, 1 to update; 8 unchanged, 2 unmanaged: 1 warning`.
#[must_use]
pub fn counts(plan: &Plan) -> String {
    let verb = |action: Action| match action {
        Action::Drift => "to put right",
        Action::Conflict => "in conflict",
        Action::Create => "to create",
        Action::Adopt => "to adopt",
        Action::Update => "to update",
        Action::Delete => "to delete",
        Action::Forget => "to forget",
    };
    let parts: Vec<_> = Action::ALL
        .iter()
        .map(|action| (plan.count(*action), *action))
        .filter(|(count, _)| *count > 0)
        .map(|(count, action)| format!("{count} {}", verb(action)))
        .collect();
    let changes = if parts.is_empty() {
        "nothing to change".into()
    } else {
        parts.join(", ")
    };
    let mut rest = vec![format!("{} unchanged", plan.unchanged)];
    if plan.unmanaged > 0 {
        rest.push(format!("{} unmanaged", plan.unmanaged));
    }
    if !plan.kept.is_empty() {
        rest.push(format!("{} kept", plan.kept.len()));
    }
    if !plan.stopped.is_empty() {
        rest.push(format!("{} rolled back", plan.stopped.len()));
    }
    let mut risks = Vec::new();
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        match plan.risks(severity) {
            0 => {}
            1 => risks.push(format!("1 {word}")),
            number => risks.push(format!("{number} {word}s")),
        }
    }
    let separator = if risks.is_empty() { "" } else { ": " };
    format!(
        "{changes}; {}{separator}{}",
        rest.join(", "),
        risks.join(", ")
    )
}
