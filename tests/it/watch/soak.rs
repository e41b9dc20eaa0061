//! A day of work, shortened: memory stays where it is.

use std::fs;
use std::time::{Duration, Instant};

use super::{World, file, flag, write};

/// Seconds that it goes on; a moment unless `HOIST_SOAK` says otherwise.
fn length() -> Duration {
    let seconds = std::env::var("HOIST_SOAK").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(4))
}

/// Memory that a process has, in KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

#[test]
fn memory_stays_flat() {
    let world = World::new();
    for number in 0..50 {
        let text: String = (0..10)
            .map(|flag_| flag(&format!("key_{number}_{flag_}"), 1))
            .collect();
        world.project.write(
            &format!("flags/team/f{number}.yaml"),
            format!("flags:\n{text}"),
        );
    }
    let mut watching = world.watch(&[]);
    let end = Instant::now() + length();
    let (mut round, mut settled) = (0, 0);
    while Instant::now() < end || round < 20 {
        round += 1;
        // Good, broken, good again; and a file of a new name that goes again.
        write(
            &world.path("flags/search.yaml"),
            &file("search", round % 100),
        );
        watching.wait_for_write();
        write(&world.path("flags/search.yaml"), "flags: [");
        watching.wait_for("findings");
        let passing = format!("flags/passing_{round}.yaml");
        world
            .project
            .write(&passing, file(&format!("passing_{round}"), 1));
        write(
            &world.path("flags/search.yaml"),
            &file("search", (round + 50) % 100),
        );
        watching.wait_for_write();
        fs::remove_file(world.path(&passing)).unwrap();
        watching.wait("the flag to go", |event| event["summary"]["delete"] == 1);
        if round == 10 {
            settled = resident(watching.process());
        }
    }
    let at_the_end = resident(watching.process());
    eprintln!("{round} rounds: {settled} KiB after 10, {at_the_end} KiB in the end");
    // The allocator keeps some of what was freed.
    assert!(
        at_the_end < settled + 8 * 1024,
        "{settled} KiB became {at_the_end} KiB in {round} rounds"
    );
    watching.end();
}
