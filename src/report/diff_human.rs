//! A diff for people: one block a flag, the riskiest first, and a line that sums it up.

use std::io::{self, Write};

use anstyle::Style;

use crate::impact::{Impact, People};
use crate::plan::diff::Part;
use crate::plan::{Action, FieldChange};
use crate::report::text::visible;

use super::diff::{Change, Diff, shared};
use super::plan_human::{self, Paint, fields, head, whole};
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
    if let Some(affected) = diff.affected {
        plan_human::list_summary(out, affected)?;
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
    for (index, (part, own)) in own.into_iter().enumerate() {
        let shown = Shown {
            action,
            part,
            own: &own,
            people: change.people(index),
        };
        if named && shown.says_nothing() {
            continue;
        }
        if named {
            let dim = paint.dim();
            let names = visible(&part.environments.join(", "));
            writeln!(out, "    {dim}in {names}:{dim:#}")?;
        }
        shown.write(out, paint)?;
    }
    for found in &change.risks {
        plan_human::risk(out, found, paint)?;
    }
    writeln!(out)
}

/// One part of a change.
struct Shown<'a> {
    action: Action,
    part: &'a Part,
    /// The fields that are not the same everywhere.
    own: &'a [&'a FieldChange],
    people: Option<&'a People>,
}

impl Shown<'_> {
    fn says_nothing(&self) -> bool {
        self.action == Action::Update
            && self.own.is_empty()
            && self.part.notes.is_empty()
            && self.impact().is_none()
            && self.people.is_none_or(People::is_none)
    }

    /// A flag that is new shows whom it is for already.
    fn impact(&self) -> Option<&Impact> {
        let impact = self.part.impact.as_ref();
        impact.filter(|impact| self.action != Action::Create && !impact.is_none())
    }

    fn write(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        match (&self.part.before, &self.part.after) {
            (None, Some(after)) => whole(out, &after.to_json(), "")?,
            (Some(before), None) => whole(out, &before.to_json(), "was ")?,
            _ => show_fields(out, self.own, paint)?,
        }
        plan_human::shares(out, self.impact(), self.people, paint)?;
        let dim = paint.dim();
        let notes = self.part.notes.iter();
        for note in notes.filter(|_| self.action != Action::Create) {
            writeln!(out, "      {dim}note:{dim:#} {}", visible(note))?;
        }
        Ok(())
    }
}

fn show_fields(out: &mut dyn Write, changed: &[&FieldChange], paint: Paint) -> io::Result<()> {
    let changed: Vec<FieldChange> = changed.iter().copied().cloned().collect();
    fields(out, &changed, paint)
}
