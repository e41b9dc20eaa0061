//! What the flag set wants, what was applied, what is live: one flag at a time.

use rayon::prelude::*;

use super::carry::{self, stopped};
use super::{
    Action, Change, Expect, Plan, RecordWrite, Snapshot, SpecWrite, Stopped, StoreRef, Stored,
    Target, Wanted, Write,
};
use crate::record::{Kind, Record};

/// What a store holds of one flag, and when that was read.
pub(super) struct Live {
    /// Digest of the spec that hoist last applied.
    pub applied: Option<String>,
    pub stored: Option<Stored>,
    /// Generation at which hoist deleted a flag of this key.
    pub removed: Option<u64>,
    /// The store's clock, in seconds since the epoch.
    pub now: f64,
}

impl Live {
    pub(super) fn take(snapshot: &mut Snapshot, flag: &str) -> Self {
        Self {
            applied: snapshot.specs.remove(flag),
            stored: snapshot.records.remove(flag),
            removed: snapshot.removed.get(flag).map(|removed| removed.generation),
            now: snapshot.now,
        }
    }
}

pub(super) fn plan(target: &Target, kind: &str, prefix: &str, mut snapshot: Snapshot) -> Plan {
    let mut plan = Plan {
        environment: target.environment.clone(),
        store: StoreRef {
            kind: kind.to_owned(),
            lineage: snapshot.lineage.clone(),
            prefix: prefix.to_owned(),
            generation: snapshot.generation,
        },
        digest: target.digest(),
        changes: Vec::new(),
        unchanged: 0,
        unmanaged: 0,
        managed: snapshot.specs.len(),
        kept: Vec::new(),
        stopped: Vec::new(),
        wanted: target.flags.len(),
    };
    let flags: Vec<_> = target
        .flags
        .iter()
        .map(|wanted| (wanted, Live::take(&mut snapshot, &wanted.flag)))
        .collect();
    let compared: Vec<_> = flags
        .into_par_iter()
        .map(|(wanted, live)| compare_wanted(wanted, live))
        .collect();
    for (change, stopped) in compared {
        match change {
            Some(change) => plan.changes.push(change),
            None => plan.unchanged += 1,
        }
        plan.stopped.extend(stopped);
    }
    let mut gone: Vec<_> = snapshot.specs.keys().cloned().collect();
    gone.sort_unstable();
    for flag in gone {
        let live = Live::take(&mut snapshot, &flag);
        if target.prune || live.stored.is_none() {
            plan.changes.push(change_gone(flag, live));
        } else {
            plan.kept.push(flag);
        }
    }
    plan.unmanaged = snapshot.records.len();
    plan.changes.sort_by(|a, b| a.flag().cmp(b.flag()));
    plan.stopped.sort_by(|a, b| a.flag.cmp(&b.flag));
    plan
}

/// The change of a flag that the flag set has, if there is one.
pub(super) fn change_wanted(wanted: &Wanted, live: Live) -> Option<Change> {
    compare_wanted(wanted, live).0
}

/// The same, and the emergency stop that is in force.
fn compare_wanted(wanted: &Wanted, live: Live) -> (Option<Change>, Option<Stopped>) {
    let mut change = Change {
        action: Action::Create,
        notes: Vec::new(),
        source: wanted.source.clone(),
        blocked: None,
        write: Write {
            flag: wanted.flag.clone(),
            expect: Expect::Absent,
            record: RecordWrite::Keep,
            spec: SpecWrite::Set(wanted.digest().to_owned()),
        },
    };
    match live.stored {
        None => {
            create(&mut change, wanted, &live);
            (Some(change), None)
        }
        Some(Stored::OtherType(kind)) => {
            // Never written: a commit would find that the key is not absent.
            change.action = Action::Conflict;
            change.write.record =
                RecordWrite::Set(carry::fresh(wanted.spec(), live.now).to_bytes());
            change.blocked = Some(format!(
                "its key holds a {kind}, which no flag client can read"
            ));
            (Some(change), None)
        }
        Some(Stored::Value(bytes)) => {
            let applied = live.applied.as_deref();
            compare_value(change, wanted, applied, bytes, live.now)
        }
    }
}

