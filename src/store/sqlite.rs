//! Records in an SQLite file: the store that needs no server.
//!
//! The file is written ahead (WAL), so that readers and a writer do not wait for each other; two
//! writers wait for `Options::timeout`. Reading never creates the file.

mod facts;
mod failure;
mod pulse;
mod read;
mod schema;
mod watch;
mod write;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::doctor::Facts;
use crate::plan::{Commit, Snapshot};

use super::names::Names;
use super::{Error, HistoryEntry, Info, Options, Outcome, Store, WatchClaim};

pub(super) use pulse::Pulse;
use schema::Format;

/// A prefix in an SQLite file.
pub(super) struct Sqlite {
    path: PathBuf,
    options: Options,
    prefix: String,
    info: Info,
    connection: Option<Connection>,
    /// Whether `connection` takes the file for one that never changes.
    is_frozen: bool,
    /// Locked as long as this process watches.
    watching: Option<fs::File>,
}

impl Sqlite {
    /// `location` is what follows `sqlite:` in the URL: a path, relative to `Options::base`, or
    /// `//` and an absolute path.
    pub fn new(location: &str, names: &Names, options: &Options) -> Result<Self, Error> {
        let url = format!("sqlite:{location}");
        let path = match location.strip_prefix("//") {
            Some(absolute) if absolute.starts_with('/') => absolute,
            Some(_) => {
                let reason =
                    "after `sqlite://` comes an absolute path, as in sqlite:///var/flags.db";
                return Err(Error::Url {
                    url,
                    reason: reason.to_owned(),
                });
            }
            None => location,
        };
        if path.is_empty() || path.ends_with('/') || path.contains('\0') {
            let reason = "it names no file".to_owned();
            return Err(Error::Url { url, reason });
        }
        if path == ":memory:" || path.starts_with("file:") || path.contains('?') {
            let reason = "hoist takes the path of a file, and nothing else that SQLite could open";
            return Err(Error::Url {
                url,
                reason: reason.to_owned(),
            });
        }
        Ok(Self {
            path: options.base.join(path),
            options: options.clone(),
            prefix: names.prefix.clone(),
            info: Info {
                kind: "sqlite",
                url,
                prefix: names.prefix.clone(),
            },
            connection: None,
            is_frozen: false,
            watching: None,
        })
    }

    /// The file, opened; `None` where there is none or nothing in it yet.
    fn existing(&mut self) -> Result<Option<&mut Connection>, Error> {
        if !self.path.exists() || self.is_frozen {
            // Deleted under our hands: what is written over an old connection would be lost. And what
            // is taken as frozen may have changed since.
            self.connection = None;
        }
        if self.connection.is_none() {
            failure::look_at(&self.path, &self.info.url)?;
            // An empty file is one that another process is just about to fill.
            if std::fs::metadata(&self.path).map_or(0, |found| found.len()) == 0 {
                return Ok(None);
            }
            let opened = self.open(OpenFlags::empty());
            let ours = opened.and_then(|connection| self.ours(connection));
            self.is_frozen = matches!(ours, Err(Error::FileReadOnly { .. } | Error::File { .. }))
                && !self.has_log();
            self.connection = if self.is_frozen {
                self.ours(self.open_frozen()?)?
            } else {
                ours?
            };
        }
        Ok(self.connection.as_mut())
    }

    /// Whether a log lies beside the file, without which the file is not what was last committed.
    fn has_log(&self) -> bool {
        ["-wal", "-journal"].into_iter().any(|suffix| {
            let mut log = self.path.clone().into_os_string();
            log.push(suffix);
            // What cannot be looked at may be there.
            match std::fs::metadata(log) {
                Ok(found) => found.len() > 0,
                Err(error) => error.kind() != std::io::ErrorKind::NotFound,
            }
        })
    }

    /// The file where SQLite may not even create the files that readers share: read as it lies there.
    fn open_frozen(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut uri = if self.path.is_absolute() {
            "file://".to_owned()
        } else {
            "file:".to_owned()
        };
        for byte in self.path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
                _ if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
                _ => uri += &format!("%{byte:02X}"),
            }
        }
        self.explained(Connection::open_with_flags(uri + "?immutable=1", flags))
    }

    /// `connection` where it leads to hoist's tables, none where there are no tables yet.
    fn ours(&self, connection: Connection) -> Result<Option<Connection>, Error> {
        Ok(self.is_ours(&connection)?.then_some(connection))
    }

    /// The file, opened for writing: created where it is missing, and of the present format.
    fn created(&mut self) -> Result<&mut Connection, Error> {
        let format = match self.existing()? {
            None => Ok(Format::Empty),
            Some(connection) => schema::format(connection),
        };
        if self.explained(format)? != Format::Current {
            self.create()?;
        }
        let missing = || Error::File {
            store: self.info.url.clone(),
            reason: "it vanished while it was opened".to_owned(),
        };
        self.connection.as_mut().ok_or_else(missing)
    }

    fn create(&mut self) -> Result<(), Error> {
        if let Some(folder) = self.path.parent() {
            create_folder(folder).map_err(|error| Error::File {
                store: self.info.url.clone(),
                reason: format!("its folder cannot be created: {error}"),
            })?;
        }
        let mut connection = self.open(OpenFlags::SQLITE_OPEN_CREATE)?;
        self.explained(self.patiently(|| schema::create(&mut connection)))?;
        if self.is_ours(&connection)? {
            self.connection = Some(connection);
        }
        Ok(())
    }

    /// Tries again while another process holds the file: SQLite waits by itself for most locks, but
    /// not for the one that it takes to begin writing ahead.
    fn patiently<T>(&self, mut work: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let deadline = Instant::now() + self.options.timeout;
        loop {
            match work() {
                Err(error) if failure::is_lock(&error) && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                result => return result,
            }
        }
    }

    fn open(&self, more: OpenFlags) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let opened = Connection::open_with_flags(&self.path, flags).and_then(|connection| {
            connection.busy_timeout(self.options.timeout)?;
            // A commit is on the disk when it returns, in every file system cache and drive between.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "fullfsync", true)?;
            connection.pragma_update(None, "checkpoint_fullfsync", true)?;
            Ok(connection)
        });
        self.explained(opened)
    }

    /// Whether the file holds hoist's tables; an error where it holds anything else.
    fn is_ours(&self, connection: &Connection) -> Result<bool, Error> {
        let store = self.info.url.clone();
        match self.explained(schema::format(connection))? {
            Format::Current | Format::First => Ok(true),
            Format::Empty => Ok(false),
            Format::Newer(found) => Err(Error::NewerFormat {
                store,
                found,
                known: schema::FORMAT,
            }),
            Format::Foreign => Err(Error::NotSqlite {
                store,
                reason: "it is a database, but not one of hoist's".to_owned(),
            }),
        }
    }

    fn explained<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|error| failure::explain(&error, &self.info.url, self.options.timeout))
    }

    /// What was read, or a store without anything in it.
    fn or_empty(&self, read: Option<Snapshot>) -> Result<Snapshot, Error> {
        match read {
            Some(snapshot) => Ok(snapshot),
            None => Ok(Snapshot {
                now: self.explained(Connection::open_in_memory().and_then(|c| read::now(&c)))?,
                ..Snapshot::default()
            }),
        }
    }

    /// Reads as of one moment. `None` where there is nothing to read.
    fn reading<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &str) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        let prefix = self.prefix.clone();
        let Some(connection) = self.existing()? else {
            return Ok(None);
        };
        let result = Transaction::new(connection, TransactionBehavior::Deferred)
            .and_then(|transaction| work(&transaction, &prefix));
        self.explained(result).map(Some)
    }
}

