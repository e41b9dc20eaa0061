//! A plan for a comment on a pull request: what stands in its way, risks, then a line a flag, the details
//! folded. What does not fit is counted.

use std::fmt::Write as _;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::eval::grouped;
use crate::impact::{Impact, People, Share};
use crate::plan::guard::Refusal;
use crate::plan::{Change, FieldChange, Plan, Stopped};
use crate::store::Info;

use super::Affected;
use super::diff_markdown::{KEY, LONGEST, cut, fields, more, risk, short};
use super::markdown::{Bounded, Links, code, message, text};
use super::plan_human::{brief, counts};
use super::words;

/// The most that a document may have, in bytes: hosts refuse comments of more than 65,536 characters.
pub const LIMIT: usize = 64_000;
/// Shares of the document after which risks and the table of flags end, in percent; details have the
/// rest.
const RISKS: usize = 38;
const TABLE: usize = 69;
/// What ends the document, in bytes.
const TAIL: usize = 1_500;
/// So many refusals, stopped flags or kept flags are named.
const NAMED: usize = 8;
/// So many fields of one change stand in its line of the table.
const SHOWN: usize = 3;

/// What a document is made of.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    pub plan: &'a Plan,
    pub store: &'a Info,
    pub affected: Option<&'a Affected>,
    /// What an apply would be refused for, or stop at.
    pub refusals: &'a [Refusal],
    pub links: &'a Links,
    /// In bytes.
    pub limit: usize,
}

/// The plan as a Markdown document, ending in a line break.
#[must_use]
pub fn document(document: &Document<'_>) -> String {
    let plan = document.plan;
    let mut out = Bounded::new(document.limit);
    let generation = match plan.store.generation {
        0 => "never written by hoist".to_owned(),
        generation => format!("generation {generation}"),
    };
    let head = format!(
        "### Plan for {}: {}\n\n{} (prefix {}, {generation})\n\n",
        code(&cut(&plan.environment, LONGEST)),
        counts(plan),
        code(&cut(&document.store.url, LONGEST)),
        code(&cut(&plan.store.prefix, LONGEST)),
    );
    out.push(&head, 0);
    refusals(&mut out, document.refusals);
    if let Some(rolled_back) = &plan.rolled_back {
        let words = message(&cut(&rolled_back.words(), LONGEST));
        out.push(&format!("Git is ahead: {words}.\n\n"), 0);
    }
    stopped(&mut out, &plan.stopped);
    let changes = by_risk(plan);
    risks(&mut out, &changes, document.limit);
    table(&mut out, &changes, document);
    details(&mut out, &changes, document);
    kept(&mut out, &plan.kept);
    if let Some(affected) = document.affected {
        let of = format!(
            "\n{} of {} users in {} get something else.\n",
            grouped(affected.affected),
            grouped(affected.users),
            message(&cut(&affected.list, LONGEST))
        );
        out.push(&of, 0);
    }
    out.finish()
}

fn refusals(out: &mut Bounded, refusals: &[Refusal]) {
    for refusal in refusals.iter().take(NAMED) {
        let (said, hint) = (cut(&refusal.message, LONGEST), cut(&refusal.hint, LONGEST));
        let line = format!(
            "> **An apply is refused:** {}<br>{}\n\n",
            message(&said),
            message(&hint)
        );
        out.push(&line, 0);
    }
}

/// What a reviewer must not overlook.
fn stopped(out: &mut Bounded, stopped: &[Stopped]) {
    if stopped.is_empty() {
        return;
    }
    out.push("**Rolled back, and staying off:**\n\n", 0);
    for stop in stopped.iter().take(NAMED) {
        let since = words::since(stop.since, stop.actor.as_deref(), stop.reason.as_deref());
        let line = format!(
            "- {}{}\n",
            code(&cut(&stop.flag, LONGEST)),
            text(&cut(&since, LONGEST))
        );
        out.push(&line, 0);
    }
    more(out, stopped.len().saturating_sub(NAMED), "more flags");
}

/// With their places in the plan: the worst first, then by key.
fn by_risk(plan: &Plan) -> Vec<(usize, &Change)> {
    let mut changes: Vec<_> = plan.changes.iter().enumerate().collect();
    changes.sort_by_key(|(_, change)| {
        let worst = change.risks.iter().map(|risk| risk.severity).max();
        std::cmp::Reverse((change.blocked.is_some(), worst))
    });
    changes
}

fn risks(out: &mut Bounded, changes: &[(usize, &Change)], limit: usize) {
    let mut found: Vec<(&str, &Diagnostic)> = changes
        .iter()
        .flat_map(|(_, change)| change.risks.iter().map(|risk| (change.flag(), risk)))
        .collect();
    found.sort_by_key(|(_, found)| std::cmp::Reverse(found.severity));
    if found.is_empty() {
        return;
    }
    out.push("| level | flag | finding |\n| --- | --- | --- |\n", 0);
    let rows = found
        .into_iter()
        .map(|(flag, found)| risk(found, Some(flag)));
    let left_out = out.push_all(rows, limit * RISKS / 100);
    more(out, left_out, "more like these");
}

