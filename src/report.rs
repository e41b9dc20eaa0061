//! What a run found, in the formats that people and programs read: one file a format.

pub mod github;
pub mod history_human;
pub mod history_json;
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

use jiff::Timestamp;

use crate::diagnostic::{Diagnostic, Files, Severity};
use crate::source;
use crate::store::{HistoryEntry, Info};

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

/// What a store remembers of past commits.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    pub environment: &'a str,
    pub store: &'a Info,
    /// The only flags to show; all where there are none.
    pub flags: &'a [String],
    /// Newest first.
    pub entries: &'a [HistoryEntry],
}

impl History<'_> {
    /// The flags of `entry` that are to be shown, with their records before and after.
    fn records<'e>(
        &self,
        entry: &'e HistoryEntry,
    ) -> impl Iterator<Item = (&'e str, Option<&'e str>, Option<&'e str>)> {
        let shown =
            |flag: &str| self.flags.is_empty() || self.flags.iter().any(|name| name == flag);
        entry
            .records
            .iter()
            .filter(move |(flag, _)| shown(flag))
            .map(|(flag, (before, after))| (flag.as_str(), before.as_deref(), after.as_deref()))
    }
}

/// Seconds since the epoch as people read them: `2026-11-22 03:12:07 UTC`.
fn time(seconds: f64) -> String {
    Timestamp::from_second(seconds as i64).map_or_else(
        |_| format!("{seconds} s"),
        |time| time.strftime("%F %T UTC").to_string(),
    )
}

/// Writes a JSON document, indented, with a line break behind it.
pub fn write_json(out: &mut dyn Write, document: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}
