//! An application's own client advances, stops and sets flags while hoist plans, applies and advances.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hoist::store::HistoryEntry;
use serde_json::{Value, json};

use super::{HOUR, World};
use crate::python::Client;

const SWITCHES: [&str; 2] = ["banner", "search"];
const ROLLOUTS: [&str; 3] = ["checkout", "payment", "tour"];

/// Flags of which git changes something in every round, and never the stages.
fn flags(round: usize) -> String {
    let mut text = "flags:\n".to_owned();
    for name in SWITCHES {
        text += &format!(
            "  {name}: {{ description: D{round}, owner: o, expires: never, enabled: true, percentage: {} }}\n",
            10 + round
        );
    }
    for name in ROLLOUTS {
        text += &format!(
            "  {name}: {{ description: D{round}, owner: o, expires: never, enabled: true, allowed_users: [u{round}], \
             rollout: [{{ percentage: 1, duration: 1h }}, {{ percentage: 5, duration: 1h }}, \
             {{ percentage: 25, duration: 1h }}, {{ percentage: 50, duration: 1h }}, {{ percentage: 100 }}] }}\n"
        );
    }
    text
}

#[test]
fn an_edit_of_the_spec_shows_as_drift_with_what_changed() {
    let world = World::new();
    let mut client = Client::start(&world.redis.tcp_url());
    let now = world.now();
    let mut ask = |calls: Value| client.ask(now + 3.0 * HOUR, &calls);
    // Status: a stage, and a stop.
    assert_eq!(ask(json!([["advance_rollout", "checkout"]])), json!([true]));
    ask(json!([["emergency_rollback", "banner"]]));
    let quiet = world.expect(0, &["plan", "--exit-code", "-q"]);
    assert!(quiet.stdout.contains("nothing to change"), "{quiet:#?}");
    // The spec.
    for (flag, field, value) in [
        ("checkout", "allowed_users", json!(["eve"])),
        ("banner", "percentage", json!(77.5)),
    ] {
        let mut config = ask(json!([["get_flag_config", flag]]))[0].clone();
        config[field] = value;
        ask(json!([["set_flag", flag, config]]));
    }
    let plan = world
        .expect(1, &["plan", "--exit-code", "--format", "json"])
        .json();
    let drift: Vec<_> = plan["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| (&change["flag"], &change["action"], &change["fields"]))
        .collect();
    let field = |path: &str, before: Value, after: Value| json!([{"path": path, "before": before, "after": after}]);
    assert_eq!(
        drift,
        [
            (
                &json!("banner"),
                &json!("drift"),
                &field("percentage", json!(77.5), json!(10))
            ),
            (
                &json!("checkout"),
                &json!("drift"),
                &field("allowed_users", json!(["eve"]), json!([]))
            ),
        ]
    );
    world.expect(0, &["apply", "-q"]);
    let (banner, checkout) = (world.record("banner"), world.record("checkout"));
    assert_eq!(
        (&banner["enabled"], &banner["percentage"]),
        (&json!(false), &json!(10))
    );
    assert_eq!(banner["rolled_back_at"].as_f64(), Some(now + 3.0 * HOUR));
    assert_eq!(
        (&checkout["current_stage"], &checkout["percentage"]),
        (&json!(1), &json!(25))
    );
    // What hoist advances the client goes on with, and the other way round.
    world.age("checkout", 3.0 * HOUR);
    world.expect(0, &["rollout", "advance", "--due"]);
    assert_eq!(world.record("checkout")["current_stage"], 2);
    assert_eq!(
        ask(json!([
            ["is_enabled", "checkout", "eve"],
            ["is_enabled", "banner", "eve"]
        ]))[1],
        false
    );
    world.expect(0, &["kill", "checkout", "--reason", "errors"]);
    assert_eq!(
        ask(json!([
            ["is_enabled", "checkout", "u1"],
            ["get_stale_flags"]
        ])),
        json!([false, []])
    );
    world.expect(0, &["restore", "checkout", "--at-stage", "4"]);
    assert_eq!(
        ask(json!([["is_enabled", "checkout", "anybody"]])),
        json!([true])
    );
}

#[test]
fn nothing_of_status_is_lost_while_both_write() {
    const ROUNDS: usize = 40;
    let world = World::with_flags(&flags(0));
    world.expect(0, &["apply", "-q"]);
    let done = AtomicBool::new(false);
    let calls = std::thread::scope(|scope| {
        let application = scope.spawn(|| application(&world, &done));
        for round in 1..=ROUNDS {
            world.project.write("flags/flags.yaml", flags(round));
            for call in [
                &["plan", "-q"][..],
                &["apply", "-q"],
                &["rollout", "advance", "--due"],
            ] {
                let run = world.project.run(call);
                // An apply that is overtaken three times says so, and writes nothing.
                let overtaken = call[0] == "apply" && run.code == 3;
                if run.code != 0 && !overtaken {
                    done.store(true, Ordering::SeqCst);
                    panic!("{call:?}: {run:#?}");
                }
            }
        }
        done.store(true, Ordering::SeqCst);
        application.join().expect("the application")
    });
    let mut history = world.history();
    history.reverse();
    let mut seen = Seen::default();
    for entry in &history {
        seen.check(entry);
    }
    assert!(calls > ROUNDS, "the application got its turns: {calls}");
    for what in ["apply", "advance", "met", "rolled back", "foreign"] {
        let count = seen.counts.get(what).copied().unwrap_or_default();
        assert!(count > 3, "{what}: {:?}", seen.counts);
    }
    // Once both are quiet, one apply makes store and git agree, and keeps all status.
    let before: BTreeMap<&str, Value> = all().map(|flag| (flag, world.record(flag))).collect();
    world.expect(0, &["apply", "-q"]);
    for (flag, before) in before {
        check_status(flag, &before, &world.record(flag));
    }
    let plan = world.expect(0, &["plan", "--exit-code", "-q"]);
    assert!(plan.stdout.contains("nothing to change"), "{plan:#?}");
}

fn all() -> impl Iterator<Item = &'static str> {
    SWITCHES.into_iter().chain(ROLLOUTS)
}