fn table(out: &mut Bounded, changes: &[(usize, &Change)], document: &Document<'_>) {
    if changes.is_empty() {
        return;
    }
    out.push(
        "| | flag | change | users |\n| --- | --- | --- | --- |\n",
        0,
    );
    let rows = changes.iter().map(|(index, change)| {
        let people = document.affected.and_then(|affected| affected.of(*index));
        row(change, people, document.links)
    });
    let left_out = out.push_all(rows, document.limit * TABLE / 100);
    more(out, left_out, "more flags");
}

fn row(change: &Change, people: Option<&People>, links: &Links) -> String {
    let source = change.source.as_ref();
    let place = source.map(|source| format!("<br>{}", links.place(&source.file, source.line)));
    let users: Vec<String> = [impact(change), people.and_then(self::people)]
        .into_iter()
        .flatten()
        .collect();
    format!(
        "| {} | {}{} | {} | {} |\n",
        change.action,
        code(&cut(change.flag(), KEY)),
        place.unwrap_or_default(),
        what(change),
        users.join("<br>")
    )
}

/// What a change does, in a cell.
fn what(change: &Change) -> String {
    let said = match (change.before(), change.after()) {
        _ if change.blocked.is_some() => None,
        (None, Some(after)) => Some(brief(&after, "")),
        (Some(before), None) => Some(brief(&before, "was ")),
        _ => None,
    };
    if let Some(said) = said {
        return text(&cut(&said, LONGEST));
    }
    let fields = change.fields();
    let mut lines: Vec<String> = fields.iter().take(SHOWN).map(short).collect();
    if fields.len() > SHOWN {
        lines.push(format!("and {} more", fields.len() - SHOWN));
    }
    lines.join("<br>")
}

/// Shares of users as a bar, and in words.
fn impact(change: &Change) -> Option<String> {
    let impact = change.impact().filter(|_| change.blocked.is_none());
    let impact = impact.filter(|impact| !impact.is_none())?;
    Some(with_bar(&impact))
}

/// A bar, and the shares in words.
pub(super) fn with_bar(impact: &Impact) -> String {
    text(&format!("{} {impact}", bar(impact)))
}

/// `▓▓░░░░░░░░`: the share of all users for whom something changes. One cell is there for any of them,
/// and only all of them fill it.
fn bar(impact: &Impact) -> String {
    const CELLS: u64 = 10;
    let share = impact.gained.0 + impact.lost.0 + impact.moved.0;
    let cells = (share * CELLS / Share::ALL.0).clamp(u64::from(share > 0), CELLS);
    let cell = |at: u64| if at < cells { '▓' } else { '░' };
    (0..CELLS).map(cell).collect()
}

fn people(people: &People) -> Option<String> {
    let said = (!people.is_none()).then(|| cut(&people.to_string(), LONGEST));
    said.map(|said| format!("of the list {}", text(&said)))
}

fn details(out: &mut Bounded, changes: &[(usize, &Change)], document: &Document<'_>) {
    let open = "<details><summary>Details</summary>\n\n";
    if changes.is_empty() || !out.push(open, TAIL) {
        return;
    }
    let details = changes
        .iter()
        .map(|(_, change)| detail(change, document.links));
    let left_out = out.push_all(details, document.limit.saturating_sub(TAIL));
    if left_out > 0 {
        let said = format!("… and {left_out} more flags, which are too much for a comment\n\n");
        out.push(&said, 0);
    }
    out.push("</details>\n", 0);
}

fn detail(change: &Change, links: &Links) -> String {
    let source = change.source.as_ref();
    let place = source.map(|source| format!(", {}", links.place(&source.file, source.line)));
    let mut detail = format!(
        "**{}** {}{}\n\n",
        text(&cut(change.flag(), LONGEST)),
        change.action,
        place.unwrap_or_default()
    );
    // A list or a map that comes or goes with its flag says something only where it is not empty.
    let is_empty = |value: &Option<Value>| match value {
        None => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    let mut changed = change.fields();
    changed.retain(|field| !is_empty(&field.before) || !is_empty(&field.after));
    fields(&mut detail, &changed.iter().collect::<Vec<&FieldChange>>());
    let notes = change.notes.iter().chain(&change.blocked).cloned();
    for note in notes.chain(change.impact_notes()) {
        let _ = writeln!(detail, "{}\n", message(&cut(&note, LONGEST)));
    }
    detail
}

fn kept(out: &mut Bounded, kept: &[String]) {
    if kept.is_empty() {
        return;
    }
    let named: Vec<String> = kept
        .iter()
        .take(NAMED)
        .map(|flag| code(&cut(flag, LONGEST)))
        .collect();
    let rest = match kept.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let line = format!(
        "\nNo longer in the flag set, and kept, since `prune` is false: {}{rest}.\n",
        named.join(", ")
    );
    out.push(&line, 0);
}
