//! Events of files: who changes what is to be read again, and when it is time to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

mod debounce;

pub use debounce::Debounce;

/// What has happened to files since the last look at them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// What was written, moved, made or removed.
    pub paths: BTreeSet<PathBuf>,
    /// Events were lost, or there were none: anything may have changed.
    pub everything: bool,
    /// Why no more events may come.
    pub failure: Option<String>,
}

impl Touched {
    /// Anything may have changed.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.everything && self.failure.is_none()
    }

    pub fn merge(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.everything |= other.everything;
        self.failure = other.failure.or(self.failure.take());
    }
}

/// Listens to a directory and everything below it, and to what lies directly in some others.
pub struct Watcher {
    inner: RecommendedWatcher,
    directory: PathBuf,
    others: Vec<PathBuf>,
    /// Where `directory` leads, as it is watched at present.
    real: Option<PathBuf>,
}

/// Why a directory cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0)]
pub struct Error(String);

impl Error {
    /// The limit of the system on what may be watched is the common reason.
    fn new(error: &notify::Error) -> Self {
        Self(match error.kind {
            notify::ErrorKind::MaxFilesWatch => {
                "the system's limit on watched directories is reached".to_owned()
            }
            _ => error.to_string(),
        })
    }
}

impl Watcher {
    /// Listens to `directory`, which may be missing for now, and to what lies directly in `others`, and
    /// tells of every event.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn start(
        directory: &Path,
        others: Vec<PathBuf>,
        mut tell: impl FnMut(Touched) + Send + 'static,
    ) -> Result<Self, Error> {
        let handler = move |event| {
            let touched = touched(event);
            if !touched.is_empty() {
                tell(touched);
            }
        };
        // Links are not followed: one may lead to a whole disk. What one leads to within the directory is
        // watched there.
        let config = notify::Config::default().with_follow_symlinks(false);
        let inner = RecommendedWatcher::new(handler, config).map_err(|error| Error::new(&error))?;
        let mut watcher = Self {
            inner,
            directory: directory.to_owned(),
            others,
            real: None,
        };
        watcher.renew()?;
        Ok(watcher)
    }

    /// Watches what has come since, and gives once that is so: a folder may be made, and a file in it
    /// written, before the news of the folder has come.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn renew(&mut self) -> Result<(), Error> {
        // The directory itself may be made again: then that shows in the one around it.
        let around = self
            .directory
            .ancestors()
            .skip(1)
            .find(|path| path.is_dir());
        let around = around.map(Path::to_owned);
        for other in self.others.clone().into_iter().chain(around) {
            self.watch(&other, RecursiveMode::NonRecursive)?;
        }
        let real = std::fs::canonicalize(&self.directory).ok();
        if let Some(former) = self
            .real
            .take()
            .filter(|former| Some(former) != real.as_ref())
        {
            // It may be gone.
            let _ = self.inner.unwatch(&former);
        }
        // Last, since a directory that is among the others too is to be watched with all below it.
        if let Some(real) = &real {
            self.watch(real, RecursiveMode::Recursive)?;
        }
        self.real = real;
        Ok(())
    }

    fn watch(&mut self, path: &Path, mode: RecursiveMode) -> Result<(), Error> {
        match self.inner.watch(path, mode) {
            Ok(()) => Ok(()),
            // Gone again: that shows in the directory around it.
            Err(_) if !path.exists() => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(Error::new(&error)),
        }
    }

    /// The paths of `touched` as they begin with the directory's own name, whatever it leads to.
    #[must_use]
    pub fn named(&self, mut touched: Touched) -> Touched {
        let Some(real) = self.real.as_ref().filter(|real| **real != self.directory) else {
            return touched;
        };
        let named = |path: PathBuf| match path.strip_prefix(real) {
            Ok(below) => self.directory.join(below),
            Err(_) => path,
        };
        touched.paths = touched.paths.into_iter().map(named).collect();
        touched
    }
}

/// Whether something below was removed while it was looked at.
fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound | notify::ErrorKind::WatchNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn touched(event: notify::Result<notify::Event>) -> Touched {
    match event {
        Ok(event) if event.need_rescan() => Touched::everything(),
        // To read a file is an event too, and hoist reads them.
        Ok(event) if is_of_reading(event.kind) => Touched::default(),
        Ok(event) => Touched {
            paths: event.paths.into_iter().collect(),
            ..Touched::default()
        },
        Err(error) => Touched {
            everything: true,
            failure: Some(Error::new(&error).to_string()),
            ..Touched::default()
        },
    }
}

fn is_of_reading(kind: EventKind) -> bool {
    let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
    matches!(kind, EventKind::Access(_)) && kind != written
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Event, Flag, ModifyKind};

    use super::*;

    #[test]
    fn reading_is_no_news_and_lost_events_are() {
        let event = |kind| Ok(Event::new(kind).add_path("a.yaml".into()));
        let read = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert!(touched(event(read)).is_empty());
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        for kind in [closed, written] {
            assert_eq!(touched(event(kind)).paths.len(), 1, "{kind:?}");
        }
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(touched(Ok(lost)), Touched::everything());
        let failed = touched(Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)));
        assert!(failed.everything && failed.failure.is_some());
    }

    #[test]
    fn what_a_linked_directory_holds_is_named_by_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("flags"));
        std::fs::create_dir(&real).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let watcher = Watcher::start(&link, Vec::new(), |_| ()).unwrap();
        let real = std::fs::canonicalize(real).unwrap();
        let touched = Touched {
            paths: [real.join("a.yaml"), "/elsewhere".into()].into(),
            ..Touched::default()
        };
        let expected = [link.join("a.yaml"), "/elsewhere".into()];
        assert_eq!(watcher.named(touched).paths, expected.into());
    }
}
