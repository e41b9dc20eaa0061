//! Flags and records into the JSON that is stored.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Kind, Record, STATUS_FIELDS, Spec};
use crate::model::{Expiry, Field, Flag, Percent, Settings, Spanned, Variant};

/// The normal form of what `flag` says with `settings` in force.
pub(super) fn spec(flag: &Flag, settings: &Settings) -> Map<String, Value> {
    let mut spec = Map::new();
    let mut put = |field: &str, value: Value| {
        spec.insert(field.into(), value);
    };
    let kind = match settings {
        Settings {
            variants: Some(_), ..
        } => Kind::Experiment,
        Settings {
            rollout: Some(_), ..
        } => Kind::Rollout,
        _ => Kind::Boolean,
    };
    put("type", kind.as_str().into());
    put(
        "enabled",
        settings
            .enabled
            .as_ref()
            .is_some_and(|field| field.value)
            .into(),
    );
    if kind != Kind::Rollout {
        let percentage = settings
            .percentage
            .as_ref()
            .map_or(Percent::HUNDRED, |field| field.value);
        put("percentage", percentage.to_json());
    }
    if kind != Kind::Experiment {
        put("allowed_users", list(settings.allowed_users.as_deref()));
        put("allowed_groups", list(settings.allowed_groups.as_deref()));
    }
    if let (Kind::Rollout, Some(rollout)) = (kind, &settings.rollout) {
        let stage = |stage: &crate::model::Stage| {
            json!({
                "percentage": stage.percentage.value.to_json(),
                "duration_hours": stage.duration.as_ref().map(|field| hours(field.value)),
            })
        };
        put("rollout_stages", rollout.value.iter().map(stage).collect());
    }
    if let Some(variants) = &settings.variants {
        experiment(&variants.value, settings, &mut put);
    }
    if let Some(salt) = &flag.salt {
        put("salt", salt.value.as_ref().into());
    }
    let meta = meta(flag);
    if !meta.is_empty() {
        put("meta", meta.into());
    }
    spec
}

fn experiment(variants: &[Variant], settings: &Settings, put: &mut impl FnMut(&str, Value)) {
    let name = |variant: &Variant| variant.name.value.to_string();
    let weights: Map<_, _> = variants
        .iter()
        .map(|variant| (name(variant), variant.weight.value.to_json()))
        .collect();
    let control = match &settings.control {
        Some(control) => control.value.as_ref(),
        None if weights.contains_key("control") => "control",
        None => variants.first().map_or("", |variant| &variant.name.value),
    };
    put("variants", weights.into());
    put("control", control.into());
    let forced = settings.forced.iter().flat_map(|field| &field.value);
    let forced: Map<_, _> = forced
        .map(|forced| (forced.variant.value.to_string(), strings(&forced.users)))
        .collect();
    put("forced", forced.into());
    let values: Map<_, _> = variants
        .iter()
        .filter_map(|variant| Some((name(variant), variant.value.as_ref()?.value.clone())))
        .collect();
    if !values.is_empty() {
        put("values", values.into());
    }
}

fn meta(flag: &Flag) -> Map<String, Value> {
    let mut meta = Map::new();
    for (name, field) in [("description", &flag.description), ("owner", &flag.owner)] {
        if let Some(field) = field {
            meta.insert(name.into(), field.value.as_ref().into());
        }
    }
    if let Some(created) = &flag.created {
        meta.insert("created".into(), created.value.to_string().into());
    }
    if let Some(expires) = &flag.expires {
        let expires = match expires.value {
            Expiry::Never => "never".to_owned(),
            Expiry::On(date) => date.to_string(),
        };
        meta.insert("expires".into(), expires.into());
    }
    if let Some(tags) = &flag.tags {
        meta.insert("tags".into(), strings(&tags.value));
    }
    meta
}

fn list(field: Option<&Field<Vec<Spanned<Box<str>>>>>) -> Value {
    field.map_or_else(|| json!([]), |field| strings(&field.value))
}

fn strings(list: &[Spanned<Box<str>>]) -> Value {
    list.iter()
        .map(|item| Value::from(item.value.as_ref()))
        .collect()
}

