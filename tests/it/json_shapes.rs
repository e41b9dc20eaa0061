//! What programs read: every field of the JSON that commands print, its type and its place.

use serde_json::{Map, Value, json};

use crate::support::program::Project;
use crate::support::redis::RedisServer;

/// Compares with a shape: `"string"` and the like name types, `"a|b"` lists the words that may
/// stand there, `"name?"` is a field that may be left out, and `[x]` is a list of any length.
/// Fields come in the order of the shape, and there are no others.
fn check(at: &str, value: &Value, shape: &Value) {
    match (shape, value) {
        (Value::Object(shape), Value::Object(map)) => check_fields(at, map, shape),
        (Value::Array(shape), Value::Array(list)) => {
            for (number, item) in list.iter().enumerate() {
                check(&format!("{at}[{number}]"), item, &shape[0]);
            }
        }
        (Value::String(kinds), value) => {
            let fits = kinds.split('|').any(|kind| is_a(kind, value));
            assert!(fits, "{at} is {value}, not {kinds}");
        }
        _ => panic!("{at} is {value}, not like {shape}"),
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "count" => value.is_u64(),
        "number" => value.is_number(),
        "any" => true,
        "null" => value.is_null(),
        "object" => value.is_object(),
        word => value == word || word.parse::<u64>().is_ok_and(|number| value == number),
    }
}

fn check_fields(at: &str, map: &Map<String, Value>, shape: &Map<String, Value>) {
    let mut fields = map.iter().peekable();
    for (name, shape) in shape {
        let (name, optional) = name
            .strip_suffix('?')
            .map_or((name.as_str(), false), |name| (name, true));
        match fields.next_if(|(found, _)| *found == name) {
            Some((_, value)) => check(&format!("{at}.{name}"), value, shape),
            None => assert!(optional, "{at} has no `{name}` at its place: {map:?}"),
        }
    }
    assert_eq!(
        fields.next(),
        None,
        "{at} has a field that nobody was told of"
    );
}

fn lint_shape() -> Value {
    let point = json!({"line": "count", "column": "count", "offset": "count"});
    let range = json!({"start": point, "end": point});
    json!({
        "version": "1",
        "files": "count",
        "flags": "count",
        "diagnostics": [{
            "rule": "string",
            "severity": "error|warning",
            "message": "string",
            "file": "string",
            "range": range,
            "flag?": "string",
            "help?": "string",
            "related": [{"message": "string", "file": "string", "range": range}],
            "fix?": {"title": "string", "edits": [{"range": range, "text": "string"}], "safe": "any"},
        }],
        "summary": {"errors": "count", "warnings": "count"},
        "unread?": [{"file": "string", "message": "string"}],
    })
}

fn impact_shape() -> Value {
    json!({"gained": "number", "lost": "number", "moved": "number", "avoidable": "number", "order?": ["string"]})
}

fn risk_shape() -> Value {
    json!({"rule": "string", "severity": "error|warning", "message": "string", "help?": "string"})
}

/// What `hoist diff` prints, held by whoever makes one.
pub fn check_diff(diff: &Value) {
    let group = json!({"count": "count", "users": ["string"]});
    let side = json!({"revision": "string|null", "commit": "string|null"});
    let shape = json!({
        "version": "1",
        "base": side,
        "head": side,
        "environments": ["string"],
        "changes": [{
            "flag": "string",
            "action": "create|update|delete",
            "environments": ["string"],
            "fields": [{"path": "string", "before": "any", "after": "any"}],
            "impact?": impact_shape(),
            "people?": {"gained": group, "lost": group, "moved": group},
            "notes": ["string"],
            "risks": [risk_shape()],
            "source?": {"file": "string", "line": "count"},
            "before": "object|null",
            "after": "object|null",
        }],
        "users?": "count",
        "affected?": "count",
        "unchanged": "count",
        "skipped": ["string"],
        "notes": ["string"],
        "diagnostics": lint_shape()["diagnostics"],
        "summary": {
            "create": "count",
            "update": "count",
            "delete": "count",
            "errors": "count",
            "warnings": "count",
        },
    });
    check("diff", diff, &shape);
}

