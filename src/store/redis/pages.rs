//! Reading the records of a store, a page at a time.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc;
use std::{mem, thread};

use ::redis::Value;
use bytes::Bytes;

use crate::plan::{ByFlag, Snapshot, Stored};
use crate::store::Error;

use super::Redis;
use super::read::End;
use super::value::{self, Page};
use super::wire::{Wire, first_refusal};

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

/// What is asked of each flag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Records,
    /// Records, and what the list of managed flags has on them.
    WithDigests,
}

/// Flags that are read by name, a page at a time.
pub(super) struct Asked<'f> {
    what: Ask,
    /// Those that have been sent for.
    pages: VecDeque<&'f [&'f str]>,
    rest: &'f [&'f str],
    /// Whether the tally has been sent for, behind the last page.
    is_over: bool,
}

/// What was read of records.
#[derive(Default)]
pub(super) struct Found {
    pub records: ByFlag<Stored>,
    /// Flags whose keys have no value that MGET could give.
    pub valueless: Vec<String>,
    /// Managed ones and their digests, as far as these were asked for.
    specs: ByFlag<String>,
}

/// What a page has shown of its flags.
struct Taken<'f> {
    flags: &'f [&'f str],
    records: Vec<Option<Bytes>>,
    /// None where they were not asked for.
    digests: Vec<Option<Bytes>>,
}

impl Found {
    fn add(&mut self, page: Taken<'_>) {
        let digests = page.flags.iter().zip(page.digests);
        self.specs.extend(digests.filter_map(|(flag, digest)| {
            let digest = String::from_utf8_lossy(&digest?).into_owned();
            Some(((*flag).to_owned(), digest))
        }));
        for (flag, record) in page.flags.iter().zip(page.records) {
            let flag = (*flag).to_owned();
            match record {
                Some(bytes) => {
                    self.records.insert(flag, Stored::Value(bytes));
                }
                None => self.valueless.push(flag),
            }
        }
    }

    /// Those of `flags` that have not been read, or had no value.
    fn unread<'f>(&self, flags: impl Iterator<Item = &'f String>) -> Vec<&'f str> {
        let unread = flags.filter(|flag| !self.records.contains_key(*flag));
        unread.map(String::as_str).collect()
    }
}

/// How much there is.
struct Tally {
    /// Keys that are not bookkeeping, of anybody.
    keys: Option<usize>,
    managed: Option<usize>,
    /// The answer to [`Redis::ask_generation`].
    end: Value,
}

impl Redis {
    /// Reads every record, those of the flags `asked` first, and the list of managed flags. A scan has
    /// come as far as `listed`.
    pub(super) fn expected_records(
        &self,
        wire: &mut Wire,
        mut asked: Asked<'_>,
        listed: Listed,
        snapshot: &mut Snapshot,
    ) -> Result<End, Error> {
        if listed.is_last() {
            // What there is is known by name.
            asked.rest = &[];
        }
        let mut found = Found::default();
        let tally = self.take(wire, asked, &mut found)?;
        snapshot.specs = mem::take(&mut found.specs);
        if tally.managed != Some(snapshot.specs.len()) {
            snapshot.specs = self.specs(wire)?;
        } else if tally.keys == Some(found.records.len()) {
            found.valueless.clear();
            return self.settle(wire, found, tally.end, snapshot);
        }
        self.all_records(wire, listed, found, snapshot)
    }

    /// Reads every record that has not been `found` yet: those of managed flags, of flags that a scan
    /// has `listed`, and what is behind them.
    pub(super) fn all_records(
        &self,
        wire: &mut Wire,
        listed: Listed,
        mut found: Found,
        snapshot: &mut Snapshot,
    ) -> Result<End, Error> {
        let mut rest = found.unread(snapshot.specs.keys().chain(&listed.flags));
        // As they were written, most likely: what lies side by side is found sooner.
        rest.sort_unstable();
        rest.dedup();
        let rest = self.ask(wire, &rest, Ask::Records);
        let mut tally = self.take(wire, rest, &mut found)?;
        // Whatever is there is listed.
        let is_listed: HashSet<&str> = listed.flags.iter().map(String::as_str).collect();
        found.valueless.retain(|flag| is_listed.contains(&**flag));
        // If the server has no other keys, there is nothing to search for.
        if tally.keys != Some(found.records.len()) && !listed.is_last() {
            self.search(wire, listed.cursor, &mut found)?;
            self.ask_generation(wire);
            [tally.end] = self.exactly(wire.next_answers(1)?)?;
        }
        self.settle(wire, found, tally.end, snapshot)
    }

