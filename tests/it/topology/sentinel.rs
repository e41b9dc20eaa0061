//! A primary that sentinels know: found, checked, and found again.

use std::thread;

use hoist::store::{Error, Outcome, open};

use super::{FLAGS, assert_whole, count, read_error, store, within, words};
use crate::support::cluster::wait_until;
use crate::support::commits::{commit, create};
use crate::support::program::Project;
use crate::support::proxy::{Fault, Proxy};
use crate::support::redis::RedisServer;
use crate::support::sentinel::{FakeSentinel, Watched, url};

macro_rules! assert_error {
    ($error:expr, $pattern:pat, $($word:expr),+ $(,)?) => {
        let error: Error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
        let words = words(&error);
        $(assert!(words.contains($word), "no `{}` in: {words}", $word);)+
    };
}

/// A primary, and a replica that has all of it.
fn pair() -> [RedisServer; 2] {
    let primary = RedisServer::with(&["repl-diskless-sync-delay 0"]);
    let follow = format!("replicaof 127.0.0.1 {}", primary.port);
    let replica = RedisServer::with(&[&follow]);
    wait_until("the replica follows", || {
        let state: String = replica.run(&["INFO", "replication"]);
        state.contains("master_link_status:up")
    });
    [primary, replica]
}

/// Waits until a replica has what its primary has.
fn settle(pair: &[RedisServer; 2]) {
    let offset = |server: &RedisServer| {
        let state: String = server.run(&["INFO", "replication"]);
        let line = state
            .lines()
            .find(|line| line.starts_with("master_repl_offset:"));
        line.map(str::to_owned)
    };
    wait_until("the replica has it all", || {
        offset(&pair[0]) == offset(&pair[1])
    });
}

#[test]
fn the_program_finds_the_primary() {
    let project = Project::with_flags(FLAGS);
    let url = Watched::shared().url() + "/1";
    project.expect(0, &["apply", "--store", &url]);
    let run = project.expect(0, &["plan", "--store", &url, "--exit-code"]);
    assert!(run.stdout.contains(&url), "{run:#?}");
}

#[test]
fn the_program_says_what_it_waits_for() {
    let server = RedisServer::start();
    // Nobody listens at port 1.
    let mut named = vec![1; 12];
    named.push(server.port);
    let project = Project::with_flags(FLAGS);
    let apply = |quiet: &[&str]| {
        let sentinel = FakeSentinel::start(&named);
        let url = sentinel.url();
        let run = project.expect(0, &[&["apply", "--store", &url], quiet].concat());
        run.stderr
            .matches("waiting: cannot connect to redis+sentinel://")
            .count()
    };
    assert_eq!(apply(&[]), 1);
    assert_eq!(apply(&["-q"]), 0);
}

#[test]
fn a_name_that_is_wrong_is_told_the_right_one() {
    let url = Watched::shared().url().replace("mymaster", "mymastr");
    assert_error!(
        read_error(&url),
        Error::Misfit { .. },
        "no primary named `mymastr`",
        "it knows `mymaster`",
    );
}

#[test]
fn no_sentinel_there_names_each() {
    assert_error!(
        read_error("redis+sentinel://127.0.0.1:1,[::1]:1/mymaster"),
        Error::Unreachable { .. },
        "127.0.0.1:1: ",
        "[::1]:1: ",
    );
}

#[test]
fn servers_and_sentinels_are_not_mistaken_for_each_other() {
    let watched = Watched::shared();
    let server = &watched.servers[0];
    assert_error!(
        read_error(&url(&[server.port])),
        Error::Misfit { .. },
        "no Sentinel",
        "26379",
    );
    let sentinel = format!("redis://127.0.0.1:{}", watched.sentinels[0].port);
    assert_error!(
        read_error(&sentinel),
        Error::Misfit { .. },
        "a Sentinel answers there",
        "redis+sentinel://",
    );
}

