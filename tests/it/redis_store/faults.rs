//! Connections that break, at the worst of moments.

use std::time::Duration;

use hoist::plan::{Snapshot, Write};
use hoist::store::{Error, HistoryEntry, Moved, Options, Outcome, open};

use super::{assert_nothing_written, small_and_large, store};
use crate::support::commits::{apply, commit, create, restored, stopped, update};
use crate::support::proxy::{Fault, Proxy};
use crate::support::redis::RedisServer;

/// A word that is first on the wire when a commit is being written.
pub(super) const WRITING: &str = "applied_at";

/// Commits through a proxy that breaks down once the commit is on its way.
fn commit_with(fault: Fault, server: &RedisServer, writes: Vec<Write>) -> Result<Outcome, Error> {
    let proxy = Proxy::start(server.port, Some((fault, WRITING)));
    let mut store = store(&proxy.url());
    let on = store.read().expect("a read");
    store.commit(&commit(&on, writes))
}

#[test]
fn an_idle_connection_that_was_cut_is_made_again() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    let cut = || server.run::<()>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let on = store.read().expect("a read");
    cut();
    let next = commit(&on, vec![create("a", "1")]);
    let committed = Outcome::Committed { generation: 1 };
    assert_eq!(store.commit(&next).expect("a commit"), committed);
    cut();
    assert_eq!(store.read().expect("a read").generation, 1);
    cut();
    assert_eq!(store.history(1).expect("a history").len(), 1);
}

#[test]
fn a_commit_that_never_arrived_is_known_not_to_have() {
    for writes in small_and_large() {
        let server = RedisServer::start();
        let error = commit_with(Fault::Lose, &server, writes).expect_err("a lost connection");
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        assert_eq!(
            server.run::<Vec<String>>(&["KEYS", "ff:*"]),
            Vec::<String>::new()
        );
        assert_eq!(
            store(&server.unix_url()).read().expect("a read").generation,
            0
        );
        apply(&mut *store(&server.unix_url()), vec![create("a", "1")]);
    }
}

#[test]
fn a_commit_whose_answer_was_lost_is_recognised() {
    for writes in small_and_large() {
        let server = RedisServer::start();
        let flags = writes.len();
        let outcome = commit_with(Fault::LoseAnswer, &server, writes).expect("an outcome");
        assert_eq!(outcome, Outcome::Committed { generation: 1 });
        let snapshot = store(&server.unix_url()).read().expect("a read");
        assert_eq!((snapshot.generation, snapshot.records.len()), (1, flags));
    }
}

#[test]
fn a_commit_that_the_history_has_forgotten_is_not_denied() {
    // Trims to the entry, where others trim to the hundred.
    let server = RedisServer::with(&["stream-node-max-entries 1"]);
    let proxy = Proxy::start(server.port, Some((Fault::LoseAnswer, WRITING)));
    let options = Options {
        history_keep: 0,
        ..Options::default()
    };
    let mut store = open(&proxy.url(), "ff", &options).expect("a fine URL");
    let on = store.read().expect("a read");
    let next = commit(&on, vec![create("a", "1")]);
    let error = store.commit(&next).expect_err("no certainty");
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error:?}");
    assert_eq!(server.run::<String>(&["GET", "ff:a"]), "1");
}

#[test]
fn a_commit_given_up_for_lost_never_happens_later() {
    for writes in small_and_large() {
        let server = RedisServer::start();
        let error =
            commit_with(Fault::DeliverLate, &server, writes).expect_err("a lost connection");
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        std::thread::sleep(3 * Proxy::LATE);
        assert_eq!(
            server.run::<Vec<String>>(&["KEYS", "ff:*"]),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_server_that_dies_during_a_commit_leaves_the_outcome_open() {
    let server = RedisServer::start();
    let url = server.tcp_url();
    let options = Options {
        timeout: Duration::from_millis(200),
        ..Options::default()
    };
    let mut store = open(&url, "ff", &options).expect("a fine URL");
    apply(&mut *store, vec![create("a", "1")]);
    let on = store.read().expect("a read");
    let next = commit(&on, vec![update("a", "1", "2")]);
    server.run::<()>(&["CLIENT", "PAUSE", "100000", "WRITE"]);
    let error = store.commit(&next).expect_err("no answer");
    let Error::OutcomeUnknown { id, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*id, next.id);
    assert!(error.hint().is_some_and(|hint| hint.contains(&next.id)));
}

#[test]
fn nothing_stays_watched_after_a_refusal() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    let on = store.read().expect("a read");
    server.run::<()>(&["SET", "ff:a", "theirs"]);
    let moved = store.commit(&commit(&on, vec![create("a", "1")]));
    assert!(matches!(moved, Ok(Outcome::Moved(_))), "{moved:?}");
    server.run::<()>(&["SET", "ff:a", "again"]);
    apply(&mut *store, vec![create("b", "1")]);
    server.run::<()>(&["FLUSHALL"]);
    assert_nothing_written(&server);
}

#[test]
fn a_commit_that_another_client_comes_before_leaves_everything_as_it_was() {
    for mut writes in small_and_large() {
        let server = RedisServer::start();
        apply(
            &mut *store(&server.unix_url()),
            vec![create("there", "1"), create("meddled", "0"), stopped("x")],
        );
        writes.push(update("there", "1", "2"));
        writes.push(stopped("y"));
        writes.push(restored("x"));
        writes.push(update("meddled", "0", "2"));
        let before = everything(&server);
        let outcome = commit_with(Fault::Meddle, &server, writes).expect("an outcome");
        let moved = Moved::Record {
            flag: "meddled".into(),
        };
        assert_eq!(outcome, Outcome::Moved(vec![moved]));
        assert_eq!(server.run::<String>(&["GET", Proxy::MEDDLED]), "1");
        server.run::<()>(&["SET", Proxy::MEDDLED, "0"]);
        assert_eq!(everything(&server), before);
    }
}

/// What the server holds: keys, the bookkeeping, the records and the history.
fn everything(server: &RedisServer) -> (Vec<String>, Snapshot, Vec<HistoryEntry>) {
    let mut keys = server.run::<Vec<String>>(&["KEYS", "*"]);
    keys.sort();
    let mut store = store(&server.unix_url());
    let mut snapshot = store.read().expect("a read");
    snapshot.now = 0.0;
    (keys, snapshot, store.history(10).expect("a history"))
}
