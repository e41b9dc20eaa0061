//! Finds and reads flag files.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::WalkBuilder;
use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, FileId, Files, Location};
use crate::yaml::MAX_BYTES;

mod cache;
mod references;
mod write;

pub use cache::Cache;
pub use references::{
    Alias, CodeFile, CodePattern, CodeSearch, Form, Named, Place, Searched, Stray, Use, references,
    search,
};
pub use write::{WriteError, create, put, remove, replace};

/// Why files could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no file or directory `{0}`")]
    Missing(String),
    #[error("cannot read `{file}`: {cause}")]
    Unreadable { file: String, cause: io::Error },
    #[error("cannot list `{directory}`: {cause}")]
    Unlistable { directory: String, cause: String },
}

impl Error {
    /// The file or directory, as people see it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Missing(name) => name,
            Self::Unreadable { file, .. } => file,
            Self::Unlistable { directory, .. } => directory,
        }
    }
}

/// The flag files of one run.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Files,
    /// By [`FileId`].
    pub paths: Vec<PathBuf>,
    /// About files that are not read at all.
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be found, listed or read.
    pub unread: Vec<Error>,
}

/// Every flag file under `roots`, which are files or directories, by name. Names are shown
/// relative to `here`. Hidden files and folders are left out, and each file is there once, by
/// whatever links it can be reached; a link that leads out of its root is reported.
#[must_use]
pub fn find(roots: &[PathBuf], here: &Path) -> Found {
    let mut listed = Listed::default();
    for root in roots {
        if !root.exists() {
            let missing = Error::Missing(display_name(root, here));
            listed.unread.push(missing);
        } else if root.is_dir() {
            list(root, here, &mut listed);
        } else if root.is_file() {
            listed.paths.push(root.clone());
        } else {
            // A pipe may never end, and neither may a device.
            listed.unread.push(Error::Unreadable {
                file: display_name(root, here),
                cause: io::Error::other("it is neither a file nor a directory"),
            });
        }
    }
    let mut found = Found {
        unread: std::mem::take(&mut listed.unread),
        ..Found::default()
    };
    let several = roots.len() > 1;
    found.paths = listed.files(several);
    let names: Vec<String> = found
        .paths
        .par_iter()
        .map(|path| display_name(path, here))
        .collect();
    for name in names {
        found.files.add(name, None);
    }
    for path in listed.outside {
        let file = found.files.add(display_name(&path, here), None);
        let location = Location {
            file,
            ..Location::default()
        };
        let message = if path.exists() {
            "this link leads out of the flags directory"
        } else {
            "this link leads to nothing"
        };
        found.diagnostics.push(
            Diagnostic::new("unsafe-yaml", location, message)
                .with_help("put the file itself here: what is applied must be what was reviewed"),
        );
    }
    found
}

/// What stands in the directories.
#[derive(Default)]
struct Listed {
    paths: Vec<PathBuf>,
    /// Links to files within their root.
    links: Vec<PathBuf>,
    /// Links that lead out of it.
    outside: Vec<PathBuf>,
    unread: Vec<Error>,
}

impl Listed {
    /// Every file once, by name. A file that is only reached through a link counts too: mounted
    /// volumes keep theirs in a hidden folder. `several` where roots may overlap.
    fn files(&mut self, several: bool) -> Vec<PathBuf> {
        let mut files = std::mem::take(&mut self.paths);
        files.sort();
        self.links.sort();
        let has_links = !self.links.is_empty();
        files.append(&mut self.links);
        if several || has_links {
            let mut seen = HashSet::new();
            files.retain(|file| {
                seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone()))
            });
        }
        if has_links {
            files.sort();
        }
        files
    }
}

