//! Reading a whole environment.

use std::time::Duration;

use ::redis::Value;

use crate::plan::{ByFlag, Removed, Snapshot};
use crate::store::{Error, effects};

use super::pages::{Ask, Found};
use super::wire::{Wire, first_refusal};
use super::{Redis, value};

/// How often a read is tried before it is given up because somebody commits all the time.
const ATTEMPTS: usize = 12;

/// The pause after the first attempt; it doubles with each, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Generation and lineage once a read was complete.
pub(super) type End = (u64, Option<String>);

impl Redis {
    /// Everything below the prefix and all bookkeeping, as of one generation.
    /// It takes less where most of the flags `expected` are there.
    pub(super) fn snapshot(&self, wire: &mut Wire, expected: &[&str]) -> Result<Snapshot, Error> {
        self.steadily(|| self.read_once(wire, expected))
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
    fn read_once(&self, wire: &mut Wire, expected: &[&str]) -> Result<(Snapshot, End), Error> {
        let [meta, specs, removed, stops] = self.names.hashes();
        wire.command(&["TIME"]);
        wire.command(&["HGETALL", meta]);
        self.scan(wire, b"0");
        for hash in [removed, stops] {
            wire.command(&["HGETALL", hash]);
        }
        let mut asked = None;
        if expected.is_empty() {
            wire.command(&["HGETALL", specs]);
        } else {
            asked = Some(self.ask(wire, expected, Ask::WithDigests));
        }
        let answers = wire.next_answers(3)?;
        if let Some(answer) = answers.get(1) {
            self.check_type(meta, answer)?;
        }
        let [time, head, listed] = self.exactly(answers)?;
        let mut snapshot = self.head(time, head)?;
        let listed = self.listed(listed)?;
        snapshot.removed = value::pairs(self.hash(wire, removed)?)
            .filter_map(|(flag, json)| Some((flag, serde_json::from_slice::<Removed>(&json).ok()?)))
            .collect();
        snapshot.stops = value::pairs(self.hash(wire, stops)?)
            .map(|(flag, json)| (flag, effects::stop(&json)))
            .collect();
        let end = match asked {
            Some(asked) => self.expected_records(wire, asked, listed, &mut snapshot)?,
            None => {
                snapshot.specs = texts(self.hash(wire, specs)?);
                self.all_records(wire, listed, Found::default(), &mut snapshot)?
            }
        };
        Ok((snapshot, end))
    }

    /// The answer to an HGETALL of `key`, which is one of hoist's own.
    fn hash(&self, wire: &mut Wire, key: &str) -> Result<Value, Error> {
        let answers = wire.next_answers(1)?;
        answers
            .iter()
            .try_for_each(|answer| self.check_type(key, answer))?;
        let [hash] = self.exactly(answers)?;
        Ok(hash)
    }

    /// Managed flags, and the digest of each.
    pub(super) fn specs(&self, wire: &mut Wire) -> Result<ByFlag<String>, Error> {
        wire.command(&["HGETALL", &self.names.specs]);
        Ok(texts(self.hash(wire, &self.names.specs)?))
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
