//! The flag files of a workspace, read and linted.

use std::collections::{HashMap, HashSet};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::progress::Progress;
use super::workspace::Workspace;
use super::{Colors, Failure, count, width};
use crate::config::Environment;
use crate::diagnostic::{Diagnostic, FileId, Files, Severity};
use crate::eval::cases::{self, Case};
use crate::model::Flag;
use crate::plan::{Change, Plan, Source, Target, Wanted, Written};
use crate::record::Spec;
use crate::rules::{self, Checked, Settings};
use crate::source::Found;
use crate::{report, source};

/// Flag files as read, and everything that was found in them.
pub(super) struct FlagSet {
    pub found: Found,
    /// Where files may be written: those that were gone through, and the flags directory.
    pub directories: Vec<PathBuf>,
    /// How files are looked at together: there may be others besides these.
    pub together: Together,
    pub checked: Vec<Checked>,
    /// All findings, once [`FlagSet::conclude`] has gathered them.
    diagnostics: Vec<Diagnostic>,
    /// The only text, where it does not come from a file.
    pub given: Option<Vec<u8>>,
}

/// What is made of one file.
pub(super) type Check = fn(FileId, &[u8], &Settings) -> Checked;
/// What is found in several.
pub(super) type Together = fn(&[Checked], &Files, &Settings) -> Vec<Diagnostic>;

/// Whether `directory` is `root`, or lies in it.
fn holds(root: &Path, directory: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    root == directory || real(directory).starts_with(real(root))
}

impl FlagSet {
    /// Reads and lints the flags directory. Nothing is planned from a set with a part of it missing.
    pub(super) fn load(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        Self::load_from(workspace, &[])
    }

    /// Reads and lints `paths`, or the flags directory where there are none.
    pub(super) fn load_from(workspace: &Workspace<'_>, paths: &[PathBuf]) -> Result<Self, Failure> {
        let settings = workspace.lint_settings();
        let mut flag_set = Self::read(workspace, paths, &settings, rules::check_file);
        if let Some(failure) = flag_set.failure() {
            return Err(failure);
        }
        flag_set.conclude(workspace, &settings);
        Ok(flag_set)
    }

    /// Reads `paths`, or the flags directory where there are none, and checks each file by itself.
    pub(super) fn read(
        workspace: &Workspace<'_>,
        paths: &[PathBuf],
        settings: &Settings,
        check: Check,
    ) -> Self {
        let roots = match paths {
            [] => vec![workspace.flags_directory()],
            paths => paths.iter().map(|path| workspace.here.join(path)).collect(),
        };
        let mut found = source::find(&roots, &workspace.here);
        if workspace.mistakes.is_some() {
            // The flags directory may be missing because of a mistake in hoist.toml, to be shown.
            let missing = |error: &source::Error| matches!(error, source::Error::Missing(_));
            found.unread.retain(|error| !missing(error));
        }
        let progress = Progress::start("linting", found.paths.len() as u64, workspace.global.quiet);
        let checked = found.read(
            |file, bytes| check(file, bytes, settings),
            || progress.step(),
        );
        drop(progress);
        let all = workspace.flags_directory();
        let is_whole = found.unread.is_empty() && roots.iter().any(|root| holds(root, &all));
        // A file that is named may be a link: what it leads to is not therefore a place to write in.
        let directories = roots.into_iter().filter(|root| root.is_dir());
        Self {
            found,
            directories: directories.chain([workspace.flags_directory()]).collect(),
            together: match is_whole {
                true => rules::check_set,
                false => rules::check_part,
            },
            checked,
            diagnostics: Vec::new(),
            given: None,
        }
    }

    /// A set of one text, which was not read from a file.
    pub(super) fn of_text(name: &str, bytes: Vec<u8>, settings: &Settings, check: Check) -> Self {
        let mut found = Found::named(name);
        found
            .files
            .show(FileId(0), String::from_utf8_lossy(&bytes).into());
        Self {
            found,
            directories: Vec::new(),
            together: rules::check_part,
            checked: vec![check(FileId(0), &bytes, settings)],
            diagnostics: Vec::new(),
            given: Some(bytes),
        }
    }

    /// Gathers all findings, with those that only all files together show.
    pub(super) fn conclude(&mut self, workspace: &Workspace<'_>, settings: &Settings) {
        let mut diagnostics = std::mem::take(&mut self.found.diagnostics);
        let together = (self.together)(&self.checked, &self.found.files, settings);
        diagnostics.extend(together);
        for checked in &mut self.checked {
            diagnostics.append(&mut checked.diagnostics);
        }
        self.found.load_texts(&diagnostics);
        self.diagnostics = diagnostics;
        self.add_config_mistakes(workspace);
    }

    /// What could not be read, as the way a command ends.
    pub(super) fn failure(&self) -> Option<Failure> {
        Failure::unread(&self.found.unread)
    }

    /// True where nothing could be read at all.
    pub(super) fn is_empty(&self) -> bool {
        self.checked.is_empty() && self.found.diagnostics.is_empty()
    }

    /// Mistakes in hoist.toml are findings like any other.
    fn add_config_mistakes(&mut self, workspace: &Workspace<'_>) {
        let Some((files, mistakes)) = &workspace.mistakes else {
            return;
        };
        let Some(config) = files.0.first() else {
            return;
        };
        let text = files.text(FileId(0)).map(Arc::from);
        let file = self.found.files.add(config.name.clone(), text);
        self.diagnostics
            .extend(mistakes.iter().cloned().map(|mut mistake| {
                mistake.location.file = file;
                mistake
            }));
    }

