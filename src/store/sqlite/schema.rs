//! The tables, and bringing a file up to them.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Format of the file. An older one is read as it is and brought up to this before the first commit;
/// a file of a later format is refused.
pub(super) const FORMAT: i64 = 2;

const TABLES: &str = "
CREATE TABLE records (
    prefix TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (prefix, key)
) WITHOUT ROWID;
CREATE TABLE meta (
    prefix TEXT NOT NULL PRIMARY KEY,
    lineage TEXT NOT NULL,
    generation INTEGER NOT NULL,
    digest TEXT NOT NULL,
    \"commit\" TEXT,
    actor TEXT,
    applied_at REAL NOT NULL,
    version TEXT NOT NULL,
    buckets TEXT NOT NULL,
    rolled_back TEXT
) WITHOUT ROWID;
CREATE TABLE specs (
    prefix TEXT NOT NULL,
    flag TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (prefix, flag)
) WITHOUT ROWID;
CREATE TABLE removed (
    prefix TEXT NOT NULL,
    flag TEXT NOT NULL,
    generation INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (prefix, flag)
) WITHOUT ROWID;
CREATE TABLE history (
    prefix TEXT NOT NULL,
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT,
    \"commit\" TEXT,
    source TEXT NOT NULL,
    reason TEXT,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    records TEXT NOT NULL,
    notes TEXT,
    PRIMARY KEY (prefix, generation)
);
CREATE TABLE stops (
    prefix TEXT NOT NULL,
    flag TEXT NOT NULL,
    stop TEXT NOT NULL,
    PRIMARY KEY (prefix, flag)
) WITHOUT ROWID;
";

/// From format 1 to format 2.
const SINCE_1: &str = "
ALTER TABLE history ADD COLUMN notes TEXT;
ALTER TABLE meta ADD COLUMN rolled_back TEXT;
CREATE TABLE stops (
    prefix TEXT NOT NULL,
    flag TEXT NOT NULL,
    stop TEXT NOT NULL,
    PRIMARY KEY (prefix, flag)
) WITHOUT ROWID;
";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Nothing yet.
    Empty,
    /// Without emergency stops, notes and rollbacks.
    First,
    Current,
    /// Written by a later hoist.
    Newer(i64),
    /// A database of something else.
    Foreign,
}

pub(super) fn format(connection: &Connection) -> rusqlite::Result<Format> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(match version {
        FORMAT => Format::Current,
        1 => Format::First,
        0 => {
            let tables: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables == 0 {
                Format::Empty
            } else {
                Format::Foreign
            }
        }
        newer => Format::Newer(newer),
    })
}

/// Begins to write ahead, creates the tables where there are none, and brings those of an older
/// format up to this one. Two processes may try at once: the second finds it done.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let missing = match format(&transaction)? {
        Format::Empty => TABLES,
        Format::First => SINCE_1,
        Format::Current | Format::Newer(_) | Format::Foreign => return Ok(()),
    };
    transaction.execute_batch(missing)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}
