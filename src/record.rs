//! The stored form of a flag: which part git decides (the spec), which part time and operators
//! decide (the status), and the digest that tells one spec from another.
//!
//! Both parts are JSON maps in one normal form, so that a record that another client rewrote with
//! other spacing, `10.0` for `10`, or a default left out compares equal, and one whose fields make
//! no sense is carried along and shown instead of failing.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Flag, Percent};

mod read;
mod words;
mod write;

pub use read::NotARecord;
pub use words::stage_in_words;

/// Fields that only status has, in the order in which they are written.
pub const STATUS_FIELDS: [&str; 6] = [
    "rollout_started",
    "stage_started",
    "current_stage",
    "rolled_back_at",
    "paused_at",
    "note",
];

/// Fields that git decides, in the order in which they are written. `enabled` is the operator's
/// while a flag is rolled back, and `percentage` is the current stage's in a rollout.
pub const SPEC_FIELDS: [&str; 11] = [
    "type",
    "enabled",
    "percentage",
    "allowed_users",
    "allowed_groups",
    "rollout_stages",
    "variants",
    "control",
    "forced",
    "values",
    "salt",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Rollout,
    Experiment,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Rollout => "rollout",
            Self::Experiment => "experiment",
        }
    }
}

/// The part of a record that git decides, in normal form. Cheap to clone.
///
/// The order of variants counts, since it decides who gets which; other objects are sorted, since
/// clients in some languages write them so.
#[derive(Clone, Debug)]
pub struct Spec(Arc<Normal>);

#[derive(Debug)]
struct Normal {
    kind: Kind,
    enabled: bool,
    /// Percentages of the rollout's stages.
    stages: Box<[Percent]>,
    /// Read from the text where nothing else is there.
    fields: OnceLock<Map<String, Value>>,
    /// The fields as compact JSON: what is digested is also what is stored.
    text: OnceLock<Bytes>,
}

impl Default for Spec {
    fn default() -> Self {
        Self::new(Map::new())
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Spec {
    fn new(mut fields: Map<String, Value>) -> Self {
        for field in ["forced", "values", "meta"] {
            if let Some(value) = fields.get_mut(field) {
                value.sort_all_objects();
            }
        }
        // The type is the first field of the normal form.
        let kind = match fields.values().next().and_then(Value::as_str) {
            Some("rollout") => Kind::Rollout,
            Some("experiment") => Kind::Experiment,
            _ => Kind::Boolean,
        };
        let stages = fields.get("rollout_stages").and_then(Value::as_array);
        let percent = |stage: &Value| percent(stage.get("percentage")).unwrap_or_default();
        Self(Arc::new(Normal {
            kind,
            enabled: fields.get("enabled") == Some(&Value::Bool(true)),
            stages: stages.into_iter().flatten().map(percent).collect(),
            fields: OnceLock::from(fields),
            text: OnceLock::new(),
        }))
    }

    /// The same in a fraction of the memory. The fields are read again where they are asked for.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self(Arc::new(Normal {
            kind: self.0.kind,
            enabled: self.0.enabled,
            stages: self.0.stages.clone(),
            fields: OnceLock::new(),
            text: OnceLock::from(self.text().clone()),
        }))
    }

    /// What the flag set wants of `flag` in `environment`. The flag must be complete.
    #[must_use]
    pub fn of(flag: &Flag, environment: &str) -> Self {
        Self::new(write::spec(flag, &flag.resolve(environment)))
    }

    /// A spec that was written by [`Spec::as_json`].
    #[must_use]
    pub fn from_json(json: &Map<String, Value>) -> Self {
        Self::new(read::spec(json))
    }

    /// Compact JSON.
    fn text(&self) -> &Bytes {
        self.0.text.get_or_init(|| {
            let mut text = Vec::with_capacity(640);
            // Writing a map of JSON values to memory has no way to fail.
            let _ = serde_json::to_writer(&mut text, &self.0.fields.get());
            text.into_boxed_slice().into()
        })
    }

    /// Whether `bytes` are a record with exactly this spec, as hoist writes it, and neither stopped nor
    /// paused. Where they are not, only reading them as a record tells what they are.
    #[must_use]
    pub fn is_all_of(&self, bytes: &[u8]) -> bool {
        write::is_plain(self, bytes)
    }

    #[must_use]
    pub fn as_json(&self) -> &Map<String, Value> {
        // The text was written from a map.
        let read = || serde_json::from_slice(self.text()).unwrap_or_default();
        self.0.fields.get_or_init(read)
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    #[must_use]
    pub fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Percentages of the rollout's stages; empty for other kinds.
    #[must_use]
    pub fn stages(&self) -> Vec<Percent> {
        self.0.stages.to_vec()
    }

    /// 128 bits of BLAKE3 over the normal form, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_of(self.text())
    }

    /// The same spec, switched on or off.
    #[must_use]
    pub fn with_enabled(&self, enabled: bool) -> Self {
        let mut fields = self.as_json().clone();
        fields.insert("enabled".into(), enabled.into());
        Self::new(fields)
    }
}

