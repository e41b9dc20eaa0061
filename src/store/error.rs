//! Why a store could not be read or written, and what to do about it.

use std::time::Duration;

/// Why a store could not be read or written. `store` is always the URL without its password, and
/// no message ever holds one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{scheme}` is not a kind of store that hoist knows")]
    UnknownScheme {
        scheme: String,
        /// The known scheme that it looks like.
        similar: Option<&'static str>,
    },
    #[error("`{url}` is not a store's URL: {reason}")]
    Url { url: String, reason: String },
    #[error("`{prefix}` cannot be a prefix: {reason}")]
    Prefix { prefix: String, reason: String },

    #[error("cannot connect to {store}: {reason}")]
    Unreachable { store: String, reason: String },
    #[error("{store} did not answer within {} s", .after.as_secs_f64())]
    Timeout { store: String, after: Duration },
    #[error("no secure connection to {store}: {reason}")]
    Tls {
        store: String,
        reason: String,
        /// What to do about it.
        fix: &'static str,
    },
    #[error("`{file}` cannot be used for a secure connection: {reason}")]
    Certificate { file: String, reason: String },
    #[error("no certificate authority of this system can be trusted: {reason}")]
    NoAuthorities { reason: String },
    #[error("what answers at {store} is not a Redis: {reason}")]
    NotRedis { store: String, reason: String },
    #[error("{store} does not accept the user or the password: {reason}")]
    Login { store: String, reason: String },
    #[error("{store} does not allow hoist to do this: {reason}")]
    NoPermission {
        store: String,
        reason: String,
        /// What grants everything that hoist needs there.
        fix: String,
    },
    #[error("{store} has no such database: {reason}")]
    NoDatabase { store: String, reason: String },
    #[error("{store} is too old: {reason}")]
    TooOld { store: String, reason: String },
    #[error("{store} keeps the keys of this prefix on another node or on several: {reason}")]
    Cluster { store: String, reason: String },
    #[error("{store} does not serve the keys of this prefix at the moment: {reason}")]
    Unserved { store: String, reason: String },
    #[error("{store} is not what its URL says: {reason}")]
    Misfit {
        store: String,
        reason: String,
        /// What to do about it.
        fix: String,
    },
    #[error(
        "{store} is a Redis Cluster, on which a prefix must be a hash tag, and `{prefix}` is none"
    )]
    HashTag { store: String, prefix: String },

    #[error("{store} takes no writes: {reason}")]
    ReadOnly { store: String, reason: String },
    #[error("{store} is still loading its data: {reason}")]
    Loading { store: String, reason: String },
    #[error("{store} is out of memory: {reason}")]
    OutOfMemory { store: String, reason: String },
    #[error("{store} cannot save to its disk and takes no writes: {reason}")]
    CannotPersist { store: String, reason: String },
    #[error("{store} refused: {reason}")]
    Refused { store: String, reason: String },

    #[error("the connection to {store} was lost, nothing was written: {reason}")]
    Disconnected { store: String, reason: String },
    #[error("the connection to {store} was lost while commit {id} was on its way: {reason}")]
    OutcomeUnknown {
        store: String,
        id: String,
        reason: String,
    },
    /// The commit is in, and not as safe as it was to be.
    #[error(
        "committed to {store} as generation {generation}, but not known to be on {}: {reason}", replicas(*.wanted)
    )]
    Replication {
        store: String,
        generation: u64,
        /// Replicas that were to have it.
        wanted: usize,
        reason: String,
    },
    #[error("{store} has no replicas that a commit could wait for")]
    NoReplicas { store: String },
    #[error("{store} kept changing while it was read, {attempts} times in a row")]
    Unsteady { store: String, attempts: usize },

    #[error("hoist's own bookkeeping in {store} is damaged: {key}: {reason}")]
    Bookkeeping {
        store: String,
        key: String,
        reason: String,
    },
    #[error(
        "{store} is already used with the prefix `{theirs}`, which shares its bookkeeping with `{ours}`"
    )]
    PrefixTaken {
        store: String,
        ours: String,
        theirs: String,
    },

    #[error("{store} is not an SQLite database: {reason}")]
    NotSqlite { store: String, reason: String },
    #[error("{store} was written by a newer hoist (format {found}, this one knows {known})")]
    NewerFormat {
        store: String,
        found: i64,
        known: i64,
    },
    #[error("{store} is in use by another process and stayed locked for {} s", .after.as_secs_f64())]
    Locked { store: String, after: Duration },
    #[error("the disk of {store} is full: {reason}")]
    DiskFull { store: String, reason: String },
    #[error("the disk of {store} fails: {reason}")]
    DiskFails { store: String, reason: String },
    #[error("{store} may only be read: {reason}")]
    FileReadOnly { store: String, reason: String },
    #[error("cannot open {store}: {reason}")]
    File { store: String, reason: String },
}

/// `1 replica`, `2 replicas`.
fn replicas(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} replica{plural}")
}

