//! What a run found, in the formats that people and programs read: one file a format.

pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod mended;
pub mod plan_human;
pub mod plan_json;
pub mod sarif;

mod excerpt;
mod places;
mod root;
pub mod text;

pub use root::Root;

use std::io::{self, Write};

use crate::diagnostic::{Diagnostic, Files, Severity};
use crate::source;

/// What `hoist lint` found.
#[derive(Clone, Copy, Debug)]
pub struct Lint<'a> {
    /// With the text of every file that is to be shown.
    pub files: &'a Files,
    /// Number of flag files that were checked.
    pub checked: usize,
    /// Number of flags in them.
    pub flags: usize,
    /// In any order.
    pub diagnostics: &'a [Diagnostic],
    /// What could not be read, so that nothing is known of it.
    pub unread: &'a [source::Error],
}

impl<'a> Lint<'a> {
    /// By name of the file, then by place in it.
    fn sorted(&self) -> Vec<&'a Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.diagnostics.iter().collect();
        sorted.sort_by_key(|found| {
            let location = found.location;
            (self.files.name(location.file), location.span, found.rule)
        });
        sorted
    }

    fn count(&self, severity: Severity) -> usize {
        let counted = self
            .diagnostics
            .iter()
            .filter(|found| found.severity == severity);
        counted.count()
    }

    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }
}

/// "1 error, 2 warnings"; nothing where there are none.
fn tally(lint: &Lint<'_>) -> String {
    let counts = [(lint.errors(), "error"), (lint.warnings(), "warning")];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let words: Vec<_> = counts.map(|(number, word)| count(*number, word)).collect();
    words.join(", ")
}

/// "1 error", "2 errors".
fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// Writes a JSON document, indented, with a line break behind it.
pub fn write_json(out: &mut dyn Write, document: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}
