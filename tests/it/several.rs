//! Several environments in one run: what each of them gives, and how the run ends.

use crate::json_shapes::check_several;
use crate::support::program::Project;
use crate::support::redis::RedisServer;

const FLAGS: &str = "flags:
  a: { description: One flag, owner: o, expires: never, enabled: true, percentage: 5 }
  payments.b: { description: Another, owner: o, expires: never, enabled: true, percentage: 5 }
";

/// A project with environments that all end in another way.
fn project() -> Project {
    let project = Project::with_flags(FLAGS);
    project.write(
        "hoist.toml",
        "[environments.good]
store = \"sqlite:good.db\"
[environments.guarded]
store = \"sqlite:guarded.db\"
protected = [\"payments.*\"]
[environments.away]
store = \"redis://127.0.0.1:1\"
",
    );
    project
}

#[test]
fn a_run_ends_like_the_environment_in_which_it_ended_worst() {
    for (environments, args, code) in [
        ("good,good", &["plan"][..], 0),
        ("good,guarded", &["plan"], 0),
        ("good,guarded", &["plan", "--exit-code"], 1),
        ("good,guarded,away", &["plan", "--exit-code"], 2),
        ("away,good,guarded", &["plan"], 2),
        ("good,guarded", &["apply"], 3),
        ("guarded,away", &["apply"], 2),
        ("away,guarded", &["apply"], 2),
        ("guarded,good", &["apply", "--allow-protected"], 0),
        ("good,guarded", &["history"], 0),
        ("good,away", &["history"], 2),
        ("away,", &["plan"], 2),
        (",", &["plan"], 2),
    ] {
        let project = project();
        project.expect(code, &[args, &["--env", environments, "-q"]].concat());
    }
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let project = project();
    let run = project.expect(2, &["apply", "--all-envs", "--format", "json", "-q"]);
    let json = run.json();
    check_several("apply", &json);
    let of = |at: usize, field: &str| json["environments"][at][field].clone();
    assert_eq!(of(0, "applied"), true);
    assert_eq!(of(1, "refused").as_array().map(Vec::len), Some(1));
    assert_eq!(of(2, "environment"), "away");
    assert_eq!(of(2, "failed")["exit_code"], 2);
    assert_eq!(json["summary"]["exit_code"], 2);
    // In their order, whichever was there first.
    let lines: Vec<&str> = run
        .stderr
        .lines()
        .filter(|line| !line.starts_with(' '))
        .collect();
    assert!(
        matches!(lines[..], [first, second]
            if first.starts_with("refused: guarded: ") && second.starts_with("error: away: ")),
        "{lines:?}"
    );
    let plans = project
        .expect(2, &["plan", "--all-envs", "--format", "json", "-q"])
        .json();
    check_several("plan", &plans);
    assert_eq!(plans["summary"]["changed"], 1);
    assert_eq!(plans["summary"]["unchanged"], 1);
    let history = project
        .expect(2, &["history", "--all-envs", "--format", "json"])
        .json();
    check_several("history", &history);
    assert_eq!(history["environments"][0]["commits"][0]["generation"], 1);
}

#[test]
fn a_list_of_one_is_a_list() {
    let project = project();
    for environments in ["good,", "good,good"] {
        let code = if environments.ends_with(',') { 2 } else { 0 };
        let run = project.expect(
            code,
            &["plan", "--env", environments, "--format", "json", "-q"],
        );
        if code == 0 {
            check_several("plan", &run.json());
        }
    }
    let one = project
        .expect(0, &["plan", "--env", "good", "--format", "json"])
        .json();
    assert_eq!(one["environment"], "good");
}

#[test]
fn variables_name_several_too() {
    let named = project().env("HOIST_ENV", "good,guarded");
    let plans = named.expect(0, &["plan", "--format", "json"]).json();
    assert_eq!(plans["summary"]["environments"], 2);
    named.expect(0, &["lint"]);
    let refused = named.expect(2, &["kill", "a", "--reason", "r"]).stderr;
    assert!(
        refused.contains("`good,guarded` names several"),
        "{refused}"
    );
    // What is asked for counts before it.
    named.expect(0, &["plan", "--env", "good"]);
    let all = named
        .expect(2, &["plan", "--all-envs", "--format", "json"])
        .json();
    assert_eq!(all["summary"]["environments"], 3);
    let stored = project().env("HOIST_STORE", "sqlite:other.db");
    let refused = stored.expect(2, &["plan", "--all-envs"]).stderr;
    assert!(refused.contains("HOIST_STORE"), "{refused}");
}

#[test]
fn a_diff_looks_at_those_that_are_named() {
    let repository = crate::support::repository::Repository::with_flags(FLAGS);
    repository.write(
        "hoist.toml",
        "[environments.a]\nstore = \"sqlite:a.db\"\n[environments.b]\nstore = \"sqlite:b.db\"\n[environments.c]\nstore = \"sqlite:c.db\"\n",
    );
    for (args, expected) in [
        (&["--env", "c,a"][..], &["c", "a"][..]),
        (&["--all-envs"], &["a", "b", "c"]),
        (&[], &["a", "b", "c"]),
        (&["--env", "b"], &["b"]),
    ] {
        let diff = repository.diff_json(0, &[&["HEAD"], args].concat());
        assert_eq!(diff["environments"], serde_json::json!(expected));
    }
}

/// More environments than are worked on at once, on one server: each has its own keys, and comes at
/// its place.
#[test]
fn many_are_told_in_their_order() {
    let redis = RedisServer::start();
    let names: Vec<String> = (0..30).map(|number| format!("e{number}")).collect();
    let project = Project::with_flags(FLAGS);
    let config: String = names
        .iter()
        .map(|name| {
            format!(
                "[environments.{name}]\nstore = \"{}\"\nprefix = \"{name}\"\n",
                redis.tcp_url()
            )
        })
        .collect();
    project.write("hoist.toml", config);
    let applied = project.expect(0, &["apply", "--all-envs", "-q"]).stdout;
    let heads: Vec<&str> = applied
        .lines()
        .filter_map(|line| line.split_once(" on redis://").map(|(name, _)| name))
        .collect();
    assert_eq!(heads, names);
    assert_eq!(applied.matches("Applied as generation 1.").count(), 30);
    assert!(
        applied.contains("30 environments: 30 applied\n"),
        "{applied}"
    );
    let keys: Vec<String> = redis.run(&["KEYS", "e*:payments.b"]);
    assert_eq!(keys.len(), 30);
    let status = project
        .expect(
            0,
            &["rollout", "status", "a", "--all-envs", "--format", "json"],
        )
        .json();
    let found: Vec<&str> = status["environments"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["environment"].as_str())
        .collect();
    assert_eq!(found, names);
}
