//! SDKs of OpenFeature, which are not ours, against `hoist serve`: they are told what `hoist eval` says.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::http::Served;
use crate::support::program::Project;

/// Contexts times flags: this many cases.
const CASES: usize = 1000;

/// Numbers that look random and are the same in every run: a linear congruential generator with the
/// constants of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        &from[self.below(from.len())]
    }
}

const USERS: [&str; 6] = ["ana", "bo", "user-3", "user 4", "u+5@example", "6"];
const GROUPS: [&str; 3] = ["staff", "beta", "guests"];

/// The types that SDKs know, and what is asked with each for a default.
fn types() -> [(&'static str, Value); 5] {
    [
        ("boolean", json!(true)),
        ("string", json!("fallback")),
        ("integer", json!(-1)),
        ("float", json!(-0.5)),
        ("object", json!({"fallback": true})),
    ]
}

/// Forty flags of every kind as a flag file, each with the type of its values.
fn flags(random: &mut Random) -> (String, Vec<(String, &'static str)>) {
    let (mut yaml, mut flags) = ("flags:\n".to_owned(), Vec::new());
    for n in 0..39 {
        let key = format!("flag_{n}");
        let enabled = random.below(6) > 0;
        let percentage = random.pick(&["0", "0.001", "12.5", "50", "99.9", "100"]);
        let common = format!("description: d, owner: o, expires: never, enabled: {enabled}");
        let body = match n % 4 {
            0 => format!("percentage: {percentage}, allowed_users: [ana], allowed_groups: [staff]"),
            1 => "rollout: [ { percentage: 25, duration: 2h }, { percentage: 100 } ]".to_owned(),
            2 => format!(
                "percentage: {percentage}, variants: {{ control: 40, red: 35, blue: 25 }}, forced: {{ red: [bo] }}"
            ),
            _ => {
                let (a, b) = random.pick(&[
                    ("true", "false"),
                    ("\"\"", "\"zwölf\""),
                    ("10", "20"),
                    ("0.25", "1.5"),
                    ("{ a: 1, b: [x, { c: null }] }", "{}"),
                ]);
                format!(
                    "percentage: {percentage}, variants: {{ one: {{ weight: 50, value: {a} }}, two: {{ weight: 50, value: {b} }} }}, control: two"
                )
            }
        };
        yaml += &format!("  {key}: {{ {common}, {body} }}\n");
        let kind = match n % 4 {
            0 | 1 => "boolean",
            2 => "string",
            _ if body.contains("value: true") => "boolean",
            _ if body.contains("value: \"") => "string",
            _ if body.contains("value: 10") => "integer",
            _ if body.contains("value: 0.25") => "float",
            _ => "object",
        };
        flags.push((key, kind));
    }
    yaml +=
        "  torn: { description: d, owner: o, expires: never, enabled: true, percentage: 500 }\n";
    flags.push(("torn".to_owned(), "boolean"));
    (yaml, flags)
}

/// What is asked, and what should be told.
struct Case {
    asked: Value,
    expected: Value,
}

/// Every flag, and one that there is none of, for random people; by context, as a browser asks.
fn cases(project: &Project, flags: &[(String, &'static str)], random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    while cases.len() < CASES {
        let user = (random.below(8) > 0).then(|| match random.below(2) {
            0 => (*random.pick(&USERS)).to_owned(),
            _ => format!("user-{}", random.below(1_000_000)),
        });
        let groups: Vec<&str> = GROUPS
            .into_iter()
            .filter(|_| random.below(4) == 0)
            .collect();
        let mut args = vec!["eval", "--all", "--format", "json"];
        if let Some(user) = &user {
            args.extend(["--user", user]);
        }
        for group in &groups {
            args.extend(["--group", group]);
        }
        let all = project.expect(0, &args).json();
        let answers: BTreeMap<&str, &Value> = all["flags"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|answer| (answer["flag"].as_str().expect("a key"), answer))
            .collect();
        let absent = ("absent".to_owned(), "boolean");
        for (flag, kind) in flags.iter().chain([&absent]) {
            // Now and then somebody is mistaken about the type.
            let kind = match (random.below(10), random.pick(&types()).0) {
                // In Python true is a whole number.
                (0, "integer") if *kind == "boolean" => kind,
                (0, mistaken) => mistaken,
                _ => kind,
            };

            let default = types()
                .into_iter()
                .find(|(name, _)| name == &kind)
                .expect("a type")
                .1;
            let answer = answers.get(flag.as_str()).copied();
            cases.push(Case {
                expected: expected(answer, kind, &default),
                asked: json!({"flag": flag, "type": kind, "default": default, "user": user, "groups": groups}),
            });
        }
    }
    cases
}

fn expected(answer: Option<&Value>, kind: &str, default: &Value) -> Value {
    let error =
        |code: &str| json!({"value": default, "variant": null, "reason": "ERROR", "error": code});
    let Some(answer) = answer else {
        return error("FLAG_NOT_FOUND");
    };
    let value = &answer["value"];
    match answer["reason"].as_str().expect("a reason") {
        "ERROR" => return error("PARSE_ERROR"),
        "DEFAULT" => return error("TARGETING_KEY_MISSING"),
        _ => {}
    }
    let fits = match kind {
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "float" => value.is_f64(),
        _ => value.is_object(),
    };
    if !fits {
        return error("TYPE_MISMATCH");
    }
    let plain = if *value == true { "on" } else { "off" };
    let variant = answer["variant"].as_str().unwrap_or(plain);
    json!({"value": value, "variant": variant, "reason": answer["reason"], "error": null})
}

/// Runs a client with all cases on its standard input, and reads what it prints.
fn run(command: &mut Command, cases: &[Case]) -> Value {
    let asked: Vec<&Value> = cases.iter().map(|case| &case.asked).collect();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client to run");
    let mut stdin = child.stdin.take().expect("its input");
    stdin
        .write_all(json!(asked).to_string().as_bytes())
        .expect("cases");
    drop(stdin);
    let output = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[track_caller]
fn compare(cases: &[Case], answers: &Value, is_number: bool) {
    let answers = answers.as_array().expect("a list");
    assert_eq!(answers.len(), cases.len());
    let mut reasons = BTreeMap::new();
    for (case, answer) in cases.iter().zip(answers) {
        // JavaScript has one type for numbers.
        let kind = case.asked["type"].as_str().expect("a type");
        let is_mistake = case.expected["error"] == "TYPE_MISMATCH";
        if is_number
            && is_mistake
            && matches!(kind, "integer" | "float")
            && answer["value"] != case.asked["default"]
        {
            assert!(answer["value"].is_number(), "{}: {answer}", case.asked);
            continue;
        }
        assert_eq!(answer, &case.expected, "{}", case.asked);
        let reason = answer["error"].as_str().or(answer["reason"].as_str());
        *reasons
            .entry(reason.expect("a reason").to_owned())
            .or_insert(0) += 1;
    }
    // All there is has come up.
    for reason in [
        "DISABLED",
        "STATIC",
        "SPLIT",
        "TARGETING_MATCH",
        "FLAG_NOT_FOUND",
        "PARSE_ERROR",
        "TARGETING_KEY_MISSING",
        "TYPE_MISMATCH",
    ] {
        assert!(reasons.contains_key(reason), "no {reason}: {reasons:?}");
    }
}

struct World {
    served: Served,
    cases: Vec<Case>,
    _project: Project,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let (yaml, flags) = flags(&mut random);
        let project = Project::with_flags(&yaml);
        let cases = cases(&project, &flags, &mut random);
        let mut command = project.command(&["serve", "--files", "--listen", "127.0.0.1:0"]);
        command.stderr(Stdio::null());
        Self {
            served: Served::start(command),
            cases,
            _project: project,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.served.port)
    }
}

fn file(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

fn node(kind: &str, world: &World) -> Command {
    let modules = std::env::var("HOIST_TEST_NODE")
        .expect("HOIST_TEST_NODE names the folder of the JavaScript packages: run tests/run");
    let mut command = Command::new("node");
    command
        .arg(file("node/ask.mjs"))
        .args([kind, &world.url()])
        .env("HOIST_TEST_NODE", modules);
    command
}

#[test]
fn python_behind_fastapi() {
    let world = World::new(1);
    let python = std::env::var("HOIST_TEST_PYTHON")
        .expect("HOIST_TEST_PYTHON names a Python with the packages of the tests: run tests/run");
    let mut command = Command::new(python);
    command
        .arg(file("python/openfeature_app.py"))
        .arg(world.url());
    compare(&world.cases, &run(&mut command, &world.cases), false);
}

#[test]
fn javascript_on_a_server() {
    let world = World::new(2);
    let answers = run(&mut node("server", &world), &world.cases);
    compare(&world.cases, &answers, true);
}

#[test]
fn javascript_in_a_browser() {
    let world = World::new(3);
    let said = run(&mut node("web", &world), &world.cases);
    compare(&world.cases, &said["answers"], true);
    let statuses: Vec<u64> = said["statuses"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!(count(200) + count(304), statuses.len(), "{statuses:?}");
    // Each context twice in a row: asked twice, sent once.
    assert!(
        count(304) > 10 && count(304) + 1 >= count(200) - 1,
        "{statuses:?}"
    );
}
