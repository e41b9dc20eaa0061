//! Where an environment's records live.
//!
//! A store knows keys and bytes; what a record means is `record`'s business, what to write `plan`'s.
//! A key below the prefix that holds a further `:` is no flag's (flag keys never contain one): it is
//! neither read nor written, so that prefixes `ff` and `ff:staging` keep out of each other's way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::doctor::Facts;
use crate::plan::{Commit, Snapshot};

mod effects;
mod error;
mod listen;
pub mod memory;
mod names;
mod open;
mod redis;
pub mod rights;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use error::Error;
pub use listen::{Heard, Listener, listen};
pub use open::{looks_like_url, open, open_over, shown, speaks_tls};
pub use redis::{Address, Dial, Link, Network, TlsFiles};

/// A store of records. Blocking: one connection, one command after another.
pub trait Store: Send {
    fn info(&self) -> &Info;

    /// Reads everything that a plan compares, as of one generation. A store that was never written
    /// is empty at generation 0; reading creates nothing.
    fn read(&mut self) -> Result<Snapshot, Error>;

    /// The same, in less time where most of `flags` are there: they need not be found first.
    fn read_expecting(&mut self, _flags: &[&str]) -> Result<Snapshot, Error> {
        self.read()
    }

    /// What [`Store::read`] reads, of the named flags only: a round trip or two, however many flags
    /// the store has.
    fn read_flags(&mut self, flags: &[&str]) -> Result<Snapshot, Error>;

    /// What [`Store::read_flags`] reads, ahead of a commit of these flags that is likely to follow: unless
    /// somebody has touched them, it need not look at the store again. None where nothing is to be
    /// gained by that, or where it cannot be done at once; why not shows at the next look.
    fn prepare(&mut self, _flags: &[&str]) -> Option<Snapshot> {
        None
    }

    /// Writes all of `commit` or nothing: it succeeds only where the generation is still
    /// `commit.generation`, the lineage is the same, and every touched key still holds what the
    /// commit expects. A commit without writes is not sent; the present generation is the answer.
    ///
    /// After an error nothing was written, except after [`Error::OutcomeUnknown`], and where
    /// [`Error::committed`] says so.
    fn commit(&mut self, commit: &Commit) -> Result<Outcome, Error>;

    /// How many replicas had the last commit when it returned; none where it did not wait for any
    /// ([`Options::wait_replicas`]).
    fn replicas(&self) -> Option<usize> {
        None
    }

    /// The newest `limit` entries of the history, newest first.
    fn history(&mut self, limit: usize) -> Result<Vec<HistoryEntry>, Error>;

    /// What can be seen of whatever holds the records: its settings, its state, and how long the
    /// records of `flags` live. What is not told, for lack of a right, is a fact as well. Changes
    /// nothing.
    fn facts(&mut self, flags: &[&str]) -> Result<Facts, Error>;

    /// Says that the watcher of `claim` is at work here for `lasting` from now on, unless another one has
    /// said so and is not over yet: then that one is given. It keeps nobody from writing; where that
    /// cannot be said, for lack of rights say, nothing is.
    fn claim_watch(
        &mut self,
        claim: &WatchClaim,
        lasting: Duration,
    ) -> Result<Option<WatchClaim>, Error>;

    /// Takes back what [`Store::claim_watch`] has said.
    fn release_watch(&mut self, claim: &WatchClaim) -> Result<(), Error>;
}

/// How to reach a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder that a relative `sqlite:` path starts from: where `hoist.toml` is.
    pub base: PathBuf,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long one answer, or one locked database file, may take, and how long replicas may take to have
    /// a commit. From the first failure on, it is also how long a primary or a node that has gone may take
    /// to be found again, before the work is given up.
    pub timeout: Duration,
    /// How many commits the history keeps, at least; the oldest go first.
    pub history_keep: usize,
    /// How many replicas must have a commit before it counts as safe; 0 asks for none.
    pub wait_replicas: usize,
    /// For stores with TLS; a URL may name files of its own.
    pub tls: TlsFiles,
    /// Told why a piece of work takes long: once, while it waits for a server to be there again.
    pub on_wait: fn(&Error),
    /// Up to so many records of one commit are watched by a Redis; those of a larger one are compared
    /// by a script. Redis compares each newly watched key with all that the client watches already:
    /// 500 take it some 2 ms, 10,000 half a second, in which it does nothing else.
    pub watch_up_to: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base: PathBuf::from("."),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            history_keep: 1000,
            wait_replicas: 0,
            tls: TlsFiles::default(),
            on_wait: |_| (),
            watch_up_to: 500,
        }
    }
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
    Committed {
        generation: u64,
    },
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

/// Who watches flag files and applies every change of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WatchClaim {
    /// Tells one watcher from another.
    pub id: String,
    pub actor: Option<String>,
    /// Where the flag files are.
    pub directory: String,
    /// Number of the process, on a machine that is not named.
    pub process: u32,
}

/// One commit of the past.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct HistoryEntry {
    pub id: String,
    pub generation: u64,
    /// Seconds since the epoch, by the store's clock.
    pub at: f64,
    pub actor: Option<String>,
    /// Git commit of the flag set in force.
    pub commit: Option<String>,
    /// What made it: `apply`, `watch`, `rollback`, `kill`, `restore`, `advance`, `hold`, `pause` or
    /// `resume`.
    pub source: String,
    pub reason: Option<String>,
    /// Version of hoist that made it.
    pub version: String,
    /// Digest of the flag set in force.
    pub digest: String,
    /// Flag to its record before and after, as text; `None` where there was none.
    pub records: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Flag to what is to be said about it: what a gate printed.
    pub notes: BTreeMap<String, String>,
}
