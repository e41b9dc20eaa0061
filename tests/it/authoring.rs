//! `hoist new` and `hoist remove`, in real files and repositories.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::json_shapes::{check_new, check_removed};
use crate::support::program::Project;
use crate::support::repository::Repository;

const FLAG: &str = "flags:
  old_search:
    description: The old search
    owner: search-team
    expires: never
";
/// Two more, so that one that goes leaves a file.
const OTHERS: &str = "
  others_one: { description: One, owner: o, expires: never }

  others_two: { description: Two, owner: o, expires: never }
";

fn repository() -> Repository {
    Repository::with_flags(&format!("{FLAG}{OTHERS}"))
}

#[test]
fn a_key_that_was_removed_is_not_taken_again_unawares() {
    let repository = repository();
    let new = ["new", "old_search", "--format", "json"];
    let run = repository.project.expect(3, &new);
    assert!(
        run.stderr.contains("already, at flags/flags.yaml:2"),
        "{}",
        run.stderr
    );

    repository.project.expect(0, &["remove", "old_search"]);
    let run = repository.project.expect(3, &new);
    assert!(
        run.stderr
            .contains("in flags/flags.yaml: it was removed since"),
        "{}",
        run.stderr
    );

    let id = repository.commit("Remove the old search");
    repository.write("README", "x");
    repository.commit("Go on");
    let run = repository.project.expect(3, &new);
    let said = format!(
        "removed on 2026-09-14, in commit {} (Remove the old search)",
        &id[..12]
    );
    assert!(run.stderr.contains(&said), "{}", run.stderr);
    let reused = repository
        .project
        .expect(0, &[&new[..], &["--reuse"]].concat())
        .json();
    check_new(&reused);
    assert_eq!(reused["notes"], json!([]));
    // Whose flag it is git knows.
    repository.git(&["config", "user.name", "Ana Ang"]);
    let text = repository
        .project
        .expect(0, &["new", "fresh_one", "--format", "json"])
        .json();
    assert!(
        text["text"]
            .as_str()
            .is_some_and(|text| text.contains("owner: Ana Ang\n")),
        "{text}"
    );
}

#[test]
fn what_a_shallow_clone_cannot_know_is_said() {
    let repository = repository();
    repository.project.expect(0, &["remove", "old_search"]);
    repository.commit("Remove the old search");
    let clone = repository.clone_to("clone", &["--depth=1"]);
    let clone = clone.to_string_lossy();
    let run = repository
        .project
        .expect(0, &["new", "old_search", "-C", &clone, "--format", "json"]);
    let json = run.json();
    check_new(&json);
    let note = json["notes"][0].as_str().expect("a note");
    assert!(
        note.contains("this clone is shallow") && run.stderr.contains(note),
        "{note}"
    );
}

#[test]
fn without_git_or_commits_nothing_was_there_before() {
    let project = Project::new();
    // No flags directory, no configuration, no user of git: the machine's.
    let json = project
        .expect(0, &["new", "first_one", "--format", "json"])
        .json();
    check_new(&json);
    assert_eq!(
        json["source"],
        json!({"file": "flags/first_one.yaml", "line": 2})
    );
    assert!(
        project
            .read("flags/first_one.yaml")
            .contains("owner: ana\n")
    );
    project.expect(0, &["lint", "--deny-warnings"]);
    Repository::new().project.expect(0, &["new", "first_one"]);
}

#[test]
fn a_dry_run_writes_nothing_and_git_takes_its_diff() {
    for (name, calls) in [
        (
            "flags/search_box.yaml",
            &["new", "search_box", "--rollout"][..],
        ),
        ("flags/flags.yaml", &["new", "old_box"]),
        (
            "flags/a/box.yml",
            &["new", "box", "--file", "flags/a/box.yml"],
        ),
        ("flags/flags.yaml", &["remove", "old_search"]),
    ] {
        let repository = Repository::with_flags(FLAG);
        let there = |repository: &Repository| std::fs::read(repository.project.path(name)).ok();
        let before = there(&repository);
        let dry = repository
            .project
            .expect(0, &[calls, &["--dry-run"]].concat());
        assert_eq!(there(&repository), before, "{calls:?}");
        repository.project.expect(0, calls);
        let after = there(&repository);
        assert_ne!(after, before, "{calls:?}");
        repository.git(&["checkout", "--quiet", "--", "flags"]);
        repository.git(&["clean", "--quiet", "--force", "flags"]);
        repository.write("change.diff", &dry.stdout);
        repository.git(&["apply", "change.diff"]);
        assert_eq!(there(&repository), after, "{calls:?}: {}", dry.stdout);
    }
}

#[test]
fn code_that_still_asks_is_named() {
    let repository = repository();
    repository.write("src/a.py", "is_on('old_search')\n\nis_on('old_search')\n");
    let run = repository.project.expect(
        0,
        &[
            "remove",
            "old_search",
            "others_one",
            "--src",
            "src",
            "--format",
            "json",
        ],
    );
    let json = run.json();
    check_removed(&json);
    assert_eq!(
        json["flags"][0]["references"],
        json!({"count": 2, "places": ["src/a.py:1", "src/a.py:3"]})
    );
    assert_eq!(json["flags"][1]["references"]["count"], 0);
    let left = "flags:\n  others_two: { description: Two, owner: o, expires: never }\n";
    assert_eq!(repository.project.read("flags/flags.yaml"), left);
    repository
        .project
        .expect(2, &["remove", "others_two", "--src", "nowhere"]);
    assert_eq!(repository.project.read("flags/flags.yaml"), left);
}

