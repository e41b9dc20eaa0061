//! The client for applications, against real stores.

mod faults;
mod servers;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hoist::client::{Builder, Client, Context, ErrorCode, State};
use hoist::plan::{BUCKETS, Expect, RecordWrite, SpecWrite, Write};
use hoist::store::{Options, Store, open};

use crate::support::cluster::wait_until;
use crate::support::commits::{commit, committed, write};
use crate::support::redis::RedisServer;

/// A client that never looks by itself while a test runs: what it finds it was told.
fn listening(url: &str, prefix: &str) -> Builder {
    Client::builder(url)
        .prefix(prefix)
        .check_every(Duration::from_secs(3600))
}

#[track_caller]
fn ready(builder: Builder) -> Client {
    let client = builder.connect().expect("a fine URL");
    client
        .wait_ready(Duration::from_secs(30))
        .expect("a first read");
    client
}

fn switch(on: bool) -> String {
    format!(r#"{{"type":"boolean","enabled":{on},"percentage":100}}"#)
}

/// What an application would do to these flags.
fn flip(store: &mut dyn Store, flags: &[(&str, bool)]) -> u64 {
    let writes = flags.iter().map(|(flag, on)| {
        let set = RecordWrite::Set(switch(*on).into_bytes().into());
        write(flag, Expect::Any, set, SpecWrite::Keep)
    });
    apply(store, writes.collect())
}

fn apply(store: &mut dyn Store, writes: Vec<Write>) -> u64 {
    let mut commit = commit(&store.read().expect("a read"), writes);
    commit.about.buckets = BUCKETS.to_owned();
    committed(store.commit(&commit).expect("a commit"))
}

fn store(url: &str, prefix: &str) -> Box<dyn Store> {
    open(url, prefix, &Options::default()).expect("a fine URL")
}

#[track_caller]
fn soon(client: &Client, flag: &str, on: bool) {
    let ana = Context::user("ana");
    wait_until("the client has it", || client.is_enabled(flag, &ana) == on);
}

#[test]
fn a_commit_is_there_at_once() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url(), "ff");
    flip(&mut *store, &[("a", true), ("b", false)]);
    let client = ready(listening(&server.tcp_url(), "ff"));
    let ana = Context::user("ana");
    assert!(client.is_enabled("a", &ana) && !client.is_enabled("b", &ana));
    assert_eq!(client.flags().generation(), 1);
    flip(&mut *store, &[("b", true), ("c", true)]);
    soon(&client, "c", true);
    assert!(client.is_enabled("b", &ana), "with the same step");
    let delete = write("a", Expect::Any, RecordWrite::Delete, SpecWrite::Remove);
    let generation = apply(&mut *store, vec![delete]);
    wait_until("it is gone", || client.flags().get("a").is_none());
    assert_eq!(client.flags().generation(), generation);
    assert_eq!(client.state(), State::Ready);
    let details = client.boolean_details("a", true, &ana);
    assert_eq!(details.error, Some(ErrorCode::FlagNotFound));
}

#[test]
fn flags_of_one_commit_change_together() {
    let server = RedisServer::start();
    let url = server.unix_url();
    let mut writer = store(&url, "ff");
    flip(&mut *writer, &[("a", false), ("b", false)]);
    let client = ready(listening(&url, "ff"));
    let done = Arc::new(AtomicBool::new(false));
    let reader = thread::spawn({
        let (client, done) = (client.clone(), Arc::clone(&done));
        move || {
            let ana = Context::user("ana");
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                let flags = client.flags();
                let (a, b) = (flags.is_enabled("a", &ana), flags.is_enabled("b", &ana));
                assert_eq!(a, b, "half of generation {}", flags.generation());
                seen.insert(flags.generation());
            }
            seen.len()
        }
    });
    let mut last = 0;
    for n in 0..300 {
        let on = n % 2 == 0;
        last = flip(&mut *writer, &[("a", on), ("b", on)]);
    }
    wait_until("the last one is there", || {
        client.flags().generation() == last
    });
    done.store(true, Ordering::SeqCst);
    let seen = reader.join().expect("never half a commit");
    assert!(seen > 20, "{seen} of {last} generations seen");
}

#[test]
fn many_flags_in_one_commit() {
    let server = RedisServer::start();
    let mut writer = store(&server.unix_url(), "ff");
    let names: Vec<String> = (0..2500).map(|n| format!("flag{n}")).collect();
    let all = |on| {
        names
            .iter()
            .map(|name| (name.as_str(), on))
            .collect::<Vec<_>>()
    };
    flip(&mut *writer, &all(false));
    let client = ready(listening(&server.unix_url(), "ff"));
    assert_eq!(client.flags().len(), 2500);
    flip(&mut *writer, &all(true));
    soon(&client, "flag0", true);
    let (flags, ana) = (client.flags(), Context::user("ana"));
    assert!(names.iter().all(|name| flags.is_enabled(name, &ana)));
}

