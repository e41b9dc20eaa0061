//! `benches/instructions/check`, on counts that are made up.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::python::{python, shown};

fn counts(rustc: &str, lint: u64, plan: u64) -> Value {
    json!({"rustc": rustc, "machine": "x86_64 glibc 2.36", "counts": {"lint": lint, "plan": plan}})
}

fn check(recorded: &Value, counted: &Value, args: &[&str]) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, counts: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, counts.to_string()).unwrap();
        path
    };
    let (before, now) = (file("recorded", recorded), file("counted", counted));
    let mut command = python("../../benches/instructions/check");
    command.arg("--recorded").arg(&before);
    command.arg("--counted").arg(now).args(args);
    let output = command.output().unwrap();
    let recorded = fs::read(before).unwrap();
    (output, serde_json::from_slice(&recorded).unwrap())
}

#[test]
fn only_more_instructions_by_the_same_compiler_are_wrong() {
    let before = counts("rustc 1", 100_000, 200_000);
    let mut renamed = counts("rustc 1", 100_000, 0);
    renamed["counts"] = json!({"lint": 100_000, "schedule": 200_000});
    let cases: &[(Value, i32, &str)] = &[
        (before.clone(), 0, "+0.00 %"),
        (counts("rustc 1", 102_000, 200_000), 0, "+2.00 %"),
        (
            counts("rustc 1", 102_001, 200_000),
            1,
            "for the start): lint\n",
        ),
        (
            counts("rustc 1", 90_000, 210_000),
            1,
            "for the start): plan\n",
        ),
        (
            counts("rustc 1", 90_000, 200_000),
            0,
            "faster than recorded: lint;",
        ),
        (
            counts("rustc 2", 300_000, 200_000),
            0,
            "recorded with rustc 1, counted with rustc 2",
        ),
        (renamed, 1, "for the start): plan, schedule\n"),
    ];
    for (now, code, says) in cases {
        let (output, kept) = check(&before, now, &[]);
        let shown = shown(&output);
        assert_eq!(output.status.code(), Some(*code), "{shown}");
        assert!(shown.contains(says), "{shown}");
        assert_eq!(shown.contains("--record`"), *code == 1, "{shown}");
        assert_eq!(kept, before);
    }
}

#[test]
fn the_start_may_grow_with_the_program() {
    let start = |count: u64| {
        let mut counts = counts("rustc 1", 1, 2);
        counts["counts"] = json!({ "start": count });
        counts
    };
    let code = |count: u64| check(&start(100_000), &start(count), &[]).0.status.code();
    assert_eq!((code(110_000), code(110_001)), (Some(0), Some(1)));
}

#[test]
fn counts_are_recorded_where_asked() {
    let (before, now) = (counts("rustc 1", 1, 2), counts("rustc 2", 3, 4));
    let (output, kept) = check(&before, &now, &["--record"]);
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(kept, now);
}

#[test]
fn without_valgrind_nothing_fails() {
    let mut command = python("../../benches/instructions/check");
    let output = command.env("PATH", "").output().unwrap();
    let shown = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("valgrind is missing"), "{shown}");
}
