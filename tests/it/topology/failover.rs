//! A primary dies, or hands over, while commits go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hoist::store::{Error, Options, Store, open};

use super::{assert_whole, count, store, within};
use crate::support::cluster::{Cluster, Plan, try_run, wait_until};
use crate::support::redis::RedisServer;
use crate::support::sentinel::Watched;

/// Counts until it is `done`, waiting for `replicas` at each commit; gives the last number of which it
/// is certain.
fn count_until(done: &AtomicBool, url: &str, replicas: usize) -> u64 {
    let options = Options {
        wait_replicas: replicas,
        ..within(30_000)
    };
    let mut store = open(url, "{ff}", &options).expect("a fine URL");
    let mut certain = 0;
    while !done.load(Ordering::SeqCst) {
        match count(&mut *store) {
            Ok(counted) => certain = counted.unwrap_or(certain),
            // It is in, and may be lost with the primary.
            Err(Error::Replication { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    certain
}

/// Counts while `happens` does; then sees that all of it is there, and counts on.
fn during(url: &str, replicas: usize, happens: impl FnOnce()) {
    let done = AtomicBool::new(false);
    let certain = thread::scope(|scope| {
        let counting = scope.spawn(|| count_until(&done, url, replicas));
        let _end = SetOnDrop(&done);
        thread::sleep(Duration::from_millis(200));
        happens();
        let seen = generation(&mut *store(url));
        wait_until("commits go on", || generation(&mut *store(url)) > seen + 5);
        done.store(true, Ordering::SeqCst);
        counting.join().expect("a thread")
    });
    assert!(certain > 5, "{certain}");
    assert_whole(&mut *store(url), certain);
}

fn generation(store: &mut dyn Store) -> u64 {
    store.read().expect("a read").generation
}

/// Lets the other thread end where this one panics.
struct SetOnDrop<'d>(&'d AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn cluster() -> Cluster {
    Cluster::start(Plan {
        replicas: 1,
        node_timeout: 1000,
        ..Plan::default()
    })
}

#[test]
fn a_cluster_whose_node_dies() {
    let mut cluster = cluster();
    let url = cluster.url(&[0, 1, 2]);
    let owner = cluster.owner("{ff}");
    let mut dying = cluster.nodes.remove(owner);
    let replica = cluster.nodes.last().expect("a replica");
    during(&url, 0, || {
        wait_for_replica(&dying);
        dying.kill();
        wait_until("the replica takes over", || {
            let role: String = replica.run(&["INFO", "replication"]);
            role.contains("role:master")
        });
    });
}

/// Waits until the replicas of a server have all of it at one moment, which it stops at.
fn wait_for_replica(server: &RedisServer) {
    server.run::<()>(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    wait_until("the replica has it all", || {
        let state: String = server.run(&["INFO", "replication"]);
        let field = |name: &str| {
            let (_, rest) = state.split_once(name)?;
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[..end].parse::<u64>().ok()
        };
        let (all, there) = (field("master_repl_offset:"), field(",offset="));
        all.is_some() && all == there
    });
}

#[test]
fn a_cluster_whose_node_hands_over() {
    let cluster = cluster();
    let url = cluster.url(&[0, 1, 2]);
    during(&url, 0, || {
        for _ in 0..2 {
            let owner = cluster.owner("{ff}");
            let replica = cluster.nodes.iter().enumerate().find(|(n, node)| {
                let role: String = node.run(&["INFO", "replication"]);
                *n != owner && role.contains("role:slave")
            });
            let (n, replica) = replica.expect("a replica");
            // The other primaries do not vote twice in a short time.
            while cluster.owner("{ff}") != n {
                replica.run::<()>(&["CLUSTER", "FAILOVER"]);
                thread::sleep(Duration::from_millis(500));
            }
            cluster.wait_until_steady();
        }
    });
}

#[test]
fn sentinels_whose_primary_dies() {
    let mut watched = Watched::start(2, 3);
    let url = watched.url();
    let mut primary = watched.servers.remove(0);
    during(&url, 1, || {
        primary.kill();
        wait_until("a replica takes over", || {
            watched.servers.iter().any(|server| {
                let role: String = server.run(&["INFO", "replication"]);
                role.contains("role:master")
            })
        });
    });
}

#[test]
fn sentinels_whose_primary_hands_over() {
    let watched = Watched::start(2, 3);
    let url = watched.url();
    let before = watched.primary();
    // What the former primary still takes is lost, even if a replica has it: not if all have.
    during(&url, 2, || {
        wait_until("the sentinels begin", || {
            try_run::<()>(&watched.sentinels[0], &["SENTINEL", "FAILOVER", "mymaster"]).is_ok()
        });
        wait_until("another takes over", || watched.primary() != before);
    });
}
