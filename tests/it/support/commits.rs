//! Short ways to write commits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hoist::plan::{About, Commit, Expect, RecordWrite, Snapshot, SpecWrite, StopWrite, Write};
use hoist::record::Stop;
use hoist::store::{Moved, Outcome, Store};

pub fn value(text: &str) -> Expect {
    Expect::Value(text.as_bytes().to_vec().into())
}

pub fn set(text: &str) -> RecordWrite {
    RecordWrite::Set(text.as_bytes().to_vec().into())
}

pub fn managed(digest: &str) -> SpecWrite {
    SpecWrite::Set(digest.to_owned())
}

pub fn write(flag: &str, expect: Expect, record: RecordWrite, spec: SpecWrite) -> Write {
    Write {
        flag: flag.to_owned(),
        expect,
        record,
        spec,
        stop: StopWrite::Keep,
    }
}

/// A new flag with a record.
pub fn create(flag: &str, record: &str) -> Write {
    write(flag, Expect::Absent, set(record), managed("d1"))
}

pub fn update(flag: &str, before: &str, after: &str) -> Write {
    write(flag, value(before), set(after), managed("d2"))
}

pub fn delete(flag: &str, before: &str) -> Write {
    write(flag, value(before), RecordWrite::Delete, SpecWrite::Remove)
}

/// A stop in the bookkeeping, whatever the record.
pub fn stopped(flag: &str) -> Write {
    let keep = write(flag, Expect::Any, RecordWrite::Keep, SpecWrite::Keep);
    Write {
        stop: StopWrite::Set(stop()),
        ..keep
    }
}

pub fn stop() -> Stop {
    Stop {
        since: Some(1_700_000_000.25),
        actor: Some("ada".to_owned()),
        reason: Some("errors".to_owned()),
        was_on: Some(true),
    }
}

/// The end of a stop in the bookkeeping.
pub fn restored(flag: &str) -> Write {
    Write {
        stop: StopWrite::Clear,
        ..stopped(flag)
    }
}

/// A commit on top of what was read.
pub fn commit(on: &Snapshot, writes: Vec<Write>) -> Commit {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Commit {
        id: format!("commit-{number}"),
        lineage: on.lineage.clone(),
        new_lineage: format!("lineage-{number}"),
        generation: on.generation,
        writes,
        about: About {
            digest: format!("digest-{number}"),
            commit: Some("abc123".to_owned()),
            rolled_back: None,
            actor: Some("ada".to_owned()),
            version: "0.1.0".to_owned(),
            buckets: "formula".to_owned(),
            source: "apply".to_owned(),
            reason: None,
            notes: BTreeMap::new(),
            at: 1_700_000_000.25,
        },
    }
}

/// Reads and commits at once.
pub fn apply(store: &mut dyn Store, writes: Vec<Write>) -> u64 {
    let commit = commit(&store.read().expect("a read"), writes);
    committed(store.commit(&commit).expect("a commit"))
}

pub fn committed(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Committed { generation } => generation,
        Outcome::Moved(moved) => panic!("moved: {moved:?}"),
    }
}

pub fn record_moved(flag: &str) -> Moved {
    Moved::Record {
        flag: flag.to_owned(),
    }
}
