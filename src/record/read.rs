//! Records as any client may have written them, into normal form.

use serde_json::{Map, Value, json};

use super::{Kind, Record, SPEC_FIELDS, STATUS_FIELDS, Spec, Status, nearest, percent};
use crate::model::Percent;

/// Why a value is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARecord {
    #[error("it is not JSON: {0}")]
    NotJson(String),
    #[error("it is JSON, but {0} and not an object")]
    NotAnObject(&'static str),
    #[error("its key holds a {0}")]
    OtherType(String),
}

pub(super) fn record(bytes: &[u8]) -> Result<Record, NotARecord> {
    Ok(from_fields(fields(bytes)?))
}

/// The fields of a record, as they stand in it.
pub(super) fn fields(bytes: &[u8]) -> Result<Map<String, Value>, NotARecord> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(json)) => Ok(json),
        Ok(other) => Err(NotARecord::NotAnObject(name_of(&other))),
        Err(error) => Err(NotARecord::NotJson(error.to_string())),
    }
}

pub(super) fn from_fields(json: Map<String, Value>) -> Record {
    let spec = Spec::from_json(&json);
    let status: Map<_, _> = STATUS_FIELDS
        .iter()
        .filter_map(|field| Some((field.to_string(), given(&json, field)?.clone())))
        .collect();
    let status = Status(status);
    let percentage = live_percentage(&json, &spec, &status);
    let other = json
        .into_iter()
        .filter(|(field, _)| {
            let field = field.as_str();
            field != "meta" && !SPEC_FIELDS.contains(&field) && !STATUS_FIELDS.contains(&field)
        })
        .collect();
    Record {
        spec,
        status,
        percentage,
        other,
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A field that is there and not null.
fn given<'a>(json: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    json.get(field).filter(|value| !value.is_null())
}

/// The share of users that the record gives now. One that cannot be read counts as that of the
/// current stage, or as nobody.
fn live_percentage(json: &Map<String, Value>, spec: &Spec, status: &Status) -> Percent {
    let stage = || {
        let stage = status.current_stage().unwrap_or(0);
        spec.stages().get(stage).copied()
    };
    let default = match given(json, "percentage") {
        None if spec.kind() != Kind::Rollout => Percent::HUNDRED,
        _ => Percent::ZERO,
    };
    nearest(json.get("percentage"))
        .or_else(stage)
        .unwrap_or(default)
}

/// The spec of a record, in normal form: defaults filled in, numbers in their shortest form,
/// fields in order. A field of the wrong shape stays as it is, and so differs from any wanted one.
pub(super) fn spec(json: &Map<String, Value>) -> Map<String, Value> {
    let mut spec = Map::new();
    let kind = given(json, "type").cloned().unwrap_or_else(|| {
        // Writers from before the field existed.
        if given(json, "variants").is_some() {
            "experiment".into()
        } else if given(json, "rollout_stages").is_some() {
            "rollout".into()
        } else {
            "boolean".into()
        }
    });
    let (rollout, experiment) = (kind == "rollout", kind == "experiment");
    let enabled = given(json, "enabled")
        .cloned()
        .unwrap_or(Value::Bool(false));
    spec.insert("type".into(), kind);
    spec.insert("enabled".into(), enabled);
    if !rollout {
        let percentage = given(json, "percentage").map_or(json!(100), number);
        spec.insert("percentage".into(), percentage);
    }
    for field in ["allowed_users", "allowed_groups"] {
        let list = given(json, field).cloned().unwrap_or(json!([]));
        if !experiment || list != json!([]) {
            spec.insert(field.into(), list);
        }
    }
    if let Some(stages) = given(json, "rollout_stages") {
        spec.insert("rollout_stages".into(), normal_stages(stages));
    }
    if let Some(variants) = given(json, "variants") {
        let control = given(json, "control").cloned();
        let control = control.unwrap_or_else(|| default_control(variants));
        spec.insert("variants".into(), normal_variants(variants));
        spec.insert("control".into(), control);
        let forced = given(json, "forced").cloned().unwrap_or(json!({}));
        spec.insert("forced".into(), forced);
    }
    for field in ["values", "salt", "meta"] {
        if let Some(value) = given(json, field).filter(|value| **value != json!({})) {
            spec.insert(field.into(), value.clone());
        }
    }
    spec
}

fn normal_stages(stages: &Value) -> Value {
    let Value::Array(stages) = stages else {
        return stages.clone();
    };
    let normal = |stage: &Value| match stage {
        Value::Object(stage) => json!({
            "percentage": stage.get("percentage").map_or(Value::Null, number),
            "duration_hours": given(stage, "duration_hours").map_or(Value::Null, hours),
        }),
        other => other.clone(),
    };
    Value::Array(stages.iter().map(normal).collect())
}

fn normal_variants(variants: &Value) -> Value {
    let Value::Object(variants) = variants else {
        return variants.clone();
    };
    let normal = |(name, weight): (&String, &Value)| (name.clone(), number(weight));
    Value::Object(variants.iter().map(normal).collect())
}

/// `control` if there is one, else the first.
fn default_control(variants: &Value) -> Value {
    let Value::Object(variants) = variants else {
        return Value::Null;
    };
    if variants.contains_key("control") {
        return "control".into();
    }
    variants
        .keys()
        .next()
        .map_or(Value::Null, |name| name.as_str().into())
}

/// A percentage in its shortest form; anything else as it is.
fn number(value: &Value) -> Value {
    percent(Some(value)).map_or_else(|| value.clone(), Percent::to_json)
}

/// Hours are exact to the second.
fn hours(value: &Value) -> Value {
    match value.as_f64() {
        Some(hours) if (0.0..1e9).contains(&hours) => {
            super::write::hours((hours * 3600.0).round() as u64)
        }
        _ => value.clone(),
    }
}