/// What `hoist watch` prints on a line, held by whoever watches.
pub fn check_watch(event: &Value) {
    let change = json!({
        "flag": "string",
        "action": "create|adopt|conflict|update|drift|delete|forget",
        "fields": [{"path": "string", "before": "any", "after": "any"}],
        "notes": ["string"],
    });
    let fields = match event["event"].as_str().expect("an event") {
        "watching" => json!({
            "environment": "string",
            "store": {"kind": "string", "url": "string", "prefix": "string"},
            "flags": "string",
        }),
        "sync" => json!({
            "generation": "count",
            "milliseconds": "number",
            "changes": [change],
            "unchanged": "count",
            "summary": plan_shape()["summary"],
            "replicas?": "count",
        }),
        "findings" => json!({
            "held": ["string"],
            "partial": "any",
            "diagnostics": lint_shape()["diagnostics"],
            "summary": {"errors": "count", "warnings": "count"},
        }),
        "refused" => json!({
            "refused": [{"message": "string", "hint": "string"}],
            "changes": [change],
        }),
        "failed" | "away" | "note" => json!({"message": "string"}),
        "back" => json!({"after_seconds": "number"}),
        "foreign" => json!({
            "generation": "count",
            "source": "string|null",
            "actor": "string|null",
            "reason": "string|null",
            "flags": ["string"],
        }),
        "rival" => json!({"actor": "string|null", "directory": "string", "process": "count"}),
        "ran" => json!({"exit": "number|null", "output": "string"}),
        "rival_gone" | "stopped" => json!({}),
        other => panic!("nobody was told of the event {other}"),
    };
    let mut shape = json!({"version": "1", "event": "string", "at": "number"});
    if let (Value::Object(shape), Value::Object(fields)) = (&mut shape, fields) {
        shape.extend(fields);
    }
    check("watch", event, &shape);
}

fn plan_shape() -> Value {
    let counts = json!({
        "create": "count",
        "adopt": "count",
        "conflict": "count",
        "update": "count",
        "drift": "count",
        "delete": "count",
        "forget": "count",
    });
    let group = json!({"count": "count", "users": ["string"]});
    json!({
        "version": "1",
        "environment": "string",
        "store": {"kind": "redis|sqlite|memory", "lineage": "string|null", "prefix": "string", "generation": "count"},
        "changes": [{
            "flag": "string",
            "action": "create|adopt|conflict|update|drift|delete|forget",
            "fields": [{"path": "string", "before": "any", "after": "any"}],
            "impact?": impact_shape(),
            "people?": {"gained": group, "lost": group, "moved": group},
            "notes": ["string"],
            "risks": [risk_shape()],
            "source?": {"file": "string", "line": "count"},
            "before": "object|null",
            "after": "object|null",
        }],
        "unchanged": "count",
        "unmanaged": "count",
        "kept": ["string"],
        "stopped": [{"flag": "string", "since": "number|null", "actor": "string|null", "reason": "string|null"}],
        "rolled_back?": {"to": "count", "digest": "string", "actor": "string|null", "reason": "string|null", "at": "number"},
        "users?": "count",
        "affected?": "count",
        "summary": counts,
        "fingerprint": "string",
    })
}

fn apply_shape() -> Value {
    json!({
        "version": "1",
        "applied": "any",
        "generation": "count",
        "refused": ["string"],
        "replicas?": "count",
        "plan": plan_shape(),
    })
}

fn history_shape() -> Value {
    json!({
        "version": "1",
        "environment": "string",
        "store": {"kind": "redis|sqlite|memory", "prefix": "string"},
        "commits": [{
            "id": "string",
            "generation": "count",
            "at": "number",
            "source": "string",
            "actor": "string|null",
            "commit": "string|null",
            "reason": "string|null",
            "hoist": "string",
            "flags": [{
                "flag": "string",
                "fields": [{"path": "string", "before": "any", "after": "any"}],
                "note?": "string",
                "before": "object|null",
                "after": "object|null",
            }],
        }],
    })
}

