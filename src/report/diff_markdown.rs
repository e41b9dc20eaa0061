//! A diff for a comment on a pull request: risks first, then a line a flag, the details folded.
//!
//! Hosts refuse comments of more than 65,536 characters, so what does not fit is counted.

use std::fmt::Write as _;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::eval::grouped;
use crate::plan::diff::Part;
use crate::plan::{Action, FieldChange};

use super::diff::{ACTIONS, Change, Diff, Side, shared};
use super::markdown::{Bounded, Links, block, code, message, text};
use super::plan_human::{brief, line_diff};
use super::plan_markdown::with_bar;
use super::text::visible;

/// The whole document, in bytes.
const LIMIT: usize = 64_000;
/// Risks end here, and the table of flags there; details have the rest.
const RISKS: usize = 24_000;
const TABLE: usize = 44_000;
/// What ends the document, in bytes.
const TAIL: usize = 600;
/// A value longer than this, in characters, is cut.
pub(super) const LONGEST: usize = 400;
/// So many characters of a key stand in a table, where nothing breaks it; the details have all of it.
pub(super) const KEY: usize = 48;
/// So many lines of a field are shown.
const LINES: usize = 40;
/// So many fields of one change stand in its line of the table.
const SHOWN: usize = 3;

/// The diff as a Markdown document, ending in a line break.
#[must_use]
pub fn document(diff: &Diff<'_>, links: &Links) -> String {
    let mut out = Bounded::new(LIMIT);
    let findings = diff.findings();
    let findings = if findings.is_empty() {
        String::new()
    } else {
        format!(": **{findings}**")
    };
    out.push(
        &format!(
            "### Feature flags: {}{findings}\n\n{} → {}, in {}\n\n",
            diff.summary(),
            side(diff.base),
            side(diff.head),
            environments(diff.environments)
        ),
        0,
    );
    risks(&mut out, diff);
    table(&mut out, diff, links);
    details(&mut out, diff, links);
    if let Some(affected) = diff.affected {
        let of = format!(
            "\n{} of {} user{} in {} get{} something else.\n",
            grouped(affected.affected),
            grouped(affected.users),
            if affected.users == 1 { "" } else { "s" },
            message(&cut(&affected.list, LONGEST)),
            if affected.affected == 1 { "s" } else { "" }
        );
        out.push(&of, 0);
    }
    for note in diff.notes {
        out.push(&format!("\n{}.\n", message(&cut(note, LONGEST))), 0);
    }
    out.finish()
}

fn side(side: &Side) -> String {
    let name = cut(&side.name(), LONGEST);
    match side.revision {
        Some(_) => code(&name),
        None => name,
    }
}

fn environments(names: &[String]) -> String {
    const MOST: usize = 10;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| code(name)).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn risks(out: &mut Bounded, diff: &Diff<'_>) {
    let mut found: Vec<&Diagnostic> = diff.errors.iter().collect();
    let risks = diff.by_risk().into_iter().flat_map(|change| &change.risks);
    found.extend(risks);
    found.sort_by_key(|found| std::cmp::Reverse(found.severity));
    if found.is_empty() {
        return;
    }
    out.push("| level | flag | finding |\n| --- | --- | --- |\n", 0);
    let rows = found
        .into_iter()
        .map(|found| risk(found, found.flag.as_deref()));
    let left_out = out.push_all(rows, RISKS);
    more(out, left_out, "more like these");
}

/// A line of the table of findings.
pub(super) fn risk(found: &Diagnostic, flag: Option<&str>) -> String {
    let flag = flag.map(|flag| code(&cut(flag, KEY))).unwrap_or_default();
    let help = found
        .help
        .as_ref()
        .map(|help| format!("<br>{}", message(&cut(help, LONGEST))))
        .unwrap_or_default();
    format!(
        "| **{}** `{}` | {flag} | {}{help} |\n",
        found.severity,
        found.rule,
        message(&cut(&found.message, LONGEST))
    )
}

fn table(out: &mut Bounded, diff: &Diff<'_>, links: &Links) {
    if diff.changes.is_empty() {
        return;
    }
    out.push(
        "| | flag | change | users |\n| --- | --- | --- | --- |\n",
        0,
    );
    let rows = diff.by_risk().into_iter();
    let rows = rows.map(|change| row(change, diff.environments, links));
    let left_out = out.push_all(rows, TABLE);
    more(out, left_out, "more flags");
}

/// Ends a table, and counts what did not fit.
pub(super) fn more(out: &mut Bounded, left_out: usize, what: &str) {
    let text = match left_out {
        0 => "\n".to_owned(),
        count => format!("\n… and {count} {what}\n\n"),
    };
    out.push(&text, 0);
}

fn verb(action: Action) -> &'static str {
    let known = ACTIONS.iter().find(|(known, _)| *known == action);
    known.map_or("", |(_, verb)| verb)
}

