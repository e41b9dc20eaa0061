//! Flags from and to other systems: what is written gives everyone the same there, what is read comes
//! back, and what cannot be carried over is said.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hoist::diagnostic::FileId;
use hoist::eval::Evaluator;
use hoist::exchange::{self, Document, Exported, Format, Outgoing, Target};
use hoist::record::{Kind, Record, Spec};
use hoist::rules::{self, Context, Levels, Limits, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::python::shown;
use crate::support::flagsets;
use crate::support::program::Project;
use crate::support::redis::RedisServer;

const FEATURES: &str = include_str!("../cases/exchange/features.yaml");

/// The flags of a flag file, as `environment` has them.
fn specs(text: &str, environment: &str) -> BTreeMap<String, Spec> {
    let settings = Settings {
        levels: Levels::default(),
        context: Context {
            today: jiff::civil::date(2026, 11, 22),
            environments: vec!["production".into()],
            limits: Limits::default(),
        },
    };
    let checked = rules::check_file(FileId(0), text.as_bytes(), &settings);
    assert!(checked.is_sound, "{:?} in {text}", checked.diagnostics);
    let flags = checked.flags.iter();
    flags
        .map(|flag| (flag.key.value.to_string(), Spec::of(flag, environment)))
        .collect()
}

/// A flag of every kind.
pub fn features(environment: &str) -> BTreeMap<String, Spec> {
    specs(FEATURES, environment)
}

fn export(target: Target, specs: &BTreeMap<String, Spec>) -> Exported {
    let flags: Vec<Outgoing<'_>> = specs
        .iter()
        .map(|(key, spec)| Outgoing {
            key,
            spec,
            source: ("flags.yaml", 1),
        })
        .collect();
    exchange::write(target, "production", &flags).expect("flags that make sense")
}

/// What comes of an export once it is read: the specs, and the reasons of what was lost on the way.
fn import(format: Format, text: &str) -> (BTreeMap<String, Spec>, Vec<(String, String)>) {
    let document = Document::read(text.as_bytes()).expect("a file");
    assert_eq!(Format::guess(&document), Some(format), "{text}");
    let imported = format.read(&document);
    let losses = imported.losses.into_iter();
    let losses = losses.map(|loss| (loss.flag.unwrap_or_default(), loss.reason));
    let file = exchange::flag_file(&imported.flags);
    (specs(&file, "production"), losses.collect())
}

/// The flag without the stages that other systems do not have, and with each user listed once.
fn at_first_stage(spec: &Spec) -> Spec {
    let mut fields = spec.as_json().clone();
    fields.values_mut().for_each(once_each);
    if spec.kind() == Kind::Rollout {
        let first = Record::of_spec(spec).percentage;
        fields.insert("type".into(), "boolean".into());
        fields.insert("percentage".into(), first.to_json());
        fields.shift_remove("rollout_stages");
    }
    Spec::from_json(&fields)
}

fn once_each(value: &mut Value) {
    match value {
        Value::Array(items) => {
            let mut once: Vec<Value> = Vec::new();
            items.retain(|item| {
                let new = item.is_object() || !once.contains(item);
                once.push(item.clone());
                new
            });
        }
        Value::Object(map) => map.values_mut().for_each(once_each),
        _ => {}
    }
}

#[test]
fn flagd_gives_everyone_the_same() {
    let specs = specs(FEATURES, "production");
    let mut askers: Vec<Value> = (0..1000)
        .map(|number| {
            let groups = match number % 10 {
                0 => json!(["employees"]),
                1 => json!(["customers", "beta"]),
                2 => json!(["employees-of-others"]),
                3 => json!(null),
                _ => json!([]),
            };
            json!({"user": format!("user-{number}"), "groups": groups})
        })
        .collect();
    for user in ["user 5", "user-\"7\"", "007", "", " "] {
        askers.push(json!({"user": user, "groups": []}));
    }
    askers.push(json!({"user": null, "groups": ["employees"]}));
    askers.push(json!({"user": null, "groups": []}));
    let exported = export(Target::Flagd, &specs);
    let answers = flagd(&exported.text, &askers);
    assert_eq!(answers.as_object().unwrap().len(), specs.len());
    for (key, spec) in &specs {
        let evaluator = Evaluator::new(key, &Record::of_spec(spec)).unwrap();
        for (asker, theirs) in askers.iter().zip(answers[key].as_array().unwrap()) {
            let groups = asker["groups"].as_array();
            let groups: Vec<&str> = groups
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let ours = evaluator.evaluate(asker["user"].as_str(), &groups);
            assert_eq!(
                theirs["value"],
                *ours.value(),
                "{key} for {asker}: {theirs}"
            );
            if let Some(variant) = ours.variant() {
                assert_eq!(theirs["variant"], variant, "{key} for {asker}");
            }
        }
    }
    let lost: Vec<&str> = exported
        .losses
        .iter()
        .filter_map(|loss| loss.flag.as_deref())
        .collect();
    assert_eq!(
        lost,
        ["in_stages"],
        "only stages are more than flagd can say"
    );
}

/// What flagd's own evaluator makes of definitions.
fn flagd(definitions: &str, askers: &[Value]) -> Value {
    let modules = std::env::var("HOIST_TEST_NODE")
        .expect("HOIST_TEST_NODE is not set: start the tests with `tests/run`, which installs what they need");
    let script = root().join("tests/node/flagd.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .env("HOIST_TEST_NODE", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({"definitions": definitions, "askers": askers});
    node.stdin
        .take()
        .unwrap()
        .write_all(asked.to_string().as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn what_is_written_for_flagd_comes_back() {
    comes_back_from_flagd(&specs(FEATURES, "production"));
}

#[track_caller]
fn comes_back_from_flagd(specs: &BTreeMap<String, Spec>) {
    let text = export(Target::Flagd, specs).text;
    let (back, losses) = import(Format::Flagd, &text);
    assert_eq!(losses, [], "{text}");
    for (key, spec) in specs {
        assert_eq!(
            back.get(key),
            Some(&at_first_stage(spec)),
            "{key} of {text}"
        );
    }
    assert_eq!(back.len(), specs.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flag_comes_back_from_flagd(flags in flagsets::flag_set()) {
        comes_back_from_flagd(&specs(&flagsets::yaml(&flags), "production"));
    }
}

#[test]
fn what_is_written_for_go_feature_flag_comes_back() {
    let mut specs = specs(FEATURES, "production");
    let exported = export(Target::Goff, &specs);
    let (back, losses) = import(Format::Goff, &exported.text);
    // Everybody outside an experiment is one of those with the control there.
    let told = |key: &str, part: &str| {
        losses
            .iter()
            .any(|(flag, reason)| flag == key && reason.contains(part))
    };
    for key in ["part_of_all", "nobody_takes_part", "off_experiment"] {
        assert!(specs.remove(key).is_some());
        assert!(
            told(key, "the people change") || key == "nobody_takes_part",
            "{key}: {losses:?}"
        );
    }
    specs.remove("three_ways");
    let control = |loss: &exchange::Loss| {
        loss.flag.as_deref() == Some("three_ways") && loss.path == "control"
    };
    assert!(exported.losses.iter().any(control), "{:?}", exported.losses);
    // On for nobody is off.
    specs.remove("nobody");
    assert!(!back["nobody"].enabled());
    // Booleans as values of variants are a switch there.
    specs.remove("booleans");
    assert_eq!(back["booleans"].as_json()["percentage"], 25);
    for (key, spec) in &specs {
        // The order of variants is that of the percentages.
        assert_eq!(
            back.get(key),
            Some(&at_first_stage(spec)),
            "{key} of {}",
            exported.text
        );
    }
    assert!(told("off_for_all", "default in the code"));
}

#[test]
fn plain_json_has_the_specs() {
    let specs = specs(FEATURES, "production");
    let exported = export(Target::Json, &specs);
    let json: Value = serde_json::from_str(&exported.text).unwrap();
    assert_eq!(json["environment"], "production");
    for (key, spec) in &specs {
        let fields = json["flags"][key].as_object().unwrap();
        assert_eq!(&Spec::from_json(fields), spec, "{key}");
        assert_eq!(fields["source"]["file"], "flags.yaml");
    }
    assert_eq!(exported.losses, []);
}

#[test]
fn the_manifest_has_types_and_defaults() {
    let exported = export(Target::Manifest, &specs(FEATURES, "production"));
    let manifest: Value = serde_json::from_str(&exported.text).unwrap();
    for (flag, kind, default) in [
        ("listed", "boolean", json!(false)),
        ("three_ways", "string", json!("a")),
        ("numbers", "float", json!(20)),
        ("booleans", "boolean", json!(false)),
        (
            "objects",
            "object",
            json!({"price": 9.99, "tags": ["a", "b"]}),
        ),
    ] {
        let entry = &manifest["flags"][flag];
        assert_eq!(entry["flagType"], kind, "{flag}");
        assert_eq!(entry["defaultValue"], default, "{flag}");
    }
    assert_eq!(
        manifest["flags"]["listed"]["description"],
        "Lists: users, and groups"
    );
}

/// Records as applications write them that know nothing of hoist: some fields left out, others of
/// their own.
const RECORDS: [(&str, &str); 8] = [
    (
        "new_search",
        r#"{"enabled": true, "percentage": 10, "allowed_users": ["internal_tester_1"], "allowed_groups": ["employees"]}"#,
    ),
    ("bare", r#"{"enabled": true}"#),
    (
        "checkout",
        r#"{"enabled": true, "percentage": 5, "rollout_stages": [{"percentage": 1, "duration_hours": 2}, {"percentage": 5, "duration_hours": 0.5}, {"percentage": 100, "duration_hours": null}], "rollout_started": 1795310000.5, "current_stage": 1, "stage_started": 1795317200.25}"#,
    ),
    (
        "pricing_page",
        r#"{"enabled": true, "type": "experiment", "variants": {"control": 34, "higher_price": 33, "lower_price": 33}}"#,
    ),
    (
        "colour",
        r#"{"enabled": true, "type": "experiment", "variants": {"red": 50.0, "blue": 50.0}, "control": "red", "values": {"red": 1, "blue": 2}, "forced": {"blue": ["qa"]}}"#,
    ),
    (
        "stopped",
        r#"{"enabled": false, "percentage": 50, "rolled_back_at": 1795317200.25}"#,
    ),
    (
        "with_meta",
        r#"{"enabled": false, "meta": {"owner": "ops", "tags": ["a"], "expires": "never"}, "team_field": {"a": [1]}}"#,
    ),
    (
        "dotted.key-2",
        r#"{"enabled": true, "salt": "yes", "percentage": 33.333}"#,
    ),
];

#[test]
fn records_of_others_are_adopted_without_a_change() {
    let server = RedisServer::start();
    let url = server.tcp_url();
    for (flag, record) in RECORDS {
        server.run::<()>(&["SET", &format!("ff:{flag}"), record]);
    }
    server.run::<()>(&["SET", "ff:NewSearch", r#"{"enabled": true}"#]);
    server.run::<()>(&["SET", "ff:broken", "on"]);
    server.run::<()>(&[
        "SET",
        "ff:unsure",
        r#"{"enabled": true, "type": "experiment", "variants": {"a": 30, "b": 30}}"#,
    ]);
    server.run::<()>(&[
        "SET",
        "ff:odd",
        r#"{"enabled": true, "meta": {"jira": "X-1"}}"#,
    ]);
    let project = Project::new();
    let strict = project.run(&["import", "--store", &url, "--strict"]);
    assert_eq!(strict.code, 3, "{strict:?}");
    assert!(!project.path("flags").exists());
    let import = project.run(&["import", "--store", &url]);
    assert_eq!(import.code, 0, "{import:?}");
    for line in [
        "left out: ff: NewSearch: a key has small letters",
        "left out: ff: broken: it is no record: it is not JSON",
        "left out: ff: unsure: weights add up to 60, not 100",
        "lost: ff: odd.meta.jira: a flag file has no field for `jira`",
        "lost: ff: stopped.enabled: it is stopped, and written as off",
    ] {
        assert!(import.stderr.contains(line), "{line}\n{}", import.stderr);
    }
    let lint = project.run(&["lint"]);
    assert_eq!(lint.code, 0, "{lint:?}");
    let plan = project.run(&["plan", "--store", &url, "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    for change in plan["changes"].as_array().unwrap() {
        let expected = if change["flag"] == "odd" {
            "conflict"
        } else {
            "adopt"
        };
        assert_eq!(change["action"], expected, "{change}");
    }
    assert_eq!(plan["summary"]["adopt"], RECORDS.len());
    std::fs::remove_file(project.path("flags/odd.yaml")).unwrap();
    let apply = project.run(&["apply", "--store", &url]);
    assert_eq!(apply.code, 0, "{apply:?}");
    for (flag, record) in RECORDS {
        let now: String = server.run(&["GET", &format!("ff:{flag}")]);
        assert_eq!(now, record, "{flag} was written anew");
    }
    let again = project.run(&["import", "--store", &url]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(
        again.stdout.contains("1 flag was imported"),
        "only the one that was taken out: {again:?}"
    );
    assert!(
        again
            .stderr
            .contains("kept: flags/bare.yaml:2: `bare` is there already"),
        "{again:?}"
    );
}

#[test]
fn what_hoist_applied_comes_back_as_it_was() {
    let server = RedisServer::start();
    let url = server.tcp_url();
    let project = Project::with_flags(FEATURES);
    project.write(
        "hoist.toml",
        "[environments.production]\nstore = \"unused\"\n",
    );
    assert_eq!(project.run(&["apply", "--store", &url]).code, 0);
    let other = Project::new();
    other.write(
        "hoist.toml",
        "[environments.production]\nstore = \"unused\"\n",
    );
    let import = other.run(&[
        "import",
        "--store",
        &url,
        "--into",
        "flags/all.yml",
        "--strict",
    ]);
    assert_eq!(import.code, 0, "{import:?}");
    let plan = other.run(&["plan", "--store", &url, "--exit-code"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    let (before, after) = (specs(FEATURES, "production"), other.read("flags/all.yml"));
    assert_eq!(specs(&after, "production"), before);
    let again = Project::new();
    again.run(&["import", "--store", &url, "--into", "flags/all.yml"]);
    assert_eq!(again.read("flags/all.yml"), after, "the same every time");
}

#[test]
fn nothing_that_is_there_is_lost() {
    let project = Project::with_flags("flags:\n  mine: { enabled: true }\n");
    project.write("other.yaml", r#"{"flags": {
        "mine": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"},
        "new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}}}"#);
    project.write("flags/taken.yaml", "flags: {}\n");
    let before = project.read("flags/flags.yaml");
    let into = |file: &str, more: &[&str]| {
        project.run(&[&["import", "other.yaml", "--into", file], more].concat())
    };
    let refused = into("flags/taken.yaml", &[]);
    assert_eq!(
        (refused.code, project.read("flags/taken.yaml")),
        (3, "flags: {}\n".into())
    );
    for outside in [
        "elsewhere.yaml",
        "flags/new.json",
        "flags/../x.yaml",
        "flags/.x.yaml",
    ] {
        let refused = into(outside, &[]);
        assert_eq!(refused.code, 2, "{outside}: {refused:?}");
    }
    let dry = into("flags/new.yaml", &["--dry-run"]);
    assert_eq!(dry.code, 0);
    assert!(
        dry.stdout
            .starts_with("# flags/new.yaml\nflags:\n  new:\n    enabled: true\n"),
        "{dry:?}"
    );
    assert!(!project.path("flags/new.yaml").exists());
    let done = into("flags/taken.yaml", &["--overwrite"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        project.read("flags/taken.yaml"),
        "flags:\n  new:\n    enabled: true\n"
    );
    assert_eq!(project.read("flags/flags.yaml"), before, "`mine` stays");
    project.write("one.yaml", r#"{"flags": {"third": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}"#);
    let lossy = project.run(&[
        "import",
        "one.yaml",
        "--into",
        "flags/taken.yaml",
        "--overwrite",
    ]);
    assert_eq!(lossy.code, 3, "{lossy:?}");
    assert!(
        lossy.stderr.contains("`flags/taken.yaml` holds `new` too"),
        "{lossy:?}"
    );
}

#[test]
fn a_comma_in_a_tag_is_told() {
    let specs = specs("flags: { f: { tags: [\"a, b\"] } }", "production");
    for target in [Target::Flagd, Target::Goff] {
        let losses = export(target, &specs).losses;
        assert!(
            losses.iter().any(|loss| loss.path == "tags"),
            "{target:?}: {losses:?}"
        );
    }
}