/// Seconds as hours: whole hours as an integer.
pub(super) fn hours(seconds: u64) -> Value {
    if seconds.is_multiple_of(3600) {
        (seconds / 3600).into()
    } else {
        (seconds as f64 / 3600.0).into()
    }
}

/// A record as JSON, in the order of the record format.
pub(super) fn record(record: &Record) -> Map<String, Value> {
    let mut json = record.spec.as_json().clone();
    if record.spec.kind() == Kind::Rollout {
        // Behind `type` and `enabled`.
        json.shift_insert(2, "percentage".into(), record.percentage.to_json());
    }
    let own = rest(record).map(|(field, value)| (field.to_owned(), value.clone()));
    json.extend(own);
    json
}

/// The same as compact JSON. The text of the spec is there already.
pub(super) fn bytes(record: &Record) -> Bytes {
    let spec = record.spec.text();
    if record.spec.kind() != Kind::Rollout && rest(record).next().is_none() {
        return spec.clone();
    }
    // Most others have no status.
    let status = if record.spec.kind() == Kind::Rollout {
        160
    } else {
        0
    };
    let mut bytes = Vec::with_capacity(spec.len() + status);
    let mut tail = &**spec;
    if record.spec.kind() == Kind::Rollout {
        let Some(head) = head(spec) else {
            // Another client wrote something else there. JSON in memory has no way to fail.
            let json = serde_json::to_vec(&self::record(record));
            return json.unwrap_or_default().into();
        };
        bytes.extend_from_slice(head);
        field(&mut bytes, "percentage", &record.percentage.to_json());
        tail = &spec[head.len()..];
    }
    bytes.extend_from_slice(tail.strip_suffix(b"}").unwrap_or(tail));
    for (name, value) in rest(record) {
        field(&mut bytes, name, value);
    }
    bytes.push(b'}');
    bytes.into()
}

/// The fields of a rollout's spec before its record's percentage.
fn head(spec: &[u8]) -> Option<&'static [u8]> {
    let heads: [&[u8]; 2] = [
        br#"{"type":"rollout","enabled":true"#,
        br#"{"type":"rollout","enabled":false"#,
    ];
    heads.into_iter().find(|head| spec.starts_with(head))
}

/// The status of a rollout that goes on as it should.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    #[serde(rename = "rollout_started")]
    _rollout_started: f64,
    #[serde(rename = "stage_started")]
    _stage_started: f64,
    #[serde(rename = "current_stage")]
    _current_stage: f64,
}

/// Whether `bytes` are a record of `spec` as [`bytes()`] writes it, with no status but the stage of a
/// rollout. That takes a fraction of the time of reading the record.
pub(super) fn is_plain(spec: &Spec, bytes: &[u8]) -> bool {
    let text = spec.text();
    if spec.kind() != Kind::Rollout {
        return bytes == text;
    }
    let status = || {
        let head = head(text)?;
        let rest = bytes.strip_prefix(head)?;
        let rest = rest.strip_prefix(br#","percentage":"#)?;
        let end = rest.iter().position(|byte| *byte == b',')?;
        let (percentage, rest) = rest.split_at(end);
        serde_json::from_slice::<f64>(percentage).ok()?;
        let tail = text.strip_prefix(head)?.strip_suffix(b"}")?;
        rest.strip_prefix(tail)?.strip_prefix(b",")
    };
    status()
        .is_some_and(|status| serde_json::from_slice::<Progress>(&[b"{", status].concat()).is_ok())
}

fn field(bytes: &mut Vec<u8>, name: &str, value: &Value) {
    if !bytes.ends_with(b"{") {
        bytes.push(b',');
    }
    // Writing JSON to memory has no way to fail.
    let _ = serde_json::to_writer(&mut *bytes, name);
    bytes.push(b':');
    let _ = serde_json::to_writer(bytes, value);
}

/// What is not the spec's: status, and fields of others.
fn rest(record: &Record) -> impl Iterator<Item = (&str, &Value)> {
    let status = &record.status.0;
    let status = STATUS_FIELDS
        .into_iter()
        .filter_map(move |field| Some((field, status.get(field)?)));
    let other = record.other.iter();
    status.chain(other.map(|(field, value)| (field.as_str(), value)))
}
