//! Reading, within one transaction.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::plan::{Removed, Snapshot, Stored};
use crate::store::HistoryEntry;

/// The store's clock, in seconds since the epoch.
pub(super) fn now(connection: &Connection) -> rusqlite::Result<f64> {
    connection.query_row("SELECT unixepoch('subsec')", [], |row| row.get(0))
}

/// Lineage and generation; none and 0 before the first commit.
pub(super) fn generation(
    transaction: &Transaction<'_>,
    prefix: &str,
) -> rusqlite::Result<(Option<String>, u64)> {
    let sql = "SELECT lineage, generation FROM meta WHERE prefix = ?1";
    let found = transaction.query_row(sql, [prefix], |row| Ok((row.get(0)?, unsigned(row, 1)?)));
    Ok(found.optional()?.unwrap_or_default())
}

pub(super) fn snapshot(transaction: &Transaction<'_>, prefix: &str) -> rusqlite::Result<Snapshot> {
    let (lineage, generation) = generation(transaction, prefix)?;
    let sql = "SELECT buckets, digest FROM meta WHERE prefix = ?1";
    let names = transaction.query_row(sql, [prefix], |row| Ok((row.get(0)?, row.get(1)?)));
    let (buckets, digest) = names.optional()?.unwrap_or_default();
    Ok(Snapshot {
        lineage,
        generation,
        now: now(transaction)?,
        buckets,
        digest,
        records: rows(
            transaction,
            "SELECT key, value FROM records WHERE prefix = ?1",
            prefix,
            |row| Ok((row.get(0)?, Stored::Value(bytes(row, 1)?))),
        )?,
        specs: rows(
            transaction,
            "SELECT flag, digest FROM specs WHERE prefix = ?1",
            prefix,
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?,
        removed: rows(
            transaction,
            "SELECT flag, generation, at FROM removed WHERE prefix = ?1",
            prefix,
            |row| {
                let (generation, at) = (unsigned(row, 1)?, row.get(2)?);
                Ok((row.get(0)?, Removed { generation, at }))
            },
        )?,
    })
}

pub(super) fn history(
    transaction: &Transaction<'_>,
    prefix: &str,
    limit: usize,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    let sql =
        "SELECT id, generation, at, actor, \"commit\", source, reason, version, digest, records
               FROM history WHERE prefix = ?1 ORDER BY generation DESC LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = transaction.prepare(sql)?;
    let entries = statement.query_map(params![prefix, limit], entry)?;
    entries.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    let records: String = row.get(9)?;
    Ok(HistoryEntry {
        id: row.get(0)?,
        generation: unsigned(row, 1)?,
        at: row.get(2)?,
        actor: row.get(3)?,
        commit: row.get(4)?,
        source: row.get(5)?,
        reason: row.get(6)?,
        version: row.get(7)?,
        digest: row.get(8)?,
        records: serde_json::from_str(&records).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, error.into())
        })?,
    })
}

fn rows<T, C: FromIterator<T>>(
    transaction: &Transaction<'_>,
    sql: &str,
    prefix: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<C> {
    transaction
        .prepare(sql)?
        .query_map([prefix], read)?
        .collect()
}

/// A record's bytes. Other programs may write text where hoist writes a blob.
pub(super) fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(row.get_ref(column)?.as_bytes()?.to_vec())
}

/// A counter. SQLite knows signed numbers only, and a negative one is damage.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
