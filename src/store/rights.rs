//! What a user of a Redis must be allowed to do, for each thing that people do with a store: one list,
//! for the documentation and for the message that something is not allowed.

use super::Error;
use super::names::Names;

/// What somebody does with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything that hoist does.
    Sync,
    /// Stops, restores and rollouts, and nothing that git decides.
    Operator,
    /// Looking at everything, and hearing of changes.
    Viewer,
    /// Reading flags as an application does, and hearing of changes.
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
const MANY: [&str; 11] = [
    "copy", "dbsize", "eval", "msetnx", "persist", "pexpire", "rename", "scan", "unlink", "xdel",
    "xtrim",
];

/// What looking at everything takes.
const LOOKING: [&str; 11] = [
    "dbsize",
    "exists",
    "hgetall",
    "hlen",
    "hmget",
    "mget",
    "scan",
    "select",
    "time",
    "type",
    "xrevrange",
];

/// What clients send to hear of changes, and to see whether a connection lives.
const LISTENING: [&str; 3] = ["ping", "subscribe", "unsubscribe"];

/// What an application sends to read flags.
const READING: [&str; 3] = ["get", "mget", "select"];

impl Role {
    pub const ALL: [Self; 4] = [Self::Sync, Self::Operator, Self::Viewer, Self::Reader];

    /// The commands that it takes, in order.
    #[must_use]
    pub fn commands(self) -> Vec<&'static str> {
        let mut commands = match self {
            Self::Sync => [&FEW[..], &MANY].concat(),
            Self::Operator => FEW.to_vec(),
            Self::Viewer => [&LOOKING[..], &LISTENING].concat(),
            Self::Reader => [&READING[..], &LISTENING].concat(),
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
        let mut rules = match self {
            Self::Reader => vec![names.record_rule()],
            Self::Sync | Self::Operator | Self::Viewer => names.key_rules().into(),
        };
        rules.push(names.channel_rule());
        rules.push(allowing(&self.commands()));
        rules.join(" ")
    }
}

/// What it takes besides to find the primary behind sentinels, and to tell that it still is.
pub const BEHIND_SENTINELS: [&str; 1] = ["role"];
/// What it takes besides to find the node of a cluster that has the prefix.
pub const ON_A_CLUSTER: [&str; 2] = ["cluster|nodes", "cluster|slots"];
/// What it takes besides to wait for replicas.
pub const WITH_REPLICAS: [&str; 1] = ["wait"];
/// What `hoist doctor` takes besides, to see all that it looks for.
pub const FOR_THE_DOCTOR: [&str; 3] = ["config|get", "info", "pttl"];
/// What it takes on the sentinels themselves: the second one only for the message that they know no
/// such primary.
pub const ON_SENTINELS: [&str; 2] = ["sentinel|get-master-addr-by-name", "sentinel|masters"];

/// `+this +that`: the rules that allow these commands.
#[must_use]
pub fn allowing(commands: &[&str]) -> String {
    let rules: Vec<String> = commands
        .iter()
        .map(|command| format!("+{command}"))
        .collect();
    rules.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_keys_and_channels_literally() {
        for (prefix, expected) in [
            ("ff", "~ff:* &hoist:{ff}:changes +get +mget"),
            ("{ff}", "~{ff}:* &hoist:{ff}:changes +get +mget"),
            ("a*", r#""~a\\*:*" "&hoist:{a\\*}:changes" +get +mget"#),
            ("a b", r#""~a b:*" "&hoist:{a b}:changes" +get +mget"#),
        ] {
            let rules = Role::Reader.rules(prefix).expect("a fine prefix");
            assert!(rules.starts_with(expected), "{prefix}: {rules}");
        }
        assert!(Role::Sync.rules("").is_err());
    }

    #[test]
    fn who_may_do_more_may_do_all_of_it() {
        let all = Role::Sync.commands();
        for role in [Role::Operator, Role::Viewer] {
            let commands = role.commands().into_iter();
            let more: Vec<_> = commands.filter(|command| !all.contains(command)).collect();
            assert!(
                more.iter().all(|command| LISTENING.contains(command)),
                "{role:?}: {more:?}"
            );
        }
    }
}
