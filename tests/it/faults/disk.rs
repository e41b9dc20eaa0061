//! A disk that is full, fails, or loses its program in the middle of a write, and a file that another
//! process has.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use rusqlite::Connection;

use super::flags;
use crate::support::extent::is_full;
use crate::support::program::{Project, Run};

const STORE: &str = ".hoist/flags.db";
const FLAGS: usize = 60;

/// The library that makes a disk go wrong, built once.
fn broken_disk() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/disk.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .expect("these tests need a C compiler, `cc`, in the PATH");
        assert!(built.success(), "disk.c does not compile");
        library
    })
}

/// A project on an SQLite file, what it holds at first, and what an apply makes of it.
struct World {
    project: Project,
    /// Everything in `.hoist` at first.
    start: Vec<(PathBuf, Vec<u8>)>,
    old: Vec<String>,
    new: Vec<String>,
}

impl World {
    /// `from` is the version that the store holds at first, if any.
    fn new(from: Option<usize>) -> Self {
        let project = Project::new();
        if let Some(version) = from {
            project.write("flags/flags.yaml", flags(FLAGS, version));
            project.expect(0, &["apply", "-q"]);
        }
        project.write("flags/flags.yaml", flags(FLAGS, 2));
        let mut world = Self {
            start: files(&project.path(".hoist")),
            old: Vec::new(),
            new: Vec::new(),
            project,
        };
        world.old = world.now();
        world.project.expect(0, &APPLY);
        world.new = world.now();
        world
    }

    fn back_to_start(&self) {
        let folder = self.project.path(".hoist");
        let _ = fs::remove_dir_all(&folder);
        for (path, bytes) in &self.start {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
    }

    /// An apply on a disk on which `fault` happens at one operation. None where it comes to no end
    /// of its own.
    fn apply_with(&self, fault: &str, at: usize) -> Option<Run> {
        let mut command = self.project.command(&APPLY);
        command
            .env("LD_PRELOAD", broken_disk())
            .env("DISK_FILE", "flags.db")
            .env("DISK_FAULT", fault)
            .env("DISK_AT", at.to_string())
            .env("DISK_COUNT", self.project.path("count"));
        let output: Output = command.output().expect("hoist to run");
        match output.status.signal() {
            Some(9) => None,
            Some(signal) => panic!("{fault} at {at}: signal {signal}"),
            None => Some(Run::new(output)),
        }
    }

    /// How many operations an apply takes.
    fn operations(&self) -> usize {
        self.back_to_start();
        assert_eq!(self.apply_with("none", 0).map(|run| run.code), Some(0));
        self.project.read("count").parse().expect("a number")
    }

    /// What the file holds, apart from times and names made up.
    fn now(&self) -> Vec<String> {
        let path = self.project.path(STORE);
        if fs::metadata(&path).map_or(0, |found| found.len()) == 0 {
            return Vec::new();
        }
        let connection = Connection::open(path).expect("the file");
        let sound: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("a check");
        assert_eq!(sound, "ok");
        let tables: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'",
                [],
                |row| row.get(0),
            )
            .expect("a count");
        if tables == 0 {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for sql in [
            "SELECT prefix, generation, digest, actor FROM meta",
            "SELECT key, json_remove(CAST(value AS TEXT), '$.rollout_started', '$.stage_started') FROM records ORDER BY key",
            "SELECT flag, digest FROM specs ORDER BY flag",
            "SELECT flag, generation FROM removed ORDER BY flag",
            "SELECT generation, digest, (SELECT count(*) FROM json_each(records)) FROM history ORDER BY generation",
        ] {
            rows.extend(select(&connection, sql));
        }
        rows
    }

    /// Whether the file holds what it was to hold; else it holds what it held.
    #[track_caller]
    fn is_new(&self) -> bool {
        let now = self.now();
        assert!(now == self.old || now == self.new, "torn: {now:#?}");
        now == self.new
    }

    /// One more run, on a disk that works.
    fn converge(&self) {
        self.project.expect(0, &APPLY);
        self.project.expect(0, &["plan", "-q", "--exit-code"]);
    }
}

const APPLY: [&str; 4] = ["apply", "-q", "--allow-deletes", "99"];

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .map(|path| (path.clone(), fs::read(path).expect("a file")))
        .collect()
}

fn select(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect(sql);
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let value = |column| row.get::<_, rusqlite::types::Value>(column);
        (0..columns)
            .map(|column| Ok(format!("{:?}", value(column)?)))
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    let rows = statement.query_map([], row).expect(sql);
    rows.map(|row| row.expect(sql).join(" ")).collect()
}

/// Does `fault` at every operation of an apply, or at some of them.
fn sweep(from: Option<usize>, fault: &str) {
    let world = World::new(from);
    let operations = world.operations();
    let mut ended = BTreeMap::<String, usize>::new();
    for at in (1..=operations).step_by(if is_full() { 1 } else { 9 }) {
        world.back_to_start();
        let run = world.apply_with(fault, at);
        let is_new = world.is_new();
        let kind = match &run {
            None => format!("killed, {}", if is_new { "new" } else { "old" }),
            Some(run) if run.code == 0 => {
                assert!(is_new, "{fault} at {at}: {run:#?}");
                "done".to_owned()
            }
            Some(run) => {
                assert_eq!(run.code, 2, "{fault} at {at}: {run:#?}");
                assert!(!is_new, "{fault} at {at}: {run:#?}");
                assert!(run.stderr.contains("help: "), "{fault} at {at}: {run:#?}");
                run.stderr.lines().next().unwrap_or_default().to_owned()
            }
        };
        *ended.entry(kind).or_default() += 1;
        world.converge();
        assert!(world.is_new(), "{fault} at {at}: a second run");
    }
    eprintln!("disk: {fault} from {from:?}: {operations} operations: {ended:#?}");
}

#[test]
fn a_full_disk() {
    sweep(None, "full");
    sweep(Some(1), "full");
}

#[test]
fn a_disk_that_fails_once() {
    sweep(None, "error");
    sweep(Some(1), "error");
}

#[test]
fn a_program_that_is_killed_before_it_writes() {
    sweep(None, "die");
    sweep(Some(1), "die");
}

#[test]
fn a_program_that_is_killed_while_it_writes() {
    sweep(None, "tear");
    sweep(Some(1), "tear");
}

#[test]
fn a_file_that_another_process_writes() {
    let world = World::new(Some(1));
    world.back_to_start();
    let other = Connection::open(world.project.path(STORE)).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let hurried = [&APPLY[..], &["--timeout", "0.3"]].concat();
    let run = world.project.expect(2, &hurried);
    for words in [
        "is in use by another process and stayed locked for 0.3 s",
        "run the command again once the other process is done",
    ] {
        assert!(run.stderr.contains(words), "{run:#?}");
    }
    assert!(!world.is_new());
    // To look takes no lock.
    world.project.expect(1, &["plan", "-q", "--exit-code"]);
    other.execute_batch("ROLLBACK").expect("no lock");
    world.converge();
    assert!(world.is_new());
}
