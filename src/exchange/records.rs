//! Records: those in a store as flags of a file, and flags as the records that an apply would write.

use serde_json::{Map, Value, json};

use super::{Draft, Imported, Outgoing, below, metadata};
use crate::model::is_key;
use crate::record::Record;

/// What stands before the flags of an export.
pub(super) fn head(environment: &str) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("version".into(), 1.into());
    head.insert("environment".into(), environment.into());
    head
}

/// The spec of `flag`, and where it stands.
pub(super) fn write(flag: &Outgoing<'_>) -> Value {
    let mut spec = flag.spec.as_json().clone();
    let (file, line) = flag.source;
    spec.insert("source".into(), json!({"file": file, "line": line}));
    spec.into()
}

/// The flag whose spec `record` has, as a flag file has it. Whether that is all of it shows once the
/// text is read again.
pub fn record(key: &str, record: &Record, imported: &mut Imported) {
    if !is_key(key) {
        imported.leave_out(
            key,
            key,
            "a key has small letters, digits, `_`, `.` and `-`, a letter first",
        );
        return;
    }
    let spec = record.spec.as_json();
    let mut fields = match spec.get("meta") {
        Some(meta) => metadata::take(imported, key, &below(key, "meta"), meta, &metadata::ABOUT),
        None => Map::new(),
    };
    let mut take = |field: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| *value != json!([]) && *value != json!({})) {
            fields.insert(field.to_owned(), value);
        }
    };
    let given = |field: &str| spec.get(field).cloned();
    take("enabled", given("enabled"));
    take(
        "percentage",
        given("percentage").filter(|share| *share != 100),
    );
    take("rollout", spec.get("rollout_stages").map(stages));
    take(
        "variants",
        spec.get("variants")
            .map(|variants| with_values(variants, spec.get("values"))),
    );
    take(
        "control",
        given("control").filter(|control| *control != "control"),
    );
    for field in ["forced", "allowed_users", "allowed_groups", "salt"] {
        take(field, given(field));
    }
    if record.is_rolled_back() {
        imported.lose(
            key,
            below(key, "enabled"),
            "it is stopped, and written as off: nothing turns it on until `enabled: true` is applied",
        );
    }
    imported.flags.push(Draft {
        key: key.to_owned(),
        fields,
        path: key.to_owned(),
    });
}

fn with_values(variants: &Value, values: Option<&Value>) -> Value {
    let (Value::Object(weights), Some(values)) = (variants, values) else {
        return variants.clone();
    };
    let variant = |(name, weight): (&String, &Value)| {
        let variant = match values.get(name) {
            Some(value) => json!({"weight": weight, "value": value}),
            None => weight.clone(),
        };
        (name.clone(), variant)
    };
    Value::Object(weights.iter().map(variant).collect())
}

fn stages(stages: &Value) -> Value {
    let Value::Array(stages) = stages else {
        return stages.clone();
    };
    let stage = |stage: &Value| {
        let mut fields = Map::new();
        if let Some(percentage) = stage.get("percentage") {
            fields.insert("percentage".into(), percentage.clone());
        }
        let hours = stage.get("duration_hours").and_then(Value::as_f64);
        if let Some(duration) = hours.and_then(duration) {
            fields.insert("duration".into(), duration.into());
        }
        Value::Object(fields)
    };
    stages.iter().map(stage).collect()
}

/// Hours as flag files write them, to the nearest minute; `None` for none at all.
fn duration(hours: f64) -> Option<String> {
    let minutes = (hours * 60.0).round();
    if !(1.0..=60.0 * 24.0 * 7.0 * 999_999.0).contains(&minutes) {
        return None;
    }
    // In range, so the cast loses nothing.
    let minutes = minutes as u64;
    Some(if minutes.is_multiple_of(24 * 60) {
        format!("{}d", minutes / (24 * 60))
    } else if minutes.is_multiple_of(60) {
        format!("{}h", minutes / 60)
    } else {
        format!("{minutes}m")
    })
}
