//! Passwords that people put where they should not, or forgot to encode.

use crate::support::program::Project;

#[test]
fn excerpts_of_hoist_toml_show_no_password() {
    for line in [
        "stor = \"redis://:hunter2@prod\"",
        "store = [\"redis://:hunter2@prod\"]",
        "store = \"redis://u:hunter2@prod",
        "store = redis://:hunter2@prod",
        "stor = \"redis+unix:///s?pass=hunter2\"",
    ] {
        let project = Project::with_flags("flags: {}\n");
        project.write("hoist.toml", format!("[environments.production]\n{line}\n"));
        for args in [
            &["lint"][..],
            &["lint", "--format", "json"],
            &["plan"],
            &["apply"],
        ] {
            let shown = project.expect(1, args).shown();
            assert!(shown.contains("hoist.toml"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn no_output_shows_what_looks_like_a_token() {
    let project = Project::with_flags(
        "flags:
  robot:
    description: Reads with ghp_a1B2c3D4e5F6g7H8a1B2c3D4e5F6g7H8a1B2
    salt: AKIAIOSFODNN7EXAMPLE
    enabled: true
    percentage: 10
    allowed_users: [AKIAIOSFODNN7EXAMPLE, AKIAIOSFODNN7EXAMPLE]
    environments:
      AKIAIOSFODNN7EXAMPLE: { enabled: false } # hoist-ignore: unknown-environment
",
    );
    for (code, args) in [
        (0, &["lint"][..]),
        (0, &["lint", "--format", "json"]),
        (0, &["plan"]),
        (0, &["apply", "--dry-run"]),
    ] {
        let shown = project.expect(code, args).shown();
        assert!(shown.contains("robot"), "{shown}");
        assert!(!shown.contains("a1B2c3D4"), "{shown}");
        assert!(!shown.contains("IOSFODNN7"), "{shown}");
    }
}

#[test]
fn errors_about_a_store_show_no_password() {
    let project = Project::with_flags("flags: {}\n");
    for store in [
        "hunter2@localhost:6379",
        "hunter2@localhost:port",
        "redis://:a@hunter2/c#d@127.0.0.1:1",
        "redis://:hunter2@127.0.0.1:1",
    ] {
        let shown = project.expect(2, &["plan", "--store", store]).shown();
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_prose_of_results_shows_no_token() {
    let token = "ghp_a1B2c3D4e5F6g7H8a1B2c3D4e5F6g7H8a1B2";
    let project = Project::with_flags(&format!(
        "flags:\n  robot:\n    description: D\n    owner: web\n    expires: never\n    enabled: true\n    \
         allowed_users: [{token}]\n    tests:\n      - {{ user: {token}, expect: false }}\n"
    ));
    let run = project.expect(1, &["test", "--format", "json"]).json();
    for prose in ["message", "why"] {
        let prose = run["tests"][0][prose].as_str().expect("a text");
        assert!(!prose.contains("a1B2c3D4"), "{prose}");
    }
    project.write(
        "flags/flags.yaml",
        "flags:\n  a: { expires: never, enabled: true }\n",
    );
    let store = ["--store", "sqlite:flags.db"];
    project.expect(0, &[&["apply", "-q"], &store[..]].concat());
    project.expect(0, &[&["kill", "a", "--reason", token], &store[..]].concat());
    let run = project.expect(0, &[&["history", "--format", "json"], &store[..]].concat());
    let reason = &run.json()["commits"][0]["reason"];
    assert_eq!(reason, &format!("ghp_{}", "*".repeat(36)));
}
