//! Emergency stops, and their end.

use serde_json::{Map, Value};

use super::rollout::{Rollout, Unfit, at_stage};
use super::{Draft, StageName};
use crate::record::{Record, Status, Stop};

/// `record` as hoist takes it: one that is off while the bookkeeping has a stop is stopped, even
/// where another client has dropped what says so. One that is on is not: somebody restored it.
#[must_use]
pub fn reminded(mut record: Record, noted: Option<&Stop>, now: f64) -> Record {
    if let Some(stop) = forgotten(&record, noted) {
        mark(&mut record.status, stop, now);
    }
    record
}

/// A stop in the bookkeeping that holds and does not stand in the record.
fn forgotten<'s>(record: &Record, noted: Option<&'s Stop>) -> Option<&'s Stop> {
    noted.filter(|_| !record.spec.enabled() && !record.is_rolled_back())
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

impl Draft {
    /// The stop in force: in the record, or else in the bookkeeping, `noted`.
    #[must_use]
    pub fn stop(&self, noted: Option<&Stop>) -> Option<Stop> {
        let record = self.record();
        record.stop().or_else(|| forgotten(record, noted).cloned())
    }
}

/// Stops a flag: off for everyone, whatever is applied, until it is restored.
#[must_use]
pub fn kill(draft: &Draft, stop: &Stop, now: f64) -> Draft {
    draft.with([
        ("enabled", Some(false.into())),
        ("rolled_back_at", Some(stop.since.unwrap_or(now).into())),
        ("note", note(stop.reason.as_deref(), stop.actor.as_deref())),
    ])
}

/// Whether git wants a stopped flag on, as far as that can be known from the digest of the spec that
/// was `applied`: not for a flag that hoist does not manage, or that was changed in the store too.
#[must_use]
pub fn says(record: &Record, applied: Option<&str>) -> Option<bool> {
    let applied = applied?;
    if record.was_enabled(applied) {
        Some(true)
    } else {
        (record.spec.with_enabled(false).digest() == applied).then_some(false)
    }
}

/// Ends a stop: the flag is what git has it be, or else what it was before. A rollout goes on at
/// `stage`, else at its first, from now on; a pause ends too.
pub fn restore(
    draft: &Draft,
    applied: Option<&str>,
    noted: Option<&Stop>,
    stage: Option<StageName>,
    now: f64,
) -> Result<Draft, Unfit> {
    let record = draft.record();
    if draft.stop(noted).is_none() {
        return Err(Unfit::NotStopped);
    }
    let before = noted.and_then(|stop| stop.was_on);
    let on = says(record, applied).or(before).unwrap_or(true);
    let restored = draft.with([
        ("enabled", Some(on.into())),
        ("rolled_back_at", None),
        ("paused_at", None),
        ("note", None),
    ]);
    match (Rollout::of(record), stage) {
        (Some(rollout), stage) => {
            let stage = stage.map_or(Ok(0), |stage| rollout.find(stage))?;
            let begun = at_stage(&restored, &rollout, stage, now)?;
            // One that is at its first stage has just begun.
            Ok(match stage {
                0 => begun.with([("rollout_started", Some(now.into()))]),
                _ => begun,
            })
        }
        (None, Some(_)) => Err(Unfit::NoRollout),
        (None, None) => Ok(restored),
    }
}
