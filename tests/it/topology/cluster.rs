//! A prefix in a cluster: found, followed when it moves, and waited for while it does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hoist::store::rights::{ON_A_CLUSTER, Role, WITH_REPLICAS, allowing};
use hoist::store::{Error, Options, open};

use super::{FLAGS, assert_whole, count, read_error, store, within, words};
use crate::support::cluster::{Cluster, Plan, wait_until};
use crate::support::commits::{apply, commit, create, update};
use crate::support::program::Project;
use crate::support::redis::RedisServer;

macro_rules! assert_error {
    ($error:expr, $pattern:pat, $($word:expr),+ $(,)?) => {
        let error: Error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
        let words = words(&error);
        $(assert!(words.contains($word), "no `{}` in: {words}", $word);)+
    };
}

#[test]
fn every_node_leads_to_the_one_that_has_the_prefix() {
    let cluster = Cluster::shared();
    let prefix = "{every node}";
    for n in 0..cluster.nodes.len() {
        let dead = cluster.url(&[n]).replace("//", "//127.0.0.1:1,");
        for url in [cluster.url(&[n]), cluster.url(&[n, 0, 1]), dead] {
            let mut store = open(&url, prefix, &within(10_000)).expect("a fine URL");
            assert_eq!(
                count(&mut *store).map(|done| done.is_some()).ok(),
                Some(true)
            );
        }
    }
    let mut store = open(&cluster.url(&[0]), prefix, &within(10_000)).expect("a fine URL");
    assert_whole(&mut *store, 12);
}

#[test]
fn a_prefix_that_is_no_hash_tag_is_refused() {
    let cluster = Cluster::shared();
    let refused = |url: &str| {
        let error = match open(url, "ff", &within(10_000)) {
            Ok(mut store) => store.read().expect_err("no store for this prefix"),
            Err(error) => error,
        };
        assert_error!(error, Error::HashTag { .. }, "prefix = \"{ff}\"", "`ff`");
    };
    refused(&cluster.url(&[0, 1]));
    for node in &cluster.nodes {
        refused(&node.tcp_url());
        refused(&node.unix_url());
    }
    let project = Project::with_flags(FLAGS);
    let run = project.expect(2, &["apply", "--store", &cluster.url(&[0])]);
    assert!(run.stderr.contains("set `prefix = \"{ff}\"`"), "{run:#?}");
}

#[test]
fn a_node_by_itself_is_enough_only_if_it_has_the_prefix() {
    let cluster = Cluster::shared();
    let prefix = "{by itself}";
    let owner = cluster.owner(prefix);
    for (n, node) in cluster.nodes.iter().enumerate() {
        let mut store = open(&node.tcp_url(), prefix, &within(10_000)).expect("a fine URL");
        if n == owner {
            apply(&mut *store, vec![create("a", "1")]);
        } else {
            let error = store.read().expect_err("another node's keys");
            assert_error!(error, Error::Cluster { .. }, "MOVED", "redis+cluster://");
        }
    }
}

#[test]
fn the_rights_that_are_listed_suffice() {
    let cluster = Cluster::shared();
    let rules = Role::Sync.rules("{least}").expect("a fine prefix");
    let besides = [&ON_A_CLUSTER[..], &WITH_REPLICAS].concat();
    let rules = format!("{rules} {}", allowing(&besides));
    let make_user = |lacking: &str| {
        let start = "ACL SETUSER least reset on >pw".split(' ');
        let rule = start
            .chain(rules.split(' '))
            .chain(lacking.split_whitespace());
        let rule: Vec<&str> = rule.collect();
        for node in &cluster.nodes {
            node.run::<()>(&rule);
        }
    };
    // Only where it has a replica can it be waited for.
    let replicas = usize::from(cluster.owner("{least}") == cluster.owner("{ff}"));
    let store = || {
        let url = cluster.url(&[0]).replace("//", "//least:pw@");
        let options = Options {
            wait_replicas: replicas,
            ..within(10_000)
        };
        open(&url, "{least}", &options).expect("a fine URL")
    };
    make_user("");
    count(&mut *store()).expect("a commit");
    let large = (0..600).map(|n| create(&format!("flag{n}"), "1"));
    apply(&mut *store(), large.collect());
    assert_eq!(store().history(10).expect("a history").len(), 2);
    for command in ON_A_CLUSTER {
        make_user(&format!("-{command}"));
        let error = store().read().expect_err(command);
        assert_error!(
            error,
            Error::NoPermission { .. },
            "+cluster|nodes +cluster|slots"
        );
    }
}

