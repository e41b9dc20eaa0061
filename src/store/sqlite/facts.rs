//! What is seen of a file by looking at it, for `doctor` to judge.

use std::fs::{self, Metadata};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::doctor::facts::File;
use crate::store::Error;

use super::schema::{self, Format};
use super::{Sqlite, failure};

/// Faults that are listed at most.
const FAULTS: usize = 20;

impl Sqlite {
    pub(super) fn look_over(&mut self) -> Result<File, Error> {
        let found = fs::metadata(&self.path).ok();
        let found = found.filter(|found| found.len() > 0);
        let mut file = File {
            path: self.path.display().to_string(),
            size: found.as_ref().map(Metadata::len),
            is_older: false,
            damage: Vec::new(),
            journal: String::new(),
            unwritable: None,
            is_open: found.as_ref().is_some_and(is_open),
        };
        let connection = match self.existing() {
            Ok(Some(connection)) => connection,
            Ok(None) => return Ok(file),
            // Too damaged to be opened: all that can be said.
            Err(Error::Bookkeeping { reason, .. }) => {
                file.damage.push(reason);
                return Ok(file);
            }
            Err(error) => return Err(error),
        };
        file.is_older = matches!(schema::format(connection), Ok(Format::First));
        file.damage = damage(connection);
        file.journal = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap_or_default();
        file.unwritable = unwritable(connection);
        if self.is_frozen {
            file.unwritable
                .get_or_insert("the folder may not be written".to_owned());
        }
        Ok(file)
    }
}

/// What SQLite finds wrong with every page and every index.
fn damage(connection: &Connection) -> Vec<String> {
    let faults = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FAULTS})"))?;
        let faults = statement.query_map([], |row| row.get::<_, String>(0))?;
        faults.collect()
    };
    match faults() {
        Ok(faults) => faults.into_iter().filter(|fault| fault != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// Why nothing can be written, found by beginning to and leaving it at that.
fn unwritable(connection: &mut Connection) -> Option<String> {
    let begun = Transaction::new(connection, TransactionBehavior::Immediate);
    match begun.and_then(Transaction::rollback) {
        // Another process writes at the moment.
        Err(error) if failure::is_lock(&error) => None,
        result => result.err().map(|error| error.to_string()),
    }
}

#[cfg(unix)]
fn is_open(found: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn is_open(_found: &Metadata) -> bool {
    false
}
