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

/// Everything that is looked at, in the order of the report.
pub const CHECKS: [Check; 17] = [
    Check::new(
        "server",
        "a server that is too old, or a replica",
        Of::Server,
    ),
    Check::new(
        "clock",
        "a clock that is away from this machine's",
        Of::Server,
    ),
    Check::new(
        "eviction",
        "a policy that deletes flags when memory runs short",
        Of::Server,
    ),
    Check::new(
        "memory",
        "memory near its limit, past which commits are refused",
        Of::Server,
    ),
    Check::new(
        "expiry",
        "keys that are deleted when their time is up",
        Of::Server,
    ),
    Check::new(
        "persistence",
        "flags that are not on a disk, or get there late",
        Of::Server,
    ),
    Check::new(
        "replicas",
        "no replica, or one that is behind or gone",
        Of::Server,
    ),
    Check::new(
        "rights",
        "a user with too few rights, or with far too many",
        Of::Server,
    ),
    Check::new("file", "a file of an older format, or none yet", Of::File),
    Check::new("integrity", "damage within the file", Of::File),
    Check::new("journal", "a file that is not written ahead", Of::File),
    Check::new(
        "permissions",
        "a file that cannot be written, or by everybody",
        Of::File,
    ),
    Check::new(
        "bookkeeping",
        "bookkeeping that is damaged, or left behind",
        Of::Any,
    ),
    Check::new(
        "history",
        "a history that does not go up to the present",
        Of::Any,
    ),
    Check::new(
        "buckets",
        "users who were put into buckets by another formula",
        Of::Any,
    ),
    Check::new(
        "records",
        "records that are missing, changed or senseless",
        Of::Any,
    ),
    Check::new(
        "foreign",
        "keys below the prefix that hoist does not manage",
        Of::Any,
    ),
];

/// Something that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// What it looks for.
    pub finds: &'static str,
    pub of: Of,
}

impl Check {
    const fn new(name: &'static str, finds: &'static str, of: Of) -> Self {
        Self { name, finds, of }
    }
}

/// What kind of store a check is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A Redis.
    Server,
    /// An SQLite file.
    File,
    Any,
}

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
