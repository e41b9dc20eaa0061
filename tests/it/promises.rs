//! The promises of `support/promises.rs`, kept for the cases of the linter, for what fuzzing has found, and
//! for what comes of cases when somebody's editor goes astray.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::lint_cases::cases;
use crate::support::promises;

fn keep(bytes: &[u8]) {
    promises::read(bytes);
    promises::lint(bytes);
    promises::fix(bytes);
}

#[test]
fn they_hold_for_cases() {
    for case in cases() {
        for (_, text) in &case.files {
            keep(text.as_bytes());
            // Other line breaks, and none at the end.
            keep(text.replace('\n', "\r\n").as_bytes());
            keep(text.trim_end().as_bytes());
        }
    }
}

#[test]
fn they_hold_for_what_was_found_once() {
    let directory: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "cases", "found"]
        .iter()
        .collect();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file(), "{path:?} is looked into by nobody");
        keep(&std::fs::read(path).unwrap());
    }
}

/// A target that nobody runs would find nothing.
#[test]
fn every_promise_is_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let (manifest, run) = (read("fuzz/Cargo.toml"), read("fuzz/run"));
    for target in ["read", "lint", "fix"] {
        assert!(
            read(&format!("fuzz/targets/{target}.rs")).contains(&format!("promises::{target}("))
        );
        assert!(
            manifest.contains(&format!("\"targets/{target}.rs\"")),
            "{manifest}"
        );
    }
    assert!(run.contains("targets=(read lint fix)"), "{run}");
}

proptest! {
    /// Lines and parts of lines that change places, go, or come twice.
    #[test]
    fn they_hold_for_any_mixture(
        case in any::<prop::sample::Index>(),
        steps in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..4, 1_usize..60),
            1..5,
        ),
    ) {
        let cases = cases();
        let case = case.get(&cases);
        let mut text = case.files[0].1.clone();
        for (from, to, what, length) in steps {
            let from = text.floor_char_boundary(from.index(text.len() + 1));
            let end = text.floor_char_boundary((from + length).min(text.len()));
            let piece = text[from..end].to_owned();
            match what {
                0 => text.replace_range(from..end, ""),
                1 => text.insert_str(from, &piece),
                2 => {
                    text.replace_range(from..end, "");
                    let to = text.floor_char_boundary(to.index(text.len() + 1));
                    text.insert_str(to, &piece);
                }
                _ => {
                    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
                    if !lines.is_empty() {
                        let line = lines[to.index(lines.len())].clone();
                        text.insert_str(text[..from].rfind('\n').map_or(0, |at| at + 1), &line);
                    }
                }
            }
        }
        keep(text.as_bytes());
    }
}
