//! `stale --format json`, version 1. The shape is a public contract; fields may be added.

use serde::Serialize;
use serde_json::Value;

use super::stale::{Item, Stale};
use crate::plan::{Source, StoreRef};
use crate::stale::{By, Reason};

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    environment: Option<&'a str>,
    store: Option<&'a StoreRef>,
    days: u32,
    checked: usize,
    flags: Vec<FlagDocument<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct FlagDocument<'a> {
    /// From 1.
    order: usize,
    flag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
    reasons: Vec<ReasonDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    references: Option<References<'a>>,
    next: String,
}

#[derive(Serialize)]
struct ReasonDocument {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    /// Seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<f64>,
    /// `stage_started`, `rollout_started`, `history` or `git`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    evidence: String,
}

#[derive(Serialize)]
struct References<'a> {
    count: usize,
    places: &'a [String],
}

/// The flags as a JSON value.
#[must_use]
pub fn value(stale: &Stale<'_>) -> Value {
    let store = stale.store;
    let document = Document {
        version: 1,
        environment: store.and_then(|store| store.environment.as_deref()),
        store: store.map(|store| &store.store),
        days: stale.limits.days,
        checked: stale.checked,
        flags: (1..)
            .zip(stale.items)
            .map(|(order, item)| flag(order, item, stale))
            .collect(),
        notes: stale.notes,
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn flag<'a>(order: usize, item: &'a Item, stale: &Stale<'_>) -> FlagDocument<'a> {
    let known = &item.due.known;
    FlagDocument {
        order,
        flag: &known.flag,
        owner: known.owner.as_deref(),
        created: known.created.map(|date| date.to_string()),
        age_days: item.due.age,
        source: item.source.as_ref(),
        reasons: item
            .due
            .reasons
            .iter()
            .map(|reason| self::reason(reason, stale))
            .collect(),
        references: known.uses.map(|count| References {
            count,
            places: &item.places,
        }),
        next: item.next(),
    }
}

fn reason(reason: &Reason, stale: &Stale<'_>) -> ReasonDocument {
    let (since, by) = match reason {
        Reason::Everyone { since, .. } => {
            let by = match since.by {
                By::Record(field) => field,
                By::History { .. } => "history",
                By::Git { .. } => "git",
            };
            (Some(since.at), Some(by))
        }
        Reason::RolledBack { stop, .. } => (stop.since, None),
        _ => (None, None),
    };
    ReasonDocument {
        reason: reason.as_str(),
        days: reason.days(),
        since,
        by,
        evidence: stale.evidence(reason),
    }
}
