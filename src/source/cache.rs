//! Flag files that are looked at again and again: only those that have changed are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::{Error, Found, display_name, find, is_flag_file, read_bounded};
use crate::diagnostic::FileId;

/// How old a file has to be for its times to tell that it is still the same: they are as coarse as two
/// seconds on some file systems, and a file may be written twice within one tick.
const SETTLED: Duration = Duration::from_secs(3);

/// Every flag file below one directory, and what was made of each. A file keeps its [`FileId`] as long as
/// it is there; one that is new may get that of one that has gone.
#[derive(Debug)]
pub struct Cache<T> {
    root: PathBuf,
    here: PathBuf,
    /// Names, paths, and what could not be read. The name of a file that has gone stays until its place is
    /// taken.
    pub found: Found,
    /// By [`FileId`]; the default for one that has gone.
    pub checked: Vec<T>,
    /// By [`FileId`].
    seen: Vec<Option<Seen>>,
    ids: BTreeMap<PathBuf, FileId>,
    free: Vec<FileId>,
    /// Free from the next look on, so that one that goes and one that comes are told apart.
    freed: Vec<FileId>,
    /// Whether there are links among the files: then the path of a change need not be that of a file.
    has_links: bool,
}

/// A file as it was read.
#[derive(Debug)]
struct Seen {
    /// None for one that may change without its times telling.
    stamp: Option<Stamp>,
    digest: [u8; 32],
}

/// What tells whether a file was written, moved or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    /// Inode, and when that was last changed, in seconds and nanoseconds; nothing where there is no such
    /// thing.
    node: (u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        let node = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let node = Default::default();
        Some(Self {
            modified: metadata.modified().ok()?,
            length: metadata.len(),
            node,
        })
    }

    fn is_settled(&self) -> bool {
        let age = SystemTime::now().duration_since(self.modified);
        age.is_ok_and(|age| age > SETTLED)
    }
}

/// What a look at one file has shown.
enum Look<T> {
    Same(Option<Stamp>),
    New(Seen, T),
    Gone,
    Unreadable(io::Error),
}

impl<T: Default + Send> Cache<T> {
    /// Of the flag files below `root`, shown relative to `here`. None has been read yet.
    #[must_use]
    pub fn new(root: PathBuf, here: PathBuf) -> Self {
        Self {
            root,
            here,
            found: Found::default(),
            checked: Vec::new(),
            seen: Vec::new(),
            ids: BTreeMap::new(),
            free: Vec::new(),
            freed: Vec::new(),
            has_links: false,
        }
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Looks at all files, has those that are new or have changed checked, and gives them together with
    /// those that have gone.
    pub fn rescan(&mut self, check: impl Fn(FileId, &[u8]) -> T + Sync) -> BTreeSet<FileId> {
        self.free.append(&mut self.freed);
        let listing = find(std::slice::from_ref(&self.root), &self.here);
        self.found.unread = listing.unread;
        // What could not be listed may be there all the same.
        let is_whole = self.found.unread.is_empty();
        let listed: BTreeSet<&PathBuf> = listing.paths.iter().collect();
        let gone = self.ids.iter().filter(|(path, _)| !listed.contains(path));
        let gone: Vec<FileId> = gone.map(|(_, id)| *id).filter(|_| is_whole).collect();
        let mut changed = self.read_among(&gone);
        self.has_links = listing.paths.iter().any(|path| path.is_symlink());
        let mut ids: Vec<FileId> = Vec::with_capacity(listing.paths.len());
        for path in listing.paths {
            ids.push(self.id(path));
        }
        self.drop_files(gone);
        changed.extend(self.look(&ids, true, check));
        self.found.diagnostics.clear();
        for mut found in listing.diagnostics {
            // A place of its own, though it is not read.
            let path = self.here.join(listing.files.name(found.location.file));
            found.location.file = self.id(path);
            self.found.diagnostics.push(found);
        }
        changed
    }

    /// The same where nothing but `paths` may have changed: those alone are looked at, if that is enough.
    pub fn update(
        &mut self,
        paths: &BTreeSet<PathBuf>,
        check: impl Fn(FileId, &[u8]) -> T + Sync,
    ) -> BTreeSet<FileId> {
        self.free.append(&mut self.freed);
        let mut files = Vec::new();
        let mut gone = Vec::new();
        for path in paths {
            match self.what_is(path) {
                Change::Nothing => {}
                Change::File => files.push(path.clone()),
                Change::Gone(id) => gone.push(id),
                Change::Unknown => return self.rescan(check),
            }
        }
        let mut changed = self.read_among(&gone);
        self.drop_files(gone);
        let ids: Vec<FileId> = files.into_iter().map(|path| self.id(path)).collect();
        changed.extend(self.look(&ids, false, check));
        changed
    }

    /// Those of `ids` that have been read: what was made of them is gone with them.
    fn read_among(&self, ids: &[FileId]) -> BTreeSet<FileId> {
        let is_read = |id: &&FileId| matches!(self.seen.get(id.0 as usize), Some(Some(_)));
        ids.iter().filter(is_read).copied().collect()
    }

    /// What a change of `path` means.
    fn what_is(&self, path: &Path) -> Change {
        let Ok(below) = path.strip_prefix(&self.root) else {
            return Change::Unknown;
        };
        if self.has_links || !self.found.unread.is_empty() || !self.found.diagnostics.is_empty() {
            return Change::Unknown;
        }
        let known = self.ids.get(path);
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return match known {
                Some(id) => Change::Gone(*id),
                None if self.has_files_below(path) => Change::Unknown,
                None => Change::Nothing,
            };
        };
        let is_hidden = below
            .iter()
            .any(|name| name.as_encoded_bytes().starts_with(b"."));
        if metadata.is_symlink() || (known.is_some() && !metadata.is_file()) {
            Change::Unknown
        } else if is_hidden {
            Change::Nothing
        } else if metadata.is_dir() {
            Change::Unknown
        } else if metadata.is_file() && is_flag_file(path) {
            Change::File
        } else {
            Change::Nothing
        }
    }

