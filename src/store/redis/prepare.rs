//! Looking at a store before it is known whether there is anything to commit.
//!
//! Everything that is looked at is watched from before, and a transaction is open in the end, as
//! [`Redis::examine`] leaves it for a commit. A commit that was planned from what this has shown, and
//! expects nothing else, only has to write: whatever was touched since has the server refuse it.

use ::redis::Value;

use crate::plan::{Commit, Snapshot, Stored, Write};
use crate::store::Error;
use crate::store::effects::{self, Found};

use super::Redis;
use super::examine::{BOOKKEEPING, Bookkeeping, Seen, checked};
use super::named::Named;
use super::wire::{Wire, first_refusal};

/// What was looked at ahead, and is watched.
#[derive(Debug)]
pub(super) struct Prepared {
    bookkeeping: Bookkeeping,
    /// The records in it are those that are watched.
    snapshot: Snapshot,
}

impl Prepared {
    /// What a look at the store for `commit` would have shown; none where it would have to be another look.
    fn seen_by(&self, commit: &Commit) -> Option<Seen> {
        let seen = self.bookkeeping.seen_by(commit);
        let is_as_expected = |write: &Write| match self.snapshot.records.get(&write.flag) {
            Some(Stored::Value(bytes)) => effects::holds(&write.expect, Found::Bytes(bytes)),
            Some(Stored::OtherType(_)) | None => false,
        };
        let all = checked(commit).into_iter().all(is_as_expected);
        (seen.moved.is_empty() && all).then_some(seen)
    }
}

impl Redis {
    /// See [`crate::store::Store::prepare`].
    pub(super) fn look_ahead(&mut self, flags: &[&str]) -> Option<Snapshot> {
        if flags.len() > self.options.watch_up_to {
            return None;
        }
        let mut wire = self.idle()?;
        // A connection that fails is dropped, and with it all that it watches.
        let prepared = self.watch_named(&mut wire, flags).ok()?;
        self.wire = Some(wire);
        self.prepared = prepared;
        let prepared = self.prepared.as_ref()?;
        Some(prepared.snapshot.clone())
    }

    /// The connection, if there is one that has worked: nothing is watched or open on it.
    pub(super) fn idle(&mut self) -> Option<Wire> {
        let prepared = self.prepared.take();
        let mut wire = self.wire.take().filter(Wire::has_answered)?;
        if prepared.is_some() {
            wire.command(&["DISCARD"]);
            wire.good_answers().ok()?;
        }
        Some(wire)
    }

    /// What the look ahead has shown, if that is all that `commit` has to know. The connection is left as
    /// [`Redis::examine`] leaves it.
    pub(super) fn take_prepared(&mut self, commit: &Commit) -> Option<Seen> {
        self.wire.as_ref()?;
        let seen = self.prepared.as_ref()?.seen_by(commit)?;
        self.prepared = None;
        Some(seen)
    }

    /// None where more than one look would have to be taken: then nothing is watched.
    fn watch_named(&self, wire: &mut Wire, flags: &[&str]) -> Result<Option<Prepared>, Error> {
        self.watch(wire, flags.iter().copied());
        self.ask_bookkeeping(wire);
        self.ask_named(wire, flags);
        wire.command(&["MULTI"]);
        let mut answers = wire.answers()?.into_iter();
        let opened = answers.next_back();
        let ends: Vec<Value> = answers.next().into_iter().chain(opened).collect();
        if let Some(error) = first_refusal(&ends) {
            return Err(self.endpoint.refused(error));
        }
        let bookkeeping = self.bookkeeping(answers.by_ref().take(BOOKKEEPING).collect())?;
        let Named {
            snapshot,
            valueless,
            end,
        } = self.take_named(flags, answers.collect())?;
        let end = self.generation(end.unwrap_or(Value::Nil))?;
        let is_steady = end == (snapshot.generation, snapshot.lineage.clone());
        if !is_steady || !valueless.is_empty() {
            wire.command(&["DISCARD"]);
            wire.good_answers()?;
            return Ok(None);
        }
        Ok(Some(Prepared {
            bookkeeping,
            snapshot,
        }))
    }
}
