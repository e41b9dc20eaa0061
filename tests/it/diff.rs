//! `hoist diff` in real repositories.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::support::program::Project;
use crate::support::repository::{GIT, Repository, git};

mod history;
mod layouts;
mod odd;

const TEN: &str = "flags:\n  a: { enabled: true, percentage: 10 }\n";
const TWENTY: &str = "flags:\n  a: { enabled: true, percentage: 20 }\n";

/// The flags of a diff, with what happens to them.
fn actions(diff: &Value) -> Vec<String> {
    let changes = diff["changes"].as_array().unwrap().iter();
    let words = changes.map(|change| {
        let word = |field: &str| change[field].as_str().unwrap().to_owned();
        format!("{} {}", word("action"), word("flag"))
    });
    words.collect()
}

/// The rules that found something, with the flag each.
fn risks(diff: &Value) -> Vec<String> {
    let found = diff["diagnostics"].as_array().unwrap().iter();
    let words = found.map(|found| {
        let word = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("rule"), word("flag"))
    });
    words.collect()
}

/// The messages of a rule.
fn messages(diff: &Value, rule: &str) -> Vec<String> {
    let found = diff["diagnostics"].as_array().unwrap().iter();
    found
        .filter(|found| found["rule"] == rule)
        .map(|found| found["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The diff of one flag that rises from 10 to 90 % in production.
pub fn of_a_rise(file: &str, flag: &str) -> Value {
    let repository = Repository::new();
    repository.write("hoist.toml", TWO);
    let flags = |percentage: u32| {
        let staging = "environments: { staging: { percentage: 100 } }";
        format!("flags:\n  {flag}: {{ enabled: true, percentage: {percentage}, {staging} }}\n")
    };
    repository.write(file, flags(10));
    repository.write("flags/torn.yaml", "flags:\n  torn: { enabled: maybe }\n");
    repository.commit("Begin");
    repository.write(file, flags(90));
    repository.write("flags/torn.yaml", "flags:\n  torn: { enabled: true }\n");
    repository.diff_json(0, &["main"])
}

const TWO: &str = "[environments.staging]\nstore = \"sqlite:a\"\n[environments.production]\nstore = \"sqlite:b\"\n";

#[test]
fn the_readme_shows_what_happens() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let repository = Repository::new();
    repository.write("hoist.toml", TWO);
    let flags =
        |name: &str| fs::read_to_string(root.join("tests/readme/flags").join(name)).unwrap();
    let (checkout, search) = (flags("checkout.yaml"), flags("search.yaml"));
    repository.write("flags/checkout.yaml", &checkout);
    repository.write("flags/search.yaml", &search);
    let id = repository.commit("Begin");
    let reordered = checkout.replace(
        "{ control: 34, higher_price: 33, lower_price: 33 }",
        "{ higher_price: 33, control: 34, lower_price: 33 }",
    );
    let raised = search.replace(
        "percentage: 10\n",
        "percentage: 25\n    environments: { staging: { percentage: 10 } }\n",
    );
    let raised = raised.replace("owner: search-team", "owner: ranking-team");
    assert!(reordered != checkout && raised.len() > search.len() + 50);
    repository.write("flags/checkout.yaml", reordered);
    repository.write("flags/search.yaml", raised);
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let picture = readme
        .split("\n```text\n")
        .find(|text| text.starts_with("main ("))
        .unwrap();
    let picture = picture.split("```").next().unwrap();
    let shown = repository.diff(0, &["main"]).stdout;
    assert_eq!(shown.replace(&id[..12], "0e1be1d6db3f"), picture);
}

#[test]
fn the_work_tree_is_compared_with_a_revision() {
    let repository = Repository::with_flags(TEN);
    let id = repository.git(&["rev-parse", "HEAD"]);
    repository.write_flags(TWENTY);
    let diff = repository.diff_json(0, &["main"]);
    assert_eq!(
        (&diff["base"], &diff["head"]),
        (
            &json!({"revision": "main", "commit": id}),
            &json!({"revision": null, "commit": null})
        )
    );
    assert_eq!(diff["environments"], json!(["development"]));
    let [change] = &diff["changes"].as_array().unwrap()[..] else {
        panic!("{diff}");
    };
    let expected = json!({
        "flag": "a",
        "action": "update",
        "environments": ["development"],
        "fields": [{"path": "percentage", "before": 10, "after": 20}],
        "impact": {"gained": 10, "lost": 0, "moved": 0, "avoidable": 0},
        "notes": [],
        "risks": [],
        "source": {"file": "flags/flags.yaml", "line": 2},
    });
    for (field, expected) in expected.as_object().unwrap() {
        assert_eq!(&change[field], expected, "{field}");
    }
    assert_eq!(change["before"]["percentage"], 10);
    assert_eq!(change["after"]["percentage"], 20);
    let none = repository.diff_json(0, &["HEAD", "main", "--exit-code"]);
    assert_eq!(actions(&none), [""; 0]);
    assert_eq!(none["unchanged"], 1);
}

#[test]
fn the_exit_code_answers() {
    let repository = Repository::with_flags(TEN);
    repository.write_flags(TWENTY);
    repository.diff(0, &["main"]);
    repository.diff(1, &["main", "--exit-code"]);
    repository.diff(0, &["main", "--deny-warnings"]);
    // A warning.
    repository.write_flags("flags:\n  a: { enabled: true }\n");
    repository.diff(0, &["main"]);
    repository.diff(1, &["main", "--deny-warnings"]);
    // The same as an error.
    repository.write("hoist.toml", "[lint.rules]\njumped-rollout = \"error\"\n");
    repository.diff(1, &["main"]);
    repository.write("hoist.toml", "[lint.rules]\njumped-rollout = \"off\"\n");
    repository.diff(0, &["main", "--deny-warnings"]);
}

#[test]
fn revisions_may_be_named_in_every_way() {
    let repository = Repository::with_flags(TEN);
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "--annotate", "v1", "--message", "One"]);
    repository.git(&["checkout", "--quiet", "-b", "feature/one"]);
    repository.commit_flags(
        "flags:\n  a: { enabled: true, percentage: 15 }\n",
        "Fifteen",
    );
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit_flags("flags:\n  a: { enabled: true, percentage: 12 }\n", "Twelve");
    repository.git(&["checkout", "--quiet", "feature/one"]);
    repository.write_flags(TWENTY);
    let step = |args: &[&str]| {
        let diff = repository.diff_json(0, args);
        let field = &diff["changes"][0]["fields"][0];
        (field["before"].as_u64(), field["after"].as_u64())
    };
    for (args, before, after) in [
        (&["main"][..], 12, 20),
        (&["HEAD"], 15, 20),
        (&["v1"], 10, 20),
        (&[&first], 10, 20),
        (&[&first[..10]], 10, 20),
        (&["HEAD~1"], 10, 20),
        (&["main..."], 10, 20),
        (&["main...", "HEAD"], 10, 15),
        (&["main...HEAD"], 10, 15),
        (&["main..HEAD"], 12, 15),
        (&["main", "feature/one"], 12, 15),
        (&["feature/one", "main"], 15, 12),
        (&["..main"], 15, 12),
        (&[":/Twelve", "HEAD"], 12, 15),
        (&["HEAD^{/Begin}"], 10, 20),
    ] {
        assert_eq!(step(args), (Some(before), Some(after)), "{args:?}");
    }
    let human = repository.diff(0, &["main..."]).stdout;
    assert!(
        human.starts_with(&format!("main... ({}) → the work tree", &first[..12])),
        "{human}"
    );
}