#[test]
fn what_others_write_is_found_by_looking() {
    let server = RedisServer::start();
    let url = server.unix_url();
    flip(&mut *store(&url, "ff"), &[("a", false)]);
    let client = ready(Client::builder(&url).check_every(Duration::from_millis(20)));
    server.run::<()>(&["SET", "ff:a", &switch(true)]);
    soon(&client, "a", true);
    assert_eq!(client.flags().generation(), 1, "nobody has committed");
    server.run::<()>(&["SET", "ff:new", &switch(true)]);
    soon(&client, "new", true);
    server.run::<()>(&["DEL", "ff:a"]);
    soon(&client, "a", false);
    server.run::<()>(&["SET", "ff:a:sub", &switch(true)]);
    server.run::<()>(&["SET", "fff:a", &switch(true)]);
    server.run::<()>(&["SET", "ff:last", &switch(true)]);
    soon(&client, "last", true);
    assert_eq!(client.flags().len(), 2);
}

#[test]
fn a_malformed_record_costs_its_flag_only() {
    let server = RedisServer::start();
    let url = server.unix_url();
    flip(&mut *store(&url, "ff"), &[("a", true)]);
    for (key, value) in [
        ("ff:torn", r#"{"type":"bool"#),
        ("ff:list", "[1]"),
        ("ff:share", r#"{"type":"boolean","percentage":200}"#),
        ("ff:bytes", "\u{0}\u{1b}[2J"),
    ] {
        server.run::<()>(&["SET", key, value]);
    }
    server.run::<()>(&["RPUSH", "ff:type", "x"]);
    let client = ready(listening(&url, "ff"));
    let ana = Context::user("ana");
    assert!(client.is_enabled("a", &ana));
    for flag in ["torn", "list", "share", "bytes", "type"] {
        let details = client.boolean_details(flag, true, &ana);
        assert_eq!(details.error, Some(ErrorCode::ParseError), "{flag}");
        assert!(details.value, "the default of {flag}");
    }
    assert_eq!(client.state(), State::Ready);
}

#[test]
fn an_sqlite_file_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        base: folder.path().to_owned(),
        ..Options::default()
    };
    let builder = || listening("sqlite:flags.db", "ff").base(folder.path());
    let client = ready(builder());
    assert!(client.flags().is_empty(), "there is no file yet");
    let mut writer = open("sqlite:flags.db", "ff", &options).expect("a fine URL");
    flip(&mut *writer, &[("a", true)]);
    soon(&client, "a", true);
    flip(&mut *writer, &[("a", false)]);
    soon(&client, "a", false);
    assert_eq!(client.state(), State::Ready);
}

#[test]
fn changes_are_told() {
    let server = RedisServer::start();
    let url = server.unix_url();
    let told = Arc::new(Mutex::new(Vec::new()));
    let builder = listening(&url, "ff").on_change({
        let told = Arc::clone(&told);
        move |flags| told.lock().expect("a lock").push(flags.generation())
    });
    let client = ready(builder);
    let mut writer = store(&url, "ff");
    flip(&mut *writer, &[("a", true)]);
    soon(&client, "a", true);
    flip(&mut *writer, &[("a", false)]);
    soon(&client, "a", false);
    wait_until("it was told", || *told.lock().expect("a lock") == [0, 1, 2]);
}

#[test]
fn prefixes_keep_out_of_each_others_way() {
    let server = RedisServer::start();
    let url = server.unix_url();
    flip(&mut *store(&url, "ff"), &[("a", true)]);
    flip(&mut *store(&url, "gg"), &[("a", false)]);
    let (ff, gg) = (ready(listening(&url, "ff")), ready(listening(&url, "gg")));
    flip(&mut *store(&url, "ff"), &[("b", true)]);
    soon(&ff, "b", true);
    assert_eq!((ff.flags().len(), gg.flags().len()), (2, 1));
    assert!(ff.is_enabled("a", &Context::nobody()) && !gg.is_enabled("a", &Context::nobody()));
}

#[test]
fn the_thread_ends_with_the_client() {
    let server = RedisServer::start();
    let clients = || -> usize {
        let list: String = server.run(&["CLIENT", "LIST"]);
        list.lines()
            .filter(|line| line.contains("name=hoist"))
            .count()
    };
    let client = ready(listening(&server.unix_url(), "ff"));
    let second = client.clone();
    assert_eq!(clients(), 2, "one that listens, one that reads");
    drop(client);
    assert_eq!(second.state(), State::Ready);
    drop(second);
    wait_until("both connections are closed", || clients() == 0);
}
