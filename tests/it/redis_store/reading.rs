//! Reading a store with more flags than one command gives.

use hoist::plan::{Snapshot, Stored};
use hoist::store::{Error, Store};

use super::{calls, store};
use crate::support::commits::{apply, create};
use crate::support::proxy::{Fault, Proxy};
use crate::support::redis::RedisServer;

const FLAGS: usize = 5000;

/// A server with nothing but flags of hoist's.
fn filled() -> (RedisServer, Box<dyn Store>) {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    let flags = (0..FLAGS).map(|number| create(&flag(number), "1"));
    apply(&mut *store, flags.collect());
    (server, store)
}

fn flag(number: usize) -> String {
    format!("flag{number}")
}

/// What a read gives, and how many searches through the keyspace it takes.
fn read(server: &RedisServer, store: &mut dyn Store) -> (Snapshot, u64) {
    server.run::<()>(&["CONFIG", "RESETSTAT"]);
    let snapshot = store.read().expect("a read");
    assert_eq!(snapshot.specs.len(), FLAGS);
    assert!((0..FLAGS).all(|number| snapshot.specs.contains_key(&flag(number))));
    (snapshot, calls(server, "scan"))
}

#[test]
fn a_server_that_holds_nothing_else_is_not_searched() {
    let (server, mut store) = filled();
    let (snapshot, scans) = read(&server, &mut *store);
    assert_eq!((snapshot.records.len(), scans), (FLAGS, 1));
    assert!((0..FLAGS).all(|number| snapshot.records.contains_key(&flag(number))));
}

#[test]
fn what_is_missing_is_no_reason_to_search() {
    let (server, mut store) = filled();
    server.run::<()>(&["DEL", "ff:flag7"]);
    let (snapshot, scans) = read(&server, &mut *store);
    assert_eq!((snapshot.records.len(), scans), (FLAGS - 1, 1));
    assert_eq!(snapshot.records.get("flag7"), None);
}

#[test]
fn a_key_of_another_type_is_named() {
    let (server, mut store) = filled();
    server.run::<()>(&["DEL", "ff:flag7"]);
    server.run::<()>(&["RPUSH", "ff:flag7", "x"]);
    let (snapshot, _) = read(&server, &mut *store);
    assert_eq!(snapshot.records.len(), FLAGS);
    let list = Stored::OtherType("list".to_owned());
    assert_eq!(snapshot.records["flag7"], list);
}

#[test]
fn whatever_is_expected_the_same_is_read() {
    let (server, mut store) = filled();
    let (as_it_is, _) = read(&server, &mut *store);
    let all: Vec<String> = (0..FLAGS).map(flag).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let others = ["nowhere", "flag7", "flag7"];
    for stray in [false, true] {
        if stray {
            server.run::<()>(&["SET", "ff:nowhere", "1"]);
            server.run::<()>(&["DEL", "ff:flag9"]);
        }
        let plainly = store.read().expect("a read");
        assert_eq!(plainly.records == as_it_is.records, !stray);
        for expected in [&all[..], &all[..7], &others] {
            let snapshot = store.read_expecting(expected).expect("a read");
            assert_eq!(snapshot.records, plainly.records);
            assert_eq!(snapshot.specs, plainly.specs);
        }
    }
}

#[test]
fn records_that_hoist_does_not_manage_are_found() {
    let (server, mut store) = filled();
    // More than could all be on the first page by chance.
    let strays: Vec<String> = (0..50).map(|number| format!("ff:stray{number}")).collect();
    for key in &strays {
        server.run::<()>(&["SET", key, "1"]);
    }
    let (snapshot, scans) = read(&server, &mut *store);
    assert_eq!(snapshot.records.len(), FLAGS + strays.len());
    assert!(snapshot.records.contains_key("stray49") && scans > 1);
}

#[test]
fn strays_are_found_where_as_many_records_are_missing() {
    let (server, mut store) = filled();
    for number in 0..50 {
        server.run::<()>(&[
            "RENAME",
            &format!("ff:flag{number}"),
            &format!("ff:stray{number}"),
        ]);
    }
    let (snapshot, scans) = read(&server, &mut *store);
    assert_eq!(snapshot.records.len(), FLAGS);
    assert!((0..50).all(|number| snapshot.records.contains_key(&format!("stray{number}"))));
    assert!(scans > 1);
}

#[test]
fn a_list_of_managed_flags_of_another_type_is_named() {
    let (server, mut store) = filled();
    server.run::<()>(&["DEL", "hoist:{ff}:specs"]);
    server.run::<()>(&["SET", "hoist:{ff}:specs", "x"]);
    for expected in [&["flag7"][..], &[]] {
        let error = store.read_expecting(expected).expect_err("no hash");
        assert!(matches!(error, Error::Bookkeeping { .. }), "{error}");
    }
}

#[test]
fn the_list_of_managed_flags_is_of_the_generation_that_is_told() {
    let (server, _) = filled();
    // Managed, gone, and not expected: the list is read for it alone.
    server.run::<()>(&["DEL", "ff:flag7"]);
    let word = "HGETALL\r\n$16\r\nhoist:{ff}:specs\r\n";
    let proxy = Proxy::start(server.port, Some((Fault::Commit, word)));
    let expected: Vec<String> = (0..FLAGS).filter(|number| *number != 7).map(flag).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let snapshot = store(&proxy.url())
        .read_expecting(&expected)
        .expect("a read");
    assert_eq!(snapshot.specs["flag8"], "another");
    assert_eq!(snapshot.generation, 2);
}
