//! Emergency stops.

use std::sync::atomic::{AtomicBool, Ordering};

use hoist::plan::BUCKETS;
use hoist::store::{Options, open};
use serde_json::json;

use super::{World, switches};
use crate::support::at_the_end::SetAtTheEnd;
use crate::support::commits::{commit, update};

#[test]
fn a_stop_needs_neither_flag_files_nor_a_sound_hoist_toml() {
    let world = World::new();
    let kill = ["kill", "banner", "--reason", "errors"];
    let off = |world: &World| {
        assert_eq!(world.record("banner")["enabled"], false);
        world.expect(0, &["restore", "banner", "--store", &world.redis.tcp_url()]);
        assert_eq!(world.record("banner")["enabled"], true);
    };
    world.project.write("flags/broken.yaml", "flags: [\n\0");
    world.expect(1, &["plan"]);
    world.expect(0, &kill);
    off(&world);
    std::fs::remove_dir_all(world.project.path("flags")).expect("the flags are gone");
    world.expect(2, &["plan"]);
    world.expect(0, &kill);
    off(&world);
    // A mistake that has nothing to do with environments does not matter.
    let toml = world.project.read("hoist.toml");
    world
        .project
        .write("hoist.toml", format!("{toml}[lint]\nmax_step = \"all\"\n"));
    world.expect(0, &kill);
    off(&world);
    let url = world.redis.tcp_url();
    let with_store = [&kill[..], &["--store", &url]].concat();
    for broken in [
        &b"[environments.production\n"[..],
        b"[enviroments]",
        b"\xff\xfe",
        b"environments = 3",
    ] {
        world.project.write("hoist.toml", broken);
        let refused = world.expect(2, &kill);
        assert!(refused.stderr.contains("--store URL"), "{refused:#?}");
        world.expect(0, &with_store);
        off(&world);
    }
    // And one that is said to be somewhere else.
    world.expect(
        0,
        &[&with_store[..], &["--config", "nowhere.toml"]].concat(),
    );
    off(&world);
}

#[test]
fn the_bookkeeping_and_the_history_know_of_it() {
    let world = World::new();
    let before = world.record("checkout");
    let applied: Vec<String> = world
        .redis
        .run(&["HMGET", "hoist:{ff}", "digest", "buckets"]);
    world.expect(
        0,
        &[
            "kill",
            "checkout",
            "banner",
            "--reason",
            "errors \u{1b}[31m",
        ],
    );
    let record = world.record("checkout");
    assert_eq!(
        record["note"],
        json!({"reason": "errors \u{1b}[31m", "actor": "ana"})
    );
    assert_eq!(
        (&record["current_stage"], &record["percentage"]),
        (&json!(0), &json!(1))
    );
    let newest = &world.history()[0];
    assert_eq!((newest.source.as_str(), newest.generation), ("kill", 2));
    assert_eq!(newest.actor.as_deref(), Some("ana"));
    assert_eq!(newest.reason.as_deref(), Some("errors \u{1b}[31m"));
    let (old, new) = &newest.records["checkout"];
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(old.as_ref().expect("a record")).expect("JSON"),
        before
    );
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(new.as_ref().expect("a record")).expect("JSON"),
        record
    );
    assert_eq!(newest.records.len(), 2);
    assert_eq!(
        newest.at,
        record["rolled_back_at"].as_f64().expect("a time")
    );
    // The flag set in force is still the one that was applied.
    let now: Vec<String> = world
        .redis
        .run(&["HMGET", "hoist:{ff}", "digest", "buckets"]);
    assert_eq!(now, applied);
    let mut stops = world.stops();
    stops.sort();
    assert_eq!(stops, ["banner", "checkout"]);
    let plan = world.expect(0, &["plan", "-q"]);
    assert!(plan.stdout.contains("checkout since"), "{plan:#?}");
    assert!(!plan.stdout.contains('\u{1b}'), "{plan:#?}");

    world.expect(0, &["restore", "banner", "checkout", "--reason", "mended"]);
    let newest = &world.history()[0];
    assert_eq!(
        (newest.source.as_str(), newest.reason.as_deref()),
        ("restore", Some("mended"))
    );
    assert!(world.stops().is_empty());
    assert!(
        world
            .expect(0, &["plan", "-q", "--exit-code"])
            .stdout
            .contains("nothing to change")
    );
}

