use super::*;
use crate::diagnostic::{LineIndex, Severity};
use crate::model::{self, Flag};
use crate::yaml;

mod contract;
mod property;

/// Diagnostics and flags of a text that is YAML.
fn read(text: &str) -> (Vec<Diagnostic>, Vec<Flag>) {
    let file = FileId(0);
    let (tree, found) = yaml::parse(file, text);
    assert!(found.is_empty(), "{text}\n{found:?}");
    let lines = LineIndex::new(text);
    let (mut diagnostics, mut flags) = (Vec::new(), Vec::new());
    for document in tree.documents() {
        diagnostics.extend(validate(file, &tree, *document));
        flags.extend(model::flags(file, &tree, &lines, *document));
    }
    (diagnostics, flags)
}

/// One line for each diagnostic, one more for its help and for what its fix writes.
fn render(text: &str, diagnostics: &[Diagnostic]) -> String {
    let lines = LineIndex::new(text);
    let mut shown = String::new();
    for found in diagnostics {
        let at = lines.position(text, found.location.span.start);
        let (flag, rule) = (found.flag.as_deref().unwrap_or("-"), found.rule);
        shown += &format!(
            "> {}:{} {flag} {rule}: {}\n",
            at.line, at.column, found.message
        );
        if let Some(help) = &found.help {
            shown += &format!(">   help: {help}\n");
        }
        for edit in found.fix.iter().flat_map(|fix| &fix.edits) {
            let old = &text[edit.span.range()];
            shown += &format!(">   fix: {old} -> {}\n", edit.text);
        }
    }
    shown
}

/// The cases of `mistakes.txt`: a file, then the lines that [`render`] gives for it.
#[test]
fn mistakes_are_told_once_and_where_they_are() {
    let cases = include_str!("mistakes.txt");
    let mut actual = Vec::new();
    for case in cases.trim_end().split("\n\n") {
        let text: Vec<_> = case
            .lines()
            .filter(|line| !line.starts_with("> "))
            .collect();
        let text = text.join("\n") + "\n";
        let (diagnostics, flags) = read(&text);
        let errors = diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error);
        let complete = flags.iter().all(|flag| flag.complete);
        assert!(
            errors || complete,
            "unreadable, and nothing is said about it:\n{text}"
        );
        actual.push(format!("{text}{}", render(&text, &diagnostics)));
    }
    let actual = actual.join("\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema/mistakes.txt");
        std::fs::write(path, &actual).unwrap();
    }
    let lines = actual.lines().zip(cases.lines());
    let differs = lines
        .enumerate()
        .find(|(_, (actual, expected))| actual != expected);
    assert_eq!(
        differs, None,
        "mistakes.txt differs; UPDATE_EXPECT=1 writes it anew"
    );
    assert_eq!(actual.len(), cases.len());
}

#[test]
fn valid_files_are_read_whole() {
    let bodies = [
        "{}",
        "{percentage: 0}",
        "{percentage: 1e1}",
        "{percentage: 10.0}",
        "{percentage: 33.333}",
        "{percentage: 0.001}",
        "{percentage: 99.999}",
        "{percentage: -0}",
        "{created: 2024-02-29, expires: never}",
        "{created: 0000-01-01, expires: 9999-12-31}",
        "{enabled: TRUE, owner: no, description: ''}",
        "{rollout: [{percentage: 1, duration: 999999w}, {percentage: 1}]}",
        "{variants: {1: 50, B.c-d_e: {weight: 50}}, control: '1', forced: {'1': []}}",
        "{variants: {a: {weight: 100, value: {x: [1, ~, {}], 2: .5}}}}",
        "{variants: {a: 100}, environments: {x y: {forced: {a: [u]}, control: a}}}",
        "{environments: {e: {variants: {a: 100}, control: a}}}",
        "{tests: [{expect: 1}, {expect: {a: b}}], tags: [], salt: ' '}",
    ];
    for body in bodies {
        let text = format!("flags:\n  k: {body}\n");
        let (diagnostics, flags) = read(&text);
        assert_eq!(render(&text, &diagnostics), "", "{text}");
        assert!(flags.len() == 1 && flags[0].complete, "{text}");
    }
    for text in ["flags:\n", "flags: {}\n", "flags: ~\n", "---\n", ""] {
        let (diagnostics, flags) = read(text);
        assert!(diagnostics.is_empty() && flags.is_empty(), "{text}");
    }
}

