//! `hoist lint --fix` on files, and what `hoist lint` does with files that it cannot read.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::program::Project;

const GOOD: &str = "  good: { description: D, owner: web, expires: never }\n";
const BAD: &str = "  bad: { description: D, owner: web, expires: never, enabled: yes }\n";

/// Files in every dress: the mended bytes change, and no others.
#[test]
fn what_is_not_mended_stays_byte_for_byte() {
    let dressed = "\u{feff}# Ünïcode\r\nflags: # all of them\r\n\r\n  bad:\r\n    description: >-\r\n      folded\r\n\
                   \x20     text\r\n    owner:   web\r\n    expires: never\r\n    enabled:  yes   # for now";
    let project = Project::with_flags(dressed);
    let run = project.expect(0, &["lint", "--fix"]);
    assert_eq!(
        run.stdout,
        "Fixed 1 finding in 1 file:\n  flags/flags.yaml:10:15: write `true` (schema)\n\n\
         Checked 1 flag in 1 file: no problems\n"
    );
    assert_eq!(
        project.read("flags/flags.yaml"),
        dressed.replace("yes", "true")
    );
    // There is nothing left to do.
    let run = project.expect(0, &["lint", "--fix"]);
    assert_eq!(run.stdout, "Checked 1 flag in 1 file: no problems\n");
}

#[test]
fn the_diff_is_one_that_git_applies() {
    let project = Project::with_flags(&format!("flags:\r\n{}", BAD.trim_end()));
    project.write(
        "flags/more/other.yaml",
        format!("flags:\n{}", BAD.replace("bad", "other")),
    );
    let diff = project.expect(0, &["lint", "--fix", "--dry-run"]);
    assert!(project.read("flags/flags.yaml").contains("yes"));
    assert!(
        diff.stderr
            .starts_with("Would fix 2 findings in 2 files:\n"),
        "{diff:#?}"
    );
    let mut git = Command::new("git")
        .args(["apply", "-"])
        .current_dir(project.folder())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin
        .take()
        .unwrap()
        .write_all(diff.stdout.as_bytes())
        .unwrap();
    assert!(git.wait().unwrap().success(), "{}", diff.stdout);
    let run = project.expect(0, &["lint", "--fix"]);
    assert_eq!(run.stdout, "Checked 2 flags in 2 files: no problems\n");
}

/// Wherever in the repository it is made, and beside a token, of which nothing is shown.
#[test]
fn git_applies_a_diff_from_below_and_beside_a_secret() {
    let token = format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6");
    for (before, behind, options) in [
        (format!("  # {token}\n"), String::new(), &["apply", "-"][..]),
        (
            String::new(),
            format!("  # {token}\n"),
            &["apply", "--unidiff-zero", "-"],
        ),
    ] {
        let project = Project::with_flags(&format!("flags:\n{GOOD}{before}{BAD}{behind}  # end\n"));
        project.write("app/notes.txt", "");
        let git = |args: &[&str], input: &str| {
            let mut git = Command::new("git")
                .args(args)
                .current_dir(project.folder())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let mut stdin = git.stdin.take().unwrap();
            stdin.write_all(input.as_bytes()).unwrap();
            drop(stdin);
            assert!(git.wait().unwrap().success(), "{args:?} {input}");
        };
        git(&["init", "-q"], "");
        let app = project.folder().join("app");
        let app = app.to_str().unwrap();
        let call = ["-C", app, "lint", "--fix", "--dry-run", "../flags"];
        let diff = project.expect(0, &call);
        assert!(
            diff.stdout.starts_with("--- a/flags/flags.yaml\n"),
            "{diff:#?}"
        );
        assert!(!diff.stdout.contains("ghp_"), "{diff:#?}");
        assert_eq!(
            diff.stderr.contains("--unidiff-zero"),
            options.len() > 2,
            "{diff:#?}"
        );
        git(options, &diff.stdout);
        let mended = project.read("flags/flags.yaml");
        assert!(
            mended.contains("enabled: true") && mended.contains(&token),
            "{mended}"
        );
    }
}

#[test]
fn errors_that_stay_are_the_answer() {
    let project = Project::with_flags(&format!("flags:\n{BAD}  other: {{ percentage: 150 }}\n"));
    for args in [
        &["lint", "--fix", "--dry-run"][..],
        &["lint", "--fix"],
        &["lint", "--fix"],
    ] {
        project.expect(1, args);
    }
    assert!(project.read("flags/flags.yaml").contains("enabled: true"));
    let warned = Project::with_flags(
        &BAD.replace("  bad:", "flags:\n  bad:")
            .replace("owner: web, ", ""),
    );
    warned.expect(0, &["lint", "--fix"]);
    warned.expect(1, &["lint", "--fix", "--deny-warnings"]);
}

