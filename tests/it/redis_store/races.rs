//! Others write while hoist does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hoist::plan::{Stored, Write};
use hoist::store::{Outcome, Store};

use super::store;
use crate::support::at_the_end::SetAtTheEnd;
use crate::support::commits::{apply, commit, create, update, value, write};
use crate::support::redis::RedisServer;

/// A client counts up at a key, with a `pause` between two steps, while hoist counts up at the same key, `along` other records in
/// each commit of hoist's. No step of either may be lost.
fn count_together(along: usize, pause: Duration, wins: usize) {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    let others: Vec<String> = (0..along).map(|n| format!("other{n}")).collect();
    let mut first: Vec<Write> = others.iter().map(|flag| create(flag, "x")).collect();
    first.push(create("a", "0"));
    apply(&mut *store, first);
    let (done, counted) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let _end = SetAtTheEnd(&done);
        scope.spawn(|| {
            let mut connection = server.connect();
            while !done.load(Ordering::SeqCst) {
                redis::cmd("INCR")
                    .arg("ff:a")
                    .exec(&mut connection)
                    .expect("INCR");
                counted.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(pause);
            }
        });
        let mut won = 0;
        while won < wins {
            won += usize::from(count(&mut *store, &others));
        }
    });
    let total: u64 = server.run(&["GET", "ff:a"]);
    assert_eq!(total, counted.load(Ordering::SeqCst) + wins as u64);
}

/// One try to count up.
fn count(store: &mut dyn Store, others: &[String]) -> bool {
    let on = store.read().expect("a read");
    let Some(Stored::Value(bytes)) = on.records.get("a") else {
        panic!("the record is gone");
    };
    let before = String::from_utf8(bytes.to_vec()).expect("text");
    let after = (before.parse::<u64>().expect("a number") + 1).to_string();
    let mut writes: Vec<Write> = others.iter().map(|flag| update(flag, "x", "x")).collect();
    writes.push(update("a", &before, &after));
    let outcome = store.commit(&commit(&on, writes)).expect("an outcome");
    matches!(outcome, Outcome::Committed { .. })
}

#[test]
fn no_step_of_another_client_is_lost() {
    count_together(0, Duration::from_micros(700), 100);
}

#[test]
fn no_step_of_another_client_is_lost_beside_a_large_commit() {
    // Longer than one try, or hoist would hardly ever win.
    count_together(600, Duration::from_millis(30), 20);
}

#[test]
fn a_record_that_is_there_all_along_is_always_read() {
    let server = RedisServer::start();
    let mut reader = store(&server.unix_url());
    let there: Vec<String> = (0..700).map(|n| format!("there{n}")).collect();
    for flag in &there {
        server.run::<()>(&["SET", &format!("ff:{flag}"), "1"]);
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetAtTheEnd(&done);
        scope.spawn(|| {
            let mut connection = server.connect();
            // Growing and shrinking makes the server rearrange its keys.
            while !done.load(Ordering::SeqCst) {
                for command in ["SET", "UNLINK"] {
                    let mut pipe = redis::pipe();
                    for n in 0..20_000 {
                        let command = pipe.cmd(command).arg(format!("ff:fleeting{n}"));
                        if n % 2 == 0 {
                            command.arg("1").ignore()
                        } else {
                            command.arg("2").ignore()
                        };
                    }
                    let _ = pipe.query::<redis::Value>(&mut connection);
                }
            }
        });
        for _ in 0..10 {
            let snapshot = reader.read().expect("a read");
            assert!(there.iter().all(|flag| snapshot.records.contains_key(flag)));
        }
    });
}

#[test]
fn a_touch_that_changes_nothing_does_not_stop_a_commit() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("a", "1")]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetAtTheEnd(&done);
        scope.spawn(|| {
            let mut connection = server.connect();
            while !done.load(Ordering::SeqCst) {
                redis::cmd("SET")
                    .arg("ff:watched")
                    .arg("same")
                    .exec(&mut connection)
                    .expect("SET");
                // Longer than one try on a busy machine, or hoist would hardly ever win.
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        while server
            .run::<Option<String>>(&["GET", "ff:watched"])
            .is_none()
        {}
        for n in 0..100 {
            let keep = write(
                "watched",
                value("same"),
                hoist::plan::RecordWrite::Keep,
                hoist::plan::SpecWrite::Keep,
            );
            apply(
                &mut *store,
                vec![
                    keep,
                    update("a", &format!("{}", n + 1), &format!("{}", n + 2)),
                ],
            );
        }
    });
}
