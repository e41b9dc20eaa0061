//! `hoist watch`: the program itself, with real files, the system's events and a real server.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::extent::is_full;
use crate::support::program::Project;
use crate::support::redis::RedisServer;
use crate::support::watching::Watching;

mod guards;
mod saving;
mod soak;
mod stores;
mod tree;

/// One flag.
pub fn flag(key: &str, percentage: usize) -> String {
    format!(
        "  {key}:
    description: What the {key} of the shop shows
    owner: shop
    created: 2026-11-01
    expires: 2027-01-10
    enabled: true
    percentage: {percentage}
    allowed_groups: [employees]\n"
    )
}

/// A flag file of one flag.
pub fn file(key: &str, percentage: usize) -> String {
    format!("flags:\n{}", flag(key, percentage))
}

/// How often what may go wrong now and then is done.
fn rounds(short: usize) -> usize {
    if is_full() { 100 } else { short }
}

/// A project that is watched, and the server that its flags go to.
struct World {
    server: RedisServer,
    project: Project,
}

impl World {
    /// With one flag, `search`, at 0 %, in flags/search.yaml.
    fn new() -> Self {
        Self::with("watch_prune = true")
    }

    /// With further lines of configuration.
    fn with(configuration: &str) -> Self {
        let server = RedisServer::start();
        let project = Project::new();
        let toml = format!(
            "[environments.development]\nstore = \"{}\"\n{configuration}\n",
            server.unix_url()
        );
        project.write("hoist.toml", toml);
        project.write("flags/search.yaml", file("search", 0));
        Self { server, project }
    }

    /// Watches, and waits for the first sync.
    #[track_caller]
    fn watch(&self, args: &[&str]) -> Watching {
        let mut watching = Watching::start(&self.project, args);
        watching.wait_for("sync");
        watching
    }

    /// A flag's record.
    fn record(&self, flag: &str) -> Option<Value> {
        let text: Option<String> = self.server.run(&["GET", &format!("ff:{flag}")]);
        text.map(|text| serde_json::from_str(&text).expect("a record"))
    }

    #[track_caller]
    fn is_at(&self, flag: &str, percentage: usize) {
        let record = self.record(flag).expect(flag);
        assert_eq!(
            record["percentage"].as_f64(),
            Some(percentage as f64),
            "{record}"
        );
    }

    /// How many commits there were.
    fn commits(&self) -> usize {
        self.server.run(&["XLEN", "hoist:{ff}:history"])
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.project.path(name)
    }
}

/// Waits until something is so.
#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Writes into the file that is there.
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
}

#[test]
fn a_bad_save_changes_nothing_and_the_next_good_one_goes_through() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    let search = world.path("flags/search.yaml");
    write(
        &search,
        &file("search", 5).replace("percentage", "precentage"),
    );
    let findings = watching.wait_for("findings");
    assert_eq!(findings["held"][0], "flags/search.yaml");
    assert_eq!(findings["diagnostics"][0]["rule"], "unknown-field");
    world.is_at("search", 0);
    // It holds up a good one in another file.
    write(&world.path("flags/other.yaml"), &file("checkout", 7));
    watching.wait_for("findings");
    assert_eq!((world.record("checkout"), world.commits()), (None, 1));
    write(&search, &file("search", 5));
    let sync = watching.wait_for_write();
    assert_eq!(
        sync["changes"].as_array().map(Vec::len),
        Some(2),
        "{sync:#}"
    );
    world.is_at("search", 5);
    world.is_at("checkout", 7);
    watching.end();
    assert_eq!(world.commits(), 2);
}