#[test]
fn nothing_is_mended_by_a_configuration_that_was_misread() {
    let text = format!("flags:\n{BAD}");
    let project = Project::with_flags(&text);
    project.write("hoist.toml", "[lint]\nmax_stp = 10\n");
    let run = project.expect(1, &["lint", "--fix"]);
    assert!(run.stdout.contains("error[config]"), "{run:#?}");
    assert!(run.stderr.contains("nothing was mended"), "{run:#?}");
    assert_eq!(project.read("flags/flags.yaml"), text);
}

/// What silences a rule is not useless where that rule is not looked for.
#[test]
fn a_comment_that_silences_nothing_is_found_by_that_rule_alone() {
    let project = Project::with_flags(
        "flags:\n  # hoist-ignore: missing-owner\n  a: { description: D, owner: web, expires: never }\n  \
         # hoist-ignore: missing-owner\n  b: { description: D, expires: never }\n  c: { expires: never }\n",
    );
    let run = project.expect(
        0,
        &["lint", "--select", "unused-ignore", "--format", "json"],
    );
    let found = run.json();
    let found: Vec<_> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (&found["rule"], &found["range"]["start"]["line"]))
        .collect();
    assert_eq!(found, [(&json!("unused-ignore"), &json!(2))]);
    let run = project.expect(
        0,
        &[
            "lint",
            "--select",
            "unused-ignore",
            "--ignore",
            "missing-owner",
        ],
    );
    assert!(run.stdout.contains("no problems"), "{run:#?}");
}

#[test]
fn comments_outlive_a_run_of_some_rules() {
    let text = "flags:\n  a: # hoist-ignore: missing-owner -- nobody's\n    description: D\n    expires: never\n";
    let project = Project::with_flags(text);
    for args in [
        &["lint", "--fix", "--select", "unused-ignore"][..],
        &["lint", "--fix", "--ignore", "missing-owner"],
        &["lint", "--fix", "flags/flags.yaml"],
        &["lint", "--fix"],
    ] {
        project.expect(0, args);
        assert_eq!(project.read("flags/flags.yaml"), text, "{args:?}");
    }
    let unused = text.replace("    expires", "    owner: web\n    expires");
    project.write("flags/flags.yaml", &unused);
    project.expect(0, &["lint", "--fix"]);
    let mended = project.read("flags/flags.yaml");
    assert!(!mended.contains("hoist-ignore"), "{mended}");
}

