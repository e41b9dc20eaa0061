//! Applications that read the records without hoist: a Python client that also advances rollouts
//! and stops flags, beside the sync.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::redis::RedisServer;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
/// A rollout with stages of 2, 4, 12 and 24 hours.
const ROLLOUT: &str = "enable_new_checkout_v2";

#[test]
fn the_client_reads_every_flag_as_the_files_have_it() {
    let world = World::new();
    world.apply();
    let wanted = world.wanted();
    let keys: Vec<String> = world.server.run(&["KEYS", "ff:*"]);
    let keys: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| key.strip_prefix("ff:"))
        .collect();
    assert_eq!(keys, wanted.keys().map(String::as_str).collect());
    for (flag, wanted) in &wanted {
        world.check_flag(flag, wanted);
    }
    let absent = world.ask_now(json!([
        ["is_enabled", "absent"],
        ["is_enabled", "absent", null, null, true]
    ]));
    assert_eq!(absent, json!([false, true]));
}

#[test]
fn what_the_client_does_to_a_flag_outlasts_the_sync() {
    let world = World::new();
    world.apply();
    let began = world.record(ROLLOUT)["rollout_started"].as_f64().unwrap();
    let advance = json!([["advance_rollout", ROLLOUT], ["advance_rollout", ROLLOUT]]);
    assert_eq!(
        world.ask(began + 2.0 * HOUR - 1.0, &advance),
        json!([false, false]),
        "not due yet"
    );
    let late = began + 2.0 * HOUR + 1.0;
    assert_eq!(
        world.ask(late, &advance),
        json!([true, false]),
        "one stage and no further"
    );
    let stop = json!([
        ["emergency_rollback", "new_search"],
        ["emergency_rollback", ROLLOUT]
    ]);
    assert_eq!(world.ask(late, &stop), json!([null, null]));

    let (before, generation) = (world.records(), world.generation());
    let plan = world.hoist(&["plan", "--exit-code"]);
    assert_eq!(plan.status.code(), Some(0), "{}", shown(&plan));
    assert!(
        shown(&plan).contains("nothing to change"),
        "{}",
        shown(&plan)
    );
    world.apply();
    assert_eq!(
        world.records(),
        before,
        "an apply of nothing writes nothing"
    );
    assert_eq!(world.generation(), generation);

    world.edit(
        "flags/checkout.yaml",
        "Second version of the checkout",
        "The checkout, again",
    );
    world.edit(
        "flags/search.yaml",
        "the new ranking service",
        "the newer ranking service",
    );
    world.apply();
    assert_eq!(world.generation(), generation + 1);
    let rollout = world.record(ROLLOUT);
    assert_eq!(rollout["meta"]["description"], "The checkout, again");
    for (field, value) in [
        ("enabled", json!(false)),
        ("current_stage", json!(1)),
        ("percentage", json!(5)),
        ("stage_started", json!(late)),
        ("rolled_back_at", json!(late)),
        ("rollout_started", json!(began)),
    ] {
        assert_eq!(rollout[field], value, "{field} of {rollout}");
    }
    assert_eq!(
        world.record("new_search")["meta"]["description"],
        "Route search traffic to the newer ranking service"
    );
    let groups = json!(["employees"]);
    let asked = json!([
        ["is_enabled", "new_search", "internal_tester_1", groups],
        ["is_enabled", ROLLOUT, "ana", groups],
    ]);
    assert_eq!(
        world.ask(late, &asked),
        json!([false, false]),
        "both stay off"
    );
}

#[test]
fn the_client_finds_stale_flags_among_hoists_records() {
    let world = World::new();
    world.apply();
    let began = world.record(ROLLOUT)["rollout_started"].as_f64().unwrap();
    assert_eq!(
        world.ask(began + 365.0 * DAY, &json!([["get_stale_flags"]])),
        json!([[]])
    );
    let mut now = began;
    for days in [1.0, 2.0, 3.0, 4.0] {
        now = began + days * DAY;
        assert_eq!(
            world.ask(now, &json!([["advance_rollout", ROLLOUT]])),
            json!([true])
        );
    }
    assert_eq!(
        world.ask(now, &json!([["advance_rollout", ROLLOUT]])),
        json!([false]),
        "the last stage"
    );
    assert_eq!(
        world.ask(now + 29.0 * DAY, &json!([["get_stale_flags"]])),
        json!([[]])
    );
    assert_eq!(
        world.ask(now + 31.0 * DAY, &json!([["get_stale_flags"]])),
        json!([[ROLLOUT]])
    );
    let plan = world.hoist(&["plan", "--exit-code"]);
    assert_eq!(plan.status.code(), Some(0), "{}", shown(&plan));
}