    pub(super) fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.checked.iter().flat_map(|checked| &checked.flags)
    }

    /// Has rules about change look at what `plan` does.
    pub(super) fn find_risks(&self, plan: &mut Plan, settings: &Settings) {
        let changed: HashSet<&str> = plan.changes.iter().map(Change::flag).collect();
        let flags = self.checked.iter().flat_map(|checked| {
            let flags = checked.flags.iter();
            flags.map(|flag| (&*flag.key.value, (flag, &checked.suppressions)))
        });
        let written: HashMap<&str, Written<'_>> =
            flags.filter(|(key, _)| changed.contains(key)).collect();
        drop(changed);
        plan.find_risks(|key| written.get(key).copied(), settings);
    }

    fn errors_in<'a>(&'a self, flag: &'a Flag) -> impl Iterator<Item = &'a Diagnostic> {
        let inside = |found: &&Diagnostic| {
            let at = found.location;
            at.file == flag.file && flag.span.start <= at.span.start && at.span.end <= flag.span.end
        };
        let errors = self.diagnostics.iter();
        let errors = errors.filter(|found| found.severity == Severity::Error);
        errors.filter(inside)
    }

    /// Whether there are errors in the text of `flag`.
    pub(super) fn has_errors(&self, flag: &Flag) -> bool {
        self.errors_in(flag).next().is_some()
    }

    /// Shows them, on standard error.
    pub(super) fn show_errors(&self, flag: &Flag, colors: Colors) -> Result<(), Failure> {
        let errors: Vec<Diagnostic> = self.errors_in(flag).cloned().collect();
        let found = report::Lint {
            diagnostics: &errors,
            ..self.report()
        };
        report::human::findings(
            &found,
            colors.stderr,
            width(),
            &mut std::io::stderr().lock(),
        )
        .map_err(Failure::output)
    }

    pub(super) fn report(&self) -> report::Lint<'_> {
        report::Lint {
            files: &self.found.files,
            checked: self.checked.len(),
            flags: self
                .checked
                .iter()
                .map(|checked| checked.roster.len())
                .sum(),
            diagnostics: &self.diagnostics,
            unread: &self.found.unread,
        }
    }

    /// A failure where there are errors in the flag set: they are shown, and nothing is done with
    /// files that were not understood. `done` is what is not, such as "planned".
    pub(super) fn refuse_errors(
        &self,
        quiet: bool,
        colors: Colors,
        done: &str,
    ) -> Result<(), Failure> {
        let found = self.report();
        let errors = found.errors();
        let mut stderr = std::io::stderr().lock();
        if !quiet {
            report::human::lint(&found, colors.stderr, width(), &mut stderr)
                .map_err(Failure::output)?;
        } else if errors > 0 {
            report::human::findings(&found, colors.stderr, width(), &mut stderr)
                .map_err(Failure::output)?;
        }
        drop(stderr);
        if errors > 0 {
            return Err(Failure::findings(format!(
                "{} in the flag files; nothing was {done}",
                count(errors, "error")
            ))
            .hint("mend the findings above; `hoist lint --explain RULE` tells more about one"));
        }
        if let Some(flag) = self.flags().find(|flag| !flag.complete) {
            // Never reached while every gap in a flag is an error; stops short of writing half a flag.
            return Err(Failure::impossible(format!(
                "flag `{}` could not be read whole",
                flag.key.value
            )));
        }
        Ok(())
    }

    /// Runs the tests of every flag, in the order of files and places. Afterwards the texts are at
    /// hand of the files in which one failed, or, with `show_all`, of all that have tests.
    pub(super) fn run_tests(&mut self, show_all: bool) -> Vec<Case> {
        let files = self.checked.par_iter();
        let cases: Vec<Case> = files
            .flat_map_iter(|checked| checked.flags.iter().flat_map(cases::run))
            .collect();
        let shown = cases
            .iter()
            .filter(|case| show_all || case.failure.is_some());
        let shown: Vec<Diagnostic> = shown.map(Case::diagnostic).collect();
        self.found.load_texts(&shown);
        cases
    }

    /// For as long as the program runs: to give a hundred thousand flags back one by one takes as long as to
    /// compare them with a store.
    pub(super) fn for_good(self) -> ManuallyDrop<Self> {
        ManuallyDrop::new(self)
    }

    /// The flag set as `environment` wants it. There must be no errors in it.
    pub(super) fn target(&self, environment: &Environment) -> Target {
        let names: Vec<Arc<str>> = self
            .found
            .files
            .0
            .iter()
            .map(|file| Arc::from(file.name.as_str()))
            .collect();
        let wanted = |flag: &Flag| {
            let file = names.get(flag.file.0 as usize);
            wanted(flag, &environment.name, file)
        };
        let files = self.checked.par_iter();
        let flags = files.flat_map_iter(|checked| checked.flags.iter().map(wanted));
        let mut flags: Vec<Wanted> = flags.collect();
        flags.par_sort_unstable_by(|a, b| a.flag.cmp(&b.flag));
        Target {
            environment: environment.name.clone(),
            prune: environment.prune,
            flags,
        }
    }
}

/// A flag as `environment` wants it; `file` is the name of the file that has it.
pub(super) fn wanted(flag: &Flag, environment: &str, file: Option<&Arc<str>>) -> Wanted {
    let source = file.map(|file| Source {
        file: Arc::clone(file),
        line: flag.line,
    });
    Wanted::new(&*flag.key.value, Spec::of(flag, environment), source)
}

/// Checks a file and keeps no more of its flags than comparing them with others takes: the roster.
pub(super) fn check_and_forget(file: FileId, bytes: &[u8], settings: &Settings) -> Checked {
    Checked {
        flags: Vec::new(),
        ..rules::check_file(file, bytes, settings)
    }
}