#[test]
fn a_file_that_cannot_be_read_whole_is_left_alone() {
    let project = Project::with_flags("flags:\n  a_one: { enabled: [\n");
    let before = project.read("flags/flags.yaml");
    let run = project.expect(1, &["new", "a_two"]);
    assert!(run.stderr.contains("nothing was written"), "{}", run.stderr);
    assert_eq!(project.read("flags/flags.yaml"), before);
    // A flag that is wrong can be taken out.
    let wrong =
        "flags:\n  a_one: { enabled: 7 }\n  b: { description: B, owner: o, expires: never }\n";
    let project = Project::with_flags(wrong);
    project.expect(0, &["remove", "a_one"]);
    project.expect(0, &["lint", "--deny-warnings"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let project = Project::with_flags(FLAG);
    project.write(
        "flags/.hidden/real.yaml",
        FLAG.replace("old_search", "linked"),
    );
    std::os::unix::fs::symlink(".hidden/real.yaml", project.path("flags/link.yaml"))
        .expect("a link");
    project.expect(0, &["remove", "linked"]);
    assert!(project.path("flags/link.yaml").is_symlink());
    assert_eq!(project.read("flags/link.yaml"), "flags: {}\n");
}

/// A way to call `hoist new`.
fn switches() -> impl Strategy<Value = Vec<String>> {
    let words = |text: &'static str| Just(text.split_whitespace().map(str::to_owned).collect());
    let kind = prop_oneof![
        words(""),
        words("--percentage 12.5"),
        words("--rollout"),
        words("--experiment"),
        words("--experiment --percentage 10"),
        words("--variants one,two,three"),
        words("--variants true,1st,null,x.y"),
        words("--variants control,b"),
    ];
    let text = |option: &'static str| {
        let texts = prop_oneof![
            Just("Plain words"),
            Just("it's: #1, [really] {new} \"one\""),
            Just("- yes"),
            Just("Größe in 日本"),
        ];
        prop::option::of(texts).prop_map(move |text| {
            let text = text.map(|text| format!("{option}={text}"));
            text.into_iter().collect::<Vec<String>>()
        })
    };
    let expires = prop_oneof![
        words(""),
        words("--expires never"),
        words("--expires 2026-11-28")
    ];
    let all = (kind, text("--description"), text("--owner"), expires);
    all.prop_map(
        |(kind, description, owner, expires): (Vec<String>, _, _, Vec<String>)| {
            [kind, description, owner, expires].concat()
        },
    )
}

/// Whatever is asked for and whatever the policy: what is written lints clean, and when it is taken out
/// again the files are what they were.
#[test]
fn whatever_is_written_lints_clean_and_goes_without_a_trace() {
    let limits = (
        prop_oneof![Just(30), Just(90)],
        prop_oneof![Just(7), Just(90)],
        prop_oneof![Just(5), Just(30), Just(50)],
        prop_oneof![Just("10m"), Just("3h")],
    );
    let file = prop_oneof![
        Just(""),
        Just("flags:\n  search_a: { description: A, owner: o, expires: never }\n"),
        Just(
            "# top\r\nflags:\r\n    z:\r\n        description: Z\r\n        owner: o\r\n        expires: never\r\n\r\n    a: { description: A, owner: o, expires: never }"
        ),
        Just("flags: { search_a: { description: A, owner: o, expires: never } }\n"),
    ];
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let held = runner.run(&(switches(), limits, file), |(switches, limits, file)| {
        let (age, experiment, step, stage) = limits;
        let project = Project::new();
        project.write(
            "hoist.toml",
            format!(
                "[environments.production]\nstore = \"sqlite:p.db\"\n[lint]\nmax_flag_age_days = {age}\n\
                 max_experiment_days = {experiment}\nmax_step = {step}\nmin_stage = \"{stage}\"\n"
            ),
        );
        if !file.is_empty() {
            project.write("flags/all.yaml", file);
        }
        let mut args = vec!["new", "search_ranking"];
        args.extend(switches.iter().map(String::as_str));
        let run = project.run(&args);
        prop_assert_eq!(run.code, 0, "{:?}: {:?}", args, run);
        prop_assert_eq!(&run.stderr, "", "{:?}", args);
        let lint = project.run(&["lint", "--deny-warnings"]);
        prop_assert_eq!(lint.code, 0, "{:?}: {:?}", args, lint);
        let run = project.run(&["remove", "search_ranking"]);
        prop_assert_eq!(run.code, 0, "{:?}: {:?}", args, run);
        if file.is_empty() {
            prop_assert!(!project.path("flags/search_ranking.yaml").exists());
        } else {
            prop_assert_eq!(project.read("flags/all.yaml"), file);
        }
        Ok(())
    });
    held.unwrap_or_else(|failure| panic!("{failure}"));
}
