//! What the user may do, found out without doing it: commands are queued in a transaction that is then
//! discarded, since a server says at once which of them it would refuse.
//!
//! Nothing here would do harm if a server did carry it out after all: commands that write do so to a
//! key that nobody uses, and those that nobody should be allowed are not well-formed.

use std::collections::BTreeSet;

use ::redis::Value;

use crate::doctor::facts::{Extent, Rights};
use crate::store::Error;
use crate::store::names::Names;
use crate::store::rights::Role;

use super::Redis;
use super::route::Route;
use super::wire::{Wire, first_refusal};

/// What nobody needs for flags, and how to ask for it.
const BEYOND: [(&str, &[&str]); 4] = [
    ("FLUSHALL", &["FLUSHALL", "hoist-asks-for-nothing"]),
    (
        "CONFIG SET",
        &["CONFIG", "SET", "hoist-asks-for-nothing", "1"],
    ),
    ("ACL", &["ACL", "DELUSER", "hoist-asks-for-nothing"]),
    ("keys of others", &["EXISTS", "hoist-asks-for-nothing"]),
];

/// Of the commands that are asked for, those that would do something if they were carried out.
const WRITING: [&str; 5] = ["hset", "mset", "msetnx", "xadd", "publish"];

/// One command that is asked for.
struct Question {
    command: &'static str,
    words: Vec<String>,
}

impl Redis {
    /// What the user may do. The connection is of no further use.
    pub(super) fn rights(&self, wire: &mut Wire) -> Result<Rights, Error> {
        let mut lacking = BTreeSet::new();
        let mut beyond = Vec::new();
        wire.command(&["WATCH", &self.names.meta]);
        wire.command(&["MULTI"]);
        let answers = wire.answers()?;
        let opened = !matches!(answers.last(), Some(Value::ServerError(_)));
        self.note(&mut lacking, "watch", answers.first());
        self.note(&mut lacking, "multi", answers.last());
        if opened {
            let questions = self.questions();
            for question in &questions {
                wire.command(&question.words);
            }
            for (_, words) in BEYOND {
                wire.command(words);
            }
            let answers = wire.answers()?;
            for (question, answer) in questions.iter().zip(&answers) {
                self.note(&mut lacking, question.command, Some(answer));
            }
            let rest = answers.iter().skip(questions.len());
            let allowed = BEYOND.iter().zip(rest);
            let allowed = allowed.filter(|(_, answer)| would_be_done(answer));
            beyond.extend(allowed.map(|((name, _), _)| *name));
            self.ends(wire, &mut lacking)?;
        }
        let extent = if opened {
            extent(&lacking)
        } else {
            self.without_transactions(wire, &mut lacking)?
        };
        Ok(Rights {
            user: self.endpoint.user.clone(),
            extent,
            lacking: lacking.into_iter().collect(),
            beyond,
            rules: self.endpoint.rules.clone(),
        })
    }

    /// What is missing of the commands that do nothing here even where they are carried out: the rest
    /// cannot be asked for.
    fn without_transactions(
        &self,
        wire: &mut Wire,
        lacking: &mut BTreeSet<String>,
    ) -> Result<Extent, Error> {
        let (idle, rest): (Vec<_>, Vec<_>) = self
            .questions()
            .into_iter()
            .partition(|question| !WRITING.contains(&question.command));
        for question in &idle {
            wire.command(&question.words);
        }
        let answers = wire.answers()?;
        for (question, answer) in idle.iter().zip(&answers) {
            self.note(lacking, question.command, Some(answer));
        }
        let rest = rest.iter().map(|question| question.command);
        let rest = rest.chain(["discard", "exec"]);
        let mut at_most = lacking.clone();
        at_most.extend(rest.map(|command| format!("+{command}")));
        Ok(match extent(&at_most) {
            Extent::Looking => Extent::Looking,
            _ => Extent::Part,
        })
    }

    /// Discards the transaction, and executes one without a command.
    fn ends(&self, wire: &mut Wire, lacking: &mut BTreeSet<String>) -> Result<(), Error> {
        wire.command(&["DISCARD"]);
        let answers = wire.answers()?;
        self.note(lacking, "discard", answers.first());
        if first_refusal(&answers).is_some() {
            // Still open: not to be executed.
            return Ok(());
        }
        wire.command(&["MULTI"]);
        wire.command(&["EXEC"]);
        let answers = wire.answers()?;
        self.note(lacking, "exec", answers.last());
        Ok(())
    }

    /// Notes what is missing for `command`, where the answer is that something is: the command, the
    /// keys or the channel.
    fn note(&self, lacking: &mut BTreeSet<String>, command: &str, answer: Option<&Value>) {
        let Some(Value::ServerError(error)) = answer else {
            return;
        };
        let Error::NoPermission { reason, .. } = self.endpoint.refused(error) else {
            return;
        };
        // A user may be called anything, and its name may stand there, too.
        if reason.contains("' command") {
            lacking.insert(format!("+{command}"));
        } else if reason.contains("channel") {
            lacking.insert(self.names.channel_rule());
        } else {
            lacking.extend(self.names.key_rules());
        }
    }

