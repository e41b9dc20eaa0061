//! What an apply costs against a Redis: 100,000 new flags against `redis-cli --pipe` of the same records, and
//! how long another client waits meanwhile, also while all of them change; a store that agrees against a bare read of it; what one changed
//! flag of 10,000 sends; and the time and memory of whole commands.
//!
//! Reading and linting of files is left out but for the last. Everything that is compared takes turns in one
//! run.
//!
//! `cargo bench --bench apply`, or with ` -- new`, `changed`, `nothing`, `one` or `commands` a part of it. Needs Linux,
//! redis-server and redis-cli.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where something fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod redis;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hoist::plan::{About, BUCKETS, Commit, Plan, RecordWrite, Target, Wanted};
use hoist::record::Spec;
use hoist::rules::{self, Context, Levels, Limits, Settings};
use hoist::source;
use hoist::store::{self, Options, Outcome, Store};
use redis::{Answer, Server, command, peak};
use support::{generate, in_turn, median, report};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const FEW: usize = 10_000;
const MANY: usize = 100_000;
/// Flags of one file.
const PER_FILE: usize = 100;
/// Keys of one MGET.
const PAGE: usize = 1000;
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (few, many) = (folder.path().join("few"), folder.path().join("many"));
    generate::project(&few, FEW, PER_FILE, 7)?;
    generate::project(&many, MANY, PER_FILE, 7)?;
    let server = Server::start(folder.path())?;
    let target = target(&many)?;
    let records = records(&target, &server)?;
    let bytes: usize = records.values().map(Vec::len).sum();
    println!(
        "{MANY} flags, records of {:.1} MB in all\n",
        bytes as f64 / 1e6
    );
    let named: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |part: &str| {
        let mut parts = named
            .iter()
            .filter(|word| !word.starts_with('-'))
            .peekable();
        parts.peek().is_none() || parts.any(|word| word == part)
    };
    if is_asked("new") {
        all_new(&server, &target, &records)?;
    }
    if is_asked("changed") {
        all_changed(&server, &target)?;
    }
    if is_asked("nothing") {
        nothing_to_do(&server, &target, &records)?;
    }
    if is_asked("one") {
        one_of_few(&server, &few)?;
    }
    if is_asked("commands") {
        commands(&server, &many)?;
    }
    Ok(())
}

/// The flags of a project, as its environment `production` wants them.
fn target(project: &Path) -> Result<Target> {
    let settings = Settings {
        context: Context {
            today: TODAY,
            environments: vec!["development".into(), "staging".into(), "production".into()],
            limits: Limits::default(),
        },
        levels: Levels::default(),
    };
    let mut found = source::find(&[project.join("flags")], project);
    let checked = found.read(
        |file, bytes| rules::check_file(file, bytes, &settings),
        || (),
    );
    let flags = checked.iter().flat_map(|file| &file.flags);
    let wanted = flags.map(|flag| {
        let spec = Spec::of(flag, "production");
        Wanted::new(&*flag.key.value, spec, None)
    });
    let mut flags: Vec<Wanted> = wanted.collect();
    flags.sort_by(|a, b| a.flag.cmp(&b.flag));
    Ok(Target {
        environment: "production".into(),
        prune: true,
        flags,
    })
}

fn open(server: &Server) -> Result<Box<dyn Store>> {
    Ok(store::open(&server.url(), "ff", &Options::default())?)
}

/// Reads the store and compares.
fn plan(store: &mut dyn Store, target: &Target) -> Result<(Plan, f64)> {
    let snapshot = store.read_expecting(&target.names())?;
    let now = snapshot.now;
    Ok((Plan::new(target, "redis", "ff", snapshot), now))
}

fn commit(plan: Plan, now: f64) -> Commit {
    let about = About {
        digest: plan.digest.clone(),
        version: "bench".into(),
        buckets: BUCKETS.into(),
        source: "apply".into(),
        at: now,
        ..About::default()
    };
    plan.into_commit("bench".into(), "bench".into(), about)
}

/// All that an apply does besides reading files, once it has them.
fn apply(server: &Server, target: &Target) -> Result<()> {
    let mut store = open(server)?;
    let (plan, now) = plan(store.as_mut(), target)?;
    let outcome = store.commit(&commit(plan, now))?;
    assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
    Ok(())
}

/// The records that an apply to an empty store writes, by key.
fn records(target: &Target, server: &Server) -> Result<BTreeMap<String, Vec<u8>>> {
    let (plan, now) = plan(open(server)?.as_mut(), target)?;
    let writes = commit(plan, now).writes.into_iter();
    let records = writes.filter_map(|write| match write.record {
        RecordWrite::Set(bytes) => Some((format!("ff:{}", write.flag), bytes.into())),
        RecordWrite::Keep | RecordWrite::Delete => None,
    });
    Ok(records.collect())
}