#[test]
fn what_is_no_cluster_is_told_so() {
    let server = RedisServer::start();
    let url = server.tcp_url().replace("redis:", "redis+cluster:");
    assert_error!(
        read_error(&url),
        Error::Misfit { .. },
        "no node of a cluster",
        "redis://HOST:PORT"
    );
}

#[test]
fn nobody_there_names_every_node() {
    assert_error!(
        read_error("redis+cluster://127.0.0.1:1,[::1]:1"),
        Error::Unreachable { .. },
        "127.0.0.1:1: ",
        "[::1]:1: ",
    );
}

#[test]
fn a_slot_that_nobody_has_is_waited_for() {
    let cluster = Cluster::start(Plan {
        primaries: 1,
        ..Plan::default()
    });
    let node = &cluster.nodes[0];
    let slot: u16 = node.run(&["CLUSTER", "KEYSLOT", "{ff}"]);
    node.run::<()>(&["CLUSTER", "DELSLOTS", &slot.to_string()]);
    let url = cluster.url(&[0]);
    let reason = format!("no node has slot {slot}");
    assert_error!(
        read_error(&url),
        Error::Unserved { .. },
        &reason,
        "--timeout"
    );
    thread::scope(|scope| {
        let counted = scope.spawn(|| count(&mut *store(&url)));
        thread::sleep(Duration::from_millis(300));
        node.run::<()>(&["CLUSTER", "ADDSLOTS", &slot.to_string()]);
        let counted = counted.join().expect("a thread");
        assert_eq!(counted.expect("a commit"), Some(1));
    });
}

/// The slot of `{ff}` on its way from one node to another.
struct Move<'c> {
    cluster: &'c Cluster,
    slot: String,
    ids: [String; 2],
    nodes: [usize; 2],
}

impl<'c> Move<'c> {
    fn begin(cluster: &'c Cluster) -> Self {
        let from = cluster.owner("{ff}");
        let nodes = [from, (from + 1) % 2];
        let slot: u16 = cluster.nodes[from].run(&["CLUSTER", "KEYSLOT", "{ff}"]);
        let this = Self {
            slot: slot.to_string(),
            ids: nodes.map(|n| cluster.nodes[n].run(&["CLUSTER", "MYID"])),
            nodes,
            cluster,
        };
        let [from, to] = nodes.map(|n| &cluster.nodes[n]);
        to.run::<()>(&["CLUSTER", "SETSLOT", &this.slot, "IMPORTING", &this.ids[0]]);
        from.run::<()>(&["CLUSTER", "SETSLOT", &this.slot, "MIGRATING", &this.ids[1]]);
        this
    }

    /// Moves these keys.
    fn keys(&self, keys: &[&str]) {
        let [from, to] = self.nodes.map(|n| &self.cluster.nodes[n]);
        let port = to.port.to_string();
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        words.extend(keys);
        from.run::<()>(&words);
    }

