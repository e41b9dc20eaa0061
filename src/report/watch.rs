//! What happens while flag files are watched.

use std::time::Duration;

use super::Lint;
use crate::plan::Plan;
use crate::plan::guard::Refusal;
use crate::store::{HistoryEntry, Info, WatchClaim};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// It begins, or goes on with another hoist.toml.
    Watching {
        environment: &'a str,
        store: &'a Info,
        /// The directory of the flag files, as people see it.
        flags: &'a str,
    },
    Synced(Synced<'a>),
    /// What lint has found in what was saved.
    Found {
        findings: Lint<'a>,
        /// Files that hold everything up, or are held back themselves.
        held: &'a [String],
        /// Whether the other files go on without them.
        partial: bool,
    },
    /// A guard has refused the plan.
    Refused {
        plan: &'a Plan,
        refusals: &'a [Refusal],
    },
    /// Something could not be done, and is tried again when there is reason to.
    Failed {
        /// With what to do about it, in lines.
        message: &'a str,
    },
    /// The store has gone away, or does not let anything be done.
    Away {
        /// With what to do about it, in lines.
        message: &'a str,
    },
    Back {
        after: Duration,
    },
    /// Somebody else has committed.
    Foreign {
        generation: u64,
        /// None where the history does not have it.
        commit: Option<&'a HistoryEntry>,
    },
    /// Another watcher is at work on the same store.
    Rival(&'a WatchClaim),
    /// It no longer is.
    RivalGone,
    /// Something else worth a word.
    Note {
        message: &'a str,
    },
    /// The command that is run after each sync has ended.
    Ran {
        /// None where it did not end by itself.
        exit: Option<i32>,
        output: &'a str,
    },
    Stopped,
}

/// What was made of what was saved.
#[derive(Clone, Copy, Debug)]
pub struct Synced<'a> {
    /// Nothing is written where it is empty.
    pub plan: &'a Plan,
    /// The store's, afterwards.
    pub generation: u64,
    /// From the moment at which it was time to look at the files.
    pub took: Duration,
    /// How many replicas have it, where it waited for them.
    pub replicas: Option<usize>,
}