fn checkup_shape() -> Value {
    json!({
        "version": "1",
        "environment": "string|null",
        "store": {"kind": "redis|sqlite|memory", "lineage": "string|null", "prefix": "string", "generation": "count|null"},
        "findings": [{
            "check": "string",
            "severity": "error|warning|unknown|note|ok",
            "found": "string",
            "advice?": "string",
            "fixes": [{"in": "redis|shell", "command": "string"}],
        }],
        "summary": {
            "errors": "count",
            "warnings": "count",
            "unknown": "count",
            "notes": "count",
            "ok": "count",
        },
    })
}

/// What several environments give together, each what one alone gives or why it gives nothing.
pub fn check_several(command: &str, several: &Value) {
    let (one, kinds): (Value, &[&str]) = match command {
        "plan" => (plan_shape(), &["changed", "unchanged"]),
        "apply" => (
            apply_shape(),
            &["applied", "unchanged", "planned", "refused"],
        ),
        "history" => (history_shape(), &["read"]),
        "doctor" => (checkup_shape(), &["read"]),
        _ => panic!("no shape for {command}"),
    };
    let failed = json!({"environment": "string", "failed": {"exit_code": "1|2|3", "problems": [
        {"message": "string", "because": ["string"], "help?": "string"}
    ]}});
    let environments = several["environments"].as_array().expect("a list");
    for environment in environments {
        let shape = match environment.get("failed") {
            Some(_) => &failed,
            None => &one,
        };
        check(command, environment, shape);
    }
    let mut counts = json!({"environments": "count"});
    for kind in kinds.iter().chain(&["failed", "exit_code"]) {
        counts[*kind] = "count".into();
    }
    let shape = json!({"version": "1", "environments": ["any"], "summary": counts});
    check(command, several, &shape);
    assert_eq!(several["summary"]["environments"], environments.len());
}

/// What `hoist new` prints.
pub fn check_new(new: &Value) {
    let shape = json!({
        "version": "1",
        "written": "any",
        "flag": "string",
        "source": {"file": "string", "line": "count"},
        "text": "string",
        "findings": [risk_shape()],
        "notes": ["string"],
        "diff?": "string",
    });
    check("new", new, &shape);
}

/// What `hoist remove` prints.
pub fn check_removed(removed: &Value) {
    let shape = json!({
        "version": "1",
        "written": "any",
        "flags": [{
            "flag": "string",
            "source": {"file": "string", "line": "count"},
            "file_removed": "any",
            "references?": {"count": "count", "places": ["string"]},
        }],
        "findings": [risk_shape()],
        "diff?": "string",
    });
    check("removed", removed, &shape);
}

/// What `hoist promote` prints.
pub fn check_promotion(promotion: &Value) {
    let shape = json!({
        "version": "1",
        "from": "string",
        "to": "string",
        "written": "any",
        "flags": [{
            "flag": "string",
            "source": {"file": "string", "line": "count"},
            "outcome": "promoted|unchanged",
            "fields": [{"path": "string", "before": "any", "after": "any"}],
            "lost_comments": ["string"],
        }],
        "findings": [risk_shape()],
        "diff?": "string",
        "plan": "object|null",
        "unplanned?": {"exit_code": "1|2|3", "problems": [{"message": "string", "because": ["string"], "help?": "string"}]},
    });
    check("promotion", promotion, &shape);
    if promotion["plan"].is_object() {
        check("plan", &promotion["plan"], &plan_shape());
    }
}