    /// Moves whatever is left, and says that the slot has moved.
    fn finish(self) {
        let [from, to] = self.nodes.map(|n| &self.cluster.nodes[n]);
        let left: Vec<String> = from.run(&["CLUSTER", "GETKEYSINSLOT", &self.slot, "1000"]);
        if !left.is_empty() {
            self.keys(&left.iter().map(String::as_str).collect::<Vec<_>>());
        }
        for node in [to, from] {
            node.run::<()>(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.ids[1]]);
        }
        // A next move before all have heard of this one might confuse them.
        wait_until("the nodes agree", || {
            let views = [to, from].map(|node| {
                let nodes: String = node.run(&["CLUSTER", "NODES"]);
                let mut view: Vec<String> = nodes.lines().map(id_epoch_and_slots).collect();
                view.sort();
                view
            });
            views[0] == views[1]
        });
    }
}

fn id_epoch_and_slots(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    [&words[..1], &words[6..7], &words[8..]].concat().join(" ")
}

fn two_nodes() -> Cluster {
    Cluster::start(Plan {
        primaries: 2,
        ..Plan::default()
    })
}

#[test]
fn a_slot_on_two_nodes_is_neither_read_nor_written_until_it_is_on_one() {
    let cluster = two_nodes();
    let url = cluster.url(&[0, 1]);
    let mut patient = store(&url);
    count(&mut *patient).expect("a commit");
    let stale = patient.read().expect("a read");

    let moving = Move::begin(&cluster);
    // At first nothing has moved, then a record, then the bookkeeping.
    for keys in [&[][..], &["{ff}:a"], &["hoist:{ff}", "hoist:{ff}:history"]] {
        if !keys.is_empty() {
            moving.keys(keys);
        }
        assert_error!(
            read_error(&url),
            Error::Unserved { .. },
            "is being moved",
            "nothing was written",
        );
        let mut hasty = open(&url, "{ff}", &within(400)).expect("a fine URL");
        let next = commit(&stale, vec![update("a", "1", "9"), create("new", "9")]);
        assert_error!(
            hasty.commit(&next).expect_err("a slot on two nodes"),
            Error::Unserved { .. },
            "nothing was written",
        );
    }
    thread::scope(|scope| {
        let counted = scope.spawn(|| count(&mut *patient).expect("a commit"));
        thread::sleep(Duration::from_millis(300));
        assert!(!counted.is_finished());
        moving.finish();
        assert_eq!(counted.join().expect("a thread"), Some(2));
    });
    assert_whole(&mut *store(&url), 2);
}

#[test]
fn a_slot_that_moved_is_followed() {
    let cluster = two_nodes();
    let mut store = store(&cluster.url(&[0]));
    count(&mut *store).expect("a commit");
    for generation in 2..=5 {
        let on = store.read().expect("a read");
        Move::begin(&cluster).finish();
        // The connection still leads to the node that the slot has left.
        let next = commit(
            &on,
            ["a", "b"]
                .map(|flag| update(flag, &(generation - 1).to_string(), &generation.to_string()))
                .into(),
        );
        store.commit(&next).expect("a commit");
        Move::begin(&cluster).finish();
        assert_whole(&mut *store, generation);
    }
}

#[test]
fn commits_go_on_while_a_slot_moves_to_and_fro() {
    let cluster = two_nodes();
    let url = cluster.url(&[0, 1]);
    let done = AtomicBool::new(false);
    let counted = thread::scope(|scope| {
        let counting = scope.spawn(|| {
            let mut store = store(&url);
            let mut last = 0;
            while !done.load(Ordering::SeqCst) || last < 20 {
                last = count(&mut *store).expect("a commit").unwrap_or(last);
            }
            last
        });
        for _ in 0..10 {
            wait_until("there is something to move", || {
                cluster.run::<usize>(&["EXISTS", "{ff}:a"]) == 1
            });
            let moving = Move::begin(&cluster);
            moving.keys(&["{ff}:a", "hoist:{ff}:specs"]);
            thread::sleep(Duration::from_millis(30));
            moving.finish();
            thread::sleep(Duration::from_millis(30));
        }
        done.store(true, Ordering::SeqCst);
        counting.join().expect("a thread")
    });
    assert_whole(&mut *store(&url), counted);
}
