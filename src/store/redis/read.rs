//! Reading a whole environment.

use std::collections::HashSet;
use std::time::Duration;

use ::redis::Value;
use foldhash::fast::RandomState;

use crate::plan::{ByFlag, Removed, Snapshot, Stored};
use crate::store::{Error, effects};

use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// How often a read is tried before it is given up because somebody commits all the time.
const ATTEMPTS: usize = 12;

/// The pause after the first attempt; it doubles with each, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Keys that one SCAN looks at. Larger is fewer round trips, and a longer pause for other clients.
const SCAN_COUNT: &str = "2000";

/// Keys of one MGET.
const PAGE: usize = 1000;

/// Generation and lineage once a read was complete.
pub(super) type End = (u64, Option<String>);

/// Flags whose values have been sent for.
struct Page {
    flags: Vec<String>,
    /// Whether the scan ends here.
    is_last: bool,
}

impl Page {
    fn flags(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(String::as_str)
    }

    /// How many answers its values come in.
    fn gets(&self) -> usize {
        self.flags.len().div_ceil(PAGE)
    }
}

/// What was read of records.
#[derive(Default)]
pub(super) struct Found {
    /// In the order in which they came.
    pub records: Vec<(String, Stored)>,
    /// Flags whose keys have no value that MGET could give.
    pub valueless: Vec<String>,
}

impl Found {
    fn flags(&self) -> impl Iterator<Item = &str> {
        let records = self.records.iter().map(|(flag, _)| flag.as_str());
        records.chain(self.valueless.iter().map(String::as_str))
    }
}

impl Redis {
    /// Everything below the prefix and all bookkeeping, as of one generation.
    pub(super) fn snapshot(&self, wire: &mut Wire) -> Result<Snapshot, Error> {
        self.steadily(|| self.read_once(wire))
    }

    /// Reads until generation and lineage are the same before and after.
    pub(super) fn steadily(
        &self,
        mut read: impl FnMut() -> Result<(Snapshot, End), Error>,
    ) -> Result<Snapshot, Error> {
        let mut pause = PAUSE;
        for _ in 0..ATTEMPTS {
            let (snapshot, end) = read()?;
            if end == (snapshot.generation, snapshot.lineage.clone()) {
                return Ok(snapshot);
            }
            self.network.pause(pause);
            pause = LONGEST_PAUSE.min(2 * pause);
        }
        Err(Error::Unsteady {
            store: self.endpoint.shown.clone(),
            attempts: ATTEMPTS,
        })
    }

    /// A snapshot, and generation and lineage once it was complete.
    fn read_once(&self, wire: &mut Wire) -> Result<(Snapshot, End), Error> {
        let [meta, specs, removed, stops] = self.names.hashes();
        wire.command(&["TIME"]);
        wire.command(&["HGETALL", meta]);
        // Ahead of what takes long to read, so that the server can begin with the records meanwhile.
        self.scan(wire, b"0");
        for hash in [specs, removed, stops] {
            wire.command(&["HGETALL", hash]);
        }
        let answers = wire.next_answers(3)?;
        if let Some(answer) = answers.get(1) {
            self.check_type(meta, answer)?;
        }
        let [time, head, scan] = self.exactly(answers)?;
        let mut snapshot = self.head(time, head)?;
        let page = self.turn(wire, scan)?;
        let answers = wire.next_answers(3)?;
        for (key, answer) in [specs, removed, stops].into_iter().zip(&answers) {
            self.check_type(key, answer)?;
        }
        let [specs, removed, stops] = self.exactly(answers)?;
        snapshot.specs = texts(specs);
        snapshot.removed = value::pairs(removed)
            .filter_map(|(flag, json)| Some((flag, serde_json::from_slice::<Removed>(&json).ok()?)))
            .collect();
        snapshot.stops = value::pairs(stops)
            .map(|(flag, json)| (flag, effects::stop(&json)))
            .collect();
        let end = self.records(wire, &mut snapshot, page)?;
        Ok((snapshot, end))
    }

    /// Follows the scan to its end and reads every record, one page at a time: `page` is on its way.
    /// Gives generation and lineage as they are then.
    fn records(
        &self,
        wire: &mut Wire,
        snapshot: &mut Snapshot,
        mut page: Page,
    ) -> Result<End, Error> {
        let mut found = Found::default();
        while !page.is_last {
            // The server goes on to the next page while the values of this one are taken.
            let [scan] = self.exactly(wire.next_answers(1)?)?;
            let next = self.turn(wire, scan)?;
            let answers = wire.next_answers(page.gets())?;
            self.collect(page.flags, answers, &mut found)?;
            page = next;
        }
        // A scan may miss what was created since it began: what hoist manages is asked for by name.
        let listed: HashSet<&str, RandomState> = found.flags().chain(page.flags()).collect();
        let unlisted = snapshot.specs.keys();
        let unlisted = unlisted.filter(|flag| !listed.contains(flag.as_str()));
        let unlisted: Vec<String> = unlisted.cloned().collect();
        self.get(wire, &unlisted);
        self.ask_generation(wire);
        page.flags.extend(unlisted);
        let mut answers = wire.good_answers()?;
        let mut end = answers.pop();
        self.collect(page.flags, answers, &mut found)?;
        // A scan may list a key twice.
        snapshot.records = found.records.into_iter().collect();
        if !found.valueless.is_empty() {
            end = self.other_types(wire, found.valueless, snapshot)?;
        }
        self.generation(end.unwrap_or(Value::Nil))
    }