impl Error {
    /// Whether it may be over by itself after a while: a server that restarts, a disk that is
    /// cleared, another process that is done.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Tls { .. }
                | Self::NotRedis { .. }
                | Self::Cluster { .. }
                | Self::Unserved { .. }
                | Self::ReadOnly { .. }
                | Self::Loading { .. }
                | Self::OutOfMemory { .. }
                | Self::CannotPersist { .. }
                | Self::Refused { .. }
                | Self::Disconnected { .. }
                | Self::OutcomeUnknown { .. }
                | Self::Unsteady { .. }
                | Self::Locked { .. }
                | Self::DiskFull { .. }
                | Self::DiskFails { .. }
        )
    }

    /// What to do about it, in a sentence or two; none where the message says it all.
    pub fn hint(&self) -> Option<String> {
        let fixed = match self {
            Self::UnknownScheme {
                similar: Some(similar),
                ..
            } => return Some(format!("did you mean `{similar}`? {KNOWN_SCHEMES}")),
            Self::PrefixTaken { theirs, .. } => {
                return Some(format!(
                    "set `prefix = \"{theirs}\"` for this environment, or choose one that differs by more than braces"
                ));
            }
            Self::OutcomeUnknown { id, .. } => {
                return Some(format!(
                    "run the command again once the store can be reached: it compares before it writes, so it is safe whether or not {id} went through"
                ));
            }
            Self::NoPermission { fix, .. } | Self::Misfit { fix, .. } => return Some(fix.clone()),
            Self::HashTag { prefix, .. } => {
                return Some(format!(
                    "set `prefix = \"{{{}}}\"` for this environment, braces included: then all of it lies in one slot; \
                     applications read the keys below it",
                    prefix.replace(['{', '}'], "")
                ));
            }
            other => other.fixed_hint(),
        };
        fixed.map(str::to_owned)
    }

    /// The generation of a commit that went through although something else failed after it.
    #[must_use]
    pub fn committed(&self) -> Option<u64> {
        match self {
            Self::Replication { generation, .. } => Some(*generation),
            _ => None,
        }
    }

    fn fixed_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownScheme { .. } => KNOWN_SCHEMES,
            Self::Url { .. } => {
                "write it as redis://user:password@host:6379/0, rediss://host, redis+unix:///path/to/socket?db=0, \
                 redis+sentinel://host:26379,host2:26379/mymaster/0, redis+cluster://host:7000,host2:7001 or \
                 sqlite:path/to/file.db; characters such as @ / # in a password are percent-encoded"
            }
            Self::Prefix { .. } => {
                "`ff` is the usual one; `{ff}` puts all keys of a cluster into one slot"
            }
            Self::Unreachable { .. } => {
                "is the server running, are host, port or socket path right, and does it want TLS (rediss://)?"
            }
            Self::Timeout { .. } => {
                "check the address and what lies between (firewall, VPN); if the server is only slow, run the command again"
            }
            Self::Tls { fix, .. } => fix,
            Self::Certificate { .. } => {
                "certificates and keys are PEM files; a key that is protected by a password is written without one by \
                 `openssl pkey -in FILE -out NEW`, and kept safe by its permissions"
            }
            Self::NoAuthorities { .. } => {
                "install the system's certificates (ca-certificates), or name the authority's PEM file with \
                 `--ca-file`"
            }
            Self::NotRedis { .. } => {
                "check the port: does another service listen there, or does it want TLS (rediss://)?"
            }
            Self::Login { .. } => {
                "check user and password in the store's URL; characters such as @ / # are percent-encoded there"
            }
            Self::NoDatabase { .. } => {
                "use a smaller number at the end of the URL (a Redis has 16 databases unless configured, a cluster one)"
            }
            Self::TooOld { .. } => {
                "hoist needs Redis 6.2 or later, or a server that is compatible with it"
            }
            Self::Cluster { .. } => {
                "this is a node of a Redis Cluster: write the store as redis+cluster://HOST:PORT, which finds the node that \
                 has the keys, and make the prefix a hash tag, such as `{ff}`"
            }
            Self::Unserved { .. } => {
                "nothing was written; a slot is being moved, or a failover is under way: run the command again once that is \
                 over, or give it longer with `--timeout`; `redis-cli --cluster check HOST:PORT` shows where it stands"
            }
            Self::Replication { .. } => {
                "do not undo or repeat it for that: the primary has it; see with `INFO replication` how its replicas \
                 fare"
            }
            Self::NoReplicas { .. } => {
                "leave `--wait-replicas` and `wait_replicas` out for this store"
            }
            Self::ReadOnly { .. } => "connect to the primary instead of a replica",
            Self::Loading { .. } => "wait until the server has started, then run the command again",
            Self::OutOfMemory { .. } => {
                "nothing was written; raise `maxmemory` or free memory, then run the command again"
            }
            Self::CannotPersist { .. } => {
                "nothing was written; look into the server's log and its disk, then run the command again"
            }
            Self::Refused { .. } => return None,
            Self::Disconnected { .. } => "run the command again",
            Self::Unsteady { .. } => {
                "somebody else writes without a pause; run the command again when that is over"
            }
            Self::Bookkeeping { .. } => {
                "something else has written to this key; restore it from a backup, or delete all keys that start with \
                 `hoist:{PREFIX}` and run `hoist apply --adopt`, which forgets the history"
            }
            Self::NotSqlite { .. } => {
                "check the path; hoist does not overwrite a file that it does not know"
            }
            Self::NewerFormat { .. } => "update hoist",
            Self::Locked { .. } => "run the command again once the other process is done",
            Self::DiskFull { .. } => {
                "nothing was written; free some space, then run the command again"
            }
            Self::DiskFails { .. } => {
                "nothing was written; see what the system's log says of the disk, then run the command again"
            }
            Self::FileReadOnly { .. } => {
                "check the permissions of the file and of its folder, in which SQLite keeps further files while it writes"
            }
            Self::File { .. } => "check the path and its permissions",
            Self::NoPermission { .. }
            | Self::PrefixTaken { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Misfit { .. }
            | Self::HashTag { .. } => return None,
        })
    }
}

/// The schemes that [`super::open()`] takes.
pub(super) const SCHEMES: [&str; 8] = [
    "redis",
    "rediss",
    "redis+unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
    "sqlite",
];

const KNOWN_SCHEMES: &str = "a store is one of redis://, rediss:// (TLS), redis+unix://, redis+sentinel://, \
                             redis+cluster:// (with TLS rediss+sentinel://, rediss+cluster://) and sqlite:";
