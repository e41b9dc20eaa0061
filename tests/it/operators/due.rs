//! Rollouts that are moved because their time is up, once or again and again.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{HOUR, World};
use crate::python::python;

/// A rollout of four stages: two of 2 hours, one that holds, and the last.
pub(super) fn rollout(name: &str) -> String {
    format!(
        "  {name}: {{ description: D, owner: o, expires: never, enabled: true, rollout: \
         [{{ percentage: 1, duration: 2h }}, {{ percentage: 25, duration: 2h }}, {{ percentage: 50 }}, {{ percentage: 100 }}] }}\n"
    )
}

fn rollouts(names: &[&str]) -> World {
    let flags: String = names.iter().map(|name| rollout(name)).collect();
    let world = World::with_flags(&format!("flags:\n{flags}"));
    world.expect(0, &["apply", "-q"]);
    world
}

fn stage(world: &World, flag: &str) -> u64 {
    world.record(flag)["current_stage"]
        .as_u64()
        .expect("a stage")
}

#[test]
fn what_is_due_moves_by_one_stage_in_one_commit() {
    let names = ["a", "b", "early", "holding", "off", "paused", "stopped"];
    let world = rollouts(&names);
    for name in names {
        world.age(name, 30.0 * HOUR);
    }
    world.age("early", HOUR);
    world.edit("holding", |record| record["current_stage"] = json!(2));
    world.edit("off", |record| record["enabled"] = json!(false));
    world.expect(0, &["rollout", "pause", "paused", "--reason", "lunch"]);
    world.expect(0, &["kill", "stopped", "--reason", "errors"]);
    // Another client's rollouts are that client's to move.
    let mut theirs = world.record("a");
    theirs["x"] = json!(1);
    world.set("theirs", &theirs);

    let generation = world.generation();
    let dry = world.expect(0, &["rollout", "advance", "--due", "--dry-run"]);
    assert!(dry.stdout.contains("overdue by 1d 4h"), "{dry:#?}");
    assert_eq!(world.generation(), generation);
    let before = world.now();
    let run = world
        .expect(0, &["rollout", "advance", "--due", "--format", "json"])
        .json();
    let moved: Vec<_> = run["flags"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| (&line["flag"], &line["outcome"]))
        .collect();
    assert_eq!(
        moved,
        [
            (&json!("a"), &json!("advanced")),
            (&json!("b"), &json!("advanced"))
        ]
    );
    assert_eq!(
        (world.generation(), run["committed"].clone()),
        (generation + 1, json!(true))
    );
    let newest = &world.history()[0];
    assert_eq!(
        (newest.source.as_str(), newest.actor.as_deref()),
        ("advance", Some("ana"))
    );
    assert_eq!(newest.reason.as_deref(), Some("its time was up"));
    assert_eq!(newest.records.keys().collect::<Vec<_>>(), ["a", "b"]);
    for name in ["a", "b"] {
        let record = world.record(name);
        assert_eq!(
            (&record["current_stage"], &record["percentage"]),
            (&json!(1), &json!(25))
        );
        // However long it was overdue, the next stage lasts its time from now on.
        assert!(record["stage_started"].as_f64().expect("a time") >= before);
    }
    for name in ["early", "off", "paused", "stopped", "theirs"] {
        assert_eq!(stage(&world, name), 0, "{name}");
    }
    let again = world.expect(0, &["rollout", "advance", "--due"]);
    assert!(
        again
            .stdout
            .contains("Nothing is due; the next is early in 59m"),
        "{again:#?}"
    );
    assert_eq!(world.generation(), generation + 1);
    assert!(
        world
            .expect(0, &["plan", "-q"])
            .stdout
            .contains("1 to put right")
    );
}

#[test]
fn only_those_that_are_named() {
    let world = rollouts(&["a", "b"]);
    for name in ["a", "b"] {
        world.age(name, 3.0 * HOUR);
    }
    world.expect(0, &["rollout", "advance", "--due", "b"]);
    assert_eq!((stage(&world, "a"), stage(&world, "b")), (0, 1));
    world.expect(2, &["rollout", "advance", "--due", "c"]);
}