#[test]
fn a_revision_that_is_none_is_refused_with_a_suggestion() {
    let repository = Repository::with_flags(TEN);
    let refused = |revision: &str| {
        // What begins with a dash would be an option to hoist.
        let mut command = repository.project.command(&["diff", "--", revision]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("mian").contains("there is no revision `mian`\n   help: did you mean `main`?"));
    repository.git(&["update-ref", "refs/remotes/origin/release", "HEAD"]);
    assert!(refused("release").contains("did you mean `origin/release`?"));
    for none in [
        "",
        "HEAD:flags",
        "main^{tree}",
        "nothing like it",
        "main\n",
        "a b",
        "--all",
        "-h",
    ] {
        assert!(refused(none).contains("there is no revision"), "{none}");
    }
    assert!(
        repository
            .diff(2, &["main..HEAD", "HEAD"])
            .stderr
            .contains("one too many")
    );
    // What looks like an option of git's stays a name.
    let file = repository.project.path("stolen");
    refused(&format!("--output={}", file.display()));
    assert!(!file.exists());

    repository.git(&["checkout", "--quiet", "--orphan", "apart"]);
    repository.commit("Apart");
    let apart = repository.diff(2, &["main..."]).stderr;
    assert!(
        apart.contains("`main` and `HEAD` have no commit in common"),
        "{apart}"
    );
}

#[test]
fn a_flag_that_moves_to_another_file_has_not_changed() {
    let repository =
        Repository::with_flags("flags:\n  a: { enabled: true }\n  b: { percentage: 1 }\n");
    repository.git(&["rm", "--quiet", "-r", "flags"]);
    repository.write("flags/x/one.yaml", "flags:\n  b:\n    percentage: 1.0\n");
    repository.write("flags/two.yml", "flags: { a: { enabled: true } }\n");
    repository.commit("Move");
    for args in [&["HEAD~1"][..], &["HEAD~1", "HEAD"]] {
        let diff = repository.diff_json(0, &[args, &["--exit-code"]].concat());
        assert_eq!(
            (&diff["changes"], &diff["unchanged"]),
            (&json!([]), &json!(2))
        );
    }
}

#[test]
fn environments_are_told_apart() {
    let repository = Repository::with_flags(TEN);
    repository.write("hoist.toml", TWO);
    repository.write_flags(
        "flags:\n  a:\n    enabled: true\n    percentage: 10\n    owner: web\n    environments: { staging: { percentage: 90 } }\n",
    );
    let diff = repository.diff_json(0, &["main"]);
    let parts: Vec<_> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["environments"].clone())
        .collect();
    assert_eq!(parts, [json!(["staging"]), json!(["production"])]);
    let human = repository.diff(0, &["main"]).stdout;
    let expected = "  ~ update   a  flags/flags.yaml:2
      meta.owner  (none) → web
    in staging:
      percentage  10 → 90
      80 % of users gain it
      warning[jumped-rollout]: goes from 10 % to 90 % of users: 80 points at once, more than 50 (in `staging`)
";
    assert!(human.contains(expected), "{human}");
    let production = repository.diff(0, &["main", "--env", "production"]).stdout;
    assert!(!production.contains("percentage"), "{production}");
    let unknown = repository.diff(2, &["main", "--env", "prod"]).stderr;
    assert!(
        unknown.contains("there is no environment `prod`"),
        "{unknown}"
    );
}

