//! Where an environment's records live.
//!
//! A store knows keys and bytes; what a record means is `record`'s business, what to write `plan`'s.

use std::collections::BTreeMap;

use crate::plan::{Commit, Snapshot};

/// A store of records. Blocking: one connection, one command after another.
pub trait Store: Send {
    fn info(&self) -> &Info;

    /// Reads everything that a plan compares, as of one generation.
    fn read(&mut self) -> Result<Snapshot, Error>;

    /// Writes all of `commit` or nothing: it succeeds only where the generation is still
    /// `commit.generation`, the lineage is the same, and every touched key still holds what the
    /// commit expects.
    fn commit(&mut self, commit: &Commit) -> Result<Outcome, Error>;

    /// The newest `limit` entries of the history, newest first.
    fn history(&mut self, limit: usize) -> Result<Vec<HistoryEntry>, Error>;
}

/// What a store is, for people: the URL never carries a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// `redis`, `sqlite` or `memory`.
    pub kind: &'static str,
    pub url: String,
    pub prefix: String,
}

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Committed { generation: u64 },
    /// Nothing was written; these moved since the plan was made.
    Moved(Vec<Moved>),
}

/// What stood in the way of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    Lineage,
    Generation { expected: u64, found: u64 },
    Record { flag: String },
}

/// One commit of the past.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct HistoryEntry {
    pub id: String,
    pub generation: u64,
    /// Seconds since the epoch, by the store's clock.
    pub at: f64,
    pub actor: Option<String>,
    pub commit: Option<String>,
    pub source: String,
    pub reason: Option<String>,
    /// Flag to its record before and after, as text; `None` where there was none.
    pub records: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// Why a store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Todo(String),
}
