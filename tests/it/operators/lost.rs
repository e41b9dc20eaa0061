//! Rollouts of hoist's that other clients have damaged, deleted, replaced or moved.

use serde_json::json;

use super::{HOUR, World};

fn states(world: &World) -> Vec<(String, String)> {
    let status = world
        .expect(0, &["rollout", "status", "--format", "json"])
        .json();
    let flags = status["flags"].as_array().expect("a list");
    flags
        .iter()
        .map(|shown| (&shown["flag"], &shown["state"]))
        .map(|(flag, state)| (flag.to_string(), state.to_string()))
        .collect()
}

#[test]
fn a_rollout_that_is_lost_is_told_of_and_fails_the_run() {
    let names = ["cut", "deleted", "fine", "listed", "replaced", "stopped"];
    let rollouts: String = names.map(super::due::rollout).concat();
    let world = World::with_flags(&format!(
        "flags:\n{rollouts}  switch: {{ description: D, owner: o, expires: never, enabled: true }}\n"
    ));
    world.expect(0, &["apply", "-q"]);
    for name in names {
        world.age(name, 3.0 * HOUR);
    }
    world.expect(0, &["kill", "stopped", "--reason", "errors"]);
    world
        .redis
        .run::<()>(&["SET", "ff:cut", "{\"type\":\"rollout\""]);
    world
        .redis
        .run::<()>(&["DEL", "ff:deleted", "ff:listed", "ff:stopped"]);
    world.redis.run::<()>(&["RPUSH", "ff:listed", "a"]);
    let theirs = json!({"type": "boolean", "enabled": true, "percentage": 3});
    world.set("replaced", &theirs);
    // This one never was a rollout.
    world.set("switch", &theirs);

    let expected = [
        ("cut", "unreadable"),
        ("deleted", "missing"),
        ("fine", "due"),
        ("listed", "unreadable"),
        ("replaced", "replaced"),
        ("stopped", "stopped"),
    ];
    let expected = expected.map(|(flag, state)| (format!("{flag:?}"), format!("{state:?}")));
    assert_eq!(states(&world), expected);
    let shown = world.expect(0, &["rollout", "status"]).stdout;
    assert!(
        shown.contains("unreadable: its key holds a list"),
        "{shown}"
    );

    let run = world.expect(3, &["rollout", "advance", "--due", "--format", "json"]);
    assert!(run.stderr.contains("4 flags cannot be moved"), "{run:#?}");
    let outcomes: Vec<_> = run.json()["flags"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| (line["flag"].to_string(), line["outcome"].to_string()))
        .collect();
    let expected = ["cut", "deleted", "fine", "listed", "replaced"];
    let expected = expected.map(|flag| match flag {
        "fine" => ("\"fine\"".to_owned(), "\"advanced\"".to_owned()),
        _ => (format!("{flag:?}"), "\"held\"".to_owned()),
    });
    assert_eq!(outcomes, expected);
    world.expect(3, &["rollout", "advance", "--due", "replaced"]);
    world.expect(0, &["rollout", "advance", "--due", "fine"]);
    // What is put back is none of them.
    world.redis.run::<()>(&["DEL", "ff:cut", "ff:listed"]);
    world.expect(0, &["apply", "-q"]);
    world.expect(0, &["rollout", "advance", "--due"]);
}

#[test]
fn a_status_says_what_another_client_has_made_of_a_stage() {
    let world = World::with_flags(&format!("flags:\n{}", super::due::rollout("a")));
    world.expect(0, &["apply", "-q"]);
    let shown = world.expect(0, &["rollout", "status"]).stdout;
    assert!(!shown.contains("but"), "{shown}");
    world.edit("a", |record| record["percentage"] = json!(33));
    let shown = world.expect(0, &["rollout", "status"]).stdout;
    assert!(shown.contains("but open to 33 % of users"), "{shown}");
    world.edit("a", |record| {
        record["percentage"] = json!(1);
        record["current_stage"] = json!(7);
    });
    let shown = world.expect(0, &["rollout", "status"]).stdout;
    assert!(shown.contains("but its record says stage 8"), "{shown}");
}
