//! Rollouts that a gate holds. Nothing of a record changes by that, so that only the history tells since
//! when, and what the gate printed: one entry for each stage that is held, however often a gate is asked.

use std::collections::BTreeMap;

use crate::operate::{Hold, Rollout};
use crate::record::Record;
use crate::store::{Error, HistoryEntry, Store};

/// What made an entry of the history that notes a hold.
pub(super) const SOURCE: &str = "hold";

/// Commits that are looked through. A hold that more have followed is noted again.
const AMONG: usize = 100;

/// Those of `rollouts` that a gate holds at their present stage.
pub(super) fn find<'r>(
    store: &mut dyn Store,
    rollouts: impl Iterator<Item = (&'r str, &'r Rollout)>,
) -> Result<BTreeMap<String, Hold>, Error> {
    let mut rollouts = rollouts.peekable();
    if rollouts.peek().is_none() {
        return Ok(BTreeMap::new());
    }
    let entries = store.history(AMONG)?;
    let held = rollouts.filter_map(|(flag, rollout)| {
        let hold = of(&entries, flag, rollout)?;
        Some((flag.to_owned(), hold))
    });
    Ok(held.collect())
}

/// The newest hold of a flag, if it was at this stage of these, and the stage has not begun since.
fn of(entries: &[HistoryEntry], flag: &str, rollout: &Rollout) -> Option<Hold> {
    let began = rollout.since?;
    let mut entries = entries.iter().take_while(|entry| entry.at >= began);
    let entry = entries.find(|entry| entry.source == SOURCE && entry.records.contains_key(flag))?;
    let (_, record) = entry.records.get(flag)?;
    let held = Rollout::of(&Record::parse(record.as_ref()?.as_bytes()).ok()?)?;
    let is_same = (held.stage, &held.stages) == (rollout.stage, &rollout.stages);
    is_same.then(|| Hold {
        since: entry.at,
        said: entry.notes.get(flag).cloned().unwrap_or_default(),
    })
}
