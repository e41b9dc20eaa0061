use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;

/// A folder, its cache, and how many files were checked.
struct Case {
    folder: TempDir,
    cache: Cache<String>,
    checked: AtomicUsize,
}

impl Case {
    /// With files that hold their own names.
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().to_owned();
        fs::create_dir(here.join("flags")).unwrap();
        let mut case = Self {
            cache: Cache::new(here.join("flags"), here),
            folder,
            checked: AtomicUsize::new(0),
        };
        for name in files {
            case.write(name, name);
        }
        case.rescan();
        case.checked = AtomicUsize::new(0);
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("flags").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn rescan(&mut self) -> usize {
        let checked = &self.checked;
        let changed = self.cache.rescan(|_, bytes| check(checked, bytes));
        changed.len()
    }

    fn update(&mut self, names: &[&str]) -> usize {
        let paths = names.iter().map(|name| self.path(name)).collect();
        let checked = &self.checked;
        let changed = self.cache.update(&paths, |_, bytes| check(checked, bytes));
        changed.len()
    }

    /// How many files were checked since this was asked.
    fn checked(&self) -> usize {
        self.checked.swap(0, Ordering::Relaxed)
    }

    /// What is kept, by name.
    #[track_caller]
    fn holds(&self, expected: &[(&str, &str)]) {
        let cache = &self.cache;
        let kept: BTreeMap<String, String> = cache
            .ids
            .values()
            .map(|id| {
                let name = cache.found.files.name(*id).to_owned();
                (name, cache.checked[id.0 as usize].clone())
            })
            .collect();
        let expected = expected
            .iter()
            .map(|(name, text)| (format!("flags/{name}"), (*text).to_owned()));
        assert_eq!(kept, expected.collect());
    }
}

fn check(checked: &AtomicUsize, bytes: &[u8]) -> String {
    checked.fetch_add(1, Ordering::Relaxed);
    String::from_utf8_lossy(bytes).into_owned()
}

/// As if it had been written long ago.
fn age(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - 10 * SETTLED).unwrap();
}

#[test]
fn only_what_has_changed_is_checked_again() {
    let mut case = Case::new(&["a.yaml", "b/c.yaml"]);
    assert_eq!((case.rescan(), case.checked()), (0, 0));
    case.write("b/c.yaml", "new");
    assert_eq!((case.rescan(), case.checked()), (1, 1));
    // The same once more is no change.
    case.write("b/c.yaml", "new");
    assert_eq!((case.rescan(), case.checked()), (0, 0));
    case.holds(&[("a.yaml", "a.yaml"), ("b/c.yaml", "new")]);
}

#[test]
fn a_file_that_is_written_twice_within_a_tick_is_read_again() {
    let mut case = Case::new(&["a.yaml"]);
    let path = case.path("a.yaml");
    let times = fs::metadata(&path).unwrap().modified().unwrap();
    // Of the same length, and at the same time.
    case.write("a.yaml", "A.YAML");
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(times)
        .unwrap();
    assert_eq!((case.rescan(), case.checked()), (1, 1));
    age(&path);
    case.rescan();
    // Its times tell now.
    let seen = case.cache.seen[0].as_ref().unwrap();
    assert!(seen.stamp.is_some());
}

#[test]
fn what_events_name_is_looked_at_alone() {
    let mut case = Case::new(&["a.yaml", "b/c.yaml"]);
    case.write("a.yaml", "1");
    case.write("b/c.yaml", "2");
    assert_eq!((case.update(&["a.yaml"]), case.checked()), (1, 1));
    case.holds(&[("a.yaml", "1"), ("b/c.yaml", "b/c.yaml")]);
    case.write("d.yaml", "3");
    fs::remove_file(case.path("a.yaml")).unwrap();
    assert_eq!(case.update(&["a.yaml", "d.yaml"]), 2);
    case.holds(&[("b/c.yaml", "b/c.yaml"), ("d.yaml", "3")]);
}

#[test]
fn what_is_no_flag_file_is_nothing() {
    let mut case = Case::new(&["a.yaml"]);
    let names = [
        "4913",
        "a.yaml~",
        ".a.yaml.swp",
        "a.yaml___jb_tmp___",
        ".b.yaml",
        ".x/c.yaml",
    ];
    for name in names {
        case.write(name, "x");
        assert_eq!(case.update(&[name]), 0, "{name}");
        fs::remove_file(case.path(name)).unwrap();
        assert_eq!(case.update(&[name]), 0, "{name}");
    }
    assert_eq!(case.checked(), 0);
}

#[test]
fn a_folder_comes_and_goes_with_all_that_is_in_it() {
    let mut case = Case::new(&["a.yaml", "b/c.yaml", "b/d/e.yaml"]);
    let (inside, outside) = (case.path("b"), case.folder.path().join("b"));
    fs::rename(&inside, &outside).unwrap();
    assert_eq!(case.update(&["b"]), 2);
    case.holds(&[("a.yaml", "a.yaml")]);
    // The places of those that have gone are taken again.
    fs::rename(&outside, case.path("z")).unwrap();
    assert_eq!(case.update(&["z"]), 2);
    case.holds(&[
        ("a.yaml", "a.yaml"),
        ("z/c.yaml", "b/c.yaml"),
        ("z/d/e.yaml", "b/d/e.yaml"),
    ]);
    assert_eq!(case.cache.checked.len(), 3);
}

#[test]
fn what_cannot_be_listed_may_be_there_all_the_same() {
    let mut case = Case::new(&["a.yaml"]);
    let (flags, aside) = (
        case.folder.path().join("flags"),
        case.folder.path().join("aside"),
    );
    fs::rename(&flags, &aside).unwrap();
    assert_eq!(case.rescan(), 0);
    assert_eq!(case.cache.found.unread.len(), 1);
    case.holds(&[("a.yaml", "a.yaml")]);
    fs::rename(&aside, &flags).unwrap();
    // Then no event is trusted to tell everything.
    case.write("b.yaml", "1");
    assert_eq!(case.update(&["a.yaml"]), 1);
    assert!(case.cache.found.unread.is_empty());
    case.holds(&[("a.yaml", "a.yaml"), ("b.yaml", "1")]);
}

#[cfg(unix)]
#[test]
fn behind_links_anything_may_have_changed() {
    let mut case = Case::new(&["a.yaml", ".data/b.yaml"]);
    let link = case.path("b.yaml");
    std::os::unix::fs::symlink(".data/b.yaml", link).unwrap();
    assert_eq!(case.update(&["b.yaml"]), 1);
    case.write(".data/b.yaml", "new");
    assert_eq!(case.update(&[".data/b.yaml"]), 1);
    case.holds(&[("a.yaml", "a.yaml"), ("b.yaml", "new")]);
    // One that leads out is told of, each time, and is no change.
    let out = case.path("out.yaml");
    std::os::unix::fs::symlink("/etc/hostname", &out).unwrap();
    for _ in 0..3 {
        assert_eq!(case.rescan(), 0);
        assert_eq!(case.cache.found.diagnostics.len(), 1);
        let file = case.cache.found.diagnostics[0].location.file;
        assert_eq!(case.cache.found.files.name(file), "flags/out.yaml");
    }
}
