//! Servers that stand together.

use super::{FLAGS, World, findings};
use crate::support::cluster::{Cluster, wait_until};
use crate::support::program::Project;
use crate::support::redis::RedisServer;
use crate::support::sentinel::Watched;

#[test]
fn replicas_are_looked_at() {
    let world = World::new(&["repl-diskless-sync-delay 0"]);
    let of = |url: &str, code: i32, more: &[&str]| {
        let all = findings(&world.project, &[&["--store", url], more].concat(), code);
        let found = all.iter().find(|finding| finding["check"] == "replicas");
        let found = found.expect("a finding");
        let text = |name: &str| found[name].as_str().expect("a text").to_owned();
        (text("severity"), text("found"))
    };
    let (level, found) = of(&world.url, 0, &[]);
    assert_eq!((level.as_str(), &found[..4]), ("note", "none"));
    let (level, found) = of(&world.url, 1, &["--wait-replicas", "1"]);
    assert_eq!(level, "error");
    assert!(
        found.contains("waits for 1 replica, and 0 of them are there"),
        "{found}"
    );

    let follow = format!("replicaof 127.0.0.1 {}", world.server.port);
    let mut replica = RedisServer::with(&[&follow]);
    wait_until("it follows", || {
        let state: String = world.server.run(&["INFO", "replication"]);
        state.contains("state=online")
    });
    // To wait takes a right that this user has not.
    of(&world.url, 1, &["--wait-replicas", "1"]);
    world.run("ACL SETUSER hoist +wait");
    let (level, found) = of(&world.url, 0, &["--wait-replicas", "1"]);
    assert_eq!(
        (level.as_str(), found.as_str()),
        ("ok", "1 replica, not behind")
    );

    let all = findings(&world.project, &["--store", &replica.tcp_url()], 1);
    let server = all
        .iter()
        .find(|finding| finding["check"] == "server")
        .expect("a finding");
    assert!(
        server["found"]
            .as_str()
            .expect("a text")
            .contains("is a replica of 127.0.0.1:"),
        "{server:#?}"
    );
    let primary = world.server.port;
    replica.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let all = findings(&world.project, &["--store", &replica.tcp_url()], 1);
    let link = all
        .iter()
        .find(|finding| finding["check"] == "replicas")
        .expect("a finding");
    assert!(
        link["found"]
            .as_str()
            .expect("a text")
            .contains("has been down"),
        "{link:#?}"
    );
    replica.run::<()>(&["REPLICAOF", "127.0.0.1", &primary.to_string()]);
    replica.kill();
}

#[test]
fn behind_sentinels_and_in_a_cluster_too() {
    let project = Project::with_flags(FLAGS);
    let watched = Watched::shared();
    let url = watched.url() + "/2";
    let first = findings(&project, &["--store", &url], 1);
    let bookkeeping = first
        .iter()
        .find(|finding| finding["check"] == "bookkeeping");
    assert_eq!(
        bookkeeping.expect("a finding")["found"],
        "hoist has never written here"
    );
    let replicas = first.iter().find(|finding| finding["check"] == "replicas");
    assert_eq!(replicas.expect("a finding")["severity"], "warning");
    project.expect(0, &["apply", "-q", "--store", &url]);
    let second = findings(&project, &["--store", &url], 1);
    let bookkeeping = second
        .iter()
        .find(|finding| finding["check"] == "bookkeeping");
    assert_eq!(bookkeeping.expect("a finding")["severity"], "ok");

    let cluster = Cluster::shared();
    let url = cluster.url(&[0]);
    let found = findings(&project, &["--store", &url, "--prefix", "{doctor}"], 1);
    let server = found
        .iter()
        .find(|finding| finding["check"] == "server")
        .expect("a finding");
    let owner = &cluster.nodes[cluster.owner("{doctor}")];
    let at = format!(" at 127.0.0.1:{}, a primary", owner.port);
    assert!(
        server["found"].as_str().expect("a text").ends_with(&at),
        "{server:#?}"
    );
    assert_eq!(
        owner.run::<Vec<String>>(&["KEYS", "*{doctor}*"]),
        Vec::<String>::new()
    );
}
