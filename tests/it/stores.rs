//! What every store promises, tried on each.

use std::collections::BTreeMap;
use std::time::Duration;

use hoist::plan::{ByFlag, Expect, RecordWrite, Removed, SpecWrite, StopWrite, Stored, Write};
use hoist::record::Stop;
use hoist::store::{HistoryEntry, Moved, Options, Outcome, Store, WatchClaim};

use crate::support::backend::{Backend, BehindSentinel, InCluster, InMemory, InRedis, InSqlite};
use crate::support::commits::{
    apply, commit, committed, create, delete, managed, record_moved, restored, set, stop, stopped,
    update, value, write,
};

/// Runs every promise as a test of its own on each kind of store.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        mod memory { use super::*; $(#[test] fn $name() { super::$name(&InMemory::start()); })* }
        mod sqlite { use super::*; $(#[test] fn $name() { super::$name(&InSqlite::start()); })* }
        mod redis { use super::*; $(#[test] fn $name() { super::$name(&InRedis::start()); })* }
        mod sentinel { use super::*; $(#[test] fn $name() { super::$name(&BehindSentinel::start()); })* }
        mod cluster { use super::*; $(#[test] fn $name() { super::$name(&InCluster::start()); })* }
    };
}

promises![
    a_new_store_is_empty,
    the_first_commit_founds_a_lineage,
    the_bookkeeping_of_a_commit_is_read_back,
    a_commit_on_an_old_generation_writes_nothing,
    a_commit_on_another_lineage_writes_nothing,
    a_commit_on_a_touched_record_writes_nothing,
    one_touched_record_of_many_stops_the_whole_commit,
    a_large_commit_is_as_careful_as_a_small_one,
    a_key_that_is_not_looked_at_may_change,
    another_type_stands_in_the_way,
    deleting_lists_the_flag_as_removed,
    a_stop_stays_in_the_bookkeeping_until_it_is_cleared,
    a_few_flags_are_read_of_many,
    creating_again_takes_it_off_the_list,
    adopting_and_forgetting_leave_records_alone,
    a_commit_of_nothing_writes_nothing,
    the_history_says_what_happened,
    the_history_is_kept_short,
    unmanaged_records_are_read_and_left_alone,
    bytes_that_are_no_text_survive,
    odd_flag_names_and_texts_survive,
    prefixes_are_apart,
    ten_thousand_flags_in_one_commit,
    of_two_racing_stores_one_wins,
    clocks_are_read_in_the_store,
    one_watcher_is_told_of_another,
];

fn read(store: &mut dyn Store) -> BTreeMap<String, String> {
    let snapshot = store.read().expect("a read");
    let text = |stored| match stored {
        Stored::Value(bytes) => String::from_utf8(bytes.into()).expect("text"),
        Stored::OtherType(kind) => format!("<{kind}>"),
    };
    let records = snapshot.records.into_iter();
    records.map(|(flag, stored)| (flag, text(stored))).collect()
}

fn records<const N: usize>(records: [(&str, &str); N]) -> BTreeMap<String, String> {
    let owned = |(flag, text): (&str, &str)| (flag.to_owned(), text.to_owned());
    records.into_iter().map(owned).collect()
}

fn a_new_store_is_empty(backend: &impl Backend) {
    let mut store = backend.store();
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.lineage, None);
    assert_eq!(snapshot.generation, 0);
    assert_eq!((snapshot.buckets, snapshot.digest), (None, None));
    assert!(snapshot.records.is_empty() && snapshot.specs.is_empty());
    assert_eq!(store.history(10).expect("a history"), []);
    assert_eq!(store.info().prefix, backend.prefix("ff"));
}

fn the_first_commit_founds_a_lineage(backend: &impl Backend) {
    let mut store = backend.store();
    let first = commit(&store.read().expect("a read"), vec![create("a", "1")]);
    assert_eq!(committed(store.commit(&first).expect("a commit")), 1);
    let snapshot = backend.store().read().expect("a read");
    assert_eq!(snapshot.lineage.as_ref(), Some(&first.new_lineage));
    assert_eq!(snapshot.generation, 1);

    assert_eq!(apply(&mut *store, vec![update("a", "1", "2")]), 2);
    let later = store.read().expect("a read");
    assert_eq!(later.lineage, snapshot.lineage, "a lineage stays");
}

fn the_bookkeeping_of_a_commit_is_read_back(backend: &impl Backend) {
    let mut store = backend.store();
    let mut first = commit(&store.read().expect("a read"), vec![create("a", "1")]);
    store.commit(&first).expect("a commit");
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.digest, Some(first.about.digest.clone()));
    assert_eq!(snapshot.commit.as_deref(), Some("abc123"));
    assert_eq!(snapshot.buckets.as_deref(), Some("formula"));
    assert_eq!(snapshot.specs.get("a").map(String::as_str), Some("d1"));
    assert_eq!(backend.get("ff", "a").as_deref(), Some(b"1".as_slice()));

    first = commit(&snapshot, vec![update("a", "1", "2")]);
    first.about.buckets = "another formula".to_owned();
    first.about.commit = None;
    store.commit(&first).expect("a commit");
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.commit, None);
    assert_eq!(snapshot.buckets.as_deref(), Some("another formula"));
    assert_eq!(snapshot.specs.get("a").map(String::as_str), Some("d2"));
}

fn a_commit_on_an_old_generation_writes_nothing(backend: &impl Backend) {
    let (mut one, mut two) = (backend.store(), backend.store());
    apply(&mut *one, vec![create("a", "1")]);
    let stale = commit(&two.read().expect("a read"), vec![create("b", "1")]);
    apply(&mut *one, vec![create("c", "1")]);
    let outcome = two.commit(&stale).expect("an answer");
    let expected = Moved::Generation {
        expected: 1,
        found: 2,
    };
    assert_eq!(outcome, Outcome::Moved(vec![expected]));
    assert_eq!(read(&mut *one), records([("a", "1"), ("c", "1")]));
    // The same store goes on working.
    assert_eq!(apply(&mut *two, vec![create("b", "1")]), 3);
}

fn a_commit_on_another_lineage_writes_nothing(backend: &impl Backend) {
    let mut store = backend.store();
    let foreign = {
        let mut snapshot = store.read().expect("a read");
        snapshot.lineage = Some("another".to_owned());
        commit(&snapshot, vec![create("a", "1")])
    };
    let founding = commit(&store.read().expect("a read"), vec![create("b", "1")]);
    assert_eq!(
        store.commit(&foreign).expect("an answer"),
        Outcome::Moved(vec![Moved::Lineage])
    );
    committed(store.commit(&founding).expect("a commit"));
    let Outcome::Moved(moved) = store.commit(&founding).expect("an answer") else {
        panic!("the same commit went through twice");
    };
    assert!(moved.contains(&Moved::Lineage), "{moved:?}");
    assert!(moved.contains(&record_moved("b")), "{moved:?}");
    assert_eq!(store.read().expect("a read").generation, 1);
}

fn a_commit_on_a_touched_record_writes_nothing(backend: &impl Backend) {
    let mut store = backend.store();
    apply(
        &mut *store,
        vec![create("a", "1"), create("b", "1"), create("c", "1")],
    );
    let before = store.read().expect("a read");
    backend.put("ff", "a", b"touched");
    backend.delete("ff", "b");
    backend.put("ff", "new", b"somebody's");
    let writes = vec![
        update("a", "1", "2"),
        delete("b", "1"),
        create("new", "ours"),
        write("c", Expect::Absent, RecordWrite::Keep, managed("x")),
    ];
    let outcome = store.commit(&commit(&before, writes)).expect("an answer");
    let Outcome::Moved(mut moved) = outcome else {
        panic!("it went through")
    };
    moved.sort_by_key(|moved| format!("{moved:?}"));
    let expected = ["a", "b", "c", "new"].map(record_moved);
    assert_eq!(moved, expected);
    let after = store.read().expect("a read");
    assert_eq!((after.generation, &after.specs), (1, &before.specs));
    assert_eq!(
        read(&mut *store),
        records([("a", "touched"), ("c", "1"), ("new", "somebody's")])
    );
}

fn one_touched_record_of_many_stops_the_whole_commit(backend: &impl Backend) {
    let mut store = backend.store();
    let flags: Vec<String> = (0..50).map(|n| format!("flag{n:02}")).collect();
    apply(
        &mut *store,
        flags.iter().map(|flag| create(flag, "1")).collect(),
    );
    let before = store.read().expect("a read");
    backend.put("ff", "flag31", b"9");
    let writes = flags.iter().map(|flag| update(flag, "1", "2")).collect();
    let outcome = store.commit(&commit(&before, writes)).expect("an answer");
    assert_eq!(outcome, Outcome::Moved(vec![record_moved("flag31")]));
    let now = read(&mut *store);
    assert_eq!(now.values().filter(|text| *text == "1").count(), 49);
}

fn a_large_commit_is_as_careful_as_a_small_one(backend: &impl Backend) {
    let mut store = backend.store();
    let flags: Vec<String> = (0..2500).map(|n| format!("flag{n:04}")).collect();
    apply(
        &mut *store,
        flags.iter().map(|flag| create(flag, "1")).collect(),
    );
    let before = store.read().expect("a read");
    backend.put("ff", "flag2345", b"9");
    backend.put("ff", "new0042", b"9");
    let mut writes: Vec<_> = flags.iter().map(|flag| update(flag, "1", "2")).collect();
    writes.extend((0..2500).map(|n| create(&format!("new{n:04}"), "1")));
    let Outcome::Moved(mut moved) = store
        .commit(&commit(&before, writes.clone()))
        .expect("an answer")
    else {
        panic!("it went through")
    };
    moved.sort_by_key(|moved| format!("{moved:?}"));
    assert_eq!(moved, [record_moved("flag2345"), record_moved("new0042")]);
    assert_eq!(store.read().expect("a read").records.len(), 2501);

    backend.put("ff", "flag2345", b"1");
    backend.delete("ff", "new0042");
    let half = writes.len() / 2;
    writes.extend([
        write("unseen", Expect::Any, set("3"), SpecWrite::Keep),
        write(
            "flag0000x",
            Expect::Absent,
            RecordWrite::Keep,
            SpecWrite::Remove,
        ),
    ]);
    writes[half - 1] = delete("flag2499", "1");
    assert_eq!(apply(&mut *store, writes), 2);
    let after = store.read().expect("a read");
    assert_eq!(after.records.len(), 2499 + 2500 + 1);
    assert_eq!(
        after.records.get("unseen"),
        Some(&Stored::Value(b"3".to_vec().into()))
    );
    assert_eq!(after.specs.len(), 4999);
    assert_eq!(after.removed.len(), 2);
}

fn a_key_that_is_not_looked_at_may_change(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1")]);
    let before = store.read().expect("a read");
    backend.put("ff", "a", b"touched");
    let writes = vec![
        write("a", Expect::Any, RecordWrite::Keep, SpecWrite::Remove),
        create("b", "1"),
    ];
    committed(store.commit(&commit(&before, writes)).expect("a commit"));
    assert_eq!(read(&mut *store), records([("a", "touched"), ("b", "1")]));
}

fn another_type_stands_in_the_way(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1"), create("b", "1")]);
    let before = store.read().expect("a read");
    if !backend.put_list("ff", "a") || !backend.put_list("ff", "new") {
        return;
    }
    assert_eq!(
        read(&mut *store),
        records([("a", "<list>"), ("b", "1"), ("new", "<list>")])
    );
    let writes = vec![
        update("a", "1", "2"),
        create("new", "1"),
        update("b", "1", "2"),
    ];
    let outcome = store.commit(&commit(&before, writes)).expect("an answer");
    let Outcome::Moved(mut moved) = outcome else {
        panic!("it went through")
    };
    moved.sort_by_key(|moved| format!("{moved:?}"));
    assert_eq!(moved, [record_moved("a"), record_moved("new")]);
}

fn deleting_lists_the_flag_as_removed(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1"), create("b", "1")]);
    apply(&mut *store, vec![delete("a", "1")]);
    let snapshot = store.read().expect("a read");
    let note = Removed {
        generation: 2,
        at: 1_700_000_000.25,
    };
    assert_eq!(snapshot.removed.get("a"), Some(&note));
    assert_eq!(snapshot.removed.len(), 1);
    assert_eq!(snapshot.specs.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(backend.get("ff", "a"), None);
}

fn a_stop_stays_in_the_bookkeeping_until_it_is_cleared(backend: &impl Backend) {
    let mut store = backend.store();
    assert!(store.read().expect("a read").stops.is_empty());
    apply(&mut *store, vec![create("a", "1"), stopped("b")]);
    let bare = Stop {
        since: Some(1.5),
        ..Stop::default()
    };
    let noted = Write {
        stop: StopWrite::Set(bare.clone()),
        ..update("a", "1", "2")
    };
    // With and without a record, in small commits and in large ones.
    let more = |from: usize| (from..from + 600).map(|n| create(&format!("x{n}"), "1"));
    let large: Vec<Write> = [noted, stopped("c"), stopped("d")]
        .into_iter()
        .chain(more(0))
        .collect();
    apply(&mut *store, large);
    apply(&mut *store, vec![delete("a", "2"), restored("d")]);
    let expected = ByFlag::from_iter([
        ("a".to_owned(), bare),
        ("b".to_owned(), stop()),
        ("c".to_owned(), stop()),
    ]);
    assert_eq!(store.read().expect("a read").stops, expected);
    let large = [restored("a"), restored("b"), restored("never")];
    apply(&mut *store, large.into_iter().chain(more(600)).collect());
    let left = store.read().expect("a read").stops;
    assert_eq!(left.keys().collect::<Vec<_>>(), ["c"]);
}

fn a_few_flags_are_read_of_many(backend: &impl Backend) {
    let mut store = backend.store();
    let nothing = store.read_flags(&["a"]).expect("a read");
    assert_eq!((nothing.lineage, nothing.generation), (None, 0));
    assert!(nothing.now > 1_700_000_000.0);
    let flags: Vec<String> = (0..2500).map(|n| format!("flag{n}")).collect();
    let writes = flags.iter().map(|flag| create(flag, flag));
    apply(&mut *store, writes.collect());
    apply(
        &mut *store,
        vec![delete("flag7", "flag7"), stopped("flag8"), stopped("gone")],
    );
    backend.put("ff", "theirs", b"\xff");
    backend.put_list("ff", "flag9");
    let all: Vec<&str> = flags.iter().map(String::as_str).chain(["gone"]).collect();
    for named in [
        &["flag7", "flag8", "flag9", "gone", "theirs", "never", "a:b"][..],
        &[],
        &all,
    ] {
        let found = store.read_flags(named).expect("a read");
        let mut expected = store.read().expect("a read");
        assert!(expected.now >= found.now && found.now > 1_700_000_000.0);
        expected.now = found.now;
        let is_named = |flag: &String| named.contains(&flag.as_str());
        expected.records.retain(|flag, _| is_named(flag));
        expected.specs.retain(|flag, _| is_named(flag));
        expected.removed.retain(|flag, _| is_named(flag));
        expected.stops.retain(|flag, _| is_named(flag));
        assert_eq!(found, expected);
    }
    // What was read so is enough to commit on.
    let on = store.read_flags(&["flag1"]).expect("a read");
    let next = commit(&on, vec![update("flag1", "flag1", "2")]);
    assert_eq!(committed(store.commit(&next).expect("a commit")), 3);
}

fn creating_again_takes_it_off_the_list(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1")]);
    apply(&mut *store, vec![delete("a", "1")]);
    apply(&mut *store, vec![create("a", "2")]);
    let snapshot = store.read().expect("a read");
    assert!(snapshot.removed.is_empty());
    assert_eq!(snapshot.specs.len(), 1);
    assert_eq!(read(&mut *store), records([("a", "2")]));
}

fn adopting_and_forgetting_leave_records_alone(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("gone", "1"), create("kept", "1")]);
    backend.put("ff", "adopted", b"theirs");
    backend.delete("ff", "gone");
    let writes = vec![
        write("adopted", value("theirs"), RecordWrite::Keep, managed("d9")),
        write("gone", Expect::Absent, RecordWrite::Keep, SpecWrite::Remove),
        write("kept", value("1"), set("2"), SpecWrite::Keep),
    ];
    apply(&mut *store, writes);
    let snapshot = store.read().expect("a read");
    assert_eq!(
        snapshot.specs.get("adopted").map(String::as_str),
        Some("d9")
    );
    assert_eq!(snapshot.specs.get("kept").map(String::as_str), Some("d1"));
    assert_eq!(snapshot.specs.len(), 2);
    assert!(snapshot.removed.contains_key("gone"));
    assert_eq!(
        read(&mut *store),
        records([("adopted", "theirs"), ("kept", "2")])
    );
}

fn a_commit_of_nothing_writes_nothing(backend: &impl Backend) {
    let mut store = backend.store();
    let nothing = commit(&store.read().expect("a read"), vec![]);
    assert_eq!(committed(store.commit(&nothing).expect("an answer")), 0);
    assert_eq!(store.read().expect("a read").lineage, None);
    apply(&mut *store, vec![create("a", "1")]);
    assert_eq!(apply(&mut *store, vec![]), 1);
    assert_eq!(store.history(10).expect("a history").len(), 1);
}

fn the_history_says_what_happened(backend: &impl Backend) {
    let mut store = backend.store();
    let mut first = commit(
        &store.read().expect("a read"),
        vec![create("a", "1"), create("b", "1")],
    );
    first.about.commit = None;
    first.about.actor = None;
    store.commit(&first).expect("a commit");
    let mut second = commit(
        &store.read().expect("a read"),
        vec![
            update("a", "1", "2"),
            delete("b", "1"),
            write("c", Expect::Any, RecordWrite::Keep, SpecWrite::Remove),
        ],
    );
    second.about.source = "kill".to_owned();
    second.about.reason = Some("it \"burns\"\n".to_owned());
    let note = ("a".to_owned(), "the gate said\n\u{1b}[31mno".to_owned());
    second.about.notes = BTreeMap::from([note]);
    store.commit(&second).expect("a commit");

    let history = store.history(10).expect("a history");
    let text = |text: &str| Some(text.to_owned());
    let entry = HistoryEntry {
        id: second.id.clone(),
        generation: 2,
        at: 1_700_000_000.25,
        actor: text("ada"),
        commit: text("abc123"),
        source: "kill".to_owned(),
        reason: text("it \"burns\"\n"),
        version: "0.1.0".to_owned(),
        digest: second.about.digest.clone(),
        records: BTreeMap::from([
            ("a".to_owned(), (text("1"), text("2"))),
            ("b".to_owned(), (text("1"), None)),
            ("c".to_owned(), (None, None)),
        ]),
        notes: second.about.notes.clone(),
    };
    assert_eq!(history[0], entry);
    assert_eq!(history.len(), 2);
    assert_eq!((history[1].generation, &history[1].id), (1, &first.id));
    assert_eq!((&history[1].actor, &history[1].commit), (&None, &None));
    assert_eq!(history[1].records["a"], (None, text("1")));
    assert_eq!(store.history(1).expect("a history"), [entry]);
    assert_eq!(store.history(0).expect("a history"), []);
}

fn the_history_is_kept_short(backend: &impl Backend) {
    let options = Options {
        history_keep: 3,
        ..Options::default()
    };
    let mut store = backend.open("ff", &options);
    // Servers that trim in blocks let go of large entries one by one.
    let large = "x".repeat(5000);
    apply(&mut *store, vec![create("a", &large)]);
    for n in 1..=9 {
        let before = read(&mut *store).remove("a").expect("the record");
        apply(
            &mut *store,
            vec![update("a", &before, &format!("{large}{n}"))],
        );
    }
    let history = store.history(100).expect("a history");
    assert!((3..=5).contains(&history.len()), "{}", history.len());
    assert_eq!(history[0].generation, 10);
}

fn unmanaged_records_are_read_and_left_alone(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1")]);
    backend.put("ff", "theirs", b"{}");
    assert_eq!(read(&mut *store), records([("a", "1"), ("theirs", "{}")]));
    apply(&mut *store, vec![delete("a", "1")]);
    assert_eq!(read(&mut *store), records([("theirs", "{}")]));
}

fn bytes_that_are_no_text_survive(backend: &impl Backend) {
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1")]);
    let garbage: Vec<u8> = (0..=255).rev().collect();
    backend.put("ff", "garbage", &garbage);
    backend.put("ff", "empty", b"");
    let snapshot = store.read().expect("a read");
    assert_eq!(
        snapshot.records["garbage"],
        Stored::Value(garbage.clone().into())
    );
    assert_eq!(snapshot.records["empty"], Stored::Value(Vec::new().into()));
    apply(&mut *store, vec![update("a", "1", "2")]);
    assert_eq!(backend.get("ff", "garbage"), Some(garbage.clone()));

    let mut reversed = garbage.clone();
    reversed.reverse();
    let replace = write(
        "garbage",
        Expect::Value(garbage.into()),
        RecordWrite::Set(reversed.clone().into()),
        managed("d"),
    );
    apply(&mut *store, vec![replace]);
    assert_eq!(backend.get("ff", "garbage"), Some(reversed));
    assert_eq!(store.history(9).expect("a history").len(), 3);
}

fn odd_flag_names_and_texts_survive(backend: &impl Backend) {
    let mut store = backend.store();
    let names = ["a.b-c_d", "Upper Case", "größe", "*", "a'b\"c", "$5\r\nx"];
    let writes = names
        .iter()
        .map(|name| create(name, "{\"ü\":\"\\u0000\"}\r\n"));
    apply(&mut *store, writes.collect());
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.records.len(), names.len());
    assert_eq!(snapshot.specs.len(), names.len());
    for name in names {
        assert!(snapshot.records.contains_key(name), "{name}");
    }
}

fn prefixes_are_apart(backend: &impl Backend) {
    let prefixes = [
        "ff",
        "f",
        "ff:staging",
        "f*",
        "f?",
        "[f]f",
        "{x}y",
        "f\\*",
        "größe",
    ];
    let options = Options::default();
    for (n, prefix) in prefixes.into_iter().enumerate() {
        let mut store = backend.open(prefix, &options);
        assert_eq!(store.read().expect("a read").generation, 0, "{prefix}");
        apply(
            &mut *store,
            vec![create("a", prefix), create(&format!("b{n}"), "1")],
        );
        apply(
            &mut *store,
            vec![update("a", prefix, "2"), create("c", "1")],
        );
    }
    for (n, prefix) in prefixes.into_iter().enumerate() {
        let mut store = backend.open(prefix, &options);
        let expected = records([("a", "2"), (&format!("b{n}"), "1"), ("c", "1")]);
        assert_eq!(read(&mut *store), expected, "{prefix}");
        assert_eq!(store.read().expect("a read").generation, 2, "{prefix}");
        assert_eq!(store.history(9).expect("a history").len(), 2, "{prefix}");
    }
}

fn ten_thousand_flags_in_one_commit(backend: &impl Backend) {
    let mut store = backend.store();
    let record = "x".repeat(450);
    let flags: Vec<String> = (0..10_000).map(|n| format!("flag_number_{n:05}")).collect();
    apply(
        &mut *store,
        flags.iter().map(|flag| create(flag, &record)).collect(),
    );
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.generation, 1);
    assert_eq!(snapshot.specs.len(), 10_000);
    assert!(flags.iter().all(|flag| snapshot.records.contains_key(flag)));
    assert_eq!(
        store.history(1).expect("a history")[0].records.len(),
        10_000
    );
    apply(
        &mut *store,
        flags.iter().map(|flag| delete(flag, &record)).collect(),
    );
    let snapshot = store.read().expect("a read");
    assert!(snapshot.records.is_empty() && snapshot.specs.is_empty());
    assert_eq!(snapshot.removed.len(), 10_000);
}