#[test]
fn what_is_broken_at_the_base_does_not_hide_the_rest() {
    let repository = Repository::with_flags(
        "flags:\n  a: { enabled: maybe }\n  b: { enabled: true, percentage: 5 }\n  c: [\n  d: {}\n",
    );
    repository.write_flags(
        "flags:\n  a: { enabled: true, percentage: 1 }\n  b: { enabled: true, percentage: 6 }\n  c: {}\n  d: {}\n  e: {}\n",
    );
    let diff = repository.diff_json(0, &["main"]);
    assert_eq!(actions(&diff), ["update b", "create e"]);
    assert_eq!(diff["skipped"], json!(["a", "c"]));
    let notes = diff["notes"].to_string();
    assert!(
        notes.contains("`main:flags/flags.yaml` could not be read whole, line "),
        "{notes}"
    );
    let human = repository.diff(0, &["main"]).stdout;
    assert!(human.contains("2 not compared"), "{human}");
}

#[test]
fn errors_in_the_files_of_now_are_findings() {
    let repository =
        Repository::with_flags("flags:\n  a: { enabled: true, percentage: 5 }\n  b: {}\n");
    repository.write("flags/other.yaml", "flags:\n  c: {}\n");
    repository.commit("Another");
    repository.write_flags(
        "flags:\n  a: { enabled: yes, percentage: 5 }\n  b: { owner: web }\n  c: {}\n",
    );
    let diff = repository.diff_json(1, &["main"]);
    assert_eq!(actions(&diff), ["update b"]);
    assert_eq!(diff["skipped"], json!(["a"]));
    assert_eq!(risks(&diff), ["schema a", "duplicate-flag c"]);
    let human = repository.diff(1, &["main"]).stdout;
    assert!(
        human.contains("error[schema]: `enabled` is the string `yes`"),
        "{human}"
    );
    assert!(
        human.ends_with("1 updated; 1 unchanged, 1 not compared: 2 errors\n"),
        "{human}"
    );
    // Those that were there before are lint's business.
    repository.commit("Break");
    repository.write("flags/third.yaml", "flags:\n  f: {}\n");
    let diff = repository.diff_json(0, &["main"]);
    assert_eq!(
        (actions(&diff), risks(&diff)),
        (vec!["create f".to_owned()], Vec::new())
    );
}

