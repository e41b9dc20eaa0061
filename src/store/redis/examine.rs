//! Comparing a store with what a commit expects of it.

use std::iter;

use ::redis::Value;

use crate::plan::{Commit, Expect, Write};
use crate::store::effects::{self, Found};
use crate::store::names::{HASHES, IN_PLACE};
use crate::store::{Error, Moved};

use super::aside::Laid;
use super::commands;
use super::commit::is_lost;
use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// Records that one command looks at.
const PAGE: usize = 1000;

/// How a commit is kept from overwriting what others write while it is on its way. The bookkeeping
/// is watched in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// The records are watched.
    Watch,
    /// A script compares them again, at the head of the transaction.
    Script,
}

/// What a look at the store has shown.
#[derive(Debug)]
pub(super) struct Seen {
    /// What is not as the commit expects it.
    pub moved: Vec<Moved>,
    /// Whether the list of removed flags has any.
    pub any_removed: bool,
    /// Which of the hashes exist that a large commit writes in place, in the order of
    /// [`super::Names::in_place`].
    pub existing: [bool; IN_PLACE],
    /// How many pieces of specs were laid aside.
    pub pieces: usize,
}

/// The bookkeeping as a commit has to know it.
#[derive(Debug)]
pub(super) struct Bookkeeping {
    lineage: Option<String>,
    generation: u64,
    any_removed: bool,
    existing: [bool; IN_PLACE],
}

impl Bookkeeping {
    /// What it means to `commit`: no record has been compared yet.
    pub(super) fn seen_by(&self, commit: &Commit) -> Seen {
        Seen {
            moved: effects::store_moved(commit, self.lineage.as_deref(), self.generation),
            any_removed: self.any_removed,
            existing: self.existing,
            pieces: 0,
        }
    }
}

impl Redis {
    /// Compares the store with what `commit` expects of it, `records` and all or its bookkeeping only.
    ///
    /// With [`Means::Watch`] everything that is looked at is watched from before, and a transaction
    /// is open in the end. It is opened here because a server that refuses to open one, for lack of
    /// rights say, would run the commands that follow one by one. With [`Means::Script`] only the
    /// bookkeeping is watched, the server has been asked whether it would take each command, and the
    /// specs have been laid aside as they are to be.
    pub(super) fn examine(
        &self,
        wire: &mut Wire,
        commit: &Commit,
        means: Means,
        records: bool,
    ) -> Result<Seen, Error> {
        let seen = self.look(wire, commit, means, records);
        let ends = match &seen {
            Ok(seen) => !seen.moved.is_empty(),
            Err(error) => !is_lost(error),
        };
        if means == Means::Script && ends {
            self.sweep(wire, commit);
        }
        seen
    }

    fn look(
        &self,
        wire: &mut Wire,
        commit: &Commit,
        means: Means,
        records: bool,
    ) -> Result<Seen, Error> {
        let watching = means == Means::Watch;
        let looked_at = if records { checked(commit) } else { Vec::new() };
        let laid = if watching {
            let flags = looked_at.iter().map(|write| write.flag.as_str());
            self.watch(wire, flags);
            Laid::default()
        } else {
            self.rehearse(wire)?;
            // Ahead of the watching, which any transaction ends.
            let laid = self.lay_aside(wire, commit);
            self.watch(wire, iter::empty());
            laid
        };
        self.ask_bookkeeping(wire);
        // Where records are watched there is but one page.
        let length = if watching {
            looked_at.len().max(1)
        } else {
            PAGE
        };
        let mut pages = looked_at.chunks(length);
        let page = pages.next().unwrap_or_default();
        self.ask_records(wire, page);
        if watching {
            wire.command(&["MULTI"]);
        }
        let mut answers = wire.answers()?.into_iter();
        let laying: Vec<Value> = answers.by_ref().take(laid.answers).collect();
        let opened = if watching { answers.next_back() } else { None };
        let ends: Vec<Value> = answers.next().into_iter().chain(opened).collect();
        if let Some(error) = first_refusal(&ends) {
            return Err(self.endpoint.refused(error));
        }
        let head = self.bookkeeping(answers.by_ref().take(BOOKKEEPING).collect())?;
        let mut seen = head.seen_by(commit);
        let moved = self.was_laid(commit, laying)?;
        if seen.moved.is_empty() {
            seen.moved = moved;
        }
        seen.pieces = laid.pieces;
        seen.moved
            .extend(self.compare(wire, page, answers.collect(), watching)?);
        for page in pages {
            self.ask_records(wire, page);
            let answers = wire.answers()?;
            seen.moved
                .extend(self.compare(wire, page, answers, watching)?);
        }
        Ok(seen)
    }