#[test]
fn a_pause_keeps_what_was_left() {
    let world = rollouts(&["a"]);
    world.age("a", 1.5 * HOUR);
    world.expect(0, &["rollout", "pause", "a", "--reason", "lunch"]);
    assert_eq!(
        world.record("a")["note"],
        json!({"reason": "lunch", "actor": "ana"})
    );
    assert_eq!(world.history()[0].source, "pause");
    // It was paused a day ago.
    let day = 24.0 * HOUR;
    world.edit("a", |record| {
        for field in ["stage_started", "paused_at"] {
            let time = record[field].as_f64().expect("a time");
            record[field] = json!(time - day);
        }
    });
    world.expect(0, &["rollout", "advance", "--due"]);
    assert_eq!(stage(&world, "a"), 0);
    let status = world
        .expect(0, &["rollout", "status", "--format", "json"])
        .json();
    let pause = &status["flags"][0]["rollout"]["pause"];
    assert_eq!(
        (&pause["reason"], &pause["actor"]),
        (&json!("lunch"), &json!("ana"))
    );
    let left = pause["left"].as_f64().expect("seconds");
    assert!((0.5 * HOUR - 60.0..=0.5 * HOUR).contains(&left), "{left}");
    let said = world.said(0, &["rollout", "resume", "a"]);
    assert!(
        said.starts_with("goes on: stage 1 of 4 for 1h 30m, next in 29m"),
        "{said}"
    );
    assert_eq!(world.history()[0].source, "resume");
    assert_eq!(world.record("a").get("note"), None);
}

#[test]
fn nothing_is_moved_while_changes_are_frozen() {
    let world = rollouts(&["a"]);
    world.age("a", 3.0 * HOUR);
    let toml = world.project.read("hoist.toml");
    world.project.write(
        "hoist.toml",
        toml + "freeze = [\"2020-01-01/2100-01-01 UTC\"]\n",
    );
    let run = world.expect(0, &["rollout", "advance", "--due"]);
    assert!(
        run.stdout.contains("held: changes are frozen until"),
        "{run:#?}"
    );
    for call in [
        &["rollout", "advance", "a"][..],
        &["rollout", "advance", "a", "--to", "3"],
    ] {
        assert!(world.expect(3, call).stderr.contains("--ignore-freeze"));
    }
    // A stop and a pause always go, and the end of a stop is a change.
    world.expect(0, &["rollout", "pause", "a", "--reason", "lunch"]);
    world.expect(0, &["rollout", "resume", "a"]);
    world.expect(0, &["kill", "a", "--reason", "errors"]);
    world.expect(3, &["restore", "a"]);
    assert_eq!(world.record("a")["enabled"], false);
    world.expect(0, &["restore", "a", "--ignore-freeze"]);
    world.age("a", 3.0 * HOUR);
    world.expect(0, &["rollout", "advance", "--due", "--ignore-freeze"]);
    assert_eq!(stage(&world, "a"), 1);
}

/// Two runners look at the same rollouts again and again: each stage is entered once.
#[test]
fn two_runners_never_advance_a_stage_twice() {
    let names: Vec<String> = (0..6).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = rollouts(&names);
    let every = [
        "rollout",
        "advance",
        "--due",
        "--every",
        "3ms",
        "--gate",
        "sleep 0.01",
        "--format",
        "json",
    ];
    let mut runners = [Runner::start(&world, &every), Runner::start(&world, &every)];
    for round in 1..=8 {
        // Everything begins again, and is due.
        let now = world.now();
        for name in &names {
            world.edit(name, |record| {
                record["current_stage"] = json!(0);
                record["percentage"] = json!(1);
                record["stage_started"] = json!(now - 9.0 * HOUR);
            });
        }
        wait_until("all have moved", || {
            names.iter().all(|name| stage(&world, name) == 1)
        });
        let moves: Vec<String> = world
            .history()
            .into_iter()
            .flat_map(|entry| entry.records.into_keys())
            .filter(|flag| names.contains(&flag.as_str()))
            .collect();
        for name in &names {
            let count = moves.iter().filter(|flag| flag == name).count();
            // Once to be created, and once a round.
            assert_eq!(count, round + 1, "{name} in round {round}");
        }
    }
    for runner in &mut runners {
        runner.signal("TERM");
        assert_eq!(runner.end(), 0);
    }
}

#[test]
fn a_runner_survives_a_store_that_goes_away() {
    let mut world = rollouts(&["a"]);
    let mut runner = Runner::start(
        &world,
        &[
            "rollout",
            "advance",
            "--due",
            "--every",
            "50ms",
            "--timeout",
            "1",
        ],
    );
    runner.says("Moving what is due in redis://");
    for round in 0..2 {
        world.redis.stop();
        // The connection that there was is lost, or none comes about.
        runner.says("redis://");
        runner.says("Trying again until the store is back");
        // Long enough for some more tries, of which nothing is said.
        thread::sleep(Duration::from_millis(1500));
        world.redis.start_again();
        runner.says("The store is back after");
        world.age("a", 3.0 * HOUR);
        wait_until("it has moved", || stage(&world, "a") == round + 1);
    }
    runner.signal("INT");
    assert_eq!(runner.end(), 0);
    assert_eq!(runner.rest(), Vec::<String>::new());
}