/// The repository's own flags in a folder of their own, and a Redis to apply them to.
pub struct World {
    pub server: RedisServer,
    folder: TempDir,
    client: RefCell<Option<Client>>,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(
            Path::new(env!("CARGO_MANIFEST_DIR")),
            folder.path(),
            "flags",
        );
        copy(
            Path::new(env!("CARGO_MANIFEST_DIR")),
            folder.path(),
            "hoist.toml",
        );
        Self {
            server: RedisServer::start(),
            folder,
            client: RefCell::new(None),
        }
    }

    fn hoist(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hoist"))
            .args(args)
            .args(["--today", "2026-11-22", "--store", &self.server.tcp_url()])
            .current_dir(self.folder.path())
            .env_remove("HOIST_CONFIG")
            .env_remove("HOIST_ENV")
            .output()
            .unwrap()
    }

    pub fn apply(&self) {
        let output = self.hoist(&["apply"]);
        assert!(output.status.success(), "{}", shown(&output));
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// What the client answers to `calls` at a time of its clock, in seconds since the epoch.
    fn ask(&self, now: f64, calls: &Value) -> Value {
        let mut client = self.client.borrow_mut();
        client
            .get_or_insert_with(|| Client::start(&self.server.tcp_url()))
            .ask(now, calls)
    }

    fn ask_now(&self, calls: Value) -> Value {
        self.ask(0.0, &calls)
    }

    fn record(&self, flag: &str) -> Value {
        serde_json::from_slice(&self.server.run::<Vec<u8>>(&["GET", &format!("ff:{flag}")]))
            .unwrap()
    }

    fn records(&self) -> BTreeMap<String, Vec<u8>> {
        let keys: Vec<String> = self.server.run(&["KEYS", "ff:*"]);
        keys.into_iter()
            .map(|key| (key.clone(), self.server.run(&["GET", &key])))
            .collect()
    }

    fn generation(&self) -> u64 {
        self.server.run(&["HGET", "hoist:{ff}", "generation"])
    }

    /// Every flag as its file has it for development, without hoist's help.
    fn wanted(&self) -> BTreeMap<String, Map<String, Value>> {
        let mut wanted = BTreeMap::new();
        for file in [
            "checkout.yaml",
            "experiments.yaml",
            "search.yaml",
            "operations/switches.yaml",
        ] {
            let text = fs::read_to_string(self.folder.path().join("flags").join(file)).unwrap();
            let mut document: Value = serde_yaml::from_str(&text).unwrap();
            let Value::Object(flags) = document["flags"].take() else {
                panic!("{file} has no flags")
            };
            wanted.extend(
                flags
                    .into_iter()
                    .map(|(flag, fields)| (flag, in_development(fields))),
            );
        }
        wanted
    }

    fn check_flag(&self, flag: &str, wanted: &Map<String, Value>) {
        let record = &self.ask_now(json!([["get_flag_config", flag]]))[0];
        let enabled = wanted.get("enabled") == Some(&json!(true));
        assert_eq!(record["enabled"], enabled, "{flag}");
        for field in ["description", "owner", "created", "expires", "tags"] {
            let found = record["meta"].get(field);
            assert_eq!(found, wanted.get(field), "{field} of {flag}");
        }
        if let Some(Value::Object(variants)) = wanted.get("variants") {
            self.check_experiment(flag, enabled, variants, record);
        } else {
            self.check_switch(flag, enabled, wanted, record);
        }
    }

    fn check_switch(&self, flag: &str, enabled: bool, wanted: &Map<String, Value>, record: &Value) {
        let stages = wanted.get("rollout").and_then(Value::as_array);
        let first = stages.map(|stages| &stages[0]["percentage"]);
        let share = first
            .or_else(|| wanted.get("percentage"))
            .and_then(Value::as_f64)
            .unwrap_or(100.0);
        assert_eq!(record["percentage"].as_f64(), Some(share), "{flag}");
        for (index, stage) in stages.into_iter().flatten().enumerate() {
            let found = &record["rollout_stages"][index];
            assert_eq!(
                found["percentage"], stage["percentage"],
                "stage {index} of {flag}"
            );
            let hours = stage
                .get("duration")
                .map(|duration| hours(duration.as_str().unwrap()));
            assert_eq!(
                found["duration_hours"].as_f64(),
                hours,
                "stage {index} of {flag}"
            );
        }
        let list = |field: &str| {
            wanted
                .get(field)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        for user in list("allowed_users") {
            assert_eq!(
                self.ask_now(json!([["is_enabled", flag, user]])),
                json!([enabled]),
                "{flag}"
            );
        }
        for group in list("allowed_groups") {
            assert_eq!(
                self.ask_now(json!([["is_enabled", flag, "ana", [group]]])),
                json!([enabled]),
                "{flag}"
            );
        }
        let reached = self.share(&json!(["is_enabled", flag]), &json!(true));
        let share = if enabled { share } else { 0.0 };
        assert!(
            (reached - share).abs() < 3.0,
            "{flag} reaches {reached} % instead of {share}"
        );
        let nobody = self.ask_now(json!([["is_enabled", flag]]));
        assert_eq!(
            nobody,
            json!([enabled && share == 100.0]),
            "{flag} for nobody in particular"
        );
    }

    fn check_experiment(
        &self,
        flag: &str,
        enabled: bool,
        variants: &Map<String, Value>,
        record: &Value,
    ) {
        let names = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(record["variants"].as_object().unwrap()),
            names(variants),
            "order of {flag}"
        );
        assert!(enabled, "{flag}: the example experiments are on");
        for (name, variant) in variants {
            let weight = variant.get("weight").unwrap_or(variant).as_f64().unwrap();
            let reached = self.share(&json!(["get_variant", flag]), &json!(name));
            assert!(
                (reached - weight).abs() < 3.0,
                "{name} of {flag} reaches {reached} % instead of {weight}"
            );
        }
    }

    /// How many of a thousand users get `answer` from `call`, in percent.
    fn share(&self, call: &Value, answer: &Value) -> f64 {
        const USERS: usize = 1000;
        let with_user = |number: usize| {
            let mut call = call.as_array().unwrap().clone();
            call.push(json!(format!("user-{number}")));
            Value::Array(call)
        };
        let answers = self.ask_now((0..USERS).map(with_user).collect());
        let count = answers
            .as_array()
            .unwrap()
            .iter()
            .filter(|given| *given == answer)
            .count();
        100.0 * count as f64 / USERS as f64
    }
}

