//! A diff for people: one block a flag, the riskiest first, and a line that sums it up.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::diagnostic::{Diagnostic, Severity};
use crate::plan::diff::Part;
use crate::plan::{Action, FieldChange};
use crate::report::text::visible;

use super::diff::{Change, Diff, impact_in_words, shared};
use super::plan_human::{Paint, fields, head, whole};
use super::{Lint, human};

/// Writes the whole diff. `width` is the terminal's, in columns.
///
/// # Errors
/// What `out` fails with.
pub fn diff(out: &mut dyn Write, diff: &Diff<'_>, color: bool, width: usize) -> io::Result<()> {
    let paint = Paint { color };
    let bold = paint.style(Style::new().bold());
    if !diff.errors.is_empty() {
        let lint = Lint {
            diagnostics: diff.errors,
            ..diff.lint
        };
        human::findings(&lint, color, width, out)?;
    }
    writeln!(
        out,
        "{bold}{}{bold:#} → {bold}{}{bold:#} ({})\n",
        visible(&diff.base.name()),
        visible(&diff.head.name()),
        visible(&diff.environments.join(", "))
    )?;
    for change in diff.by_risk() {
        block(out, change, diff.environments, paint)?;
    }
    for note in diff.notes {
        writeln!(out, "note: {}", visible(note))?;
    }
    if !diff.notes.is_empty() {
        writeln!(out)?;
    }
    let findings = diff.findings();
    let separator = if findings.is_empty() { "" } else { ": " };
    writeln!(out, "Diff: {}{separator}{findings}", diff.summary())
}

fn block(
    out: &mut dyn Write,
    change: &Change<'_>,
    environments: &[String],
    paint: Paint,
) -> io::Result<()> {
    let action = change.change.action();
    head(
        out,
        action,
        change.change.key,
        change.source.as_ref(),
        paint,
    )?;
    let (everywhere, own) = shared(&change.change, environments);
    let named = own.len() > 1
        || own
            .iter()
            .any(|(part, _)| part.environments.len() < environments.len());
    if action == Action::Update {
        show_fields(out, &everywhere, paint)?;
    }
    for (part, own) in own {
        let says_nothing = action == Action::Update && own.is_empty() && part.notes.is_empty();
        if named && says_nothing && part.impact.as_ref().is_none_or(|impact| impact.is_none()) {
            continue;
        }
        if named {
            let dim = paint.dim();
            let names = visible(&part.environments.join(", "));
            writeln!(out, "    {dim}in {names}:{dim:#}")?;
        }
        part_of(out, action, part, &own, paint)?;
    }
    for risk in &change.risks {
        self::risk(out, risk, paint)?;
    }
    writeln!(out)
}

fn part_of(
    out: &mut dyn Write,
    action: Action,
    part: &Part,
    own: &[&FieldChange],
    paint: Paint,
) -> io::Result<()> {
    match (&part.before, &part.after) {
        (None, Some(after)) => whole(out, &after.to_json(), "")?,
        (Some(before), None) => whole(out, &before.to_json(), "was ")?,
        _ => show_fields(out, own, paint)?,
    }
    let impact = part.impact.as_ref().filter(|_| action == Action::Update);
    if let Some(words) = impact.and_then(impact_in_words) {
        writeln!(out, "      {words}")?;
    }
    let dim = paint.dim();
    for note in part.notes.iter().filter(|_| action == Action::Update) {
        writeln!(out, "      {dim}note:{dim:#} {}", visible(note))?;
    }
    Ok(())
}

fn show_fields(out: &mut dyn Write, changed: &[&FieldChange], paint: Paint) -> io::Result<()> {
    let changed: Vec<FieldChange> = changed.iter().copied().cloned().collect();
    fields(out, &changed, paint)
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
