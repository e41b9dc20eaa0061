//! What a store says of itself, and what is seen by looking at it.

use std::collections::BTreeMap;

/// What is known of the thing that holds the records.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    Server(Box<Server>),
    File(File),
    /// Nothing that could break.
    Nothing,
}

/// What was asked for, or why there is no answer.
pub type Asked<T> = Result<T, Unasked>;

/// Why a server gave no answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unasked {
    /// The right that it takes, as in `+info`.
    pub right: &'static str,
    /// What the server says.
    pub reason: String,
    /// Whether it is the right that is missing.
    pub forbidden: bool,
}

/// A Redis: by itself, the primary behind sentinels, or the node of a cluster that has the prefix.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where it is.
    pub address: String,
    /// Whether others are there to take over from it.
    pub has_watchers: bool,
    /// How many replicas each commit waits for.
    pub wait_replicas: usize,
    /// What INFO says.
    pub info: Asked<Fields>,
    /// What CONFIG GET says.
    pub config: Asked<Fields>,
    pub clock: Asked<Clock>,
    /// Keys that will be deleted by themselves, the next one first.
    pub expiring: Asked<Vec<Expiring>>,
    /// How many keys were looked at for that.
    pub keys: usize,
    /// Keys that should exist only within a transaction.
    pub left_behind: Vec<String>,
    pub rights: Rights,
}

/// Names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub BTreeMap<String, String>);

impl Fields {
    /// Reads what INFO answers.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.trim_end().to_owned());
        Self(pairs.map(owned).collect())
    }

    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

/// Two clocks, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub theirs: f64,
    /// This machine's, half way between the question and the answer.
    pub ours: f64,
    /// How long the answer took, in seconds.
    pub took: f64,
}

/// A key that will be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    pub key: String,
    /// The flag whose record it is; none for bookkeeping.
    pub flag: Option<String>,
    pub milliseconds: u64,
}

/// What the user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// None where it is the default user.
    pub user: Option<String>,
    pub extent: Extent,
    /// What it may not do, as rules of an ACL: `+scan`, `~ff:*`, `&hoist:{ff}:changes`.
    pub lacking: Vec<String>,
    /// What it may do that nobody needs for flags, such as `FLUSHALL`.
    pub beyond: Vec<&'static str>,
    /// The rules of `ACL SETUSER` for everything that hoist does there.
    pub rules: String,
}

/// How far the rights of a user go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything that hoist does.
    All,
    /// Stops, restores and rollouts, all of them.
    Operating,
    /// Looking at everything.
    Looking,
    /// Neither of these as a whole.
    Part,
}

/// An SQLite file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    /// Bytes; none where there is no file yet.
    pub size: Option<u64>,
    /// Whether hoist's tables are of an earlier format.
    pub is_older: bool,
    /// What is wrong within it.
    pub damage: Vec<String>,
    /// How it is kept from being torn: `wal` as hoist makes it.
    pub journal: String,
    /// Why it may not be written, if it may not.
    pub unwritable: Option<String>,
    /// Whether every user of the machine may write it.
    pub is_open: bool,
}
