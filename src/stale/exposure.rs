//! Who has a flag, and since when: whether there is still a decision in it.

use serde_json::Value;

use super::{By, Known, Since};
use crate::model::{Expiry, Flag, InForce, Percent};
use crate::record::{Kind, Record, Stop};

/// Who has a flag.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Exposure {
    /// Some, or nobody, or nobody knows.
    #[default]
    Partial,
    Everyone {
        /// That every user gets, of an experiment.
        variant: Option<String>,
        since: Option<Since>,
    },
}

impl Exposure {
    pub(super) fn everyone(variant: Option<String>) -> Self {
        Self::Everyone {
            variant,
            since: None,
        }
    }

    /// True where everyone has it, and nobody knows since when.
    #[must_use]
    pub fn lacks_time(&self) -> bool {
        matches!(self, Self::Everyone { since: None, .. })
    }

    /// Notes since when everyone has it, where that is not known yet.
    pub fn note(&mut self, found: Option<Since>) {
        if let Self::Everyone { since, .. } = self {
            *since = since.take().or(found);
        }
    }
}

/// What the flag files say of a flag: everyone has it where that is so in all of `environments`, or, where
/// there are none, by what the flag says itself.
#[must_use]
pub fn of_flag(flag: &Flag, environments: &[String]) -> Known {
    let mut all = environments
        .iter()
        .map(|name| of_settings(flag.in_force(name)));
    let first = all
        .next()
        .unwrap_or_else(|| of_settings(flag.base_in_force()));
    let exposure = match all.all(|exposure| exposure == first) {
        true => first,
        false => Exposure::Partial,
    };
    let mut places = environments.iter().map(|name| flag.in_force(name));
    Known {
        flag: flag.key.value.to_string(),
        owner: flag.owner.as_ref().map(|owner| owner.value.to_string()),
        created: flag.created.as_ref().map(|created| created.value),
        expires: flag.expires.as_ref().map(|expires| expires.value),
        is_experiment: flag.base.variants.is_some()
            || places.any(|place| place.variants().is_some()),
        exposure,
        ..Known::default()
    }
}

fn of_settings(settings: InForce<'_>) -> Exposure {
    if settings.is_on_for_everyone() {
        return Exposure::everyone(None);
    }
    let percentage = settings.percentage();
    let all = percentage.is_none_or(|percentage| percentage.value == Percent::HUNDRED);
    let variants = settings.variants().filter(|_| settings.is_enabled() && all);
    let whole = variants.and_then(|variants| {
        let mut variants = variants.value.iter();
        variants.find(|variant| variant.weight.value == Percent::HUNDRED)
    });
    let forced = settings
        .forced()
        .is_some_and(|forced| !forced.value.is_empty());
    match whole.filter(|_| !forced) {
        Some(variant) => Exposure::everyone(Some(variant.name.value.to_string())),
        None => Exposure::Partial,
    }
}

/// A live record, with what the bookkeeping knows.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    pub record: &'a Record,
    pub stop: Option<&'a Stop>,
}

/// What a live record says of a flag.
#[must_use]
pub fn of_record(flag: &str, live: Live<'_>) -> Known {
    let record = live.record;
    let meta = record.spec.as_json().get("meta");
    let text = |field: &str| Some(meta?.get(field)?.as_str()?.to_owned());
    let expires = text("expires").and_then(|text| match text.as_str() {
        "never" => Some(Expiry::Never),
        date => date.parse().ok().map(Expiry::On),
    });
    let mut exposure = of_live(record);
    let status = ["stage_started", "rollout_started"];
    let started = status.into_iter().find_map(|field| {
        let at = record.status.seconds(field).filter(|at| *at > 0.0)?;
        Some(Since {
            at,
            at_least: false,
            by: By::Record(field),
        })
    });
    exposure.note(started);
    Known {
        flag: flag.to_owned(),
        owner: text("owner"),
        created: text("created").and_then(|date| date.parse().ok()),
        expires,
        is_experiment: record.spec.kind() == Kind::Experiment,
        exposure,
        stop: record.stop().or_else(|| live.stop.cloned()),
        ..Known::default()
    }
}

fn of_live(record: &Record) -> Exposure {
    if !record.spec.enabled() || record.percentage != Percent::HUNDRED {
        return Exposure::Partial;
    }
    if record.spec.kind() != Kind::Experiment {
        return Exposure::everyone(None);
    }
    let spec = record.spec.as_json();
    let forced = spec.get("forced").and_then(Value::as_object);
    let variants = spec.get("variants").and_then(Value::as_object);
    let mut variants = variants.into_iter().flatten();
    let whole = variants.find(|(_, weight)| weight.as_f64() == Some(100.0));
    match whole.filter(|_| forced.is_none_or(serde_json::Map::is_empty)) {
        Some((name, _)) => Exposure::everyone(Some(name.clone())),
        None => Exposure::Partial,
    }
}

/// Since when everyone has a flag, by the history of a store: `commits` are time, generation and the
/// flag's record before and after, the newest first; those that did not touch the flag have none. Only of
/// use where nothing but hoist has written the record.
#[must_use]
pub fn since_in_history<'a>(
    commits: impl IntoIterator<Item = (f64, u64, Option<(Option<&'a str>, Option<&'a str>)>)>,
) -> Option<Since> {
    let had = |text: Option<&str>| {
        let record = text.and_then(|text| Record::parse(text.as_bytes()).ok());
        record.is_some_and(|record| of_live(&record) != Exposure::Partial)
    };
    let mut oldest = None;
    for (at, generation, change) in commits {
        let since = |at_least| Since {
            at,
            at_least,
            by: By::History { generation },
        };
        if let Some((before, after)) = change {
            if !had(after) {
                return None;
            }
            if !had(before) {
                return Some(since(false));
            }
        }
        oldest = Some(since(true));
    }
    oldest
}
