//! What the flag set wants, what was applied, what is live: one flag at a time.

use super::carry::{self, stopped};
use super::{
    Action, Change, Expect, Plan, RecordWrite, Snapshot, SpecWrite, StoreRef, Stored, Target,
    Wanted, Write,
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
    for wanted in &target.flags {
        let live = Live::take(&mut snapshot, &wanted.flag);
        if let Some(Stored::Value(bytes)) = &live.stored
            && let Ok(record) = Record::parse(bytes)
            && record.is_rolled_back()
        {
            plan.stopped.push(stopped(&wanted.flag, &record));
        }
        match change_wanted(wanted, live) {
            Some(change) => plan.changes.push(change),
            None => plan.unchanged += 1,
        }
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
    let digest = wanted.digest().to_owned();
    let mut change = Change {
        action: Action::Create,
        notes: Vec::new(),
        source: wanted.source.clone(),
        digest: Some(digest.clone()),
        blocked: None,
        write: Write {
            flag: wanted.flag.clone(),
            expect: Expect::Absent,
            record: RecordWrite::Keep,
            spec: SpecWrite::Set(digest.clone()),
        },
    };
    let bytes = match live.stored {
        None => {
            create(
                &mut change,
                wanted,
                live.applied.is_some(),
                live.removed,
                live.now,
            );
            return Some(change);
        }
        Some(Stored::OtherType(kind)) => {
            // Never written: a commit would find that the key is not absent.
            change.action = Action::Conflict;
            change.write.record =
                RecordWrite::Set(carry::fresh(wanted.spec(), live.now).to_bytes());
            change.blocked = Some(format!(
                "its key holds a {kind}, which no flag client can read"
            ));
            return Some(change);
        }
        Some(Stored::Value(bytes)) => bytes,
    };
    match Record::parse(&bytes) {
        Ok(record) => {
            let changed = compare(
                &mut change,
                wanted,
                &digest,
                live.applied.as_deref(),
                &record,
                live.now,
            );
            if !changed {
                return None;
            }
            // Only the bookkeeping moves where the record already says what it should.
            if matches!(&change.write.record, RecordWrite::Set(after) if *after == bytes) {
                change.write.record = RecordWrite::Keep;
            }
        }
        Err(error) => {
            // Whether an emergency stop stood in it can't be known: a person has to look.
            let fresh = carry::fresh(wanted.spec(), live.now);
            change.action = Action::Conflict;
            change.write.record = RecordWrite::Set(fresh.to_bytes());
            change
                .notes
                .push(format!("the live value is not a record: {error}"));
        }
    }
    change.write.expect = Expect::Value(bytes);
    Some(change)
}

fn create(change: &mut Change, wanted: &Wanted, managed: bool, removed: Option<u64>, now: f64) {
    let fresh = carry::fresh(wanted.spec(), now);
    change.write.record = RecordWrite::Set(fresh.to_bytes());
    if managed {
        change.action = Action::Drift;
        change
            .notes
            .push("the record is gone from the store without hoist; it is put back".into());
        if wanted.spec().kind() == Kind::Rollout {
            change
                .notes
                .push("its stage went with it: the rollout begins again at the first".into());
        }
    } else if let Some(generation) = removed {
        change.notes.push(format!(
            "a flag of this key was deleted at generation {generation}: code that still asks for the old one sees the new one"
        ));
    }
}

/// Fills in what becomes of a flag whose record can be read; false where nothing does.
fn compare(
    change: &mut Change,
    wanted: &Wanted,
    digest: &str,
    applied: Option<&str>,
    record: &Record,
    now: f64,
) -> bool {
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
        digest: None,
        blocked: None,
        write: Write {
            flag,
            expect,
            record,
            spec: SpecWrite::Remove,
        },
    }
}