/// Two clients write as fast as they can, and both want the same flag.
fn of_two_racing_stores_one_wins(backend: &impl Backend) {
    const EACH: usize = 100;
    apply(&mut *backend.store(), vec![create("a", "0")]);
    let won: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let stores = [backend.store(), backend.store()];
        let threads = stores.map(|mut store| {
            scope.spawn(move || (0..EACH).map(|_| win_once(&mut *store)).collect())
        });
        threads
            .map(|thread| thread.join().expect("a thread"))
            .into()
    });
    let mut generations: Vec<u64> = won.into_iter().flatten().collect();
    generations.sort_unstable();
    let expected: Vec<u64> = (2..2 + 2 * EACH as u64).collect();
    assert_eq!(
        generations, expected,
        "each generation has one winner, and none is missing"
    );
    let mut store = backend.store();
    assert_eq!(
        read(&mut *store),
        records([("a", "200")]),
        "no increment is lost"
    );
    assert_eq!(store.history(1000).expect("a history").len(), 201);
}

/// Adds one to the flag's number, however often that takes.
fn win_once(store: &mut dyn Store) -> u64 {
    loop {
        let snapshot = store.read().expect("a read");
        let Some(Stored::Value(bytes)) = snapshot.records.get("a") else {
            panic!("the record is gone");
        };
        let before = String::from_utf8(bytes.to_vec()).expect("text");
        let after = before.parse::<u32>().expect("a number") + 1;
        let writes = vec![update("a", &before, &after.to_string())];
        let next = commit(&snapshot, writes);
        if let Outcome::Committed { generation } = store.commit(&next).expect("an answer") {
            return generation;
        }
    }
}

