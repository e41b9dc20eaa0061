//! The git history of flag files, searched for some flags.

use std::collections::HashMap;
use std::sync::Arc;

use super::progress::Progress;
use crate::git::{self, Repository, Revision, Scope};
use crate::rules::change::{Commit, History, Search, Sighting};

/// Goes through the commits that touched flag files. Each content is read once, and parsed only where
/// it has a flag that is searched for.
pub(super) struct Walk<'a> {
    repository: &'a Repository,
    tips: Vec<&'a str>,
    search: Search,
    seen: Seen,
    progress: Progress,
}

impl<'a> Walk<'a> {
    /// Up to `tips`, for flags called `keys`.
    pub(super) fn new<'k>(
        repository: &'a Repository,
        tips: &'a [Revision],
        keys: impl IntoIterator<Item = &'k str>,
        quiet: bool,
    ) -> Self {
        Self {
            repository,
            tips: tips.iter().map(|tip| &*tip.id).collect(),
            search: Search::new(keys),
            seen: Seen::default(),
            progress: Progress::bytes("reading history", 0, quiet),
        }
    }

    /// What `commits` did to the flags.
    pub(super) fn history(&self, commits: &[git::Commit]) -> History {
        let mut history = History::default();
        for commit in commits {
            self.seen.add(commit, &mut history);
        }
        history
    }

    pub(super) fn commits(&mut self, scope: Scope<'_>) -> Result<Vec<git::Commit>, git::Error> {
        let tips = std::mem::take(&mut self.tips);
        let commits = self.read(&tips, scope);
        self.tips = tips;
        commits
    }

    /// The commits that touched `files`. `None` where one of the flags was in another file before.
    pub(super) fn within(
        &mut self,
        files: &[Vec<u8>],
    ) -> Result<Option<Vec<git::Commit>>, git::Error> {
        let commits = self.commits(Scope::Files(files))?;
        let brought: HashMap<&str, Vec<Arc<str>>> = commits
            .iter()
            .map(|commit| (&*commit.id, self.seen.brought_by(commit)))
            .filter(|(_, keys)| !keys.is_empty())
            .collect();
        if brought.is_empty() {
            return Ok(Some(commits));
        }
        let ids: Vec<&str> = brought.keys().copied().collect();
        let whole = self.read(&ids, Scope::Tips)?;
        let came = whole.iter().any(|commit| {
            let keys = brought.get(&*commit.id);
            keys.is_some_and(|keys| keys.iter().any(|key| self.seen.had(commit, key)))
        });
        Ok((!came).then_some(commits))
    }

    fn read(&mut self, tips: &[&str], scope: Scope<'_>) -> Result<Vec<git::Commit>, git::Error> {
        let Self {
            repository,
            search,
            seen,
            progress,
            ..
        } = self;
        let commits = repository.history(tips, scope, |id, bytes| {
            progress.advance(bytes.len() as u64);
            seen.look(id, bytes, search);
        })?;
        // What became of a flag matters only where it was, and mostly the next commit has told. In a
        // few files, so does where it came from.
        let few = matches!(scope, Scope::Files(_));
        let matters = |commit: &&git::Commit| few || commit.before().any(|id| seen.has(id));
        let after = commits.iter().filter(matters);
        let after = after.flat_map(git::Commit::after);
        let mut wanted: Vec<&str> = after.filter(|id| !seen.knows(id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        repository.blobs(&wanted, |blob| {
            if let Some(id) = wanted.get(blob.index) {
                seen.look(id, &blob.bytes, search);
            }
        })?;
        Ok(commits)
    }
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

    /// Whether a flag was in what a commit touched.
    fn had(&self, commit: &git::Commit, key: &str) -> bool {
        let mut before = commit.before().flat_map(|id| self.get(id));
        before.any(|sighting| *sighting.key == *key)
    }

    /// The flags that are there after a commit, and were nowhere in what it touched.
    fn brought_by(&self, commit: &git::Commit) -> Vec<Arc<str>> {
        let after = commit.after().flat_map(|id| self.get(id));
        let new = after.filter(|sighting| !self.had(commit, &sighting.key));
        new.map(|sighting| Arc::clone(&sighting.key)).collect()
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
