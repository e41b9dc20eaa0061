//! The ways in which editors and tools save: each of them is one sync, and none is missed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::{World, file, flag, rounds, wait_until, write};
use crate::support::repository::git;

/// Saves again and again, and each time expects one commit with the new state.
#[track_caller]
fn saved_by(args: &[&str], save: impl Fn(&Path, &str)) {
    let world = World::new();
    let mut watching = world.watch(args);
    for round in 1..=rounds(5) {
        save(&world.path("flags/search.yaml"), &file("search", round));
        watching.wait_for_write();
        world.is_at("search", round);
    }
    let events = watching.end();
    let refused = events.iter().filter(|event| event["event"] == "refused");
    assert_eq!(refused.count(), 0, "{events:#?}");
    assert_eq!(world.commits(), 1 + rounds(5));
}

#[test]
fn in_place() {
    saved_by(&[], write);
}

#[test]
fn a_temporary_file_and_a_rename() {
    saved_by(&[], |path, text| {
        let temporary = path.with_file_name(".search.yaml.tmp");
        write(&temporary, text);
        fs::rename(temporary, path).unwrap();
    });
}

/// The temporary file has a name that hoist would read.
#[test]
fn a_temporary_flag_file_and_a_rename() {
    saved_by(&[], |path, text| {
        let temporary = path.with_file_name("search-1.yaml");
        write(&temporary, text);
        fs::rename(temporary, path).unwrap();
    });
}

#[test]
fn a_file_from_another_folder() {
    saved_by(&[], |path, text| {
        let temporary = path.parent().unwrap().with_file_name("made-elsewhere");
        write(&temporary, text);
        fs::rename(temporary, path).unwrap();
    });
}

/// Vim, with a backup: tries whether it may write, moves the file aside, writes it anew.
#[test]
fn vim() {
    saved_by(&[], |path, text| {
        let (probe, backup) = (
            path.with_file_name("4913"),
            path.with_file_name("search.yaml~"),
        );
        write(&probe, "");
        fs::remove_file(probe).unwrap();
        fs::rename(path, &backup).unwrap();
        write(path, text);
        fs::remove_file(backup).unwrap();
    });
}

/// VS Code: empties the file, and then writes it.
#[test]
fn vs_code() {
    saved_by(&[], |path, text| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(0).unwrap();
        let (first, second) = text.split_at(text.len() / 2);
        file.write_all(first.as_bytes()).unwrap();
        file.write_all(second.as_bytes()).unwrap();
        file.sync_all().unwrap();
    });
}

/// An editor that takes its time between the two.
#[test]
fn emptied_and_written_later() {
    saved_by(&[], |path, text| {
        let mut file = File::create(path).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60));
        file.write_all(text.as_bytes()).unwrap();
    });
}

#[test]
fn jetbrains() {
    saved_by(&[], |path, text| {
        let (new, old) = (
            path.with_file_name("search.yaml___jb_tmp___"),
            path.with_file_name("search.yaml___jb_old___"),
        );
        write(&new, text);
        fs::rename(path, &old).unwrap();
        fs::rename(new, path).unwrap();
        fs::remove_file(old).unwrap();
    });
}

/// Emacs: a link to nowhere is its lock, and the file of before is kept.
#[test]
fn emacs() {
    saved_by(&[], |path, text| {
        let (lock, backup) = (
            path.with_file_name(".#search.yaml"),
            path.with_file_name("search.yaml~"),
        );
        std::os::unix::fs::symlink("ana@shop.4242:1", &lock).unwrap();
        fs::copy(path, backup).unwrap();
        write(path, text);
        fs::remove_file(lock).unwrap();
    });
}

#[test]
fn without_events() {
    saved_by(&["--poll=40ms"], |path, text| {
        let temporary = path.with_file_name(".search.yaml.tmp");
        write(&temporary, text);
        fs::rename(temporary, path).unwrap();
    });
}

#[test]
fn without_events_and_in_place() {
    saved_by(&["--poll=40ms"], write);
}

#[test]
fn the_folder_removed_and_made_again() {
    saved_by(&[], |path, text| {
        let folder = path.parent().unwrap();
        fs::remove_dir_all(folder).unwrap();
        fs::create_dir(folder).unwrap();
        write(path, text);
    });
}

#[test]
fn a_folder_around_it_replaced() {
    saved_by(&[], |path, text| {
        let folder = path.parent().unwrap();
        let new = folder.with_file_name("flags.new");
        fs::create_dir(&new).unwrap();
        write(&new.join("search.yaml"), text);
        fs::rename(folder, folder.with_file_name("flags.old")).unwrap();
        fs::rename(new, folder).unwrap();
        fs::remove_dir_all(folder.with_file_name("flags.old")).unwrap();
    });
}

/// As Kubernetes mounts volumes: files are links through a hidden link that is moved.
#[test]
fn a_mounted_volume() {
    let world = World::new();
    let flags = world.path("flags");
    let put = |round: usize| {
        let version = format!("..v{round}");
        fs::create_dir(flags.join(&version)).unwrap();
        write(
            &flags.join(&version).join("search.yaml"),
            &file("search", round),
        );
        std::os::unix::fs::symlink(&version, flags.join("..data_tmp")).unwrap();
        fs::rename(flags.join("..data_tmp"), flags.join("..data")).unwrap();
    };
    fs::remove_file(flags.join("search.yaml")).unwrap();
    put(0);
    std::os::unix::fs::symlink("..data/search.yaml", flags.join("search.yaml")).unwrap();
    let mut watching = world.watch(&[]);
    for round in 1..=rounds(5) {
        put(round);
        watching.wait_for_write();
        world.is_at("search", round);
    }
    watching.end();
    assert_eq!(world.commits(), 1 + rounds(5));
}

