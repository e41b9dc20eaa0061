//! Flag files that a command changes: read and linted, changed in memory, looked at once more as they
//! would be, and then written, all of them or none.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Failure, count, width};
use crate::diagnostic::{Diagnostic, FileId, Files, Severity, did_you_mean};
use crate::model::Flag;
use crate::plan::Source;
use crate::report::mended::{Look, unified};
use crate::rules::{self, Checked, Settings};
use crate::source::{self, WriteError};
use crate::{fix, report};

/// The flag set as it is, and what it is to become.
pub(super) struct Amending {
    pub flag_set: FlagSet,
    pub settings: Settings,
    /// By file.
    changes: BTreeMap<FileId, Change>,
    /// What only all files together show, before any change.
    across: Vec<Diagnostic>,
}

/// A text before and after; `None` where there is no such file.
struct Change {
    path: PathBuf,
    before: Option<String>,
    after: Option<String>,
    /// What was found in the file before.
    found: Vec<Diagnostic>,
}

impl Amending {
    /// Reads and lints the flag files. A flags directory that is not there is empty.
    pub(super) fn open(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        let settings = workspace.lint_settings();
        let mut flag_set = FlagSet::read(workspace, &[], &settings, rules::check_file);
        if !workspace.flags_directory().exists() {
            flag_set.found.unread.clear();
        }
        if let Some(failure) = flag_set.failure() {
            return Err(failure);
        }
        let across = rules::check_set(&flag_set.checked, &flag_set.found.files, &settings);
        Ok(Self {
            flag_set,
            settings,
            changes: BTreeMap::new(),
            across,
        })
    }

    /// The one flag of that key.
    pub(super) fn flag(&self, key: &str) -> Result<&Flag, Failure> {
        let mut found = self.flag_set.flags().filter(|flag| *flag.key.value == *key);
        let flag = found.next().ok_or_else(|| self.unknown(key))?;
        if let Some(other) = found.next() {
            let (one, other) = (self.place(flag), self.place(other));
            return Err(Failure::impossible(format!(
                "`{key}` stands in two places: {one} and {other}"
            ))
            .hint("nothing was written; take one of them out"));
        }
        Ok(flag)
    }