#[test]
fn a_second_stop_keeps_the_first() {
    let world = World::new();
    // By another client, of which hoist knows nothing yet.
    world.edit("banner", |record| {
        record["enabled"] = json!(false);
        record["rolled_back_at"] = json!(1_795_317_120.5);
    });
    let before = world.record("banner");
    for _ in 0..2 {
        let said = world.said(0, &["kill", "banner", "--reason", "me too"]);
        assert_eq!(said, "stopped already since 2026-11-22 03:12 UTC");
        assert_eq!(world.record("banner"), before);
        // The first of the two notes it, so that it outlives its record.
        assert_eq!(world.generation(), 2);
        assert_eq!(world.stops(), ["banner"]);
    }
    world.redis.run::<()>(&["DEL", "ff:banner"]);
    world.expect(0, &["apply", "-q"]);
    let record = world.record("banner");
    assert_eq!(
        (&record["enabled"], &record["rolled_back_at"]),
        (&json!(false), &json!(1_795_317_120.5))
    );
}

#[test]
fn a_stop_outlives_what_happens_to_the_record() {
    let world = World::new();
    world.expect(0, &["kill", "banner", "checkout", "--reason", "errors"]);
    let off = |flag: &str| assert_eq!(world.record(flag)["enabled"], false, "{flag}");
    // Evicted.
    world.redis.run::<()>(&["DEL", "ff:banner"]);
    world.expect(0, &["apply", "-q"]);
    off("banner");
    // Gone from git, and back.
    let all = world.project.read("flags/flags.yaml");
    let without: String = all
        .lines()
        .filter(|line| !line.contains("banner"))
        .map(|line| format!("{line}\n"))
        .collect();
    world.project.write("flags/flags.yaml", without);
    world.expect(0, &["apply", "-q"]);
    assert!(!world.redis.run::<bool>(&["EXISTS", "ff:banner"]));
    let status = world.expect(0, &["rollout", "status"]);
    assert!(
        status.stdout.contains("also when a sync puts it back"),
        "{status:#?}"
    );
    world.project.write("flags/flags.yaml", &all);
    let plan = world.expect(0, &["plan", "-q", "--format", "json"]).json();
    assert_eq!(plan["stopped"][0]["flag"], "banner");
    world.expect(0, &["plan", "-q", "--out", "saved.plan"]);
    world.expect(0, &["apply", "-q", "saved.plan"]);
    off("banner");
    off("checkout");
    world.expect(0, &["restore", "banner"]);
    assert_eq!(world.record("banner")["enabled"], true);
    // Ended by git.
    world.redis.run::<()>(&["DEL", "ff:checkout"]);
    let off_in_git = all.replace(
        "owner: checkout\n    expires: never\n    enabled: true",
        "owner: checkout\n    expires: never\n    enabled: false",
    );
    world.project.write("flags/flags.yaml", off_in_git);
    world.expect(0, &["apply", "-q"]);
    assert!(world.stops().is_empty());
    world.project.write("flags/flags.yaml", &all);
    world.expect(0, &["apply", "-q"]);
    assert_eq!(world.record("checkout")["enabled"], true);
}