#[test]
fn nothing_of_the_repository_is_touched() {
    let repository = Repository::with_flags(TEN);
    repository.commit_flags(TWENTY, "Twenty");
    repository.write("flags/untracked.yaml", "flags:\n  new: {}\n");
    // Git's view of the file is out of date, which other commands would note in the index.
    let file = fs::File::options()
        .append(true)
        .open(repository.project.path("flags/flags.yaml"))
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let state = || -> BTreeMap<_, _> {
        let mut state = BTreeMap::new();
        let mut folders = vec![repository.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let metadata = entry.metadata().unwrap();
                state.insert(entry.path(), (metadata.modified().unwrap(), metadata.len()));
                if metadata.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        state
    };
    let before = state();
    assert!(before.len() > 20);
    for args in [
        &["HEAD~1"][..],
        &["HEAD~1", "HEAD"],
        &["HEAD"],
        &["HEAD~1..."],
    ] {
        repository.diff(0, args);
    }
    assert_eq!(state(), before);
}

#[test]
fn code_that_names_a_removed_flag_is_found() {
    let repository = Repository::with_flags("flags:\n  old: {}\n  gone: {}\n");
    repository.write(".gitignore", "ignored/\n");
    repository.write("src/app.py", "x = 1\nif flags.is_on(\"old\"):\n    pass\n");
    repository.write("src/ignored/app.py", "'gone'\n");
    repository.write_flags("flags: {}\n");
    let diff = repository.diff_json(0, &["main", "--src", "src"]);
    assert_eq!(risks(&diff), ["removed-live old"]);
    assert_eq!(
        messages(&diff, "removed-live"),
        ["removed while code still names it, in src/app.py:2"]
    );
    assert_eq!(risks(&repository.diff_json(0, &["main"])), [""; 0]);
    let missing = repository.diff(2, &["main", "--src", "lib"]).stderr;
    assert!(
        missing.contains("`--src`: there is no directory `lib`"),
        "{missing}"
    );
}

#[test]
fn markdown_stays_below_what_a_comment_may_have() {
    let flags = |percentage: u32| {
        let flag = |number| {
            format!(
                "  flag_{number}: {{ enabled: true, percentage: {percentage}, description: \"| <b> @ana `x` ](http://e.vil) {number}\" }}\n"
            )
        };
        format!("flags:\n{}", (0..4000).map(flag).collect::<String>())
    };
    let repository = Repository::with_flags(&flags(1));
    repository.write_flags(&flags(90));
    let text = repository.diff(0, &["main", "--format", "markdown"]).stdout;
    assert!(text.len() > 40_000 && text.len() < 65_536, "{}", text.len());
    assert!(text.starts_with("### Feature flags: 4000 updated; 0 unchanged: **4000 warnings**\n"));
    assert!(text.ends_with("</details>\n"));
    for rest in ["more like these", "more flags\n", "too much for a comment"] {
        assert!(text.contains(rest), "{rest}");
    }
    repository.write_flags("flags:\n  new: { description: \"| <b> @ana `x` ](http://e.vil)\" }\n");
    let text = repository.diff(0, &["main", "--format", "markdown"]).stdout;
    let outside = text.split("```").step_by(2).collect::<String>();
    assert!(
        !outside.contains("<b>") && !outside.contains("@ana"),
        "{outside}"
    );
}

#[test]
fn what_hinders_git_is_said() {
    let project = Project::with_flags(TEN);
    let outside = project.expect(2, &["diff", "main"]).stderr;
    assert!(
        outside.contains("is not in the work tree of a git repository"),
        "{outside}"
    );

    let repository = Repository::with_flags(TEN);
    let mut command = repository.project.command(&["diff", "main"]);
    let output = command.env("PATH", "/nonexistent").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("cannot run the `git` program\n  because: "),
        "{stderr}"
    );

    let inside = repository.diff(2, &["main", "-C", ".git"]).stderr;
    assert!(inside.contains("is not in the work tree"), "{inside}");

    let empty = Repository::new();
    empty.write_flags(TEN);
    assert!(
        empty
            .diff(2, &["HEAD"])
            .stderr
            .contains("there is no revision `HEAD`")
    );
    assert!(GIT.len() > 2 && !git(empty.folder(), &["--version"]).is_empty());
}
