//! Records in an SQLite file: the store that needs no server.
//!
//! The file is written ahead (WAL), so that readers and a writer do not wait for each other; two
//! writers wait for `Options::timeout`. Reading never creates the file.

mod failure;
mod read;
mod schema;
mod write;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::plan::{Commit, Snapshot};

use super::names::Names;
use super::{Error, HistoryEntry, Info, Options, Outcome, Store};

use schema::Format;

/// A prefix in an SQLite file.
pub(super) struct Sqlite {
    path: PathBuf,
    options: Options,
    prefix: String,
    info: Info,
    connection: Option<Connection>,
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
        })
    }

    /// The file, opened; `None` where there is none or nothing in it yet.
    fn existing(&mut self) -> Result<Option<&mut Connection>, Error> {
        if !self.path.exists() {
            // Deleted under our hands: what is written over an old connection would be lost.
            self.connection = None;
        }
        if self.connection.is_none() {
            failure::look_at(&self.path, &self.info.url)?;
            // An empty file is one that another process is just about to fill.
            if std::fs::metadata(&self.path).map_or(0, |found| found.len()) == 0 {
                return Ok(None);
            }
            let connection = self.open(OpenFlags::empty())?;
            if !self.is_ours(&connection)? {
                return Ok(None);
            }
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut())
    }

    /// The file, opened for writing and created where it is missing.
    fn created(&mut self) -> Result<&mut Connection, Error> {
        if self.existing()?.is_none() {
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
            std::fs::create_dir_all(folder).map_err(|error| Error::File {
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
            connection.pragma_update(None, "synchronous", "full")?;
            Ok(connection)
        });
        self.explained(opened)
    }

    /// Whether the file holds hoist's tables; an error where it holds anything else.
    fn is_ours(&self, connection: &Connection) -> Result<bool, Error> {
        let store = self.info.url.clone();
        match self.explained(schema::format(connection))? {
            Format::Current => Ok(true),
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

impl Store for Sqlite {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&mut self) -> Result<Snapshot, Error> {
        match self.reading(read::snapshot)? {
            Some(snapshot) => Ok(snapshot),
            None => Ok(Snapshot {
                now: self.explained(Connection::open_in_memory().and_then(|c| read::now(&c)))?,
                ..Snapshot::default()
            }),
        }
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
}
