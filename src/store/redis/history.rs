//! The stream of past commits.

use std::collections::HashMap;

use ::redis::Value;

use crate::store::{Error, HistoryEntry};

use super::wire::Wire;
use super::{Redis, value};

impl Redis {
    /// The newest `limit` entries, newest first. An entry that is not hoist's is left out.
    pub(super) fn newest(&self, wire: &mut Wire, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let key = &self.names.history;
        // The server counts in signed 64 bits.
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        wire.command(&["XREVRANGE", key, "+", "-", "COUNT", &count.to_string()]);
        let answer = wire.answers()?.pop().unwrap_or(Value::Nil);
        self.check_type(key, &answer)?;
        let entries = value::list(answer).ok_or_else(|| self.endpoint.nonsense())?;
        Ok(entries.into_iter().filter_map(entry).collect())
    }
}

/// An element of a stream: its identifier and its fields.
fn entry(element: Value) -> Option<HistoryEntry> {
    let fields = value::list(element)?.into_iter().nth(1)?;
    let mut fields: HashMap<String, Vec<u8>> = value::pairs(fields).collect();
    let records = fields.remove("records")?;
    let notes = fields.remove("notes").unwrap_or_default();
    let mut text = |name: &str| fields.remove(name).map(value::lossy);
    Some(HistoryEntry {
        id: text("id")?,
        generation: text("generation")?.parse().ok()?,
        at: text("at")?.parse().ok()?,
        actor: text("actor"),
        commit: text("commit"),
        source: text("source").unwrap_or_default(),
        reason: text("reason"),
        version: text("version").unwrap_or_default(),
        digest: text("digest").unwrap_or_default(),
        records: serde_json::from_slice(&records).ok()?,
        notes: serde_json::from_slice(&notes).unwrap_or_default(),
    })
}
