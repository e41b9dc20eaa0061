//! From the rename of a saved file to the value that another client of the Redis sees: `hoist watch`, less
//! its debounce, against a program that waits for the same event and sends one SET.
//!
//! Both run at once, each with a folder and a key of its own, and saves take turns, so that a machine whose
//! speed drifts favours neither. The other client is told by the server when the key is written
//! (`notify-keyspace-events`), so that it takes no time from those that are measured. Besides: what `hoist
//! watch` takes of a processor while nothing happens, and its memory.
//!
//! `watch [--rounds N] [--idle SECONDS] [--hoist PROGRAM]`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[path = "../../support/generate.rs"]
mod generate;
mod least;
mod resp;
mod run;

use resp::Client;
use run::{Server, Watcher};

/// As `hoist watch` has it unless told otherwise.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// Flags of one file.
const PER_FILE: usize = 10;

/// What is to be measured.
struct Options {
    rounds: usize,
    idle: Duration,
    hoist: PathBuf,
}

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder, address] = &words[..]
        && mode == "least"
    {
        return least::run(Path::new(folder), address);
    }
    let options = options(&words);
    println!("{} saves each, in turn; milliseconds\n", options.rounds);
    for flags in [10, 10_000] {
        measure(flags, &options)?;
    }
    Ok(())
}

fn options(words: &[String]) -> Options {
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)
    };
    let number = |name, otherwise| value(name).map_or(otherwise, |text| text.parse().expect(name));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/hoist");
    Options {
        rounds: number("--rounds", 500),
        idle: Duration::from_secs(number("--idle", 60) as u64),
        hoist: value("--hoist").map_or(beside, PathBuf::from),
    }
}

fn measure(flags: usize, options: &Options) -> io::Result<()> {
    let server = Server::start()?;
    let folder = tempfile::tempdir()?;
    let (project, bare) = (folder.path().join("project"), folder.path().join("bare"));
    fs::create_dir_all(&bare)?;
    generate::project(&project, flags - 1, PER_FILE, 7)?;
    let (saved, written) = (project.join("flags/probe.yaml"), bare.join("probe"));
    save(&saved, &probe(0))?;
    let watcher = Watcher::start(&options.hoist, &project, &server.address)?;
    let least = run::Least::start(&bare, &server.address)?;
    let mut listener = Client::connect(&server.address)?;
    listener.subscribe(&["__keyspace@0__:ff:probe", "__keyspace@0__:least:probe"])?;
    let mut reader = Client::connect(&server.address)?;

    let (mut of_hoist, mut of_least) = (Vec::new(), Vec::new());
    // The first is not counted.
    for round in 1..=options.rounds + 1 {
        let percentage = round % 100;
        let took = time(&mut listener, "ff:probe", || {
            save(&saved, &probe(percentage))
        })?;
        let value = reader.get("ff:probe")?;
        let expected = format!("\"percentage\":{percentage},");
        assert!(value.contains(&expected), "{value} has no {expected}");
        of_hoist.push(took.saturating_sub(DEBOUNCE));
        pause(round);
        let took = time(&mut listener, "least:probe", || {
            save(&written, &probe(percentage))
        })?;
        assert_eq!(reader.get("least:probe")?, probe(percentage));
        of_least.push(took);
        pause(round + 1);
    }
    let (of_hoist, of_least) = (sorted(&of_hoist[1..]), sorted(&of_least[1..]));
    drop(least);

    println!("{flags} flags in files of {PER_FILE}");
    println!("  {:<28} {:>8} {:>8}", "", "median", "p99");
    for (name, times) in [
        ("hoist watch, less debounce", &of_hoist),
        ("inotify and one SET", &of_least),
    ] {
        println!(
            "  {name:<28} {:>8.2} {:>8.2}",
            at(times, 0.5),
            at(times, 0.99)
        );
    }
    let ratio = |share| at(&of_hoist, share) / at(&of_least, share);
    println!("  {:<28} {:>8.2} {:>8.2}", "ratio", ratio(0.5), ratio(0.99));
    let whole = |share| {
        let debounce = DEBOUNCE.as_secs_f64() * 1e3;
        (at(&of_hoist, share) + debounce) / (at(&of_least, share) + debounce)
    };
    println!(
        "  {:<28} {:>8.2} {:>8.2}",
        "ratio, both with a debounce",
        whole(0.5),
        whole(0.99)
    );
    let (cpu, memory) = (watcher.idle(options.idle)?, watcher.resident()?);
    println!(
        "  idle for {} s: {cpu:.3} % of one processor",
        options.idle.as_secs()
    );
    println!("  memory: {memory:.1} MiB\n");
    watcher.end()
}

/// A flag file, or just some text.
fn probe(percentage: usize) -> String {
    format!(
        "flags:
  probe:
    description: Which price the pricing page shows
    owner: growth
    created: 2026-11-01
    expires: 2027-01-10
    enabled: true
    percentage: {percentage}
    allowed_groups: [employees]
"
    )
}

/// Everything but the rename is done beforehand by [`time`]'s caller of this.
fn save(path: &Path, text: &str) -> io::Result<Instant> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, text)?;
    // What was written is no news any more when the rename comes.
    sleep(2 * DEBOUNCE);
    let begin = Instant::now();
    fs::rename(temporary, path)?;
    Ok(begin)
}

/// From the rename to the server's word that the key was written.
fn time(
    listener: &mut Client,
    key: &str,
    save: impl FnOnce() -> io::Result<Instant>,
) -> io::Result<Duration> {
    let begin = save()?;
    loop {
        let message = listener.message()?;
        let end = Instant::now();
        if message.ends_with(key) {
            return Ok(end - begin);
        }
    }
}

/// Not always as long, so that nothing is in step with a timer.
fn pause(round: usize) {
    sleep(Duration::from_millis(20 + (round * 7 % 23) as u64));
}

fn sorted(times: &[Duration]) -> Vec<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted
}

/// Milliseconds within which that share of `times` is.
fn at(times: &[Duration], share: f64) -> f64 {
    let last = times.len() - 1;
    times[(share * last as f64).ceil() as usize].as_secs_f64() * 1e3
}