#[test]
fn a_primary_that_is_gone_is_named() {
    let mut server = RedisServer::start();
    let sentinel = FakeSentinel::start(&[server.port]);
    server.kill();
    let node = format!("node 127.0.0.1:{}", server.port);
    assert_error!(
        read_error(&sentinel.url()),
        Error::Unreachable { .. },
        &node
    );
}

#[test]
fn a_replica_is_not_taken_for_the_primary() {
    let [primary, replica] = pair();
    let wrong = FakeSentinel::start(&[replica.port]);
    assert_error!(
        read_error(&wrong.url()),
        Error::ReadOnly { .. },
        "it is a replica"
    );
    // Another sentinel may know better, and so may the same one a little later.
    let right = FakeSentinel::start(&[primary.port]);
    let mut store_of_two = store(&url(&[wrong.port, right.port]));
    count(&mut *store_of_two).expect("a commit");
    let late = FakeSentinel::start(&[replica.port, replica.port, primary.port]);
    count(&mut *store(&late.url())).expect("a commit");
    assert_whole(&mut *store_of_two, 2);
}

#[test]
fn sentinels_have_passwords_of_their_own() {
    let server = RedisServer::with(&["requirepass of-the-server"]);
    let monitor = format!("sentinel monitor mymaster 127.0.0.1 {} 1", server.port);
    let sentinel = RedisServer::sentinel(&[
        &monitor,
        "sentinel auth-pass mymaster of-the-server",
        "requirepass of-the-sentinel",
    ]);
    let url = |login: &str, query: &str| {
        let port = sentinel.port;
        format!("redis+sentinel://{login}127.0.0.1:{port}/mymaster{query}")
    };
    let right = url(":of-the-server@", "?sentinel_pass=of-the-sentinel");
    count(&mut *store(&right)).expect("a commit");
    for wrong in [
        url(":of-the-server@", ""),
        url(":of-the-server@", "?sentinel_pass=of-the-server"),
        url(":of-the-sentinel@", "?sentinel_pass=of-the-sentinel"),
        url("", "?sentinel_pass=of-the-sentinel"),
    ] {
        let error = read_error(&wrong);
        let words = words(&error);
        assert!(matches!(error, Error::Login { .. }), "{error:?}");
        assert!(!words.contains("of-the-s"), "{words}");
    }
    assert_error!(
        read_error(&url(":of-the-server@", "")),
        Error::Login { .. },
        "sentinel_pass"
    );
}

#[test]
fn a_role_that_changed_is_noticed() {
    let servers = pair();
    let [former, next] = &servers;
    let sentinel = FakeSentinel::start(&[former.port]);
    let mut store = store(&sentinel.url());
    count(&mut *store).expect("a commit");
    let on = store.read().expect("a read");
    settle(&servers);
    let turn = |from: &RedisServer, to: &RedisServer| {
        to.run::<()>(&["REPLICAOF", "NO", "ONE"]);
        sentinel.name(to.port);
        from.run::<()>(&["REPLICAOF", "127.0.0.1", &to.port.to_string()]);
    };
    // The connection leads to a server that takes no writes any more, and a commit finds that out.
    turn(former, next);
    let update = |before: &str, after: &str| {
        ["a", "b"].map(|flag| crate::support::commits::update(flag, before, after))
    };
    let outcome = store.commit(&commit(&on, update("1", "2").into()));
    assert_eq!(
        outcome.expect("a commit"),
        Outcome::Committed { generation: 2 }
    );
    // A read does, too: what a replica has may be old.
    wait_until("the former primary follows", || {
        let state: String = former.run(&["INFO", "replication"]);
        state.contains("master_link_status:up")
    });
    turn(next, former);
    next.run::<()>(&["REPLICAOF", "NO", "ONE"]);
    next.run::<()>(&["SET", "{ff}:a", "old"]);
    next.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_whole(&mut *store, 2);
    assert_eq!(count(&mut *store).expect("a commit"), Some(3));
}

/// A word that is first on the wire when a commit is being written.
const WRITING: &str = "applied_at";

