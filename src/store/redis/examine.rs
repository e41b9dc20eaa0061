//! Comparing a store with what a commit expects of it.

use ::redis::Value;

use crate::plan::{Commit, Expect, Write};
use crate::store::effects::{self, Found};
use crate::store::{Error, Moved};

use super::commands;
use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// Records that one command looks at.
const PAGE: usize = 1000;

/// The state of a store's bookkeeping, word for word, so that a script can see whether it is still
/// the same.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub lineage: Option<String>,
    pub generation: Option<String>,
    pub fence: Option<String>,
}

/// How a commit is kept from overwriting what others write while it is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// WATCH, MULTI, EXEC.
    Watch,
    /// A script that compares again: a server takes quadratic time to watch many keys.
    Script,
}

impl Redis {
    /// What has moved since `commit` was planned, and what was seen of the bookkeeping.
    ///
    /// With [`Means::Watch`] everything that is looked at is watched from before, and a transaction
    /// is open in the end. It is opened here because a server that refuses to open one, for lack of
    /// rights say, would run the commands that follow one by one. With [`Means::Script`] the server
    /// is asked whether it would take each kind of command.
    pub(super) fn examine(
        &self,
        wire: &mut Wire,
        commit: &Commit,
        means: Means,
    ) -> Result<(Vec<Moved>, Seen), Error> {
        let watching = means == Means::Watch;
        let looked_at = checked(commit);
        if watching {
            self.watch(wire, &looked_at);
        } else {
            self.rehearse(wire)?;
        }
        self.ask_bookkeeping(wire);
        // Where records are watched there is but one page.
        let mut pages = looked_at.chunks(if watching { WATCHED } else { PAGE });
        let page = pages.next().unwrap_or_default();
        self.ask_records(wire, page);
        if watching {
            wire.command(&["MULTI"]);
        }
        let mut answers = wire.answers()?.into_iter();
        if watching {
            // The first and the last: either may be refused.
            let ends = [answers.next(), answers.next_back()];
            self.exactly::<2>(ends.into_iter().flatten().collect())?;
        }
        let seen = self.seen(answers.by_ref().take(BOOKKEEPING).collect())?;
        let generation = self.parse_generation(seen.generation.clone(), seen.lineage.is_some())?;
        let mut moved = effects::store_moved(commit, seen.lineage.as_deref(), generation);
        moved.extend(self.compare(wire, page, answers.collect(), watching)?);
        for page in pages {
            self.ask_records(wire, page);
            let answers = wire.answers()?;
            moved.extend(self.compare(wire, page, answers, watching)?);
        }
        Ok((moved, seen))
    }

    fn watch(&self, wire: &mut Wire, looked_at: &[&Write]) {
        let names = &self.names;
        wire.begin(5 + looked_at.len());
        for word in [
            "WATCH",
            &names.meta,
            &names.specs,
            &names.removed,
            &names.history,
        ] {
            wire.arg(word);
        }
        for write in looked_at {
            wire.arg(names.record(&write.flag));
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

    fn ask_bookkeeping(&self, wire: &mut Wire) {
        let names = &self.names;
        for key in [&names.meta, &names.specs, &names.removed, &names.history] {
            wire.command(&["TYPE", key]);
        }
        let meta = names.meta.as_str();
        wire.command(&["HMGET", meta, "lineage", "generation", "fence", "prefix"]);
    }

    /// Takes the answers to [`Self::ask_bookkeeping`] and refuses what no commit may build upon.
    fn seen(&self, mut answers: Vec<Value>) -> Result<Seen, Error> {
        let fields = answers.pop().unwrap_or(Value::Nil);
        let names = &self.names;
        let keys = [&names.meta, &names.specs, &names.removed, &names.history];
        let expected = ["hash", "hash", "hash", "stream"];
        let types: [Value; 4] = self.exactly(answers)?;
        for ((key, expected), found) in keys.into_iter().zip(expected).zip(types) {
            let found = value::text(found).unwrap_or_default();
            if found != expected && found != "none" {
                let reason = format!("it is a {found} instead of a {expected}");
                return Err(self.endpoint.damaged(key, reason));
            }
        }
        self.check_type(&names.meta, &fields)?;
        let fields = value::list(fields).unwrap_or_default();
        let [lineage, generation, fence, prefix] = self.exactly(fields)?;
        self.check_prefix(value::text(prefix))?;
        Ok(Seen {
            lineage: value::text(lineage),
            generation: value::text(generation),
            fence: value::text(fence),
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

/// Up to so many records are watched. Redis compares each newly watched key with all that the client
/// watches already: 500 take it some 2 ms, 10,000 half a second, in which it does nothing else.
pub(super) const WATCHED: usize = 500;

/// Answers to [`Redis::ask_bookkeeping`].
const BOOKKEEPING: usize = 5;

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
