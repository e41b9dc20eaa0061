//! Operators and time at work on a real Redis, beside syncs and other clients: `kill`, `restore` and
//! `rollout`.

mod due;
mod gate;
mod interplay;
mod kill;
mod lost;

use std::fmt::Write as _;

use hoist::store::{HistoryEntry, Options, open};
use serde_json::{Value, json};

use crate::support::program::{Project, Run};
use crate::support::redis::RedisServer;

const HOUR: f64 = 3600.0;

const FLAGS: &str = "\
flags:
  banner: { description: A banner, owner: web, expires: never, enabled: true, percentage: 10 }
  checkout:
    description: Second version of the checkout
    owner: checkout
    expires: never
    enabled: true
    rollout:
      - { percentage: 1, duration: 2h }
      - { percentage: 25, duration: 2h }
      - { percentage: 50 }
      - { percentage: 100 }
";

/// A project whose one environment is a Redis of its own.
struct World {
    redis: RedisServer,
    project: Project,
}

impl World {
    /// With [`FLAGS`], applied.
    fn new() -> Self {
        let world = Self::with_flags(FLAGS);
        world.expect(0, &["apply", "-q"]);
        world
    }

    fn with_flags(flags: &str) -> Self {
        let redis = RedisServer::start();
        let project = Project::with_flags(flags);
        let store = redis.tcp_url();
        project.write(
            "hoist.toml",
            format!("[environments.production]\nstore = \"{store}\"\n"),
        );
        Self { redis, project }
    }

    #[track_caller]
    fn expect(&self, code: i32, args: &[&str]) -> Run {
        self.project.expect(code, args)
    }

    /// The first line that `kill`, `restore` or `rollout` prints about a flag.
    #[track_caller]
    fn said(&self, code: i32, args: &[&str]) -> String {
        let run = self.expect(code, &[args, &["--format", "json"]].concat());
        let said = &run.json()["flags"][0]["said"];
        said.as_str()
            .unwrap_or_else(|| panic!("{run:#?}"))
            .to_owned()
    }

    fn set(&self, flag: &str, record: &Value) {
        let key = format!("ff:{flag}");
        self.redis.run::<()>(&["SET", &key, &record.to_string()]);
    }

    fn record(&self, flag: &str) -> Value {
        let text: String = self.redis.run(&["GET", &format!("ff:{flag}")]);
        serde_json::from_str(&text).expect("a record")
    }

    /// Edits a record as another client does.
    fn edit(&self, flag: &str, edit: impl FnOnce(&mut Value)) {
        let mut record = self.record(flag);
        edit(&mut record);
        self.set(flag, &record);
    }

    /// Lets a flag's stage have begun so long ago, in seconds.
    fn age(&self, flag: &str, seconds: f64) {
        let now = self.now();
        self.edit(flag, |record| {
            record["stage_started"] = json!(now - seconds)
        });
    }

    fn now(&self) -> f64 {
        let time: Vec<String> = self.redis.run(&["TIME"]);
        time[0].parse().expect("seconds")
    }

    fn generation(&self) -> u64 {
        self.redis.run(&["HGET", "hoist:{ff}", "generation"])
    }

    /// The newest commits, newest first.
    fn history(&self) -> Vec<HistoryEntry> {
        let mut store = open(&self.redis.tcp_url(), "ff", &Options::default()).expect("a store");
        store.history(1000).expect("a history")
    }

    fn stops(&self) -> Vec<String> {
        self.redis.run(&["HKEYS", "hoist:{ff}:stops"])
    }
}

/// A flag file with so many switches, all of this share.
fn switches(count: usize, share: u32) -> String {
    let mut text = "flags:\n".to_owned();
    for number in 0..count {
        let _ = writeln!(
            text,
            "  flag_{number:05}: {{ description: D, owner: o, expires: never, enabled: true, percentage: {share} }}"
        );
    }
    text
}
