//! Commits that are waited for until they are safe.

use std::thread;
use std::time::Duration;

use hoist::store::{Error, Options, open};

use super::{FLAGS, count, within, words};
use crate::support::cluster::{Cluster, wait_until};
use crate::support::program::Project;
use crate::support::proxy::{Fault, Proxy};
use crate::support::redis::RedisServer;

fn replicated(replicas: usize) -> Vec<RedisServer> {
    let primary = RedisServer::with(&["repl-diskless-sync-delay 0"]);
    let follow = format!("replicaof 127.0.0.1 {}", primary.port);
    let replicas = (0..replicas).map(|_| RedisServer::with(&[&follow]));
    let servers: Vec<RedisServer> = std::iter::once(primary)
        .chain(replicas.collect::<Vec<_>>())
        .collect();
    wait_until("the replicas follow", || {
        let state: String = servers[0].run(&["INFO", "replication"]);
        state.matches("state=online").count() == servers.len() - 1
    });
    let having = || servers[0].run::<usize>(&["WAIT", &servers.len().to_string(), "50"]);
    wait_until("the replicas answer", || having() == servers.len() - 1);
    servers
}

fn waiting(replicas: usize, millis: u64) -> Options {
    Options {
        wait_replicas: replicas,
        ..within(millis)
    }
}

#[test]
fn a_commit_says_how_many_replicas_have_it() {
    let servers = replicated(2);
    let mut store = open(&servers[0].tcp_url(), "{ff}", &waiting(1, 10_000)).expect("a fine URL");
    assert_eq!(store.replicas(), None);
    count(&mut *store).expect("a commit");
    let having = store.replicas().expect("a number");
    assert!((1..=2).contains(&having), "{having}");
    let mut unasked = open(&servers[0].tcp_url(), "{ff}", &within(10_000)).expect("a fine URL");
    count(&mut *unasked).expect("a commit");
    assert_eq!(unasked.replicas(), None);
}

#[test]
fn a_commit_that_too_few_replicas_have_is_in_all_the_same() {
    let servers = replicated(1);
    let mut store = open(&servers[0].tcp_url(), "{ff}", &waiting(2, 1000)).expect("a fine URL");
    let error = count(&mut *store).expect_err("too few");
    assert!(matches!(error, Error::Replication { .. }), "{error:?}");
    assert_eq!(error.committed(), Some(1));
    let words = words(&error);
    for expected in [
        "committed to redis://",
        "as generation 1",
        "not known to be on 2 replicas: 1 has it after 1 s",
    ] {
        assert!(words.contains(expected), "{words}");
    }
    assert_eq!(store.read().expect("a read").generation, 1);
}

#[test]
fn a_connection_that_breaks_while_waiting_leaves_the_commit_in() {
    let server = RedisServer::start();
    for (generation, fault) in [(1, Fault::Lose), (2, Fault::LoseAnswer)] {
        let proxy = Proxy::start(server.port, Some((fault, "WAIT")));
        let mut store = open(&proxy.url(), "{ff}", &waiting(1, 500)).expect("a fine URL");
        let error = count(&mut *store).expect_err("a lost connection");
        assert_eq!(error.committed(), Some(generation), "{error:?}");
    }
}

#[test]
fn a_commit_whose_answer_was_lost_is_waited_for_as_well() {
    let servers = replicated(1);
    let fault = Some((Fault::LoseAnswer, "applied_at"));
    let proxy = Proxy::start(servers[0].port, fault);
    let mut store = open(&proxy.url(), "{ff}", &waiting(1, 10_000)).expect("a fine URL");
    assert_eq!(count(&mut *store).expect("a commit"), Some(1));
    assert_eq!(store.replicas(), Some(1));
}

#[test]
fn a_cluster_has_replicas_to_wait_for() {
    let cluster = Cluster::shared();
    let url = cluster.url(&[0]);
    let mut store = open(&url, "{ff}", &waiting(1, 10_000)).expect("a fine URL");
    count(&mut *store).expect("a commit");
    assert_eq!(store.replicas(), Some(1));
}

