//! What the rules about change have to know of the past, and of the code: looked up only where a
//! change gives reason to.

use std::collections::HashMap;

use super::revisions::Revisions;
use crate::cli::Diff as Args;
use crate::commands::Failure;
use crate::commands::progress::Progress;
use crate::commands::workspace::Workspace;
use crate::git::{self, Repository};
use crate::model::Expiry;
use crate::plan::Action;
use crate::plan::diff::FlagChange;
use crate::rules::change::{Commit, History, Past, References, Search, Sighting, is_on};
use crate::source;

/// What is known of the past of flags that changed.
#[derive(Debug, Default)]
pub struct Pasts {
    history: History,
    references: HashMap<String, References>,
    /// What could not be known.
    pub notes: Vec<String>,
}

impl Pasts {
    pub fn gather(
        changes: &[FlagChange<'_>],
        repository: &Repository,
        revisions: &Revisions,
        workspace: &Workspace<'_>,
        args: &Args,
    ) -> Result<Self, Failure> {
        let levels = workspace.lint_settings().levels;
        let mut pasts = Self::default();
        let reused = is_on(&levels, "reused-key");
        let postponed = is_on(&levels, "postponed-expiry");
        let wanted = |change: &&FlagChange<'_>| match change.action() {
            Action::Create => reused,
            _ => postponed && is_postponed(change),
        };
        let mut search = Search::new(changes.iter().filter(wanted).map(|change| change.key));
        if !search.is_empty() {
            if repository.is_shallow() {
                pasts.notes.push(
                    "this clone is shallow: what happened before its first commit is not known, \
                     such as keys that were used and removed (`git fetch --unshallow`; in CI, \
                     `fetch-depth: 0`)"
                        .to_owned(),
                );
            }
            pasts.read_history(&mut search, repository, revisions, workspace.global.quiet)?;
        }
        if !args.src.is_empty() && is_on(&levels, "removed-live") {
            let removed = changes
                .iter()
                .filter(|change| change.action() == Action::Delete);
            let keys: Vec<&str> = removed.map(|change| change.key).collect();
            let roots: Vec<_> = args
                .src
                .iter()
                .map(|dir| workspace.here.join(dir))
                .collect();
            let flags = workspace.flags_directory();
            pasts.references = source::references(&roots, &flags, &keys, &workspace.here)?
                .into_iter()
                .map(|(key, found)| {
                    let references = References {
                        places: found.places,
                        count: found.count,
                    };
                    (key, references)
                })
                .collect();
        }
        Ok(pasts)
    }

    /// What is known of a flag.
    pub fn take(&mut self, key: &str) -> Past {
        Past {
            references: self.references.remove(key),
            ..self.history.take(key)
        }
    }

    /// Goes through the commits that touched flag files. Each content is read once, and parsed only
    /// where it has a flag that is searched for.
    fn read_history(
        &mut self,
        search: &mut Search,
        repository: &Repository,
        revisions: &Revisions,
        quiet: bool,
    ) -> Result<(), Failure> {
        let tips = revisions.tips(repository)?;
        let tips: Vec<_> = tips.iter().collect();
        let progress = Progress::bytes("reading history", 0, quiet);
        let mut seen = Seen::default();
        let commits = repository.history(&tips, |id, bytes| {
            progress.advance(bytes.len() as u64);
            seen.look(id, bytes, search);
        })?;
        // What became of a flag matters only where it was, and mostly the next commit has told.
        let was_there = |commit: &&git::Commit| commit.before().any(|id| seen.has(id));
        let after = commits
            .iter()
            .filter(was_there)
            .flat_map(git::Commit::after);
        let mut wanted: Vec<&str> = after.filter(|id| !seen.knows(id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        repository.blobs(&wanted, |blob| {
            if let Some(id) = wanted.get(blob.index) {
                seen.look(id, &blob.bytes, search);
            }
        })?;
        for commit in &commits {
            seen.add(commit, &mut self.history);
        }
        Ok(())
    }
}

fn is_postponed(change: &FlagChange<'_>) -> bool {
    let date = |flag: Option<&crate::model::Flag>| match flag?.expires.as_ref()?.value {
        Expiry::On(date) => Some(date),
        Expiry::Never => None,
    };
    let (from, to) = (date(change.old), date(change.new));
    from.is_some() && from < to
}

/// What was seen in contents, by their ids.
#[derive(Default)]
struct Seen(HashMap<String, Vec<Sighting>>);

impl Seen {
    fn look(&mut self, id: &str, bytes: &[u8], search: &mut Search) {
        self.0.insert(id.to_owned(), search.look(bytes));
    }

    fn knows(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    fn get(&self, id: &str) -> &[Sighting] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    fn has(&self, id: &str) -> bool {
        !self.get(id).is_empty()
    }

    /// Puts a commit into the history.
    fn add(&self, commit: &git::Commit, history: &mut History) {
        let parents = commit.files.iter().map(|file| file.before.len()).max();
        let parents: Vec<Vec<Sighting>> = (0..parents.unwrap_or(0))
            .map(|parent| {
                let ids = commit.files.iter();
                let ids = ids.filter_map(|file| file.before.get(parent)?.as_deref());
                ids.flat_map(|id| self.get(id)).cloned().collect()
            })
            .collect();
        if parents.iter().all(Vec::is_empty) {
            return;
        }
        let after = commit.after().flat_map(|id| self.get(id));
        let after: Vec<Sighting> = after.cloned().collect();
        let commit = Commit {
            id: commit.id.clone(),
            time: commit.time,
            subject: commit.subject.clone(),
        };
        history.add(&commit, &parents, &after);
    }
}