#[test]
fn with_partial_good_files_go_through_and_broken_ones_stay_as_they_were() {
    let world = World::new();
    world.project.write("flags/other.yaml", file("checkout", 7));
    let mut watching = world.watch(&["--partial"]);
    write(&world.path("flags/search.yaml"), "flags: [");
    let held = watching.wait_for("findings");
    assert_eq!(
        (&held["partial"], &held["held"][0]),
        (&true.into(), &"flags/search.yaml".into())
    );
    write(&world.path("flags/other.yaml"), &file("checkout", 8));
    watching.wait_for_write();
    world.is_at("checkout", 8);
    world.is_at("search", 0);
    // A flag that a broken file had before is not taken by another.
    write(
        &world.path("flags/other.yaml"),
        &(file("checkout", 9) + &flag("search", 50)),
    );
    watching.wait("both to be held", |event| {
        event["held"].as_array().is_some_and(|held| held.len() == 2)
    });
    world.is_at("search", 0);
    // Once the first has it no more, it is.
    write(&world.path("flags/search.yaml"), "flags: {}\n");
    watching.wait_for_write();
    world.is_at("search", 50);
    world.is_at("checkout", 9);
    watching.end();
}

#[test]
fn what_was_never_good_takes_nothing_out_of_the_store() {
    let world = World::new();
    world.project.write("flags/other.yaml", file("checkout", 7));
    world.project.expect(0, &["apply"]);
    write(&world.path("flags/search.yaml"), "flags: [");
    write(&world.path("flags/other.yaml"), &file("basket", 8));
    let mut watching = world.watch(&["--partial"]);
    world.is_at("basket", 8);
    world.is_at("checkout", 7);
    world.is_at("search", 0);
    write(&world.path("flags/search.yaml"), &file("search", 1));
    let sync = watching.wait_for_write();
    assert_eq!(sync["summary"]["delete"], 1, "{sync:#}");
    assert_eq!(world.record("checkout"), None);
    world.is_at("search", 1);
    watching.end();
}

#[test]
fn what_a_change_breaks_in_another_file_is_found() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    write(&world.path("flags/other.yaml"), &file("search", 9));
    let findings = watching.wait_for("findings");
    assert_eq!(
        findings["diagnostics"][0]["rule"], "duplicate-flag",
        "{findings:#}"
    );
    let held = findings["held"].as_array().map(Vec::len);
    assert_eq!(held, Some(2), "{findings:#}");
    world.is_at("search", 0);
    // Taken out of the first file, it is in one only.
    fs::remove_file(world.path("flags/search.yaml")).expect("a file");
    watching.wait_for_write();
    world.is_at("search", 9);
    watching.end();
    assert_eq!(world.commits(), 2);
}

#[test]
fn a_failing_test_of_a_flag_is_a_bad_save() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    let tests = "    tests: [{ user: ana, expect: true }]\n";
    write(
        &world.path("flags/search.yaml"),
        &(file("search", 0).replace(": 0", ": 0.001") + tests),
    );
    let findings = watching.wait_for("findings");
    assert_eq!(findings["diagnostics"][0]["rule"], "failed-test");
    assert_eq!(world.commits(), 1);
    write(
        &world.path("flags/search.yaml"),
        &(file("search", 100) + tests),
    );
    watching.wait_for_write();
    world.is_at("search", 100);
    watching.end();
}

#[test]
fn hoist_toml_counts_as_soon_as_it_is_saved() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    let toml = world.project.read("hoist.toml");
    let config = world.path("hoist.toml");
    write(&config, &format!("{toml}prfix = \"gg\"\n"));
    let findings = watching.wait_for("findings");
    assert_eq!(findings["diagnostics"][0]["rule"], "config");
    // The last good one counts.
    write(&world.path("flags/search.yaml"), &file("search", 1));
    watching.wait_for_write();
    world.is_at("search", 1);
    write(&config, &format!("{toml}prefix = \"gg\"\n"));
    let watched = watching.wait_for("watching");
    assert_eq!(watched["store"]["prefix"], "gg");
    watching.wait_for_write();
    assert!(world.server.run::<bool>(&["EXISTS", "gg:search"]));
    fs::remove_file(&config).expect("a file");
    watching.wait_for("note");
    write(&config, &format!("{toml}protected_environment = true\n"));
    assert_eq!(watching.code(), 3);
}

