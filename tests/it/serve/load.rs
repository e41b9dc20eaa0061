//! Many flags and many connections, while commits arrive and the store goes away: no wrong answer, and no
//! error.

use std::io::{BufReader, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use hoist::plan::{BUCKETS, Expect, RecordWrite, SpecWrite, Write as Change};
use hoist::store::{Options, Store, open};
use serde_json::{Value, json};

use super::{EVALUATE, serve};
use crate::support::cluster::wait_until;
use crate::support::commits::{commit, committed, write};
use crate::support::http::{Answer, answer, connect, request};
use crate::support::program::Project;
use crate::support::redis::RedisServer;

const FLAGS: usize = 10_000;
const CONNECTIONS: usize = 64;
/// Requests of each connection, at least.
const REQUESTS: usize = 60;
const COMMITS: u64 = 40;

/// Every third flag is on, and none of them ever changes.
fn is_on(flag: usize) -> bool {
    flag.is_multiple_of(3)
}

/// A flag that tells how many commits there were: all flags of that kind tell the same.
fn counter(number: u64) -> Value {
    json!({"type": "experiment", "enabled": true, "variants": {"n": 100}, "control": "n", "values": {"n": number}})
}

fn set(flag: &str, record: &Value) -> Change {
    let bytes = RecordWrite::Set(record.to_string().into_bytes().into());
    write(flag, Expect::Any, bytes, SpecWrite::Keep)
}

fn apply(store: &mut dyn Store, writes: Vec<Change>) -> u64 {
    let snapshot = store.read_flags(&["count_a", "count_b"]).expect("a read");
    let mut commit = commit(&snapshot, writes);
    commit.about.buckets = BUCKETS.to_owned();
    committed(store.commit(&commit).expect("a commit"))
}

fn count(store: &mut dyn Store, number: u64) {
    let writes = ["count_a", "count_b"].map(|flag| set(flag, &counter(number)));
    apply(store, writes.into());
}

/// Asks over one connection until `done`, and often enough. The number that the counters told last.
fn ask_on(port: u16, first: usize, done: &AtomicBool, asked: &AtomicU64) -> u64 {
    let mut stream = connect(port);
    let mut answers = BufReader::new(stream.try_clone().expect("a copy"));
    let mut evaluate = |path: &str| -> Answer {
        let text = request("POST", path, &[], r#"{"context":{"targetingKey":"ana"}}"#);
        stream.write_all(text.as_bytes()).expect("a request");
        let answer = answer(&mut answers).expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {answer:#?}");
        asked.fetch_add(1, Ordering::Relaxed);
        answer
    };
    let mut last = 0;
    for turn in 0.. {
        if turn >= REQUESTS && done.load(Ordering::SeqCst) {
            break;
        }
        let flag = (first + turn * 977) % FLAGS;
        let found = evaluate(&format!("{EVALUATE}/flag{flag}")).json();
        assert_eq!(found["value"], is_on(flag), "{found}");
        let number = evaluate(&format!("{EVALUATE}/count_a")).json()["value"].as_u64();
        let number = number.expect("a number");
        assert!(number >= last, "{number} after {last}");
        last = number;
        // All at once is much, so that few ask for it.
        if first == 0 && turn % 20 == 0 {
            let all = evaluate(EVALUATE).json();
            let flags = all["flags"].as_array().expect("a list");
            assert_eq!(flags.len(), FLAGS + 2);
            assert_eq!(flags[0]["value"], flags[1]["value"], "half of a commit");
        }
    }
    last
}

#[test]
fn under_load() {
    let mut redis = RedisServer::start();
    let mut store = open(&redis.unix_url(), "ff", &Options::default()).expect("a fine URL");
    let switches = (0..FLAGS).map(|n| {
        set(
            &format!("flag{n}"),
            &json!({"type": "boolean", "enabled": is_on(n)}),
        )
    });
    apply(&mut *store, switches.collect());
    count(&mut *store, 0);
    let project = Project::new().env("HOIST_STORE", &redis.unix_url());
    let served = serve(&project, &[]);
    wait_until("it is ready", || served.get("/readyz").status == 200);

    let (done, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let port = served.port;
    thread::scope(|scope| {
        let (done, asked) = (&done, &asked);
        let _end = SetOnDrop(done);
        let asking: Vec<_> = (0..CONNECTIONS)
            .map(|first| scope.spawn(move || ask_on(port, first, done, asked)))
            .collect();
        for number in 1..=COMMITS {
            count(&mut *store, number);
        }
        // Nobody notices that the store dies, and comes back with what it has on its disk.
        redis.stop();
        let before = asked.load(Ordering::SeqCst);
        wait_until("there are answers without a store", || {
            asked.load(Ordering::SeqCst) > before + 500
        });
        redis.start_again();
        count(
            &mut *open(&redis.unix_url(), "ff", &Options::default()).expect("a fine URL"),
            COMMITS + 1,
        );
        wait_until("the last commit is there", || {
            served.evaluate("count_b", "ana")["value"] == COMMITS + 1
        });
        done.store(true, Ordering::SeqCst);
        for connection in asking {
            let last = connection.join().expect("no wrong answer");
            assert!(last <= COMMITS + 1);
        }
    });
    let least = (2 * CONNECTIONS * REQUESTS) as u64;
    assert!(asked.load(Ordering::SeqCst) >= least);
}

/// Lets the other threads end where this one panics.
struct SetOnDrop<'d>(&'d AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
