//! Results of flags' tests for programs. The shape is a public contract; fields may be added.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::json::{Range, range};
use super::places::Places;
use super::{Tests, write_json};
use crate::eval::cases::Case;
use crate::secret;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    flags: usize,
    tests: Vec<Test<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
}

#[derive(Serialize)]
struct Test<'a> {
    flag: &'a str,
    file: &'a str,
    range: Range,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    groups: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<Value>,
    expect: &'a Value,
    got: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    reason: &'static str,
    why: Cow<'a, str>,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
}

/// Writes the whole run as one JSON object and a line break.
///
/// # Errors
/// What `out` fails with.
pub fn tests(tests: &Tests<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut places = Places::new(tests.files);
    let failed = tests.failed();
    let document = Document {
        version: 1,
        flags: tests.tested_flags(),
        tests: tests
            .cases
            .iter()
            .map(|case| test(case, &mut places))
            .collect(),
        summary: Summary {
            passed: tests.cases.len() - failed,
            failed,
        },
    };
    // Plain data with string keys always has a JSON form.
    write_json(out, &serde_json::to_value(document).unwrap_or_default())
}

fn test<'a>(case: &'a Case, places: &mut Places<'a>) -> Test<'a> {
    Test {
        flag: &case.flag,
        file: places.name(case.location.file),
        range: range(case.location, places),
        user: case.user.as_deref(),
        groups: &case.groups,
        environment: case.environment.as_deref(),
        percentage: case.percentage.map(crate::model::Percent::to_json),
        expect: &case.expect,
        got: case.got.as_ref(),
        variant: case.variant.as_deref(),
        reason: case.reason.as_str(),
        why: secret::mask(&case.why),
        passed: case.failure.is_none(),
        message: case.failure.as_deref().map(secret::mask),
    }
}
