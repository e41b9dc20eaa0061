//! Compare and swap.

use ::redis::Value;

use crate::plan::{Commit, Expect, RecordWrite, Write};
use crate::store::{Error, Outcome, effects};

use super::commands::{self, Arg};
use super::examine::{Means, Seen, WATCHED, checked};
use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// How often a commit is tried where something touched its keys and left them as they were.
const ATTEMPTS: usize = 3;

/// History entries that are looked through for a commit whose answer was lost.
const LOST_AMONG: u64 = 100;

const GUARDED: &str = include_str!("guarded.lua");

impl Redis {
    pub(super) fn compare_and_swap(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        if commit.writes.is_empty() {
            let generation = self.repeatable(Self::present_generation)?;
            return Ok(Outcome::Committed { generation });
        }
        let means = if checked(commit).len() <= WATCHED {
            Means::Watch
        } else {
            Means::Script
        };
        for _ in 0..ATTEMPTS {
            let (moved, seen) =
                self.repeatable(|redis, wire| redis.examine(wire, commit, means))?;
            if !moved.is_empty() {
                // What the connection watches ends with it.
                self.wire = None;
                return Ok(Outcome::Moved(moved));
            }
            if let Some(outcome) = self.write(commit, means, &seen)? {
                return Ok(outcome);
            }
        }
        Err(Error::Unsteady {
            store: self.endpoint.shown.clone(),
            attempts: ATTEMPTS,
        })
    }

    fn present_generation(&self, wire: &mut Wire) -> Result<u64, Error> {
        self.ask_generation(wire);
        let answer = wire.good_answers()?.pop().unwrap_or(Value::Nil);
        Ok(self.generation(answer)?.0)
    }

    /// Writes over the connection that has examined the store. `None` where the server has seen
    /// something move since.
    fn write(
        &mut self,
        commit: &Commit,
        means: Means,
        seen: &Seen,
    ) -> Result<Option<Outcome>, Error> {
        let Some(mut wire) = self.wire.take() else {
            return Ok(None);
        };
        let written = match means {
            Means::Watch => self.transact(&mut wire, commit),
            Means::Script => self.run_script(&mut wire, commit, seen),
        };
        match written {
            Ok(written) => {
                self.wire = Some(wire);
                Ok(written.then(|| committed(commit)))
            }
            // The commands may have arrived all the same.
            Err(
                error @ (Error::Disconnected { .. }
                | Error::Timeout { .. }
                | Error::Unreachable { .. }
                | Error::Tls { .. }
                | Error::NotRedis { .. }),
            ) => {
                drop(wire);
                self.resolve(commit, &error).map(Some)
            }
            Err(refused) => Err(refused),
        }
    }

    /// Ends the transaction that [`Self::examine`] has opened. False where something was touched that
    /// the connection watches.
    fn transact(&self, wire: &mut Wire, commit: &Commit) -> Result<bool, Error> {
        for command in commands::all(commit, &self.names, self.options.history_keep) {
            wire.command(&command);
        }
        wire.command(&["EXEC"]);
        match wire.good_answers()?.pop() {
            Some(Value::Nil) => Ok(false),
            Some(Value::Array(results)) => match first_refusal(&results) {
                None => Ok(true),
                Some(error) => Err(self.endpoint.refused(error)),
            },
            _ => Err(self.endpoint.nonsense()),
        }
    }

    /// False where the script has seen something move.
    fn run_script(&self, wire: &mut Wire, commit: &Commit, seen: &Seen) -> Result<bool, Error> {
        let commands = commands::all(commit, &self.names, self.options.history_keep);
        let (keys, absent, values) = self.guarded(commit);
        let words: usize = commands.iter().map(|command| 1 + command.len()).sum();
        wire.begin(3 + keys.len() + 5 + values.len() + words);
        wire.arg("EVAL");
        wire.arg(GUARDED);
        wire.arg(keys.len().to_string());
        for key in &keys {
            wire.arg(key);
        }
        for text in [&seen.lineage, &seen.generation, &seen.fence] {
            wire.arg(text.as_deref().unwrap_or_default());
        }
        wire.arg(absent.to_string());
        wire.arg(values.len().to_string());
        for value in values {
            wire.arg(value);
        }
        for command in &commands {
            wire.arg(command.len().to_string());
            command.iter().for_each(|word: &Arg| wire.arg(word));
        }
        let answer = wire.good_answers()?.pop();
        match answer.as_ref().and_then(value::integer) {
            Some(written) => Ok(written == 1),
            None => Err(self.endpoint.nonsense()),
        }
    }

    /// The keys that the script is told of, how many of them must not exist, and the values that
    /// those after them must hold.
    fn guarded<'c>(&self, commit: &'c Commit) -> (Vec<String>, usize, Vec<&'c [u8]>) {
        let names = &self.names;
        let mut keys: Vec<String> = [&names.meta, &names.specs, &names.removed, &names.history]
            .into_iter()
            .cloned()
            .collect();
        let record = |write: &Write| names.record(&write.flag);
        let (absent, rest): (Vec<_>, Vec<_>) = commit
            .writes
            .iter()
            .partition(|write| write.expect == Expect::Absent);
        keys.extend(absent.iter().map(|write| record(write)));
        let mut values = Vec::new();
        for write in &rest {
            if let Expect::Value(bytes) = &write.expect {
                keys.push(record(write));
                values.push(bytes.as_slice());
            }
        }
        let unseen = rest.iter().filter(|write| write.expect == Expect::Any);
        let written = unseen.filter(|write| write.record != RecordWrite::Keep);
        keys.extend(written.map(|write| record(write)));
        (keys, absent.len(), values)
    }

    /// Finds out what became of a commit whose answer never came. Puts up a fence first: whatever
    /// of the commit is still on its way is refused once the bookkeeping has changed.
    fn resolve(&mut self, commit: &Commit, lost: &Error) -> Result<Outcome, Error> {
        let reason = lost.to_string();
        let store = self.endpoint.shown.clone();
        match self.once(None, |redis, wire| redis.look_for(wire, commit)) {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => Err(Error::Disconnected { store, reason }),
            Err(_) => Err(Error::OutcomeUnknown {
                store,
                id: commit.id.clone(),
                reason,
            }),
        }
    }

    /// How a commit ended, from the history; `None` where it is certain that it never happens.
    fn look_for(&self, wire: &mut Wire, commit: &Commit) -> Result<Option<Outcome>, Error> {
        wire.command(&["HSET", &self.names.meta, "fence", &commit.id]);
        self.ask_generation(wire);
        let answer = wire.good_answers()?.pop().unwrap_or(Value::Nil);
        let (found, lineage) = self.generation(answer)?;
        let moved = effects::store_moved(commit, lineage.as_deref(), found);
        if moved.is_empty() {
            return Ok(None);
        }
        let since = found.saturating_sub(commit.generation).min(LOST_AMONG);
        let entries = self.newest(wire, usize::try_from(since).unwrap_or(usize::MAX))?;
        if entries.iter().any(|entry| entry.id == commit.id) {
            return Ok(Some(committed(commit)));
        }
        Ok(Some(Outcome::Moved(moved)))
    }
}

fn committed(commit: &Commit) -> Outcome {
    Outcome::Committed {
        generation: effects::generation(commit),
    }
}
