//! What the rules about change have to know of the past, and of the code: looked up only where a
//! change gives reason to.

use std::collections::HashMap;
use std::sync::Arc;

use super::revisions::Revisions;
use super::sides::Sides;
use crate::cli::Diff as Args;
use crate::commands::Failure;
use crate::commands::progress::Progress;
use crate::commands::workspace::Workspace;
use crate::git::{self, Repository, Scope};
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
        sides: &Sides,
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
        let wanted: Vec<_> = changes.iter().filter(wanted).collect();
        if !wanted.is_empty() {
            if repository.is_shallow() {
                pasts.notes.push(
                    "this clone is shallow: what happened before its first commit is not known, \
                     such as keys that were used and removed (`git fetch --unshallow`; in CI, \
                     `fetch-depth: 0`)"
                        .to_owned(),
                );
            }
            let tips = revisions.tips(repository)?;
            let mut past = Walk {
                repository,
                tips: tips.iter().map(|tip| &*tip.id).collect(),
                search: Search::new(wanted.iter().map(|change| change.key)),
                seen: Seen::default(),
                progress: Progress::bytes("reading history", 0, workspace.global.quiet),
            };
            let commits = match files(&wanted, sides) {
                Some(files) => past.within(&files)?,
                None => None,
            };
            let commits = commits.map_or_else(|| past.commits(Scope::All), Ok)?;
            for commit in &commits {
                past.seen.add(commit, &mut pasts.history);
            }
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
            let found = source::references(&roots, &flags, &keys, &workspace.here);
            pasts.references = found
                .map_err(|error| match error {
                    source::Error::Missing(name) => {
                        Failure::impossible(format!("`--src`: there is no directory `{name}`"))
                            .hint("name one that has code, from here")
                    }
                    error => error.into(),
                })?
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
}

/// The files that say all about the past of these flags, unless they came there from others. `None`
/// where every file counts: a new key may have stood anywhere.
fn files(changes: &[&FlagChange<'_>], sides: &Sides) -> Option<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for change in changes {
        if change.action() == Action::Create {
            return None;
        }
        files.extend(sides.paths(change).map(<[u8]>::to_vec));
    }
    files.sort_unstable();
    files.dedup();
    (!files.is_empty() && files.len() <= MOST_FILES).then_some(files)
}

/// From here on git is quicker with the whole directory, and a command line has an end.
const MOST_FILES: usize = 20;

/// Goes through the commits that touched flag files. Each content is read once, and parsed only where
/// it has a flag that is searched for.
struct Walk<'a> {
    repository: &'a Repository,
    tips: Vec<&'a str>,
    search: Search,
    seen: Seen,
    progress: Progress,
}

impl Walk<'_> {
    fn commits(&mut self, scope: Scope<'_>) -> Result<Vec<git::Commit>, git::Error> {
        let tips = std::mem::take(&mut self.tips);
        let commits = self.read(&tips, scope);
        self.tips = tips;
        commits
    }

    /// The commits that touched `files`. `None` where one of the flags was in another file before.
    fn within(&mut self, files: &[Vec<u8>]) -> Result<Option<Vec<git::Commit>>, git::Error> {
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
