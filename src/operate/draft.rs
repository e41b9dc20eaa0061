//! A record on its way from one state to the next.

use serde_json::{Map, Value};

use crate::record::{NotARecord, Record, SPEC_FIELDS, STATUS_FIELDS};

/// A record that is changed field by field. Whatever else stands in it stays as it is, in the order
/// and the form in which another client may have written it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    fields: Map<String, Value>,
    record: Record,
}

impl Draft {
    pub fn read(bytes: &[u8]) -> Result<Self, NotARecord> {
        Ok(Self::new(Record::fields(bytes)?))
    }

    fn new(fields: Map<String, Value>) -> Self {
        Self {
            record: Record::from_fields(fields.clone()),
            fields,
        }
    }

    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Compact JSON, as it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing a map of JSON values to memory has no way to fail.
        serde_json::to_vec(&self.fields).unwrap_or_default()
    }

    /// With some fields set, and others gone (`None`).
    pub(super) fn with<const N: usize>(&self, changes: [(&str, Option<Value>); N]) -> Self {
        let mut fields = self.fields.clone();
        for (field, value) in changes {
            match value {
                Some(value) => set(&mut fields, field, value),
                None => drop(fields.shift_remove(field)),
            }
        }
        Self::new(fields)
    }
}

/// Sets a field; a new one takes its place in the order of the record format.
fn set(fields: &mut Map<String, Value>, field: &str, value: Value) {
    if let Some(found) = fields.get_mut(field) {
        *found = value;
        return;
    }
    let rank = |field: &str| {
        let mut order = SPEC_FIELDS.iter().chain(&["meta"]).chain(&STATUS_FIELDS);
        order.position(|known| *known == field)
    };
    let own = rank(field);
    let before = fields
        .keys()
        .rposition(|found| rank(found).is_some_and(|rank| Some(rank) < own));
    fields.shift_insert(before.map_or(0, |at| at + 1), field.to_owned(), value);
}
