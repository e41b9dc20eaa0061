//! Protocols that are broken on purpose: a check that lets one of them pass checks nothing.

use std::collections::BTreeSet;

use hoist::plan::{Commit, Expect};

use super::keyspace::{Answer, Bytes, Keyspace};
use super::scripts;
use super::world::ASIDE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Nothing is watched.
    NoWatch,
    /// The commands of a commit are carried out one by one.
    NoTransaction,
    /// The generation is not compared with the plan's.
    NoGenerationCheck,
    /// The records are not compared with the plan's.
    NoRecordCheck,
    /// The script at the head of a large commit does not compare the records.
    NoGuard,
    /// The script at the end of a large commit takes nothing back.
    NoUndo,
    /// The script at the head of a large commit does not look whether all was laid aside.
    NoMarks,
    /// The script at the end of a large commit puts in place what was laid aside, come what may.
    PutsInPlace,
    /// What is laid aside stays there for ever.
    NoEnd,
    /// What was laid aside expires when it is in place.
    KeepsEnd,
    /// All commits lay aside at the same key.
    OnePlace,
    /// Nothing is done about a commit that may still be on its way.
    NoFence,
    /// The history is not searched for a commit whose answer was lost: another is taken to have come
    /// before it.
    NoLookIntoHistory,
    /// What could not be found out counts as not written.
    GuessesNothingWritten,
    /// A commit of which nobody knows is sent once more, whatever the store holds.
    SendsAgain,
    /// A read does not look whether the generation has moved meanwhile.
    NoSecondLook,
    /// The commit has no entry in the history.
    NoEntry,
    /// The generation is not counted up.
    NoCount,
    /// A sync switches a flag on that was stopped.
    LosesStop,
    /// A sync puts a rollout back to its first stage.
    LosesStage,
}

impl Mutant {
    pub const ALL: [Self; 20] = [
        Self::NoWatch,
        Self::NoTransaction,
        Self::NoGenerationCheck,
        Self::NoRecordCheck,
        Self::NoGuard,
        Self::NoUndo,
        Self::NoMarks,
        Self::PutsInPlace,
        Self::NoEnd,
        Self::KeepsEnd,
        Self::OnePlace,
        Self::NoFence,
        Self::NoLookIntoHistory,
        Self::GuessesNothingWritten,
        Self::SendsAgain,
        Self::NoSecondLook,
        Self::NoEntry,
        Self::NoCount,
        Self::LosesStop,
        Self::LosesStage,
    ];

    /// What happens in the place of a command that writes, where it is not carried out as it is.
    pub fn instead(
        self,
        command: &[Bytes],
        keyspace: &mut Keyspace,
        touched: &mut BTreeSet<Bytes>,
    ) -> Option<Answer> {
        match (self, &*command[0]) {
            (Self::NoFence, b"HSET") if &*command[2] == b"fence" => Some(Answer::Number(0)),
            (Self::NoEntry, b"XADD") => Some(Answer::Nothing),
            (Self::NoCount, b"HSET") => {
                let at = command.iter().position(|word| &**word == b"generation")?;
                let before = keyspace.hash(&command[1])?.get(&command[at])?.clone();
                let mut command = command.to_vec();
                command[at + 1] = before;
                Some(keyspace.execute(&command, 1, touched))
            }
            (Self::NoGuard, b"EVAL") => scripts::unguarded(keyspace, command, touched),
            (Self::NoUndo, b"EVAL") => scripts::without_undo(keyspace, command, touched),
            (Self::NoMarks, b"EVAL") => scripts::without_marks(keyspace, command, touched),
            (Self::PutsInPlace, b"EVAL") => scripts::in_any_case(keyspace, command, touched),
            (Self::NoEnd, b"PEXPIRE") => Some(Answer::Number(1)),
            (Self::KeepsEnd, b"EVAL") => scripts::with_its_end(keyspace, command, touched),
            (Self::OnePlace, _) => {
                let place = |word: &Bytes| match word.starts_with(ASIDE) {
                    true => ASIDE.into(),
                    false => word.clone(),
                };
                let command: Vec<Bytes> = command.iter().map(place).collect();
                Some(keyspace.execute(&command, 1, touched))
            }
            _ => None,
        }
    }

    /// What the client takes for the answer to a command, where it is not the server's. `commit` is
    /// the one on its way, `first` the generation that a read began with.
    pub fn misheard(
        self,
        command: &[Bytes],
        answer: &Answer,
        commit: Option<&Commit>,
        first: Option<&Answer>,
    ) -> Option<Answer> {
        let text = |bytes: &[u8]| Answer::Text(bytes.into());
        match (self, &*command[0], commit) {
            (Self::NoGenerationCheck, b"HMGET", Some(commit)) if command.len() == 5 => {
                let lineage = commit.lineage.as_ref();
                Some(Answer::List(vec![
                    lineage.map_or(Answer::Nothing, |lineage| text(lineage.as_bytes())),
                    text(commit.generation.to_string().as_bytes()),
                    Answer::Nothing,
                ]))
            }
            (Self::NoRecordCheck, b"EXISTS", Some(_)) => Some(Answer::Number(0)),
            (Self::NoRecordCheck, b"MGET", Some(commit)) => {
                let expected = commit
                    .writes
                    .iter()
                    .filter_map(|write| match &write.expect {
                        Expect::Value(bytes) => Some(text(bytes)),
                        Expect::Absent | Expect::Any => None,
                    });
                Some(Answer::List(expected.collect()))
            }
            (Self::NoLookIntoHistory, b"XREVRANGE", Some(commit)) => {
                Some(answer.with(commit.id.as_bytes(), b"another"))
            }
            (Self::NoSecondLook, b"HMGET", None) => first.cloned(),
            _ => None,
        }
    }
}
