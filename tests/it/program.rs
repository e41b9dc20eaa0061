//! The program's outer manners: shells, pipes, colours, help, hostile files.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::support::program::Project;

const FLAGS: &str = "\
flags:
  banner: { description: A banner, owner: web, expires: never, enabled: true }
";

const COMMANDS: [&str; 20] = [
    "lint",
    "test",
    "plan",
    "apply",
    "watch",
    "eval",
    "history",
    "rollback",
    "rollout",
    "kill",
    "restore",
    "diff",
    "doctor",
    "serve",
    "new",
    "remove",
    "promote",
    "init",
    "schema",
    "completions",
];

#[test]
fn every_command_has_help_with_an_example() {
    let project = Project::new();
    let overview = project.expect(0, &["--help"]).stdout;
    for command in hoist::commands::command().get_subcommands() {
        let name = command.get_name();
        if name == "help" {
            continue;
        }
        assert!(COMMANDS.contains(&name), "{name} has no case here");
        assert!(
            overview.contains(&format!("\n  {name} ")),
            "{name}: {overview}"
        );
        let help = project.expect(0, &[name, "--help"]).stdout;
        let (_, examples) = help
            .split_once("\nExample")
            .unwrap_or_else(|| panic!("no example: {help}"));
        assert!(examples.contains(&format!("  hoist {name}")), "{help}");
        assert_explained(name, command);
        for below in command.get_subcommands() {
            let call = format!("{name} {}", below.get_name());
            let help = project
                .expect(0, &[name, below.get_name(), "--help"])
                .stdout;
            let (_, examples) = help
                .split_once("\nExample")
                .unwrap_or_else(|| panic!("no example: {help}"));
            assert!(examples.contains(&format!("  hoist {call}")), "{help}");
            assert_explained(&call, below);
        }
    }
}

fn assert_explained(name: &str, command: &clap::Command) {
    for argument in command.get_arguments() {
        let id = argument.get_id();
        assert!(
            argument.get_help().is_some(),
            "{name}: {id} is not explained"
        );
    }
}

#[test]
fn the_schema_is_printed_byte_for_byte() {
    let schema = include_str!("../../schema/flags.schema.json");
    assert_eq!(Project::new().expect(0, &["schema"]).stdout, schema);
}

