//! Rollouts of hoist's whose record is one no longer.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::config::HISTORY_KEEP;
use crate::operate::Rollout;
use crate::plan::{Snapshot, Stored};
use crate::record::Record;
use crate::report::rollouts::Lost;
use crate::store::{HistoryEntry, Store};

/// Those of `snapshot`, by flag. A value that nobody can read counts whatever the flag was; what was
/// deleted or replaced counts where the history says that it was a rollout, and nobody has stopped it.
pub(super) fn find(snapshot: &Snapshot, store: &mut dyn Store) -> BTreeMap<String, Lost> {
    let mut lost: BTreeMap<String, Lost> = snapshot
        .specs
        .par_iter()
        .filter_map(|(flag, applied)| Some((flag.clone(), look(snapshot, flag, applied)?)))
        .collect();
    if lost.values().any(|lost| !is_certain(lost)) {
        // Without a history there is nothing to go by, and what can be said is said.
        let history = store.history(HISTORY_KEEP).unwrap_or_default();
        lost.retain(|flag, lost| is_certain(lost) || was_rollout(&history, flag));
    }
    lost
}

fn is_certain(lost: &Lost) -> bool {
    matches!(lost, Lost::Unreadable(_))
}

/// What there is instead of a rollout; none where it may never have been one.
fn look(snapshot: &Snapshot, flag: &str, applied: &str) -> Option<Lost> {
    let is_stopped = snapshot.stops.contains_key(flag);
    let bytes = match snapshot.records.get(flag) {
        Some(Stored::Value(bytes)) => bytes,
        Some(Stored::OtherType(kind)) => return Some(Lost::Unreadable(format!("a {kind}"))),
        None => return (!is_stopped).then_some(Lost::Missing),
    };
    match Record::parse(bytes) {
        Err(error) => Some(Lost::Unreadable(format!("no record ({error})"))),
        Ok(record) => {
            let is_as_applied = Rollout::of(&record).is_some() || record.has_spec(applied);
            (!is_as_applied && !is_stopped).then_some(Lost::Replaced)
        }
    }
}

/// Whether the last commit that wrote `flag` made it a rollout.
fn was_rollout(newest_first: &[HistoryEntry], flag: &str) -> bool {
    let last = newest_first
        .iter()
        .find_map(|entry| entry.records.get(flag));
    let after = last.and_then(|(_, after)| after.as_deref());
    after
        .and_then(|text| Record::parse(text.as_bytes()).ok())
        .is_some_and(|record| Rollout::of(&record).is_some())
}