/// Does to flags what applications do, over and over; how often.
fn application(world: &World, done: &AtomicBool) -> usize {
    let mut client = Client::start(&world.redis.tcp_url());
    let mut calls = 0;
    while !done.load(Ordering::SeqCst) {
        // Its clock is late: what it has advanced is due again at once.
        let late = world.now() - 2.0 * HOUR;
        let flag = all().nth(calls % 5).expect("a flag");
        let mut config = client.ask(late, &json!([["get_flag_config", flag]]))[0].clone();
        let call = match calls / 5 % 6 {
            0..=2 => json!(["advance_rollout", flag]),
            3 => json!(["emergency_rollback", flag]),
            4 => {
                // Restored, and begun again.
                config["enabled"] = json!(true);
                config
                    .as_object_mut()
                    .expect("a record")
                    .remove("rolled_back_at");
                if config.get("rollout_stages").is_some() {
                    config["current_stage"] = json!(0);
                    config["percentage"] = json!(1.0);
                    config["stage_started"] = json!(late);
                }
                json!(["set_flag", flag, config])
            }
            _ => {
                config["allowed_groups"] = json!([format!("g{calls}")]);
                config["x_application"] = json!({"calls": calls, "share": 0.5});
                json!(["set_flag", flag, config])
            }
        };
        client.ask(late, &json!([call]));
        calls += 1;
        // An application has other things to do: what it did stands for a while.
        std::thread::sleep(Duration::from_millis(5));
    }
    calls
}

/// What the history has told so far.
#[derive(Default)]
struct Seen {
    /// Flag to the record that hoist left.
    left: BTreeMap<String, Option<String>>,
    counts: BTreeMap<&'static str, usize>,
}

impl Seen {
    fn check(&mut self, entry: &HistoryEntry) {
        for (flag, (before, after)) in &entry.records {
            let left = self.left.insert(flag.clone(), after.clone());
            let (Some(before), Some(after)) = (before, after) else {
                continue;
            };
            if left.is_some_and(|left| left.as_ref() != Some(before)) {
                self.count("met");
            }
            let parse = |text: &str| -> Value { serde_json::from_str(text).expect("a record") };
            let (before, after) = (parse(before), parse(after));
            if before.get("rolled_back_at").is_some() {
                self.count("rolled back");
            }
            if before.get("x_application").is_some() {
                self.count("foreign");
            }
            match entry.source.as_str() {
                "apply" => {
                    self.count("apply");
                    check_status(flag, &before, &after);
                }
                "advance" => {
                    self.count("advance");
                    check_advance(flag, &before, &after);
                }
                other => panic!("{other}"),
            }
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// A sync keeps the stage, the stop and what is the application's own.
fn check_status(flag: &str, before: &Value, after: &Value) {
    let is_stopped =
        |record: &Value| record.get("rolled_back_at").is_some() && record["enabled"] == false;
    if is_stopped(before) {
        assert!(is_stopped(after), "{flag} was turned on: {before} {after}");
        assert_eq!(before["rolled_back_at"], after["rolled_back_at"], "{flag}");
    } else {
        assert_eq!(after["enabled"], true, "{flag}: {before} {after}");
    }
    assert_eq!(
        before.get("x_application"),
        after.get("x_application"),
        "{flag}"
    );
    if ROLLOUTS.contains(&flag) {
        for field in [
            "current_stage",
            "percentage",
            "stage_started",
            "rollout_started",
        ] {
            let number = |record: &Value| record[field].as_f64();
            assert_eq!(
                number(before),
                number(after),
                "{field} of {flag}: {before} {after}"
            );
        }
    }
}

/// An advance moves by one stage what is on, and nothing else.
fn check_advance(flag: &str, before: &Value, after: &Value) {
    let mut expected = before.clone();
    let stage = before["current_stage"].as_u64().expect("a stage") as usize + 1;
    assert_eq!(before["enabled"], true, "{flag}: {before}");
    expected["current_stage"] = json!(stage);
    expected["percentage"] = before["rollout_stages"][stage]["percentage"].clone();
    expected["stage_started"] = after["stage_started"].clone();
    let (expected_share, share) = (
        expected["percentage"].take().as_f64(),
        after["percentage"].as_f64(),
    );
    assert_eq!(expected_share, share, "{flag}");
    let mut after = after.clone();
    after["percentage"].take();
    assert_eq!(expected, after, "{flag}");
    let began = before["stage_started"].as_f64().expect("a time");
    assert!(
        after["stage_started"].as_f64().expect("a time") - began >= HOUR,
        "{flag}"
    );
}