#[test]
fn every_shell_gets_its_completions() {
    let project = Project::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = project.expect(0, &["completions", shell]).stdout;
        for word in COMMANDS
            .iter()
            .chain(&["allow-deletes", "gate-timeout", "at-stage"])
        {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let flags: String = (0..5_000)
        .map(|n| {
            format!("  flag_{n}: {{ description: D, owner: web, expires: never, enabled: true }}\n")
        })
        .collect();
    let project = Project::with_flags(&format!("flags:\n{flags}"));
    // The exit code is the command's own all the same.
    for (code, args) in [
        (0, &["plan", "-q"][..]),
        (0, &["plan", "-q", "--format", "json"]),
        (1, &["plan", "-q", "--exit-code"]),
        (0, &["schema"]),
        (0, &["completions", "zsh"]),
    ] {
        let mut child = project
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hoist to run");
        let mut line = String::new();
        let mut stdout = BufReader::with_capacity(64, child.stdout.take().expect("its output"));
        stdout.read_line(&mut line).expect("a line");
        drop(stdout);
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .expect("its errors")
            .read_to_string(&mut stderr)
            .expect("text");
        let status = child.wait().expect("an end");
        let ended = (status.code(), stderr.as_str());
        assert_eq!(ended, (Some(code), ""), "{args:?}");
    }
}

#[test]
fn colours_are_for_terminals_or_by_order() {
    let project = Project::with_flags(
        "flags:
  a: { description: A, owner: web, expires: never, enabled: true, allowed_users: [u1, u2, u3, u4, u5, u6, u7, u8, u9] }
  b: { description: B, owner: web, expires: never, enabled: true }
",
    );
    project.expect(0, &["apply"]);
    project.write(
        "flags/flags.yaml",
        "flags:
  a: { description: A, owner: web, expires: never, allowed_users: [u1, u2, u3, u4, u5, u6, u7, u8, u10] }
  c: { description: C, owner: web, expires: never, percentage: 33.3, allowed_groups: [staff] }
",
    );
    let plain = project.expect(0, &["plan"]);
    assert!(!plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'));
    let colored = project.expect(0, &["plan", "--color", "always"]);
    let stripped = anstream::adapter::strip_str(&colored.stdout).to_string();
    assert_eq!(stripped, plain.stdout);
    insta::assert_snapshot!("plan_in_colour", colored.stdout.replace('\u{1b}', "␛"));
    let never = project.expect(2, &["plan", "--env", "other", "--color", "never"]);
    let always = project.expect(2, &["plan", "--env", "other", "--color", "always"]);
    assert!(!never.stderr.contains('\u{1b}') && always.stderr.contains('\u{1b}'));
}

#[test]
fn variables_stand_in_for_options_and_nothing_in_one_is_nothing() {
    let environment = |name: &str, value: &str| Project::with_flags(FLAGS).env(name, value);
    for name in ["HOIST_ENV", "HOIST_CONFIG", "HOIST_STORE"] {
        let given = environment(name, "nowhere").run(&["plan"]);
        assert_eq!(given.code, 2, "{name}: {given:#?}");
        assert!(given.stderr.contains("nowhere"), "{name}: {given:#?}");
        environment(name, "").expect(0, &["plan"]);
    }
    let both = environment("HOIST_ENV", "nowhere");
    both.expect(0, &["plan", "--env", "development"]);
}

/// Files that no flag set has by accident: one clear finding each, and the other files are still
/// looked at.
#[test]
fn hostile_files_are_findings() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let last = format!("*a{}, ", n - 1).repeat(9);
            text += &format!("a{n}: &a{n} [{last}]\n");
        }
        text + "flags:\n  bomb: { description: *a11, owner: web, expires: never, enabled: true }\n"
    };
    let nested = format!(
        "flags:\n  deep: {}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let mut large = b"# ".to_vec();
    large.resize(8 * 1024 * 1024 + 1, b'x');
    let invalid = b"flags:\n  caf\xe9: { enabled: true }\n".to_vec();
    for (content, part) in [
        (bomb.into_bytes(), "alias"),
        (nested.into_bytes(), "nest"),
        (large, "8 MiB"),
        (invalid, "UTF-8"),
        (b"flags:\n  a\0b: { enabled: true }\n".to_vec(), "NUL byte"),
    ] {
        let project = Project::with_flags(FLAGS);
        project.write("flags/hostile.yaml", content);
        let run = project.expect(1, &["lint"]);
        assert!(
            run.stdout.contains("flags/hostile.yaml"),
            "{part}: {run:#?}"
        );
        assert!(run.stdout.contains(part), "{part}: {run:#?}");
        let plan = project.expect(1, &["plan"]);
        assert!(plan.stdout.is_empty(), "{part}: {plan:#?}");
        let json = project.expect(1, &["lint", "--format", "json"]).json();
        let errors = json["summary"]["errors"].as_u64().expect("a count");
        assert!((1..=20).contains(&errors), "{part}: {json:#}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_what_cannot_be_read() {
    use std::os::unix::fs::symlink;

    let project = Project::with_flags(FLAGS);
    // A folder of a flag file's name is a folder.
    project.write("flags/folder.yaml/inner.yaml", "flags: {}\n");
    project.expect(0, &["lint"]);
    // Links to what is there anyway are nothing new.
    symlink("flags.yaml", project.path("flags/again.yaml")).expect("a link");
    let run = project.expect(0, &["lint"]);
    assert!(run.stdout.contains("1 flag in 2 files"), "{run:#?}");
    // One that leads out is refused, whatever is at its other end.
    for target in ["/etc/hostname", "../elsewhere.yaml", "/nowhere/at/all"] {
        symlink(target, project.path("flags/out.yaml")).expect("a link");
        let run = project.expect(1, &["lint"]);
        assert!(run.stdout.contains("flags/out.yaml"), "{target}: {run:#?}");
        assert!(
            run.stdout.contains("this link leads "),
            "{target}: {run:#?}"
        );
        project.expect(1, &["apply"]);
        std::fs::remove_file(project.path("flags/out.yaml")).expect("the link");
    }
    // A file that the system does not give: nothing is planned without it.
    let run = project.expect(2, &["lint", "/proc/self/mem"]);
    assert!(
        run.stderr.contains("cannot read") && run.stderr.contains("help:"),
        "{run:#?}"
    );
}

/// No URL of a store, right or wrong, shows its password.
#[test]
fn a_password_is_never_shown() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("its address").port();
    let redis = crate::support::redis::RedisServer::with(&["requirepass other"]);
    let port = redis.port;
    let socket = redis.socket().display().to_string();
    let project = Project::with_flags(FLAGS);
    for url in [
        "redis://:s3cr3t@127.0.0.1:1".to_owned(),
        "redis://ana:s3cr3t@127.0.0.1:1/3".to_owned(),
        "rediss://ana:s3cr3t@127.0.0.1:1/3".to_owned(),
        "redis://ana:s3cr3t@host.invalid:6379".to_owned(),
        format!("redis://:s3cr3t@127.0.0.1:{silent}"),
        format!("rediss://:s3cr3t@127.0.0.1:{silent}"),
        format!("redis://:s3cr3t@127.0.0.1:{port}"),
        format!("rediss://:s3cr3t@127.0.0.1:{port}"),
        format!("redis://s3cr3tuser:s3cr3t@127.0.0.1:{port}/0").replace("s3cr3tuser", "bob"),
        format!("redis+unix://{socket}?pass=s3cr3t"),
        format!("redis+unix://{socket}?user=bob&pass=s3cr3t&db=1"),
        "redis+unix:///nowhere?pass=s3cr3t".to_owned(),
        "redis://ana:s3cr3t@127.0.0.1:port".to_owned(),
        "redis://ana:s3cr3t@127.0.0.1:1/x".to_owned(),
        "redis://ana:s3cr3t#x@127.0.0.1:1".to_owned(),
        "redis://ana:1/s3cr3t@127.0.0.1:1".to_owned(),
        "redis://ana:1?s3cr3t@127.0.0.1:1".to_owned(),
        "redis://ana:p@s3cr3t@127.0.0.1:1".to_owned(),
        "redis://127.0.0.1:1?password=s3cr3t".to_owned(),
        "redis:ana:s3cr3t@127.0.0.1".to_owned(),
        "redis://ana:s3cr3t@".to_owned(),
        "redis:/ana:s3cr3t@127.0.0.1".to_owned(),
        "redsi://ana:s3cr3t@127.0.0.1".to_owned(),
        "postgres://ana:s3cr3t@127.0.0.1/flags".to_owned(),
        "ana:s3cr3t@127.0.0.1".to_owned(),
        "s3cr3t@127.0.0.1".to_owned(),
        "://ana:s3cr3t@127.0.0.1".to_owned(),
    ] {
        for command in ["plan", "apply"] {
            let run = project.expect(2, &[command, "-v", "--timeout", "0.3", "--store", &url]);
            let shown = run.shown();
            assert!(!shown.contains("s3cr3t"), "{url}: {shown}");
            assert!(run.stderr.contains("help: "), "{url}: {shown}");
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_does_not_hide_a_commit() {
    let project = Project::with_flags(
        "flags:\n  a: { description: A, owner: web, expires: never, enabled: true }\n",
    );
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a device that is full");
    let ended = project
        .command(&["apply", "-q"])
        .stdout(full)
        .output()
        .expect("hoist to run");
    assert_eq!(ended.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(
        stderr.contains("the commit went through, as generation 1"),
        "{stderr}"
    );
    let again = project.expect(0, &["apply"]);
    assert!(again.stdout.contains("Nothing to apply"), "{again:#?}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let project = Project::new();
    let fifo = project.path("pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let run = project.expect(2, &["lint", "pipe.yaml"]);
    assert!(
        run.stderr.contains("neither a file nor a directory"),
        "{run:#?}"
    );
}

#[test]
fn init_writes_all_or_nothing() {
    let project = Project::new();
    project.write("schema", "");
    let run = project.expect(3, &["init"]);
    assert!(run.stderr.contains("`schema` is not a folder"), "{run:#?}");
    assert!(!project.path("hoist.toml").exists());
    assert!(!project.path("flags").exists());
}

#[test]
fn a_store_given_as_a_plan_is_not_shown() {
    let project = Project::new();
    let run = project.expect(2, &["apply", "redis://:s3cr3t@host"]);
    assert!(run.stderr.contains("--store URL"), "{run:#?}");
    assert!(!run.shown().contains("s3cr3t"), "{run:#?}");
}
