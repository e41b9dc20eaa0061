//! What a user of a Redis must be allowed to do, for each thing that people do with a store: one list,
//! for the documentation and for the message that something is not allowed.

use super::Error;
use super::names::{Names, literally};

/// What somebody does with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything that hoist does.
    Sync,
    /// Stops, restores and rollouts, and nothing that git decides.
    Operator,
    /// Reading flags, and hearing of changes.
    Reader,
}

/// Reading a few flags by name, and a commit whose records are watched.
const FEW: [&str; 18] = [
    "discard",
    "exec",
    "exists",
    "hdel",
    "hgetall",
    "hlen",
    "hmget",
    "hset",
    "mget",
    "mset",
    "multi",
    "publish",
    "select",
    "time",
    "type",
    "watch",
    "xadd",
    "xrevrange",
];

/// What reading every flag, deleting some, and large commits take besides.
const MANY: [&str; 8] = [
    "copy", "eval", "msetnx", "rename", "scan", "unlink", "xdel", "xtrim",
];

const READING: [&str; 4] = ["get", "mget", "subscribe", "unsubscribe"];

impl Role {
    pub const ALL: [Self; 3] = [Self::Sync, Self::Operator, Self::Reader];

    /// The commands that it takes, in order.
    #[must_use]
    pub fn commands(self) -> Vec<&'static str> {
        let mut commands = match self {
            Self::Sync => [&FEW[..], &MANY].concat(),
            Self::Operator => FEW.to_vec(),
            Self::Reader => READING.to_vec(),
        };
        commands.sort_unstable();
        commands
    }

    /// The rules of `ACL SETUSER` that allow this and no more, for the records below `prefix`. Fails
    /// where the prefix cannot be one.
    pub fn rules(self, prefix: &str) -> Result<String, Error> {
        Ok(self.rules_for(&Names::new(prefix)?))
    }

    pub(super) fn rules_for(self, names: &Names) -> String {
        let meta = literally(&names.meta);
        let mut rules = vec![format!("~{}", names.pattern())];
        if self != Self::Reader {
            rules.extend([format!("~{meta}"), format!("~{meta}:*")]);
        }
        rules.push(format!("&{}", literally(&names.changes)));
        rules = rules.iter().map(|rule| quoted(rule)).collect();
        rules.extend(self.commands().iter().map(|command| format!("+{command}")));
        rules.join(" ")
    }
}

/// What it takes besides to find the primary behind sentinels, and to tell that it still is.
pub const BEHIND_SENTINELS: [&str; 1] = ["role"];
/// What it takes besides to find the node of a cluster that has the prefix.
pub const ON_A_CLUSTER: [&str; 2] = ["cluster|nodes", "cluster|slots"];
/// What it takes besides to wait for replicas.
pub const WITH_REPLICAS: [&str; 1] = ["wait"];
/// What it takes on the sentinels themselves.
pub const ON_SENTINELS: [&str; 2] = ["sentinel|get-master-addr-by-name", "sentinel|masters"];

/// A word of a command line, for `redis-cli` to read as one.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_keys_and_channels_literally() {
        for (prefix, expected) in [
            ("ff", "~ff:* &hoist:{ff}:changes +get"),
            ("{ff}", "~{ff}:* &hoist:{ff}:changes +get"),
            ("a*", r#""~a\\*:*" "&hoist:{a\\*}:changes" +get"#),
            ("a b", r#""~a b:*" "&hoist:{a b}:changes" +get"#),
        ] {
            let rules = Role::Reader.rules(prefix).expect("a fine prefix");
            assert!(rules.starts_with(expected), "{prefix}: {rules}");
        }
        assert!(Role::Sync.rules("").is_err());
    }

    #[test]
    fn who_may_do_more_may_do_all_of_it() {
        let few = Role::Operator.commands();
        assert!(
            few.iter()
                .all(|command| Role::Sync.commands().contains(command))
        );
    }
}
