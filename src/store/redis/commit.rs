//! Compare and swap.

use std::cell::LazyCell;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use ::redis::Value;

use crate::plan::{Commit, Expect, RecordWrite, Write};
use crate::store::names::IN_PLACE;
use crate::store::{Error, Outcome, effects};

use super::commands::{self, Arg};
use super::examine::{Means, Seen, checked};
use super::patience::Patience;
use super::wire::{Wire, first_refusal};
use super::{Redis, route, value};

/// How often a commit is tried where something touched its keys and left them as they were.
const ATTEMPTS: usize = 3;

/// History entries that are looked through for a commit whose answer was lost. One entry of a store with
/// many flags takes megabytes.
const LOST_AMONG: u64 = 128;

/// The scripts around a large commit. Its records, digests and history do not pass through scripts:
/// a server takes ten times as long for that, and serves nobody else meanwhile.
const GUARD: &str = include_str!("guard.lua");
const FINISH: &str = include_str!("finish.lua");

impl Redis {
    pub(super) fn compare_and_swap(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        if commit.writes.is_empty() {
            let generation = self.repeatable(Self::present_generation)?;
            return Ok(Outcome::Committed { generation });
        }
        if checked(commit).len() <= self.options.watch_up_to {
            return self.attempts(commit, Means::Watch, &&Vec::new());
        }
        let names = self.names.clone();
        // The history's entry takes as long to write out as the records take to send.
        thread::scope(|scope| {
            let entry = scope.spawn(|| commands::history(commit, &names, None));
            let join = || entry.join().unwrap_or_else(|panic| resume_unwind(panic));
            self.attempts(commit, Means::Script, &LazyCell::new(join))
        })
    }

