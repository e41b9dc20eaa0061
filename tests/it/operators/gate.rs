//! Commands that decide whether a rollout goes on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::due::{Runner, wait_until};
use super::{HOUR, World};
use crate::support::program::Run;

/// A world with `checkout` due.
fn due() -> World {
    let world = World::new();
    world.age("checkout", 3.0 * HOUR);
    world
}

fn advance(world: &World, code: i32, gate: &str) -> Run {
    world.expect(
        code,
        &[
            "rollout", "advance", "--due", "--gate", gate, "--format", "json",
        ],
    )
}

fn stage(world: &World) -> Value {
    world.record("checkout")["current_stage"].clone()
}

#[test]
fn a_gate_says_go_on() {
    let world = due();
    let gate = "echo \"$HOIST_FLAG in $HOIST_ENVIRONMENT: $HOIST_STAGE of $HOIST_STAGES ($HOIST_PERCENTAGE %, $((HOIST_STAGE_SECONDS / 3600)) h) to $HOIST_NEXT_STAGE ($HOIST_NEXT_PERCENTAGE %)\"; echo fine >&2";
    let run = advance(&world, 0, gate).json();
    let expected = "checkout in production: 1 of 4 (1 %, 3 h) to 2 (25 %)\nfine";
    assert_eq!(
        run["flags"][0]["gate"],
        json!({"exit": 0, "output": expected})
    );
    assert_eq!(run["flags"][0]["outcome"], "advanced");
    assert_eq!(stage(&world), 1);
    let newest = &world.history()[0];
    assert_eq!(newest.source, "advance");
    assert_eq!(
        newest.notes.get("checkout").map(String::as_str),
        Some(expected)
    );
}

#[test]
fn a_gate_says_hold() {
    let world = due();
    let (record, generation) = (world.record("checkout"), world.generation());
    let run = advance(&world, 0, "echo not yet; exit 1").json();
    let line = &run["flags"][0];
    assert_eq!(
        (&line["outcome"], &line["said"]),
        (&json!("held"), &json!("held by the gate"))
    );
    assert_eq!(line["gate"], json!({"exit": 1, "output": "not yet"}));
    assert_eq!(world.record("checkout"), record);
    let newest = &world.history()[0];
    assert_eq!(
        (newest.source.as_str(), newest.generation),
        ("hold", generation + 1)
    );
    assert_eq!(newest.notes["checkout"], "not yet");
    let state = |world: &World| {
        let status = world.expect(0, &["rollout", "status", "checkout", "--format", "json"]);
        status.json()["flags"][0].clone()
    };
    let held = state(&world);
    assert_eq!(held["state"], "held");
    assert_eq!(held["rollout"]["hold"]["output"], "not yet");
    let human = world.expect(0, &["rollout", "status"]).stdout;
    assert!(
        human.contains("held by its gate for 0s: not yet"),
        "{human}"
    );
    assert!(human.contains("1 held"), "{human}");
    // However often it is asked: the history has room for other things.
    let again = advance(&world, 0, "echo still not; exit 1").json();
    assert_eq!(again["flags"][0]["gate"]["output"], "still not");
    assert_eq!(world.generation(), generation + 1);
    // At the next stage it is news again.
    advance(&world, 0, "true");
    assert_eq!(state(&world)["state"], "running");
    world.age("checkout", 100.0 * HOUR);
    assert_eq!(state(&world)["state"], "due");
    advance(&world, 0, "echo no; exit 1");
    assert_eq!(world.generation(), generation + 3);
    assert_eq!(state(&world)["rollout"]["hold"]["output"], "no");
}