#[test]
fn the_schema_beside_the_flags_is_compared_with_that_of_hoist() {
    let world = World::new();
    world
        .project
        .write("schema/flags.schema.json", hoist::schema::SCHEMA);
    let mut watching = world.watch(&[]);
    world.project.write("schema/flags.schema.json", "{}");
    let note = watching.wait_for("note");
    assert!(
        note["message"].to_string().contains("hoist schema"),
        "{note}"
    );
    watching.end();
}

#[test]
fn a_command_is_run_after_each_sync() {
    let world = World::new();
    let command = "echo $HOIST_GENERATION $HOIST_FLAGS $HOIST_ENVIRONMENT $HOIST_PREFIX; exit 3";
    let mut watching = world.watch(&["--exec", command]);
    let ran = watching.wait_for("ran");
    assert_eq!(
        (&ran["exit"], &ran["output"]),
        (&3.into(), &"1 search development ff".into())
    );
    world
        .project
        .write("flags/other.yaml", file("checkout", 7) + &flag("basket", 8));
    let ran = watching.wait_for("ran");
    assert_eq!(ran["output"], "2 basket checkout development ff");
    watching.end();
}

#[test]
fn a_command_that_still_runs_does_not_keep_it_from_ending() {
    let world = World::new();
    let mut watching = world.watch(&["--exec", "touch begun; sleep 600"]);
    wait_until("it begins", || world.path("begun").exists());
    watching.signal("INT");
    assert_eq!(watching.code(), 0);
}

#[test]
fn it_says_what_happens_in_plain_lines() {
    let world = World::new();
    let mut child = world
        .project
        .command(&["watch", "--bell", "--today", "2026-11-22"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("hoist to run");
    wait_until("it is applied", || world.record("search").is_some());
    write(&world.path("flags/search.yaml"), &file("search", 25));
    wait_until("it is applied", || world.commits() == 2);
    write(&world.path("flags/search.yaml"), "flags: {}\n");
    // A flag set without flags is never applied.
    std::thread::sleep(Duration::from_millis(600));
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").arg(&pid).status();
    assert!(sent.expect("kill to run").success());
    let mut said = String::new();
    let mut output = child.stdout.take().expect("its output");
    std::io::Read::read_to_string(&mut output, &mut said).expect("UTF-8");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"\x07\x07");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d\d:\d\d:\d\d", "[time]");
    settings.add_filter(r"\([0-9.]+ m?s\)", "([took])");
    settings.add_filter(r"redis\+unix://\S+", "[store]");
    settings.bind(|| insta::assert_snapshot!("plain_lines", said));
}

#[test]
fn on_a_terminal_the_state_stands_below_and_ctrl_c_leaves_it_clean() {
    let world = World::new();
    let hoist = format!(
        "exec '{}' watch --today 2026-11-22",
        env!("CARGO_BIN_EXE_hoist")
    );
    // A terminal of its own, whose keys are what is written to it.
    let mut child = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &hoist, "/dev/null"])
        .current_dir(world.project.folder())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("script to run, which is part of util-linux");
    wait_until("it is applied", || world.record("search").is_some());
    write(
        &world.path("flags/search.yaml"),
        &file("search", 25).replace("enabled", "enbled"),
    );
    std::thread::sleep(Duration::from_millis(600));
    let mut keys = child.stdin.take().expect("its keys");
    std::io::Write::write_all(&mut keys, b"\x03").expect("a key");
    let output = child.wait_with_output().expect("its end");
    drop(keys);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for word in [
        "flags   1 live",
        "errors  1 in flags/search.yaml",
        "generation 1",
    ] {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    let (_, end) = said
        .rsplit_once("\u{1b}[2K")
        .expect("a line that was cleared");
    assert!(end.ends_with("stopped watching\r\n"), "{end:?}");
    assert!(
        !end.contains("live") && !said.contains("\u{1b}[?"),
        "{said:?}"
    );
}
