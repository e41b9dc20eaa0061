//! A Redis of this run's own, and somebody who commits to it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hoist::plan::{
    About, BUCKETS, Commit, Expect, RecordWrite, Snapshot, SpecWrite, StopWrite, Write,
};
use hoist::store::{Options, Outcome, Store, open};
use serde_json::json;

pub struct Redis {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Redis {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let folder = std::env::temp_dir().join(format!("hoist-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let child = spawn(&folder, port);
        Self {
            child,
            folder,
            port,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn begin(&mut self) {
        self.child = spawn(&self.folder, self.port);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &PathBuf, port: u16) -> Child {
    Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--appendonly",
            "yes",
            "--save",
            "",
        ])
        .arg("--dir")
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server")
}

pub struct Writer {
    store: Box<dyn Store>,
    at: Snapshot,
}

impl Writer {
    /// A store with so many flags, each on for half of the users.
    pub fn fill(url: &str, flags: usize) -> Self {
        let options = Options {
            on_wait: |_| (),
            ..Options::default()
        };
        let mut store = open(url, "ff", &options).expect("a store");
        let at = loop {
            match store.read() {
                Ok(snapshot) => break snapshot,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let mut writer = Self { store, at };
        let record = json!({"type": "boolean", "enabled": true, "percentage": 50, "allowed_users": [], "allowed_groups": []});
        let keys: Vec<String> = (0..flags).map(|n| format!("flag{n}")).collect();
        let writes = keys.iter().map(|key| set(key, &record.to_string()));
        writer.commit(writes.collect());
        writer
    }

    /// Commits a change of one flag: the generation.
    pub fn count(&mut self, number: usize) -> u64 {
        let percentage = number % 100;
        let record = json!({"type": "boolean", "enabled": true, "percentage": percentage});
        self.commit(vec![set("flag7", &record.to_string())])
    }

    fn commit(&mut self, writes: Vec<Write>) -> u64 {
        let commit = Commit {
            id: format!("bench-{}", self.at.generation),
            lineage: self.at.lineage.clone(),
            new_lineage: "bench".to_owned(),
            generation: self.at.generation,
            writes,
            about: About {
                version: "bench".to_owned(),
                buckets: BUCKETS.to_owned(),
                source: "apply".to_owned(),
                notes: BTreeMap::new(),
                ..About::default()
            },
        };
        match self.store.commit(&commit).expect("a commit") {
            Outcome::Committed { generation } => {
                self.at.generation = generation;
                self.at.lineage = Some("bench".to_owned());
                generation
            }
            Outcome::Moved(moved) => panic!("somebody else commits: {moved:?}"),
        }
    }
}

fn set(flag: &str, record: &str) -> Write {
    Write {
        flag: flag.to_owned(),
        expect: Expect::Any,
        record: RecordWrite::Set(record.as_bytes().to_vec()),
        spec: SpecWrite::Set("bench".to_owned()),
        stop: StopWrite::Keep,
    }
}