#[test]
fn every_thousandth_is_a_percentage() {
    assert!(
        !SCHEMA.contains("multipleOf"),
        "in floating point 6.6 is no multiple of 0.001"
    );
    let mut text = "flags:\n".to_owned();
    for thousandths in (0..=100_000).step_by(33) {
        let (whole, rest) = (thousandths / 1000, thousandths % 1000);
        text += &format!("  k{thousandths}: {{percentage: {whole}.{rest:03}}}\n");
    }
    let (diagnostics, flags) = read(&text);
    assert_eq!(render(&text, &diagnostics), "");
    assert!(flags.iter().all(|flag| flag.complete));
}

#[test]
fn fields_that_exclude_each_other_are_left_to_the_rules() {
    for body in [
        "{percentage: 1, rollout: [{percentage: 1}]}",
        "{variants: {a: 100}, rollout: [{percentage: 1}]}",
        "{variants: {a: 100}, allowed_users: [], allowed_groups: []}",
        "{environments: {e: {percentage: 1, rollout: [{percentage: 1}]}}}",
        "{variants: {a: {weight: 50, value: 1}, b: {weight: 50, value: x}}}",
    ] {
        let text = format!("flags:\n  k: {body}\n");
        let file = FileId(0);
        let (tree, _) = yaml::parse(file, &text);
        let contract = CONTRACT.as_ref().unwrap();
        let view = View::new(&tree);
        assert!(
            !contract.validator.is_valid(view.node(tree.documents()[0])),
            "{text}"
        );
        assert!(
            validate(file, &tree, tree.documents()[0]).is_empty(),
            "{text}"
        );
    }
}

#[test]
fn what_the_reader_lost_is_no_second_mistake() {
    for text in [
        "flags: {k: {enabled: *no, rollout: [{percentage: *no}], variants: {a: *no}, owner: 5}}",
        "flags:\n  k:\n    owner: 5\n    enabled: \"tr\n  l: {}\n",
        "flags:\n  k: {owner: 5, variants: {a: {value: 1, value: 2}}}\n",
    ] {
        let file = FileId(0);
        let (tree, found) = yaml::parse(file, text);
        assert!(!found.is_empty(), "{text}");
        let schema: Vec<_> = tree
            .documents()
            .iter()
            .flat_map(|document| validate(file, &tree, *document))
            .map(|found| found.message)
            .collect();
        assert_eq!(schema, ["`owner` is the number 5, not a string"], "{text}");
    }
}

#[test]
fn a_file_of_mistakes_is_cut_short() {
    let entries = "1,".repeat(30_000);
    let flags: String = (0..30_000).map(|n| format!("A{n}: 1\n  ")).collect();
    let unknown: String = (0..30_000).map(|n| format!("A{n}: 1, ")).collect();
    for text in [
        format!("flags: {{k: {{allowed_users: [{entries}]}}}}"),
        format!("flags:\n  {flags}"),
        format!("flags: {{k: {{{unknown}}}}}"),
        format!("flags: {{k: {{allowed_users: &u [{entries}]}}, l: {{allowed_users: *u}}}}"),
    ] {
        let (diagnostics, _) = read(&text);
        assert_eq!(diagnostics.len(), LIMIT + 1);
        assert!(
            diagnostics[LIMIT]
                .message
                .starts_with("more than 1000 mistakes")
        );
    }
}

#[test]
fn a_long_key_is_not_repeated() {
    let key = "K".repeat(1 << 20);
    let text = format!(
        "flags:\n  ? {key}\n  : allowed_users: [{}]\n",
        "1,".repeat(500)
    );
    let (diagnostics, _) = read(&text);
    assert_eq!(diagnostics.len(), 501);
    assert!(diagnostics.iter().all(|found| found.message.len() < 300));
}