    /// Takes what a scan gave, and sends for the next page, unless this one is the last, and for the
    /// values of this one.
    fn turn(&self, wire: &mut Wire, scan: Value) -> Result<Page, Error> {
        let [cursor, keys] = self.exactly(value::list(scan).unwrap_or_default())?;
        let cursor = value::bytes(cursor).ok_or_else(|| self.endpoint.nonsense())?;
        let flags = value::list(keys).unwrap_or_default().into_iter();
        let flags: Vec<String> = flags
            .filter_map(|key| {
                let mut key = String::from_utf8(value::bytes(key)?).ok()?;
                let flag = self.names.flag(&key)?;
                key.drain(..key.len() - flag.len());
                Some(key)
            })
            .collect();
        let is_last = cursor == b"0";
        if !is_last {
            self.scan(wire, &cursor);
        }
        self.get(wire, &flags);
        wire.hand_over();
        Ok(Page { flags, is_last })
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

    fn scan(&self, wire: &mut Wire, cursor: &[u8]) {
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

    pub(super) fn get(&self, wire: &mut Wire, flags: &[String]) {
        for flags in flags.chunks(PAGE) {
            wire.begin(1 + flags.len());
            wire.arg("MGET");
            for flag in flags {
                wire.arg(self.names.record(flag));
            }
        }
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
        let pages = answers.into_iter().filter_map(value::list);
        let values: Vec<Value> = pages.flatten().collect();
        if values.len() != flags.len() {
            return Err(self.endpoint.nonsense());
        }
        for (flag, value) in flags.into_iter().zip(values) {
            match value::bytes(value) {
                Some(bytes) => found.records.push((flag, Stored::Value(bytes))),
                None => found.valueless.push(flag),
            }
        }
        Ok(())
    }

    pub(super) fn ask_generation(&self, wire: &mut Wire) {
        wire.command(&["HMGET", &self.names.meta, "generation", "lineage"]);
    }

    /// The answer to [`Self::ask_generation`].
    pub(super) fn generation(&self, answer: Value) -> Result<End, Error> {
        let [answer] = self.exactly(vec![answer])?;
        let [generation, lineage] = self.exactly(value::list(answer).unwrap_or_default())?;
        let lineage = value::text(lineage);
        let generation = self.parse_generation(value::text(generation), lineage.is_some())?;
        Ok((generation, lineage))
    }

    /// The generation as it stands in the bookkeeping. A store that was ever committed to has one.
    pub(super) fn parse_generation(
        &self,
        text: Option<String>,
        committed: bool,
    ) -> Result<u64, Error> {
        match text {
            None if committed => Err(self
                .endpoint
                .damaged(&self.names.meta, "its generation is missing")),
            None => Ok(0),
            Some(text) => text.parse().map_err(|_| {
                let reason = format!("its generation is {text:?}, which is not a number");
                self.endpoint.damaged(&self.names.meta, reason)
            }),
        }
    }

    /// A snapshot without flags, from the answers to TIME and to HGETALL of the bookkeeping.
    pub(super) fn head(&self, time: Value, meta: Value) -> Result<Snapshot, Error> {
        let now = unix_time(time).ok_or_else(|| self.endpoint.nonsense())?;
        let mut fields = texts(meta);
        self.check_prefix(fields.remove("prefix"))?;
        let lineage = fields.remove("lineage");
        Ok(Snapshot {
            generation: self.parse_generation(fields.remove("generation"), lineage.is_some())?,
            lineage,
            now,
            buckets: fields.remove("buckets"),
            digest: fields.remove("digest"),
            commit: fields.remove("commit"),
            rolled_back: fields
                .remove("rolled_back")
                .and_then(|text| effects::parse_rolled_back(&text)),
            ..Snapshot::default()
        })
    }

    /// Refuses bookkeeping that belongs to another prefix.
    pub(super) fn check_prefix(&self, found: Option<String>) -> Result<(), Error> {
        match found {
            Some(theirs) if theirs != self.names.prefix => Err(Error::PrefixTaken {
                store: self.endpoint.shown.clone(),
                ours: self.names.prefix.clone(),
                theirs,
            }),
            _ => Ok(()),
        }
    }

    /// Refuses an answer that says that one of hoist's own keys is of another type.
    pub(super) fn check_type(&self, key: &str, answer: &Value) -> Result<(), Error> {
        match answer {
            Value::ServerError(error) if error.code() == "WRONGTYPE" => Err(self
                .endpoint
                .damaged(key, "it is not of the type that hoist made it")),
            Value::ServerError(error) => Err(self.endpoint.refused(error)),
            _ => Ok(()),
        }
    }

    /// Answers as an array. A refusal among them is an error, and so is any other number of them.
    pub(super) fn exactly<const N: usize>(&self, answers: Vec<Value>) -> Result<[Value; N], Error> {
        if let Some(error) = first_refusal(&answers) {
            return Err(self.endpoint.refused(error));
        }
        answers.try_into().map_err(|_| self.endpoint.nonsense())
    }
}

fn texts(hash: Value) -> ByFlag<String> {
    value::pairs(hash)
        .map(|(name, bytes)| (name, value::lossy(bytes)))
        .collect()
}

/// The answer to TIME: seconds, and microseconds within the second.
pub(super) fn unix_time(answer: Value) -> Option<f64> {
    let mut parts = value::list(answer)?.into_iter();
    let seconds: f64 = value::text(parts.next()?)?.parse().ok()?;
    let micros: f64 = value::text(parts.next()?)?.parse().ok()?;
    Some(seconds + micros / 1e6)
}
