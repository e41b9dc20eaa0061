//! What holds for any bytes whatever, as functions that panic where it does not. The fuzz targets below
//! `fuzz/` call them with whatever they come up with, the tests with what somebody's editor may do.

use hoist::diagnostic::{Diagnostic, FileId, Files, LineIndex, Severity, Span};
use hoist::fix::{self, Mended, Set, Text};
use hoist::report::{self, Lint, Root};
use hoist::rules::{Checked, Context, Levels, Settings, check_file, check_set};
use hoist::yaml::{self, NodeId, Tree, Value};
use hoist::{model, schema};

/// The reader, the schema and the model: every place is in the text, and between characters. Built for fuzzing, the reader
/// also holds its two ways of reading to the same tree.
pub fn read(bytes: &[u8]) {
    let file = FileId(0);
    let Ok(text) = yaml::decode(file, bytes) else {
        return;
    };
    let (tree, mut found) = yaml::parse(file, text);
    let lines = LineIndex::new(text);
    for document in tree.documents() {
        walk(&tree, *document, 0);
        found.extend(schema::validate(file, &tree, *document));
        for flag in model::flags(file, &tree, &lines, *document) {
            in_text(text, flag.span);
            in_text(text, flag.key.span);
        }
    }
    check_places(text, &found);
}

/// Visits what is written in place; what an alias stands for is visited where it is written.
fn walk(tree: &Tree<'_>, node: NodeId, depth: usize) {
    assert!(depth <= yaml::MAX_DEPTH + 1, "nested deeper than is read");
    let span = tree.span(node);
    in_text(tree.text(), span);
    let written = tree.text().get(span.range()).unwrap_or_default();
    if written.starts_with('*') {
        return;
    }
    match tree.value(node) {
        Value::Mapping(entries) => {
            for entry in entries {
                in_text(tree.text(), tree.span(entry.key));
                let merged = !(span.start..=span.end).contains(&tree.span(entry.key).start);
                if !merged {
                    walk(tree, entry.value, depth + 1);
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| walk(tree, *item, depth + 1)),
        _ => {}
    }
}

fn in_text(text: &str, span: Span) {
    assert!(
        text.get(span.range()).is_some(),
        "{span:?} is no place in the text"
    );
}

fn check_places(text: &str, found: &[Diagnostic]) {
    for found in found {
        in_text(text, found.location.span);
        for edit in found.fix.iter().flat_map(|fix| &fix.edits) {
            in_text(text, edit.span);
        }
        for related in &found.related {
            in_text(text, related.location.span);
        }
        let sentence = !found.message.is_empty() && !found.message.ends_with('.');
        assert!(sentence, "{}", found.message);
    }
}

/// The whole linter, and every format.
pub fn lint(bytes: &[u8]) {
    let run = Run::new(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_places(text, &run.found);
    }
    let lint = Lint {
        files: &run.files,
        checked: 1,
        flags: run.checked[0].flags.len(),
        diagnostics: &run.found,
        unread: &[],
    };
    let root = Root::default();
    let mut out = Vec::new();
    report::human::lint(&lint, true, 80, &mut out).expect("a vector takes all");
    for write in [report::sarif::lint, report::github::lint] {
        out.clear();
        write(&lint, &root, &mut out).expect("a vector takes all");
    }
    out.clear();
    report::junit::lint(&lint, false, &root, &mut out).expect("a vector takes all");
    out.clear();
    report::json::lint(&lint, &mut out).expect("a vector takes all");
    let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    let listed = json["diagnostics"].as_array().expect("a list").len();
    assert_eq!(listed, run.found.len());
}

/// `--fix`: a file is never worse for it, and a second time there is nothing left to do.
pub fn fix(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let before = Run::new(bytes);
    let Some(mended) = mend(text) else {
        return;
    };
    let after = Run::new(mended.text.as_bytes());
    assert!(
        after.errors() <= before.errors(),
        "{} errors, then {}:\n{text}\n---\n{}",
        before.errors(),
        after.errors(),
        mended.text
    );
    let syntax = |run: &Run| run.of_rules(&["yaml-syntax", "duplicate-key", "unsafe-yaml"]);
    assert!(
        syntax(&after) <= syntax(&before),
        "parses worse:\n{}",
        mended.text
    );
    let flags = |run: &Run| run.checked[0].flags.len();
    assert!(
        flags(&after) >= flags(&before),
        "a flag is lost:\n{}",
        mended.text
    );
    if mended.made.is_empty() {
        assert_eq!(mended.text, text);
    }
    if let Some(again) = mend(&mended.text) {
        assert_eq!(again.text, mended.text, "mended twice");
    }
}

/// A set of one file.
struct Run {
    files: Files,
    checked: [Checked; 1],
    found: Vec<Diagnostic>,
}

impl Run {
    fn new(bytes: &[u8]) -> Self {
        let mut files = Files::default();
        let text = String::from_utf8_lossy(bytes);
        let file = files.add("flags/a.yaml", Some(text.into()));
        let checked = [check_file(file, bytes, &settings())];
        let mut found = checked[0].diagnostics.clone();
        found.extend(check_set(&checked, &files, &settings()));
        Self {
            files,
            checked,
            found,
        }
    }

    fn errors(&self) -> usize {
        let errors = self.found.iter();
        errors
            .filter(|found| found.severity == Severity::Error)
            .count()
    }

    fn of_rules(&self, rules: &[&str]) -> usize {
        let found = self.found.iter();
        found.filter(|found| rules.contains(&found.rule)).count()
    }
}

/// `None` where there is nothing that could be mended.
fn mend(text: &str) -> Option<Mended> {
    let settings = settings();
    let mut files = Files::default();
    let file = files.add("flags/a.yaml", None);
    let check = |file: FileId, text: &str| check_file(file, text.as_bytes(), &settings);
    let mut checked = vec![check(file, text)];
    let set = Set {
        check: &check,
        together: &|checked| check_set(checked, &files, &settings),
        checked: &mut checked,
    };
    let text = Text {
        file,
        text: text.to_owned(),
    };
    fix::mend(vec![text], set).pop()
}

fn settings() -> Settings {
    let mut context = Context::new(jiff::civil::date(2026, 11, 15));
    context.environments = ["development", "staging", "production"]
        .map(String::from)
        .into();
    Settings {
        context,
        levels: Levels::default(),
    }
}