    fn has_files_below(&self, folder: &Path) -> bool {
        let after = (Bound::Excluded(folder), Bound::Unbounded);
        let next = self.ids.range::<Path, _>(after).next();
        next.is_some_and(|(path, _)| path.starts_with(folder))
    }

    /// The place of a file, a new one for one that has none.
    fn id(&mut self, path: PathBuf) -> FileId {
        if let Some(id) = self.ids.get(&path) {
            return *id;
        }
        let name = display_name(&path, &self.here);
        let id = match self.free.pop() {
            Some(id) => {
                self.found.files.rename(id, &name);
                id
            }
            None => self.found.files.add(name, None),
        };
        let at = id.0 as usize;
        if self.checked.len() <= at {
            self.checked.resize_with(at + 1, T::default);
            self.seen.resize_with(at + 1, || None);
            self.found.paths.resize_with(at + 1, PathBuf::new);
        }
        if let Some(place) = self.found.paths.get_mut(at) {
            place.clone_from(&path);
        }
        self.ids.insert(path, id);
        id
    }

    fn drop_files(&mut self, ids: impl IntoIterator<Item = FileId>) {
        for id in ids {
            let at = id.0 as usize;
            if let Some(path) = self.found.paths.get_mut(at) {
                self.ids.remove(&std::mem::take(path));
            }
            if let (Some(checked), Some(seen)) = (self.checked.get_mut(at), self.seen.get_mut(at)) {
                *checked = T::default();
                *seen = None;
            }
            self.found.files.hide(id);
            self.freed.push(id);
        }
    }

    /// Reads the files, with `trusting` those only whose times have changed, and gives those that are not
    /// what they were.
    fn look(
        &mut self,
        ids: &[FileId],
        trusting: bool,
        check: impl Fn(FileId, &[u8]) -> T + Sync,
    ) -> Vec<FileId> {
        let look = |id: &FileId| {
            let at = id.0 as usize;
            let path = self.found.paths.get(at)?;
            let seen = self.seen.get(at)?.as_ref();
            let look = look(path, seen, trusting, |bytes| check(*id, bytes));
            Some((*id, look))
        };
        let looks: Vec<_> = match ids {
            // Not worth the way to another thread.
            [id] => look(id).into_iter().collect(),
            ids => ids.par_iter().filter_map(look).collect(),
        };
        let mut changed = Vec::new();
        for (id, look) in looks {
            let at = id.0 as usize;
            match look {
                Look::Same(stamp) => {
                    if let Some(Some(seen)) = self.seen.get_mut(at) {
                        seen.stamp = stamp;
                    }
                }
                Look::New(seen, value) => {
                    if let (Some(place), Some(checked)) =
                        (self.seen.get_mut(at), self.checked.get_mut(at))
                    {
                        *place = Some(seen);
                        *checked = value;
                    }
                    self.found.files.hide(id);
                    changed.push(id);
                }
                Look::Gone => {
                    if self.seen.get(at).is_some_and(Option::is_some) {
                        changed.push(id);
                    }
                    self.drop_files([id]);
                }
                Look::Unreadable(cause) => {
                    let file = self.found.files.name(id).to_owned();
                    self.found.unread.push(Error::Unreadable { file, cause });
                }
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests;

/// What a path that something happened to may be.
enum Change {
    Nothing,
    /// A flag file that is there.
    File,
    /// One that is not.
    Gone(FileId),
    /// More than one file may have changed.
    Unknown,
}

fn look<T>(
    path: &Path,
    seen: Option<&Seen>,
    trusting: bool,
    check: impl Fn(&[u8]) -> T,
) -> Look<T> {
    // Before it is read: what comes after that shows at the next look.
    let stamp = match fs::metadata(path) {
        Ok(metadata) => Stamp::of(&metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Look::Gone,
        Err(_) => None,
    };
    if trusting
        && let Some(seen) = seen
        && seen.stamp.is_some()
        && seen.stamp == stamp
    {
        return Look::Same(stamp);
    }
    let stamp = stamp.filter(Stamp::is_settled);
    match read_bounded(path) {
        Ok(bytes) => {
            let digest = *blake3::hash(&bytes).as_bytes();
            if seen.is_some_and(|seen| seen.digest == digest) {
                return Look::Same(stamp);
            }
            Look::New(Seen { stamp, digest }, check(&bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Look::Gone,
        Err(error) => Look::Unreadable(error),
    }
}
