//! What only a file can do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use hoist::store::{Error, Options, Store, open};

use crate::support::backend::{Backend, InSqlite};
use crate::support::commits::{apply, commit, create, restored, stopped, update};
use crate::support::program::Project;

fn options(base: &Path) -> Options {
    Options {
        base: base.to_owned(),
        timeout: Duration::from_millis(200),
        ..Options::default()
    }
}

fn store(folder: &Path, path: &str) -> Box<dyn Store> {
    open(&format!("sqlite:{path}"), "ff", &options(folder)).expect("a fine URL")
}

/// The error of a first read, or else of a first commit.
fn error(folder: &Path, path: &str) -> Error {
    let mut store = store(folder, path);
    match store.read() {
        Err(error) => error,
        Ok(on) => {
            let next = commit(&on, vec![create("new", "1")]);
            store.commit(&next).expect_err("a refusal")
        }
    }
}

#[test]
fn reading_creates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = store(folder.path(), ".hoist/flags.db");
    assert_eq!(store.read().expect("a read").generation, 0);
    assert_eq!(store.history(9).expect("a history"), []);
    apply(&mut *store, vec![]);
    assert!(!folder.path().join(".hoist").exists());
    apply(&mut *store, vec![create("a", "1")]);
    assert!(folder.path().join(".hoist/flags.db").exists());
}

#[test]
fn absolute_paths_do_not_depend_on_the_base() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let elsewhere = Path::new("/nowhere");
    let mut store = store(elsewhere, &format!("//{}", path.display()));
    apply(&mut *store, vec![create("a", "1")]);
    assert!(path.exists());
}

#[test]
fn urls_that_name_no_file_are_refused() {
    for url in [
        "sqlite:",
        "sqlite://",
        "sqlite://host/flags.db",
        "sqlite:folder/",
        "sqlite::memory:",
        "sqlite:file:flags.db",
        "sqlite:///x.db?mode=ro",
        "sqlite:a\0b",
    ] {
        let refused = open(url, "ff", &Options::default()).map(drop);
        assert!(
            matches!(refused, Err(Error::Url { .. })),
            "{url}: {refused:?}"
        );
    }
}

#[test]
fn what_stands_in_the_way_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::create_dir(path.join("folder.db")).expect("a folder");
    fs::write(
        path.join("text.db"),
        "not a database, but long enough to be looked at".repeat(99),
    )
    .expect("a file");
    let other = rusqlite::Connection::open(path.join("other.db")).expect("a database");
    other.execute_batch("CREATE TABLE t (a)").expect("a table");
    let newer = rusqlite::Connection::open(path.join("newer.db")).expect("a database");
    newer
        .execute_batch("PRAGMA user_version = 99")
        .expect("a version");

    assert!(matches!(error(path, "folder.db"), Error::File { .. }));
    assert!(matches!(error(path, "text.db"), Error::NotSqlite { .. }));
    assert!(matches!(error(path, "other.db"), Error::NotSqlite { .. }));
    assert!(matches!(
        error(path, "newer.db"),
        Error::NewerFormat {
            found: 99,
            known: 2,
            ..
        }
    ));
    assert!(matches!(
        error(path, "text.db/flags.db"),
        Error::File { .. }
    ));
    // Not even root creates folders there.
    assert!(matches!(
        error(path, "///proc/hoist/flags.db"),
        Error::File { .. }
    ));
    for file in [
        "folder.db",
        "text.db",
        "other.db",
        "newer.db",
        "///proc/x/y",
    ] {
        let error = error(path, file);
        assert!(error.to_string().contains(file), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    let text = fs::read_to_string(path.join("text.db")).expect("the file");
    assert!(
        text.starts_with("not a database"),
        "a foreign file is not overwritten"
    );
}

#[test]
fn a_locked_file_is_waited_for_and_then_reported() {
    let backend = InSqlite::start();
    apply(&mut *backend.store(), vec![create("a", "1")]);
    let other = backend.connect();
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let folder = backend.folder();
    let refused = error(&folder, "flags.db");
    assert!(matches!(refused, Error::Locked { .. }), "{refused:?}");

    let mut patient = open(
        "sqlite:flags.db",
        "ff",
        &Options {
            base: folder,
            ..Options::default()
        },
    )
    .expect("a fine URL");
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| apply(&mut *patient, vec![create("b", "1")]));
        std::thread::sleep(Duration::from_millis(300));
        other.execute_batch("ROLLBACK").expect("the lock to go");
        assert_eq!(commit.join().expect("a commit"), 2);
    });
}

#[test]
fn a_reader_sees_one_moment_while_another_writes() {
    let backend = InSqlite::start();
    let mut writer = backend.store();
    apply(&mut *writer, vec![create("a", "1"), create("b", "1")]);
    let done = std::sync::atomic::AtomicBool::new(false);
    let (done, backend) = (&done, &backend);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut reader = backend.store();
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let snapshot = reader.read().expect("a read");
                assert_eq!(snapshot.records["a"], snapshot.records["b"]);
                let generation = snapshot.generation.to_string().into_bytes();
                assert_eq!(
                    snapshot.records["a"],
                    hoist::plan::Stored::Value(generation.into())
                );
            }
        });
        for n in 1..100 {
            let (before, after) = (n.to_string(), (n + 1).to_string());
            apply(
                &mut *writer,
                vec![update("a", &before, &after), update("b", &before, &after)],
            );
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}

