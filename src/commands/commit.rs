//! Who commits, what a commit is called, and what becomes of it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Ending, Failure, count};
use crate::plan::{About, Commit, Plan};
use crate::store::{self, Moved, Outcome, Store};

/// What became of a commit.
pub(super) enum Sent {
    Landed(Landed),
    /// Nothing was written.
    Moved(Vec<Moved>),
}

/// A commit that is in.
#[derive(Debug, Default)]
pub(super) struct Landed {
    pub generation: u64,
    /// How many replicas have it, where it waited for them and they are enough.
    pub replicas: Option<usize>,
    /// Why it is not as safe as it was to be.
    shortfall: Option<store::Error>,
}

impl Landed {
    /// `on 2 replicas`, where it waited for them.
    pub(super) fn replicas_in_words(&self) -> Option<String> {
        let replicas = self.replicas?;
        Some(format!("on {}", count(replicas, "replica")))
    }

    /// Why it is not as safe as it was to be, in words.
    pub(super) fn shortfall(&self) -> Option<String> {
        self.shortfall.as_ref().map(ToString::to_string)
    }

    /// `8`, or `8, on 2 replicas`.
    pub(super) fn in_words(&self) -> String {
        match self.replicas_in_words() {
            Some(on) => format!("{}, {on}", self.generation),
            None => self.generation.to_string(),
        }
    }

    /// How the command ends, once it has reported what it did.
    pub(super) fn ending(self) -> Result<Ending, Failure> {
        match self.shortfall {
            None => Ok(Ending::Done),
            Some(error) => Err(error.into()),
        }
    }
}

/// Commits. A commit that is in, and not as safe as it was to be, is in.
pub(super) fn send(store: &mut dyn Store, commit: &Commit) -> Result<Sent, store::Error> {
    match store.commit(commit) {
        Ok(Outcome::Moved(moved)) => Ok(Sent::Moved(moved)),
        Ok(Outcome::Committed { generation }) => Ok(Sent::Landed(Landed {
            generation,
            replicas: store.replicas(),
            shortfall: None,
        })),
        Err(error) => match error.committed() {
            None => Err(error),
            Some(generation) => Ok(Sent::Landed(Landed {
                generation,
                replicas: None,
                shortfall: Some(error),
            })),
        },
    }
}

/// What is noted of a commit that makes a store agree with a flag set. `source` is what makes it,
/// `commit` the git commit of the flag files, and `at` the store's clock, in seconds since the epoch.
pub(super) fn about(plan: &Plan, source: &str, commit: Option<String>, at: f64) -> About {
    About {
        digest: plan.digest.clone(),
        commit,
        rolled_back: None,
        actor: actor(),
        version: env!("CARGO_PKG_VERSION").into(),
        buckets: crate::plan::BUCKETS.into(),
        source: source.to_owned(),
        reason: None,
        notes: BTreeMap::new(),
        at,
    }
}

/// A name for a commit, or a lineage, that nobody else has.
pub(super) fn fresh_id() -> String {
    Uuid::new_v4().to_string()
}

/// Who runs this: as CI systems say, else the user of this machine.
pub(super) fn actor() -> Option<String> {
    [
        "HOIST_ACTOR",
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
        "USER",
        "USERNAME",
    ]
    .iter()
    .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
