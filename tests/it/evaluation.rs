//! Answers from flag files, from stores and from other readers of the same records agree, for values
//! of every type.

use std::collections::BTreeMap;
use std::fs;

use hoist::eval::Evaluator;
use hoist::record::Record;
use serde_json::{Value, json};

use crate::python::{World, python, shown};
use crate::readme::blocks;
use crate::support::program::Project;
use crate::support::redis::RedisServer;

/// One experiment for each type of value, and what participation, force and control do.
const EXPERIMENTS: &str = "\
flags:
  booleans:
    expires: never
    enabled: true
    control: light
    variants: { light: { weight: 50, value: false }, dark: { weight: 50, value: true } }
  names:
    expires: never
    enabled: true
    variants: { control: 33.333, b: 33.333, c: 33.334 }
    forced: { c: [qa, 'qa 2'] }
  numbers:
    expires: never
    enabled: true
    percentage: 20
    control: ten
    variants: { ten: { weight: 50, value: 10 }, half: { weight: 49.999, value: 0.5 }, huge: { weight: 0.001, value: 9007199254740993 } }
  objects:
    expires: never
    enabled: true
    salt: names
    variants:
      short: { weight: 10, value: { steps: 3, nested: { a: [1, 'x', null] } } }
      long: { weight: 90, value: { steps: 7, nested: {} } }
  off:
    expires: never
    variants: { control: 50, other: 50 }
    forced: { other: [qa] }
  strings:
    expires: never
    enabled: true
    variants: { control: { weight: 50, value: 'Grüß dich, \"du\"' }, '1': { weight: 50, value: '' } }
";

/// What everyone gets from every flag, by the program.
fn answers(project: &Project, args: &[&str]) -> BTreeMap<String, Vec<Value>> {
    let mut answers: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let users = ["ana", "bo", "cy", "dan", "eve", "qa", "qa 2", "Зоя", ""];
    for user in users {
        let args = [&["eval", "--all", "--format", "json", "--user", user], args].concat();
        let found = project.expect(0, &args).json();
        for flag in found["flags"].as_array().expect("a list") {
            let key = flag["flag"].as_str().expect("a key").to_owned();
            answers.entry(key).or_default().push(flag["value"].clone());
        }
    }
    answers
}

#[test]
fn files_and_stores_give_the_same() {
    let redis = RedisServer::start();
    let project = Project::with_flags(EXPERIMENTS);
    let files = answers(&project, &[]);
    let stores = [redis.tcp_url(), "sqlite:flags.db".to_owned()];
    for store in &stores {
        project.expect(0, &["apply", "-q", "--store", store]);
        assert_eq!(answers(&project, &["--live", "--store", store]), files);
        let again = project.expect(0, &["plan", "--exit-code", "--store", store]);
        assert!(again.stdout.contains("nothing to change"), "{again:?}");
    }
    // Everybody gets one of these, and not everybody the same.
    let allowed = [
        ("booleans", json!([false, true])),
        ("names", json!(["control", "b", "c"])),
        ("numbers", json!([10, 0.5, 9_007_199_254_740_993_u64])),
        (
            "objects",
            json!([{"steps": 3, "nested": {"a": [1, "x", null]}}, {"steps": 7, "nested": {}}]),
        ),
        ("off", json!(["control"])),
        ("strings", json!(["Grüß dich, \"du\"", ""])),
    ];
    for (flag, allowed) in allowed {
        let allowed = allowed.as_array().expect("a list");
        let found = &files[flag];
        assert!(
            found.iter().all(|value| allowed.contains(value)),
            "{flag}: {found:?}"
        );
    }
    assert_eq!(
        (&files["names"][5], &files["names"][6]),
        (&json!("c"), &json!("c"))
    );
    assert!(files["strings"].iter().any(|value| value == ""));
}

