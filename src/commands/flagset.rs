//! The flag files of a workspace, read and linted.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::progress::Progress;
use super::workspace::Workspace;
use super::{Colors, Failure, count, width};
use crate::config::Environment;
use crate::diagnostic::{Diagnostic, FileId, Files, Severity};
use crate::eval::cases::{self, Case};
use crate::model::Flag;
use crate::plan::{Source, Target, Wanted};
use crate::record::Spec;
use crate::rules::{self, Checked, Settings};
use crate::source::Found;
use crate::{report, source};

/// Flag files as read, and everything that was found in them.
pub(super) struct FlagSet {
    pub files: Files,
    /// How many files were read.
    pub read: usize,
    /// By [`FileId`].
    paths: Vec<PathBuf>,
    pub checked: Vec<Checked>,
    pub diagnostics: Vec<Diagnostic>,
}

impl FlagSet {
    /// Reads and lints the flags directory.
    pub(super) fn load(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        Self::load_from(workspace, &[])
    }

    /// Reads and lints `paths`, or the flags directory where there are none.
    pub(super) fn load_from(workspace: &Workspace<'_>, paths: &[PathBuf]) -> Result<Self, Failure> {
        Self::read(workspace, paths, rules::check_file)
    }

    /// Lints `paths`, or the flags directory where there are none. The flags are there to be
    /// counted, and no more.
    pub(super) fn lint(workspace: &Workspace<'_>, paths: &[PathBuf]) -> Result<Self, Failure> {
        Self::read(workspace, paths, |file, bytes, settings| {
            let mut checked = rules::check_file(file, bytes, settings);
            checked.flags.iter_mut().for_each(Flag::shed_details);
            checked
        })
    }

    fn read(
        workspace: &Workspace<'_>,
        paths: &[PathBuf],
        check: impl Fn(FileId, &[u8], &Settings) -> Checked + Sync,
    ) -> Result<Self, Failure> {
        let roots = match paths {
            [] => vec![workspace.flags_directory()],
            paths => paths.iter().map(|path| workspace.here.join(path)).collect(),
        };
        let mut found = match source::find(&roots, &workspace.here) {
            // The flags directory may be missing because of a mistake in hoist.toml, to be shown.
            Err(_) if workspace.mistakes.is_some() => Found::default(),
            found => found?,
        };
        let settings = workspace.lint_settings();
        let mut checked = {
            let progress =
                Progress::start("linting", found.paths.len() as u64, workspace.global.quiet);
            found.read(
                |file, bytes| check(file, bytes, &settings),
                || progress.step(),
            )?
        };
        let mut diagnostics = std::mem::take(&mut found.diagnostics);
        let check_together = match paths {
            [] => rules::check_set,
            _ => rules::check_part,
        };
        diagnostics.extend(check_together(&checked, &found.files, &settings));
        for checked in &mut checked {
            diagnostics.append(&mut checked.diagnostics);
        }
        found.load_texts(&diagnostics);
        let mut flag_set = Self {
            read: found.paths.len(),
            files: found.files,
            paths: found.paths,
            checked,
            diagnostics,
        };
        flag_set.add_config_mistakes(workspace);
        Ok(flag_set)
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
        let file = self.files.add(config.name.clone(), text);
        self.diagnostics
            .extend(mistakes.iter().cloned().map(|mut mistake| {
                mistake.location.file = file;
                mistake
            }));
    }

    pub(super) fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.checked.iter().flat_map(|checked| &checked.flags)
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
            files: &self.files,
            checked: self.read,
            flags: self.flags().count(),
            diagnostics: &self.diagnostics,
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
        let mut found = Found {
            files: std::mem::take(&mut self.files),
            paths: std::mem::take(&mut self.paths),
            ..Found::default()
        };
        found.load_texts(&shown);
        (self.files, self.paths) = (found.files, found.paths);
        cases
    }

    /// The flag set as `environment` wants it, or a failure where there are errors in it.
    pub(super) fn target(
        &self,
        environment: &Environment,
        quiet: bool,
        colors: Colors,
    ) -> Result<Target, Failure> {
        self.refuse_errors(quiet, colors, "planned")?;
        let names: Vec<Arc<str>> = self
            .files
            .0
            .iter()
            .map(|file| Arc::from(file.name.as_str()))
            .collect();
        let wanted = |flag: &Flag| {
            let source = names.get(flag.file.0 as usize).map(|file| Source {
                file: Arc::clone(file),
                line: flag.line,
            });
            Wanted::new(&*flag.key.value, Spec::of(flag, &environment.name), source)
        };
        let files = self.checked.par_iter();
        let flags = files.flat_map_iter(|checked| checked.flags.iter().map(wanted));
        let mut flags: Vec<Wanted> = flags.collect();
        flags.par_sort_unstable_by(|a, b| a.flag.cmp(&b.flag));
        Ok(Target {
            environment: environment.name.clone(),
            prune: environment.prune,
            flags,
        })
    }
}
