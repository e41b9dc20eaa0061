//! Reading a few flags of many.

use ::redis::Value;

use crate::plan::Snapshot;
use crate::store::{Error, effects};

use super::pages::Found;
use super::read::End;
use super::wire::Wire;
use super::{Redis, value};

/// Fields of one HMGET.
const PAGE: usize = 1000;

/// What was read of a few flags.
pub(super) struct Named {
    pub snapshot: Snapshot,
    /// Flags whose keys have no value that MGET could give.
    pub valueless: Vec<String>,
    /// The answer to [`Redis::ask_generation`] behind all this.
    pub end: Option<Value>,
}

impl Redis {
    /// The bookkeeping of `flags` and their records, as of one generation: one round trip, and a
    /// second one where a key holds no value.
    pub(super) fn named(&self, wire: &mut Wire, flags: &[&str]) -> Result<Snapshot, Error> {
        self.steadily(|| self.named_once(wire, flags))
    }

    fn named_once(&self, wire: &mut Wire, flags: &[&str]) -> Result<(Snapshot, End), Error> {
        self.ask_named(wire, flags);
        let answers = wire.answers()?;
        let Named {
            mut snapshot,
            valueless,
            mut end,
        } = self.take_named(flags, answers)?;
        if !valueless.is_empty() {
            end = self.other_types(wire, valueless, &mut snapshot)?;
        }
        Ok((snapshot, self.generation(end.unwrap_or(Value::Nil))?))
    }

    /// Asks for the bookkeeping of `flags` and their records.
    pub(super) fn ask_named(&self, wire: &mut Wire, flags: &[&str]) {
        let [meta, specs, removed, stops] = self.names.hashes();
        wire.command(&["TIME"]);
        wire.command(&["HGETALL", meta]);
        for hash in [specs, removed, stops] {
            self.ask_fields(wire, hash, flags);
        }
        self.get(wire, flags);
        self.ask_generation(wire);
    }

    /// Takes the answers to [`Self::ask_named`].
    pub(super) fn take_named(&self, flags: &[&str], answers: Vec<Value>) -> Result<Named, Error> {
        let [meta, specs, removed, stops] = self.names.hashes();
        let mut answers = answers.into_iter();
        let mut next = |count| answers.by_ref().take(count).collect::<Vec<Value>>();
        let head = next(2);
        head.iter()
            .try_for_each(|answer| self.check_type(meta, answer))?;
        let [time, head] = self.exactly(head)?;
        let pages = flags.len().div_ceil(PAGE);
        let specs = self.fields(specs, next(pages), flags.len())?;
        let removed = self.fields(removed, next(pages), flags.len())?;
        let stops = self.fields(stops, next(pages), flags.len())?;
        let mut records = answers.collect::<Vec<Value>>();
        let end = records.pop();
        let mut snapshot = self.head(time, head)?;
        snapshot.specs = named(flags, specs, |digest| Some(value::lossy(digest)));
        snapshot.removed = named(flags, removed, |json| serde_json::from_slice(&json).ok());
        snapshot.stops = named(flags, stops, |json| Some(effects::stop(&json)));
        let mut found = Found::default();
        self.collect(flags, records, &mut found)?;
        snapshot.records = found.records;
        Ok(Named {
            snapshot,
            valueless: found.valueless,
            end,
        })
    }

    pub(super) fn ask_fields(&self, wire: &mut Wire, hash: &str, flags: &[impl AsRef<[u8]>]) {
        for page in flags.chunks(PAGE) {
            wire.begin(2 + page.len());
            wire.arg("HMGET");
            wire.arg(hash);
            page.iter().for_each(|flag| wire.arg(flag));
        }
    }

    /// The answers to [`Self::ask_fields`], one for each flag.
    pub(super) fn fields(
        &self,
        hash: &str,
        answers: Vec<Value>,
        flags: usize,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        answers
            .iter()
            .try_for_each(|answer| self.check_type(hash, answer))?;
        let fields: Vec<_> = answers
            .into_iter()
            .filter_map(value::list)
            .flatten()
            .map(value::bytes)
            .collect();
        if fields.len() == flags {
            Ok(fields)
        } else {
            Err(self.endpoint.nonsense())
        }
    }
}

/// Flags to what `read` makes of their fields, where they have one.
fn named<T, C: FromIterator<(String, T)>>(
    flags: &[&str],
    fields: Vec<Option<Vec<u8>>>,
    read: impl Fn(Vec<u8>) -> Option<T>,
) -> C {
    let pairs = flags.iter().zip(fields);
    pairs
        .filter_map(|(flag, field)| Some(((*flag).to_owned(), read(field?)?)))
        .collect()
}
