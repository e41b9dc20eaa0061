//! `hoist stale`, from outside: by git, by a store, and by both with code.

use serde_json::{Value, json};

use crate::json_shapes;
use crate::support::program::Project;
use crate::support::redis::RedisServer;
use crate::support::repository::Repository;

/// Seconds since the epoch, so many days before the end of 22 November 2026.
fn ago(days: f64) -> f64 {
    1_795_392_000.0 - days * 86_400.0
}

fn stale(project: &Project, code: i32, args: &[&str]) -> Value {
    let all = [&["stale", "--format", "json"], args].concat();
    let stale = project.expect(code, &all).json();
    json_shapes::check_stale(&stale);
    stale
}

/// Each flag with its reasons, in order.
fn reasons(stale: &Value) -> Vec<String> {
    let flags = stale["flags"].as_array().unwrap().iter();
    let words = flags.map(|flag| {
        let reasons = flag["reasons"].as_array().unwrap().iter();
        let reasons: Vec<&str> = reasons.map(|it| it["reason"].as_str().unwrap()).collect();
        format!("{}: {}", flag["flag"].as_str().unwrap(), reasons.join(" "))
    });
    words.collect()
}

const FLAGS: &str = "flags:
  everywhere: { owner: web, enabled: true, expires: 2027-05-01 }
  for_good: { enabled: true, expires: never }
  partly: { enabled: true, percentage: 50, expires: 2027-05-01 }
  past: { enabled: true, percentage: 50, expires: 2026-11-01 }
  question: { enabled: true, expires: 2026-11-21, variants: { control: 50, other: 50 } }
";

#[test]
fn git_tells_since_when() {
    // Committed on 14 September 2026.
    let repository = Repository::with_flags(FLAGS);
    let project = &repository.project;
    let found = stale(project, 0, &[]);
    assert_eq!(
        reasons(&found),
        [
            "everywhere: on-for-everyone",
            "past: expired",
            "question: experiment-over"
        ]
    );
    let head = repository.git(&["rev-parse", "--short=12", "HEAD"]);
    let reason = &found["flags"][0]["reasons"][0];
    assert_eq!(
        reason["evidence"],
        format!(
            "on for everyone for 69 days, at least since 2026-09-14 12:00 UTC, by line 2 as of commit {head}"
        )
    );
    assert_eq!(
        (&reason["by"], &reason["days"]),
        (&json!("git"), &json!(69))
    );
    assert_eq!(
        found["flags"][1]["reasons"][0]["evidence"],
        "expired 21 days ago, on 2026-11-01"
    );
    assert_eq!(reasons(&stale(project, 0, &["--days", "70"])).len(), 2);
    stale(project, 1, &["--fail"]);
    // What is changed and not committed is of now.
    repository.write_flags(&FLAGS.replace("owner: web, enabled: true", "enabled: true"));
    assert_eq!(reasons(&stale(project, 0, &[])).len(), 2);
    // What git does not know is said.
    repository.write_flags("flags: {}\n");
    repository.write(
        "flags/new.yaml",
        "flags:\n  new: { enabled: true, expires: 2027-01-01 }\n",
    );
    let found = stale(project, 0, &["--fail"]);
    assert_eq!(
        found["notes"],
        json!(["git does not know since when `flags/new.yaml` says what it says"])
    );
}