    /// Follows a scan from `cursor` to its end and reads what has not been read.
    fn search(&self, wire: &mut Wire, mut cursor: Vec<u8>, found: &mut Found) -> Result<(), Error> {
        let mut page = Vec::new();
        self.scan(wire, &cursor);
        while cursor != END {
            // The server goes on to the next page while the values of this one are taken.
            let [listed] = self.exactly(wire.next_answers(1)?)?;
            let Listed {
                mut flags,
                cursor: next,
            } = self.listed(listed)?;
            if next != END {
                self.scan(wire, &next);
            }
            flags.retain(|flag| !found.records.contains_key(flag));
            self.get(wire, &flags);
            wire.hand_over();
            self.got(wire, &page, found)?;
            (page, cursor) = (flags, next);
        }
        self.got(wire, &page, found)
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

    /// Asks how many keys the server has, how many of those are bookkeeping, and how many flags are managed.
    fn ask_tally(&self, wire: &mut Wire) {
        wire.command(&["DBSIZE"]);
        let kept = self.names.kept();
        wire.begin(1 + kept.len());
        wire.arg("EXISTS");
        kept.iter().for_each(|key| wire.arg(key));
        wire.command(&["HLEN", &self.names.specs]);
        self.ask_generation(wire);
    }

    /// Takes the answer to [`Self::ask_tally`].
    fn tally(&self, wire: &mut Wire) -> Result<Tally, Error> {
        let answers = wire.next_answers(4)?;
        if let Some(managed) = answers.get(2) {
            self.check_type(&self.names.specs, managed)?;
        }
        let [keys, kept, managed, end] = self.exactly(answers)?;
        let count = |count: Option<i64>| usize::try_from(count?).ok();
        let keys = value::integer(&keys).zip(value::integer(&kept));
        Ok(Tally {
            keys: count(keys.map(|(keys, kept)| keys - kept)),
            managed: count(value::integer(&managed)),
            end,
        })
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
    pub(super) fn get(&self, wire: &mut Wire, flags: &[impl AsRef<str>]) {
        let mut key = self.names.record("");
        let below = key.len();
        for flags in flags.chunks(PAGE) {
            wire.begin(1 + flags.len());
            wire.arg("MGET");
            for flag in flags {
                key.truncate(below);
                key.push_str(flag.as_ref());
                wire.arg(&key);
            }
        }
    }

    /// Takes the answers to [`Self::get`].
    fn got(&self, wire: &mut Wire, flags: &[String], found: &mut Found) -> Result<(), Error> {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        for flags in flags.chunks(PAGE) {
            let records = self.texts(wire.next_page()?, None, flags.len())?;
            found.add(Taken {
                flags,
                records,
                digests: Vec::new(),
            });
        }
        Ok(())
    }

    /// Begins to read `flags`.
    pub(super) fn ask<'f>(&self, wire: &mut Wire, flags: &'f [&'f str], what: Ask) -> Asked<'f> {
        let mut asked = Asked {
            what,
            pages: VecDeque::new(),
            rest: flags,
            is_over: false,
        };
        for _ in 0..AHEAD {
            self.ask_on(wire, &mut asked);
        }
        wire.hand_over();
        asked
    }

    fn ask_on(&self, wire: &mut Wire, asked: &mut Asked<'_>) {
        let (page, rest) = asked.rest.split_at(PAGE.min(asked.rest.len()));
        asked.rest = rest;
        if !page.is_empty() {
            self.get(wire, page);
            if asked.what == Ask::WithDigests {
                self.ask_fields(wire, &self.names.specs, page);
            }
            asked.pages.push_back(page);
        } else if !mem::replace(&mut asked.is_over, true) {
            self.ask_tally(wire);
        }
    }

    /// Takes the answers to [`Self::ask`].
    fn take(
        &self,
        wire: &mut Wire,
        mut asked: Asked<'_>,
        found: &mut Found,
    ) -> Result<Tally, Error> {
        let expected = asked.pages.len() * PAGE + asked.rest.len();
        found.records.reserve(expected);
        if asked.what == Ask::WithDigests {
            found.specs.reserve(expected);
        }
        if asked.rest.is_empty() {
            self.take_pages(wire, &mut asked, |page| found.add(page))?;
        } else {
            // What has come is put in its place while the next is on its way.
            thread::scope(|scope| {
                let (sender, pages) = mpsc::channel();
                scope.spawn(|| pages.into_iter().for_each(|page| found.add(page)));
                let hand_on = |page| sender.send(page).unwrap_or_default();
                self.take_pages(wire, &mut asked, hand_on)
            })?;
        }
        self.ask_on(wire, &mut asked);
        self.tally(wire)
    }

    fn take_pages<'f>(
        &self,
        wire: &mut Wire,
        asked: &mut Asked<'f>,
        mut each: impl FnMut(Taken<'f>),
    ) -> Result<(), Error> {
        let with_digests = asked.what == Ask::WithDigests;
        while let Some(flags) = asked.pages.pop_front() {
            let records = wire.next_page()?;
            let digests = with_digests.then(|| wire.next_page()).transpose()?;
            self.ask_on(wire, asked);
            wire.hand_over();
            let records = self.texts(records, None, flags.len())?;
            let specs = Some(&*self.names.specs);
            let digests = digests.map(|digests| self.texts(digests, specs, flags.len()));
            each(Taken {
                records,
                digests: digests.transpose()?.unwrap_or_default(),
                flags,
            });
        }
        Ok(())
    }

    /// Puts the answers to [`Self::get`] where they belong.
    pub(super) fn collect(
        &self,
        flags: &[&str],
        answers: Vec<Value>,
        found: &mut Found,
    ) -> Result<(), Error> {
        if let Some(error) = first_refusal(&answers) {
            return Err(self.endpoint.refused(error));
        }
        let values = answers.into_iter().filter_map(value::list).flatten();
        let texts = values.map(|value| value::bytes(value).map(Bytes::from));
        found.add(Taken {
            flags,
            records: self.texts(Page::Texts(texts.collect()), None, flags.len())?,
            digests: Vec::new(),
        });
        Ok(())
    }

    /// The `count` texts of a page. They may have come of the hash `of` of hoist's own.
    fn texts(
        &self,
        page: Page,
        of: Option<&str>,
        count: usize,
    ) -> Result<Vec<Option<Bytes>>, Error> {
        match (page, of) {
            (Page::Texts(texts), _) if texts.len() == count => Ok(texts),
            (Page::Other(answer), Some(hash)) => {
                self.check_type(hash, &answer)?;
                Err(self.endpoint.nonsense())
            }
            (Page::Other(Value::ServerError(error)), None) => Err(self.endpoint.refused(&error)),
            (Page::Texts(_) | Page::Other(_), _) => Err(self.endpoint.nonsense()),
        }
    }
}
