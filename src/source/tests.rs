use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::{Error, Found, display_name, find};

/// A folder with these files, each holding its own name.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, name).expect("a file");
    }
    folder
}

fn found(folder: &Path, roots: &[&str]) -> Found {
    let roots: Vec<PathBuf> = roots.iter().map(|root| folder.join(root)).collect();
    find(&roots, folder)
}

/// Names of the files that are read.
fn names(found: &Found) -> Vec<&str> {
    found
        .files
        .0
        .iter()
        .take(found.paths.len())
        .map(|file| file.name.as_str())
        .collect()
}

#[test]
fn flag_files_are_found_in_order_and_nothing_else() {
    let folder = folder(&[
        "flags/b.yaml",
        "flags/a.yml",
        "flags/A.yaml",
        "flags/a/z.yaml",
        "flags/deep/er/c.yaml",
        "flags/ignored.yaml",
        "flags/.gitignore",
        "flags/.hidden.yaml",
        "flags/.git/d.yaml",
        "flags/notes.md",
        "flags/e.yaml.bak",
        "flags/yaml",
    ]);
    std::fs::write(folder.path().join("flags/.gitignore"), "ignored.yaml\n").expect("a file");
    let found = found(folder.path(), &["flags"]);
    let expected = [
        "flags/A.yaml",
        "flags/a/z.yaml",
        "flags/a.yml",
        "flags/b.yaml",
        "flags/deep/er/c.yaml",
        "flags/ignored.yaml",
    ];
    assert_eq!(names(&found), expected);
    assert!(found.diagnostics.is_empty());
}

#[test]
fn roots_may_be_files_and_may_overlap() {
    let folder = folder(&["flags/a.yaml", "flags/b.yaml", "other/flags.txt"]);
    let found = found(
        folder.path(),
        &[
            "other/flags.txt",
            "flags/b.yaml",
            "flags",
            "flags/../flags/a.yaml",
        ],
    );
    assert_eq!(names(&found).len(), 3, "{:?}", found.paths);
    // A file that is named is read whatever its extension.
    assert!(names(&found).contains(&"other/flags.txt"));
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder(&["a.yaml"]);
    let roots = [folder.path().join("a.yaml"), folder.path().join("nowhere")];
    let found = find(&roots, folder.path());
    assert!(
        matches!(&found.unread[..], [Error::Missing(name)] if name == "nowhere"),
        "{:?}",
        found.unread
    );
    // The others are there.
    assert_eq!(names(&found), ["a.yaml"]);
}

#[test]
fn files_are_read_in_their_order() {
    let many: Vec<String> = (0..200).map(|n| format!("flags/{n:03}.yaml")).collect();
    let folder = folder(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let mut found = found(folder.path(), &["flags"]);
    let steps = AtomicUsize::new(0);
    let progress = || {
        steps.fetch_add(1, Ordering::Relaxed);
    };
    let read = found.read(
        |id, bytes| (id.0 as usize, String::from_utf8_lossy(bytes).into_owned()),
        progress,
    );
    let expected: Vec<_> = many.into_iter().enumerate().collect();
    assert_eq!(read, expected);
    assert!(found.unread.is_empty());
    assert_eq!(steps.into_inner(), 200);
}

#[test]
fn a_file_that_goes_while_it_is_read_is_named() {
    let folder = folder(&["flags/a.yaml", "flags/b.yaml", "flags/c.yaml"]);
    let mut found = found(folder.path(), &["flags"]);
    std::fs::remove_file(folder.path().join("flags/b.yaml")).expect("the file");
    assert_eq!(found.read(|file, _| file.0, || ()), [0, 2]);
    assert!(
        matches!(&found.unread[..], [Error::Unreadable { file, .. }] if file == "flags/b.yaml"),
        "{:?}",
        found.unread
    );
}

#[test]
fn names_are_relative_to_where_hoist_runs() {
    for (path, here, name) in [
        ("/repo/flags/a.yaml", "/repo", "flags/a.yaml"),
        ("/repo/flags/a.yaml", "/repo/flags", "a.yaml"),
        (
            "/repo/flags/a.yaml",
            "/repo/services/web",
            "../../flags/a.yaml",
        ),
        ("/repo/flags/a.yaml", "/elsewhere", "../repo/flags/a.yaml"),
        ("flags/a.yaml", "/repo", "flags/a.yaml"),
        ("/repo", "/repo", "."),
    ] {
        assert_eq!(
            display_name(Path::new(path), Path::new(here)),
            name,
            "{path} from {here}"
        );
    }
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::{folder, found, names};

    #[test]
    fn a_link_to_what_is_there_anyway_adds_nothing() {
        let folder = folder(&["flags/a.yaml", "flags/sub/b.yaml"]);
        let at = |name: &str| folder.path().join("flags").join(name);
        symlink("a.yaml", at("0.yaml")).expect("a link");
        symlink("sub", at("again")).expect("a link");
        symlink(".", at("loop")).expect("a link");
        let found = found(folder.path(), &["flags"]);
        assert_eq!(names(&found), ["flags/a.yaml", "flags/sub/b.yaml"]);
        assert!(found.diagnostics.is_empty());
    }

    /// As a volume of a container platform is mounted: the files lie in a hidden folder, behind a
    /// hidden link.
    #[test]
    fn a_file_behind_links_only_is_read_once() {
        let folder = folder(&["flags/..2026_11_22/a.yaml", "flags/..2026_11_22/b.yaml"]);
        let at = |name: &str| folder.path().join("flags").join(name);
        symlink("..2026_11_22", at("..data")).expect("a link");
        for name in ["a.yaml", "b.yaml"] {
            symlink(format!("..data/{name}"), at(name)).expect("a link");
        }
        symlink("b.yaml", at("c.yaml")).expect("a link");
        let found = found(folder.path(), &["flags"]);
        assert_eq!(names(&found), ["flags/a.yaml", "flags/b.yaml"]);
        assert!(found.diagnostics.is_empty());
    }

    #[test]
    fn a_link_that_leads_out_is_reported_and_not_read() {
        let folder = folder(&["flags/a.yaml", "flags-old/b.yaml", "c.yaml"]);
        let at = |name: &str| folder.path().join("flags").join(name);
        symlink("../c.yaml", at("c.yaml")).expect("a link");
        symlink("../flags-old", at("old")).expect("a link");
        symlink("nowhere.yaml", at("dangling.yaml")).expect("a link");
        symlink("self.yaml", at("self.yaml")).expect("a link");
        symlink("/etc/hostname", at("notes.md")).expect("a link");
        let found = found(folder.path(), &["flags"]);
        assert_eq!(names(&found), ["flags/a.yaml"]);
        let mut reported: Vec<_> = found
            .diagnostics
            .iter()
            .map(|report| {
                (
                    found.files.name(report.location.file),
                    report.message.as_str(),
                )
            })
            .collect();
        reported.sort_unstable();
        let out = "this link leads out of the flags directory";
        let nothing = "this link leads to nothing";
        let expected = [
            ("flags/c.yaml", out),
            ("flags/dangling.yaml", nothing),
            ("flags/old", out),
            ("flags/self.yaml", nothing),
        ];
        assert_eq!(reported, expected);
    }

    #[test]
    fn the_flags_directory_itself_may_be_a_link() {
        let folder = folder(&["elsewhere/flags/a.yaml"]);
        symlink("elsewhere/flags", folder.path().join("flags")).expect("a link");
        assert_eq!(names(&found(folder.path(), &["flags"])), ["flags/a.yaml"]);
    }
}