fn clocks_are_read_in_the_store(backend: &impl Backend) {
    let mut store = backend.store();
    let since_epoch = || {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH);
        since.expect("a time after 1970").as_secs_f64()
    };
    for _ in 0..2 {
        let before = since_epoch();
        let now = store.read().expect("a read").now;
        // SQLite counts milliseconds.
        assert!(
            now >= before - 0.002 && now <= since_epoch() + 0.002,
            "{now} {before}"
        );
        apply(&mut *store, vec![create(&format!("a{before}"), "1")]);
    }
}

fn one_watcher_is_told_of_another(backend: &impl Backend) {
    let (mut first, mut second) = (backend.store(), backend.store());
    apply(&mut *first, vec![create("a", "1")]);
    let claim = |id: &str| WatchClaim {
        id: id.to_owned(),
        actor: Some("ana".to_owned()),
        directory: "/home/ana/größe".to_owned(),
        process: 42,
    };
    let lasting = Duration::from_secs(60);
    let (ours, theirs) = (claim("ours"), claim("theirs"));
    for _ in ["made", "renewed"] {
        assert_eq!(first.claim_watch(&ours, lasting).expect("a claim"), None);
        let other = second.claim_watch(&theirs, lasting).expect("an answer");
        assert_eq!(other.as_ref(), Some(&ours));
    }
    // Only one's own is taken back, and it is no commit.
    second.release_watch(&theirs).expect("nothing to release");
    assert_eq!(
        second.claim_watch(&theirs, lasting).expect("an answer"),
        Some(ours.clone())
    );
    assert_eq!(first.read().expect("a read").generation, 1);
    assert_eq!(read(&mut *first), records([("a", "1")]));
    first.release_watch(&ours).expect("a release");
    assert_eq!(second.claim_watch(&theirs, lasting).expect("a claim"), None);
    second.release_watch(&theirs).expect("a release");
}