/// 128 bits of BLAKE3, in hexadecimal.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    let mut hex = blake3::hash(bytes).to_hex();
    hex.truncate(32);
    hex.to_string()
}

/// The part of a record that time and operators decide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status(pub Map<String, Value>);

impl Status {
    /// A field in seconds since the epoch.
    #[must_use]
    pub fn seconds(&self, field: &str) -> Option<f64> {
        self.0.get(field).and_then(Value::as_f64)
    }

    #[must_use]
    pub fn current_stage(&self) -> Option<usize> {
        let stage = self.0.get("current_stage")?.as_f64()?;
        // Another client may have written 2.0; what is negative or huge is no index.
        (stage >= 0.0 && stage.fract() == 0.0 && stage < 1e9).then_some(stage as usize)
    }

    /// A part of the note on the stop or pause in force: `reason` or `actor`.
    #[must_use]
    pub fn note(&self, part: &str) -> Option<String> {
        Some(self.0.get("note")?.get(part)?.as_str()?.to_owned())
    }

    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.into(), value.into());
    }

    pub fn clear(&mut self, field: &str) {
        self.0.shift_remove(field);
    }
}

/// An emergency stop. It stands in the record, and in hoist's bookkeeping too, where it outlives the
/// record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Seconds since the epoch.
    pub since: Option<f64>,
    pub actor: Option<String>,
    pub reason: Option<String>,
    /// Whether the flag was on before; `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_on: Option<bool>,
}

impl Stop {
    /// Whether both tell of the same stop.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.since, &self.actor, &self.reason) == (other.since, &other.actor, &other.reason)
    }
}

/// A record as it stands in a store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub spec: Spec,
    pub status: Status,
    /// Share of users now: of the current stage in a rollout, else the spec's.
    pub percentage: Percent,
    /// Fields that are not hoist's; kept whatever is applied.
    pub other: Map<String, Value>,
}

impl Record {
    /// The record that a flag set alone gives: without status, a rollout at its first stage.
    #[must_use]
    pub fn of_spec(spec: &Spec) -> Self {
        let percentage = match spec.kind() {
            Kind::Rollout => spec.stages().first().copied(),
            Kind::Boolean | Kind::Experiment => nearest(spec.as_json().get("percentage")),
        };
        Self {
            spec: spec.clone(),
            percentage: percentage.unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Reads what any client of the record format may have written.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotARecord> {
        read::record(bytes)
    }

    /// The fields of a record as they stand in it, for edits that leave the rest as it is.
    pub fn fields(bytes: &[u8]) -> Result<Map<String, Value>, NotARecord> {
        read::fields(bytes)
    }

    /// Reads a record from its fields.
    #[must_use]
    pub fn from_fields(fields: Map<String, Value>) -> Self {
        read::from_fields(fields)
    }

    /// Stopped in an emergency, and not on again since.
    #[must_use]
    pub fn is_rolled_back(&self) -> bool {
        self.status.0.contains_key("rolled_back_at") && !self.spec.enabled()
    }

    /// The stop in force.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        self.is_rolled_back().then(|| Stop {
            since: self.status.seconds("rolled_back_at"),
            actor: self.status.note("actor"),
            reason: self.status.note("reason"),
            was_on: None,
        })
    }

    /// Whether this record's spec is the one with `digest`. While a flag is rolled back its
    /// `enabled` is the operator's, so either value agrees.
    #[must_use]
    pub fn has_spec(&self, digest: &str) -> bool {
        self.spec.digest() == digest || (self.is_rolled_back() && self.was_enabled(digest))
    }

    /// Whether `digest` is of this record's spec, switched on.
    #[must_use]
    pub fn was_enabled(&self, digest: &str) -> bool {
        self.spec.with_enabled(true).digest() == digest
    }

    /// The record as JSON, fields in the order of the record format.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        write::record(self)
    }

    /// Compact JSON, as it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        write::bytes(self)
    }
}

fn percent(value: Option<&Value>) -> Option<Percent> {
    Percent::from_f64(value?.as_f64()?)
}

/// Another client may have written more decimals.
fn nearest(value: Option<&Value>) -> Option<Percent> {
    Percent::nearest(value?.as_f64()?)
}

#[cfg(test)]
mod tests;
