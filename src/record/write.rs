//! Flags and records into the JSON that is stored.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Kind, Record, SPEC_FIELDS, STATUS_FIELDS};
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

/// A record's fields in the order of the record format.
fn fields(record: &Record) -> impl Iterator<Item = (&str, Cow<'_, Value>)> {
    let spec = record.spec.as_json();
    let rollout = record.spec.kind() == Kind::Rollout;
    let of_spec = SPEC_FIELDS
        .into_iter()
        .chain(["meta"])
        .filter_map(move |field| {
            if field == "percentage" && rollout {
                return Some((field, Cow::Owned(record.percentage.to_json())));
            }
            Some((field, Cow::Borrowed(spec.get(field)?)))
        });
    let status = &record.status.0;
    let of_status = STATUS_FIELDS
        .into_iter()
        .filter_map(move |field| Some((field, Cow::Borrowed(status.get(field)?))));
    let other = record
        .other
        .iter()
        .map(|(field, value)| (field.as_str(), Cow::Borrowed(value)));
    of_spec.chain(of_status).chain(other)
}

/// Writes a record without copying it first.
pub(super) struct Fields<'a>(pub &'a Record);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(fields(self.0))
    }
}

pub(super) fn record(record: &Record) -> Map<String, Value> {
    fields(record)
        .map(|(field, value)| (field.to_owned(), value.into_owned()))
        .collect()
}