    /// Watches the bookkeeping and the records of `flags`.
    pub(super) fn watch<'f>(&self, wire: &mut Wire, flags: impl ExactSizeIterator<Item = &'f str>) {
        let kept = self.kept();
        wire.begin(1 + kept.len() + flags.len());
        wire.arg("WATCH");
        kept.iter().for_each(|(key, _)| wire.arg(key));
        for flag in flags {
            wire.arg(self.names.record(flag));
        }
    }

    /// Queues each kind of command and discards them: the server says at once which it would refuse.
    fn rehearse(&self, wire: &mut Wire) -> Result<(), Error> {
        wire.command(&["MULTI"]);
        wire.good_answers()?;
        for command in commands::samples(&self.names) {
            wire.command(&command);
        }
        wire.command(&["DISCARD"]);
        wire.good_answers()?;
        Ok(())
    }

    /// The keys of the bookkeeping, each with its type: the hashes first.
    fn kept(&self) -> [(&str, &'static str); HASHES + 1] {
        let [meta, specs, removed, stops] = self.names.hashes();
        [
            (meta, "hash"),
            (specs, "hash"),
            (removed, "hash"),
            (stops, "hash"),
            (&self.names.history, "stream"),
        ]
    }

    pub(super) fn ask_bookkeeping(&self, wire: &mut Wire) {
        let names = &self.names;
        for (key, _) in self.kept() {
            wire.command(&["TYPE", key]);
        }
        let meta = names.meta.as_str();
        wire.command(&["HMGET", meta, "lineage", "generation", "prefix"]);
        wire.command(&["HLEN", &names.removed]);
    }

    /// Takes the answers to [`Self::ask_bookkeeping`] and refuses what no commit may build upon.
    pub(super) fn bookkeeping(&self, mut answers: Vec<Value>) -> Result<Bookkeeping, Error> {
        let removed = answers.pop().unwrap_or(Value::Nil);
        let fields = answers.pop().unwrap_or(Value::Nil);
        let names = &self.names;
        let types: [Value; HASHES + 1] = self.exactly(answers)?;
        let types = types.map(|found| value::text(found).unwrap_or_default());
        let [meta, _, removed_type, stops, _] = &types;
        let existing = [meta, removed_type, stops].map(|found| found == "hash");
        for ((key, expected), found) in self.kept().into_iter().zip(types) {
            if found != expected && found != "none" {
                let reason = format!("it is a {found} instead of a {expected}");
                return Err(self.endpoint.damaged(key, reason));
            }
        }
        self.check_type(&names.meta, &fields)?;
        let fields = value::list(fields).unwrap_or_default();
        let [lineage, generation, prefix] = self.exactly(fields)?;
        self.check_prefix(value::text(prefix))?;
        let lineage = value::text(lineage);
        let generation = self.parse_generation(value::text(generation), lineage.is_some())?;
        self.check_type(&names.removed, &removed)?;
        Ok(Bookkeeping {
            lineage,
            generation,
            any_removed: value::integer(&removed) != Some(0),
            existing,
        })
    }

    /// Asks for the values of records that should have one, and how many of the others exist.
    fn ask_records(&self, wire: &mut Wire, page: &[&Write]) {
        for (command, flags) in [("MGET", valued(page)), ("EXISTS", absent(page))] {
            if flags.is_empty() {
                continue;
            }
            wire.begin(1 + flags.len());
            wire.arg(command);
            for write in flags {
                wire.arg(self.names.record(&write.flag));
            }
        }
    }

    /// Compares the answers to [`Self::ask_records`].
    fn compare(
        &self,
        wire: &mut Wire,
        page: &[&Write],
        answers: Vec<Value>,
        in_transaction: bool,
    ) -> Result<Vec<Moved>, Error> {
        let mut moved = Vec::new();
        if let Some(error) = first_refusal(&answers) {
            return Err(self.endpoint.refused(error));
        }
        let mut answers = answers.into_iter();
        let valued = valued(page);
        if !valued.is_empty() {
            let values = answers.next().and_then(value::list).unwrap_or_default();
            if values.len() != valued.len() {
                return Err(self.endpoint.nonsense());
            }
            for (write, found) in valued.into_iter().zip(values) {
                let found = value::bytes(found);
                let found = found.as_deref().map_or(Found::Nothing, Found::Bytes);
                if !effects::holds(&write.expect, found) {
                    moved.push(record_moved(write));
                }
            }
        }
        match answers.next().as_ref().map(value::integer) {
            None | Some(Some(0)) => Ok(moved),
            Some(Some(_)) => {
                moved.extend(self.find_existing(wire, absent(page), in_transaction)?);
                Ok(moved)
            }
            Some(None) => Err(self.endpoint.nonsense()),
        }
    }

    /// Which of the records that must not exist do.
    fn find_existing(
        &self,
        wire: &mut Wire,
        absent: Vec<&Write>,
        in_transaction: bool,
    ) -> Result<Vec<Moved>, Error> {
        if in_transaction {
            wire.command(&["DISCARD"]);
            wire.good_answers()?;
        }
        for write in &absent {
            wire.command(&["EXISTS", &self.names.record(&write.flag)]);
        }
        let answers = wire.good_answers()?;
        let pairs = absent.into_iter().zip(&answers);
        Ok(pairs
            .filter(|(_, answer)| value::integer(answer) != Some(0))
            .map(|(write, _)| record_moved(write))
            .collect())
    }
}

/// Answers to [`Redis::ask_bookkeeping`].
pub(super) const BOOKKEEPING: usize = HASHES + 3;

/// The writes whose keys a commit looks at.
pub(super) fn checked(commit: &Commit) -> Vec<&Write> {
    let writes = commit.writes.iter();
    writes.filter(|write| write.expect != Expect::Any).collect()
}

fn valued<'a>(page: &[&'a Write]) -> Vec<&'a Write> {
    let writes = page.iter().copied();
    writes
        .filter(|write| matches!(write.expect, Expect::Value(_)))
        .collect()
}

fn absent<'a>(page: &[&'a Write]) -> Vec<&'a Write> {
    let writes = page.iter().copied();
    writes
        .filter(|write| write.expect == Expect::Absent)
        .collect()
}

fn record_moved(write: &Write) -> Moved {
    Moved::Record {
        flag: write.flag.clone(),
    }
}
