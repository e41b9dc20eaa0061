//! Since when lines of flag files say what they say, by git.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use crate::commands::flagset::FlagSet;
use crate::commands::workspace::Workspace;
use crate::diagnostic::{FileId, LineIndex, Span};
use crate::git::{Blamed, Error, Repository};
use crate::model::{Expiry, Flag};
use crate::source;
use crate::stale::{By, Known, Since};

/// The flag files, and the repository that they lie in.
pub struct Blame<'a> {
    repository: Repository,
    flag_set: &'a FlagSet,
}

/// What is asked of one flag: its place among those known, the line of its key, and the lines that decide
/// who has it.
struct Question {
    known: usize,
    key: u32,
    lines: Vec<(u32, u32)>,
}

/// Whether git may know what nothing else has told.
pub fn wants(known: &Known) -> bool {
    let lacks_time = known.exposure.lacks_time() && known.expires != Some(Expiry::Never);
    lacks_time || (known.uses == Some(0) && known.created.is_none())
}

impl<'a> Blame<'a> {
    /// # Errors
    /// Where the flag files lie in no repository.
    pub fn new(workspace: &Workspace<'_>, flag_set: &'a FlagSet) -> Result<Self, Error> {
        Ok(Self {
            repository: Repository::open(&workspace.flags_directory(), &workspace.here)?,
            flag_set,
        })
    }

    /// Fills in what git knows. Files that it does not know are noted.
    pub fn complete(&self, known: &mut [Known], notes: &mut Vec<String>) {
        let mut by_file: HashMap<FileId, Vec<(usize, &Flag)>> = HashMap::new();
        let places: HashMap<String, usize> = known
            .iter()
            .enumerate()
            .filter(|(_, known)| wants(known))
            .map(|(index, known)| (known.flag.clone(), index))
            .collect();
        for flag in self.flag_set.flags() {
            if let Some(index) = places.get(&*flag.key.value) {
                by_file.entry(flag.file).or_default().push((*index, flag));
            }
        }
        let mut files: Vec<_> = by_file.into_iter().collect();
        files.sort_by_key(|(file, _)| *file);
        let asked = files
            .par_iter()
            .map(|(file, flags)| (*file, self.ask(*file, flags)));
        for (file, answer) in asked.collect::<Vec<_>>() {
            match answer {
                Some(answers) => answers
                    .iter()
                    .for_each(|(question, lines)| take(known, question, lines)),
                None => notes.push(format!(
                    "git does not know since when `{}` says what it says",
                    self.flag_set.found.files.name(file)
                )),
            }
        }
    }

    /// What git knows of the lines of some flags in a file.
    fn ask(&self, file: FileId, flags: &[(usize, &Flag)]) -> Option<Vec<(Question, Vec<Blamed>)>> {
        let path = self.flag_set.found.paths.get(file.0 as usize)?;
        let questions = questions(path, flags)?;
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for question in &questions {
            ranges.push((question.key, question.key));
            ranges.extend(&question.lines);
        }
        ranges.sort_unstable();
        ranges.dedup();
        let blamed = self.repository.blame(path, &ranges).ok()?;
        let answers = questions.into_iter().map(|question| {
            let is_meant = |line: &&Blamed| {
                let within = |(from, to): &(u32, u32)| (*from..=*to).contains(&line.line);
                line.line == question.key || question.lines.iter().any(within)
            };
            let lines = blamed.iter().filter(is_meant).cloned().collect();
            (question, lines)
        });
        Some(answers.collect())
    }
}

fn questions(path: &Path, flags: &[(usize, &Flag)]) -> Option<Vec<Question>> {
    let bytes = source::read_bounded(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let index = LineIndex::new(&text);
    let lines = |span: Span| {
        (
            index.line(span.start),
            index.line(span.end.max(span.start + 1) - 1),
        )
    };
    let questions = flags.iter().map(|(known, flag)| Question {
        known: *known,
        key: flag.line,
        lines: deciding(flag).into_iter().map(lines).collect(),
    });
    Some(questions.collect())
}

/// What decides who has a flag.
fn deciding(flag: &Flag) -> Vec<Span> {
    let base = &flag.base;
    let mut spans = Vec::new();
    spans.extend(base.enabled.as_ref().map(|field| field.key.to(field.span)));
    spans.extend(
        base.percentage
            .as_ref()
            .map(|field| field.key.to(field.span)),
    );
    spans.extend(base.rollout.as_ref().map(|field| field.key.to(field.span)));
    spans.extend(base.variants.as_ref().map(|field| field.key.to(field.span)));
    spans.extend(
        flag.environments
            .as_ref()
            .map(|field| field.key.to(field.span)),
    );
    spans
}

/// Notes what the lines of a flag tell: since the last of them was changed it is as it is.
fn take(known: &mut [Known], question: &Question, lines: &[Blamed]) {
    let Some(known) = known.get_mut(question.known) else {
        return;
    };
    let key = lines.iter().find(|line| line.line == question.key);
    known.written = key.map(|line| line.time as f64);
    let last = lines
        .iter()
        .max_by_key(|line| (line.commit.is_none(), line.time));
    // What is not committed yet is of now.
    let since = last.and_then(|last| {
        Some(Since {
            at: last.time as f64,
            at_least: last.boundary,
            by: By::Git {
                commit: last.commit.clone()?,
                line: last.line,
            },
        })
    });
    known.exposure.note(since);
}
