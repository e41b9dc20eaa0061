//! Results of flags' tests for people: what failed, with its lines, and a line that sums up.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::text::visible;
use super::{Lint, Tests, human};

/// Writes the failures and the summary; `every` lists the tests that passed too. `width` is the
/// terminal's, in columns.
///
/// # Errors
/// What `out` fails with.
pub fn tests(
    tests: &Tests<'_>,
    every: bool,
    color: bool,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    if every {
        list(tests, color, out)?;
    }
    failures(tests, color, width, out)?;
    summary(tests, color, out)
}

/// Writes the failures.
///
/// # Errors
/// What `out` fails with.
pub fn failures(
    tests: &Tests<'_>,
    color: bool,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let found = tests.diagnostics();
    let findings = Lint {
        files: tests.files,
        checked: 0,
        flags: 0,
        diagnostics: &found,
        unread: &[],
    };
    human::findings(&findings, color, width, out)
}

fn list(tests: &Tests<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    for case in tests.cases {
        let (word, style) = match case.failure {
            None => ("ok", AnsiColor::BrightGreen),
            Some(_) => ("failed", AnsiColor::BrightRed),
        };
        let style = paint(color, style);
        let (flag, subject) = (visible(&case.flag), visible(&case.subject()));
        let expect = visible(&case.expect.to_string());
        writeln!(
            out,
            "{style}{word:<6}{style:#}  {flag}: {expect} for {subject}"
        )?;
    }
    if !tests.cases.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn paint(color: bool, of: AnsiColor) -> Style {
    if color {
        of.on_default().bold()
    } else {
        Style::new()
    }
}

/// "12 tests of 5 flags: 11 passed, 1 failed".
fn summary(tests: &Tests<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let (all, failed) = (tests.cases.len(), tests.failed());
    if all == 0 {
        return writeln!(out, "No flag has tests; write them under `tests`");
    }
    let count = |number: usize, word: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {word}{plural}")
    };
    let tested = count(tests.tested_flags(), "flag");
    write!(out, "{} of {tested}: ", count(all, "test"))?;
    let (green, red) = (
        paint(color, AnsiColor::BrightGreen),
        paint(color, AnsiColor::BrightRed),
    );
    if failed == 0 {
        return writeln!(out, "{green}all passed{green:#}");
    }
    writeln!(out, "{} passed, {red}{failed} failed{red:#}", all - failed)
}