#[test]
fn what_has_no_record_and_what_is_none() {
    let world = World::new();
    world.redis.run::<()>(&["DEL", "ff:banner"]);
    let said = world.said(0, &["kill", "banner", "--reason", "errors"]);
    assert_eq!(
        said,
        "stopped: it has no record, and is off when a sync puts it back"
    );
    world.expect(0, &["apply", "-q"]);
    assert_eq!(world.record("banner")["enabled"], false);
    world.redis.run::<()>(&["DEL", "ff:banner"]);
    let said = world.said(0, &["restore", "banner"]);
    assert!(said.starts_with("restored: it has no record"), "{said}");
    let said = world.said(0, &["restore", "banner"]);
    assert!(
        said.starts_with("was not stopped: it has no record"),
        "{said}"
    );
    world.expect(0, &["apply", "-q"]);
    assert_eq!(world.record("banner")["enabled"], true);

    // Of a flag that is not hoist's only the switch is touched.
    world.set(
        "theirs",
        &json!({"percentage": 10.0, "enabled": true, "x": {"b": 1, "a": 2}}),
    );
    world.expect(0, &["kill", "theirs", "--reason", "errors"]);
    let text: String = world.redis.run(&["GET", "ff:theirs"]);
    assert!(
        text.starts_with("{\"percentage\":10.0,\"enabled\":false,\"rolled_back_at\":"),
        "{text}"
    );
    assert!(text.ends_with("\"x\":{\"b\":1,\"a\":2}}"), "{text}");
    world.expect(0, &["restore", "theirs"]);
    let text: String = world.redis.run(&["GET", "ff:theirs"]);
    assert_eq!(
        text,
        "{\"percentage\":10.0,\"enabled\":true,\"x\":{\"b\":1,\"a\":2}}"
    );

    let generation = world.generation();
    world.redis.run::<()>(&["SET", "ff:garbage", "no record"]);
    world.redis.run::<()>(&["RPUSH", "ff:list", "a"]);
    for (code, flags, part) in [
        (3, &["garbage"][..], "holds no record (it is not JSON"),
        (3, &["list"], "holds a list"),
        (2, &["bannr"], "did you mean `banner`?"),
        (2, &["ff:banner"], "did you mean `banner`?"),
        (
            2,
            &["banner", "nothing_like_it"],
            "is that the environment you mean?",
        ),
        (2, &["a:b"], "there is no flag `a:b`"),
    ] {
        let call = [&["kill"], flags, &["--reason", "errors"]].concat();
        let run = world.expect(code, &call);
        assert!(
            run.stderr.contains(part) && run.stderr.contains("nothing was written"),
            "{run:#?}"
        );
    }
    assert_eq!(world.generation(), generation, "all flags or none");
    assert_eq!(world.record("banner")["enabled"], true);
}

#[test]
fn a_restore_follows_git() {
    let world = World::new();
    world.expect(0, &["kill", "banner", "--reason", "errors"]);
    let off = world.project.read("flags/flags.yaml").replace(
        "enabled: true, percentage: 10",
        "enabled: false, percentage: 10",
    );
    // Another client makes sure that the flag, off in git now, is known as stopped.
    world.project.write("flags/flags.yaml", off);
    world.expect(0, &["apply", "-q"]);
    world.expect(0, &["kill", "banner", "--reason", "to be sure"]);
    let said = world.said(0, &["restore", "banner"]);
    assert_eq!(said, "restored: off, as git has it");
    assert_eq!(world.record("banner")["enabled"], false);
    // Changed in the store too: what it was before counts.
    world.expect(0, &["kill", "checkout", "--reason", "errors"]);
    world.edit("checkout", |record| {
        record["allowed_users"] = json!(["eve"])
    });
    let said = world.said(0, &["restore", "checkout", "--at-stage", "25%"]);
    assert_eq!(
        said,
        "restored: on for 25 % of users, stage 2 of 4; it was changed in the store too, which the next apply puts right"
    );
}

