//! Since when a live flag is on for everyone, by the commits of its store.

use crate::commands::Failure;
use crate::commands::site::Site;
use crate::config::HISTORY_KEEP;
use crate::plan::{Snapshot, Stored};
use crate::record::Record;
use crate::stale::{Known, since_in_history};

/// Fills in what records do not say themselves.
pub fn complete(known: &mut [Known], site: &mut Site, snapshot: &Snapshot) -> Result<(), Failure> {
    let mut lacking = known
        .iter_mut()
        .filter(|known| known.exposure.lacks_time() && is_as_applied(snapshot, &known.flag));
    let Some(first) = lacking.next() else {
        return Ok(());
    };
    let history = site.store.history(HISTORY_KEEP)?;
    for known in [first].into_iter().chain(lacking) {
        let commits = history.iter().map(|entry| {
            let change = entry.records.get(&known.flag);
            let change = change.map(|(before, after)| (before.as_deref(), after.as_deref()));
            (entry.at, entry.generation, change)
        });
        known.exposure.note(since_in_history(commits));
    }
    Ok(())
}

/// Whether the record is what hoist wrote last, so that its history tells all.
fn is_as_applied(snapshot: &Snapshot, flag: &str) -> bool {
    let (Some(Stored::Value(bytes)), Some(applied)) =
        (snapshot.records.get(flag), snapshot.specs.get(flag))
    else {
        return false;
    };
    Record::parse(bytes).is_ok_and(|record| record.has_spec(applied))
}