#[test]
fn lint() {
    let project = Project::new();
    // Every finding there is a case for; the folder lies outside of the one hoist runs in.
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/lint");
    let found = project
        .expect(1, &["lint", "--format", "json", cases])
        .json();
    check("lint", &found, &lint_shape());
    let diagnostics = found["diagnostics"].as_array().expect("a list");
    assert!(diagnostics.len() > 30);
    for (field, least) in [("fix", 3), ("flag", 10), ("help", 10)] {
        let with = diagnostics
            .iter()
            .filter(|found| found.get(field).is_some())
            .count();
        assert!(with >= least, "only {with} have `{field}`");
    }
    for found in diagnostics {
        let file = found["file"].as_str().expect("a name");
        assert!(
            file.starts_with("../") && file.ends_with(".yaml") && !file.contains('\\'),
            "{file}"
        );
    }
    let count = |severity: &str| {
        diagnostics
            .iter()
            .filter(|found| found["severity"] == severity)
            .count()
    };
    assert_eq!(
        found["summary"],
        json!({"errors": count("error"), "warnings": count("warning")})
    );
    assert_eq!(
        found["files"],
        std::fs::read_dir(cases).expect("the cases").count()
    );

    let partly = project.expect(2, &["lint", "--format", "json", cases, "nowhere"]);
    let partly = partly.json();
    check("lint", &partly, &lint_shape());
    assert_eq!(partly["unread"][0]["file"], "nowhere");

    let clean = Project::with_flags("flags: {}\n")
        .expect(0, &["lint", "--format", "json"])
        .json();
    let nothing = json!({"version": 1, "files": 1, "flags": 0, "diagnostics": [], "summary": {"errors": 0, "warnings": 0}});
    assert_eq!(clean, nothing);
}

#[test]
fn places_count_characters_and_bytes() {
    let flags = "# ü\r\nflags:\r\n  a: { description: größer, ownr: web, expires: never }\r\n";
    let project = Project::with_flags(flags);
    let found = project.expect(1, &["lint", "--format", "json"]).json();
    let diagnostics = found["diagnostics"].as_array().expect("a list");
    let found = diagnostics
        .iter()
        .find(|found| found["rule"] == "unknown-field")
        .expect("the finding");
    let offset = flags.find("ownr").expect("the word");
    assert_eq!(found["file"], "flags/flags.yaml");
    assert_eq!(
        found["range"],
        json!({
            "start": {"line": 3, "column": 29, "offset": offset},
            "end": {"line": 3, "column": 33, "offset": offset + 4},
        })
    );
}