fn all_new(server: &Server, target: &Target, records: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let mut sets = Vec::new();
    let mut mset: Vec<&[u8]> = vec![b"MSET"];
    for (key, bytes) in records {
        command(&mut sets, &[b"SET", key.as_bytes(), bytes]);
        mset.extend([key.as_bytes(), bytes]);
    }
    let mut at_once = Vec::new();
    command(&mut at_once, &mset);
    let clear = || server.clear().expect("the server is there");
    let (ours, theirs) = in_turn(
        5,
        clear,
        || apply(server, target).expect("the apply goes through"),
        || server.pipe(&sets).expect("redis-cli runs"),
    );
    report(
        "apply of new flags to an empty Redis",
        ("read, plan and commit", &ours),
        ("redis-cli --pipe of the SETs", &theirs),
    );
    let wait = |work: &dyn Fn() -> Result<()>| -> Result<Vec<Duration>> {
        let mut waits = Vec::new();
        for _ in 0..5 {
            clear();
            let bystander = server.bystander()?;
            work()?;
            waits.push(bystander.waited()?);
        }
        Ok(waits)
    };
    let mset = || {
        let mut client = server.client()?;
        client.send_bytes(&at_once)?;
        client.answer()?;
        Ok(())
    };
    let ours = wait(&|| apply(server, target))?;
    report(
        "the longest that another client waits meanwhile",
        ("during an apply", &ours),
        ("during one MSET of the same", &wait(&mset)?),
    );
    let most = ours.iter().max().copied().unwrap_or_default();
    println!(
        "  the worst of {}                {:>9.1} ms",
        ours.len(),
        most.as_secs_f64() * 1e3
    );
    println!(
        "peak memory of the server        {:>5.0} MiB\n",
        server.peak()?
    );
    Ok(())
}

fn all_changed(server: &Server, target: &Target) -> Result<()> {
    let mut flipped = target.clone();
    for wanted in &mut flipped.flags {
        let spec = wanted.spec().with_enabled(!wanted.spec().enabled());
        *wanted = Wanted::new(wanted.flag.clone(), spec, None);
    }
    server.clear()?;
    apply(server, target)?;
    let (mut times, mut waits) = (Vec::new(), Vec::new());
    for target in [&flipped, target, &flipped, target, &flipped] {
        let bystander = server.bystander()?;
        let began = Instant::now();
        apply(server, target)?;
        times.push(began.elapsed());
        waits.push(bystander.waited()?);
    }
    println!("apply of as many changed flags");
    for (what, times) in [
        ("read, plan and commit", &times),
        ("another client waits", &waits),
    ] {
        println!("  {what:<28} {:>9.1} ms", median(times).as_secs_f64() * 1e3);
    }
    println!();
    Ok(())
}

fn nothing_to_do(
    server: &Server,
    target: &Target,
    records: &BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    server.clear()?;
    apply(server, target)?;
    let mut gets = Vec::new();
    let keys: Vec<&str> = records.keys().map(String::as_str).collect();
    for page in keys.chunks(PAGE) {
        command(&mut gets, &[&["MGET"], page].concat());
    }
    let bare = || -> Result<Vec<Answer>> {
        let mut client = server.client()?;
        client.send_bytes(&gets)?;
        let mut pages = Vec::new();
        for _ in keys.chunks(PAGE) {
            pages.push(client.answer()?);
        }
        Ok(pages)
    };
    let names = target.names();
    let bare = || {
        let pages = bare().expect("the store can be read");
        let lengths = pages.iter().map(|page| match page {
            Answer::List(values) => values.len(),
            _ => 0,
        });
        assert_eq!(lengths.sum::<usize>(), records.len());
        pages
    };
    let (read, theirs) = in_turn(
        9,
        || (),
        || {
            let mut store = open(server).expect("the URL is fine");
            let snapshot = store.read_expecting(&names).expect("the store can be read");
            assert_eq!(snapshot.records.len(), records.len());
            snapshot
        },
        bare,
    );
    report(
        "reading a store",
        ("read", &read),
        ("bare pipelined MGETs", &theirs),
    );
    let (planned, theirs) = in_turn(
        9,
        || (),
        || {
            let mut store = open(server).expect("the URL is fine");
            let (plan, _) = plan(store.as_mut(), target).expect("the store can be read");
            assert!(plan.is_empty());
            plan
        },
        bare,
    );
    report(
        "nothing to apply",
        ("read and compare", &planned),
        ("bare pipelined MGETs", &theirs),
    );
    println!();
    Ok(())
}

