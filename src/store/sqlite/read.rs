//! Reading, within one transaction.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::plan::{Removed, Snapshot, Stored};
use crate::store::{HistoryEntry, effects};

use super::schema::{self, Format};

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

/// Everything below the prefix.
pub(super) fn snapshot(transaction: &Transaction<'_>, prefix: &str) -> rusqlite::Result<Snapshot> {
    let mut snapshot = head(transaction, prefix)?;
    flags(transaction, &[prefix], "", &mut snapshot)?;
    Ok(snapshot)
}

/// The bookkeeping of `named` flags and their records.
pub(super) fn named(
    transaction: &Transaction<'_>,
    prefix: &str,
    named: &[&str],
) -> rusqlite::Result<Snapshot> {
    let mut snapshot = head(transaction, prefix)?;
    for flag in named {
        flags(transaction, &[prefix, flag], " AND ~ = ?2", &mut snapshot)?;
    }
    Ok(snapshot)
}

/// A snapshot without flags.
fn head(transaction: &Transaction<'_>, prefix: &str) -> rusqlite::Result<Snapshot> {
    let (lineage, generation) = generation(transaction, prefix)?;
    let rolled_back = match schema::format(transaction)? {
        Format::First => "NULL",
        _ => "rolled_back",
    };
    let sql =
        format!("SELECT buckets, digest, \"commit\", {rolled_back} FROM meta WHERE prefix = ?1");
    let names = transaction.query_row(&sql, [prefix], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    let (buckets, digest, commit, rolled_back): (_, _, _, Option<String>) =
        names.optional()?.unwrap_or_default();
    Ok(Snapshot {
        lineage,
        generation,
        now: now(transaction)?,
        buckets,
        digest,
        commit,
        rolled_back: rolled_back.as_deref().and_then(effects::parse_rolled_back),
        ..Snapshot::default()
    })
}

/// Adds the flags of the prefix, or one of them: `which` is a further condition, in which `~` stands
/// for the column that names a flag, and `params` are what the conditions compare with.
fn flags(
    transaction: &Transaction<'_>,
    params: &[&str],
    which: &str,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<()> {
    let sql = |columns: &str, table: &str, flag: &str| {
        let which = which.replace('~', flag);
        format!("SELECT {flag}, {columns} FROM {table} WHERE prefix = ?1{which}")
    };
    let records = sql("value", "records", "key");
    snapshot
        .records
        .extend(rows::<_, Vec<_>>(transaction, &records, params, |row| {
            Ok((row.get(0)?, Stored::Value(bytes(row, 1)?.into())))
        })?);
    let specs = sql("digest", "specs", "flag");
    snapshot
        .specs
        .extend(rows::<_, Vec<_>>(transaction, &specs, params, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?);
    let removed = sql("generation, at", "removed", "flag");
    snapshot
        .removed
        .extend(rows::<_, Vec<_>>(transaction, &removed, params, |row| {
            let (generation, at) = (unsigned(row, 1)?, row.get(2)?);
            Ok((row.get(0)?, Removed { generation, at }))
        })?);
    if schema::format(transaction)? != Format::First {
        let stops = sql("stop", "stops", "flag");
        snapshot
            .stops
            .extend(rows::<_, Vec<_>>(transaction, &stops, params, |row| {
                Ok((row.get(0)?, effects::stop(&bytes(row, 1)?)))
            })?);
    }
    Ok(())
}

pub(super) fn history(
    transaction: &Transaction<'_>,
    prefix: &str,
    limit: usize,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    let notes = match schema::format(transaction)? {
        Format::First => "NULL",
        _ => "notes",
    };
    let sql = format!(
        "SELECT id, generation, at, actor, \"commit\", source, reason, version, digest, records, {notes}
               FROM history WHERE prefix = ?1 ORDER BY generation DESC LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = transaction.prepare(&sql)?;
    let entries = statement.query_map(params![prefix, limit], entry)?;
    entries.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    let records: String = row.get(9)?;
    let notes: Option<String> = row.get(10)?;
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
        notes: notes
            .and_then(|notes| serde_json::from_str(&notes).ok())
            .unwrap_or_default(),
    })
}

fn rows<T, C: FromIterator<T>>(
    transaction: &Transaction<'_>,
    sql: &str,
    params: &[&str],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<C> {
    transaction
        .prepare_cached(sql)?
        .query_map(rusqlite::params_from_iter(params), read)?
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
