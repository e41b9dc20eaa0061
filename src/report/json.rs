//! `lint --format json`, version 1: a published shape, with types of its own so that those inside
//! stay free to change.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Fix, Location, Position, Severity, Span};

use super::Lint;
use super::places::Places;

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Output<'a> {
    version: u32,
    files: usize,
    flags: usize,
    diagnostics: Vec<Finding<'a>>,
    summary: Summary,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread<'a>>,
}

/// What could not be read.
#[derive(Serialize)]
struct Unread<'a> {
    file: &'a str,
    message: String,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    severity: &'static str,
    message: &'a str,
    file: &'a str,
    range: Range,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<FixOutput<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    file: &'a str,
    range: Range,
}

#[derive(Serialize)]
struct FixOutput<'a> {
    title: &'a str,
    edits: Vec<EditOutput<'a>>,
    /// Whether `--fix` makes it.
    safe: bool,
}

#[derive(Serialize)]
struct EditOutput<'a> {
    range: Range,
    text: &'a str,
}

#[derive(Serialize)]
pub(super) struct Range {
    start: Point,
    end: Point,
}

/// Line and column from 1, the column in characters; the offset in bytes from 0.
#[derive(Serialize)]
struct Point {
    line: u32,
    column: u32,
    offset: u32,
}

/// Writes the whole run as one JSON object and a line break.
///
/// # Errors
/// What `out` fails with.
pub fn lint(lint: &Lint<'_>, out: &mut dyn Write) -> io::Result<()> {
    let output = Output {
        version: VERSION,
        files: lint.checked,
        flags: lint.flags,
        diagnostics: all_findings(lint),
        summary: Summary {
            errors: lint.count(Severity::Error),
            warnings: lint.count(Severity::Warning),
        },
        unread: lint
            .unread
            .iter()
            .map(|error| Unread {
                file: error.name(),
                message: error.to_string(),
            })
            .collect(),
    };
    let mut out = BufWriter::new(out);
    serde_json::to_writer(&mut out, &output)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The findings alone, as other documents hold them.
pub(super) fn findings<'a>(lint: &Lint<'a>) -> impl Serialize + use<'a> {
    all_findings(lint)
}

fn all_findings<'a>(lint: &Lint<'a>) -> Vec<Finding<'a>> {
    let mut places = Places::new(lint.files);
    let diagnostics = lint.sorted().into_iter();
    diagnostics
        .map(|found| finding(found, &mut places))
        .collect()
}

fn finding<'a>(found: &'a Diagnostic, places: &mut Places<'a>) -> Finding<'a> {
    let file = found.location.file;
    Finding {
        rule: found.rule,
        severity: found.severity.as_str(),
        message: &found.message,
        file: places.name(file),
        range: range(found.location, places),
        flag: found.flag.as_deref(),
        help: found.help.as_deref(),
        related: found
            .related
            .iter()
            .map(|related| Related {
                message: &related.message,
                file: places.name(related.location.file),
                range: range(related.location, places),
            })
            .collect(),
        fix: found
            .fix
            .as_ref()
            .map(|fix| fix_output(fix, found.location, places)),
    }
}

fn fix_output<'a>(fix: &'a Fix, location: Location, places: &mut Places<'a>) -> FixOutput<'a> {
    let at = |span: Span| Location { span, ..location };
    FixOutput {
        title: &fix.title,
        edits: fix
            .edits
            .iter()
            .map(|edit| EditOutput {
                range: range(at(edit.span), places),
                text: &edit.text,
            })
            .collect(),
        safe: fix.safe,
    }
}

pub(super) fn range(location: Location, places: &mut Places<'_>) -> Range {
    let (start, end) = places.range(location);
    let point = |Position { line, column }, offset| Point {
        line,
        column,
        offset,
    };
    Range {
        start: point(start, location.span.start),
        end: point(end, location.span.end),
    }
}
