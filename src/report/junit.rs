//! `lint --format junit`: test results, as GitLab, Jenkins and others show them. A file is a suite;
//! each finding is a case of it that did not pass, and a clean file is one that did.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::diagnostic::{Diagnostic, FileId, Severity};
use crate::source;

use super::places::Places;
use super::text::visible;
use super::{Lint, Root};

/// Writes the whole run as an XML document. A warning fails where warnings are denied, and is a
/// skipped case otherwise: shown, and no failure. Names of files start at `root`.
///
/// # Errors
/// What `out` fails with.
pub fn lint(
    lint: &Lint<'_>,
    deny_warnings: bool,
    root: &Root,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut report = Report::new("hoist lint");
    let mut by_file: HashMap<FileId, Vec<&Diagnostic>> = HashMap::new();
    for found in lint.sorted() {
        by_file.entry(found.location.file).or_default().push(found);
    }
    let mut places = Places::new(lint.files);
    let mut files: Vec<(FileId, &str)> = (0..)
        .map(FileId)
        .zip(lint.files.0.iter().map(|file| file.name.as_str()))
        .collect();
    files.sort_by_key(|(_, name)| *name);
    let unread = |name: &str| lint.unread.iter().any(|error| error.name() == name);
    for (file, name) in files.into_iter().filter(|(_, name)| !unread(name)) {
        let found = by_file.remove(&file).unwrap_or_default();
        report.add_test_suite(suite(name, &found, deny_warnings, root, &mut places));
    }
    for error in lint.unread {
        report.add_test_suite(failed(error, root));
    }
    let mut out = BufWriter::new(out);
    report.serialize(&mut out).map_err(io::Error::other)?;
    out.flush()
}

fn suite(
    name: &str,
    found: &[&Diagnostic],
    deny_warnings: bool,
    root: &Root,
    places: &mut Places<'_>,
) -> TestSuite {
    let name = root.name(name);
    let mut suite = TestSuite::new(text(&name));
    if found.is_empty() {
        suite.add_test_case(case("no findings", &name, TestCaseStatus::success()));
    }
    // Cases are told apart, and found again in the next run, by name.
    let mut seen: HashMap<String, usize> = HashMap::new();
    for found in found {
        let mut title = match &found.flag {
            Some(flag) => format!("{}: {flag}", found.rule),
            None => found.rule.to_owned(),
        };
        let number = seen.entry(title.clone()).or_default();
        *number += 1;
        if *number > 1 {
            title += &format!(" ({number})");
        }
        let fails = found.severity == Severity::Error || deny_warnings;
        let mut status = match fails {
            true => TestCaseStatus::non_success(NonSuccessKind::Failure),
            false => TestCaseStatus::skipped(),
        };
        status
            .set_message(text(&found.message))
            .set_type(found.severity.as_str())
            .set_description(description(found, root, places));
        let (start, _) = places.range(found.location);
        let mut case = case(&title, &name, status);
        case.extra
            .insert("line".into(), start.line.to_string().into());
        suite.add_test_case(case);
    }
    suite
}

/// A suite for what could not be read.
fn failed(error: &source::Error, root: &Root) -> TestSuite {
    let name = root.name(error.name());
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let message = text(&error.to_string());
    status.set_message(&message).set_type("unread");
    let mut suite = TestSuite::new(text(&name));
    suite.add_test_case(case("unread", &name, status));
    suite
}

/// GitLab links a case to its `file`; Jenkins groups cases by class.
fn case(title: &str, file: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(text(title), status);
    case.set_classname(text(file));
    case.extra.insert("file".into(), text(file).into());
    case
}

/// Place, message, help and related places: what the CI system shows of a case.
fn description(found: &Diagnostic, root: &Root, places: &mut Places<'_>) -> String {
    let mut at = |location| {
        let (start, _) = places.range(location);
        let file = root.name(places.name(location.file));
        format!("{}:{}:{}", text(&file), start.line, start.column)
    };
    let place = at(found.location);
    let mut out = format!(
        "{place}: {}[{}] {}\n",
        found.severity,
        found.rule,
        text(&found.message)
    );
    for related in &found.related {
        let place = at(related.location);
        out += &format!("note: {place}: {}\n", text(&related.message));
    }
    if let Some(help) = &found.help {
        out += &format!("help: {}\n", text(help));
    }
    out
}

/// `text` on one line, with nothing in it that XML 1.0 has no place for.
fn text(text: &str) -> String {
    visible(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