    /// Every command that a transaction can hold.
    fn questions(&self) -> Vec<Question> {
        let mut questions = common(&self.names);
        let mut ask = |command, words: &[&str]| {
            questions.push(Question {
                command,
                words: words.iter().map(|word| (*word).to_owned()).collect(),
            });
        };
        ask("select", &["SELECT", &self.endpoint.database.to_string()]);
        match self.route {
            Route::Server(_) => {}
            Route::Sentinel(_) => ask("role", &["ROLE"]),
            Route::Cluster(_) => {
                ask("cluster|slots", &["CLUSTER", "SLOTS"]);
                ask("cluster|nodes", &["CLUSTER", "NODES"]);
            }
        }
        if self.options.wait_replicas > 0 {
            ask("wait", &["WAIT", "0", "1"]);
        }
        questions
    }
}

/// What every store takes. Keys are ones that nobody uses, or that are only read.
fn common(names: &Names) -> Vec<Question> {
    let record = names.record("hoist-asks-for-nothing");
    let spare = format!("{}:nothing", names.meta);
    let other = format!("{}:nothing-either", names.meta);
    let asked: &[(&'static str, &[&str])] = &[
        ("time", &["TIME"]),
        ("dbsize", &["DBSIZE"]),
        ("scan", &["SCAN", "0", "COUNT", "1"]),
        ("hgetall", &["HGETALL", &spare]),
        ("hmget", &["HMGET", &names.meta, "generation"]),
        ("hlen", &["HLEN", &names.removed]),
        ("type", &["TYPE", &record]),
        ("mget", &["MGET", &record]),
        ("exists", &["EXISTS", &record]),
        ("hset", &["HSET", &spare, "f", "v"]),
        ("hdel", &["HDEL", &spare, "f"]),
        ("mset", &["MSET", &record, "null"]),
        ("msetnx", &["MSETNX", &spare, "v"]),
        ("unlink", &["UNLINK", &record]),
        ("copy", &["COPY", &spare, &other]),
        ("rename", &["RENAME", &spare, &other]),
        ("pexpire", &["PEXPIRE", &spare, "1"]),
        ("persist", &["PERSIST", &spare]),
        ("xadd", &["XADD", &spare, "*", "f", "v"]),
        ("xrevrange", &["XREVRANGE", &spare, "+", "-"]),
        ("xtrim", &["XTRIM", &spare, "MAXLEN", "1"]),
        ("xdel", &["XDEL", &spare, "0-1"]),
        ("eval", &["EVAL", "return 1", "0"]),
        ("publish", &["PUBLISH", &names.changes, ""]),
    ];
    let question = |(command, words): &(&'static str, &[&str])| Question {
        command,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    asked.iter().map(question).collect()
}

/// Whether a server has queued a command, or would have on another node.
fn would_be_done(answer: &Value) -> bool {
    match answer {
        Value::ServerError(error) => matches!(error.code(), "MOVED" | "CROSSSLOT"),
        _ => true,
    }
}

/// How far the rights go of a user who lacks these. Who may look at more than the role takes has the
/// role all the same.
fn extent(lacking: &BTreeSet<String>) -> Extent {
    let rules = |role: Role| -> BTreeSet<String> {
        let commands = role.commands().into_iter();
        commands.map(|command| format!("+{command}")).collect()
    };
    let (all, looking) = (rules(Role::Sync), rules(Role::Viewer));
    let is = |role: Role| {
        let others: BTreeSet<String> = all.difference(&rules(role)).cloned().collect();
        lacking.is_subset(&others)
            && others
                .difference(&looking)
                .all(|rule| lacking.contains(rule))
    };
    if lacking.is_empty() {
        Extent::All
    } else if is(Role::Operator) {
        Extent::Operating
    } else if is(Role::Viewer) {
        Extent::Looking
    } else {
        Extent::Part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_of_a_sync_is_asked_for() {
        let names = Names::new("ff").expect("a fine prefix");
        let mut asked: Vec<&str> = common(&names).iter().map(|asked| asked.command).collect();
        asked.extend(["select", "watch", "multi", "exec", "discard"]);
        asked.sort_unstable();
        assert_eq!(asked, Role::Sync.commands());
        for question in common(&names) {
            assert_eq!(question.words[0].to_lowercase(), question.command);
        }
    }

    #[test]
    fn roles_are_told_from_what_is_missing() {
        let without = |role: Role| -> BTreeSet<String> {
            let kept = role.commands();
            let all = Role::Sync.commands().into_iter();
            all.filter(|command| !kept.contains(command))
                .map(|command| format!("+{command}"))
                .collect()
        };
        assert_eq!(extent(&without(Role::Sync)), Extent::All);
        assert_eq!(extent(&without(Role::Operator)), Extent::Operating);
        assert_eq!(extent(&without(Role::Viewer)), Extent::Looking);
        assert_eq!(extent(&without(Role::Reader)), Extent::Part);
        // Who may scan besides is an operator, and who may delete besides is something else.
        for (no_longer, besides, expected) in [
            ("+scan", None, Extent::Operating),
            ("+unlink", None, Extent::Part),
            ("+scan", Some("+hset"), Extent::Part),
            ("+scan", Some("~ff:*"), Extent::Part),
        ] {
            let mut lacking = without(Role::Operator);
            assert!(lacking.remove(no_longer));
            lacking.extend(besides.map(str::to_owned));
            assert_eq!(extent(&lacking), expected, "{no_longer} {besides:?}");
        }
    }
}