/// Commits through a proxy that breaks down once the commit is on its way, with a sentinel that names
/// the server behind the proxy again.
fn commit_with(fault: Fault) -> RedisServer {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port, Some((fault, WRITING)));
    let sentinel = FakeSentinel::start(&[proxy.port]);
    let mut store = store(&sentinel.url());
    let counted = count(&mut *store).expect("a commit");
    assert_eq!(counted, Some(1), "{fault:?}");
    assert_whole(&mut *store, 1);
    server
}

#[test]
fn a_commit_that_got_lost_is_made_again_and_only_once() {
    for fault in [Fault::Lose, Fault::LoseAnswer, Fault::DeliverLate] {
        let server = commit_with(fault);
        thread::sleep(2 * Proxy::LATE);
        let entries: usize = server.run(&["XLEN", "hoist:{ff}:history"]);
        assert_eq!(entries, 1, "{fault:?}");
    }
}

/// The answer to a commit is lost with the primary, and its replica takes over, which has the commit or
/// has not.
fn taken_over(replica_has_it: bool) {
    let mut servers = pair();
    if !replica_has_it {
        servers[1].run::<()>(&["REPLICAOF", "NO", "ONE"]);
    }
    let proxy = Proxy::start(servers[0].port, Some((Fault::LoseAnswer, WRITING)));
    let sentinel = FakeSentinel::start(&[proxy.port, servers[1].port]);
    let mut store = store(&sentinel.url());
    let on = store.read().expect("a read");
    let next = commit(&on, vec![create("a", "1"), create("b", "1")]);
    let outcome = thread::scope(|scope| {
        let committing = scope.spawn(|| store.commit(&next));
        wait_until("the commit is on the primary", || {
            servers[0].run::<usize>(&["EXISTS", "{ff}:a"]) == 1
        });
        if replica_has_it {
            settle(&servers);
        }
        servers[1].run::<()>(&["REPLICAOF", "NO", "ONE"]);
        committing.join().expect("a thread")
    });
    servers[0].kill();
    assert_eq!(
        outcome.expect("a commit"),
        Outcome::Committed { generation: 1 }
    );
    assert_whole(&mut *store, 1);
    // The fence stands on the new primary.
    let fence: Option<String> = servers[1].run(&["HGET", "hoist:{ff}", "fence"]);
    assert!(fence.is_some());
}

#[test]
fn a_commit_whose_answer_was_lost_is_recognised_on_the_new_primary() {
    taken_over(true);
}

#[test]
fn a_commit_that_went_down_with_the_primary_is_made_again_on_the_new_one() {
    taken_over(false);
}

#[test]
fn an_outcome_that_stays_unknown_is_said_to_be() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port, Some((Fault::LoseAnswer, WRITING)));
    // After the first time nobody is named any more who is there.
    let sentinel = FakeSentinel::start(&[proxy.port, 1]);
    let mut store = open(&sentinel.url(), "{ff}", &within(1500)).expect("a fine URL");
    let on = store.read().expect("a read");
    let next = commit(&on, vec![create("a", "1")]);
    let error = store.commit(&next).expect_err("an unknown outcome");
    assert_error!(error, Error::OutcomeUnknown { .. }, &next.id);
}

#[test]
fn a_server_that_is_still_loading_is_waited_for() {
    let mut server = RedisServer::with(&[
        "rdbcompression no",
        "key-load-delay 20000",
        "loading-process-events-interval-bytes 1024",
    ]);
    count(&mut *store(&server.tcp_url())).expect("a commit");
    for n in 0..30 {
        server.run::<()>(&["SET", &format!("other{n}"), &"x".repeat(2000)]);
    }
    server.run::<()>(&["SAVE"]);
    let sentinel = FakeSentinel::start(&[server.port]);
    for url in [server.tcp_url(), sentinel.url()] {
        server.kill();
        server.begin_again();
        assert_error!(read_error(&url), Error::Loading { .. }, "still loading");
        count(&mut *store(&url)).expect("a commit");
        server.run::<()>(&["SAVE"]);
    }
    assert_whole(&mut *store(&server.tcp_url()), 3);
}