fn row(change: &Change<'_>, all: &[String], links: &Links) -> String {
    let action = change.change.action();
    let (everywhere, own) = shared(&change.change, all);
    let partial = |part: &Part| part.environments.len() < all.len();
    let mut cells: Vec<String> = Vec::new();
    if action == Action::Update {
        let own = own.iter().flat_map(|(part, fields)| {
            let of = if partial(part) {
                format!(" in {}", environments(&part.environments))
            } else {
                String::new()
            };
            fields
                .iter()
                .map(move |field| format!("{}{of}", short(field)))
        });
        let mut fields: Vec<String> = everywhere.into_iter().map(short).chain(own).collect();
        let left_out = fields.len().saturating_sub(SHOWN);
        fields.truncate(SHOWN);
        if left_out > 0 {
            fields.push(format!("and {left_out} more"));
        }
        cells.push(fields.join("<br>"));
    } else {
        cells.push(each(change, all, |_, part| {
            let was = if part.after.is_none() { "was " } else { "" };
            let record = part.after.as_ref().or(part.before.as_ref());
            record.map(|record| text(&brief(&record.to_json(), was)))
        }));
    }
    cells.push(each(change, all, |index, part| {
        let impact = part.impact.as_ref().filter(|impact| !impact.is_none());
        let shares = impact.map(with_bar);
        let people = change.people(index).filter(|people| !people.is_none());
        let people = people.map(|people| {
            let people = cut(&people.to_string(), LONGEST);
            format!("of the list {}", text(&people))
        });
        let lines: Vec<String> = shares.into_iter().chain(people).collect();
        (!lines.is_empty()).then(|| lines.join("<br>"))
    }));
    // What is gone stands in no file of now.
    let source = change.source.as_ref().filter(|_| action != Action::Delete);
    let place = source.map(|source| format!("<br>{}", links.place(&source.file, source.line)));
    format!(
        "| {} | {}{} | {} |\n",
        verb(action),
        code(&cut(change.change.key, KEY)),
        place.unwrap_or_default(),
        cells.join(" | ")
    )
}

/// A line of a cell for each part, which names its environments where it is not of all.
fn each(
    change: &Change<'_>,
    all: &[String],
    say: impl Fn(usize, &Part) -> Option<String>,
) -> String {
    const MOST: usize = 4;
    let parts = change.change.parts.iter().take(MOST).enumerate();
    let lines: Vec<String> = parts
        .filter_map(|(index, part)| {
            let said = say(index, part)?;
            Some(if part.environments.len() < all.len() {
                format!("{}: {said}", environments(&part.environments))
            } else {
                said
            })
        })
        .collect();
    lines.join("<br>")
}

/// `percentage` `10` → `25`; a long value is told of, and stands in the details.
pub(super) fn short(field: &FieldChange) -> String {
    const SHORT: usize = 40;
    let value = |value: &Option<Value>| match value {
        None => Some("none".to_owned()),
        Some(value) => {
            let value = plain(value);
            (value.chars().count() <= SHORT).then(|| code(&value))
        }
    };
    let path = code(&cut(&field.path, SHORT));
    match (value(&field.before), value(&field.after)) {
        (Some(before), Some(after)) => format!("{path} {before} → {after}"),
        _ => format!("{path} changes"),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn details(out: &mut Bounded, diff: &Diff<'_>, links: &Links) {
    let changes = diff.by_risk();
    if changes.is_empty() || !out.push("<details><summary>Details</summary>\n\n", TAIL) {
        return;
    }
    let details = changes
        .into_iter()
        .map(|change| detail(change, diff.environments, links));
    let left_out = out.push_all(details, LIMIT - TAIL);
    if left_out > 0 {
        out.push(
            &format!("… and {left_out} more flags, which are too much for a comment\n\n"),
            0,
        );
    }
    out.push("</details>\n", 0);
}

fn detail(change: &Change<'_>, all: &[String], links: &Links) -> String {
    let gone = change.change.action() == Action::Delete;
    let place = change.source.as_ref().map(|source| match gone {
        true => code(&cut(&format!("{}:{}", source.file, source.line), LONGEST)),
        false => links.place(&source.file, source.line),
    });
    let place = place.map(|place| format!(", {place}"));
    let mut detail = format!(
        "**{}** {}{}\n\n",
        text(change.change.key),
        verb(change.change.action()),
        place.unwrap_or_default()
    );
    let (everywhere, own) = shared(&change.change, all);
    fields(&mut detail, &everywhere);
    for (part, own) in own {
        if part.environments.len() < all.len() && !(own.is_empty() && part.notes.is_empty()) {
            let _ = writeln!(detail, "In {}:\n", environments(&part.environments));
        }
        fields(&mut detail, &own);
        for note in &part.notes {
            let _ = writeln!(detail, "{}\n", text(&cut(note, LONGEST)));
        }
    }
    detail
}

/// Fields that changed, as a diff.
pub(super) fn fields(detail: &mut String, fields: &[&FieldChange]) {
    if !fields.is_empty() {
        let lines: String = fields.iter().copied().map(lines_of).collect();
        *detail += &block("diff", &lines);
        detail.push('\n');
    }
}

/// What is gone behind `-`, what has come behind `+`.
fn lines_of(field: &FieldChange) -> String {
    let path = cut(&field.path, LONGEST);
    let lines = line_diff(field);
    let signs: Vec<char> = lines.iter().map(|(sign, _)| *sign).collect();
    let single = matches!(signs[..], ['-'] | ['+'] | ['-', '+']);
    let mut out = String::new();
    if !single {
        let _ = writeln!(out, "  {path}:");
    }
    for (sign, line) in lines.iter().take(LINES) {
        let line = cut(line, LONGEST);
        let _ = if single {
            writeln!(out, "{sign} {path}: {line}")
        } else {
            writeln!(out, "{sign}   {line}")
        };
    }
    if lines.len() > LINES {
        let _ = writeln!(out, "    … and {} more lines", lines.len() - LINES);
    }
    out
}

/// What people may read of a text, and no more than so many characters of it.
pub(super) fn cut(text: &str, longest: usize) -> String {
    let text = visible(text);
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