    /// `entry` is the history's, for [`Means::Script`].
    fn attempts<'a>(
        &mut self,
        commit: &Commit,
        means: Means,
        entry: &impl Deref<Target = Vec<Arg<'a>>>,
    ) -> Result<Outcome, Error> {
        let mut patience = Patience::new(self.options.timeout);
        let mut attempt = 0;
        let mut prepared = self.take_prepared(commit);
        while attempt < ATTEMPTS {
            // A large commit compares the records as it writes: which of them stand in its way is
            // only asked for once some do.
            let records = means == Means::Watch || attempt > 0;
            let seen = match prepared.take() {
                Some(seen) => seen,
                None => self.patiently(&mut patience, Self::passes, |redis, wire| {
                    redis.examine(wire, commit, means, records)
                })?,
            };
            if !seen.moved.is_empty() {
                // What the connection watches ends with it.
                self.wire = None;
                return Ok(Outcome::Moved(seen.moved));
            }
            match self.write(commit, means, &seen, entry, &mut patience) {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => attempt += 1,
                // Nothing was written, and nothing of it ever will be.
                Err(error) if self.passes(&error) => {
                    if !self.again(&mut patience, Instant::now(), &error) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
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
    fn write<'a>(
        &mut self,
        commit: &Commit,
        means: Means,
        seen: &Seen,
        entry: &impl Deref<Target = Vec<Arg<'a>>>,
        patience: &mut Patience,
    ) -> Result<Option<Outcome>, Error> {
        let Some(mut wire) = self.wire.take() else {
            return Ok(None);
        };
        let written = match means {
            Means::Watch => self.transact(&mut wire, commit, seen),
            Means::Script => self.transact_guarded(&mut wire, commit, seen, entry),
        };
        match written {
            Ok(true) => {
                self.wire = Some(wire);
                Ok(Some(committed(commit)))
            }
            Ok(false) => {
                if means == Means::Watch || self.sweep(&mut wire, commit) {
                    self.wire = Some(wire);
                }
                Ok(None)
            }
            // The commands may have arrived all the same.
            Err(error) if is_lost(&error) => {
                drop(wire);
                self.resolve(commit, &error, patience).map(Some)
            }
            Err(refused) => {
                if means == Means::Script {
                    self.sweep(&mut wire, commit);
                }
                Err(refused)
            }
        }
    }

    /// Ends the transaction that [`Self::examine`] has opened. False where something was touched that
    /// the connection watches.
    fn transact(&self, wire: &mut Wire, commit: &Commit, seen: &Seen) -> Result<bool, Error> {
        let keep = self.options.history_keep;
        for command in commands::all(commit, &self.names, seen.any_removed, keep) {
            wire.command(&command);
        }
        wire.command(&["EXEC"]);
        Ok(self.executed(wire)?.is_some())
    }

    /// A whole transaction that compares the records itself, and takes back what it has written to
    /// the bookkeeping where they are not as expected. False where something has moved.
    fn transact_guarded<'a>(
        &self,
        wire: &mut Wire,
        commit: &Commit,
        seen: &Seen,
        entry: &impl Deref<Target = Vec<Arg<'a>>>,
    ) -> Result<bool, Error> {
        self.send_guarded(wire, commit, seen);
        wire.command(entry);
        self.finish(wire, commit, seen);
        wire.command(&["EXEC"]);
        let finished = self.executed(wire)?.and_then(|mut results| results.pop());
        Ok(finished.as_ref().and_then(value::integer) == Some(1))
    }

    /// A guarded transaction up to the history.
    fn send_guarded(&self, wire: &mut Wire, commit: &Commit, seen: &Seen) {
        wire.command(&["MULTI"]);
        let hashes = self.names.in_place().into_iter().zip(&self.names.before);
        for ((hash, before), exists) in hashes.zip(seen.existing) {
            if exists {
                wire.command(&["COPY", hash, before, "REPLACE"]);
            }
        }
        self.guard(wire, commit, seen.pieces);
        let sets = commands::sets(commit, &self.names);
        wire.begin(3 + 2 * sets.len());
        for word in ["MSETNX", &self.names.gate, "open"] {
            wire.arg(word);
        }
        sets.iter().flatten().for_each(|word| wire.arg(word));
        for command in commands::in_place(commit, &self.names, seen.any_removed) {
            wire.command(&command);
        }
    }

    fn guard(&self, wire: &mut Wire, commit: &Commit, pieces: usize) {
        let is_set = |write: &Write| matches!(write.record, RecordWrite::Set(_));
        let holds_value = |write: &Write| matches!(write.expect, Expect::Value(_));
        let which = |choose: &dyn Fn(&Write) -> bool| -> Vec<&Write> {
            commit.writes.iter().filter(|write| choose(write)).collect()
        };
        let kept = which(&|write| holds_value(write) && !is_set(write));
        let replaced = which(&|write| holds_value(write) && is_set(write));
        let unseen = which(&|write| write.expect == Expect::Any && is_set(write));
        // Where the script makes way for nothing, the MSETNX alone finds out whether what it is to
        // set is absent.
        let makes_way = !replaced.is_empty() || !unseen.is_empty();
        let absent =
            which(&|write| write.expect == Expect::Absent && (makes_way || !is_set(write)));
        let keys = 2 + absent.len() + kept.len() + replaced.len() + unseen.len();
        wire.begin(3 + keys + 3 + kept.len() + replaced.len());
        wire.arg("EVAL");
        wire.arg(GUARD);
        wire.arg(keys.to_string());
        wire.arg(&self.names.gate);
        wire.arg(self.names.aside(&commit.id));
        for write in [&absent, &kept, &replaced, &unseen].into_iter().flatten() {
            wire.arg(self.names.record(&write.flag));
        }
        wire.arg(absent.len().to_string());
        wire.arg(kept.len().to_string());
        wire.arg(pieces.to_string());
        for write in kept.into_iter().chain(replaced) {
            if let Expect::Value(bytes) = &write.expect {
                wire.arg(bytes);
            }
        }
    }

    fn finish(&self, wire: &mut Wire, commit: &Commit, seen: &Seen) {
        let names = &self.names;
        let deleted: Vec<String> = commands::deletes(commit, names).collect();
        let keys = 4 + 2 * IN_PLACE + deleted.len();
        wire.begin(3 + keys + IN_PLACE + 4);
        wire.arg("EVAL");
        wire.arg(FINISH);
        wire.arg(keys.to_string());
        wire.arg(&names.gate);
        wire.arg(&names.history);
        wire.arg(&names.specs);
        wire.arg(names.aside(&commit.id));
        names.in_place().into_iter().for_each(|key| wire.arg(key));
        names.before.iter().for_each(|key| wire.arg(key));
        deleted.iter().for_each(|key| wire.arg(key));
        for exists in seen.existing {
            wire.arg(if exists { "1" } else { "0" });
        }
        wire.arg(seen.pieces.to_string());
        wire.arg(self.options.history_keep.to_string());
        wire.arg(&names.changes);
        wire.arg(commands::announcement(commit));
    }

    /// The results of a transaction; `None` where something was touched that is watched.
    fn executed(&self, wire: &mut Wire) -> Result<Option<Vec<Value>>, Error> {
        match wire.good_answers()?.pop() {
            Some(Value::Nil) => Ok(None),
            Some(Value::Array(results)) => match first_refusal(&results) {
                None => Ok(Some(results)),
                Some(error) => Err(self.endpoint.refused(error)),
            },
            _ => Err(self.endpoint.nonsense()),
        }
    }

    /// Finds out what became of a commit whose answer never came. Puts up a fence first: whatever
    /// of the commit is still on its way is refused once the bookkeeping has changed. Where another
    /// server has taken over, the fence stands there, and what the former one does is lost with it.
    fn resolve(
        &mut self,
        commit: &Commit,
        lost: &Error,
        patience: &mut Patience,
    ) -> Result<Outcome, Error> {
        let reason = why_lost(lost);
        let store = self.endpoint.store();
        self.route.learn(self.endpoint.node.as_deref(), lost);
        // Not to know is worse than to wait: here a server that stands alone is waited for, too.
        let passes = |_: &Self, error: &Error| route::passes(error);
        match self.patiently(patience, passes, |redis, wire| redis.look_for(wire, commit)) {
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
        let is_another = lineage.as_deref() != Some(effects::lineage(commit));
        if is_another || found <= commit.generation {
            return Ok(Some(Outcome::Moved(moved)));
        }
        let id = self.id_at(wire, effects::generation(commit), found)?;
        Ok(Some(if id == commit.id {
            committed(commit)
        } else {
            Outcome::Moved(moved)
        }))
    }

    /// The id of the commit that made `generation`, in a history that had come to `newest`.
    fn id_at(&self, wire: &mut Wire, generation: u64, newest: u64) -> Result<String, Error> {
        let mut among = newest.saturating_sub(generation).saturating_add(1);
        while among <= LOST_AMONG {
            let entries = self.newest(wire, usize::try_from(among).unwrap_or(usize::MAX))?;
            let oldest = entries.last().map(|entry| entry.generation);
            let is_all = (entries.len() as u64) < among;
            let mut entries = entries.into_iter();
            if let Some(entry) = entries.find(|entry| entry.generation == generation) {
                return Ok(entry.id);
            }
            if is_all || oldest.is_none_or(|oldest| oldest < generation) {
                break;
            }
            // Others have committed since.
            among *= 2;
        }
        let reason = format!("the commit of generation {generation} is not in it any more");
        Err(self.endpoint.damaged(&self.names.history, reason))
    }
}

/// Whether `error` is one of the connection, so that commands may have arrived without an answer.
pub(super) fn is_lost(error: &Error) -> bool {
    matches!(
        error,
        Error::Disconnected { .. }
            | Error::Timeout { .. }
            | Error::Unreachable { .. }
            | Error::Tls { .. }
            | Error::NotRedis { .. }
    )
}

/// Why an answer never came, without a word on what became of the commit.
fn why_lost(lost: &Error) -> String {
    match lost {
        Error::Disconnected { reason, .. }
        | Error::Unreachable { reason, .. }
        | Error::Tls { reason, .. }
        | Error::NotRedis { reason, .. } => reason.clone(),
        Error::Timeout { after, .. } => format!("no answer within {} s", after.as_secs_f64()),
        other => other.to_string(),
    }
}

fn committed(commit: &Commit) -> Outcome {
    Outcome::Committed {
        generation: effects::generation(commit),
    }
}