#[test]
fn a_commit_that_fails_half_way_is_nothing() {
    let backend = InSqlite::start();
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1"), create("b", "1")]);
    // Fails once the records and the list of specs are written.
    let trip =
        "CREATE TRIGGER trip BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'tripped'); END";
    backend.connect().execute_batch(trip).expect("a trigger");
    let before = store.read().expect("a read");
    let next = commit(&before, vec![update("a", "1", "2"), create("c", "1")]);
    let error = store.commit(&next).expect_err("a failure");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let mut after = store.read().expect("a read");
    after.now = before.now;
    assert_eq!(after, before);
    backend
        .connect()
        .execute_batch("DROP TRIGGER trip")
        .expect("no trigger");
    assert_eq!(apply(&mut *store, vec![update("a", "1", "2")]), 2);
}

#[test]
fn many_may_create_the_file_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a folder");
        let outcomes: Vec<bool> = std::thread::scope(|scope| {
            let threads = [0, 1, 2, 3].map(|n| {
                let path = folder.path();
                scope.spawn(move || {
                    let options = Options {
                        base: path.to_owned(),
                        ..Options::default()
                    };
                    let mut store =
                        open("sqlite:.hoist/flags.db", "ff", &options).expect("a fine URL");
                    let empty = hoist::plan::Snapshot::default();
                    let first = commit(&empty, vec![create(&format!("flag{n}"), "1")]);
                    let outcome = store.commit(&first).expect("an outcome");
                    matches!(outcome, hoist::store::Outcome::Committed { .. })
                })
            });
            threads
                .map(|thread| thread.join().expect("a thread"))
                .into()
        });
        assert_eq!(
            outcomes.iter().filter(|won| **won).count(),
            1,
            "{outcomes:?}"
        );
        let snapshot = store(folder.path(), ".hoist/flags.db")
            .read()
            .expect("a read");
        assert_eq!((snapshot.generation, snapshot.records.len()), (1, 1));
    }
}

#[test]
fn a_file_deleted_meanwhile_is_a_new_store() {
    let backend = InSqlite::start();
    let mut store = backend.store();
    apply(&mut *store, vec![create("a", "1")]);
    for name in ["flags.db", "flags.db-wal", "flags.db-shm"] {
        let _ = fs::remove_file(backend.folder().join(name));
    }
    assert_eq!(store.read().expect("a read").generation, 0);
    assert_eq!(apply(&mut *store, vec![create("b", "1")]), 1);
    assert_eq!(backend.store().read().expect("a read").records.len(), 1);
}

#[test]
fn a_file_that_other_programs_read_has_plain_tables() {
    let backend = InSqlite::start();
    apply(&mut *backend.store(), vec![create("a", "{}")]);
    let sql = "SELECT prefix || ':' || key || '=' || CAST(value AS TEXT) FROM records";
    let row: String = backend
        .connect()
        .query_row(sql, [], |row| row.get(0))
        .expect("a row");
    assert_eq!(row, "ff:a={}");
    let mode: String = backend
        .connect()
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .expect("a mode");
    assert_eq!(mode, "wal");
}

/// A file as the first format had it is read as it is, and brought up to date by the next commit.
#[test]
fn a_file_of_the_first_format_goes_on_working() {
    let backend = InSqlite::start();
    let version = || -> i64 {
        let connection = backend.connect();
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        version.expect("a version")
    };
    let first = include_str!("sqlite_store/format_1.sql");
    backend.connect().execute_batch(first).expect("the tables");
    let mut store = backend.store();
    let snapshot = store.read().expect("a read");
    assert_eq!((snapshot.generation, snapshot.records.len()), (7, 1));
    assert!(snapshot.stops.is_empty());
    let named = store.read_flags(&["a"]).expect("a read");
    assert_eq!(
        (named.records, named.specs),
        (snapshot.records, snapshot.specs)
    );
    assert_eq!(store.history(9).expect("a history").len(), 1);
    assert_eq!(version(), 1, "reading changes nothing");

    let mut other = backend.store();
    assert_eq!(apply(&mut *store, vec![stopped("a")]), 8);
    assert_eq!(version(), 2);
    // One that had the file open before finds it as it is now.
    assert_eq!(other.read().expect("a read").stops.len(), 1);
    assert_eq!(apply(&mut *other, vec![restored("a")]), 9);
    let history = store.history(9).expect("a history");
    assert_eq!(history.len(), 3);
    assert!(history.iter().all(|entry| entry.notes.is_empty()));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_only_be_read_is_read() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let project =
        Project::with_flags("flags: { a: { description: A, owner: o, enabled: true } }\n");
    project.write(
        "hoist.toml",
        "[environments.production]\nstore = \"sqlite:store/flags.db\"\n",
    );
    project.expect(0, &["apply"]);
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(mode))
            .expect("permissions");
    };
    mode("store/flags.db", 0o444);
    mode("store", 0o555);
    mode(".", 0o555);
    let run = |args: &[&str]| {
        let mut command = project.command(args);
        if fs::write(project.path("store/probe"), "").is_ok() {
            // No permissions hold for root.
            fs::remove_file(project.path("store/probe")).expect("a file");
            command.uid(65534).gid(65534);
        }
        let output = command.output().expect("hoist to run");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), shown)
    };
    let planned = run(&["plan"]);
    project.write(
        "flags/flags.yaml",
        "flags: { a: { description: A, owner: o, enabled: false } }\n",
    );
    let changed = run(&["plan", "--exit-code"]);
    let applied = run(&["apply"]);
    for name in [".", "store"] {
        mode(name, 0o755);
    }
    assert_eq!(planned.0, Some(0), "{planned:?}");
    assert!(planned.1.contains("generation 1"), "{planned:?}");
    assert_eq!(changed.0, Some(1), "{changed:?}");
    assert_eq!(applied.0, Some(2), "{applied:?}");
    assert!(applied.1.contains("permissions of the file"), "{applied:?}");
}
