//! The protocol of a commit, in every order of its steps.
//!
//! hoist's own code runs against a model of a Redis server, one command at a time: `replay` gives it
//! answers, `explore` tries every order of the commands of several programs, with connections that
//! break, programs that die and keys that expire between any two, and `judge` says what must hold. The model is
//! compared with a real server by `against_redis`, and the checks with protocols that are broken on
//! purpose by `mutant`.

mod actors;
mod against_redis;
mod connection;
mod explore;
mod intern;
mod judge;
mod keyspace;
mod mutant;
mod programs;
mod replay;
mod scripts;
mod world;

use actors::{Actor, Edit};
use explore::{Count, Explorer, Scenario, Violation, alone};
use keyspace::{Bytes, Data, Keyspace};
use mutant::Mutant;

use crate::support::extent::is_full;
use crate::support::flagsets::target_of;
use crate::support::redis::RedisServer;

const BASE: &str = "
flags:
  banner: { description: A banner, enabled: true, percentage: 12 }
  checkout:
    description: The new checkout
    enabled: true
    rollout: [{ percentage: 1, duration: 1h }, { percentage: 25 }, { percentage: 100 }]
";

/// Changes both flags of [`BASE`].
fn raised() -> Actor {
    let flags = BASE.replace("percentage: 12", "percentage: 20");
    Actor::Sync(target_of(&flags.replace("The new", "The raised")))
}

/// Changes both flags of [`BASE`], after a look ahead.
fn watched() -> Actor {
    let flags = BASE.replace("percentage: 12", "percentage: 30");
    Actor::Watch(target_of(&flags.replace("The new", "The watched")))
}

/// Changes one flag of [`BASE`], which nobody stops or advances.
fn recoloured() -> Actor {
    let flags = BASE.replace("A banner", "A red banner");
    Actor::Sync(target_of(&flags))
}

/// Changes one flag of [`BASE`], deletes the other and has a new one.
fn turned() -> Actor {
    let flags = BASE.replace("banner:", "search:");
    Actor::Sync(target_of(&flags.replace("The new", "The turned")))
}

fn base() -> Actor {
    Actor::Sync(target_of(BASE))
}

const KILL: Actor = Actor::Kill("checkout");
const ADVANCE: Actor = Actor::Advance("checkout");

fn client(flag: &'static str, edit: Edit) -> Actor {
    Actor::Client(flag, edit)
}

/// How commits are kept from overwriting: records watched, compared by a script, or the former
/// where a commit has only one.
const MEANS: [usize; 3] = [500, 0, 1];

/// A scenario in which nothing breaks, on a store that has the flags of [`BASE`].
fn scenario(actors: Vec<Actor>) -> Scenario {
    Scenario {
        start: alone(&Keyspace::default(), &base()).expect("a sync that is alone"),
        actors,
        faults: 0,
        watch_up_to: 500,
        page: usize::MAX,
        mutant: None,
    }
}

/// Explores with every means, and `faults` of them or, for the long run, `at_length`.
fn check(name: &str, start: &Scenario, faults: u8, at_length: u8) {
    for watch_up_to in MEANS {
        let faults = if is_full() { at_length } else { faults };
        let scenario = Scenario {
            watch_up_to,
            faults,
            ..start.clone()
        };
        let count = Explorer::new(scenario)
            .explore()
            .unwrap_or_else(|violation| panic!("{name}, {watch_up_to}: {violation:#?}"));
        let Count {
            states,
            steps,
            interleavings,
            ends,
        } = count;
        eprintln!(
            "{name}, watching up to {watch_up_to} records, {faults} faults: {states} states, {steps} \
             steps, {interleavings:.1e} interleavings, {ends} ends"
        );
        assert!(states > 100 && ends > 1, "{name}: {count:?}");
    }
}

#[test]
fn two_syncs() {
    check("two syncs", &scenario(vec![raised(), turned()]), 1, 3);
}

#[test]
fn two_syncs_of_a_new_store() {
    let start = Scenario {
        start: Keyspace::default(),
        ..scenario(vec![base(), turned()])
    };
    check("two syncs of a new store", &start, 1, 2);
}

#[test]
fn a_sync_that_reads_key_by_key() {
    let start = Scenario {
        page: 1,
        ..scenario(vec![raised(), turned()])
    };
    check("page by page", &start, 0, 2);
}

#[test]
fn a_sync_that_searches_key_by_key() {
    let mut start = scenario(vec![raised(), turned()]);
    start.page = 1;
    // A record that hoist does not manage.
    let key = Bytes::from(&b"ff:other"[..]);
    start.start.keys.insert(key, Data::Text((&b"1"[..]).into()));
    check("key by key", &start, 0, 2);
}

#[test]
fn a_sync_and_a_kill() {
    check("sync, kill", &scenario(vec![raised(), KILL]), 2, 3);
}

#[test]
fn a_sync_and_an_advance() {
    check("sync, advance", &scenario(vec![raised(), ADVANCE]), 1, 3);
}

#[test]
fn a_sync_and_clients_of_the_record_format() {
    for edit in [Edit::Stop, Edit::Advance] {
        let actors = vec![raised(), client("checkout", edit)];
        check("sync, client", &scenario(actors), 1, 3);
    }
    let actors = vec![turned(), client("banner", Edit::Percentage)];
    check("sync, client of a flag that goes", &scenario(actors), 1, 3);
}