#[test]
fn a_folder_moved_in_and_out() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    let (outside, inside) = (world.path("outside"), world.path("flags/team/checkout"));
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir(world.path("flags/team")).unwrap();
    for number in 0..3 {
        let key = format!("checkout_{number}");
        write(&outside.join(format!("{key}.yaml")), &file(&key, 7));
    }
    for round in 1..=rounds(5) {
        fs::rename(&outside, &inside).unwrap();
        let sync = watching.wait_for_write();
        assert_eq!(sync["summary"]["create"], 3, "{round}: {sync:#}");
        // What is saved in it then is seen.
        write(
            &inside.join("checkout_1.yaml"),
            &file("checkout_1", round % 7),
        );
        watching.wait_for_write();
        world.is_at("checkout_1", round % 7);
        write(&inside.join("checkout_1.yaml"), &file("checkout_1", 7));
        if round % 7 != 0 {
            watching.wait_for_write();
        }
        fs::rename(&inside, &outside).unwrap();
        let sync = watching.wait("the flags to go", |event| {
            event["summary"]["delete"].as_u64() > Some(0)
        });
        assert_eq!(sync["summary"]["delete"], 3, "{round}: {sync:#}");
        assert_eq!(world.record("checkout_2"), None);
    }
    watching.end();
}

/// Folders made and filled at once: what is in them is there before anybody listens to them.
#[test]
fn deep_folders_made_at_once() {
    let world = World::new();
    let mut watching = world.watch(&[]);
    for round in 1..=rounds(5) {
        let key = format!("deep_{round}");
        let folder = world.path(&format!("flags/a{round}/b/c"));
        fs::create_dir_all(&folder).unwrap();
        write(&folder.join("f.yaml"), &file(&key, round));
        watching.wait_for_write();
        world.is_at(&key, round);
    }
    watching.end();
    assert_eq!(world.commits(), 1 + rounds(5));
}

#[test]
fn git_checkout_of_500_files() {
    let world = World::new();
    let folder = world.project.folder();
    git(folder, &["init", "--quiet", "--initial-branch=main"]);
    let names = |branch: usize| {
        for number in 0..500 {
            // They move between folders, too.
            let name = format!("flags/team_{}/f{number}.yaml", (number + branch) % 20);
            world
                .project
                .write(&name, file(&format!("key_{number}"), branch));
        }
    };
    for (branch, name) in [(1, "one"), (2, "two")] {
        git(folder, &["checkout", "--quiet", "-B", name]);
        let _ = fs::remove_dir_all(world.path("flags"));
        names(branch);
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "--message", name]);
    }
    let mut watching = world.watch(&[]);
    let commits = world.commits();
    let checkouts = if crate::support::extent::is_full() {
        100
    } else {
        3
    };
    for round in 1..=checkouts {
        let (name, percentage) = if round % 2 == 1 {
            ("one", 1)
        } else {
            ("two", 2)
        };
        git(folder, &["checkout", "--quiet", name]);
        let sync = watching.wait_for_write();
        assert_eq!(
            sync["summary"]["update"], 500,
            "{round}: {:#}",
            sync["summary"]
        );
        for number in [0, 250, 499] {
            world.is_at(&format!("key_{number}"), percentage);
        }
    }
    watching.end();
    assert_eq!(world.commits(), commits + checkouts);
}

/// The system's queue of events has an end.
#[test]
fn events_that_were_lost() {
    let world = World::new();
    let watching = world.watch(&[]);
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    watching.signal("STOP");
    for number in 0..=most / 3 {
        let path = world.path(&format!("flags/noise-{}", number % 2));
        write(&path, "x");
    }
    world
        .project
        .write("flags/team/other.yaml", file("checkout", 7));
    write(
        &world.path("flags/search.yaml"),
        &(file("search", 9) + &flag("basket", 8)),
    );
    watching.signal("CONT");
    wait_until("all is applied", || {
        world.record("checkout").is_some() && world.record("basket").is_some()
    });
    world.is_at("search", 9);
    watching.end();
}

#[test]
fn the_digest_of_the_flag_set_is_the_one_that_an_apply_notes() {
    let world = World::new();
    let url = world.server.unix_url();
    let toml = format!(
        "[environments.development]\nstore = \"{url}\"\nwatch_prune = true\n\n[environments.other]\nstore = \"{url}\"\nprefix = \"other\"\n"
    );
    world.project.write("hoist.toml", toml);
    world
        .project
        .write("flags/billing.yaml", file("billing", 7));
    let mut watching = world.watch(&[]);
    let digest = |key: &str| -> String { world.server.run(&["HGET", key, "digest"]) };
    let two = |percentage| file("search", percentage) + &flag("more", percentage);
    for text in [
        file("search", 1),
        file("search", 2),
        two(2),
        two(3),
        file("search", 3),
    ] {
        write(&world.path("flags/search.yaml"), &text);
        watching.wait_for_write();
        let applied = world
            .project
            .run(&["apply", "--env", "other", "-q", "--allow-deletes", "1"]);
        assert_eq!(applied.code, 0, "{applied:?}");
        assert_eq!(digest("hoist:{ff}"), digest("hoist:{other}"));
    }
    watching.end();
}
