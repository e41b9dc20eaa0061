//! A real Redis Cluster.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use redis::{FromRedisValue, RedisError};

use super::redis::{FREE_PORT, RedisServer, stop_at_exit};

const SLOTS: usize = 16_384;

/// How a cluster is to be.
#[derive(Clone, Copy)]
pub struct Plan<'c> {
    pub primaries: usize,
    /// How many replicas the node with the slot of `{ff}` has.
    pub replicas: usize,
    /// Milliseconds after which a node counts as gone.
    pub node_timeout: u32,
    pub configuration: &'c [&'c str],
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            primaries: 3,
            replicas: 0,
            node_timeout: 30_000,
            configuration: &[],
        }
    }
}

/// Primaries, and behind them replicas of the one that has the slot of `{ff}`.
pub struct Cluster {
    pub nodes: Vec<RedisServer>,
}

impl Cluster {
    pub fn start(plan: Plan<'_>) -> Self {
        let timeout = format!("cluster-node-timeout {}", plan.node_timeout);
        let bus = format!("cluster-port {FREE_PORT}");
        let mut lines = vec![
            "cluster-enabled yes",
            &timeout,
            &bus,
            "cluster-replica-validity-factor 0",
            "repl-diskless-sync-delay 0",
        ];
        lines.extend(plan.configuration);
        let nodes = (0..plan.primaries + plan.replicas).map(|_| RedisServer::with(&lines));
        let cluster = Self {
            nodes: nodes.collect(),
        };
        cluster.join(plan.primaries);
        cluster
    }

    /// One that tests share as long as they leave nodes and slots as they are.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| {
            let cluster = Self::start(Plan {
                replicas: 1,
                ..Plan::default()
            });
            stop_at_exit(&cluster.nodes);
            cluster
        })
    }

    fn join(&self, primaries: usize) {
        for (n, node) in self.nodes.iter().enumerate() {
            node.run::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
            if n < primaries {
                let first = (n * SLOTS / primaries).to_string();
                let last = ((n + 1) * SLOTS / primaries - 1).to_string();
                node.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            }
        }
        for node in &self.nodes {
            for other in &self.nodes {
                let (port, bus) = (other.port.to_string(), other.configured("cluster-port "));
                node.run::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
            }
        }
        self.wait("all nodes know each other", |node| {
            let nodes: String = node.run(&["CLUSTER", "NODES"]);
            let known = nodes.lines().filter(|line| line.contains("connected"));
            known.count() == self.nodes.len() && !nodes.contains("handshake")
        });
        if primaries < self.nodes.len() {
            let owner: String = self.nodes[self.owner("{ff}")].run(&["CLUSTER", "MYID"]);
            for replica in &self.nodes[primaries..] {
                replica.run::<()>(&["CLUSTER", "REPLICATE", &owner]);
            }
        }
        self.wait_until_steady();
    }

    /// Waits until every node takes commands, and replicas follow.
    pub fn wait_until_steady(&self) {
        self.wait("all nodes are fine", |node| {
            let state: String = node.run(&["CLUSTER", "INFO"]);
            let replication: String = node.run(&["INFO", "replication"]);
            let follows = replication.contains("role:master")
                || replication.contains("master_link_status:up");
            state.contains("cluster_state:ok") && follows
        });
    }

    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&RedisServer) -> bool) {
        wait_until(what, || self.nodes.iter().all(&is_so));
    }

    /// The URL of the nodes in `order`.
    pub fn url(&self, order: &[usize]) -> String {
        let hosts: Vec<String> = order
            .iter()
            .map(|n| format!("127.0.0.1:{}", self.nodes[*n].port))
            .collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The node that has the key.
    pub fn owner(&self, key: &str) -> usize {
        let mut owner = 0;
        wait_until("a node has the slot", || {
            let has_it = |node: &RedisServer| {
                let found: Result<u32, RedisError> = try_run(node, &["EXISTS", key]);
                found.is_ok()
            };
            let found = self.nodes.iter().position(has_it);
            owner = found.unwrap_or_default();
            found.is_some()
        });
        owner
    }

    /// Runs a command where its first key is.
    pub fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.nodes[self.owner(words[1])].run(words)
    }
}

/// Runs a command past hoist, which may fail.
pub fn try_run<T: FromRedisValue>(node: &RedisServer, words: &[&str]) -> Result<T, RedisError> {
    let (name, args) = words.split_first().expect("a command");
    redis::cmd(name).arg(args).query(&mut node.try_connect()?)
}

/// Waits for something that is bound to come.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
