//! What a run found, in the formats that people and programs read: one file a format.

pub mod authored;
pub mod diff;
pub mod diff_human;
pub mod diff_json;
pub mod diff_markdown;
pub mod doctor;
pub mod eval_human;
pub mod eval_json;
pub mod github;
pub mod history_human;
pub mod history_json;
pub mod human;
pub mod json;
pub mod junit;
pub mod mended;
pub mod operated;
pub mod plan_human;
pub mod plan_json;
pub mod promoted;
pub mod rollouts;
pub mod sarif;
pub mod tests_human;
pub mod tests_json;
pub mod tests_junit;
pub mod watch;
pub mod watch_human;
pub mod watch_json;

mod excerpt;
mod markdown;
mod places;
mod root;
pub mod text;
pub mod words;

pub use root::Root;

use std::io::{self, Write};

use jiff::Timestamp;

use crate::diagnostic::{Diagnostic, Files, Severity};
use crate::eval::cases::Case;
use crate::eval::{Explained, Tally};
use crate::impact::People;
use crate::plan::Source;
use crate::record::Record;
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

/// What the tests of flags gave.
#[derive(Clone, Copy, Debug)]
pub struct Tests<'a> {
    /// With the text of every file that is to be shown.
    pub files: &'a Files,
    /// By file, and by place in it.
    pub cases: &'a [Case],
}

impl Tests<'_> {
    #[must_use]
    pub fn failed(&self) -> usize {
        let failed = self.cases.iter().filter(|case| case.failure.is_some());
        failed.count()
    }

    /// How many flags have tests.
    fn tested_flags(&self) -> usize {
        let flags = self.cases.chunk_by(|one, other| one.flag == other.flag);
        flags.count()
    }

    /// What failed, as findings.
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let failed = self.cases.iter().filter(|case| case.failure.is_some());
        failed.map(Case::diagnostic).collect()
    }
}

/// What one flag gives to one user.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    /// Its key.
    pub flag: &'a str,
    pub answer: Explained,
    /// `None` where it cannot be read.
    pub record: Option<&'a Record>,
    /// Where the flag is defined, if it was taken from its file.
    pub source: Option<&'a Source>,
}

/// Who asks for every flag.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub user: Option<&'a str>,
    pub groups: &'a [String],
    /// Where the flags were taken from.
    pub origin: &'a str,
}

/// What many users get from one flag.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// Its key.
    pub flag: &'a str,
    pub record: &'a Record,
    pub tally: &'a Tally<'a>,
    /// Where the flag was taken from.
    pub origin: &'a str,
    /// Who they are: "users of `list.txt`".
    pub users: &'a str,
}

/// What a plan does to the users of a list.
#[derive(Clone, Debug)]
pub struct Affected {
    /// Where they come from, as people see it.
    pub list: String,
    /// How many there are.
    pub users: u64,
    /// How many of them anything happens to.
    pub affected: u64,
    /// For each change, in the plan's order; `None` where nobody can tell.
    pub changes: Vec<Option<People>>,
}

impl Affected {
    /// What the change at `index` of the plan does.
    fn of(&self, index: usize) -> Option<&People> {
        self.changes.get(index)?.as_ref()
    }
}

/// Writes a JSON document, indented, with a line break behind it.
pub fn write_json(out: &mut dyn Write, document: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}
