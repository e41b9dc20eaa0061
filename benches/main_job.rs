//! The main job against what it cannot do without: lint against the bare YAML parser, apply
//! against `redis-cli --pipe`, both in turn in one run; and the memory of a large lint.
//!
//! `cargo bench --bench main_job`. Needs redis-server and redis-cli.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where something fails"
)]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use granit_parser::Parser;
use hoist::plan::{About, BUCKETS, Commit, Plan, RecordWrite, Target, Wanted};
use hoist::record::Spec;
use hoist::rules::{self, Checked, Context, Levels, Limits, Settings};
use hoist::source;
use hoist::store::{self, Options, Outcome};
use rayon::prelude::*;
use support::{generate, in_turn, report};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (small, large) = (folder.path().join("10k"), folder.path().join("100k"));
    let bytes = generate::project(&small, 10_000, 100, 7)?;
    println!("10,000 flags in 100 files, {:.1} MB\n", bytes as f64 / 1e6);
    lint(&small)?;
    apply(&small, folder.path())?;
    let bytes = generate::project(&large, 100_000, 100, 7)?;
    println!(
        "\n100,000 flags in 1,000 files, {:.1} MB\n",
        bytes as f64 / 1e6
    );
    lint(&large)?;
    memory(&large)
}

fn settings() -> Settings {
    Settings {
        context: Context {
            today: jiff::civil::date(2026, 11, 22),
            environments: vec!["development".into(), "staging".into(), "production".into()],
            limits: Limits::default(),
        },
        levels: Levels::default(),
    }
}

/// All that `hoist lint` does but print.
fn lint_all(directory: &Path) -> Result<Vec<Checked>> {
    let settings = settings();
    let mut found = source::find(&[directory.to_owned()], directory);
    let checked = found.read(
        |file, bytes| rules::check_file(file, bytes, &settings),
        || (),
    );
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    let across = rules::check_set(&checked, &found.files, &settings);
    let problems = across.len()
        + checked
            .iter()
            .map(|file| file.diagnostics.len())
            .sum::<usize>();
    assert_eq!(problems, 0, "the generated set is meant to be clean");
    Ok(checked)
}

/// The same files on as many threads, through the YAML parser's events and no further.
fn parse_all(directory: &Path) -> Result<usize> {
    let found = source::find(&[directory.to_owned()], directory);
    let events: Vec<usize> = found
        .paths
        .par_iter()
        .map(events)
        .collect::<std::io::Result<_>>()?;
    Ok(events.iter().sum())
}

fn events(path: &PathBuf) -> std::io::Result<usize> {
    let text = fs::read_to_string(path)?;
    Ok(Parser::new_from_str(&text)
        .filter(std::result::Result::is_ok)
        .count())
}

fn lint(directory: &Path) -> Result<()> {
    let (ours, bare) = in_turn(
        7,
        || (),
        || {
            lint_all(directory).expect("the set can be read");
        },
        || {
            parse_all(directory).expect("the set can be parsed");
        },
    );
    report(
        "lint, all rules",
        ("hoist lint", &ours),
        ("bare YAML events", &bare),
    );
    Ok(())
}

/// A redis-server of our own, gone when dropped.
struct Server {
    process: Child,
    socket: PathBuf,
}

impl Server {
    fn start(folder: &Path) -> Result<Self> {
        let socket = folder.join("redis.sock");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()?;
        for _ in 0..100 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { process, socket })
    }

    fn cli(&self, args: &[&str], input: Option<&[u8]>) -> Result<()> {
        let mut child = Command::new("redis-cli")
            .arg("-s")
            .arg(&self.socket)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let (Some(input), Some(stdin)) = (input, child.stdin.as_mut()) {
            stdin.write_all(input)?;
        }
        drop(child.stdin.take());
        assert!(child.wait()?.success());
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn apply(directory: &Path, folder: &Path) -> Result<()> {
    let server = Server::start(folder)?;
    let target = target(directory)?;
    let url = format!("redis+unix://{}", server.socket.display());
    let pipe = pipe(&commit(&target, &url)?);
    let (ours, theirs) = in_turn(
        15,
        || server.cli(&["FLUSHALL"], None).expect("redis-cli runs"),
        || {
            let commit = commit(&target, &url).expect("the plan is made");
            let mut store = store::open(&url, "ff", &Options::default()).expect("the URL is fine");
            let outcome = store.commit(&commit).expect("the commit goes through");
            assert_eq!(outcome, Outcome::Committed { generation: 1 });
        },
        || {
            server
                .cli(&["--pipe"], Some(&pipe))
                .expect("redis-cli runs");
        },
    );
    report(
        "apply of 10,000 new flags to an empty Redis",
        ("read, plan and commit", &ours),
        ("redis-cli --pipe of the SETs", &theirs),
    );
    Ok(())
}

fn target(directory: &Path) -> Result<Target> {
    let checked = lint_all(directory)?;
    let mut flags: Vec<Wanted> = checked
        .iter()
        .flat_map(|file| &file.flags)
        .map(|flag| Wanted::new(&*flag.key.value, Spec::of(flag, "production"), None))
        .collect();
    flags.sort_by(|a, b| a.flag.cmp(&b.flag));
    Ok(Target {
        environment: "production".into(),
        prune: true,
        flags,
    })
}

/// Reads the store and makes the plan.
fn commit(target: &Target, url: &str) -> Result<Commit> {
    let mut store = store::open(url, "ff", &Options::default())?;
    let snapshot = store.read()?;
    let now = snapshot.now;
    let plan = Plan::new(target, "redis", "ff", snapshot);
    let about = About {
        digest: plan.digest.clone(),
        version: "bench".into(),
        buckets: BUCKETS.into(),
        source: "apply".into(),
        at: now,
        ..About::default()
    };
    Ok(plan.into_commit("bench".into(), "bench".into(), about))
}

/// The same records as `redis-cli --pipe` takes them.
fn pipe(commit: &Commit) -> Vec<u8> {
    let mut pipe = Vec::new();
    for write in &commit.writes {
        if let RecordWrite::Set(bytes) = &write.record {
            let key = format!("ff:{}", write.flag);
            pipe.extend(
                format!(
                    "*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n",
                    key.len(),
                    bytes.len()
                )
                .as_bytes(),
            );
            pipe.extend(bytes);
            pipe.extend(b"\r\n");
        }
    }
    pipe
}

/// The most memory that `hoist lint` of the set takes, as the kernel counts it.
fn memory(directory: &Path) -> Result<()> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hoist"))
        .args(["lint", "--today", "2026-11-22"])
        .current_dir(directory)
        .stdout(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    println!(
        "peak memory of hoist lint        {:>5.0} MiB",
        f64::from(peak) / 1024.0
    );
    Ok(())
}
