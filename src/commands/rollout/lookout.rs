//! Looking for what is due, again and again.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::lost;
use crate::operate::{Rollout, reminded};
use crate::plan::{Snapshot, Stored};
use crate::record::Record;
use crate::report::rollouts::Lost;
use crate::store::{Error, Store};

/// Looks at the known rollouts between two at the whole store.
const LOOKS: usize = 30;

/// Reads what may be due. A flag of hoist's becomes a rollout with a commit only, so while the
/// generation stays the same the rollouts that are known are read, and not the whole store.
#[derive(Default)]
pub(super) struct Lookout {
    known: Option<Known>,
}

struct Known {
    lineage: Option<String>,
    generation: u64,
    /// Those among them that are lost, too.
    rollouts: Vec<String>,
    looks: usize,
}

impl Lookout {
    /// The store, or of its flags the rollouts that hoist manages; and those that are lost.
    pub(super) fn read(
        &mut self,
        store: &mut dyn Store,
    ) -> Result<(Snapshot, BTreeMap<String, Lost>), Error> {
        if let Some(known) = self.known.as_mut().filter(|known| known.looks < LOOKS) {
            known.looks += 1;
            let names: Vec<&str> = known.rollouts.iter().map(String::as_str).collect();
            let snapshot = store.read_flags(&names)?;
            if (known.generation, &known.lineage) == (snapshot.generation, &snapshot.lineage) {
                let lost = lost::find(&snapshot, store);
                return Ok((snapshot, lost));
            }
        }
        let snapshot = store.read()?;
        let lost = lost::find(&snapshot, store);
        let running = rollouts(&snapshot).map(|(flag, _)| flag);
        self.known = Some(Known {
            lineage: snapshot.lineage.clone(),
            generation: snapshot.generation,
            rollouts: running
                .chain(lost.par_iter().map(|(flag, _)| flag))
                .cloned()
                .collect(),
            looks: 0,
        });
        Ok((snapshot, lost))
    }
}

/// A rollout whose stage's time is up.
#[derive(Clone)]
pub(super) struct Due {
    pub flag: String,
    /// As it was looked at: one that has moved since is left alone.
    pub rollout: Rollout,
}

/// The rollouts that hoist manages; another client's are that client's to move.
fn rollouts(snapshot: &Snapshot) -> impl ParallelIterator<Item = (&String, Rollout)> {
    snapshot.records.par_iter().filter_map(|(flag, stored)| {
        snapshot.specs.get(flag)?;
        let Stored::Value(bytes) = stored else {
            return None;
        };
        let record = Record::parse(bytes).ok()?;
        let record = reminded(record, snapshot.stops.get(flag), snapshot.now);
        Some((flag, Rollout::of(&record)?))
    })
}

/// The rollouts that are due, by flag; and in how many seconds the others are.
pub(super) fn look(snapshot: &Snapshot) -> (Vec<Due>, Vec<(String, f64)>) {
    let (mut due, waiting): (Vec<_>, Vec<_>) = rollouts(snapshot)
        .filter_map(|(flag, rollout)| {
            let left = rollout.left(snapshot.now)?;
            Some((flag.clone(), rollout, left))
        })
        .partition(|(_, rollout, _)| rollout.is_due(snapshot.now));
    due.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
    let due = due.into_iter();
    let waiting = waiting.into_iter();
    (
        due.map(|(flag, rollout, _)| Due { flag, rollout })
            .collect(),
        waiting.map(|(flag, _, left)| (flag, left)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{About, Commit, Expect, RecordWrite, SpecWrite, StopWrite, Write};
    use crate::store::memory::Memory;
    use crate::store::{Options, Outcome};

    const ROLLOUT: &[u8] = br#"{"enabled":true,"rollout_stages":[{"percentage":1,"duration_hours":0},{"percentage":100}],"stage_started":1}"#;

    fn create(store: &mut Memory, flag: &str) {
        let on = store.read_flags(&[flag]).unwrap();
        let commit = Commit {
            id: flag.to_owned(),
            lineage: on.lineage,
            new_lineage: "l".to_owned(),
            generation: on.generation,
            writes: vec![Write {
                flag: flag.to_owned(),
                expect: Expect::Absent,
                record: RecordWrite::Set(ROLLOUT.to_vec().into()),
                spec: SpecWrite::Set("digest".to_owned()),
                stop: StopWrite::Keep,
            }],
            about: About::default(),
        };
        let outcome = store.commit(&commit).unwrap();
        assert!(matches!(outcome, Outcome::Committed { .. }));
    }

    #[test]
    fn what_a_commit_adds_is_seen_at_once() {
        let mut store = Memory::new("ff", &Options::default()).unwrap();
        let mut lookout = Lookout::default();
        let due = |lookout: &mut Lookout, store: &mut Memory| -> Vec<String> {
            let (snapshot, _) = lookout.read(store).unwrap();
            let (due, _) = look(&snapshot);
            due.into_iter().map(|due| due.flag).collect()
        };
        assert_eq!(due(&mut lookout, &mut store), Vec::<String>::new());
        create(&mut store, "a");
        assert_eq!(due(&mut lookout, &mut store), ["a"]);
        // Only the rollouts are read while nothing is committed, and another client's are not hoist's.
        store.put("theirs", Stored::Value(ROLLOUT.to_vec().into()));
        assert_eq!(lookout.read(&mut store).unwrap().0.records.len(), 1);
        create(&mut store, "b");
        assert_eq!(due(&mut lookout, &mut store), ["a", "b"]);
        // After a while it looks at everything again.
        for _ in 0..LOOKS {
            assert_eq!(lookout.read(&mut store).unwrap().0.records.len(), 2);
        }
        assert_eq!(lookout.read(&mut store).unwrap().0.records.len(), 3);
    }
}