#[test]
fn a_sync_a_kill_and_a_client() {
    let actors = vec![raised(), KILL, client("banner", Edit::Stop)];
    check("sync, kill, client", &scenario(actors), 0, 2);
}

#[test]
fn two_syncs_and_a_kill() {
    check(
        "two syncs, kill",
        &scenario(vec![raised(), turned(), KILL]),
        0,
        1,
    );
}

#[test]
fn a_watcher_that_looks_ahead() {
    let client = client("checkout", Edit::Stop);
    let company = [
        ("sync", raised(), 1, 2),
        ("a sync that deletes", turned(), 1, 2),
        ("kill", KILL, 2, 3),
        ("advance", ADVANCE, 1, 3),
        ("client", client, 2, 3),
        ("another", watched(), 1, 2),
    ];
    for (name, other, faults, at_length) in company {
        let start = scenario(vec![watched(), other]);
        check(&format!("watch, {name}"), &start, faults, at_length);
    }
}

#[test]
fn a_watcher_that_looks_ahead_and_two_operators() {
    let actors = vec![watched(), KILL, ADVANCE];
    check("watch, kill, advance", &scenario(actors), 0, 1);
}

#[test]
fn a_look_ahead_that_watches_nothing_is_caught() {
    for other in [KILL, client("checkout", Edit::Stop), raised()] {
        let scenario = Scenario {
            mutant: Some(Mutant::NoWatch),
            ..scenario(vec![watched(), other])
        };
        let found = Explorer::new(scenario).explore().err();
        assert!(found.is_some(), "it passes");
    }
}

#[test]
fn everybody_at_once() {
    let client = client("checkout", Edit::Stop);
    let fewer = vec![raised(), KILL, ADVANCE];
    let all = vec![raised(), turned(), KILL, ADVANCE, client];
    let actors = if is_full() { all } else { fewer };
    check("everybody", &scenario(actors), 0, 0);
}

/// In which company a broken protocol goes wrong, after how many faults, and what is said of it.
fn symptom(mutant: Mutant) -> (Vec<Actor>, u8, &'static str) {
    match mutant {
        Mutant::NoWatch => (vec![raised(), KILL], 0, "was made for generation 1"),
        Mutant::NoTransaction => (vec![raised()], 0, "has left traces"),
        Mutant::NoGenerationCheck => (vec![recoloured(), KILL], 0, "was made for generation 1"),
        Mutant::NoRecordCheck | Mutant::NoGuard | Mutant::NoUndo => {
            let client = client("checkout", Edit::Stop);
            (vec![raised(), client], 0, "overwrites what it has not seen")
        }
        Mutant::NoMarks => (vec![raised()], 1, "is torn"),
        Mutant::PutsInPlace => {
            let client = client("checkout", Edit::Stop);
            (vec![raised(), client], 0, "has left traces")
        }
        Mutant::NoEnd | Mutant::KeepsEnd => (vec![raised()], 0, "is to expire"),
        Mutant::OnePlace => (vec![raised(), turned()], 0, "is torn"),
        Mutant::NoFence => (vec![raised()], 1, "after it was reported as not written"),
        Mutant::NoLookIntoHistory => (vec![raised()], 1, "is reported as not written, and is"),
        Mutant::GuessesNothingWritten => (vec![raised()], 2, "reported as not written"),
        Mutant::SendsAgain => (vec![raised()], 2, "is written twice"),
        Mutant::NoSecondLook => (vec![raised(), turned()], 0, "a read mixes generations"),
        Mutant::NoEntry => (vec![raised()], 0, "has left traces"),
        Mutant::NoCount => (vec![raised()], 0, "is torn"),
        Mutant::LosesStop => (vec![raised(), KILL], 0, "undoes the stop of checkout"),
        Mutant::LosesStage => (vec![raised(), ADVANCE], 0, "loses the stage of checkout"),
    }
}

#[test]
fn a_protocol_that_is_broken_on_purpose_is_caught() {
    for mutant in Mutant::ALL {
        let (actors, faults, expected) = symptom(mutant);
        let found = MEANS.iter().find_map(|watch_up_to| {
            let scenario = Scenario {
                watch_up_to: *watch_up_to,
                faults,
                mutant: Some(mutant),
                ..scenario(actors.clone())
            };
            Explorer::new(scenario).explore().err()
        });
        let Some(Violation { what, path }) = found else {
            panic!("{mutant:?} passes");
        };
        assert!(what.contains(expected), "{mutant:?}: {what}: {path:#?}");
    }
}

#[test]
fn the_model_answers_as_a_real_server_does() {
    let server = RedisServer::start();
    let (ways, mut seed) = (if is_full() { 2000 } else { 40 }, 7_u64);
    // Knuth's generator: any order will do, the same in every run.
    let mut choose = |among: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % among
    };
    for watch_up_to in MEANS {
        let client = client("checkout", Edit::Stop);
        let scenario = Scenario {
            watch_up_to,
            ..scenario(vec![raised(), turned(), KILL, ADVANCE, client, watched()])
        };
        let start = scenario.start.clone();
        let mut explorer = Explorer::new(scenario);
        for _ in 0..ways {
            let (log, end) = explorer.walk(&mut choose);
            against_redis::repeat(&server, &start, &log, &end);
        }
    }
}