#[test]
fn without_git_dates_are_left() {
    let project = Project::with_flags(FLAGS);
    let found = stale(&project, 0, &[]);
    assert_eq!(
        reasons(&found),
        ["past: expired", "question: experiment-over"]
    );
    assert!(
        found["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("git was not asked since when: ")
    );
    project.write("flags/broken.yaml", "flags: [");
    project.expect(1, &["stale"]);
}

#[test]
fn code_that_names_no_flag_lets_it_go_first() {
    let repository = Repository::with_flags(FLAGS);
    repository.write(
        "src/app.py",
        "is_enabled('past')\nis_enabled('everywhere')\nx = 'for_good'\n",
    );
    let found = stale(&repository.project, 0, &["--src", "src"]);
    assert_eq!(
        reasons(&found),
        [
            "question: unreferenced experiment-over",
            "partly: unreferenced",
            "everywhere: on-for-everyone",
            "past: expired",
        ]
    );
    assert_eq!(
        found["flags"][2]["references"],
        json!({"count": 1, "places": ["src/app.py:2"]})
    );
    let human = repository
        .project
        .expect(0, &["stale", "--src", "src"])
        .stdout;
    let expected = "  1. question  no owner, 69 days old  flags/flags.yaml:6
     no code refers to it: none of 1 file below src
     the experiment ended 1 day ago, on 2026-11-21
     next: delete it from flags/flags.yaml, and apply

";
    assert!(human.starts_with(expected), "{human}");
    assert!(
        human.contains("     in code at src/app.py:1\n     next: take it out of the code, then delete it from flags/flags.yaml, and apply\n"),
        "{human}"
    );
    assert!(
        human.ends_with("\nChecked 5 flags: 4 are due for removal\n"),
        "{human}"
    );
}

/// What a client of the record format may have left in a store, as the published Python classes do.
fn records(redis: &RedisServer) {
    let set = |flag: &str, record: Value| {
        redis.run::<()>(&["SET", &format!("ff:{flag}"), &record.to_string()])
    };
    set(
        "rolled_out",
        json!({"type": "rollout", "enabled": true, "percentage": 100, "stage_started": ago(40.0), "rollout_started": ago(80.0)}),
    );
    set(
        "started_only",
        json!({"enabled": true, "percentage": 100, "rollout_started": ago(50.0)}),
    );
    set(
        "fresh",
        json!({"enabled": true, "percentage": 100, "stage_started": ago(10.0)}),
    );
    set(
        "on_its_way",
        json!({"enabled": true, "percentage": 50, "stage_started": ago(90.0)}),
    );
    set(
        "stopped",
        json!({"enabled": false, "percentage": 100, "stage_started": ago(90.0), "rolled_back_at": ago(35.0)}),
    );
    set("no_time", json!({"enabled": true, "percentage": 100}));
    redis.run::<()>(&["SET", "ff:odd", "[]"]);
}

#[test]
fn a_store_alone_is_enough() {
    let redis = RedisServer::start();
    records(&redis);
    // There is no flag file, and no hoist.toml.
    let project = Project::new();
    let store = redis.tcp_url();
    let found = stale(&project, 0, &["--live", "--store", &store]);
    assert_eq!(
        reasons(&found),
        [
            "started_only: on-for-everyone",
            "rolled_out: on-for-everyone",
            "stopped: rolled-back"
        ]
    );
    assert_eq!(
        found["flags"][1]["reasons"][0]["evidence"],
        "on for everyone for 40 days, since 2026-10-14 00:00 UTC, by the record's `stage_started`"
    );
    assert!(
        found["notes"][0]
            .as_str()
            .unwrap()
            .contains("`odd` holds what is no record")
    );
    assert_eq!(found["checked"], 6);
    let week = stale(
        &project,
        1,
        &["--live", "--store", &store, "--days", "7", "--fail"],
    );
    assert_eq!(week["flags"].as_array().unwrap().len(), 4);
    let human = project
        .expect(0, &["stale", "--live", "--store", &store])
        .stdout;
    assert!(
        human.contains("next: decide: `hoist restore stopped`, or remove it"),
        "{human}"
    );
    project.expect(2, &["stale"]);
}

#[test]
fn the_history_of_a_store_tells_what_records_do_not() {
    let redis = RedisServer::start();
    let flags = "flags:\n  a: { enabled: true, percentage: 10, expires: 2030-01-01 }\n  b: { enabled: true, expires: 2030-01-01 }\n";
    let project = Project::with_flags(flags);
    let store = redis.tcp_url();
    project.expect(0, &["apply", "--store", &store]);
    project.write("flags/flags.yaml", flags.replace("percentage: 10, ", ""));
    project.expect(0, &["apply", "--store", &store]);
    let far = [
        "stale",
        "--format",
        "json",
        "--store",
        &store,
        "--today",
        "2029-11-22",
    ];
    let mut command = project.command(&far);
    let found: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    json_shapes::check_stale(&found);
    assert_eq!(
        reasons(&found),
        ["a: on-for-everyone", "b: on-for-everyone"]
    );
    let evidence = |index: usize| found["flags"][index]["reasons"][0]["evidence"].to_string();
    assert!(
        evidence(1).contains("by generation 1 of the store"),
        "{found}"
    );
    assert!(
        evidence(0).contains("by generation 2 of the store"),
        "{found}"
    );
    // What somebody else has written since is not in it.
    redis.run::<()>(&["SET", "ff:a", r#"{"enabled": true, "percentage": 100}"#]);
    let mut command = project.command(&far);
    let found: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(reasons(&found), ["b: on-for-everyone"]);
}

#[test]
fn the_live_record_counts_where_a_store_is_named() {
    let redis = RedisServer::start();
    records(&redis);
    let repository = Repository::with_flags(
        "flags:
  rolled_out: { enabled: true, rollout: [{ percentage: 1, duration: 1d }, { percentage: 100 }], expires: 2027-05-01 }
  on_its_way: { enabled: true, expires: 2027-05-01 }
  never_applied: { enabled: true, expires: 2027-05-01 }
",
    );
    let by_git = stale(&repository.project, 0, &[]);
    assert_eq!(
        reasons(&by_git),
        [
            "never_applied: on-for-everyone",
            "on_its_way: on-for-everyone"
        ]
    );
    let live = stale(&repository.project, 0, &["--store", &redis.tcp_url()]);
    assert_eq!(reasons(&live), ["rolled_out: on-for-everyone"]);
    assert_eq!(
        live["flags"][0]["source"],
        json!({"file": "flags/flags.yaml", "line": 2})
    );
}

#[test]
fn markdown_is_short_and_harmless() {
    let mut flags = String::from("flags:\n");
    for number in 0..2000 {
        flags += &format!(
            "  flag_{number:04}: {{ owner: \"@ana | <img src=x> {number}\", expires: 2026-01-01 }}\n"
        );
    }
    let project = Project::with_flags(&flags);
    let document = project.expect(0, &["stale", "--format", "markdown"]).stdout;
    assert!(document.len() < 65_000, "{}", document.len());
    assert!(
        document.starts_with("### Checked 2000 flags: 2000 are due for removal\n"),
        "{document}"
    );
    let shown = document.matches("\n| ").count() - 2;
    assert!(
        document.contains(&format!("\n… and {} more flags\n", 2000 - shown)),
        "{shown}"
    );
    assert!(document.contains("| 1 | `flag_0000`<br>`flags/flags.yaml:2` | @&#8203;ana \\| &lt;img src=x&gt; 0 | expired 325 days ago, on 2026-01-01 |"), "{document}");
    let few =
        Project::with_flags("flags: {}\n").expect(0, &["stale", "--format", "markdown", "--fail"]);
    assert_eq!(
        few.stdout,
        "### Checked 0 flags: none is due for removal\n\n"
    );
}