/// Large syncs run one after another while flags are stopped. Each stop goes through at once, and none
/// is undone.
#[test]
fn stops_go_through_while_large_syncs_run() {
    const FLAGS: usize = 1500;
    let world = World::with_flags(&switches(FLAGS, 10));
    world.expect(0, &["apply", "-q"]);
    let killed = ["flag_00000", "flag_00999", "flag_01499"];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetAtTheEnd(&done);
        scope.spawn(|| {
            let mut share = 10;
            while !done.load(Ordering::SeqCst) {
                share += 1;
                world
                    .project
                    .write("flags/flags.yaml", switches(FLAGS, share));
                let applied = world.project.run(&["apply", "-q"]);
                // A sync that is overtaken three times says so, and writes nothing.
                assert!(matches!(applied.code, 0 | 3), "{}", applied.stderr);
            }
        });
        for flag in killed {
            let run = world.expect(0, &["kill", flag, "--reason", "errors"]);
            assert!(run.stdout.contains("off for everyone now"), "{run:#?}");
        }
    });
    world.project.write("flags/flags.yaml", switches(FLAGS, 77));
    world.expect(0, &["apply", "-q"]);
    for flag in killed {
        let record = world.record(flag);
        assert_eq!(
            (&record["enabled"], &record["percentage"]),
            (&json!(false), &json!(77)),
            "{flag}"
        );
        assert_eq!(record["note"]["reason"], "errors");
    }
    assert_eq!(world.record("flag_00001")["enabled"], true);
    let kills = world
        .history()
        .iter()
        .filter(|entry| entry.source == "kill")
        .count();
    assert_eq!(kills, killed.len());
}

/// Others commit as fast as they can; a stop wins all the same.
#[test]
fn a_stop_wins_against_writers_without_a_pause() {
    let world = World::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetAtTheEnd(&done);
        for number in 0..2 {
            let (world, done) = (&world, &done);
            scope.spawn(move || {
                let flag = format!("busy_{number}");
                world.redis.run::<()>(&["SET", &format!("ff:{flag}"), "1"]);
                let mut store =
                    open(&world.redis.unix_url(), "ff", &Options::default()).expect("a store");
                while !done.load(Ordering::SeqCst) {
                    let on = store.read_flags(&[&flag]).expect("a read");
                    let mut commit = commit(&on, vec![update(&flag, "1", "1")]);
                    commit.about.buckets = BUCKETS.to_owned();
                    let _ = store.commit(&commit);
                }
            });
        }
        for _ in 0..5 {
            world.expect(
                0,
                &["kill", "banner", "--reason", "errors", "--timeout", "60"],
            );
            assert_eq!(world.record("banner")["enabled"], false);
            world.expect(0, &["restore", "banner", "--timeout", "60"]);
            assert_eq!(world.record("banner")["enabled"], true);
        }
    });
}

#[test]
fn a_store_out_of_reach_is_said_at_once() {
    let world = World::new();
    let nowhere = format!("redis://127.0.0.1:{}", crate::support::redis::free_port());
    let run = world.expect(
        2,
        &["kill", "banner", "--reason", "errors", "--store", &nowhere],
    );
    assert!(run.stderr.contains("cannot connect"), "{run:#?}");
}

#[test]
fn the_embedded_store_is_operated_alike() {
    let project = crate::support::program::Project::with_flags(super::FLAGS);
    project.expect(0, &["apply", "-q"]);
    project.expect(0, &["kill", "banner", "checkout", "--reason", "errors"]);
    project.expect(0, &["kill", "banner", "checkout", "--reason", "errors"]);
    let status = project.expect(0, &["rollout", "status"]).stdout;
    assert!(status.contains("2 stopped"), "{status}");
    project.expect(0, &["restore", "checkout", "--at-stage", "2"]);
    project.expect(0, &["rollout", "advance", "checkout"]);
    let status = project.expect(0, &["rollout", "status"]).stdout;
    assert!(
        status.contains("stage 3 of 4") && status.contains("1 holding, 1 stopped"),
        "{status}"
    );
    let plan = project.expect(0, &["plan", "--exit-code"]).stdout;
    assert!(plan.contains("nothing to change"), "{plan}");
}
