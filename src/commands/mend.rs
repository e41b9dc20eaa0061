//! `hoist lint --fix`: what is mended, and how it gets into the files.

use super::Failure;
use super::flagset::{Check, FlagSet};
use crate::diagnostic::{Diagnostic, FileId};
use crate::fix::{self, Set, Text};
use crate::report::mended::File;
use crate::rules::{Checked, Settings};
use crate::source::{self, WriteError};

/// What came of mending a flag set.
#[derive(Default)]
pub(super) struct Outcome {
    files: Vec<File>,
    unwritten: Vec<WriteError>,
}

/// Mends what can be mended, in memory: the set is checked as if it had been written.
pub(super) fn mend(flag_set: &mut FlagSet, settings: &Settings, check: Check) -> Outcome {
    let together = |flag_set: &FlagSet, checked: &[Checked]| {
        (flag_set.together)(checked, &flag_set.found.files, settings)
    };
    let across = together(flag_set, &flag_set.checked);
    let own = flag_set.checked.iter().flat_map(|file| &file.diagnostics);
    let mut files: Vec<FileId> = own
        .chain(&across)
        .filter(|found| is_mendable(found))
        .map(|found| found.location.file)
        .collect();
    files.sort_unstable();
    files.dedup();
    let texts: Vec<Text> = files
        .into_iter()
        .filter_map(|file| {
            let text = read(flag_set, file)?;
            Some(Text { file, text })
        })
        .collect();
    let mut checked = std::mem::take(&mut flag_set.checked);
    let mended = fix::mend(
        texts,
        Set {
            check: &|file, text| check(file, text.as_bytes(), settings),
            together: &|checked| together(flag_set, checked),
            checked: &mut checked,
        },
    );
    flag_set.checked = checked;
    let files = mended.into_iter().map(|mended| File {
        name: flag_set.found.files.name(mended.file).to_owned(),
        mended,
    });
    let files: Vec<File> = files.collect();
    for File { mended, .. } in &files {
        flag_set
            .found
            .files
            .show(mended.file, mended.text.as_str().into());
    }
    Outcome {
        files,
        unwritten: Vec::new(),
    }
}

fn is_mendable(found: &Diagnostic) -> bool {
    found.fix.as_ref().is_some_and(|fix| fix.safe)
}

/// The text of a file as it is now; `None` where it has become another kind of file since.
fn read(flag_set: &FlagSet, file: FileId) -> Option<String> {
    let bytes = match (&flag_set.given, flag_set.found.paths.get(file.0 as usize)) {
        (Some(given), _) => given.clone(),
        (None, path) => source::read_bounded(path?).ok()?,
    };
    String::from_utf8(bytes).ok()
}

impl Outcome {
    /// Writes what has changed. A file that cannot be written counts as what it was.
    pub(super) fn write(&mut self, flag_set: &mut FlagSet, settings: &Settings, check: Check) {
        let files = std::mem::take(&mut self.files);
        for file in files {
            let mended = &file.mended;
            let at = mended.file;
            let path = flag_set.found.paths.get(at.0 as usize);
            let (before, after) = (mended.before.as_bytes(), mended.text.as_bytes());
            let written = match path {
                Some(path) if before != after => {
                    source::replace(path, &file.name, &flag_set.directories, before, after)
                }
                _ => Ok(()),
            };
            match written {
                Ok(()) => self.files.push(file),
                Err(error) => {
                    self.unwritten.push(error);
                    let mut files = flag_set.checked.iter_mut();
                    if let Some(checked) = files.find(|checked| checked.file == at) {
                        *checked = check(at, before, settings);
                    }
                    flag_set.found.files.show(at, file.mended.before.into());
                }
            }
        }
    }

    /// What could not be written, as the way a command ends.
    pub(super) fn failure(&self) -> Option<Failure> {
        Failure::unwritten(&self.unwritten)
    }

    /// The text that was given, mended where anything was.
    pub(super) fn text<'a>(&'a self, flag_set: &'a FlagSet) -> &'a [u8] {
        let mended = self.files.first().map(|file| file.mended.text.as_bytes());
        mended.or(flag_set.given.as_deref()).unwrap_or_default()
    }

    pub(super) fn files(&self) -> &[File] {
        &self.files
    }
}