#[test]
fn the_program_tells_what_is_safe_and_what_is_in() {
    let servers = replicated(1);
    let url = servers[0].tcp_url();
    let project = Project::with_flags(FLAGS);
    let run = project.expect(0, &["apply", "--store", &url, "--wait-replicas", "1"]);
    assert!(
        run.stdout
            .ends_with("Applied as generation 1, on 1 replica.\n"),
        "{run:#?}"
    );

    project.write("flags/flags.yaml", FLAGS.replace("10", "20"));
    let asked = [
        "apply",
        "--store",
        &url,
        "--wait-replicas",
        "2",
        "--timeout",
        "1",
    ];
    let run = project.expect(2, &asked);
    assert!(
        run.stdout.ends_with("Applied as generation 2.\n"),
        "{run:#?}"
    );
    assert!(run.stderr.contains("committed to redis://"), "{run:#?}");
    assert!(run.stderr.contains("1 has it after 1 s"), "{run:#?}");
    // Where nothing is to be written, there is nothing to wait for.
    project.expect(0, &asked);

    project.write("flags/flags.yaml", FLAGS.replace("10", "30"));
    let json = [&asked[..], &["--format", "json"]].concat();
    let run = project.expect(2, &json);
    assert_eq!(run.json()["applied"], true);
    assert_eq!(run.json()["generation"], 3);

    project.write("flags/flags.yaml", FLAGS.replace("10", "40"));
    project.write(
        "hoist.toml",
        format!("[environments.a]\nstore = '{url}'\nwait_replicas = 1\n"),
    );
    let run = project.expect(0, &["apply", "--format", "json"]);
    assert_eq!(run.json()["replicas"], 1);
    project.write("flags/flags.yaml", FLAGS.replace("10", "50"));
    let run = project.expect(0, &["apply", "--wait-replicas", "0", "--format", "json"]);
    assert_eq!(run.json().get("replicas"), None);
}

#[test]
fn whatever_commits_can_be_waited_for() {
    let servers = replicated(1);
    let url = servers[0].tcp_url();
    let project = Project::with_flags(FLAGS);
    project.expect(0, &["apply", "--store", &url]);
    project.write("flags/flags.yaml", FLAGS.replace("10", "20"));
    project.expect(0, &["apply", "--store", &url]);
    let calls: [&[&str]; 3] = [
        &["rollback", "1"],
        &["kill", "search", "--reason", "r"],
        &["restore", "search"],
    ];
    for call in calls {
        let asked = ["--store", &url, "--wait-replicas", "1"];
        let run = project.expect(0, &[call, &asked].concat());
        assert!(run.stdout.contains("on 1 replica."), "{run:#?}");
    }
    let asked = ["--store", &url, "--wait-replicas", "2", "--timeout", "0.5"];
    for call in &calls[1..] {
        let run = project.expect(2, &[*call, &asked].concat());
        assert!(run.stderr.contains("error: committed to"), "{run:#?}");
        // What was done is told all the same.
        assert!(run.stdout.contains("search"), "{run:#?}");
    }
}

#[test]
fn a_file_has_no_replicas() {
    let project = Project::with_flags(FLAGS);
    let run = project.expect(2, &["apply", "--wait-replicas", "1"]);
    assert!(run.stderr.contains("has no replicas"), "{run:#?}");
    assert!(!project.path(".hoist/flags.db").exists());
}

/// A file survives the death of the program at any moment; what it reported as applied is there.
#[test]
fn a_file_survives_kill_nine() {
    let project = Project::with_flags(FLAGS);
    project.expect(0, &["apply"]);
    let generation = |project: &Project| {
        let plan = project.expect(0, &["plan", "--format", "json"]).json();
        plan["store"]["generation"].as_u64().expect("a generation")
    };
    let mut applied = 1;
    for n in 0..30_u64 {
        let share = format!("{}", n % 90 + 1);
        project.write("flags/flags.yaml", FLAGS.replace("10", &share));
        let mut child = project
            .command(&["apply", "-q"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("hoist to run");
        thread::sleep(Duration::from_millis(4 * n));
        let _ = child.kill();
        let output = child.wait_with_output().expect("an end");
        let before = applied;
        applied = generation(&project);
        assert!(
            applied == before || applied == before + 1,
            "{before} {applied}"
        );
        if String::from_utf8_lossy(&output.stdout).contains("Applied as") {
            assert_eq!(applied, before + 1);
        }
    }
    let database = rusqlite::Connection::open(project.path(".hoist/flags.db")).expect("a file");
    let sound: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(sound, "ok");
    let entries: i64 = database
        .query_row("SELECT count(*) FROM history", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(entries, applied as i64);
}
