//! Results of flags' tests as GitLab, Jenkins and others show them: a file is a suite, a test of a
//! flag a case of it.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Tests;
use super::places::Places;
use super::text::visible;
use crate::eval::cases::Case;

/// Writes the whole run as an XML document.
///
/// # Errors
/// What `out` fails with.
pub fn tests(tests: &Tests<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("hoist test");
    let mut places = Places::new(tests.files);
    // The tests of a file come one after the other.
    for cases in tests
        .cases
        .chunk_by(|one, other| one.location.file == other.location.file)
    {
        report.add_test_suite(suite(cases, &mut places));
    }
    let mut out = BufWriter::new(out);
    report.serialize(&mut out).map_err(io::Error::other)?;
    out.flush()
}

fn suite(cases: &[Case], places: &mut Places<'_>) -> TestSuite {
    let file = cases
        .first()
        .map_or("", |case| places.name(case.location.file));
    let mut suite = TestSuite::new(text(file));
    // Cases are told apart, and found again in the next run, by name.
    let mut seen: HashMap<String, usize> = HashMap::new();
    for case in cases {
        let mut title = format!("{}: {}", case.flag, case.subject());
        let number = seen.entry(title.clone()).or_default();
        *number += 1;
        if *number > 1 {
            title += &format!(" ({number})");
        }
        let (start, _) = places.range(case.location);
        let mut status = TestCaseStatus::success();
        if let Some(failure) = &case.failure {
            let place = format!("{file}:{}:{}", start.line, start.column);
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(text(failure))
                .set_type("failed-test")
                .set_description(text(&format!("{place}: {failure}: {}", case.why)));
        }
        let mut found = TestCase::new(text(&title), status);
        // GitLab links a case to its `file`; Jenkins groups cases by class.
        found.set_classname(text(file));
        found.extra.insert("file".into(), text(file).into());
        found
            .extra
            .insert("line".into(), start.line.to_string().into());
        suite.add_test_case(found);
    }
    suite
}

/// `text` on one line, with nothing in it that XML 1.0 has no place for.
fn text(text: &str) -> String {
    visible(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