#[test]
fn a_runner_waits_for_a_store_and_ends_where_waiting_is_of_no_use() {
    let mut world = rollouts(&["a"]);
    world.redis.stop();
    let forever = ["rollout", "advance", "--due", "--every", "1h", "-q"];
    let mut runner = Runner::start(&world, &forever);
    runner.says("cannot connect");
    runner.says("Trying again until the store is back");
    runner.signal("TERM");
    assert_eq!(runner.end(), 0);
    world.redis.start_again();
    world.redis.run::<()>(&["SET", "hoist:{ff}", "damaged"]);
    let run = world.expect(2, &forever);
    assert!(run.stderr.contains("bookkeeping"), "{run:#?}");
}

#[test]
fn a_watch_goes_on_until_it_is_ended() {
    let world = rollouts(&["a"]);
    let watch = [
        "rollout",
        "status",
        "--watch",
        "--interval",
        "30ms",
        "--format",
        "json",
    ];
    let mut child = start(&world, &watch, Stdio::null());
    let mut frames = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = || -> serde_json::Value {
        let line = frames.next().expect("a frame").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(next()["flags"][0]["state"], "running");
    world.expect(0, &["kill", "a", "--reason", "errors"]);
    while next()["flags"][0]["state"] != "stopped" {}
    signal(&child, "INT");
    assert_eq!(child.wait().expect("an end").code(), Some(0));

    // A reader that has seen enough ends it too.
    let mut child = start(&world, &watch, Stdio::null());
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a frame");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

/// On a terminal frames replace each other on a screen of their own, and Ctrl-C gives the terminal back.
#[test]
fn a_watch_on_a_terminal_leaves_it_as_it_was() {
    let world = rollouts(&["a"]);
    let output = python("terminal.py")
        .arg("2")
        .arg(env!("CARGO_BIN_EXE_hoist"))
        .args(["rollout", "status", "--watch", "--interval", "50ms"])
        .current_dir(world.project.folder())
        .output()
        .expect("a terminal");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{shown} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let enter = shown.find("\u{1b}[?1049h").expect("a second screen");
    let leave = shown.rfind("\u{1b}[?1049l").expect("the first screen");
    let (frames, left) = (&shown[enter..leave], &shown[leave..]);
    assert!(frames.matches("stage 1 of 4").count() > 1, "{shown}");
    assert!(
        frames.contains("\u{1b}[?25l") && frames.contains("\u{1b}[?25h"),
        "{shown}"
    );
    assert_eq!(
        left.matches("stage 1 of 4").count(),
        1,
        "the last frame stays: {shown}"
    );
}

/// A command that goes on, and what it says.
pub(super) struct Runner {
    child: Child,
    lines: Receiver<String>,
}

impl Runner {
    pub(super) fn start(world: &World, args: &[&str]) -> Self {
        let mut child = start(world, args, Stdio::piped());
        let (send, lines) = channel();
        let mut stdout = child.stdout.take().expect("its output");
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let stderr = BufReader::new(child.stderr.take().expect("its words"));
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits for a line on standard error; hints in between are passed over.
    #[track_caller]
    pub(super) fn says(&mut self, part: &str) {
        let mut heard = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(Duration::from_secs(30)) else {
                panic!("it never said {part:?}, but {heard:?}");
            };
            if line.contains(part) {
                return;
            }
            let is_hint = line.starts_with("   help:") || line.starts_with("  because:");
            assert!(is_hint, "{line:?} instead of {part:?}");
            heard.push(line);
        }
    }

    pub(super) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub(super) fn end(&mut self) -> i32 {
        self.child.wait().expect("an end").code().expect("a code")
    }

    fn rest(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(world: &World, args: &[&str], stderr: Stdio) -> Child {
    let mut command = world.project.command(args);
    command.stdout(Stdio::piped()).stderr(stderr);
    command.spawn().expect("hoist to run")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

#[track_caller]
pub(super) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to that: {what}");
}

#[test]
fn a_command_that_is_ended_before_its_first_round_is_done_too() {
    let world = rollouts(&["a"]);
    let mut child = start(&world, &["rollout", "status", "--watch"], Stdio::null());
    let mut first = [0; 1];
    child
        .stdout
        .as_mut()
        .expect("its output")
        .read_exact(&mut first)
        .expect("a frame");
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}