#[test]
fn plan_and_apply() {
    let redis = RedisServer::start();
    let project = Project::with_flags(
        "flags:
  adopted: { expires: never, percentage: 5 }
  deleted: { expires: never }
  drifted: { expires: never }
  forgotten: { expires: never }
  stopped: { expires: never, enabled: true }
  updated: { expires: never, percentage: 5 }
",
    );
    let store = redis.tcp_url();
    let json = |code: i32, args: &[&str]| {
        project
            .expect(
                code,
                &[args, &["--format", "json", "--store", &store]].concat(),
            )
            .json()
    };
    let set = |flag: &str, record: Value| {
        redis.run::<()>(&["SET", &format!("ff:{flag}"), &record.to_string()])
    };

    let first = json(0, &["plan"]);
    check("plan", &first, &plan_shape());
    assert_eq!(
        first["store"],
        json!({"kind": "redis", "lineage": null, "prefix": "ff", "generation": 0})
    );
    let applied = json(0, &["apply"]);
    check("apply", &applied, &apply_shape());
    assert_eq!(
        (&applied["applied"], &applied["generation"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(applied["plan"]["fingerprint"], first["fingerprint"]);

    redis.run::<()>(&["HDEL", "hoist:{ff}:specs", "adopted"]);
    redis.run::<()>(&["DEL", "ff:forgotten"]);
    set(
        "drifted",
        json!({"type": "boolean", "enabled": true, "percentage": 3}),
    );
    set(
        "stopped",
        json!({"enabled": false, "meta": {"expires": "never"}, "rolled_back_at": 1.5, "note": {"reason": "r"}}),
    );
    set("conflicting", json!({"enabled": true}));
    set("unmanaged", json!({"enabled": true}));
    redis.run::<()>(&["RPUSH", "ff:listed", "a"]);
    project.write(
        "flags/flags.yaml",
        "flags:
  adopted: { expires: never, percentage: 5 }
  conflicting: { expires: never }
  created: { expires: never, variants: { a: 50, b: 50 } }
  drifted: { expires: never }
  listed: { expires: never }
  stopped: { expires: never, enabled: true }
  updated: { expires: never, percentage: 50 }
",
    );
    let plan = json(1, &["plan", "--exit-code"]);
    check("plan", &plan, &plan_shape());
    let changes = plan["changes"].as_array().expect("a list");
    let actions: Vec<_> = changes
        .iter()
        .map(|change| (change["flag"].as_str(), change["action"].as_str()))
        .collect();
    let expected = [
        ("adopted", "adopt"),
        ("conflicting", "conflict"),
        ("created", "create"),
        ("deleted", "delete"),
        ("drifted", "drift"),
        ("forgotten", "forget"),
        ("listed", "conflict"),
        ("updated", "update"),
    ];
    assert_eq!(
        actions,
        expected.map(|(flag, action)| (Some(flag), Some(action)))
    );
    assert_eq!(
        plan["summary"],
        json!({"create": 1, "adopt": 1, "conflict": 2, "update": 1, "drift": 1, "delete": 1, "forget": 1})
    );
    assert_eq!(
        (&plan["unchanged"], &plan["unmanaged"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        plan["stopped"][0],
        json!({"flag": "stopped", "since": 1.5, "actor": null, "reason": "r"})
    );
    let updated = &changes[7];
    assert_eq!(
        updated["fields"],
        json!([{"path": "percentage", "before": 5, "after": 50}])
    );
    assert_eq!(
        updated["source"],
        json!({"file": "flags/flags.yaml", "line": 8})
    );
    assert_eq!(
        (
            &updated["before"]["percentage"],
            &updated["after"]["percentage"]
        ),
        (&json!(5), &json!(50))
    );

    let refused = json(3, &["apply"]);
    check("apply", &refused, &apply_shape());
    assert_eq!(
        (&refused["applied"], &refused["generation"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(refused["plan"], plan);
    assert_eq!(refused["refused"].as_array().map(Vec::len), Some(2));
}

#[test]
fn history_and_rollback() {
    let project = Project::with_flags("flags:\n  a: { expires: never, percentage: 5 }\n");
    project.expect(0, &["apply"]);
    project.write(
        "flags/flags.yaml",
        "flags:\n  a: { expires: never, percentage: 50 }\n",
    );
    project.expect(0, &["apply"]);
    let back = [
        "rollback", "--last", "--reason", "errors", "--format", "json",
    ];
    let back = project.expect(0, &back).json();
    assert_eq!(
        (&back["applied"], &back["generation"]),
        (&json!(true), &json!(3))
    );
    check("rollback", &back["plan"], &plan_shape());
    let plan = project.expect(0, &["plan", "--format", "json"]).json();
    check("plan", &plan, &plan_shape());
    assert_eq!(plan["rolled_back"]["to"], 1);

    let history = project.expect(0, &["history", "--format", "json"]).json();
    check("history", &history, &history_shape());
    let commits = history["commits"].as_array().expect("a list");
    let sources: Vec<_> = commits.iter().map(|commit| &commit["source"]).collect();
    assert_eq!(sources, ["rollback", "apply", "apply"]);
    assert_eq!(commits[0]["reason"], "back to generation 1: errors");
    assert_eq!(
        commits[0]["flags"][0]["fields"],
        json!([{"path": "percentage", "before": 50, "after": 5}])
    );
    assert_eq!(commits[2]["flags"][0]["before"], Value::Null);
}

#[test]
fn checkups() {
    let project = Project::with_flags("flags:\n  a: { expires: never }\n");
    let redis = RedisServer::start();
    for (store, code) in [(redis.tcp_url(), 1), ("sqlite:flags.db".to_owned(), 0)] {
        project.expect(0, &["apply", "-q", "--store", &store]);
        let args = ["doctor", "--format", "json", "--store", &store];
        let found = project.expect(code, &args).json();
        check("doctor", &found, &checkup_shape());
        let findings = found["findings"].as_array().expect("a list");
        let ok = findings
            .iter()
            .filter(|finding| finding["severity"] == "ok")
            .count();
        assert_eq!(found["summary"]["ok"], ok);
        assert_eq!(found["store"]["generation"], 1);
    }
}

#[test]
fn tests_of_flags() {
    let project = Project::with_flags(
        "flags:
  a:
    expires: never
    enabled: true
    percentage: 0
    tests: [{ user: ana, groups: [g], percentage: 100, expect: true }, { expect: true }]
  b: { expires: never, variants: { x: 50, y: 50 }, tests: [{ environment: development, expect: x }] }
",
    );
    let found = project.expect(1, &["test", "--format", "json"]).json();
    let point = json!({"line": "count", "column": "count", "offset": "count"});
    let shape = json!({
        "version": "1",
        "flags": "count",
        "tests": [{
            "flag": "string",
            "file": "string",
            "range": {"start": point, "end": point},
            "user?": "string",
            "groups": ["string"],
            "environment?": "string",
            "percentage?": "number",
            "expect": "any",
            "got": "any",
            "variant?": "string",
            "reason": "DISABLED|TARGETING_MATCH|SPLIT|STATIC|DEFAULT|ERROR",
            "why": "string",
            "passed": "any",
            "message?": "string",
        }],
        "summary": {"passed": "count", "failed": "count"},
    });
    check("test", &found, &shape);
    assert_eq!(found["summary"], json!({"passed": 2, "failed": 1}));
    assert_eq!(
        found["tests"][1]["message"],
        "expected true for nobody in particular, got false"
    );
}

#[test]
fn evaluations() {
    let project = Project::with_flags(
        "flags:
  a: { expires: never, enabled: true, percentage: 50 }
  b: { expires: never, enabled: true, percentage: 90, variants: { x: 50, y: 50 } }
",
    );
    let json = |args: &[&str]| {
        let args = [&["eval"], args, &["--format", "json"]].concat();
        project.expect(0, &args).json()
    };
    let answer = json!({
        "flag": "string",
        "value": "any",
        "variant?": "string",
        "reason": "DISABLED|TARGETING_MATCH|SPLIT|STATIC|DEFAULT|ERROR",
        "bucket?": "count",
        "variant_bucket?": "count",
        "why": "string",
        "record": "object|null",
    });
    check("eval", &json(&["a"]), &answer);
    check("eval", &json(&["b", "--user", "ana"]), &answer);
    let every = json(&["--all", "--user", "ana"]);
    check(
        "eval --all",
        &every,
        &json!({"version": "1", "flags": [answer]}),
    );
    assert_eq!(
        every["flags"][0]["bucket"],
        json(&["a", "--user", "ana"])["bucket"]
    );
    let many = json!({
        "version": "1",
        "flag": "string",
        "users": "count",
        "outcomes": [{
            "value": "any",
            "variant?": "string",
            "takes_part": "any",
            "users": "count",
            "percent": "number",
            "expected": "number",
        }],
        "reasons": "object",
        "sample_ratio": {"chi_squared": "number", "degrees_of_freedom": "count", "p": "number"},
        "record": "object",
    });
    check("eval --simulate", &json(&["a", "--simulate", "100"]), &many);
    let counted = json(&["b", "--simulate", "100"]);
    check("eval --simulate", &counted, &many);
    let users = counted["outcomes"].as_array().expect("a list").iter();
    let users: u64 = users.filter_map(|row| row["users"].as_u64()).sum();
    assert_eq!(users, 100);
}

#[test]
fn what_a_plan_does_to_people() {
    let project = Project::with_flags(
        "flags:
  a: { expires: never, enabled: true, percentage: 10 }
  b: { expires: never, enabled: true, variants: { x: 50, y: 50 } }
",
    );
    project.expect(0, &["apply", "-q"]);
    project.write(
        "flags/flags.yaml",
        "flags:
  a: { expires: never, enabled: true, percentage: 30 }
  b: { expires: never, enabled: true, variants: { y: 50, x: 50 } }
",
    );
    project.write("users.txt", "ana\nbo\n");
    let plan = project
        .expect(0, &["plan", "--format", "json", "--users", "users.txt"])
        .json();
    check("plan", &plan, &plan_shape());
    assert_eq!(
        plan["changes"][0]["impact"],
        json!({"gained": 20, "lost": 0, "moved": 0, "avoidable": 0})
    );
    assert_eq!(
        plan["changes"][1]["impact"],
        json!({"gained": 0, "lost": 0, "moved": 100, "avoidable": 100, "order": ["x", "y"]})
    );
    assert_eq!(
        plan["changes"][1]["people"]["moved"],
        json!({"count": 2, "users": ["ana", "bo"]})
    );
    assert_eq!((&plan["users"], &plan["affected"]), (&json!(2), &json!(2)));
}

#[test]
fn stops_and_rollouts() {
    let project = Project::with_flags(
        "flags:
  checkout: { expires: never, enabled: true, rollout: [{ percentage: 1, duration: 2h }, { percentage: 50.5 }, { percentage: 100 }] }
  search: { expires: never, enabled: true }
",
    );
    project.expect(0, &["apply"]);
    let json = |args: &[&str]| {
        let run = project.expect(0, &[args, &["--format", "json"]].concat());
        run.json()
    };
    let operated = |args: &[&str], outcome: &str| {
        let shape = json!({
            "version": "1",
            "environment": "development",
            "store": {"kind": "sqlite", "lineage": "string", "prefix": "ff", "generation": "count"},
            "committed": "any",
            "flags": [{
                "flag": "string",
                "outcome": outcome,
                "said": "string",
                "gate?": {"exit": "count|null", "output": "string"},
                "before": "object|null",
                "after": "object|null",
            }],
        });
        check(&args.join(" "), &json(args), &shape);
    };
    for (call, outcome) in [
        (
            &["kill", "checkout", "search", "--reason", "r"][..],
            "stopped",
        ),
        (&["kill", "checkout", "--reason", "r"], "already-stopped"),
        (&["restore", "checkout"], "restored"),
        (&["restore", "checkout"], "not-stopped"),
        (&["rollout", "pause", "checkout", "--reason", "r"], "paused"),
        (
            &["rollout", "pause", "checkout", "--reason", "r"],
            "already-paused",
        ),
        (&["rollout", "resume", "checkout"], "resumed"),
        (&["rollout", "resume", "checkout"], "not-paused"),
        (&["rollout", "advance", "checkout", "--dry-run"], "due"),
        (&["rollout", "advance", "checkout"], "advanced"),
        (&["rollout", "advance", "checkout", "--to", "2"], "at-stage"),
        (&["rollout", "advance", "--due"], "none"),
    ] {
        operated(call, outcome);
    }
    let since = json!({"since": "number|null", "actor": "string|null", "reason": "string|null", "left?": "number"});
    let status = json!({
        "version": "1",
        "environment": "development",
        "store": {"kind": "sqlite", "lineage": "string", "prefix": "ff", "generation": "count"},
        "now": "number",
        "flags": [{
            "flag": "string",
            "managed": "any",
            "state": "running|due|held|holding|complete|paused|stopped|off|on|missing",
            "percentage?": "number",
            "rollout?": {
                "stage": "count",
                "stages": [{"percentage": "number|null", "seconds": "number|null"}],
                "since": "number|null",
                "due": "number|null",
                "hold?": {"since": "number", "output": "string"},
                "pause?": since,
            },
            "stop?": since,
        }],
    });
    let found = json(&["rollout", "status"]);
    check("status", &found, &status);
    assert_eq!(found["flags"][0]["rollout"]["stage"], 2);
    assert_eq!(found["flags"][1]["stop"]["reason"], "r");
    project.expect(0, &["rollout", "pause", "checkout", "--reason", "r"]);
    let found = json(&["rollout", "status", "checkout"]);
    check("status", &found, &status);
    assert_eq!(found["flags"][0]["state"], "paused");
}

#[test]
fn imports_and_exports() {
    let project = Project::with_flags(
        "flags:
  there: { expires: never, enabled: true }
  staged: { expires: never, enabled: true, rollout: [{ percentage: 1, duration: 2h }, { percentage: 100 }] }
",
    );
    let flagd = json!({"flags": {
        "there": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
        "new": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "odd": 1},
        "Bad Key": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
    }, "$evaluators": {}, "more": 1});
    project.write("flags.json", flagd.to_string());
    let shape = json!({
        "version": "1",
        "from": "string",
        "dry_run": "any",
        "files": [{"file": "string", "flags": ["string"], "text?": "string"}],
        "kept": [{"flag": "string", "file": "string", "line": "count"}],
        "lost": [{
            "flag?": "string",
            "file": "string",
            "line?": "count",
            "path": "string",
            "reason": "string",
            "left_out": "any",
        }],
        "summary": {"imported": "1", "kept": "1", "left_out": "1", "lost": "2"},
    });
    for more in [&["--dry-run"][..], &[]] {
        let call = [&["import", "flags.json", "--format", "json"], more].concat();
        let json = project.expect(0, &call).json();
        check("import", &json, &shape);
        assert_eq!(json["files"][0]["text"].is_string(), !more.is_empty());
    }
    let json = project.expect(0, &["export", "--format", "json"]).json();
    let spec = json!({
        "type": "boolean|rollout",
        "enabled": "any",
        "percentage?": "number",
        "allowed_users": ["string"],
        "allowed_groups": ["string"],
        "rollout_stages?": "any",
        "meta?": "object",
        "source": {"file": "string", "line": "count"},
    });
    let flags = json!({"new": spec, "staged": spec, "there": spec});
    check(
        "export",
        &json,
        &json!({"version": "1", "environment": "development", "flags": flags}),
    );
}

/// What `hoist refs` prints, held by whoever looks through code.
pub fn check_refs(refs: &Value) {
    let shape = json!({
        "version": "1",
        "directories": ["string"],
        "files": "count",
        "flags": [{
            "flag": "string",
            "source": {"file": "string", "line": "count"},
            "count": "count",
            "places": [{
                "file": "string",
                "line": "count",
                "column": "count",
                "as": "quoted|pattern|camelCase|PascalCase|SCREAMING_SNAKE_CASE|snake_case",
            }],
        }],
        "unknown": [{"key": "string", "suggestion?": "string", "file": "string", "line": "count", "column": "count"}],
        "summary": {"flags": "count", "references": "count", "unused": "count", "unknown": "count"},
        "unread?": [{"file": "string", "message": "string"}],
    });
    check("refs", refs, &shape);
}

/// What `hoist stale` prints, held by whoever looks for flags that are due.
pub fn check_stale(stale: &Value) {
    let shape = json!({
        "version": "1",
        "environment": "string|null",
        "store": "object|null",
        "days": "count",
        "checked": "count",
        "flags": [{
            "order": "count",
            "flag": "string",
            "owner?": "string",
            "created?": "string",
            "age_days?": "number",
            "source?": {"file": "string", "line": "count"},
            "reasons": [{
                "reason": "unreferenced|rolled-back|on-for-everyone|experiment-over|expired",
                "days?": "count",
                "since?": "number",
                "by?": "stage_started|rollout_started|history|git",
                "evidence": "string",
            }],
            "references?": {"count": "count", "places": ["string"]},
            "next": "string",
        }],
        "notes": ["string"],
    });
    check("stale", stale, &shape);
}
