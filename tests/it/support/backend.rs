//! The kinds of store, each with a way past hoist to what it holds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use hoist::plan::Stored;
use hoist::store::memory::Memory;
use hoist::store::{Options, Store, open};
use tempfile::TempDir;

use super::cluster::Cluster;
use super::redis::RedisServer;
use super::sentinel::{Watched, url};

pub trait Backend {
    fn start() -> Self;

    fn open(&self, prefix: &str, options: &Options) -> Box<dyn Store>;

    fn store(&self) -> Box<dyn Store> {
        self.open("ff", &Options::default())
    }

    /// What a prefix is called there: servers that tests share have one of its own for each.
    fn prefix(&self, prefix: &str) -> String {
        prefix.to_owned()
    }

    /// Writes, deletes and reads a record as another program would.
    fn put(&self, prefix: &str, flag: &str, bytes: &[u8]);
    fn delete(&self, prefix: &str, flag: &str);
    fn get(&self, prefix: &str, flag: &str) -> Option<Vec<u8>>;

    /// Puts a list where a record could be; false where the store has no such thing.
    fn put_list(&self, prefix: &str, flag: &str) -> bool;
}

pub struct InMemory(Memory);

impl InMemory {
    fn environment(&self, prefix: &str) -> Memory {
        self.0
            .with_prefix(prefix, &Options::default())
            .expect("a fine prefix")
    }
}

impl Backend for InMemory {
    fn start() -> Self {
        Self(Memory::new("ff", &Options::default()).expect("a fine prefix"))
    }

    fn open(&self, prefix: &str, options: &Options) -> Box<dyn Store> {
        Box::new(self.0.with_prefix(prefix, options).expect("a fine prefix"))
    }

    fn put(&self, prefix: &str, flag: &str, bytes: &[u8]) {
        self.environment(prefix)
            .put(flag, Stored::Value(bytes.to_vec().into()));
    }

    fn delete(&self, prefix: &str, flag: &str) {
        self.environment(prefix).delete(flag);
    }

    fn get(&self, prefix: &str, flag: &str) -> Option<Vec<u8>> {
        match self.environment(prefix).get(flag)? {
            Stored::Value(bytes) => Some(bytes.into()),
            Stored::OtherType(_) => None,
        }
    }

    fn put_list(&self, prefix: &str, flag: &str) -> bool {
        let list = Stored::OtherType("list".to_owned());
        self.environment(prefix).put(flag, list);
        true
    }
}

pub struct InSqlite(TempDir);

impl InSqlite {
    pub fn path(&self) -> PathBuf {
        self.0.path().join("flags.db")
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    pub fn connect(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).expect("the database")
    }
}

impl Backend for InSqlite {
    fn start() -> Self {
        Self(tempfile::tempdir().expect("a folder for the database"))
    }

    fn open(&self, prefix: &str, options: &Options) -> Box<dyn Store> {
        let options = Options {
            base: self.folder(),
            ..options.clone()
        };
        open("sqlite:flags.db", prefix, &options).expect("a fine URL")
    }

    /// The tables are there once a store has been committed to.
    fn put(&self, prefix: &str, flag: &str, bytes: &[u8]) {
        let sql = "INSERT OR REPLACE INTO records (prefix, key, value) VALUES (?1, ?2, ?3)";
        let put = self
            .connect()
            .execute(sql, rusqlite::params![prefix, flag, bytes]);
        put.expect("the record to be written");
    }

    fn delete(&self, prefix: &str, flag: &str) {
        let sql = "DELETE FROM records WHERE prefix = ?1 AND key = ?2";
        let deleted = self.connect().execute(sql, [prefix, flag]);
        deleted.expect("the record to be deleted");
    }

    fn get(&self, prefix: &str, flag: &str) -> Option<Vec<u8>> {
        let sql = "SELECT value FROM records WHERE prefix = ?1 AND key = ?2";
        self.connect()
            .query_row(sql, [prefix, flag], |row| row.get(0))
            .ok()
    }

    fn put_list(&self, _: &str, _: &str) -> bool {
        false
    }
}

pub struct InRedis(pub RedisServer);

impl Backend for InRedis {
    fn start() -> Self {
        Self(RedisServer::start())
    }

    fn open(&self, prefix: &str, options: &Options) -> Box<dyn Store> {
        open(&self.0.unix_url(), prefix, options).expect("a fine URL")
    }