fn list(root: &Path, here: &Path, listed: &mut Listed) {
    let inside = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    // What git ignores is read all the same: a flag must not vanish from the store because of a
    // line in .gitignore.
    for entry in WalkBuilder::new(root)
        .standard_filters(false)
        .hidden(true)
        .build()
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listed.unread.push(Error::Unlistable {
                    directory: display_name(root, here),
                    cause: error.to_string(),
                });
                continue;
            }
        };
        let path = entry.path();
        // The listing has said what it is, so that no file is asked.
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if entry.path_is_symlink() && path != root {
            let leads_out =
                fs::canonicalize(path).map_or(true, |target| !target.starts_with(&inside));
            if leads_out && (is_flag_file(path) || path.is_dir()) {
                listed.outside.push(path.to_owned());
            } else if is_flag_file(path) && path.is_file() {
                listed.links.push(path.to_owned());
            }
        } else if is_file && is_flag_file(path) {
            listed.paths.push(entry.into_path());
        }
    }
}

fn is_flag_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml"))
}

/// `path` as people see it: relative to `here`, with `/`.
#[must_use]
pub fn display_name(path: &Path, here: &Path) -> String {
    let absolute = here.join(path);
    let relative = pathdiff::diff_paths(&absolute, here).unwrap_or(absolute);
    let name = relative.to_string_lossy().replace('\\', "/");
    if name.is_empty() { ".".into() } else { name }
}

impl Found {
    /// One file that is not read from a path.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut found = Self::default();
        found.files.add(name, None);
        found
    }

    /// Reads every file and gives what `check` makes of it, in the order of the files, those left out
    /// that cannot be read. Several are read at once; `progress` is told of each.
    pub fn read<T: Send>(
        &mut self,
        check: impl Fn(FileId, &[u8]) -> T + Sync,
        progress: impl Fn() + Sync,
    ) -> Vec<T> {
        let paths = self.paths.par_iter().enumerate();
        let read = paths.map_init(Vec::new, |buffer, (index, path)| {
            let file = FileId(u32::try_from(index).unwrap_or(u32::MAX));
            let bytes = read_into(buffer, path).map_err(|cause| Error::Unreadable {
                file: self.files.name(file).to_owned(),
                cause,
            });
            let checked = bytes.map(|bytes| check(file, bytes));
            progress();
            checked
        });
        let read: Vec<Result<T, Error>> = read.collect();
        let mut all = Vec::with_capacity(read.len());
        for file in read {
            match file {
                Ok(checked) => all.push(checked),
                Err(error) => self.unread.push(error),
            }
        }
        all
    }

    /// Keeps the text of the files that `diagnostics` point into, to be shown with them. A file
    /// that cannot be read again, or is not text, is shown by name only.
    pub fn load_texts(&mut self, diagnostics: &[Diagnostic]) {
        let related = diagnostics
            .iter()
            .flat_map(|found| &found.related)
            .map(|related| related.location.file);
        let mut ids: Vec<FileId> = diagnostics
            .iter()
            .map(|found| found.location.file)
            .chain(related)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            if let Some(path) = self.paths.get(id.0 as usize)
                && self.files.text(id).is_none()
            {
                let bytes = read_bounded(path).unwrap_or_default();
                self.files
                    .show(id, Arc::from(String::from_utf8_lossy(&bytes)));
            }
        }
    }
}

/// One byte more than a flag file may have.
const LIMIT: u64 = MAX_BYTES as u64 + 1;
/// Most files fit into a buffer of that many bytes.
const BUFFER: usize = 64 << 10;

/// The bytes of a file, and one more than a flag file may have where it has more: enough to be
/// refused for, never enough to fill the memory.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(LIMIT)).unwrap_or(0) + 1);
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same by way of `buffer`, which grows as needed and serves one file after the other: a set of
/// many small files is read with as few calls as there can be.
fn read_into<'b>(buffer: &'b mut Vec<u8>, path: &Path) -> io::Result<&'b [u8]> {
    let mut file = fs::File::open(path)?;
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            let more = (buffer.len() * 2).clamp(BUFFER, LIMIT as usize);
            if more == filled {
                break;
            }
            buffer.resize(more, 0);
        }
        match file.read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}

/// The same of standard input.
pub fn read_stdin() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
