//! What in a store can lose flags: facts in, findings out. Pure.
//!
//! A store gathers [`Facts`]; what they mean is decided here, with the figures, and with the command
//! that mends it where there is one.

use crate::plan::Snapshot;

pub mod facts;
mod file;
mod persistence;
mod records;
mod replicas;
mod rights;
mod server;
mod words;

pub use facts::Facts;
pub use words::quoted;

/// Everything that is looked at, in the order of the report: the name of a check, what it looks for,
/// and whether it is one of Redis (`true`), of an SQLite file (`false`) or of both.
pub const CHECKS: [(&str, &str, Option<bool>); 17] = [
    (
        "server",
        "a server that is too old, or a replica",
        Some(true),
    ),
    (
        "clock",
        "a clock that is away from this machine's",
        Some(true),
    ),
    (
        "eviction",
        "a policy that deletes flags when memory runs short",
        Some(true),
    ),
    (
        "memory",
        "memory near its limit, where commits are refused",
        Some(true),
    ),
    (
        "expiry",
        "keys that are deleted when their time is up",
        Some(true),
    ),
    (
        "persistence",
        "flags that are not on a disk, or only late",
        Some(true),
    ),
    (
        "replicas",
        "no replica, or one that is behind or gone",
        Some(true),
    ),
    (
        "rights",
        "a user with too few rights, or with far too many",
        Some(true),
    ),
    (
        "file",
        "a file of an older format, or none yet",
        Some(false),
    ),
    ("integrity", "damage within the file", Some(false)),
    ("journal", "a file that is not written ahead", Some(false)),
    (
        "permissions",
        "a file that may not be written, or by everybody",
        Some(false),
    ),
    (
        "bookkeeping",
        "bookkeeping that is damaged, or left behind by a broken server",
        None,
    ),
    (
        "history",
        "a history that does not go up to the present",
        None,
    ),
    (
        "buckets",
        "users who were put into buckets by another formula",
        None,
    ),
    (
        "records",
        "records that are missing, changed or unreadable",
        None,
    ),
    (
        "foreign",
        "keys below the prefix that hoist does not manage",
        None,
    ),
];

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Flags are lost, or will be.
    Error,
    /// They may be lost, or something is not as it should be.
    Warning,
    /// It could not be looked at.
    Unknown,
    /// Worth to know.
    Note,
    Ok,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// One of [`CHECKS`].
    pub check: &'static str,
    pub level: Level,
    /// What is so, with figures.
    pub found: String,
    /// What to know or to do, where no command does it.
    pub advice: Option<String>,
    /// What mends it, in this order.
    pub fixes: Vec<Fix>,
}

/// A command that mends something.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fix {
    /// What takes it.
    #[serde(rename = "in")]
    pub place: Place,
    pub command: String,
}

/// What takes a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// `redis-cli`, as somebody who may.
    Redis,
    Shell,
}

impl Finding {
    fn new(check: &'static str, level: Level, found: impl Into<String>) -> Self {
        Self {
            check,
            level,
            found: found.into(),
            advice: None,
            fixes: Vec::new(),
        }
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    fn redis(self, command: impl Into<String>) -> Self {
        self.fix(Place::Redis, command)
    }

    fn shell(self, command: impl Into<String>) -> Self {
        self.fix(Place::Shell, command)
    }

    fn fix(mut self, place: Place, command: impl Into<String>) -> Self {
        let command = command.into();
        self.fixes.push(Fix { place, command });
        self
    }
}

/// Everything that is known of a store.
#[derive(Clone, Copy, Debug)]
pub struct Case<'c> {
    pub facts: &'c Facts,
    /// What it holds, or why that cannot be read.
    pub snapshot: Result<&'c Snapshot, Damage<'c>>,
    /// Generation of the newest entry of the history, if there is any; or why it cannot be read.
    pub newest: Result<Option<u64>, Damage<'c>>,
    pub prefix: &'c str,
    /// What follows `hoist plan` to mean this store: ` --env production`.
    pub named: &'c str,
}

/// Why something cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct Damage<'d> {
    pub message: &'d str,
    /// What to do about it.
    pub hint: Option<&'d str>,
    /// Whether only a right is missing, which is a finding of its own.
    pub forbidden: bool,
}

/// Looks at everything, in the order of [`CHECKS`].
#[must_use]
pub fn examine(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = match case.facts {
        Facts::Server(facts) => server::examine(facts, case),
        Facts::File(facts) => file::examine(facts),
        Facts::Nothing => Vec::new(),
    };
    findings.extend(records::examine(case));
    findings
}

#[cfg(test)]
mod tests;
