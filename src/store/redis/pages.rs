//! Reading the records of a store, a page at a time.

use std::collections::{HashSet, VecDeque};
use std::vec;

use ::redis::Value;

use crate::plan::{ByFlag, Snapshot, Stored};
use crate::store::Error;

use super::read::End;
use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// Keys that one SCAN looks at. Larger is fewer round trips, and a longer pause for other clients.
const SCAN_COUNT: &str = "2000";

/// Keys of one MGET.
const PAGE: usize = 1000;

/// MGETs that are on their way at a time. The server has something to do while values are taken, and does not
/// have to keep all of them for somebody who is slow.
const AHEAD: usize = 4;

/// The cursor of a scan that has come to its end.
const END: &[u8] = b"0";

/// What one SCAN has found.
pub(super) struct Listed {
    pub flags: Vec<String>,
    cursor: Vec<u8>,
}

impl Listed {
    /// Whether the server has no more keys than were looked at.
    pub fn is_last(&self) -> bool {
        self.cursor == END
    }
}

/// Flags whose values are read, a page at a time.
pub(super) struct Asked {
    /// Those that have been sent for.
    pages: VecDeque<Vec<String>>,
    rest: vec::IntoIter<String>,
}

/// What was read of records.
#[derive(Default)]
pub(super) struct Found {
    pub records: ByFlag<Stored>,
    /// Flags whose keys have no value that MGET could give.
    pub valueless: Vec<String>,
}

impl Found {
    /// Those of `flags` that have not been read, or had no value.
    fn unread<'f>(&self, flags: impl Iterator<Item = &'f String>) -> Vec<String> {
        let unread = flags.filter(|flag| !self.records.contains_key(*flag));
        unread.cloned().collect()
    }
}

impl Redis {
    /// Reads every record of a store where a scan has found all there is. Gives generation and lineage as
    /// they are then.
    pub(super) fn listed_records(
        &self,
        wire: &mut Wire,
        listed: Vec<String>,
        snapshot: &mut Snapshot,
    ) -> Result<End, Error> {
        // What was created meanwhile may be missing: what hoist manages is asked for by name.
        let known: HashSet<&str> = listed.iter().map(String::as_str).collect();
        let managed = snapshot.specs.keys();
        let unlisted = managed.filter(|flag| !known.contains(flag.as_str()));
        let unlisted: Vec<String> = unlisted.cloned().collect();
        self.get(wire, &unlisted);
        self.ask_generation(wire);
        let mut found = Found::default();
        self.got(wire, listed, &mut found)?;
        self.got(wire, unlisted, &mut found)?;
        let [end] = self.exactly(wire.next_answers(1)?)?;
        self.settle(wire, found, end, snapshot)
    }

    /// Reads every record: those of the flags `asked`, and what else there is beyond a scan that has
    /// come as far as `listed`.
    pub(super) fn named_records(
        &self,
        wire: &mut Wire,
        asked: Asked,
        listed: Listed,
        snapshot: &mut Snapshot,
    ) -> Result<End, Error> {
        let mut found = Found::default();
        self.take(wire, asked, &mut found)?;
        let rest = found.unread(snapshot.specs.keys().chain(&listed.flags));
        let rest = self.ask(wire, rest);
        self.take(wire, rest, &mut found)?;
        self.ask_count(wire);
        self.ask_generation(wire);
        let [keys, kept, mut end] = self.exactly(wire.next_answers(3)?)?;
        if count(&keys, &kept) == Some(found.records.len()) {
            // The server has no other keys: there is nothing to search for.
            found.valueless.clear();
        } else {
            self.search(wire, listed.cursor, &mut found)?;
            self.ask_generation(wire);
            [end] = self.exactly(wire.next_answers(1)?)?;
        }
        self.settle(wire, found, end, snapshot)
    }

    /// Follows a scan from `cursor` to its end and reads what has not been read.
    fn search(&self, wire: &mut Wire, mut cursor: Vec<u8>, found: &mut Found) -> Result<(), Error> {
        let mut page = Vec::new();
        self.scan(wire, &cursor);
        while cursor != END {
            // The server goes on to the next page while the values of this one are taken.
            let [listed] = self.exactly(wire.next_answers(1)?)?;
            let listed = self.listed(listed)?;
            if !listed.is_last() {
                self.scan(wire, &listed.cursor);
            }
            let next = found.unread(listed.flags.iter());
            self.get(wire, &next);
            wire.hand_over();
            self.got(wire, page, found)?;
            (page, cursor) = (next, listed.cursor);
        }
        self.got(wire, page, found)
    }

    /// Puts what was found into `snapshot`, and looks at what has no value.
    fn settle(
        &self,
        wire: &mut Wire,
        mut found: Found,
        end: Value,
        snapshot: &mut Snapshot,
    ) -> Result<End, Error> {
        snapshot.records = found.records;
        if found.valueless.is_empty() {
            return self.generation(end);
        }
        found.valueless.sort_unstable();
        found.valueless.dedup();
        let end = self.other_types(wire, found.valueless, snapshot)?;
        self.generation(end.unwrap_or(Value::Nil))
    }

