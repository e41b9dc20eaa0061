//! Which fields of a record a change touches.

use serde_json::{Map, Value};

use super::{Expect, RecordWrite, Write};
use crate::record::{Record, SPEC_FIELDS};

/// One field, before and after; `None` where it is not there.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct FieldChange {
    /// `percentage`, `variants.control`, `meta.owner`.
    pub path: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// When a stage began is left out: it is of no use to a reviewer, and follows from the others.
const SHOWN_STATUS: [&str; 3] = ["current_stage", "rolled_back_at", "paused_at"];

pub(super) fn changes(write: &Write) -> Vec<FieldChange> {
    let before = match &write.expect {
        Expect::Value(bytes) => Some(&**bytes),
        Expect::Absent | Expect::Any => None,
    };
    match &write.record {
        RecordWrite::Set(bytes) => FieldChange::between(before, Some(bytes)),
        RecordWrite::Delete => FieldChange::between(before, None),
        RecordWrite::Keep => Vec::new(),
    }
}

impl FieldChange {
    /// What differs between two records as they are stored, in the order of the record format. What
    /// is no record has no fields.
    #[must_use]
    pub fn between(before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<Self> {
        let parse = |bytes| Some(Record::parse(bytes).ok()?.to_json());
        let before = before.and_then(parse).unwrap_or_default();
        let after = after.and_then(parse).unwrap_or_default();
        differences(&before, &after)
    }
}

/// Every field that differs, in the order of the record format.
pub(super) fn differences(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let known = SPEC_FIELDS
        .iter()
        .copied()
        .chain(["meta"])
        .chain(SHOWN_STATUS);
    for field in known {
        match (before.get(field), after.get(field)) {
            (Some(Value::Object(before)), Some(Value::Object(after)))
                if field != "variants" || same_names(before, after) =>
            {
                nested(field, before, after, &mut changes);
            }
            (None, Some(Value::Object(after))) if field == "meta" => {
                nested(field, &Map::new(), after, &mut changes);
            }
            (Some(Value::Object(before)), None) if field == "meta" => {
                nested(field, before, &Map::new(), &mut changes);
            }
            (before, after) => push(field.to_owned(), before, after, &mut changes),
        }
    }
    changes
}

/// The order of variants decides who gets which, so another order is another value.
fn same_names(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    before.keys().eq(after.keys())
}

fn nested(
    field: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<FieldChange>,
) {
    let new = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(new) {
        push(
            format!("{field}.{name}"),
            before.get(name),
            after.get(name),
            changes,
        );
    }
}

fn push(
    path: String,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    let same = match (before, after) {
        // Maps compare without their order, which counts here.
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            before == after && same_names(before, after)
        }
        (before, after) => before == after,
    };
    if !same {
        changes.push(FieldChange {
            path,
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}
