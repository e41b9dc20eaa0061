//! What a watcher does not do by itself.

use std::fs;

use super::{World, file, flag, wait_until, write};
use crate::support::program::Project;
use crate::support::watching::Watching;

#[test]
fn a_protected_environment_is_refused() {
    let world = World::with("protected_environment = true");
    let run = world.project.expect(3, &["watch"]);
    assert!(run.stderr.contains("is protected"), "{run:#?}");
    assert_eq!(world.commits(), 0);
}

#[test]
fn without_a_flags_directory_there_is_nothing_to_watch() {
    let project = Project::new();
    let run = project.expect(2, &["watch"]);
    assert!(run.stderr.contains("`flags`"), "{run:#?}");
}

#[test]
fn a_broken_hoist_toml_is_no_beginning() {
    let world = World::with("prne = true");
    world.project.expect(1, &["watch"]);
}

/// Six flags, of which five go at once.
fn five_of_six_go(configuration: &str) -> (World, Watching) {
    let world = World::with(configuration);
    let many: String = (0..5)
        .map(|number| flag(&format!("key_{number}"), 1))
        .collect();
    world
        .project
        .write("flags/many.yaml", format!("flags:\n{many}"));
    let watching = world.watch(&[]);
    fs::remove_file(world.path("flags/many.yaml")).unwrap();
    (world, watching)
}

#[test]
fn many_deletes_need_a_switch_of_apply() {
    let (world, mut watching) = five_of_six_go("");
    let refused = watching.wait_for("refused");
    let hint = refused["refused"][0]["hint"].to_string();
    assert!(hint.contains("--allow-deletes 5"), "{refused:#}");
    world.is_at("key_3", 1);
    // It holds everything else up.
    write(&world.path("flags/search.yaml"), &file("search", 2));
    watching.wait_for("refused");
    world.is_at("search", 0);
    world.project.expect(0, &["apply", "--allow-deletes", "5"]);
    let foreign = watching.wait_for("foreign");
    assert_eq!(foreign["source"], "apply", "{foreign:#}");
    write(&world.path("flags/search.yaml"), &file("search", 3));
    watching.wait_for_write();
    world.is_at("search", 3);
    watching.end();
    assert_eq!(world.commits(), 3);
}

#[test]
fn with_watch_prune_they_need_none() {
    let (world, mut watching) = five_of_six_go("watch_prune = true");
    let sync = watching.wait_for_write();
    assert_eq!(sync["summary"]["delete"], 5);
    assert_eq!(world.record("key_3"), None);
    watching.end();
}

#[test]
fn an_empty_flag_set_is_never_applied() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    fs::remove_file(world.path("flags/search.yaml")).unwrap();
    watching.wait_for("refused");
    world.is_at("search", 0);
    write(&world.path("flags/search.yaml"), &file("search", 1));
    watching.wait_for_write();
    world.is_at("search", 1);
    watching.end();
}

#[test]
fn the_embedded_store_needs_neither_a_server_nor_a_switch() {
    let project = Project::new();
    let many: String = (0..5)
        .map(|number| flag(&format!("key_{number}"), 1))
        .collect();
    project.write("flags/many.yaml", format!("flags:\n{many}"));
    project.write("flags/search.yaml", file("search", 0));
    let mut watching = Watching::start(&project, &[]);
    watching.wait_for_write();
    fs::remove_file(project.path("flags/many.yaml")).unwrap();
    let sync = watching.wait_for_write();
    assert_eq!(sync["summary"]["delete"], 5);
    project.expect(0, &["plan", "--exit-code"]);
    // It may be deleted while it is in use.
    fs::remove_dir_all(project.path(".hoist")).unwrap();
    let sync = watching.wait_for_write();
    assert_eq!(
        (&sync["generation"], &sync["summary"]["create"]),
        (&1.into(), &1.into())
    );
    watching.end();
}

#[test]
fn two_watchers_know_of_each_other() {
    let world = World::new();
    let project = Project::with_flags(&file("search", 0));
    for (project, url) in [
        (&world.project, world.server.unix_url()),
        (&project, "sqlite:flags.db".to_owned()),
    ] {
        let args = ["--store", url.as_str()];
        let mut first = Watching::start(project, &args);
        first.wait_for_write();
        let mut second = Watching::start(project, &args);
        let rival = second.wait_for("rival");
        assert_eq!(
            (&rival["process"], &rival["actor"]),
            (&first.process().into(), &"ana".into())
        );
        // Both see the same files, and one of them is first.
        let search = match project.path("flags/search.yaml") {
            path if path.exists() => path,
            _ => project.path("flags/flags.yaml"),
        };
        write(&search, &file("search", 1));
        let both = |watching: &mut Watching| {
            watching.wait("the change", |event| {
                event["generation"] == 2
                    && ["sync", "foreign"].contains(&event["event"].as_str().unwrap())
            });
        };
        both(&mut first);
        both(&mut second);
        first.end();
        second.wait_for("rival_gone");
        write(&search, &file("search", 2));
        second.wait("the change", |event| event["generation"] == 3);
        second.end();
    }
    assert_eq!(world.commits(), 3);
    wait_until("the claim is taken back", || {
        !world.server.run::<bool>(&["EXISTS", "hoist:{ff}:watch"])
    });
}