    fn put(&self, prefix: &str, flag: &str, bytes: &[u8]) {
        redis::cmd("SET")
            .arg(format!("{prefix}:{flag}"))
            .arg(bytes)
            .exec(&mut self.0.connect())
            .expect("the record to be written");
    }

    fn delete(&self, prefix: &str, flag: &str) {
        self.0.run::<()>(&["DEL", &format!("{prefix}:{flag}")]);
    }

    fn get(&self, prefix: &str, flag: &str) -> Option<Vec<u8>> {
        self.0.run(&["GET", &format!("{prefix}:{flag}")])
    }

    fn put_list(&self, prefix: &str, flag: &str) -> bool {
        let key = format!("{prefix}:{flag}");
        self.0.run::<()>(&["DEL", &key]);
        self.0.run::<()>(&["RPUSH", &key, "a"]);
        true
    }
}

/// A number for each test, to keep their prefixes apart.
fn number() -> usize {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// On a primary that a sentinel knows. The first sentinel of the URL is not there.
pub struct BehindSentinel {
    watched: &'static Watched,
    number: usize,
}

impl BehindSentinel {
    fn key(&self, prefix: &str, flag: &str) -> String {
        format!("{}:{flag}", self.prefix(prefix))
    }
}

impl Backend for BehindSentinel {
    fn start() -> Self {
        Self {
            watched: Watched::shared(),
            number: number(),
        }
    }

    fn open(&self, prefix: &str, options: &Options) -> Box<dyn Store> {
        // Nobody listens at port 1.
        let url = url(&[1, self.watched.sentinels[0].port]);
        open(&url, &self.prefix(prefix), options).expect("a fine URL")
    }

    fn prefix(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.number)
    }

    fn put(&self, prefix: &str, flag: &str, bytes: &[u8]) {
        redis::cmd("SET")
            .arg(self.key(prefix, flag))
            .arg(bytes)
            .exec(&mut self.watched.servers[0].connect())
            .expect("the record to be written");
    }

    fn delete(&self, prefix: &str, flag: &str) {
        self.watched.servers[0].run::<()>(&["DEL", &self.key(prefix, flag)]);
    }

    fn get(&self, prefix: &str, flag: &str) -> Option<Vec<u8>> {
        self.watched.servers[0].run(&["GET", &self.key(prefix, flag)])
    }

    fn put_list(&self, prefix: &str, flag: &str) -> bool {
        let key = self.key(prefix, flag);
        self.delete(prefix, flag);
        self.watched.servers[0].run::<()>(&["RPUSH", &key, "a"]);
        true
    }
}

/// On the node of a cluster that has the prefix, wherever that is. The first node of the URL is one that
/// has not, mostly.
pub struct InCluster {
    cluster: &'static Cluster,
    number: usize,
}

impl InCluster {
    fn key(&self, prefix: &str, flag: &str) -> String {
        format!("{}:{flag}", self.prefix(prefix))
    }
}

impl Backend for InCluster {
    fn start() -> Self {
        Self {
            cluster: Cluster::shared(),
            number: number(),
        }
    }

    fn open(&self, prefix: &str, options: &Options) -> Box<dyn Store> {
        let url = self.cluster.url(&[self.number % 3]);
        open(&url, &self.prefix(prefix), options).expect("a fine URL")
    }

    fn prefix(&self, prefix: &str) -> String {
        let plain = prefix.replace('{', "(").replace('}', ")");
        format!("{{{plain}-{}}}", self.number)
    }

    fn put(&self, prefix: &str, flag: &str, bytes: &[u8]) {
        let key = self.key(prefix, flag);
        redis::cmd("SET")
            .arg(&key)
            .arg(bytes)
            .exec(&mut self.cluster.nodes[self.cluster.owner(&key)].connect())
            .expect("the record to be written");
    }

    fn delete(&self, prefix: &str, flag: &str) {
        self.cluster.run::<()>(&["DEL", &self.key(prefix, flag)]);
    }

    fn get(&self, prefix: &str, flag: &str) -> Option<Vec<u8>> {
        self.cluster.run(&["GET", &self.key(prefix, flag)])
    }

    fn put_list(&self, prefix: &str, flag: &str) -> bool {
        let key = self.key(prefix, flag);
        self.delete(prefix, flag);
        self.cluster.run::<()>(&["RPUSH", &key, "a"]);
        true
    }
}