    fn unknown(&self, key: &str) -> Failure {
        let known = || self.flag_set.flags().map(|flag| &*flag.key.value);
        let hint = match did_you_mean(key, known()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "the flag files have {}; `hoist eval --all` lists them",
                count(known().count(), "flag")
            ),
        };
        Failure::impossible(format!("there is no flag `{key}`"))
            .hint(format!("nothing was written; {hint}"))
    }

    pub(super) fn source(&self, flag: &Flag) -> Source {
        Source {
            file: self.flag_set.found.files.name(flag.file).into(),
            line: flag.line,
        }
    }

    /// `flags/search.yaml:2`
    pub(super) fn place(&self, flag: &Flag) -> String {
        format!(
            "{}:{}",
            self.flag_set.found.files.name(flag.file),
            flag.line
        )
    }

    /// The text of a file as it is now: with the changes so far, or as it is on the disk.
    pub(super) fn text(&self, file: FileId) -> Result<String, Failure> {
        if let Some(change) = self.changes.get(&file) {
            return Ok(change.after.clone().unwrap_or_default());
        }
        let name = self.flag_set.found.files.name(file).to_owned();
        let unreadable = |cause| Failure::from(source::Error::Unreadable { file: name, cause });
        let bytes = match self.flag_set.found.paths.get(file.0 as usize) {
            Some(path) => source::read_bounded(path),
            None => Ok(Vec::new()),
        };
        let text = bytes.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
        });
        text.map_err(unreadable)
    }

    /// Has a file become `after`, or go.
    pub(super) fn change(&mut self, file: FileId, after: Option<String>) -> Result<(), Failure> {
        if let Some(change) = self.changes.get_mut(&file) {
            change.after = after;
        } else {
            let before = self.text(file)?;
            let path = self.flag_set.found.paths.get(file.0 as usize);
            let path = path.cloned().unwrap_or_default();
            let checked = self.checked(file);
            let found = checked.map(|checked| checked.diagnostics.clone());
            let change = Change {
                path,
                before: Some(before),
                after,
                found: found.unwrap_or_default(),
            };
            self.changes.insert(file, change);
        }
        self.check(file);
        Ok(())
    }

    /// A file that is to be made.
    pub(super) fn create(&mut self, path: PathBuf, name: &str, text: String) -> FileId {
        let found = &mut self.flag_set.found;
        let file = found.files.add(name, None);
        found.paths.resize(file.0 as usize, PathBuf::new());
        found.paths.push(path.clone());
        self.flag_set.checked.push(Checked {
            file,
            ..Checked::default()
        });
        let change = Change {
            path,
            before: None,
            after: Some(text),
            found: Vec::new(),
        };
        self.changes.insert(file, change);
        self.check(file);
        file
    }

    /// Whether a file is a link to another.
    pub(super) fn is_link(&self, file: FileId) -> bool {
        let path = self.flag_set.found.paths.get(file.0 as usize);
        let metadata = path.and_then(|path| path.symlink_metadata().ok());
        metadata.is_some_and(|metadata| metadata.is_symlink())
    }

    fn checked(&self, file: FileId) -> Option<&Checked> {
        let mut all = self.flag_set.checked.iter();
        all.find(|checked| checked.file == file)
    }

    /// Lints a file as it is to be.
    fn check(&mut self, file: FileId) {
        let text = self.changes.get(&file);
        let text = text.and_then(|change| change.after.as_deref());
        let checked = match text {
            Some(text) => rules::check_file(file, text.as_bytes(), &self.settings),
            None => Checked {
                file,
                ..Checked::default()
            },
        };
        self.flag_set
            .found
            .files
            .show(file, Arc::from(text.unwrap_or_default()));
        let mut all = self.flag_set.checked.iter_mut();
        if let Some(slot) = all.find(|checked| checked.file == file) {
            *slot = checked;
        }
    }

    /// Refuses a flag with errors in its text: what it means is not known. They are shown.
    pub(super) fn refuse_errors(&mut self, key: &str, colors: Colors) -> Result<(), Failure> {
        let flag = self.flag(key)?;
        let (file, span) = (flag.file, flag.span);
        let complete = flag.complete;
        let own = self.checked(file).into_iter();
        let own = own.flat_map(|checked| &checked.diagnostics);
        let errors: Vec<Diagnostic> = own
            .chain(&self.across)
            .filter(|found| found.severity == Severity::Error)
            .filter(|found| found.location.file == file && span.contains(found.location.span))
            .cloned()
            .collect();
        if errors.is_empty() && complete {
            return Ok(());
        }
        self.show(&errors, colors)?;
        Err(Failure::findings(format!(
            "`{key}` has {} in its text; nothing was written",
            count(errors.len().max(1), "error")
        ))
        .hint("mend it first; `hoist lint` shows what is wrong"))
    }

    /// Refuses a file that could not be read whole: what is in it is not known.
    pub(super) fn refuse_unread(&mut self, file: FileId, colors: Colors) -> Result<(), Failure> {
        let Some(checked) = self.checked(file).filter(|checked| !checked.is_sound) else {
            return Ok(());
        };
        let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
        let errors = checked.diagnostics.iter().filter(is_error);
        let errors: Vec<Diagnostic> = errors.cloned().collect();
        self.show(&errors, colors)?;
        let name = self.files().name(file);
        Err(Failure::findings(format!(
            "`{name}` has {}; nothing was written",
            count(errors.len().max(1), "error")
        ))
        .hint("mend it first, or name another file with `--file`"))
    }

    /// What a lint finds after the changes and not before.
    pub(super) fn fresh(&self) -> Vec<Diagnostic> {
        let across = rules::check_set(
            &self.flag_set.checked,
            &self.flag_set.found.files,
            &self.settings,
        );
        let changed = |file: &FileId| self.checked(*file);
        let own = self.changes.keys().filter_map(changed);
        let own = own.flat_map(|checked| &checked.diagnostics);
        let after: Vec<Diagnostic> = own.chain(&across).cloned().collect();
        let before = self.changes.values().flat_map(|change| &change.found);
        let before: Vec<Diagnostic> = before.chain(&self.across).cloned().collect();
        fix::fresh(&before, &after).into_iter().cloned().collect()
    }

    /// Shows findings on standard error.
    pub(super) fn show(&mut self, found: &[Diagnostic], colors: Colors) -> Result<(), Failure> {
        self.flag_set.found.load_texts(found);
        let lint = report::Lint {
            diagnostics: found,
            ..self.flag_set.report()
        };
        let mut stderr = io::stderr().lock();
        report::human::findings(&lint, colors.stderr, width(), &mut stderr).map_err(Failure::output)
    }

    /// Refuses changes that bring errors, and shows them. Gives the warnings that they bring.
    pub(super) fn judge(&mut self, colors: Colors) -> Result<Vec<Diagnostic>, Failure> {
        let fresh = self.fresh();
        let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
        let errors: Vec<Diagnostic> = fresh.iter().filter(is_error).cloned().collect();
        if errors.is_empty() {
            return Ok(fresh);
        }
        self.show(&errors, colors)?;
        Err(Failure::findings(format!(
            "that would bring {} into the flag files; nothing was written",
            count(errors.len(), "error")
        ))
        .hint("mend the findings above first, or make the change by hand"))
    }

    /// Whether there is anything to write.
    pub(super) fn is_empty(&self) -> bool {
        let mut changes = self.changes.values();
        changes.all(|change| change.before == change.after)
    }

    pub(super) fn files(&self) -> &Files {
        &self.flag_set.found.files
    }

    /// What would be written, as a diff for `git apply`.
    pub(super) fn diff(&self, colors: Colors, out: &mut dyn Write) -> io::Result<()> {
        let look = Look {
            color: colors.stdout,
            terminal: io::stdout().is_terminal(),
        };
        self.unified(look, out)
    }

    /// The same for programs.
    pub(super) fn diff_text(&self) -> String {
        let mut text = Vec::new();
        // A vector takes all.
        let _ = self.unified(Look::default(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn unified(&self, look: Look, out: &mut dyn Write) -> io::Result<()> {
        for (file, change) in &self.changes {
            let name = self.files().name(*file);
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            unified(name, before, after, look, out)?;
        }
        Ok(())
    }

    /// Writes all files. Where one cannot be written, those before it become what they were.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let mut written: Vec<(&str, &Change)> = Vec::new();
        for (file, change) in &self.changes {
            if change.before == change.after {
                continue;
            }
            let name = self.files().name(*file);
            let done = self.put(name, change, &change.before, &change.after);
            let Err(error) = done else {
                written.push((name, change));
                continue;
            };
            let mut errors = vec![error];
            for (name, change) in written.into_iter().rev() {
                let undone = self.put(name, change, &change.after, &change.before);
                errors.extend(undone.err());
            }
            return Err(match Failure::unwritten(&errors) {
                Some(failure) if errors.len() == 1 => failure.hint("nothing was written"),
                Some(failure) => failure,
                None => Failure::impossible("nothing was written"),
            });
        }
        Ok(())
    }

    fn put(
        &self,
        name: &str,
        change: &Change,
        from: &Option<String>,
        to: &Option<String>,
    ) -> Result<(), WriteError> {
        let path = &change.path;
        match (from, to) {
            (None, None) => Ok(()),
            (None, Some(text)) => source::create(path, name, text.as_bytes()),
            (Some(text), None) => source::remove(path, name, text.as_bytes()),
            (Some(before), Some(after)) => source::replace(
                path,
                name,
                &self.flag_set.directories,
                before.as_bytes(),
                after.as_bytes(),
            ),
        }
    }
}
