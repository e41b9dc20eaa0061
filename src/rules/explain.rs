//! A rule, told on a terminal.

use super::{Level, Rule};

/// Id, level, summary, prose and examples of a rule as plain text, ending in a line break.
#[must_use]
pub fn explain(rule: &Rule) -> String {
    let Rule {
        id, summary, docs, ..
    } = rule;
    format!(
        "{id} ({level})\n{summary}.\n\n{docs}\n\nDraws it:\n\n{bad}\nDoes not:\n\n{good}\n{settings}\n",
        level = rule.level.as_str(),
        docs = docs.trim(),
        bad = indent(rule.bad),
        good = indent(rule.good),
        settings = settings(rule),
    )
}

/// How to set the rule or to silence it.
fn settings(rule: &Rule) -> String {
    let id = rule.id;
    if rule.fixed {
        return format!(
            "`{id}` is always an error: nothing sound can be written to a store from what it finds."
        );
    }
    let other = match rule.level {
        Level::Error => Level::Warning,
        Level::Warning | Level::Off => Level::Error,
    };
    format!(
        "In hoist.toml, `{id} = \"{}\"` or `\"off\"` under `[lint.rules]` sets its level; in a flag file,\n\
         `# hoist-ignore: {id}` on or above the line silences it there.",
        other.as_str()
    )
}

fn indent(example: &str) -> String {
    let mut out = String::new();
    for line in example.lines() {
        if !line.is_empty() {
            out.push_str("    ");
            out.extend(line.chars().map(visible));
        }
        out.push('\n');
    }
    out
}

/// An example may hold a control character on purpose; a terminal is shown its picture.
fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
        _ => c,
    }
}
