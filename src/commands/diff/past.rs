//! What the rules about change have to know of the past, and of the code: looked up only where a
//! change gives reason to.

use std::collections::HashMap;

use super::revisions::Revisions;
use super::sides::Sides;
use crate::cli::Diff as Args;
use crate::commands::Failure;
use crate::commands::past::Walk;
use crate::commands::workspace::Workspace;
use crate::git::{Repository, Scope};
use crate::model::Expiry;
use crate::plan::Action;
use crate::plan::diff::FlagChange;
use crate::rules::change::{History, Past, References, is_on};
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
            let keys = wanted.iter().map(|change| change.key);
            let mut walk = Walk::new(repository, &tips, keys, workspace.global.quiet);
            let commits = match files(&wanted, sides) {
                Some(files) => walk.within(&files)?,
                None => None,
            };
            let commits = commits.map_or_else(|| walk.commits(Scope::All), Ok)?;
            pasts.history = walk.history(&commits);
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

fn is_postponed(change: &FlagChange<'_>) -> bool {
    let date = |flag: Option<&crate::model::Flag>| match flag?.expires.as_ref()?.value {
        Expiry::On(date) => Some(date),
        Expiry::Never => None,
    };
    let (from, to) = (date(change.old), date(change.new));
    from.is_some() && from < to
}
