//! What the flag set wants, what was applied, what is live: one flag at a time.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use rayon::prelude::*;

use super::carry;
use super::{
    Action, Change, Expect, Plan, RecordWrite, Removed, Snapshot, SpecWrite, StopWrite, Stopped,
    StoreRef, Stored, Target, Wanted, Write,
};
use crate::operate;
use crate::record::{Kind, Record, Stop};

/// What a store holds of one flag, and when that was read.
pub(super) struct Live {
    /// Digest of the spec that hoist last applied.
    pub applied: Option<String>,
    pub stored: Option<Stored>,
    /// How hoist deleted a flag of this key.
    pub removed: Option<Removed>,
    /// The emergency stop in the bookkeeping.
    pub stop: Option<Stop>,
    /// The store's clock, in seconds since the epoch.
    pub now: f64,
}

impl Live {
    pub(super) fn take(snapshot: &mut Snapshot, flag: &str) -> Self {
        Self {
            applied: snapshot.specs.remove(flag),
            stored: snapshot.records.remove(flag),
            // What a rollback took away has not been removed on purpose.
            removed: snapshot.removed.remove(flag).filter(|removed| {
                let back = snapshot.rolled_back.as_ref();
                back.is_none_or(|back| removed.generation <= back.to)
            }),
            stop: snapshot.stops.remove(flag),
            now: snapshot.now,
        }
    }
}

/// What a look at some of the wanted flags has shown.
#[derive(Default)]
struct Looked<'a> {
    /// Those to which something may have happened, in their order.
    touched: Vec<&'a Wanted>,
    /// How many of all are managed.
    managed: usize,
    /// How many of all have something at their key.
    live: usize,
}

impl<'a> Looked<'a> {
    fn at(&mut self, wanted: &'a Wanted, snapshot: &Snapshot) {
        let flag = &wanted.flag;
        let (applied, stored) = (snapshot.specs.get(flag), snapshot.records.get(flag));
        self.managed += usize::from(applied.is_some());
        self.live += usize::from(stored.is_some());
        if !is_untouched(wanted, applied, stored) || snapshot.stops.contains_key(flag) {
            self.touched.push(wanted);
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.touched.extend(other.touched);
        self.managed += other.managed;
        self.live += other.live;
        self
    }
}

/// What came of some flags, in their order.
#[derive(Default)]
struct Part {
    changes: Vec<Change>,
    stopped: Vec<Stopped>,
    unchanged: usize,
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
        rolled_back: snapshot.rolled_back.take(),
    };
    // Most flags do not change: they are looked at where they are, and leave nothing behind.
    let looked_at = target.flags.par_iter();
    let looked_at = looked_at.fold(Looked::default, |mut looked, wanted| {
        looked.at(wanted, &snapshot);
        looked
    });
    let Looked {
        touched,
        managed,
        live,
    } = looked_at.reduce(Looked::default, Looked::and);
    plan.unchanged = target.flags.len() - touched.len();
    plan.unmanaged = snapshot.records.len() - live;
    if managed < snapshot.specs.len() {
        let flags: HashSet<&str, RandomState> = target.flags.iter().map(|w| &*w.flag).collect();
        let gone = snapshot.specs.keys();
        let gone = gone.filter(|flag| !flags.contains(flag.as_str()));
        let mut gone: Vec<String> = gone.cloned().collect();
        gone.sort_unstable();
        for flag in gone {
            let live = Live::take(&mut snapshot, &flag);
            plan.unmanaged -= usize::from(live.stored.is_some());
            if target.prune || live.stored.is_none() {
                plan.changes.push(change_gone(flag, live));
            } else {
                plan.kept.push(flag);
            }
        }
    }
    let flags: Vec<_> = touched
        .into_iter()
        .map(|wanted| (wanted, Live::take(&mut snapshot, &wanted.flag)))
        .collect();
    let parts: Vec<Part> = flags
        .into_par_iter()
        .fold(Part::default, |mut part, (wanted, live)| {
            let (change, stopped) = compare_wanted(wanted, live);
            part.unchanged += usize::from(change.is_none());
            part.changes.extend(change);
            part.stopped.extend(stopped);
            part
        })
        .collect();
    for part in parts {
        plan.changes.extend(part.changes);
        plan.stopped.extend(part.stopped);
        plan.unchanged += part.unchanged;
    }
    plan.changes.sort_by(|a, b| a.flag().cmp(b.flag()));
    plan.stopped.sort_by(|a, b| a.flag.cmp(&b.flag));
    plan
}

/// The change of a flag that the flag set has, if there is one.
pub(super) fn change_wanted(wanted: &Wanted, live: Live) -> Option<Change> {
    compare_wanted(wanted, live).0
}

