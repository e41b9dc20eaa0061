//! What there is to say about a flag.

use jiff::civil::Date;
use serde_json::Value;

use crate::client::Flag;
use crate::eval::Evaluator;
use crate::model::Percent;
use crate::operate::Rollout;
use crate::record::Record;
use crate::report::words;

/// A flag as people look at it.
pub(super) struct View<'f> {
    pub key: &'f str,
    pub kind: Kind<'f>,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub expires: Option<String>,
    pub tags: Vec<String>,
}

pub(super) enum Kind<'f> {
    /// Its record makes no sense: why.
    Broken(String),
    Fine {
        record: Box<Record>,
        evaluator: &'f Evaluator,
        rollout: Option<Rollout>,
    },
}

/// What a flag does, in a word that a filter may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    On,
    Off,
    Stopped,
    Rollout,
    Experiment,
    Broken,
}

impl Doing {
    pub const ALL: [Self; 6] = [
        Self::On,
        Self::Off,
        Self::Stopped,
        Self::Rollout,
        Self::Experiment,
        Self::Broken,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Stopped => "stopped",
            Self::Rollout => "rollout",
            Self::Experiment => "experiment",
            Self::Broken => "broken",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doing| doing.as_str() == name)
    }
}

impl<'f> View<'f> {
    pub fn new(flag: &'f Flag) -> Self {
        let record = flag.record();
        let meta = record
            .as_ref()
            .ok()
            .and_then(|record| record.spec.as_json().get("meta"));
        let text = |field: &str| {
            let value = meta?.get(field)?;
            Some(value.as_str()?.to_owned())
        };
        let tags = meta.and_then(|meta| meta.get("tags")?.as_array());
        let tags = tags.into_iter().flatten();
        Self {
            key: flag.key(),
            description: text("description"),
            owner: text("owner"),
            expires: text("expires"),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            kind: match (record, flag.evaluator()) {
                (Ok(record), Ok(evaluator)) => Kind::Fine {
                    rollout: Rollout::of(&record),
                    record: Box::new(record),
                    evaluator,
                },
                (Err(error), _) => Kind::Broken(error.to_string()),
                (_, Err(error)) => Kind::Broken(error.to_string()),
            },
        }
    }

    pub fn doing(&self) -> Doing {
        match &self.kind {
            Kind::Broken(_) => Doing::Broken,
            Kind::Fine { record, .. } if record.stop().is_some() => Doing::Stopped,
            Kind::Fine { evaluator, .. } if !evaluator.is_enabled() => Doing::Off,
            Kind::Fine {
                rollout: Some(_), ..
            } => Doing::Rollout,
            Kind::Fine { evaluator, .. } if evaluator.control().is_some() => Doing::Experiment,
            Kind::Fine { .. } => Doing::On,
        }
    }

    /// What it does, in a sentence.
    pub fn state(&self, now: f64) -> String {
        match &self.kind {
            Kind::Broken(error) => error.clone(),
            Kind::Fine {
                record,
                rollout,
                evaluator,
            } => match (record.stop(), rollout) {
                (_, Some(rollout)) => {
                    let share = words::share(rollout.percentage);
                    format!("{}: {share}", words::progress(rollout, now))
                }
                (Some(stop), _) => format!("stopped{}", words::of_stop(&stop)),
                (None, None) if !evaluator.is_enabled() => "off for everyone".to_owned(),
                (None, None) if evaluator.control().is_some() => {
                    let share = words::share(evaluator.share());
                    format!("an experiment with {share}: {}", weights(evaluator))
                }
                (None, None) => format!("on for {}", words::share(evaluator.share())),
            },
        }
    }

    /// Whether it was to be gone by now.
    pub fn is_expired(&self, today: Date) -> bool {
        let expires = self
            .expires
            .as_deref()
            .and_then(|date| date.parse::<Date>().ok());
        expires.is_some_and(|date| date < today)
    }

    /// Whether every word of `query`, in small letters, stands somewhere in what is shown.
    pub fn matches(&self, query: &str) -> bool {
        let texts = [
            Some(self.key),
            self.description.as_deref(),
            self.owner.as_deref(),
        ];
        let tags = self.tags.iter().map(String::as_str);
        let all: Vec<String> = texts
            .into_iter()
            .flatten()
            .chain(tags)
            .map(str::to_lowercase)
            .collect();
        query
            .split_whitespace()
            .all(|word| all.iter().any(|text| text.contains(word)))
    }
}

/// `control 34 %, higher_price 33 %, lower_price 33 %`.
fn weights(evaluator: &Evaluator) -> String {
    let mut start = 0;
    let weights = evaluator.variants().map(|(name, _, end)| {
        let weight = Percent(end.saturating_sub(start));
        start = end;
        format!("{name} {weight} %")
    });
    weights.collect::<Vec<_>>().join(", ")
}