#[test]
fn programs_get_what_is_left_and_people_are_told_beside_it() {
    let project = Project::with_flags(&format!("flags:\n{BAD}"));
    let run = project.expect(0, &["lint", "--fix", "--format", "json"]);
    assert_eq!(run.json()["diagnostics"], json!([]));
    assert!(run.stderr.contains("write `true` (schema)"), "{run:#?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_named_and_the_others_are_mended() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let project = Project::with_flags(&format!("flags:\n{BAD}"));
    let locked = format!("flags:\n{}", BAD.replace("bad", "locked"));
    project.write("flags/locked.yaml", &locked);
    let path = project.path("flags/locked.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let run = project.expect(2, &["lint", "--fix"]);
    assert!(
        run.stderr.contains("`flags/locked.yaml` may only be read"),
        "{run:#?}"
    );
    // It counts as what it is.
    assert!(run.stdout.contains("Fixed 1 finding in 1 file"), "{run:#?}");
    assert!(run.stdout.contains("flags/locked.yaml:2:"), "{run:#?}");
    assert_eq!(project.read("flags/locked.yaml"), locked);
    assert!(project.read("flags/flags.yaml").contains("enabled: true"));

    // A link that is named leads no further than the flags directory.
    std::fs::remove_file(&path).unwrap();
    project.write("elsewhere/config.yaml", &locked);
    symlink(
        project.path("elsewhere/config.yaml"),
        project.path("flags/link.yaml"),
    )
    .unwrap();
    let run = project.expect(2, &["lint", "--fix", "flags/link.yaml"]);
    assert!(
        run.stderr.contains("leads out of the flags directory"),
        "{run:#?}"
    );
    assert_eq!(project.read("elsewhere/config.yaml"), locked);
}

#[test]
fn standard_input_is_checked_and_mended_without_a_file() {
    let project = Project::new();
    let run = |args: &[&str], input: &[u8]| {
        let mut child = project
            .command(args)
            .args(["--today", "2026-11-22"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Not all of it is read where it is too much.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let bad = format!("flags:\n{BAD}");
    let (code, found, _) = run(&["lint", "-", "--format", "json"], bad.as_bytes());
    assert_eq!(code, Some(1));
    assert!(found.contains(r#""file":"<stdin>""#), "{found}");
    let named = ["lint", "-", "--stdin-filename", "flags/a.yaml"];
    let (code, found, _) = run(&named, bad.as_bytes());
    assert_eq!(code, Some(1));
    assert!(found.contains(" --> flags/a.yaml:2:"), "{found}");
    let (code, text, told) = run(&["lint", "--fix", "-"], bad.as_bytes());
    assert_eq!((code, text), (Some(0), bad.replace("yes", "true")));
    assert!(told.contains("Fixed 1 finding"), "{told}");
    let (code, text, _) = run(&["lint", "--fix", "--dry-run", "-"], bad.as_bytes());
    assert_eq!(code, Some(0));
    assert!(text.contains("+  bad: "), "{text}");
    // Nothing is printed that stands for a part only.
    let large = [bad.as_bytes(), &vec![b'#'; 8 << 20]].concat();
    let (code, text, told) = run(&["lint", "--fix", "-"], &large);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(told.contains("more than 8 MiB"), "{told}");
    let (code, found, _) = run(&["lint", "-"], b"flags:\n  caf\xe9: {}\n");
    assert_eq!(code, Some(1));
    assert!(found.contains("UTF-8"), "{found}");
}

#[test]
fn every_file_that_cannot_be_read_is_named() {
    let project = Project::with_flags(&format!("flags:\n{GOOD}{BAD}"));
    let paths = [
        "flags",
        "/proc/self/mem",
        "nowhere.yaml",
        "/proc/1/mem",
        "gone",
    ];
    let run = project.expect(2, &[&["lint"], &paths[..]].concat());
    for path in &paths[1..] {
        assert!(run.stderr.contains(path), "{path}: {run:#?}");
    }
    assert!(run.stdout.contains("error[schema]"), "{run:#?}");
    assert!(
        run.stdout
            .ends_with("Checked 2 flags in 1 file: 1 error, 4 not read\n"),
        "{run:#?}"
    );
    let args = |format: &'static str| [&["lint", "--format", format], &paths[..]].concat();
    let json = project.expect(2, &args("json")).json();
    assert_eq!(json["unread"].as_array().map(Vec::len), Some(4));
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(1));
    let sarif = project.expect(2, &args("sarif")).json();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = invocation["toolExecutionNotifications"].as_array();
    assert_eq!(told.map(Vec::len), Some(4), "{invocation:#}");
    let github = project.expect(2, &args("github")).stdout;
    assert_eq!(github.matches(",title=hoist::").count(), 4, "{github}");
    let junit = project.expect(2, &args("junit")).stdout;
    assert_eq!(junit.matches("<error ").count(), 4, "{junit}");
}

/// Whoever looks for an annotation looks from the root of the repository.
#[test]
fn services_are_told_names_from_the_root_of_the_repository() {
    let project = Project::new();
    project.write(".git/HEAD", "");
    project.write("apps/web/flags/a.yaml", format!("flags:\n{BAD}"));
    project.write(
        "apps/shared/b c.yaml",
        format!("flags:\n{}", BAD.replace("bad", "other")),
    );
    let args = |format: &'static str| {
        [
            "lint",
            "-C",
            "apps/web",
            "--format",
            format,
            "flags",
            "../shared/b c.yaml",
        ]
    };
    let github = project.expect(1, &args("github")).stdout;
    assert!(
        github.contains("::error file=apps/web/flags/a.yaml,line=2"),
        "{github}"
    );
    assert!(
        github.contains("::error file=apps/shared/b c.yaml,line=2"),
        "{github}"
    );
    let junit = project.expect(1, &args("junit")).stdout;
    assert!(junit.contains("file=\"apps/web/flags/a.yaml\""), "{junit}");
    let sarif = project.expect(1, &args("sarif")).json();
    let run = &sarif["runs"][0];
    let root = run["originalUriBaseIds"]["%SRCROOT%"]["uri"]
        .as_str()
        .unwrap();
    assert!(
        root.starts_with("file:///") && root.ends_with('/') && !root.contains("apps"),
        "{root}"
    );
    let artifact = |at: usize| {
        run["results"][at]["locations"][0]["physicalLocation"]["artifactLocation"].clone()
    };
    let expected = |uri: &str| json!({"uri": uri, "uriBaseId": "%SRCROOT%"});
    assert_eq!(artifact(0), expected("apps/shared/b%20c.yaml"));
    assert_eq!(artifact(1), expected("apps/web/flags/a.yaml"));
    // JSON has the names that people see.
    let json = project.expect(1, &args("json")).json();
    assert_eq!(json["diagnostics"][0]["file"], "../shared/b c.yaml");
}
