//! A record into an evaluator: everything that can be wrong with it is found here.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::answer::Given;
use super::{Evaluator, Experiment, Forced, Gives, Malformed, Users, is_experiment};
use crate::bucket::{BUCKETS, Draw};
use crate::model::Percent;
use crate::record::{Kind, Record};

pub(super) fn evaluator(flag: &str, record: &Record) -> Result<Evaluator, Malformed> {
    let spec = record.spec.as_json();
    known_type(spec)?;
    let salt = salt(flag, record)?;
    let evaluator = Evaluator {
        enabled: enabled(spec)?,
        // Known once all is: see below.
        only_drawn: false,
        share: 0,
        participation: Draw::participation(salt),
        gives: if is_experiment(record) {
            Gives::Variant(Box::new(experiment(spec, salt)?))
        } else {
            Gives::OnOff {
                users: list(spec, "allowed_users")?,
                groups: list(spec, "allowed_groups")?,
            }
        },
    };
    Ok(evaluator.at(share(record)?))
}

fn wrong(field: &'static str, problem: impl Into<String>) -> Malformed {
    Malformed::Field {
        field,
        problem: problem.into(),
    }
}

fn known_type(spec: &Map<String, Value>) -> Result<(), Malformed> {
    let kind = spec.get("type");
    let known = [Kind::Boolean, Kind::Rollout, Kind::Experiment];
    if !known
        .iter()
        .any(|known| kind.is_some_and(|kind| kind == known.as_str()))
    {
        let kind = kind.unwrap_or(&Value::Null);
        return Err(wrong(
            "type",
            format!("is {kind}: it should be \"boolean\", \"rollout\" or \"experiment\""),
        ));
    }
    match kind.is_some_and(|kind| kind == Kind::Experiment.as_str()) {
        true if !spec.contains_key("variants") => {
            Err(wrong("variants", "is missing from an experiment"))
        }
        false if spec.contains_key("variants") => Err(wrong(
            "variants",
            "is there, although `type` is not \"experiment\"",
        )),
        _ => Ok(()),
    }
}

fn enabled(spec: &Map<String, Value>) -> Result<bool, Malformed> {
    let enabled = spec.get("enabled").unwrap_or(&Value::Bool(false));
    enabled
        .as_bool()
        .ok_or_else(|| wrong("enabled", format!("is {enabled}, not true or false")))
}

fn share(record: &Record) -> Result<Percent, Malformed> {
    let spec = record.spec.as_json();
    if record.spec.kind() == Kind::Rollout {
        // A share that could not be read was taken from the current stage.
        let unknown = record.percentage == Percent::ZERO && record.spec.stages().is_empty();
        return if unknown {
            Err(wrong(
                "rollout_stages",
                "is no list of stages, and `percentage` no share of users",
            ))
        } else {
            Ok(record.percentage)
        };
    }
    match spec.get("percentage") {
        None => Ok(Percent::HUNDRED),
        Some(percentage) => percentage
            .as_f64()
            .and_then(Percent::nearest)
            .ok_or_else(|| {
                wrong(
                    "percentage",
                    format!("is {percentage}, not a number from 0 to 100"),
                )
            }),
    }
}

pub(super) fn salt<'r>(flag: &'r str, record: &'r Record) -> Result<&'r str, Malformed> {
    match record.spec.as_json().get("salt") {
        None => Ok(flag),
        Some(salt) => salt
            .as_str()
            .ok_or_else(|| wrong("salt", format!("is {salt}, not a string"))),
    }
}

fn list(spec: &Map<String, Value>, field: &'static str) -> Result<Users, Malformed> {
    let Some(list) = spec.get(field) else {
        return Ok(Users::default());
    };
    strings(list, field)?
        .map(|name| name.map(Into::into))
        .collect()
}

/// The elements of a list of strings.
fn strings<'v>(
    list: &'v Value,
    field: &'static str,
) -> Result<impl Iterator<Item = Result<&'v str, Malformed>>, Malformed> {
    let list = list
        .as_array()
        .ok_or_else(|| wrong(field, "is not a list"))?;
    Ok(list.iter().map(move |name| {
        name.as_str()
            .ok_or_else(|| wrong(field, format!("has {name} in a list of strings")))
    }))
}

fn object<'s>(
    spec: &'s Map<String, Value>,
    field: &'static str,
) -> Result<Option<&'s Map<String, Value>>, Malformed> {
    match spec.get(field) {
        None => Ok(None),
        Some(value) => value
            .as_object()
            .map(Some)
            .ok_or_else(|| wrong(field, "is not an object")),
    }
}

fn experiment(spec: &Map<String, Value>, salt: &str) -> Result<Experiment, Malformed> {
    let empty = Map::new();
    let variants = object(spec, "variants")?.unwrap_or(&empty);
    let values = object(spec, "values")?.unwrap_or(&empty);
    let places: HashMap<&str, usize> = variants.keys().map(String::as_str).zip(0..).collect();
    let index = |field: &'static str, name: &str| {
        let found = places.get(name).copied();
        found.ok_or_else(|| wrong(field, format!("names `{name}`, which is no variant")))
    };
    if let Some(stray) = values.keys().find(|name| !variants.contains_key(*name)) {
        index("values", stray)?;
    }
    let control = spec.get("control").and_then(Value::as_str);
    let control = control.ok_or_else(|| wrong("control", "is not the name of a variant"))?;
    let mut forced = Forced::default();
    for (name, users) in object(spec, "forced")?.unwrap_or(&empty) {
        let arm = index("forced", name)?;
        for user in strings(users, "forced")? {
            // A user in two lists gets the variant that comes first.
            forced.entry(user?.into()).or_insert(arm);
        }
    }
    let arms = variants.keys().map(|name| Given {
        name: Some(name.as_str().into()),
        value: values
            .get(name)
            .cloned()
            .unwrap_or_else(|| name.as_str().into()),
    });
    Ok(Experiment {
        arms: arms.collect(),
        ends: ends(variants)?,
        control: index("control", control)?,
        forced,
        draw: Draw::variant(salt),
    })
}

/// The first bucket behind each variant. Each is rounded by itself, so that weights such as
/// 33.3333 of another client's add up as they do for its own readers.
fn ends(variants: &Map<String, Value>) -> Result<Box<[u32]>, Malformed> {
    let mut sum = 0.0;
    let mut ends = Vec::with_capacity(variants.len());
    for (name, weight) in variants {
        let share = weight
            .as_f64()
            .filter(|weight| (0.0..=100.0).contains(weight));
        sum += share.ok_or_else(|| {
            wrong(
                "variants",
                format!("gives `{name}` the weight {weight}, not a number from 0 to 100"),
            )
        })?;
        // At most 100 for each of the variants, so the cast saturates at worst.
        ends.push((sum * 1000.0).round() as u32);
    }
    if ends.last() == Some(&BUCKETS) {
        return Ok(ends.into());
    }
    let sum = (sum * 1000.0).round() / 1000.0;
    Err(wrong(
        "variants",
        format!("has weights that add up to {sum}, not 100"),
    ))
}
