//! Whatever happens to the files, the store ends up with what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{World, file, flag};
use crate::support::extent::is_full;

/// xorshift64*: the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

const FOLDERS: [&str; 4] = ["flags", "flags/a", "flags/a/b", "flags/c"];
const FILES: usize = 6;

/// What may be done to a tree, at random.
struct Tree<'w> {
    world: &'w World,
    random: Random,
    done: BTreeMap<&'static str, usize>,
}

impl Tree<'_> {
    /// Anywhere in the tree. Each file has flags of its own, so that one is in two places only where a file
    /// was copied.
    fn path(&mut self) -> PathBuf {
        let folder = FOLDERS[self.random.below(FOLDERS.len())];
        let number = self.random.below(FILES);
        self.world.path(&format!("{folder}/f{number}.yaml"))
    }

    fn text(&mut self, path: &Path) -> String {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut text = "flags:\n".to_owned();
        for number in 0..1 + self.random.below(3) {
            text += &flag(&format!("{name}_{number}"), self.random.below(100));
        }
        text
    }

    fn step(&mut self) {
        let (path, other) = (self.path(), self.path());
        let _ = fs::create_dir_all(path.parent().unwrap());
        let folder = self
            .world
            .path(FOLDERS[1 + self.random.below(FOLDERS.len() - 1)]);
        // Whatever cannot be done is not.
        let what = match self.random.below(12) {
            0..4 => {
                let text = self.text(&path);
                let _ = fs::write(&path, text);
                "write"
            }
            4 => {
                let (text, temporary) = (self.text(&path), path.with_extension("tmp"));
                let _ = fs::write(&temporary, text);
                let _ = fs::rename(temporary, &path);
                "replace"
            }
            5 | 6 => {
                let _ = fs::rename(&path, &other);
                "rename"
            }
            7 => {
                let _ = fs::remove_file(&path);
                "delete"
            }
            8 => {
                let _ = fs::write(&path, "flags:\n  - [");
                "break"
            }
            9 => {
                let _ = fs::copy(&path, &other);
                "copy"
            }
            10 => {
                let away = self.world.path("away");
                if away.exists() {
                    let _ = fs::rename(away, &folder);
                } else {
                    let _ = fs::rename(&folder, away);
                }
                "move a folder"
            }
            _ => {
                let _ = fs::remove_dir_all(&folder);
                "remove a folder"
            }
        };
        *self.done.entry(what).or_default() += 1;
        match self.random.below(10) {
            0 => std::thread::sleep(Duration::from_millis(40)),
            1 => std::thread::sleep(Duration::from_millis(5)),
            _ => {}
        }
    }

    /// Writes every file that there is anew, and takes away those that stand twice.
    fn mend(&mut self) {
        let mut files = Vec::new();
        list(&self.world.path("flags"), &mut files);
        files.sort();
        let mut seen = BTreeSet::new();
        for path in files {
            if path.file_stem().is_some_and(|name| name == "search") {
                continue;
            }
            if seen.insert(path.file_name().unwrap().to_owned()) {
                let text = self.text(&path);
                fs::write(path, text).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

/// Every flag file below a folder: those that were moved with one may be anywhere.
fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            files.push(path);
        }
    }
}

#[test]
fn after_any_operations_the_store_is_what_a_fresh_plan_wants() {
    let (steps, at_once) = if is_full() { (10_000, 200) } else { (300, 60) };
    let seed = 0x5eed_0000 + u64::from(std::process::id());
    eprintln!("seed {seed:#x}");
    let world = World::new();
    let watching = world.watch(&[]);
    let mut tree = Tree {
        world: &world,
        random: Random(seed),
        done: BTreeMap::new(),
    };
    for round in 0..steps / at_once {
        for _ in 0..at_once {
            tree.step();
        }
        tree.mend();
        // The last word: another value than before.
        fs::write(world.path("flags/search.yaml"), file("search", round % 100)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while world.project.run(&["plan", "-q", "--exit-code"]).code != 0 {
            let plan = world.project.run(&["plan"]);
            assert!(
                Instant::now() < deadline,
                "seed {seed:#x}, round {round}: {plan:#?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let events = watching.end();
    // Every commit did something, and the counter counts them.
    let written = events.iter().filter(|event| {
        event["event"] == "sync" && !event["changes"].as_array().unwrap().is_empty()
    });
    assert_eq!(written.count(), world.commits(), "{:?}", tree.done);
    let generation: usize = world.server.run(&["HGET", "hoist:{ff}", "generation"]);
    assert_eq!(generation, world.commits());
}