    /// Asks how many keys the server has, and how many of those are bookkeeping.
    fn ask_count(&self, wire: &mut Wire) {
        wire.command(&["DBSIZE"]);
        let kept = self.names.kept();
        wire.begin(1 + kept.len());
        wire.arg("EXISTS");
        kept.iter().for_each(|key| wire.arg(key));
    }

    /// What stands at the keys of `valueless`, which have no value that MGET could give. Gives the
    /// answer to [`Self::ask_generation`].
    pub(super) fn other_types(
        &self,
        wire: &mut Wire,
        valueless: Vec<String>,
        snapshot: &mut Snapshot,
    ) -> Result<Option<Value>, Error> {
        for flag in &valueless {
            wire.command(&["TYPE", &self.names.record(flag)]);
        }
        self.ask_generation(wire);
        let mut answers = wire.good_answers()?;
        let end = answers.pop();
        for (flag, answer) in valueless.into_iter().zip(answers) {
            match value::text(answer) {
                Some(kind) if kind != "none" => {
                    snapshot.records.insert(flag, Stored::OtherType(kind));
                }
                _ => {}
            }
        }
        Ok(end)
    }

    pub(super) fn scan(&self, wire: &mut Wire, cursor: &[u8]) {
        let pattern = self.names.pattern();
        wire.command(&[
            b"SCAN",
            cursor,
            b"MATCH",
            pattern.as_bytes(),
            b"COUNT",
            SCAN_COUNT.as_bytes(),
        ]);
    }

    /// Takes the answer to [`Self::scan`].
    pub(super) fn listed(&self, answer: Value) -> Result<Listed, Error> {
        let [cursor, keys] = self.exactly(value::list(answer).unwrap_or_default())?;
        let cursor = value::bytes(cursor).ok_or_else(|| self.endpoint.nonsense())?;
        let keys = value::list(keys).unwrap_or_default().into_iter();
        let flags = keys.filter_map(|key| {
            let mut key = String::from_utf8(value::bytes(key)?).ok()?;
            let flag = self.names.flag(&key)?;
            key.drain(..key.len() - flag.len());
            Some(key)
        });
        Ok(Listed {
            flags: flags.collect(),
            cursor,
        })
    }

    /// Sends for the values of records.
    pub(super) fn get(&self, wire: &mut Wire, flags: &[String]) {
        let mut key = self.names.record("");
        let below = key.len();
        for flags in flags.chunks(PAGE) {
            wire.begin(1 + flags.len());
            wire.arg("MGET");
            for flag in flags {
                key.truncate(below);
                key.push_str(flag);
                wire.arg(&key);
            }
        }
    }

    /// Takes the answers to [`Self::get`].
    fn got(&self, wire: &mut Wire, flags: Vec<String>, found: &mut Found) -> Result<(), Error> {
        let answers = wire.next_answers(flags.len().div_ceil(PAGE))?;
        self.collect(flags, answers, found)
    }

    /// Begins to read the records of `flags`.
    pub(super) fn ask(&self, wire: &mut Wire, flags: Vec<String>) -> Asked {
        let mut asked = Asked {
            pages: VecDeque::new(),
            rest: flags.into_iter(),
        };
        for _ in 0..AHEAD {
            self.ask_on(wire, &mut asked);
        }
        wire.hand_over();
        asked
    }

    fn ask_on(&self, wire: &mut Wire, asked: &mut Asked) {
        let page: Vec<String> = asked.rest.by_ref().take(PAGE).collect();
        if !page.is_empty() {
            self.get(wire, &page);
            asked.pages.push_back(page);
        }
    }

    /// Takes the records of [`Self::ask`].
    fn take(&self, wire: &mut Wire, mut asked: Asked, found: &mut Found) -> Result<(), Error> {
        found.records.reserve(asked.rest.len());
        while let Some(page) = asked.pages.pop_front() {
            let answers = wire.next_answers(1)?;
            self.ask_on(wire, &mut asked);
            wire.hand_over();
            self.collect(page, answers, found)?;
        }
        Ok(())
    }

    /// Puts the answers to [`Self::get`] where they belong.
    pub(super) fn collect(
        &self,
        flags: Vec<String>,
        answers: Vec<Value>,
        found: &mut Found,
    ) -> Result<(), Error> {
        if let Some(error) = first_refusal(&answers) {
            return Err(self.endpoint.refused(error));
        }
        let mut flags = flags.into_iter();
        for values in answers.into_iter().filter_map(value::list) {
            if values.len() > flags.len() {
                return Err(self.endpoint.nonsense());
            }
            for (value, flag) in values.into_iter().zip(flags.by_ref()) {
                match value::bytes(value) {
                    Some(bytes) => {
                        found.records.insert(flag, Stored::Value(bytes));
                    }
                    None => found.valueless.push(flag),
                }
            }
        }
        match flags.next() {
            None => Ok(()),
            Some(_) => Err(self.endpoint.nonsense()),
        }
    }
}

/// How many keys a server has besides the bookkeeping, from the answers to [`Redis::ask_count`].
fn count(keys: &Value, kept: &Value) -> Option<usize> {
    usize::try_from(value::integer(keys)? - value::integer(kept)?).ok()
}