/// Creates a folder and those above it that are missing, so that they survive a loss of power. SQLite
/// sees to what lies in the folder, but not to the folder.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    create_folder(parent)?;
    match fs::create_dir(folder) {
        // Another process was faster.
        Err(_) if folder.is_dir() => {}
        created => created?,
    }
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    if cfg!(unix) {
        // Some file systems cannot do that, and then it does not make a difference.
        let _ = fs::File::open(parent).and_then(|parent| parent.sync_all());
    }
    Ok(())
}

impl Store for Sqlite {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&mut self) -> Result<Snapshot, Error> {
        let read = self.reading(read::snapshot);
        self.or_empty(read?)
    }

    fn read_flags(&mut self, flags: &[&str]) -> Result<Snapshot, Error> {
        let read = self.reading(|transaction, prefix| read::named(transaction, prefix, flags));
        self.or_empty(read?)
    }

    fn commit(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        if commit.writes.is_empty() {
            let present = self.reading(read::generation)?;
            let (_, generation) = present.unwrap_or_default();
            return Ok(Outcome::Committed { generation });
        }
        let prefix = self.prefix.clone();
        let keep = self.options.history_keep;
        let result = write::commit(self.created()?, &prefix, commit, keep);
        self.explained(result)
    }

    fn history(&mut self, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        let entries =
            self.reading(|transaction, prefix| read::history(transaction, prefix, limit))?;
        Ok(entries.unwrap_or_default())
    }

    fn facts(&mut self, _flags: &[&str]) -> Result<Facts, Error> {
        Ok(Facts::File(self.look_over()?))
    }

    fn claim_watch(
        &mut self,
        claim: &WatchClaim,
        _lasting: Duration,
    ) -> Result<Option<WatchClaim>, Error> {
        if self.watching.is_some() {
            return Ok(None);
        }
        let claimed = watch::claim(&self.path, &self.prefix, claim);
        let (watching, other) = claimed.map_err(|error| Error::File {
            store: self.info.url.clone(),
            reason: error.to_string(),
        })?;
        self.watching = watching;
        Ok(other)
    }

    fn release_watch(&mut self, _claim: &WatchClaim) -> Result<(), Error> {
        self.watching = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_on_the_disk_when_it_returns() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            base: folder.path().to_owned(),
            ..Options::default()
        };
        let names = Names::new("ff").expect("a fine prefix");
        let mut store = Sqlite::new("a/b/c.db", &names, &options).expect("a fine path");
        for _ in ["created", "opened"] {
            let connection = store.created().expect("a file");
            let pragma = |name: &str| -> String {
                let value = connection
                    .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
                format!("{:?}", value.expect(name))
            };
            assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
            // 2 is FULL: the log is synchronised at every commit, not only when it is moved over.
            for (name, value) in [
                ("synchronous", 2),
                ("fullfsync", 1),
                ("checkpoint_fullfsync", 1),
            ] {
                assert_eq!(pragma(name), format!("Integer({value})"), "{name}");
            }
            store.connection = None;
        }
    }

    #[test]
    fn a_file_is_read_as_it_lies_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            base: folder.path().to_owned(),
            ..Options::default()
        };
        let names = Names::new("ff").expect("a fine prefix");
        let mut store = Sqlite::new("a b%20#.db", &names, &options).expect("a fine path");
        store.create().expect("a file");
        assert!(store.has_log());
        store.connection = None;
        assert!(!store.has_log());
        let frozen = store.open_frozen().expect("a file that can be read");
        assert!(store.is_ours(&frozen).expect("hoist's tables"));
        let error = frozen
            .execute("DELETE FROM meta", [])
            .expect_err("no write");
        assert!(matches!(
            failure::explain(&error, "", options.timeout),
            Error::FileReadOnly { .. }
        ));
    }
}
