//! Emergency stops.

use serde_json::{Map, Value};

use crate::record::{Record, Status, Stop};

/// `record` as hoist takes it: one that is off while the bookkeeping has a stop is stopped, even
/// where another client has dropped what says so. One that is on is not: somebody restored it.
#[must_use]
pub fn reminded(mut record: Record, noted: Option<&Stop>, now: f64) -> Record {
    if let Some(stop) = noted
        && !record.spec.enabled()
        && !record.is_rolled_back()
    {
        mark(&mut record.status, stop, now);
    }
    record
}

/// Writes a stop into the status of a flag. One of which nobody knows when it began begins now.
pub fn mark(status: &mut Status, stop: &Stop, now: f64) {
    status.set("rolled_back_at", stop.since.unwrap_or(now));
    match note(stop.reason.as_deref(), stop.actor.as_deref()) {
        Some(note) => status.set("note", note),
        None => status.clear("note"),
    }
}

/// The note of a stop or a pause; none where there is nothing to say.
pub(super) fn note(reason: Option<&str>, actor: Option<&str>) -> Option<Value> {
    let parts = [("reason", reason), ("actor", actor)];
    let note: Map<String, Value> = parts
        .into_iter()
        .filter_map(|(part, text)| Some((part.to_owned(), text?.into())))
        .collect();
    (!note.is_empty()).then(|| note.into())
}
