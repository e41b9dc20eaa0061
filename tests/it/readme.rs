//! What the README says is so: its pictures are run, its tables compared, its examples read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoist::config::{self, Config};
use hoist::diagnostic::FileId;
use hoist::doctor::{CHECKS, Of};
use hoist::model::{FLAG_FIELDS, OVERRIDE_FIELDS, STAGE_FIELDS, TEST_FIELDS, VARIANT_FIELDS};
use hoist::plan::{Action, Plan, Removed, Snapshot, Stored, Target, Wanted};
use hoist::record::{Record, SPEC_FIELDS, STATUS_FIELDS};
use hoist::rules::{Check, Context, Level, Levels, Limits, RULES, Rule, Settings, check_file};
use hoist::store::{HistoryEntry, Info};
use hoist::{report, schema};
use serde_json::{Value, json};

use crate::python::{World, python, shown};

#[test]
fn the_pictures_are_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    fs::copy(root().join("README.md"), &readme).unwrap();
    fs::create_dir(readme.with_extension("out")).unwrap();
    for (directory, file) in [
        ("flags", "checkout"),
        ("flags", "search"),
        ("drafts", "pricing"),
    ] {
        let (from, to) = (root().join("tests/readme"), readme.with_extension("in"));
        let name = format!("{directory}/{file}.yaml");
        fs::create_dir_all(to.join(directory)).unwrap();
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
    let cases = trycmd::TestCases::new();
    cases
        .case(&readme)
        .register_bin("hoist", Path::new(env!("CARGO_BIN_EXE_hoist")))
        .register_bin("sed", Path::new("/bin/sed"));
    let outcome = panic::catch_unwind(|| cases.run());
    if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
        fs::copy(&readme, root().join("README.md")).unwrap();
    }
    outcome.unwrap_or_else(|panic| panic::resume_unwind(panic));
    assert!(
        text().matches("\n$ hoist ").count() > 3,
        "the README has pictures"
    );
}

#[test]
fn the_tables_of_fields_are_complete() {
    for (heading, fields) in [
        ("Fields of a flag", &FLAG_FIELDS[..]),
        ("Stages", &STAGE_FIELDS),
        ("Variants", &VARIANT_FIELDS),
        ("Tests", &TEST_FIELDS),
    ] {
        assert_eq!(column(heading, "field"), set(fields), "{heading}");
        for row in table(heading) {
            assert!(
                !row["type"].is_empty() && !row["default"].is_empty(),
                "{row:?}"
            );
        }
    }
    let replaced = table("Fields of a flag")
        .into_iter()
        .filter(|row| row["per environment"] == "yes");
    let replaced: BTreeSet<String> = replaced.map(|row| row["field"].clone()).collect();
    assert_eq!(replaced, set(&OVERRIDE_FIELDS));
}

#[test]
fn the_tables_of_fields_agree_with_the_schema() {
    let schema: Value = serde_json::from_str(schema::SCHEMA).unwrap();
    let definitions = &schema["$defs"];
    for (heading, definition) in [
        ("Fields of a flag", "flag"),
        ("Stages", "stage"),
        ("Variants", "variant"),
        ("Tests", "test"),
    ] {
        let definition = &definitions[definition];
        let properties = definition["properties"].as_object().unwrap();
        assert_eq!(
            column(heading, "field"),
            properties.keys().cloned().collect(),
            "{heading}"
        );
        for row in table(heading) {
            let field = &row["field"];
            let property = match properties[field]["$ref"].as_str() {
                Some(pointer) if properties[field].get("title").is_none() => {
                    &definitions[pointer.rsplit('/').next().unwrap()]
                }
                _ => &properties[field],
            };
            let required = definition["required"]
                .as_array()
                .is_some_and(|all| all.contains(&field.as_str().into()));
            assert_eq!(
                row["default"] == "required",
                required,
                "{field} of {heading}"
            );
            if let Some(default) = property.get("default") {
                assert_eq!(row["default"], default.to_string(), "{field} of {heading}");
            }
        }
    }
}

