//! A rule, told: on a terminal, and as a section of a page.

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::civil::date;

use super::{CONFIG, Context, Level, Levels, Limits, RULES, Rule, Settings, check_file, check_set};
use crate::diagnostic::Files;

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

/// Prose, examples and settings of a rule in Markdown, without a heading.
#[must_use]
pub fn markdown(rule: &Rule) -> String {
    let language = if rule.id == CONFIG.id { "toml" } else { "yaml" };
    let example = |text: &str| {
        let shown: String = text
            .chars()
            .map(|c| if c == '\n' { c } else { visible(c) })
            .collect();
        format!("```{language}\n{}\n```\n", shown.trim_end_matches('\n'))
    };
    format!(
        "{docs}\n\nDraws it:\n\n{bad}\nDoes not:\n\n{good}\n{settings}\n",
        docs = rule.docs.trim(),
        bad = example(rule.bad),
        good = example(rule.good),
        settings = settings(rule),
    )
}

/// The page of all rules, `docs/rules.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Rules\n\n\
         What `hoist lint` looks for, and `hoist diff` in what changes. This page is written by hoist\n\
         itself, from the same text as `hoist lint --explain RULE`.\n\n\
         | rule | level | `--fix` | finds |\n\
         | --- | --- | --- | --- |\n",
    );
    let mut sections = String::new();
    for rule in RULES.iter().copied().chain([&CONFIG]) {
        let (id, level, summary) = (rule.id, level(rule), rule.summary);
        let fix = if mends(rule) { "yes" } else { "" };
        page += &format!("| [`{id}`](#{id}) | {level} | {fix} | {summary} |\n");
        sections += &format!("\n## {id}\n\n{summary}.\n\nLevel: {level}.");
        let limits: Vec<_> = limits(rule).map(|name| format!("`lint.{name}`")).collect();
        if !limits.is_empty() {
            sections += &format!(" Settings: {}.", limits.join(", "));
        }
        sections += &format!("\n\n{}", markdown(rule));
    }
    page + &sections
}

/// Whether `--fix` mends what the rule finds: its own example says so.
fn mends(rule: &Rule) -> bool {
    static MENDING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let mending = RULES.iter().filter(|rule| example_is_mended(rule));
        mending.map(|rule| rule.id).collect()
    });
    MENDING.contains(rule.id)
}

fn example_is_mended(rule: &Rule) -> bool {
    let mut context = Context::new(date(2026, 11, 15));
    context.environments = ["development", "staging", "production"]
        .map(String::from)
        .into();
    let settings = Settings {
        context,
        levels: Levels::default(),
    };
    let mut files = Files::default();
    let file = files.add("flags/example.yaml", None);
    let checked = [check_file(file, rule.bad.as_bytes(), &settings)];
    let together = check_set(&checked, &files, &settings);
    let own = checked.iter().flat_map(|checked| &checked.diagnostics);
    let mut found = own.chain(&together).filter(|found| found.rule == rule.id);
    found.any(|found| found.fix.as_ref().is_some_and(|fix| fix.safe))
}

/// The settings under `[lint]` that a rule's prose names.
fn limits(rule: &Rule) -> impl Iterator<Item = &'static str> {
    let names = Limits::NAMES.into_iter();
    names.filter(|name| rule.docs.contains(&format!("`{name}`")))
}

/// "error, always"
fn level(rule: &Rule) -> String {
    let always = if rule.fixed { ", always" } else { "" };
    format!("{}{always}", rule.level.as_str())
}

/// Whether it can be mended, set and silenced, and how.
fn settings(rule: &Rule) -> String {
    let id = rule.id;
    let mut text = String::new();
    if rule.is_about_change() {
        text +=
            "`hoist diff` looks for it, and `hoist plan` where what is live is enough to tell.\n";
    }
    if mends(rule) {
        text += "`hoist lint --fix` mends it.\n";
    }
    if rule.id == CONFIG.id {
        text += &format!("`{id}` is always an error.");
    } else if rule.fixed {
        text += &format!(
            "`{id}` is always an error: nothing sound can be written to a store from what it finds."
        );
    } else {
        let other = match rule.level {
            Level::Error => Level::Warning,
            Level::Warning | Level::Off => Level::Error,
        };
        text += &format!(
            "In hoist.toml, `{id} = \"{}\"` or `\"off\"` under `[lint.rules]` sets its level; in a flag file,\n\
             `# hoist-ignore: {id}` on or above the line silences it there.",
            other.as_str()
        );
    }
    text
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

/// An example may hold a control character on purpose; a reader is shown its picture.
fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
        _ => c,
    }
}
