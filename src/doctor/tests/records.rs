//! Records, bookkeeping and files.

use super::{case, file, of, of_server, said, server, snapshot};
use crate::doctor::facts::{File, Server};
use crate::doctor::{Case, Damage, Facts, examine};
use crate::plan::{Snapshot, Stored};

/// What is said of a store in which this was changed.
fn after(change: impl FnOnce(&mut Snapshot)) -> String {
    let (facts, mut snapshot) = (Facts::File(file()), snapshot());
    change(&mut snapshot);
    said(&examine(&case(&facts, &snapshot)))
}

/// The same, where another client has written this record.
fn after_set(flag: &str, record: &str) -> String {
    let stored = Stored::Value(record.as_bytes().to_vec().into());
    after(|snapshot| drop(snapshot.records.insert(flag.to_owned(), stored)))
}

#[test]
fn records_are_held_against_the_bookkeeping() {
    assert_eq!(
        after(|snapshot| snapshot.records.clear()),
        "records Error: 2 flags have lost their records: `a`, `b` [applications get their default for it] $ hoist apply --env production"
    );
    let list = Stored::OtherType("list".into());
    assert_eq!(
        after(|snapshot| drop(snapshot.records.insert("b".into(), list))),
        "records Error: 1 flag is no value that a client can read: `b` > UNLINK ff:b $ hoist apply --env production"
    );
    assert_eq!(
        after(|snapshot| drop(snapshot.specs.insert("a".into(), "deadbeef".into()))),
        "records Error: 1 flag has a digest in the bookkeeping that hoist does not make: `a` $ hoist apply --env production"
    );
    assert_eq!(
        after(|snapshot| snapshot.buckets = Some("crc32".into())),
        "buckets Error: users were put into buckets by `crc32`, and this hoist knows `murmur3-x86-32/100000` [nothing is applied here, since it would move all users: use the hoist that wrote it]"
    );
    for (flag, record, expected) in [
        (
            "a",
            "[1]",
            "records Error: 1 flag has a record that makes no sense: `a` [the first: it is JSON, but a list and not an object] $ hoist apply --env production --adopt",
        ),
        (
            "a",
            r#"{"type":"boolean","enabled":"perhaps"}"#,
            "records Error: 1 flag has a record that makes no sense: `a` [the first: `enabled` is \"perhaps\", not true or false] $ hoist apply --env production --adopt",
        ),
        (
            "a",
            r#"{"type":"boolean","enabled":true,"percentage":90}"#,
            "records Warning: 1 flag is not as it was applied: `a` [`hoist plan --env production` shows what was changed] $ hoist apply --env production",
        ),
        // A stop is no change.
        (
            "a",
            r#"{"type":"boolean","enabled":false,"percentage":10,"rolled_back_at":1}"#,
            "",
        ),
        (
            "theirs",
            r#"{"enabled":true}"#,
            "foreign Note: 1 key below `ff:` that hoist does not manage: `theirs` [hoist never touches them, unless flag files have them and `--adopt` is given]",
        ),
        (
            "theirs",
            "hello",
            "foreign Warning: 1 key below `ff:` that hoist does not manage: `theirs`; and it is no record [a client that reads all keys stumbles over them: find out who writes them]",
        ),
    ] {
        assert_eq!(after_set(flag, record), expected);
    }
}

#[test]
fn the_history_goes_up_to_the_present() {
    let (facts, snapshot) = (Facts::File(file()), snapshot());
    let found = |newest| {
        let case = Case {
            newest,
            ..case(&facts, &snapshot)
        };
        let found = said(&examine(&case));
        found.split(" [").next().unwrap().to_owned()
    };
    assert_eq!(found(Ok(Some(3))), "");
    assert_eq!(
        found(Ok(Some(1))),
        "history Warning: it ends with generation 1, and the store is at 3"
    );
    assert_eq!(
        found(Ok(None)),
        "history Warning: it is empty, and the store is at generation 3"
    );
    let damage = Damage {
        message: "it is a list",
        hint: Some("restore it"),
        forbidden: false,
    };
    assert_eq!(found(Err(damage)), "bookkeeping Error: it is a list");
}

#[test]
fn what_cannot_be_read_is_the_one_finding_about_it() {
    let facts = Facts::File(file());
    let damage = Damage {
        message: "the bookkeeping is damaged",
        hint: Some("restore it"),
        forbidden: false,
    };
    let snapshot = Snapshot::default();
    let broken = Case {
        snapshot: Err(damage),
        ..case(&facts, &snapshot)
    };
    assert_eq!(
        said(&examine(&broken)),
        "bookkeeping Error: the bookkeeping is damaged [restore it]"
    );
    let forbidden = Case {
        snapshot: Err(Damage {
            forbidden: true,
            ..damage
        }),
        ..case(&facts, &snapshot)
    };
    assert_eq!(
        said(&examine(&forbidden)),
        "bookkeeping Unknown: the bookkeeping is damaged"
    );
}

#[test]
fn a_file_is_judged() {
    let cases: Vec<(File, &str)> = vec![
        (
            File {
                size: None,
                ..file()
            },
            "file Note: there is no `flags.db` yet [the first apply creates it]",
        ),
        (
            File {
                damage: vec!["page 3 is torn".into(), "row 4 is missing".into()],
                ..file()
            },
            "integrity Error: 2 faults: page 3 is torn [put a backup in its place, or save into a new file what can still be read] $ sqlite3 flags.db .recover | sqlite3 flags.db.recovered",
        ),
        (
            File {
                journal: "delete".into(),
                ..file()
            },
            "journal Warning: delete instead of wal: readers and a writer wait for each other $ sqlite3 flags.db 'PRAGMA journal_mode=wal'",
        ),
        (
            File {
                journal: "off".into(),
                ..file()
            },
            "journal Error: off: a commit that is interrupted destroys the file $ sqlite3 flags.db 'PRAGMA journal_mode=wal'",
        ),
        (
            File {
                unwritable: Some("readonly".into()),
                path: "a b.db".into(),
                ..file()
            },
            "permissions Error: it cannot be written: readonly [SQLite keeps further files in its folder while it writes: that has to be writable, too] $ chmod u+w 'a b.db'",
        ),
        (
            File {
                is_open: true,
                ..file()
            },
            "permissions Warning: every user of this machine may change the flags in it $ chmod o-w flags.db",
        ),
        (
            File {
                is_older: true,
                ..file()
            },
            "file Note: 20 KiB, of an older format [the next commit brings it up to the present one, which older versions of hoist cannot read]",
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(said(&of(Facts::File(file))), expected);
    }
}

#[test]
fn keys_of_a_transaction_are_not_left_behind() {
    let left_behind = vec!["hoist:{ff}:gate".to_owned()];
    let found = said(&of_server(Server {
        left_behind,
        ..server("")
    }));
    assert!(
        found.starts_with(
            "bookkeeping Warning: 1 key of a transaction was left behind: `hoist:{ff}:gate`"
        ) && found.ends_with("> UNLINK hoist:{ff}:gate"),
        "{found}"
    );
}
