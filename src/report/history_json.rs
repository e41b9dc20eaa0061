//! The history for machines. The shape is a public contract; fields may be added.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::History;
use crate::plan::FieldChange;
use crate::record::Record;
use crate::secret;
use crate::store::HistoryEntry;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    environment: &'a str,
    store: StoreDocument<'a>,
    commits: Vec<CommitDocument<'a>>,
}

#[derive(Serialize)]
struct StoreDocument<'a> {
    kind: &'a str,
    prefix: &'a str,
}

#[derive(Serialize)]
struct CommitDocument<'a> {
    id: &'a str,
    generation: u64,
    /// Seconds since the epoch, by the store's clock.
    at: f64,
    source: &'a str,
    actor: Option<&'a str>,
    commit: Option<&'a str>,
    reason: Option<Cow<'a, str>>,
    hoist: &'a str,
    flags: Vec<FlagDocument<'a>>,
}

#[derive(Serialize)]
struct FlagDocument<'a> {
    flag: &'a str,
    fields: Vec<FieldChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

/// The history as a JSON value.
#[must_use]
pub fn value(history: &History<'_>) -> Value {
    let document = Document {
        version: 1,
        environment: history.environment,
        store: StoreDocument {
            kind: history.store.kind,
            prefix: &history.store.prefix,
        },
        commits: history
            .entries
            .iter()
            .map(|entry| commit(history, entry))
            .collect(),
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn commit<'a>(history: &History<'_>, entry: &'a HistoryEntry) -> CommitDocument<'a> {
    let record = |text: Option<&str>| Some(Record::parse(text?.as_bytes()).ok()?.to_json());
    let flags = history
        .records(entry)
        .map(|(flag, before, after)| FlagDocument {
            flag,
            fields: FieldChange::between(before.map(str::as_bytes), after.map(str::as_bytes)),
            note: entry.notes.get(flag).map(|note| secret::mask(note)),
            before: record(before),
            after: record(after),
        });
    CommitDocument {
        id: &entry.id,
        generation: entry.generation,
        at: entry.at,
        source: &entry.source,
        actor: entry.actor.as_deref(),
        commit: entry.commit.as_deref(),
        reason: entry.reason.as_deref().map(secret::mask),
        hoist: &entry.version,
        flags: flags.collect(),
    }
}