/// What a commit of one changed flag makes the server do, and how many bytes it takes in for that.
fn one_of_few(server: &Server, project: &Path) -> Result<()> {
    server.clear()?;
    let mut target = target(project)?;
    apply(server, &target)?;
    let wanted = target.flags.get_mut(FEW / 2).ok_or("there are flags")?;
    let flipped = wanted.spec().with_enabled(!wanted.spec().enabled());
    *wanted = Wanted::new(wanted.flag.clone(), flipped, None);
    let mut store = open(server)?;
    let (plan, now) = plan(store.as_mut(), &target)?;
    let commit = commit(plan, now);
    assert_eq!(commit.writes.len(), 1);
    let mut client = server.client()?;
    // Asking counts, too.
    let asking = taken_in(&mut client)?;
    let asked = taken_in(&mut client)?;
    let before = calls(&mut client)?;
    let start = taken_in(&mut client)?;
    let began = Instant::now();
    let outcome = store.commit(&commit)?;
    let took = began.elapsed();
    let bytes = taken_in(&mut client)? - start - (asked - asking);
    let after = calls(&mut client)?;
    assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
    let since = after.iter().filter_map(|(name, (calls, writes))| {
        let calls = calls - before.get(name).map_or(0, |(calls, _)| *calls);
        (calls > 0).then_some((name, calls, *writes))
    });
    let since: Vec<_> = since.collect();
    let writing: Vec<_> = since.iter().filter(|(.., writes)| *writes).collect();
    println!("one flag changed of {FEW}");
    println!(
        "  commands that write          {:>6}    {}",
        writing.iter().map(|(_, calls, _)| calls).sum::<u64>(),
        listed(writing.iter().copied())
    );
    let asked = |name: &str| name == "info" || name.starts_with("command");
    let others = since
        .iter()
        .filter(|(name, _, writes)| !writes && !asked(name));
    println!(
        "  others                                 {}",
        listed(others)
    );
    println!("  bytes sent for the commit    {bytes:>6}");
    println!(
        "  time                         {:>9.1} ms\n",
        took.as_secs_f64() * 1e3
    );
    Ok(())
}

fn listed<'a>(calls: impl Iterator<Item = &'a (&'a String, u64, bool)>) -> String {
    let words = calls.map(|(name, calls, _)| match calls {
        1 => name.to_string(),
        calls => format!("{calls} × {name}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// How often each command was called, and whether it writes.
fn calls(client: &mut redis::Client) -> Result<BTreeMap<String, (u64, bool)>> {
    let mut calls = BTreeMap::new();
    for line in client.info("commandstats")?.lines() {
        let Some((name, rest)) = line
            .strip_prefix("cmdstat_")
            .and_then(|line| line.split_once(":calls="))
        else {
            continue;
        };
        let count = rest.split(',').next().unwrap_or_default().parse()?;
        client.send(&["COMMAND", "INFO", name])?;
        let writes = client.answer()?.holds(b"write");
        calls.insert(name.to_owned(), (count, writes));
    }
    Ok(calls)
}

/// Bytes that the server has taken in until now.
fn taken_in(client: &mut redis::Client) -> Result<u64> {
    let info = client.info("stats")?;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_net_input_bytes:"));
    Ok(line.ok_or("the server counts bytes")?.parse()?)
}

/// Whole commands: how long each takes, and the most memory that it has.
fn commands(server: &Server, project: &Path) -> Result<()> {
    println!("whole commands, {MANY} flags");
    let today = TODAY.to_string();
    let store = server.url();
    let lint: &[&str] = &["lint"];
    let plan: &[&str] = &["plan", "--store", &store];
    let apply: &[&str] = &["apply", "--store", &store];
    for (name, words, is_empty) in [
        ("lint", lint, true),
        ("plan, all new", plan, true),
        ("apply, all new", apply, true),
        ("apply, nothing to do", apply, false),
    ] {
        let (mut times, mut most) = (Vec::new(), 0.0_f64);
        for _ in 0..3 {
            if is_empty {
                server.clear()?;
            }
            let began = Instant::now();
            let mut child = Command::new(env!("CARGO_BIN_EXE_hoist"))
                .args(words)
                .args(["--today", &today])
                .current_dir(project)
                .env_remove("HOIST_STORE")
                .stdout(Stdio::null())
                .spawn()?;
            while child.try_wait()?.is_none() {
                most = most.max(peak(&child).unwrap_or(0.0));
                std::thread::sleep(Duration::from_millis(1));
            }
            times.push(began.elapsed());
            assert!(child.wait()?.success());
        }
        println!(
            "  hoist {name:<22} {:>9.1} ms {most:>6.0} MiB",
            median(&times).as_secs_f64() * 1e3
        );
    }
    Ok(())
}