#[test]
fn a_gate_says_stop() {
    let world = due();
    let run = advance(&world, 1, "echo looking; echo error rate 4 %; exit 2").json();
    assert_eq!(run["flags"][0]["outcome"], "stopped");
    let record = world.record("checkout");
    assert_eq!(
        (&record["enabled"], &record["current_stage"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(
        record["note"],
        json!({"reason": "the gate: error rate 4 %", "actor": "ana"})
    );
    let newest = &world.history()[0];
    assert_eq!(
        (newest.source.as_str(), newest.reason.as_deref()),
        ("kill", Some("a gate said so"))
    );
    assert_eq!(newest.notes["checkout"], "looking\nerror rate 4 %");
    assert_eq!(world.stops(), ["checkout"]);
}

#[test]
fn a_gate_that_gives_no_answer_holds_and_is_reported() {
    let world = due();
    let generation = world.generation();
    for (gate, said, exit) in [
        (
            "exit 3",
            "held: the gate ended with exit status: 3",
            json!(3),
        ),
        (
            "no-such-command-at-all",
            "held: the gate ended with exit status: 127",
            json!(127),
        ),
        (
            "kill -9 $$",
            "held: the gate ended with signal: 9",
            json!(null),
        ),
    ] {
        let run = advance(&world, 2, gate);
        assert!(
            run.stderr
                .contains("a gate gave no answer; its flag was held"),
            "{run:#?}"
        );
        let line = &run.json()["flags"][0];
        assert!(
            line["said"].as_str().expect("text").starts_with(said),
            "{line}"
        );
        assert_eq!(
            (&line["outcome"], &line["gate"]["exit"]),
            (&json!("held"), &exit)
        );
    }
    assert_eq!((stage(&world), world.generation()), (json!(0), generation));
}

/// Its time is up, and with it that of everything that it has started.
#[test]
fn a_gate_that_takes_too_long_is_ended_with_all_its_children() {
    let world = due();
    let alive = world.project.path("alive");
    let gate = format!(
        "echo begun; (while :; do touch {}; sleep 0.05; done) & trap '' TERM; wait",
        alive.display()
    );
    let began = Instant::now();
    let run = world.expect(
        2,
        &[
            "rollout",
            "advance",
            "--due",
            "--gate",
            &gate,
            "--gate-timeout",
            "300ms",
        ],
    );
    assert!(
        run.stdout
            .contains("held: the gate did not answer within 0.3 s"),
        "{run:#?}"
    );
    assert!(run.stdout.contains("| begun"), "{run:#?}");
    assert!(began.elapsed() < Duration::from_secs(30));
    std::fs::remove_file(&alive).expect("it was alive");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!alive.exists(), "a child goes on");
    assert_eq!(stage(&world), 0);
}

#[test]
fn what_a_gate_leaves_running_is_not_waited_for() {
    let world = due();
    let run = advance(&world, 0, "echo done; sleep 100 & exit 0").json();
    assert_eq!(run["flags"][0]["gate"]["output"], "done");
    assert_eq!(stage(&world), 1);
}

#[test]
fn the_end_of_what_a_gate_prints_is_kept() {
    let world = due();
    let run = advance(
        &world,
        0,
        "seq 1 20000; printf 'ü%.0s' $(seq 1 100); printf '\\033[31m\\377'",
    )
    .json();
    let output = run["flags"][0]["gate"]["output"].as_str().expect("text");
    assert!(
        output.len() < 4200 && output.starts_with('…'),
        "{} {output}",
        output.len()
    );
    assert!(
        output.ends_with("ü\u{1b}[31m\u{fffd}") && output.contains("20000"),
        "{output}"
    );
    let human = World::new();
    human.age("checkout", 3.0 * HOUR);
    let shown = human
        .expect(
            0,
            &[
                "rollout",
                "advance",
                "--due",
                "--gate",
                "printf '\\033[31m'",
            ],
        )
        .stdout;
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

/// Whatever happens while a gate thinks about it counts.
#[test]
fn a_flag_that_changes_while_a_gate_runs_is_left_alone() {
    for (change, part) in [
        (
            &["kill", "checkout", "--reason", "errors"][..],
            "stopped since",
        ),
        (
            &["rollout", "pause", "checkout", "--reason", "lunch"],
            "paused",
        ),
        (&["rollout", "advance", "checkout"], "stage 2 of 4"),
    ] {
        let world = due();
        let call = change
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" ");
        let gate = format!("{} {call}", env!("CARGO_BIN_EXE_hoist"));
        let run = advance(&world, 0, &gate).json();
        let line = &run["flags"][0];
        assert_eq!(line["outcome"], "moved", "{line}");
        assert!(
            line["said"].as_str().expect("text").contains(part),
            "{line}"
        );
        let moved = u64::from(change.contains(&"advance"));
        assert_eq!(stage(&world), moved);
    }
}

#[test]
fn gates_decide_about_each_flag_for_itself() {
    let names: Vec<String> = (0..20).map(|n| format!("f{n:02}")).collect();
    let flag = |name: &String| {
        format!(
            "  {name}: {{ description: D, owner: o, expires: never, enabled: true, rollout: [{{ percentage: 1, duration: 2h }}, {{ percentage: 100 }}] }}\n"
        )
    };
    let flags: String = names.iter().map(flag).collect();
    let world = World::with_flags(&format!("flags:\n{flags}"));
    world.expect(0, &["apply", "-q"]);
    for name in &names {
        world.age(name, 3.0 * HOUR);
    }
    // By the last digit.
    let gate = "n=${HOIST_FLAG#f?}; exit $((n % 4))";
    let generation = world.generation();
    let run = world.expect(
        2,
        &[
            "rollout", "advance", "--due", "--gate", gate, "--format", "json",
        ],
    );
    let lines = run.json()["flags"].as_array().expect("a list").clone();
    assert_eq!(lines.len(), names.len());
    for (line, name) in lines.iter().zip(&names) {
        let digit: usize = name[2..].parse().expect("a digit");
        let outcome = ["advanced", "held", "stopped", "held"][digit % 4];
        assert_eq!(
            (&line["flag"], &line["outcome"]),
            (&json!(name), &json!(outcome))
        );
    }
    assert_eq!(
        world.generation(),
        generation + 3,
        "one commit of stops, one of moves, and one of holds"
    );
    let history = world.history();
    let sources: Vec<&str> = history.iter().map(|entry| entry.source.as_str()).collect();
    assert_eq!(sources[..3], ["hold", "advance", "kill"]);
}

#[test]
fn no_gate_runs_where_nothing_is_due_or_in_a_dry_run() {
    let world = World::new();
    let ran = world.project.path("ran");
    let gate = format!("touch {}", ran.display());
    let call = ["rollout", "advance", "--due", "--gate", &gate];
    world.expect(0, &call);
    world.age("checkout", 3.0 * HOUR);
    world.expect(0, &[&call[..], &["--dry-run"]].concat());
    assert!(!ran.exists());
}

#[test]
fn a_runner_that_is_ended_ends_its_gate() {
    let world = due();
    let begun = world.project.path("begun");
    let gate = format!("touch {}; sleep 100", begun.display());
    let mut runner = Runner::start(
        &world,
        &[
            "rollout", "advance", "--due", "--every", "1h", "--gate", &gate, "-q",
        ],
    );
    wait_until("the gate runs", || begun.exists());
    runner.signal("TERM");
    assert_eq!(runner.end(), 0);
    assert_eq!(stage(&world), 0);
}

#[test]
fn a_gate_that_is_not_there_does_not_say_yes() {
    let world = due();
    for gate in ["", " \n"] {
        let run = world.expect(2, &["rollout", "advance", "--due", "--gate", gate]);
        assert!(run.stderr.contains("the command is empty"), "{run:#?}");
    }
    assert_eq!(stage(&world), 0);
}
