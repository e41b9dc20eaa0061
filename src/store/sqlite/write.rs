//! Committing, in one transaction that keeps other writers out.

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params,
};

use crate::plan::{Commit, Expect, RecordWrite};
use crate::store::effects::{self, Found};
use crate::store::{Moved, Outcome};

use super::read;

pub(super) fn commit(
    connection: &mut Connection,
    prefix: &str,
    commit: &Commit,
    history_keep: usize,
) -> rusqlite::Result<Outcome> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let moved = moved(&transaction, prefix, commit)?;
    if !moved.is_empty() {
        return Ok(Outcome::Moved(moved));
    }
    write_records(&transaction, prefix, commit)?;
    write_specs(&transaction, prefix, commit)?;
    write_stops(&transaction, prefix, commit)?;
    write_meta(&transaction, prefix, commit)?;
    write_history(&transaction, prefix, commit, history_keep)?;
    transaction.commit()?;
    Ok(Outcome::Committed {
        generation: effects::generation(commit),
    })
}

fn moved(
    transaction: &Transaction<'_>,
    prefix: &str,
    commit: &Commit,
) -> rusqlite::Result<Vec<Moved>> {
    let (lineage, generation) = read::generation(transaction, prefix)?;
    let mut moved = effects::store_moved(commit, lineage.as_deref(), generation);
    let mut get =
        transaction.prepare_cached("SELECT value FROM records WHERE prefix = ?1 AND key = ?2")?;
    for write in commit
        .writes
        .iter()
        .filter(|write| write.expect != Expect::Any)
    {
        let row = get.query_row(params![prefix, write.flag], |row| read::bytes(row, 0));
        let value = row.optional()?;
        let found = value.as_deref().map_or(Found::Nothing, Found::Bytes);
        if !effects::holds(&write.expect, found) {
            moved.push(Moved::Record {
                flag: write.flag.clone(),
            });
        }
    }
    Ok(moved)
}

fn write_records(
    transaction: &Transaction<'_>,
    prefix: &str,
    commit: &Commit,
) -> rusqlite::Result<()> {
    let mut set = prepare(
        transaction,
        "INSERT OR REPLACE INTO records (prefix, key, value) VALUES (?1, ?2, ?3)",
    )?;
    let mut delete = prepare(
        transaction,
        "DELETE FROM records WHERE prefix = ?1 AND key = ?2",
    )?;
    for write in &commit.writes {
        match &write.record {
            RecordWrite::Keep => {}
            RecordWrite::Set(bytes) => {
                set.execute(params![prefix, write.flag, &**bytes])?;
            }
            RecordWrite::Delete => {
                delete.execute(params![prefix, write.flag])?;
            }
        }
    }
    Ok(())
}

fn write_specs(
    transaction: &Transaction<'_>,
    prefix: &str,
    commit: &Commit,
) -> rusqlite::Result<()> {
    let mut manage = prepare(
        transaction,
        "INSERT OR REPLACE INTO specs (prefix, flag, digest) VALUES (?1, ?2, ?3)",
    )?;
    let mut unlist = prepare(
        transaction,
        "DELETE FROM removed WHERE prefix = ?1 AND flag = ?2",
    )?;
    for (flag, digest) in effects::specs_set(commit) {
        manage.execute(params![prefix, flag, digest])?;
        unlist.execute(params![prefix, flag])?;
    }
    let note = effects::removed(commit);
    let mut forget = prepare(
        transaction,
        "DELETE FROM specs WHERE prefix = ?1 AND flag = ?2",
    )?;
    let mut list = prepare(
        transaction,
        "INSERT OR REPLACE INTO removed (prefix, flag, generation, at) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for flag in effects::specs_removed(commit) {
        forget.execute(params![prefix, flag])?;
        list.execute(params![prefix, flag, signed(note.generation), note.at])?;
    }
    Ok(())
}

fn write_stops(
    transaction: &Transaction<'_>,
    prefix: &str,
    commit: &Commit,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO stops (prefix, flag, stop) VALUES (?1, ?2, ?3)";
    let mut note = prepare(transaction, sql)?;
    for (flag, stop) in effects::stops_set(commit) {
        // Plain data: it always serialises.
        let json = serde_json::to_string(stop).unwrap_or_default();
        note.execute(params![prefix, flag, json])?;
    }
    let sql = "DELETE FROM stops WHERE prefix = ?1 AND flag = ?2";
    let mut clear = prepare(transaction, sql)?;
    for flag in effects::stops_cleared(commit) {
        clear.execute(params![prefix, flag])?;
    }
    Ok(())
}

fn write_meta(
    transaction: &Transaction<'_>,
    prefix: &str,
    commit: &Commit,
) -> rusqlite::Result<()> {
    let about = &commit.about;
    let sql = "INSERT OR REPLACE INTO meta
        (prefix, lineage, generation, digest, \"commit\", actor, applied_at, version, buckets,
         rolled_back)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    prepare(transaction, sql)?.execute(params![
        prefix,
        effects::lineage(commit),
        signed(effects::generation(commit)),
        about.digest,
        about.commit,
        about.actor,
        about.at,
        about.version,
        about.buckets,
        effects::rolled_back(commit),
    ])?;
    Ok(())
}

fn write_history(
    transaction: &Transaction<'_>,
    prefix: &str,
    commit: &Commit,
    keep: usize,
) -> rusqlite::Result<()> {
    let about = &commit.about;
    let generation = signed(effects::generation(commit));
    // A map of texts: it always serialises.
    let records = String::from_utf8(effects::records_json(commit)).unwrap_or_default();
    let sql = "INSERT OR REPLACE INTO history
        (prefix, generation, id, at, actor, \"commit\", source, reason, version, digest, records, notes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let notes = serde_json::to_string(&about.notes).unwrap_or_default();
    prepare(transaction, sql)?.execute(params![
        prefix,
        generation,
        commit.id,
        about.at,
        about.actor,
        about.commit,
        about.source,
        about.reason,
        about.version,
        about.digest,
        records,
        Some(notes).filter(|_| !about.notes.is_empty()),
    ])?;
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    let sql = "DELETE FROM history WHERE prefix = ?1 AND generation <= ?2";
    prepare(transaction, sql)?.execute(params![prefix, generation.saturating_sub(keep)])?;
    Ok(())
}

fn prepare<'t>(
    transaction: &'t Transaction<'_>,
    sql: &str,
) -> rusqlite::Result<CachedStatement<'t>> {
    transaction.prepare_cached(sql)
}

/// SQLite's numbers are signed; a generation that large is never reached.
fn signed(generation: u64) -> i64 {
    i64::try_from(generation).unwrap_or(i64::MAX)
}
