//! What a user of a Redis must be allowed, for each thing that people do with a store.

use super::names::Names;
use super::Error;

/// What somebody does with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// hoist with everything that it does: plan, apply, and what operators do.
    Sync,
    /// `hoist kill`, `restore` and `rollout` only.
    Operator,
    /// An application that reads its flags and hears of changes.
    Reader,
}

/// What reading and committing a few flags takes.
const FEW: [&str; 17] = [
    "discard", "exec", "exists", "hdel", "hget", "hgetall", "hlen", "hmget", "hset", "mget", "mset", "multi",
    "publish", "time", "type", "watch", "xadd",
];
