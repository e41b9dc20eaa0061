//! What a run found, in the formats that people and programs read: one file a format.

pub mod diff;
pub mod diff_human;
pub mod diff_json;
pub mod diff_markdown;
pub mod human;
pub mod json;
pub mod plan_human;
pub mod plan_json;

mod excerpt;
mod markdown;
mod places;
pub mod text;

use std::io::{self, Write};

use crate::diagnostic::{Diagnostic, Files, Severity};

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

/// Writes a JSON document, indented, with a line break behind it.
pub fn write_json(out: &mut dyn Write, document: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}
