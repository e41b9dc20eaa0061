//! A store that goes away, and others who write to it.

use std::time::Duration;

use super::{World, file, rounds, write};

#[test]
fn a_store_that_goes_away_and_comes_back() {
    let mut world = World::new();
    let mut watching = world.watch(&[]);
    for round in 1..=rounds(2).min(10) {
        world.server.stop();
        write(
            &world.path("flags/search.yaml"),
            &file("search", 2 * round - 1),
        );
        watching.wait_for("away");
        write(&world.path("flags/search.yaml"), &file("search", 2 * round));
        std::thread::sleep(Duration::from_millis(400));
        world.server.start_again();
        watching.wait_for("back");
        watching.wait_for_write();
        world.is_at("search", 2 * round);
        // It was said once, however often it was tried.
        assert_eq!(watching.count("away"), round);
    }
    let commits = world.commits();
    watching.end();
    assert_eq!(commits, 1 + rounds(2).min(10));
}

#[test]
fn it_may_begin_before_the_store() {
    let mut world = World::new();
    world.server.stop();
    let mut watching = crate::support::watching::Watching::start(&world.project, &[]);
    watching.wait_for("away");
    world.server.start_again();
    watching.wait_for_write();
    world.is_at("search", 0);
    watching.end();
}

#[test]
fn an_emergency_stop_while_it_waits_for_quiet_is_respected() {
    let world = World::new();
    let mut watching = world.watch(&["--debounce", "1s"]);
    // With a connection that has worked, it looks ahead after a quarter of that.
    for (percentage, way) in [(50, "hoist"), (51, "another client")] {
        write(
            &world.path("flags/search.yaml"),
            &file("search", percentage),
        );
        std::thread::sleep(Duration::from_millis(500));
        if way == "hoist" {
            let kill = ["kill", "search", "--reason", "errors"];
            world.project.expect(0, &kill);
        } else {
            let mut record = world.record("search").unwrap();
            record["enabled"] = false.into();
            record["rolled_back_at"] = 1_795_000_000.into();
            let record = record.to_string();
            world.server.run::<()>(&["SET", "ff:search", &record]);
        }
        watching.wait_for_write();
        let record = world.record("search").unwrap();
        assert_eq!(
            (&record["enabled"], record["percentage"].as_f64()),
            (&false.into(), Some(percentage as f64)),
            "{way}"
        );
        world.project.expect(0, &["restore", "search"]);
        watching.wait_for("foreign");
    }
    watching.end();
}

#[test]
fn a_foreign_edit_is_drift_and_put_right() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    let edited = r#"{"type":"boolean","enabled":true,"percentage":66,"allowed_users":[],"allowed_groups":[]}"#;
    world.server.run::<()>(&["SET", "ff:search", edited]);
    let sync = watching.wait_for_write();
    assert_eq!(sync["changes"][0]["action"], "drift", "{sync:#}");
    world.is_at("search", 0);
    // One that meets a save.
    world.server.run::<()>(&["SET", "ff:search", edited]);
    write(&world.path("flags/search.yaml"), &file("search", 1));
    let sync = watching.wait_for_write();
    assert_eq!(sync["changes"][0]["action"], "drift", "{sync:#}");
    world.is_at("search", 1);
    world.server.run::<()>(&["FLUSHALL"]);
    let sync = watching.wait_for_write();
    assert_eq!(sync["summary"]["create"], 1, "{sync:#}");
    watching.end();
}

#[test]
fn an_emergency_stop_is_respected() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    world
        .project
        .expect(0, &["kill", "search", "--reason", "errors"]);
    let foreign = watching.wait_for("foreign");
    assert_eq!(
        (&foreign["source"], &foreign["reason"]),
        (&"kill".into(), &"errors".into())
    );
    write(&world.path("flags/search.yaml"), &file("search", 50));
    watching.wait_for_write();
    let record = world.record("search").unwrap();
    assert_eq!(
        (&record["enabled"], record["percentage"].as_f64()),
        (&false.into(), Some(50.0))
    );
    // One that no commit tells of: as another client of the records makes it.
    world.project.expect(0, &["restore", "search"]);
    watching.wait_for("foreign");
    let mut record = world.record("search").unwrap();
    record["enabled"] = false.into();
    record["rolled_back_at"] = 1_795_000_000.into();
    world
        .server
        .run::<()>(&["SET", "ff:search", &record.to_string()]);
    write(&world.path("flags/search.yaml"), &file("search", 51));
    watching.wait_for_write();
    assert_eq!(world.record("search").unwrap()["enabled"], false);
    watching.end();
}

#[test]
fn a_rollback_is_not_undone_by_the_same_files() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    write(&world.path("flags/search.yaml"), &file("search", 50));
    watching.wait_for_write();
    world.project.expect(0, &["rollback", "--last"]);
    watching.wait_for("foreign");
    watching.wait_for("refused");
    world.is_at("search", 0);
    write(&world.path("flags/search.yaml"), &file("search", 20));
    watching.wait_for_write();
    world.is_at("search", 20);
    watching.end();
}

#[test]
fn others_who_apply_meanwhile_are_told_of() {
    let world = World::new();
    let mut watching = world.watch(&["--debounce", "300ms"]);
    write(&world.path("flags/search.yaml"), &file("search", 3));
    world.project.expect(0, &["apply"]);
    let foreign = watching.wait_for("foreign");
    assert_eq!(
        (&foreign["generation"], &foreign["source"]),
        (&2.into(), &"apply".into())
    );
    watching.end();
    // What was applied is not applied again.
    assert_eq!(world.commits(), 2);
}