fn compare_value(
    mut change: Change,
    wanted: &Wanted,
    applied: Option<&str>,
    bytes: Vec<u8>,
    now: f64,
) -> (Option<Change>, Option<Stopped>) {
    let mut stop = None;
    match Record::parse(&bytes) {
        Ok(record) => {
            stop = record
                .is_rolled_back()
                .then(|| stopped(&wanted.flag, &record));
            if !compare_record(&mut change, wanted, applied, &record, now) {
                return (None, stop);
            }
            // Only the bookkeeping moves where the record already says what it should.
            if matches!(&change.write.record, RecordWrite::Set(after) if *after == bytes) {
                change.write.record = RecordWrite::Keep;
            }
            // Git may be ending the stop with this change.
            if let RecordWrite::Set(after) = &change.write.record {
                stop = stop
                    .filter(|_| Record::parse(after).is_ok_and(|record| record.is_rolled_back()));
            }
        }
        Err(error) => {
            // Whether an emergency stop stood in it can't be known: a person has to look.
            change.action = Action::Conflict;
            change.write.record = RecordWrite::Set(carry::fresh(wanted.spec(), now).to_bytes());
            change
                .notes
                .push(format!("the live value is not a record: {error}"));
        }
    }
    change.write.expect = Expect::Value(bytes);
    (Some(change), stop)
}

fn create(change: &mut Change, wanted: &Wanted, live: &Live) {
    let fresh = carry::fresh(wanted.spec(), live.now);
    change.write.record = RecordWrite::Set(fresh.to_bytes());
    if live.applied.is_some() {
        change.action = Action::Drift;
        change
            .notes
            .push("the record is gone from the store without hoist; it is put back".into());
        if wanted.spec().kind() == Kind::Rollout {
            change
                .notes
                .push("its stage went with it: the rollout begins again at the first".into());
        }
    } else if let Some(generation) = live.removed {
        change.notes.push(format!(
            "a flag of this key was deleted at generation {generation}: code that still asks for the old one sees the new one"
        ));
    }
}

/// Fills in what becomes of a flag whose record can be read; false where nothing does.
fn compare_record(
    change: &mut Change,
    wanted: &Wanted,
    applied: Option<&str>,
    record: &Record,
    now: f64,
) -> bool {
    let digest = wanted.digest();
    change.action = match applied {
        None if record.has_spec(digest) => {
            change.action = Action::Adopt;
            return true;
        }
        None => Action::Conflict,
        Some(applied) if record.has_spec(applied) => {
            if applied == digest {
                return false;
            }
            Action::Update
        }
        Some(applied) => {
            if record.has_spec(digest) {
                change.notes.push(
                    "the live record already says what git says; only the bookkeeping moves".into(),
                );
            } else if applied != digest {
                change
                    .notes
                    .push("git has changed this flag too since the last apply".into());
            }
            Action::Drift
        }
    };
    let (after, notes) = carry::carry(&wanted.flag, wanted.spec(), record, applied, now);
    change.notes.extend(notes);
    change.write.record = RecordWrite::Set(after.to_bytes());
    true
}

/// The change of a managed flag that the flag set no longer has.
pub(super) fn change_gone(flag: String, live: Live) -> Change {
    let mut notes = Vec::new();
    let (action, expect, record) = match live.stored {
        None => (Action::Forget, Expect::Absent, RecordWrite::Keep),
        Some(Stored::OtherType(kind)) => {
            notes.push(format!(
                "its key holds a {kind} now, which is not hoist's: it stays as it is"
            ));
            (Action::Forget, Expect::Any, RecordWrite::Keep)
        }
        Some(Stored::Value(bytes)) => {
            if let Ok(record) = Record::parse(&bytes) {
                if live
                    .applied
                    .is_some_and(|applied| !record.has_spec(&applied))
                {
                    notes.push("it was changed in the store since the last apply".into());
                }
                if record.is_rolled_back() {
                    notes.push(carry::stop_note(&stopped(&flag, &record)));
                }
            }
            (Action::Delete, Expect::Value(bytes), RecordWrite::Delete)
        }
    };
    Change {
        action,
        notes,
        source: None,
        blocked: None,
        write: Write {
            flag,
            expect,
            record,
            spec: SpecWrite::Remove,
        },
    }
}
