//! Where code names flags: their keys between quotes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use ignore::WalkBuilder;
use rayon::prelude::*;

use super::{Error, display_name, read_bounded};
use crate::yaml::MAX_BYTES;

/// Where a key is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The first few, by file and line: `src/search.py:12`.
    pub places: Vec<String>,
    pub count: usize,
}

/// So many places are kept of a key.
const KEPT: usize = 3;
/// A file with a NUL in so many first bytes is no code.
const LOOKED_AT: usize = 8 << 10;

/// Where the code below `roots` names each of `keys`; keys that it does not name are left out. Hidden
/// files, those that git ignores, those without text, those past 8 MiB, and the directory `except` are
/// passed over.
///
/// # Errors
/// Where there is no such directory, or it cannot be listed.
pub fn references(
    roots: &[PathBuf],
    except: &Path,
    keys: &[&str],
    here: &Path,
) -> Result<HashMap<String, Named>, Error> {
    let files = files(roots, except, here)?;
    let quoted = keys
        .iter()
        .flat_map(|key| ['"', '\'', '`'].map(|quote| format!("{quote}{key}{quote}")));
    // Keys are short and few; without a finder nothing is found.
    let Ok(finder) = AhoCorasick::new(quoted) else {
        return Ok(HashMap::new());
    };
    let found: Vec<Vec<(usize, String)>> = files
        .par_iter()
        .map(|file| places(file, &finder, here))
        .collect();
    let mut named: HashMap<String, Named> = HashMap::new();
    for (index, place) in found.into_iter().flatten() {
        if let Some(key) = keys.get(index) {
            let named = named.entry((*key).to_owned()).or_default();
            named.count += 1;
            if named.places.len() < KEPT {
                named.places.push(place);
            }
        }
    }
    Ok(named)
}

/// By name.
fn files(roots: &[PathBuf], except: &Path, here: &Path) -> Result<Vec<PathBuf>, Error> {
    let except = fs::canonicalize(except).ok();
    let mut files = Vec::new();
    for root in roots {
        if !root.exists() {
            return Err(Error::Missing(display_name(root, here)));
        }
        let excluded = except.clone();
        let walk = WalkBuilder::new(root)
            .filter_entry(move |entry| {
                let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                !is_directory
                    || excluded.is_none()
                    || fs::canonicalize(entry.path()).ok() != excluded
            })
            .build();
        for entry in walk {
            let entry = entry.map_err(|error| Error::Unlistable {
                directory: display_name(root, here),
                cause: error.to_string(),
            })?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                files.push(entry.into_path());
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Keys, by their place in the list, and where they stand. A file that cannot be read names nothing.
fn places(file: &Path, finder: &AhoCorasick, here: &Path) -> Vec<(usize, String)> {
    let bytes = read_bounded(file).unwrap_or_default();
    let head = bytes.get(..LOOKED_AT.min(bytes.len())).unwrap_or_default();
    if bytes.len() > MAX_BYTES || head.contains(&0) {
        return Vec::new();
    }
    let mut line = 1;
    let mut counted = 0;
    let mut places = Vec::new();
    // A quote may end one key and begin another.
    for found in finder.find_overlapping_iter(&bytes) {
        let between = bytes.get(counted..found.start()).unwrap_or_default();
        line += between.iter().filter(|byte| **byte == b'\n').count();
        counted = counted.max(found.start());
        let place = format!("{}:{line}", display_name(file, here));
        places.push((found.pattern().as_usize() / 3, place));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_between_quotes() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let write = |name: &str, text: &str| {
            let path = here.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "src/a.py",
            "old = 1\nis_on('old')\nis_on(\"old\", \"older\")\n",
        );
        write("src/b.ts", "`old` `${old}`\n");
        write("src/c.go", "x\n\"old\"\n\"old\"\n");
        write("src/.hidden", "'old'");
        write("src/data.bin", "\0'old'");
        write("src/flags/a.yaml", "description: the 'old' one\n");
        let find = |keys: &[&str]| {
            references(&[here.join("src")], &here.join("src/flags"), keys, here).unwrap()
        };
        let found = find(&["old", "new"]);
        assert_eq!(found.len(), 1);
        let expected = Named {
            places: ["src/a.py:2", "src/a.py:3", "src/b.ts:1"]
                .map(str::to_owned)
                .into(),
            count: 5,
        };
        assert_eq!(found["old"], expected);
        assert!(find(&[]).is_empty());
        let missing = references(&[here.join("none")], here, &["old"], here);
        assert!(matches!(missing, Err(Error::Missing(_))));
    }
}
