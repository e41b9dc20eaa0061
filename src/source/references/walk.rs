//! Every file of code below some directories, looked through by several threads.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::scan::{Finder, Hits};
use super::{CodeFile, CodeSearch, Error};
use crate::source::{LIMIT, display_name};
use crate::yaml::MAX_BYTES;

/// A file with a NUL in so many first bytes is no code.
const LOOKED_AT: u64 = 8 << 10;

#[derive(Default)]
pub struct Walked {
    /// Those with something in them, by name.
    pub files: Vec<(CodeFile, Hits)>,
    pub looked_at: usize,
    pub unread: Vec<Error>,
}

/// Looks through every file.
pub fn files(search: &CodeSearch<'_>, finder: &Finder<'_>) -> Result<Walked, Error> {
    let here = search.here;
    for root in search.roots {
        if !root.exists() {
            return Err(Error::Missing(display_name(root, here)));
        }
    }
    let roots = apart(search.roots);
    let Some((first, others)) = roots.split_first() else {
        return Ok(Walked::default());
    };
    let mut builder = WalkBuilder::new(first);
    for root in others {
        builder.add(root);
    }
    let except = Except::new(search.except);
    builder.filter_entry(move |entry| !except.is(entry));
    let looked_at = AtomicUsize::new(0);
    let (results, arrived) = mpsc::channel();
    builder.build_parallel().run(|| {
        let (results, looked_at) = (results.clone(), &looked_at);
        let mut bytes = Vec::new();
        Box::new(move |entry| {
            let result = match entry {
                Ok(entry) if !entry.file_type().is_some_and(|kind| kind.is_file()) => None,
                Ok(entry) => {
                    looked_at.fetch_add(1, Ordering::Relaxed);
                    look(entry.path(), &mut bytes, finder, here)
                }
                Err(error) => Some(Err(unlistable(&error, search))),
            };
            // Nobody stops listening before the end.
            let _ = result.map(|result| results.send(result));
            WalkState::Continue
        })
    });
    drop(results);
    let mut walked = Walked {
        looked_at: looked_at.into_inner(),
        ..Walked::default()
    };
    for result in arrived {
        match result {
            Ok(file) => walked.files.push(file),
            Err(error) => walked.unread.push(error),
        }
    }
    walked
        .files
        .sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    walked.unread.sort_by_key(ToString::to_string);
    Ok(walked)
}

/// What a file has, where that is anything.
fn look(
    path: &Path,
    bytes: &mut Vec<u8>,
    finder: &Finder<'_>,
    here: &Path,
) -> Option<Result<(CodeFile, Hits), Error>> {
    match read_into(bytes, path) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(cause) => {
            let file = display_name(path, here);
            return Some(Err(Error::Unreadable { file, cause }));
        }
    }
    let hits = finder.hits(bytes);
    (!hits.uses.is_empty() || !hits.strays.is_empty()).then(|| {
        let file = CodeFile {
            name: display_name(path, here),
            path: path.to_owned(),
        };
        Ok((file, hits))
    })
}

/// Reads a file over what was read before, if it is text and not too long. What shows in its beginning
/// to be none is not read to its end.
fn read_into(bytes: &mut Vec<u8>, path: &Path) -> io::Result<bool> {
    bytes.clear();
    let mut file = File::open(path)?;
    (&mut file).take(LOOKED_AT).read_to_end(bytes)?;
    if bytes.contains(&0) {
        return Ok(false);
    }
    if bytes.len() as u64 == LOOKED_AT {
        file.take(LIMIT - LOOKED_AT).read_to_end(bytes)?;
    }
    Ok(bytes.len() <= MAX_BYTES)
}

fn unlistable(error: &ignore::Error, search: &CodeSearch<'_>) -> Error {
    let root = search.roots.first().map_or(search.here, PathBuf::as_path);
    Error::Unlistable {
        directory: display_name(root, search.here),
        cause: error.to_string(),
    }
}

/// Roots of which none lies in another, so that no file comes twice.
fn apart(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut real: Vec<(PathBuf, &PathBuf)> = roots
        .iter()
        .map(|root| {
            (
                fs::canonicalize(root).unwrap_or_else(|_| root.clone()),
                root,
            )
        })
        .collect();
    real.sort();
    real.dedup_by(|next, before| next.0.starts_with(&before.0));
    real.into_iter().map(|(_, root)| root.clone()).collect()
}

/// A directory that is passed over.
struct Except {
    real: Option<PathBuf>,
}

impl Except {
    fn new(directory: &Path) -> Self {
        Self {
            real: fs::canonicalize(directory).ok(),
        }
    }

    /// Links are not followed, so only one of the same name can be it.
    fn is(&self, entry: &DirEntry) -> bool {
        let Some(real) = &self.real else { return false };
        entry.file_type().is_some_and(|kind| kind.is_dir())
            && (entry.depth() == 0 || real.file_name() == Some(entry.file_name()))
            && fs::canonicalize(entry.path()).is_ok_and(|path| path == *real)
    }
}