/// The same, and the emergency stop that is in force.
fn compare_wanted(wanted: &Wanted, mut live: Live) -> (Option<Change>, Option<Stopped>) {
    let mut change = Change {
        action: Action::Create,
        notes: Vec::new(),
        source: wanted.source.clone(),
        blocked: None,
        removed: None,
        risks: Vec::new(),
        write: Write {
            flag: wanted.flag.clone(),
            expect: Expect::Absent,
            record: RecordWrite::Keep,
            spec: SpecWrite::Set(wanted.digest().to_owned()),
            stop: StopWrite::Keep,
        },
    };
    let after = match live.stored.take() {
        None => create(&mut change, wanted, &live),
        Some(Stored::OtherType(kind)) => {
            // Never written: a commit would find that the key is not absent.
            change.action = Action::Conflict;
            change.blocked = Some(format!(
                "its key holds a {kind}, which no flag client can read"
            ));
            write_anew(&mut change, wanted, &live)
        }
        Some(Stored::Value(bytes)) => {
            let compared = compare_value(&mut change, wanted, &live, &bytes);
            change.write.expect = Expect::Value(bytes);
            match compared {
                Compared::Unchanged(record) => {
                    return (None, stopped(&wanted.flag, &record));
                }
                Compared::Changed(after) => after,
            }
        }
    };
    change.write.stop = carry::stop_write(&after, live.stop.as_ref());
    (Some(change), stopped(&wanted.flag, &after))
}

/// Whether nothing has happened to a flag that is not stopped since it was applied as it is wanted. That is
/// so for most, and so it is told by their bytes.
fn is_untouched(wanted: &Wanted, applied: Option<&String>, stored: Option<&Stored>) -> bool {
    let is_all =
        |stored: &Stored| matches!(stored, Stored::Value(bytes) if wanted.spec().is_all_of(bytes));
    applied.is_some_and(|applied| applied == wanted.digest()) && stored.is_some_and(is_all)
}

fn stopped(flag: &str, record: &Record) -> Option<Stopped> {
    record.stop().map(|stop| Stopped::new(flag, stop))
}

/// What a look at a live value has shown.
enum Compared {
    Unchanged(Record),
    /// With the record as the change leaves it.
    Changed(Record),
}

fn compare_value(change: &mut Change, wanted: &Wanted, live: &Live, bytes: &[u8]) -> Compared {
    let record = match Record::parse(bytes) {
        Ok(record) => operate::reminded(record, live.stop.as_ref(), live.now),
        Err(error) => {
            // Whether another client has stopped it can't be known: a person has to look.
            change.action = Action::Conflict;
            change
                .notes
                .push(format!("the live value is not a record: {error}"));
            return Compared::Changed(write_anew(change, wanted, live));
        }
    };
    let applied = live.applied.as_deref();
    let Some(action) = compare_record(change, wanted, applied, &record) else {
        return Compared::Unchanged(record);
    };
    change.action = action;
    if action == Action::Adopt {
        return Compared::Changed(record);
    }
    let (after, notes) = carry::carry(wanted.spec(), &record, applied, live.now);
    change.notes.extend(notes);
    let after_bytes = after.to_bytes();
    // Only the bookkeeping moves where the record already says what it should.
    if after_bytes != bytes {
        change.write.record = RecordWrite::Set(after_bytes);
    }
    Compared::Changed(after)
}

/// Writes a record where there is none that could be read.
fn write_anew(change: &mut Change, wanted: &Wanted, live: &Live) -> Record {
    let (applied, noted) = (live.applied.as_deref(), live.stop.as_ref());
    let (record, notes) = carry::anew(wanted.spec(), applied, noted, live.now);
    change.notes.extend(notes);
    change.write.record = RecordWrite::Set(record.to_bytes());
    record
}

fn create(change: &mut Change, wanted: &Wanted, live: &Live) -> Record {
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
    } else {
        change.removed.clone_from(&live.removed);
    }
    write_anew(change, wanted, live)
}

/// What is to become of a flag whose record can be read; none where nothing is.
fn compare_record(
    change: &mut Change,
    wanted: &Wanted,
    applied: Option<&str>,
    record: &Record,
) -> Option<Action> {
    let digest = wanted.digest();
    match applied {
        None if record.has_spec(digest) => Some(Action::Adopt),
        None => Some(Action::Conflict),
        Some(applied) if record.has_spec(applied) => (applied != digest).then_some(Action::Update),
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
            Some(Action::Drift)
        }
    }
}

/// The change of a managed flag that the flag set no longer has.
pub(super) fn change_gone(flag: String, live: Live) -> Change {
    let mut notes = Vec::new();
    let mut stop = StopWrite::Keep;
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
                let record = operate::reminded(record, live.stop.as_ref(), live.now);
                stop = carry::stop_write(&record, live.stop.as_ref());
                if live
                    .applied
                    .is_some_and(|applied| !record.has_spec(&applied))
                {
                    notes.push("it was changed in the store since the last apply".into());
                }
                if let Some(stop) = record.stop() {
                    let stop = carry::stop_note(&stop);
                    notes.push(format!("{stop}; it stays off should it be added again"));
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
        removed: None,
        risks: Vec::new(),
        write: Write {
            flag,
            expect,
            record,
            spec: SpecWrite::Remove,
            stop,
        },
    }
}
