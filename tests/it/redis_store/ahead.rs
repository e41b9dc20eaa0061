//! A look at the store ahead of a commit.

use std::time::Duration;

use hoist::plan::{Snapshot, Stored};
use hoist::store::{Error, Moved, Outcome, Store, WatchClaim};

use super::{calls, store};
use crate::support::commits::{apply, commit, committed, create, record_moved, update};
use crate::support::redis::RedisServer;

/// A server that has `a`, and a store that has looked at it ahead.
fn looked_ahead() -> (RedisServer, Box<dyn Store>, Snapshot) {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("a", "1"), create("b", "1")]);
    let on = store.prepare(&["a"]).expect("a look ahead");
    assert_eq!(on.records["a"], Stored::Value(b"1".to_vec().into()));
    assert_eq!((on.generation, on.records.len()), (1, 1));
    (server, store, on)
}

#[test]
fn what_was_looked_at_ahead_is_not_looked_at_again() {
    let (server, mut store, on) = looked_ahead();
    server.run::<()>(&["CONFIG", "RESETSTAT"]);
    let outcome = store.commit(&commit(&on, vec![update("a", "1", "2")]));
    assert_eq!(committed(outcome.expect("an outcome")), 2);
    for command in ["watch", "multi", "mget", "hmget", "type"] {
        assert_eq!(calls(&server, command), 0, "{command}");
    }
    assert_eq!(calls(&server, "exec"), 1);
    // The next one has not been looked ahead for.
    apply(&mut *store, vec![update("a", "2", "3")]);
    assert_eq!(calls(&server, "watch"), 1);
    assert_eq!(server.run::<String>(&["GET", "ff:a"]), "3");
}

#[test]
fn whoever_writes_meanwhile_comes_first() {
    let (server, mut first, on) = looked_ahead();
    server.run::<()>(&["SET", "ff:a", "theirs"]);
    let outcome = first.commit(&commit(&on, vec![update("a", "1", "2")]));
    assert_eq!(outcome.unwrap(), Outcome::Moved(vec![record_moved("a")]));
    assert_eq!(server.run::<String>(&["GET", "ff:a"]), "theirs");

    let (server, mut first, on) = looked_ahead();
    apply(&mut *store(&server.unix_url()), vec![update("b", "1", "2")]);
    let outcome = first.commit(&commit(&on, vec![update("a", "1", "2")]));
    let (expected, found) = (1, 2);
    let moved = Moved::Generation { expected, found };
    assert_eq!(outcome.unwrap(), Outcome::Moved(vec![moved]));

    // A touch that changes nothing only takes another look.
    let (server, mut first, on) = looked_ahead();
    server.run::<()>(&["SET", "ff:a", "1"]);
    let outcome = first.commit(&commit(&on, vec![update("a", "1", "2")]));
    assert_eq!(committed(outcome.unwrap()), 2);
}

#[test]
fn anything_else_may_come_in_between() {
    let claim = WatchClaim {
        id: "one".to_owned(),
        actor: None,
        directory: "/flags".to_owned(),
        process: 1,
    };
    let between = |way: usize, store: &mut dyn Store| match way {
        0 => assert_eq!(store.read_flags(&[]).unwrap().generation, 1),
        1 => assert_eq!(store.read().unwrap().records.len(), 2),
        2 => assert_eq!(store.history(1).unwrap().len(), 1),
        3 => {
            let lasting = Duration::from_secs(9);
            assert_eq!(store.claim_watch(&claim, lasting).unwrap(), None);
        }
        _ => assert!(store.prepare(&["b"]).is_some()),
    };
    for way in 0..5 {
        let (server, mut store, on) = looked_ahead();
        between(way, &mut *store);
        let outcome = store.commit(&commit(&on, vec![update("a", "1", "2")]));
        assert_eq!(committed(outcome.unwrap()), 2);
        assert_eq!(server.run::<String>(&["GET", "ff:a"]), "2");
    }
}

#[test]
fn a_commit_of_something_else_looks_for_itself() {
    let (server, mut store, on) = looked_ahead();
    let outcome = store.commit(&commit(&on, vec![update("b", "1", "2")]));
    assert_eq!(committed(outcome.unwrap()), 2);
    let (other, mut store, on) = looked_ahead();
    let outcome = store.commit(&commit(&on, vec![update("a", "0", "2")]));
    assert_eq!(outcome.unwrap(), Outcome::Moved(vec![record_moved("a")]));
    assert_eq!(server.run::<String>(&["GET", "ff:b"]), "2");
    assert_eq!(other.run::<String>(&["GET", "ff:a"]), "1");
}

#[test]
fn there_is_none_where_it_would_not_be_one_look() {
    let server = RedisServer::start();
    let mut fresh = store(&server.unix_url());
    assert_eq!(fresh.prepare(&["a"]), None, "not connected");
    let (server, mut store, _) = looked_ahead();
    assert_eq!(store.prepare(&["a", "new"]), None);
    server.run::<()>(&["LPUSH", "ff:list", "1"]);
    assert_eq!(store.prepare(&["list"]), None);
    let many: Vec<String> = (0..501).map(|number| format!("flag{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(store.prepare(&many), None);
    apply(&mut *store, vec![create("new", "1")]);
}

#[test]
fn a_connection_that_is_lost_takes_it_along() {
    let (server, mut store, on) = looked_ahead();
    server.run::<()>(&["CLIENT", "KILL", "TYPE", "normal"]);
    let lost = store.commit(&commit(&on, vec![update("a", "1", "2")]));
    assert!(matches!(lost, Err(Error::Disconnected { .. })), "{lost:?}");
    assert_eq!(server.run::<String>(&["GET", "ff:a"]), "1");
    apply(&mut *store, vec![update("a", "1", "3")]);
    assert_eq!(server.run::<String>(&["GET", "ff:a"]), "3");
}
