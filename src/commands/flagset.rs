//! The flag files of a workspace, read and linted.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::progress::Progress;
use super::workspace::Workspace;
use super::{Colors, Failure, count, width};
use crate::config::Environment;
use crate::diagnostic::{Diagnostic, FileId, Files};
use crate::model::Flag;
use crate::plan::{Source, Target, Wanted};
use crate::record::Spec;
use crate::rules::{self, Checked, Settings};
use crate::{report, source};

/// Flag files as read, and everything that was found in them.
pub(super) struct FlagSet {
    pub files: Files,
    /// How many files were read.
    pub read: usize,
    pub checked: Vec<Checked>,
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be read: nothing is planned from a set with a part of it missing.
    pub unread: Vec<source::Error>,
}

impl FlagSet {
    /// Reads and lints the flags directory.
    pub(super) fn load(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        let settings = workspace.lint_settings();
        let flag_set = Self::read(workspace, &[], &settings, rules::check_file);
        match flag_set.failure() {
            Some(failure) => Err(failure),
            None => Ok(flag_set),
        }
    }

    /// Lints `paths`, or the flags directory where there are none. The flags are there to be
    /// counted, and no more.
    pub(super) fn lint(
        workspace: &Workspace<'_>,
        paths: &[PathBuf],
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let flag_set = Self::read(workspace, paths, settings, check_and_forget);
        match flag_set.failure() {
            Some(failure) if flag_set.read == 0 && flag_set.diagnostics.is_empty() => Err(failure),
            _ => Ok(flag_set),
        }
    }

    /// What could not be read, as the way a command ends.
    pub(super) fn failure(&self) -> Option<Failure> {
        Failure::unread(&self.unread)
    }

    fn read(
        workspace: &Workspace<'_>,
        paths: &[PathBuf],
        settings: &Settings,
        check: impl Fn(FileId, &[u8], &Settings) -> Checked + Sync,
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
        let mut checked = {
            let progress =
                Progress::start("linting", found.paths.len() as u64, workspace.global.quiet);
            found.read(
                |file, bytes| check(file, bytes, settings),
                || progress.step(),
            )
        };
        let mut diagnostics = std::mem::take(&mut found.diagnostics);
        diagnostics.extend(rules::check_set(&checked, &found.files, settings));
        for checked in &mut checked {
            diagnostics.append(&mut checked.diagnostics);
        }
        found.load_texts(&diagnostics);
        let mut flag_set = Self {
            read: checked.len(),
            files: found.files,
            checked,
            diagnostics,
            unread: found.unread,
        };
        flag_set.add_config_mistakes(workspace);
        flag_set
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

    pub(super) fn report(&self) -> report::Lint<'_> {
        report::Lint {
            files: &self.files,
            checked: self.read,
            flags: self.flags().count(),
            diagnostics: &self.diagnostics,
            unread: &self.unread,
        }
    }

    /// The flag set as `environment` wants it, or a failure where there are errors in it: they are
    /// shown, and nothing is planned from files that were not understood.
    pub(super) fn target(
        &self,
        environment: &Environment,
        quiet: bool,
        colors: Colors,
    ) -> Result<Target, Failure> {
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
                "{} in the flag files; nothing was planned",
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

/// Checks a file and keeps no more of its flags than comparing them with others takes.
fn check_and_forget(file: FileId, bytes: &[u8], settings: &Settings) -> Checked {
    let mut checked = rules::check_file(file, bytes, settings);
    checked.flags.iter_mut().for_each(Flag::shed_details);
    checked
}