#[test]
fn a_change_of_a_value_is_planned_and_told() {
    let project = Project::with_flags(EXPERIMENTS);
    project.expect(0, &["apply", "-q"]);
    let changed = EXPERIMENTS
        .replace(
            "half: { weight: 49.999, value: 0.5 }",
            "half: { weight: 49.999, value: 0.25 }",
        )
        .replace("nested: {} }", "nested: { b: 1 } }")
        .replace(
            "{ light: { weight: 50, value: false }, dark: { weight: 50",
            "{ light: { weight: 40, value: false }, dark: { weight: 60",
        );
    project.write("flags/flags.yaml", changed);
    let plan = project.expect(0, &["plan", "--format", "json"]).json();
    let told: Vec<Value> = plan["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| {
            json!([
                change["flag"],
                change["fields"][0]["path"],
                change["impact"]["moved"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["booleans", "variants.light", 10]),
            // A fifth takes part, and 49.999 % of those get another value.
            json!(["numbers", "values.half", 9.9998]),
            json!(["objects", "values.long", 90]),
        ]
    );
}

#[test]
fn a_store_answers_with_what_stands_in_it() {
    let redis = RedisServer::start();
    let project = Project::with_flags(
        "flags:
  stage: { expires: never, enabled: true, rollout: [{ percentage: 1 }, { percentage: 100 }] }
  stop: { expires: never, enabled: true, allowed_users: [ana] }
",
    );
    let store = redis.tcp_url();
    let live = |code: i32, args: &[&str]| {
        project.expect(
            code,
            &[
                &["eval"],
                args,
                &["--user", "ana", "--live", "--store", &store],
            ]
            .concat(),
        )
    };
    let set = |flag: &str, record: &Value| {
        redis.run::<()>(&["SET", &format!("ff:{flag}"), &record.to_string()]);
    };
    let get = |flag: &str| -> Value {
        let text: String = redis.run(&["GET", &format!("ff:{flag}")]);
        serde_json::from_str(&text).expect("a record")
    };
    project.expect(0, &["apply", "-q", "--store", &store]);
    assert_eq!(live(0, &["stage", "-q"]).stdout, "false\n");
    assert_eq!(live(0, &["stop", "-q"]).stdout, "true\n");

    let mut stage = get("stage");
    stage["current_stage"] = 1.into();
    stage["percentage"] = 100.into();
    set("stage", &stage);
    assert_eq!(live(0, &["stage", "-q"]).stdout, "true\n");
    let mut stop = get("stop");
    stop["enabled"] = false.into();
    stop["rolled_back_at"] = json!(1_795_317_120);
    stop["note"] = json!({"actor": "bo", "reason": "errors"});
    set("stop", &stop);
    let told = live(0, &["stop"]).stdout;
    let why = "it was rolled back on 2026-11-22 at 03:12 UTC by bo (errors), which holds for the allowed lists too";
    assert!(
        told.contains("stop is false") && told.contains(why),
        "{told}"
    );
    // The files know nothing of either.
    assert_eq!(
        project
            .expect(0, &["eval", "stop", "--user", "ana", "-q"])
            .stdout,
        "true\n"
    );

    // One record that makes no sense is no reason not to answer for the others.
    set("broken", &json!({"enabled": "yes"}));
    redis.run::<()>(&["SET", "ff:text", "not json \u{1b}[2J"]);
    redis.run::<()>(&["RPUSH", "ff:list", "a"]);
    let all = live(0, &["--all", "--format", "json"]).json();
    let told: Vec<(String, String)> = all["flags"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|flag| {
            let text = |field: &str| flag[field].as_str().expect("text").to_owned();
            (text("flag"), text("reason"))
        })
        .collect();
    let expected = [
        ("broken", "ERROR"),
        ("list", "ERROR"),
        ("stage", "STATIC"),
        ("stop", "DISABLED"),
        ("text", "ERROR"),
    ];
    assert_eq!(
        told,
        expected.map(|(flag, reason)| (flag.to_owned(), reason.to_owned()))
    );
    assert_eq!(
        all["flags"][0]["why"],
        "`enabled` is \"yes\", not true or false"
    );
    let broken = live(2, &["broken"]).stdout;
    assert!(
        broken.starts_with("broken cannot be evaluated\n"),
        "{broken}"
    );
    assert!(!live(0, &["--all"]).stdout.contains('\u{1b}'));
    let refused = live(2, &["text"]).stdout;
    assert!(
        refused.contains("it is no record: it is not JSON"),
        "{refused}"
    );
}

#[test]
fn the_reader_in_the_readme_gives_the_same() {
    let world = World::new();
    world.apply();
    // Besides the example flags: stopped, at a later stage, with another salt, odd numbers.
    let extra = [
        (
            "x_stopped",
            json!({"enabled": false, "rolled_back_at": 1, "allowed_users": ["user-1"], "percentage": 100}),
        ),
        (
            "x_stage",
            json!({"type": "rollout", "enabled": true, "percentage": 33.333, "current_stage": 1,
            "rollout_stages": [{"percentage": 1}, {"percentage": 33.333}]}),
        ),
        (
            "x_salt",
            json!({"enabled": true, "percentage": 50, "salt": "größe:旗", "allowed_groups": ["staff"]}),
        ),
        (
            "x_thirds",
            json!({"enabled": true, "percentage": 66.6666, "variants": {"a": 33.3333, "b": 33.3333, "c": 33.3334},
            "control": "b", "forced": {"a": ["user-3", "user-4"], "c": ["user-3"]}}),
        ),
        (
            "x_values",
            json!({"enabled": true, "percentage": 99.999, "variants": {"z": 10, "a": 90}, "control": "z",
            "values": {"a": {"n": 1.5}, "z": {}}}),
        ),
        (
            "x_off",
            json!({"enabled": false, "percentage": 100, "variants": {"a": 50, "b": 50}, "control": "b", "forced": {"a": ["user-1"]}}),
        ),
    ];
    for (flag, record) in extra {
        world
            .server
            .run::<()>(&["SET", &format!("ff:{flag}"), &record.to_string()]);
    }
    let mut answers = Vec::new();
    let keys: Vec<String> = world.server.run(&["KEYS", "ff:*"]);
    for key in keys {
        let flag = key.strip_prefix("ff:").expect("the prefix");
        let bytes: Vec<u8> = world.server.run(&["GET", &key]);
        let evaluator =
            Evaluator::new(flag, &Record::parse(&bytes).expect("a record")).expect("sense");
        let mut ask = |user: Option<&str>, groups: &[&str]| {
            let value = evaluator.evaluate(user, groups).value();
            answers.push(json!([flag, user, groups, value]));
        };
        for number in 0..300 {
            let user = format!("user-{number}");
            ask(Some(&user), &[]);
            ask(Some(&user), &["guests", "employees"]);
        }
        for user in ["", "qa_1", "internal_tester_1", "demo_account", "Зоя", "😀"] {
            ask(Some(user), &["staff"]);
        }
        ask(None, &[]);
        ask(None, &["employees", "staff"]);
    }
    assert!(answers.len() > 10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let (reader, file) = (
        folder.path().join("reader.py"),
        folder.path().join("answers.json"),
    );
    fs::write(&reader, &blocks("python")[0]).expect("a file");
    fs::write(&file, Value::from(answers).to_string()).expect("a file");
    let output = python("check_answers.py")
        .arg(&reader)
        .arg(world.server.tcp_url())
        .arg(&file)
        .output()
        .expect("python to run");
    assert!(output.status.success(), "{}", shown(&output));
}
