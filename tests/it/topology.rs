//! Servers that stand together: behind sentinels, in a cluster, behind TLS, with replicas.

mod cluster;
mod durable;
mod failover;
mod sentinel;
mod tls;

use std::collections::BTreeSet;
use std::time::Duration;

use hoist::plan::{Snapshot, Stored};
use hoist::store::{Error, Options, Outcome, Store, open};

use crate::support::commits::{commit, create, update};

/// Flags in the small flag file of these tests.
const FLAGS: &str = "flags:
  search: { description: d, owner: o, expires: never, enabled: true, percentage: 10 }
";

fn within(millis: u64) -> Options {
    Options {
        timeout: Duration::from_millis(millis),
        connect_timeout: Duration::from_millis(millis),
        history_keep: 1_000_000,
        ..Options::default()
    }
}

/// A store below `{ff}` that is given up only after long.
fn store(url: &str) -> Box<dyn Store> {
    open(url, "{ff}", &within(30_000)).expect("a fine URL")
}

/// The error of a first read, within a short time.
fn read_error(url: &str) -> Error {
    let mut store = match open(url, "{ff}", &within(400)) {
        Ok(store) => store,
        Err(error) => return error,
    };
    store.read().expect_err("nothing to read there")
}

/// The message and the hint of an error, which has one.
fn words(error: &Error) -> String {
    let hint = error.hint().unwrap_or_else(|| panic!("no hint: {error:?}"));
    format!("{error}\n{hint}")
}

/// The number that stands at the flags `a` and `b`, which every commit of [`count`] counts up together.
fn number(snapshot: &Snapshot) -> u64 {
    let read = |flag: &str| match snapshot.records.get(flag) {
        Some(Stored::Value(bytes)) => String::from_utf8_lossy(bytes).parse().expect("a number"),
        Some(Stored::OtherType(kind)) => panic!("{flag} is a {kind}"),
        None => 0,
    };
    let (a, b) = (read("a"), read("b"));
    assert_eq!(a, b, "half of a commit is there");
    assert_eq!(a, snapshot.generation, "records and bookkeeping disagree");
    a
}

/// Counts both flags up by one, and gives the number that was committed; none where something moved.
fn count(store: &mut dyn Store) -> Result<Option<u64>, Error> {
    let on = store.read()?;
    let before = number(&on);
    let after = (before + 1).to_string();
    let writes = ["a", "b"].map(|flag| match before {
        0 => create(flag, &after),
        _ => update(flag, &before.to_string(), &after),
    });
    match store.commit(&commit(&on, writes.into()))? {
        Outcome::Committed { generation } => {
            assert_eq!(generation, before + 1);
            Ok(Some(generation))
        }
        Outcome::Moved(_) => Ok(None),
    }
}

/// Sees that what is there is whole, and that nothing up to `least` was lost: every generation has one
/// entry in the history.
fn assert_whole(store: &mut dyn Store, least: u64) {
    let now = number(&store.read().expect("a read"));
    assert!(now >= least, "{least} was committed, and {now} is there");
    let history = store.history(1_000_000).expect("a history");
    assert_eq!(history.len() as u64, now, "one entry for each commit");
    let mut ids = BTreeSet::new();
    for (entry, generation) in history.iter().rev().zip(1..) {
        assert_eq!(entry.generation, generation, "{entry:?}");
        assert!(ids.insert(&entry.id), "written twice: {entry:?}");
    }
}
