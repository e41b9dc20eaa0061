//! What only a Redis can do, and all the ways in which one can say no.

mod ahead;
mod aside;
mod errors;
mod faults;
mod races;
mod reading;

use hoist::plan::{Expect, RecordWrite, SpecWrite, Write};
use hoist::record::Stop;
use hoist::store::{Error, Options, Store, open};

use crate::support::commits::{apply, commit, create, delete, stopped, update, write};
use crate::support::proxy::Proxy;
use crate::support::redis::RedisServer;

fn store(url: &str) -> Box<dyn Store> {
    open(url, "ff", &Options::default()).expect("a fine URL")
}

/// A commit that is watched, and one that is too large for that.
fn small_and_large() -> [Vec<Write>; 2] {
    let large = (0..1200).map(|n| create(&format!("flag{n}"), "1"));
    [vec![create("flag0", "1")], large.collect()]
}

/// How often the server has carried a command out since its figures were reset.
fn calls(server: &RedisServer, command: &str) -> u64 {
    let stats: String = server.run(&["INFO", "commandstats"]);
    let head = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&head));
    line.map_or(0, |line| {
        let number = line.split(',').next().expect("a number");
        number.parse().expect("a number")
    })
}

/// Commits, expects an error, and sees that nothing was written.
fn refused(server: &RedisServer, store: &mut dyn Store, writes: Vec<Write>) -> Error {
    let on = store.read().expect("a read");
    let error = store.commit(&commit(&on, writes)).expect_err("a refusal");
    assert_nothing_written(server);
    error
}

fn assert_nothing_written(server: &RedisServer) {
    assert_eq!(
        server.run::<Vec<String>>(&["KEYS", "*"]),
        Vec::<String>::new()
    );
}

#[test]
fn bookkeeping_stands_where_it_is_said_to() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("a", "1"), create("b", "1")]);
    apply(&mut *store, vec![delete("b", "1"), stopped("a")]);
    let mut keys: Vec<String> = server.run(&["KEYS", "*"]);
    keys.sort();
    let expected = [
        "ff:a",
        "hoist:{ff}",
        "hoist:{ff}:history",
        "hoist:{ff}:removed",
        "hoist:{ff}:specs",
        "hoist:{ff}:stops",
    ];
    assert_eq!(keys, expected);
    let stop: String = server.run(&["HGET", "hoist:{ff}:stops", "a"]);
    assert_eq!(
        stop,
        r#"{"since":1700000000.25,"actor":"ada","reason":"errors","was_on":true}"#
    );
    let mut fields: Vec<String> = server.run(&["HKEYS", "hoist:{ff}"]);
    fields.sort();
    let expected = [
        "actor",
        "applied_at",
        "buckets",
        "commit",
        "digest",
        "generation",
        "lineage",
        "prefix",
        "rolled_back",
        "version",
    ];
    assert_eq!(fields, expected);
    let removed: String = server.run(&["HGET", "hoist:{ff}:removed", "b"]);
    assert_eq!(removed, r#"{"generation":2,"at":1700000000.25}"#);
    let at: String = server.run(&["HGET", "hoist:{ff}", "applied_at"]);
    assert_eq!(at, "1700000000.25");
}

#[test]
fn a_field_that_a_later_commit_does_not_know_is_cleared() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("a", "1")]);
    let mut next = commit(&store.read().expect("a read"), vec![update("a", "1", "2")]);
    next.about.actor = None;
    store.commit(&next).expect("a commit");
    let actor: Option<String> = server.run(&["HGET", "hoist:{ff}", "actor"]);
    assert_eq!(actor, None);
}

#[test]
fn listeners_hear_of_each_commit() {
    let server = RedisServer::start();
    let mut connection = server.connect();
    let mut listener = connection.as_pubsub();
    listener
        .subscribe("hoist:{ff}:changes")
        .expect("a subscription");
    let timeout = std::time::Duration::from_secs(10);
    listener.set_read_timeout(Some(timeout)).expect("a timeout");
    let mut store = store(&server.unix_url());
    let adopted = write("c", Expect::Absent, RecordWrite::Keep, SpecWrite::Remove);
    apply(
        &mut *store,
        vec![create("a", "1"), create("b", "1"), adopted],
    );
    apply(&mut *store, vec![delete("b", "1")]);
    let mut hear = || -> String {
        let message = listener.get_message().expect("a message");
        message.get_payload().expect("text")
    };
    assert_eq!(hear(), r#"{"generation":1,"keys":["a","b"]}"#);
    assert_eq!(hear(), r#"{"generation":2,"keys":["b"]}"#);
}

#[test]
fn keys_that_are_no_flags_are_left_out() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("a", "1")]);
    let not_text: &[u8] = b"ff:\xff\xfe";
    let mut connection = server.connect();
    let set = redis::cmd("SET")
        .arg(not_text)
        .arg("1")
        .exec(&mut connection);
    set.expect("a key that is not text");
    server.run::<()>(&["HSET", "hoist:{ff}:removed", "bad", "not JSON"]);
    server.run::<()>(&["SET", "ff:users:1", "1"]);
    server.run::<()>(&["HSET", "hoist:{ff}:stops", "bad", "not JSON"]);
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.records.keys().collect::<Vec<_>>(), ["a"]);
    assert!(snapshot.removed.is_empty());
    // A stop that nobody can read is a stop all the same.
    assert_eq!(snapshot.stops.get("bad"), Some(&Stop::default()));
}

#[test]
fn databases_are_apart() {
    let server = RedisServer::start();
    let mut one = store(&format!("{}/1", server.tcp_url()));
    let mut two = store(&format!("{}?db=2", server.unix_url()));
    apply(&mut *one, vec![create("a", "1")]);
    assert_eq!(two.read().expect("a read").generation, 0);
    apply(&mut *two, vec![create("b", "1")]);
    assert_eq!(one.read().expect("a read").records.len(), 1);
    assert_nothing_written(&server);
}

#[test]
fn users_log_in_by_name() {
    let server = RedisServer::start();
    server.run::<()>(&[
        "ACL",
        "SETUSER",
        "ada",
        "on",
        ">p@ss/word",
        "~*",
        "&*",
        "+@all",
    ]);
    server.run::<()>(&["ACL", "SETUSER", "default", "-@all", "+acl"]);
    let port = server.port;
    let socket = server.socket();
    for url in [
        format!("redis://ada:p%40ss%2Fword@127.0.0.1:{port}"),
        format!(
            "redis+unix://{}?user=ada&pass=p%40ss%2Fword",
            socket.display()
        ),
    ] {
        assert!(store(&url).read().is_ok(), "{url}");
    }
}

#[test]
fn a_few_flags_take_a_round_trip_or_two() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port, None);
    let mut store = store(&proxy.url());
    let flags: Vec<String> = (0..3000).map(|n| format!("flag{n}")).collect();
    let all = flags.iter().map(|flag| create(flag, "1"));
    apply(&mut *store, all.collect());
    for (named, round_trips) in [
        (&["flag7", "flag2999"][..], 1),
        (&["flag7", "nowhere"], 2),
        (&[], 1),
    ] {
        let before = proxy.exchanges();
        store.read_flags(named).expect("a read");
        assert_eq!(proxy.exchanges() - before, round_trips, "{named:?}");
    }
}

#[test]
fn a_small_commit_takes_two_round_trips() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port, None);
    let mut store = store(&proxy.url());
    let on = store.read().expect("a read");
    let next = commit(&on, vec![create("a", "1"), create("b", "1")]);
    let before = proxy.exchanges();
    store.commit(&next).expect("a commit");
    assert_eq!(proxy.exchanges() - before, 2);
}