/// The client, running; it ends with its standard input.
pub struct Client {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Client {
    pub fn start(url: &str) -> Self {
        let mut child = python("ask.py")
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            calls: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// What it answers to `calls` at a time of its clock, in seconds since the epoch.
    pub fn ask(&mut self, now: f64, calls: &Value) -> Value {
        writeln!(
            self.calls.as_ref().unwrap(),
            "{}",
            json!({ "now": now, "calls": calls })
        )
        .unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("the client failed at {calls}: {error}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.calls.take());
        let _ = self.child.wait();
    }
}

/// A flag's own fields with those of `development` over them.
fn in_development(fields: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = fields else {
        panic!("a flag is a map")
    };
    let over = fields
        .remove("environments")
        .and_then(|mut all| all.get_mut("development").map(Value::take));
    let Some(Value::Object(over)) = over else {
        return fields;
    };
    if over.contains_key("percentage") {
        fields.remove("rollout");
    }
    fields.extend(over);
    fields
}

fn hours(duration: &str) -> f64 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let unit = match unit {
        "m" => 1.0 / 60.0,
        "h" => 1.0,
        "d" => 24.0,
        "w" => 168.0,
        other => panic!("unit {other}"),
    };
    number.parse::<f64>().unwrap() * unit
}

fn copy(from: &Path, to: &Path, name: &str) {
    let (from, to) = (from.join(name), to.join(name));
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(&from).unwrap() {
        copy(&from, &to, entry.unwrap().file_name().to_str().unwrap());
    }
}

/// One of the scripts in tests/python.
pub fn python(script: &str) -> Command {
    let interpreter = std::env::var_os("HOIST_TEST_PYTHON")
        .expect("HOIST_TEST_PYTHON is not set: start the tests with `tests/run`, which installs what they need");
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "python", script]
        .iter()
        .collect();
    let mut command = Command::new(interpreter);
    command.arg("-B").arg(script);
    command
}

pub fn shown(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
