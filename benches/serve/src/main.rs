//! What `hoist serve` does under load, each figure beside what it is compared with, in one run:
//!
//! - requests a second for one flag, against a bare axum handler that parses and answers JSON of the same
//!   size, in turn;
//! - processor time for a request, against the same handler;
//! - how long after its commit a change is there for evaluation;
//! - memory after a million requests;
//! - failed requests while Redis is killed and restarted.
//!
//! `serve [--requests N] [--rounds N] [--commits N]`. Servers run as processes of their own.

mod load;
mod servers;
mod store;

use std::time::{Duration, Instant};

use load::Load;
use servers::Server;
use store::{Redis, Writer};

const FLAGS: usize = 10_000;
const CONNECTIONS: usize = 64;

struct Counts {
    requests: usize,
    rounds: usize,
    commits: usize,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("bare-handler") => return servers::bare(),
        Some("flag-server") => return servers::flags(args.get(1).expect("a store")),
        _ => {}
    }
    let number = |name: &str, default: usize| {
        let at = args.iter().position(|arg| arg == name);
        let given = at
            .and_then(|at| args.get(at + 1))
            .map(|text| text.parse().expect("a number"));
        given.unwrap_or(default)
    };
    let counts = Counts {
        requests: number("--requests", 1_000_000),
        rounds: number("--rounds", 10),
        commits: number("--commits", 500),
    };
    let mut redis = Redis::start();
    let mut writer = Writer::fill(&redis.url(), FLAGS);
    let (bare, flags) = (Server::bare(), Server::flags(&redis.url()));
    throughput(&counts, &bare, &flags);
    freshness(&counts, &redis.url(), &mut writer);
    let load = Load::new(flags.port, CONNECTIONS);
    memory(&counts, &load, &flags);
    restart(&counts, &load, &mut redis);
}

fn throughput(counts: &Counts, bare_server: &Server, flag_server: &Server) {
    let each = counts.requests / counts.rounds / 4;
    let (bare, flags) = (
        Load::new(bare_server.port, CONNECTIONS),
        Load::new(flag_server.port, CONNECTIONS),
    );
    let before = (bare_server.ticks(), flag_server.ticks());
    let (mut ratios, mut speeds) = (Vec::new(), Vec::new());
    for _ in 0..counts.rounds {
        let one = bare.run(each).per_second();
        let other = flags.run(each).per_second();
        ratios.push(other / one);
        speeds.push((one, other));
    }
    let (one, other) = speeds[speeds.len() / 2];
    println!(
        "one flag by HTTP: {other:.0} requests/s, bare handler {one:.0}/s; ratio {:.3} (median of {} rounds, {:.3} to {:.3})",
        median(&mut ratios),
        counts.rounds,
        ratios[0],
        ratios[ratios.len() - 1],
    );
    let (one, other) = (
        bare_server.ticks() - before.0,
        flag_server.ticks() - before.1,
    );
    println!(
        "processor time for {} requests: {other} ticks, bare handler {one}; ratio {:.3}",
        each * counts.rounds,
        other as f64 / one as f64
    );
}

/// From the answer to a commit to the first evaluation that knows it.
fn freshness(counts: &Counts, url: &str, writer: &mut Writer) {
    let client = hoist::Client::connect(url).expect("a client");
    client.wait_ready(Duration::from_secs(30)).expect("flags");
    let mut took: Vec<f64> = (0..counts.commits)
        .map(|number| {
            let generation = writer.count(number);
            let committed = Instant::now();
            while client.flags().generation() < generation {
                std::hint::spin_loop();
            }
            let took = committed.elapsed().as_secs_f64() * 1e3;
            std::thread::sleep(Duration::from_millis(2));
            took
        })
        .collect();
    let median = median(&mut took);
    println!(
        "a commit is there for evaluation after {median:.2} ms (p99 {:.2} ms, at most {:.2} ms; {} commits, {FLAGS} flags)",
        took[took.len() * 99 / 100],
        took[took.len() - 1],
        took.len(),
    );
}

fn memory(counts: &Counts, load: &Load, flags: &Server) {
    load.run(counts.requests / 10);
    let before = flags.resident();
    load.run(counts.requests);
    let after = flags.resident();
    println!(
        "memory: {before} KiB, and {after} KiB after {} further requests",
        counts.requests
    );
}

fn restart(counts: &Counts, load: &Load, redis: &mut Redis) {
    let (requests, outcome) = (counts.requests / 2, std::sync::Mutex::new(None));
    std::thread::scope(|scope| {
        scope.spawn(|| *outcome.lock().expect("a lock") = Some(load.run(requests)));
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(200));
            redis.kill();
            std::thread::sleep(Duration::from_millis(200));
            redis.begin();
        }
    });
    let outcome = outcome.into_inner().expect("a lock").expect("a run");
    println!(
        "Redis killed and restarted three times: {} of {requests} requests failed",
        outcome.failed
    );
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