#[test]
fn the_table_of_rules_is_the_list_of_rules() {
    let told = |heading: &str| -> Vec<_> {
        table(heading)
            .into_iter()
            .map(|row| {
                (
                    row["rule"].clone(),
                    row["level"].clone(),
                    row["finds"].clone(),
                )
            })
            .collect()
    };
    let level = |level: Level, fixed: bool| {
        format!("{}{}", level.as_str(), if fixed { ", always" } else { "" })
    };
    let (of_change, others): (Vec<&Rule>, Vec<&Rule>) = RULES
        .iter()
        .partition(|rule| matches!(rule.check, Check::Change(_)));
    for (heading, rules) in [("Lint", others), ("Rules about change", of_change)] {
        let rules = rules.iter().map(|rule| {
            (
                rule.id.to_owned(),
                level(rule.level, rule.fixed),
                bare(rule.summary),
            )
        });
        assert_eq!(told(heading), rules.collect::<Vec<_>>());
    }
}

#[test]
fn the_tables_of_plans_and_records_are_complete() {
    let actions = Action::ALL.map(Action::as_str);
    let told = column("Plan and apply", "what it is");
    assert_eq!(told, &set(&actions) | &set(&["unchanged", "unmanaged"]));

    let fields = table("Records")
        .into_iter()
        .map(|row| (row["field"].clone(), row["part"].clone()));
    let part = |part: &'static str| move |field: &&str| ((*field).to_owned(), part.to_owned());
    let spec = SPEC_FIELDS.iter().chain(&["meta"]).map(part("spec"));
    let expected = spec.chain(STATUS_FIELDS.iter().map(part("status")));
    assert_eq!(fields.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn the_table_of_the_doctor_is_complete() {
    let told = table("Doctor").into_iter();
    let told = told.map(|row| [&row["check"], &row["finds"], &row["in"]].map(String::clone));
    let expected = CHECKS.map(|check| {
        let of = match check.of {
            Of::Server => "Redis",
            Of::File => "SQLite",
            Of::Any => "both",
        };
        [check.name, check.finds, of].map(str::to_owned)
    });
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn the_table_of_the_configuration_is_complete() {
    let expected: BTreeSet<String> = [
        ("", ""),
        ("environments.NAME", "[environments.a]"),
        ("lint", "[lint]"),
        ("refs", "[refs]"),
    ]
    .iter()
    .flat_map(|(path, table)| {
        settings(table)
            .into_iter()
            .map(move |key| format!("{path}.{key}"))
    })
    .map(|key| key.trim_start_matches('.').to_owned())
    .filter(|key| key != "environments" && key != "lint" && key != "refs")
    .map(|key| {
        if key == "lint.rules" {
            "lint.rules.RULE".into()
        } else {
            key
        }
    })
    .collect();
    assert_eq!(column("Configuration", "key"), expected);

    let config = Config::default();
    let limits = &config.lint.limits;
    let environment = config.environment(None).unwrap();
    for (key, default) in [
        ("flags", format!("{:?}", config.flags)),
        (
            "environments.NAME.prefix",
            format!("{:?}", environment.prefix),
        ),
        ("environments.NAME.prune", environment.prune.to_string()),
        (
            "environments.NAME.wait_replicas",
            environment.wait_replicas.to_string(),
        ),
        (
            "environments.NAME.history_keep",
            environment.history_keep.to_string(),
        ),
        (
            "lint.max_flag_age_days",
            limits.max_flag_age_days.to_string(),
        ),
        ("lint.max_step", limits.max_step.to_string()),
        ("lint.min_stage", format!("\"{}m\"", limits.min_stage / 60)),
        ("lint.max_list", limits.max_list.to_string()),
        ("lint.max_environments", limits.max_environments.to_string()),
        (
            "lint.max_experiment_days",
            limits.max_experiment_days.to_string(),
        ),
    ] {
        let row = table("Configuration")
            .into_iter()
            .find(|row| row["key"] == key);
        assert_eq!(row.unwrap()["default"], default, "{key}");
    }
}

/// What hoist.toml may hold in a table, as hoist itself says of a setting that is not there.
fn settings(table: &str) -> Vec<String> {
    let (_, mistakes) = config::parse(
        FileId(0),
        &format!("{table}\nqqqqqqqqqqqqqqqqqqqqqqqq = 1\n"),
    );
    let help = mistakes
        .iter()
        .find_map(|found| found.help.as_ref()?.strip_prefix("known settings: "));
    help.unwrap_or_else(|| panic!("no help on {table:?}: {mistakes:?}"))
        .split(", ")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_examples_are_clean() {
    let settings = Settings {
        context: Context {
            today: jiff::civil::date(2026, 11, 22),
            environments: vec!["development".into(), "staging".into()],
            limits: Limits::default(),
        },
        levels: Levels::default(),
    };
    let examples = blocks("yaml");
    assert!(examples.len() > 1);
    for example in examples {
        let checked = check_file(FileId(0), example.as_bytes(), &settings);
        assert!(
            !checked.flags.is_empty() && checked.diagnostics.is_empty(),
            "{:?} in {example}",
            checked.diagnostics
        );
    }
    for example in blocks("toml") {
        let (config, mistakes) = config::parse(FileId(0), &example);
        assert!(
            mistakes.is_empty() && config.environments.len() > 1,
            "{mistakes:?} in {example}"
        );
    }
}

#[test]
fn the_shapes_of_json_are_what_is_printed() {
    let [lint, plan, diff, history] = blocks("json")
        .try_into()
        .expect("four shapes in the README");
    let output = Command::new(env!("CARGO_BIN_EXE_hoist"))
        .args([
            "lint",
            "--format",
            "json",
            "--today",
            "2026-11-22",
            "tests/cases/lint",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", shown(&output)));
    assert_eq!(
        shape(&serde_json::from_str(&lint).unwrap()),
        shape(&printed)
    );
    assert_eq!(
        shape(&serde_json::from_str(&plan).unwrap()),
        shape(&report::plan_json::value(&varied_plan(), None))
    );
    let diff: Value = serde_json::from_str(&diff).unwrap();
    // A finding of a rule about change is like any other.
    let printed = json!({"diagnostics": printed["diagnostics"]});
    let is_finding = |path: &String| path.starts_with(".diagnostics");
    let of_findings = |value: &Value| -> BTreeSet<String> {
        shape(value).into_iter().filter(is_finding).collect()
    };
    assert!(of_findings(&diff).is_subset(&of_findings(&printed)));
    assert_eq!(
        shape(&diff),
        shape(&crate::diff::of_a_rise("flags/search.yaml", "new_search"))
    );
    assert_eq!(
        shape(&serde_json::from_str(&history).unwrap()),
        shape(&report::history_json::value(&report::History {
            environment: "production",
            store: &a_store(),
            flags: &[],
            entries: &[an_entry()],
        }))
    );
}

fn a_store() -> Info {
    Info {
        kind: "redis",
        url: "redis://localhost".into(),
        prefix: "ff".into(),
    }
}

fn an_entry() -> HistoryEntry {
    let record = |percentage: u32| {
        let record = json!({"type": "boolean", "enabled": true, "percentage": percentage});
        Some(record.to_string())
    };
    HistoryEntry {
        id: "5c7b0e53".into(),
        generation: 8,
        at: 1.25,
        actor: Some("ana".into()),
        commit: Some("4f1c2ad".into()),
        source: "apply".into(),
        reason: None,
        version: "0.1.0".into(),
        digest: "digest".into(),
        records: [("new_search".into(), (record(10), record(25)))].into(),
        notes: BTreeMap::new(),
    }
}

/// A plan with something in every list.
fn varied_plan() -> Plan {
    let record = |text: &str| Record::parse(text.as_bytes()).unwrap();
    let on = record(r#"{"enabled": true}"#).spec;
    let stopped = r#"{"enabled": false, "rolled_back_at": 1.5, "note": {"actor": "ana", "reason": "errors"}}"#;
    let mut snapshot = Snapshot {
        lineage: Some("lineage".into()),
        generation: 7,
        ..Snapshot::default()
    };
    for (flag, text) in [
        ("changed", r#"{"enabled": false}"#),
        ("kept", "{}"),
        ("stopped", stopped),
    ] {
        snapshot
            .records
            .insert(flag.into(), Stored::Value(text.into()));
        snapshot
            .specs
            .insert(flag.into(), record(text).spec.digest());
    }
    snapshot.removed.insert(
        "new".into(),
        Removed {
            generation: 3,
            at: 1.0,
        },
    );
    let source = hoist::plan::Source {
        file: "flags/a.yaml".into(),
        line: 3,
    };
    let wanted = |flag: &str| Wanted::new(flag, on.clone(), Some(source.clone()));
    let target = Target {
        environment: "production".into(),
        prune: false,
        flags: ["changed", "new", "stopped"].map(wanted).into(),
    };
    let mut plan = Plan::new(&target, "redis", "ff", snapshot);
    let settings = Settings {
        context: Context::new(jiff::civil::date(2026, 11, 22)),
        levels: Levels::default(),
    };
    plan.find_risks(|_| None, &settings);
    plan
}

#[test]
fn the_reader_reads_what_hoist_applies() {
    let world = World::new();
    world.apply();
    let [snippet] = blocks("python")
        .try_into()
        .expect("one reader in the README");
    let folder = tempfile::tempdir().unwrap();
    let reader = folder.path().join("reader.py");
    fs::write(&reader, snippet).unwrap();
    let output = python("read_records.py")
        .arg(&reader)
        .arg(world.server.tcp_url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", shown(&output));
}

#[test]
fn links_lead_somewhere() {
    for file in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap_or_default())
        {
            let found = match link.split_once('#') {
                _ if link.starts_with("https://") => true,
                Some(("", heading)) => anchors(file).contains(heading),
                Some((file, heading)) => anchors(file).contains(heading),
                None => root().join(link).exists(),
            };
            assert!(found, "{file} links to {link}");
        }
    }
}

/// What links may lead to within a page.
pub fn anchors(page: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(page)).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let words = heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .replace(' ', "-");
    words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        .collect()
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn text() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// What stands in the fenced blocks of `language`.
pub fn blocks(language: &str) -> Vec<String> {
    let text = text();
    let fence = format!("\n```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// The lines below a heading, up to the next one of any level.
fn section(heading: &str) -> Vec<String> {
    let text = text();
    let mut fenced = false;
    let mut lines = text.lines().skip_while(|line| {
        !(line.starts_with('#') && line.trim_start_matches('#').trim() == heading)
    });
    assert!(
        lines.next().is_some(),
        "the README has no heading {heading:?}"
    );
    let own = lines.take_while(|line| {
        fenced ^= line.starts_with("```");
        fenced || !line.starts_with('#')
    });
    own.map(str::to_owned).collect()
}

/// The first table below a heading: its cells by the head of their column, without backticks.
fn table(heading: &str) -> Vec<BTreeMap<String, String>> {
    let cells =
        |line: &str| -> Vec<String> { line.trim_matches('|').split('|').map(bare).collect() };
    let section = section(heading);
    let mut lines = section
        .iter()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    let head = cells(
        lines
            .next()
            .unwrap_or_else(|| panic!("no table below {heading:?}")),
    );
    lines
        .skip(1)
        .map(|line| head.iter().cloned().zip(cells(line)).collect())
        .collect()
}

fn bare(cell: impl AsRef<str>) -> String {
    cell.as_ref().replace('`', "").trim().to_owned()
}

fn column(heading: &str, name: &str) -> BTreeSet<String> {
    table(heading).iter().map(|row| row[name].clone()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The paths of all keys in a document, leaving out what records hold.
fn shape(document: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = format!("{path}.{key}");
                    if !["before", "after"].contains(&key.as_str()) {
                        walk(value, &path, paths);
                    }
                    paths.insert(path);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, path, paths)),
            _ => {}
        }
    }
    let mut paths = BTreeSet::new();
    walk(document, "", &mut paths);
    paths
}
