//! What a large commit lays aside ahead of its transaction.

use std::collections::BTreeMap;

use hoist::plan::{SpecWrite, Write};
use hoist::store::{Error, Outcome};

use super::faults::WRITING;
use super::store;
use crate::support::commits::{apply, commit, create, delete, update, write};
use crate::support::proxy::{Fault, Proxy};
use crate::support::redis::RedisServer;

const SPECS: &str = "hoist:{ff}:specs";

/// More than one piece.
const MANY: usize = 3500;

fn many(of: impl Fn(&str) -> Write) -> Vec<Write> {
    (0..MANY).map(|n| of(&format!("flag{n}"))).collect()
}

/// The keys that lie beside the records, and in how many milliseconds they expire.
fn beside(server: &RedisServer) -> BTreeMap<String, i64> {
    let keys: Vec<String> = server.run(&["KEYS", "hoist:*"]);
    let left = |key: String| {
        let left = server.run(&["PTTL", &key]);
        (key, left)
    };
    keys.into_iter().map(left).collect()
}

/// How many flags are listed, after making sure that nothing else is there, and that nothing expires.
fn listed(server: &RedisServer) -> usize {
    let known = ["", ":history", ":removed", ":specs"].map(|end| format!("hoist:{{ff}}{end}"));
    for (key, left) in beside(server) {
        assert!(known.contains(&key) && left == -1, "{key} {left}");
    }
    let specs: BTreeMap<String, String> = server.run(&["HGETALL", SPECS]);
    assert!(specs.keys().all(|flag| !flag.starts_with(':')), "{specs:?}");
    specs.len()
}

#[test]
fn all_of_it_gets_in_place_and_nothing_else() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("there", "1")]);
    apply(&mut *store, many(|flag| create(flag, "1")));
    assert_eq!(listed(&server), MANY + 1);
    apply(&mut *store, many(|flag| update(flag, "1", "2")));
    assert_eq!(listed(&server), MANY + 1);
    assert_eq!(server.run::<String>(&["HGET", SPECS, "flag7"]), "d2");
    assert_eq!(server.run::<String>(&["HGET", SPECS, "there"]), "d1");
    // None of it is git's business.
    let status = |flag: &str| Write {
        spec: SpecWrite::Keep,
        ..update(flag, "2", "3")
    };
    apply(&mut *store, many(status));
    assert_eq!(listed(&server), MANY + 1);
    apply(&mut *store, many(|flag| delete(flag, "3")));
    assert_eq!(listed(&server), 1);
    assert_eq!(store.read().expect("a read").removed.len(), MANY);
}

#[test]
fn a_list_without_a_flag_is_none() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, many(|flag| create(flag, "1")));
    // And one that was never there.
    let mut all = many(|flag| delete(flag, "1"));
    let never = delete("never", "1");
    all.push(write(
        "never",
        hoist::plan::Expect::Absent,
        never.record,
        never.spec,
    ));
    apply(&mut *store, all);
    assert_eq!(listed(&server), 0);
    assert_eq!(server.run::<i64>(&["EXISTS", SPECS]), 0);
    apply(&mut *store, many(|flag| create(flag, "1")));
    assert_eq!(listed(&server), MANY);
}

#[test]
fn what_the_server_has_deleted_is_laid_aside_again() {
    for there in [0, 600] {
        let server = RedisServer::start();
        let earlier = (0..there).map(|n| create(&format!("there{n}"), "1"));
        apply(&mut *store(&server.unix_url()), earlier.collect());
        server.run::<()>(&["CONFIG", "RESETSTAT"]);
        let proxy = Proxy::start(server.port, Some((Fault::Forget, WRITING)));
        let mut store = store(&proxy.url());
        let on = store.read().expect("a read");
        let next = commit(&on, many(|flag| create(flag, "1")));
        let outcome = store.commit(&next).expect("an outcome");
        let generation = on.generation + 1;
        assert_eq!(outcome, Outcome::Committed { generation });
        assert_eq!(listed(&server), there + MANY);
        let snapshot = store.read().expect("a read");
        assert_eq!(snapshot.records.len(), there + MANY);
        assert_eq!(snapshot.specs.len(), there + MANY);
        // It was needed once more, and the first attempt has left nothing behind.
        let stats: String = server.run(&["INFO", "commandstats"]);
        assert!(stats.contains("cmdstat_msetnx:calls=2,"), "{stats}");
        let generations = store.history(10).expect("a history").into_iter();
        let generations: Vec<u64> = generations.map(|entry| entry.generation).collect();
        assert_eq!(generations.first(), Some(&generation));
        assert_eq!(generations.len() as u64, generation);
    }
}

#[test]
fn what_a_lost_commit_has_laid_aside_expires() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port, Some((Fault::Lose, WRITING)));
    let mut dying = store(&proxy.url());
    let on = dying.read().expect("a read");
    let next = commit(&on, many(|flag| create(flag, "1")));
    let error = dying.commit(&next).expect_err("a lost connection");
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    let aside = format!("{SPECS}:{}", next.id);
    let beside = beside(&server);
    let left = beside.get(&aside).expect("what was laid aside");
    assert!((1..=900_000).contains(left), "{left}");
    // Nobody takes it for anything.
    let mut store = store(&server.unix_url());
    let read = store.read().expect("a read");
    assert_eq!(
        (read.generation, read.specs.len(), read.records.len()),
        (0, 0, 0)
    );
    apply(&mut *store, many(|flag| create(flag, "1")));
    server.run::<()>(&["DEL", &aside]);
    assert_eq!(listed(&server), MANY);
}
