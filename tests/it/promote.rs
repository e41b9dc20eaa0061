//! `hoist promote`, in real files.

use serde_json::json;

use crate::json_shapes::check_promotion;
use crate::support::program::Project;

const CONFIG: &str = "[environments.staging]
store = \"sqlite:staging.db\"
[environments.production]
store = \"sqlite:production.db\"
[lint.rules]
missing-owner = \"off\"
";
const ONE: &str = "flags:
  a:
    description: One
    expires: never
    enabled: true
    environments:
      staging: { percentage: 50 }   # half
      production: { percentage: 5 }
";

fn project() -> Project {
    let project = Project::new();
    project.write("hoist.toml", CONFIG);
    project.write("flags/one.yaml", ONE);
    project.write("flags/two.yaml", ONE.replace("  a:", "  b:"));
    project
}

const CALL: [&str; 5] = ["promote", "--from", "staging", "--to", "production"];

#[test]
fn what_is_written_is_what_is_planned() {
    let project = project();
    project.expect(0, &["apply", "--env", "production", "-q"]);
    let done = project
        .expect(0, &[&CALL[..], &["a", "b", "--format", "json"]].concat())
        .json();
    check_promotion(&done);
    let fields = json!([{"path": "percentage", "before": 5, "after": 50}]);
    assert_eq!(done["flags"][0]["fields"], fields);
    assert_eq!(done["plan"]["summary"]["update"], 2);
    assert_eq!(done["plan"]["changes"][1]["fields"], fields);
    for file in ["flags/one.yaml", "flags/two.yaml"] {
        assert!(project.read(file).ends_with(
            "      staging: { percentage: 50 }   # half\n      production: { percentage: 50 }\n"
        ));
    }
    // Nothing was applied, and a second time there is nothing to write.
    let again = project
        .expect(0, &[&CALL[..], &["b", "a", "--format", "json"]].concat())
        .json();
    check_promotion(&again);
    assert_eq!(again["written"], false);
    assert_eq!(again["plan"]["fingerprint"], done["plan"]["fingerprint"]);
}

#[test]
fn a_dry_run_writes_nothing_and_git_takes_its_diff() {
    let project = project();
    let run = project.expect(0, &[&CALL[..], &["a", "--dry-run"]].concat());
    assert_eq!(project.read("flags/one.yaml"), ONE);
    project.write("change.diff", &run.stdout);
    let json = project.expect(
        0,
        &[&CALL[..], &["a", "--dry-run", "--format", "json"]].concat(),
    );
    let json = json.json();
    check_promotion(&json);
    assert_eq!(json["diff"], run.stdout);
    crate::support::repository::git(project.folder(), &["apply", "change.diff"]);
    let patched = project.read("flags/one.yaml");
    project.write("flags/one.yaml", ONE);
    project.expect(0, &[&CALL[..], &["a"]].concat());
    assert_eq!(project.read("flags/one.yaml"), patched);
}

#[test]
fn all_files_are_written_or_none() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    // Files are written in their order: the second cannot be.
    let path = project.path("flags/two.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).expect("permissions");
    let run = project.expect(2, &[&CALL[..], &["a", "b"]].concat());
    assert!(
        run.stderr.contains("`flags/two.yaml` may only be read"),
        "{}",
        run.stderr
    );
    assert_eq!(project.read("flags/one.yaml"), ONE);
}

#[test]
fn a_flag_with_errors_is_left_alone() {
    let project = project();
    project.write(
        "flags/one.yaml",
        ONE.replace("enabled: true", "enabled: yes"),
    );
    let before = project.read("flags/one.yaml");
    let run = project.expect(1, &[&CALL[..], &["b", "a"]].concat());
    assert!(run.stderr.contains("error[schema]"), "{}", run.stderr);
    assert_eq!(project.read("flags/one.yaml"), before);
    assert_eq!(project.read("flags/two.yaml"), ONE.replace("  a:", "  b:"));
    // Errors elsewhere do not stand in its way, but no plan can be made.
    let run = project.expect(0, &[&CALL[..], &["b", "--format", "json"]].concat());
    let json = run.json();
    check_promotion(&json);
    assert_eq!(
        (&json["written"], &json["plan"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(json["unplanned"]["exit_code"], 1);
    assert!(
        run.stderr.contains("what was written stands"),
        "{}",
        run.stderr
    );
    // One key in two places is nobody's.
    project.write("flags/one.yaml", ONE.replace("  a:", "  b:"));
    let run = project.expect(2, &[&CALL[..], &["b"]].concat());
    assert!(
        run.stderr.contains("flags/one.yaml:2 and flags/two.yaml:2"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_would_bring_an_error_is_not_written_and_a_warning_is_shown() {
    let project = project();
    project.write(
        "flags/one.yaml",
        ONE.replace(
            "{ percentage: 50 }",
            "{ rollout: [{ percentage: 60, duration: 1d }, { percentage: 100 }] }",
        ),
    );
    let run = project.expect(0, &[&CALL[..], &["a", "--format", "json"]].concat());
    let json = run.json();
    check_promotion(&json);
    assert_eq!(json["findings"][0]["rule"], "abrupt-rollout");
    assert!(
        run.stderr.contains("warning[abrupt-rollout]"),
        "{}",
        run.stderr
    );
    // The same, as an error.
    let project = self::project();
    project.write(
        "hoist.toml",
        CONFIG.replace(
            "[lint.rules]",
            "[lint]\nmax_environments = 1\n[lint.rules]\ncomplex-flag = \"error\"",
        ),
    );
    let before = ONE.replace("      production: { percentage: 5 }\n", "");
    project.write("flags/one.yaml", &before);
    let run = project.expect(1, &[&CALL[..], &["a"]].concat());
    assert!(run.stderr.contains("error[complex-flag]"), "{}", run.stderr);
    assert_eq!(project.read("flags/one.yaml"), before);
}
