//! Flags from and to what other systems read: their files, and records that other clients wrote.
//! Pure.
//!
//! Reading never drops anything in silence: what a flag file cannot say is a [`Loss`], with its
//! place and the reason. Each reader puts what it finds into an `intent`, which knows the one way
//! from there to a flag.

use serde_json::{Map, Value};

use crate::eval::{Evaluator, Malformed};
use crate::model::is_key;
use crate::record::{Record, Spec, stage_in_words};

pub mod document;
mod flagd;
mod flipt;
mod goff;
mod intent;
mod logic;
mod manifest;
mod metadata;
mod records;
mod text;
mod unleash;

pub use document::Document;
pub use records::record;
pub use text::{document_of, flag_file};

/// What other systems' files hoist reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Flagd,
    Flipt,
    Goff,
    Unleash,
}

impl Format {
    /// As people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flagd => "flagd",
            Self::Flipt => "Flipt",
            Self::Goff => "GO Feature Flag",
            Self::Unleash => "Unleash",
        }
    }

    /// The one whose files look like this; `None` where none does.
    #[must_use]
    pub fn guess(document: &Document) -> Option<Self> {
        let root = document.roots.first()?.as_object()?;
        let has = |value: &Value, field: &str| value.get(field).is_some();
        if root.contains_key("features") && root.contains_key("featureStrategies") {
            return Some(Self::Unleash);
        }
        match root.get("flags") {
            Some(Value::Object(flags)) => {
                let states = flags.values().all(|flag| has(flag, "state"));
                return states.then_some(Self::Flagd);
            }
            Some(Value::Array(flags)) => {
                let states = !flags.is_empty() && flags.iter().all(|flag| has(flag, "state"));
                return Some(if states { Self::Flagd } else { Self::Flipt });
            }
            _ => {}
        }
        let variations = root.values().all(|flag| has(flag, "variations"));
        (variations && !root.is_empty()).then_some(Self::Goff)
    }

    /// Reads the flags of a file.
    #[must_use]
    pub fn read(self, document: &Document) -> Imported {
        let mut imported = Imported::default();
        for root in &document.roots {
            match self {
                Self::Flagd => flagd::read(root, &mut imported),
                Self::Flipt => flipt::read(root, &mut imported),
                Self::Goff => goff::read(root, &mut imported),
                Self::Unleash => unleash::read(root, &mut imported),
            }
        }
        imported
    }
}

/// A flag as a flag file has it: its key, and its fields in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub key: String,
    pub fields: Map<String, Value>,
    /// Where it stood, as [`Loss::path`].
    pub path: String,
}

/// Something that cannot be carried over as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Key of the flag, where it is one flag's.
    pub flag: Option<String>,
    /// Where it stands: `new_search.targeting[0].query`. Empty for the whole file.
    pub path: String,
    pub reason: String,
    /// Whether the flag as a whole is left out because of it.
    pub left_out: bool,
}

/// What a reader makes of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// In the order of the file.
    pub flags: Vec<Draft>,
    pub losses: Vec<Loss>,
}

impl Imported {
    /// Something of the flag is not carried over; where `flag` is empty, something of the file.
    pub fn lose(&mut self, flag: &str, path: impl Into<String>, reason: impl Into<String>) {
        self.losses.push(Loss {
            flag: (!flag.is_empty()).then(|| flag.to_owned()),
            path: path.into(),
            reason: reason.into(),
            left_out: false,
        });
    }

    /// The flag is not carried over at all.
    pub fn leave_out(&mut self, flag: &str, path: impl Into<String>, reason: impl Into<String>) {
        self.lose(flag, path, reason);
        if let Some(loss) = self.losses.last_mut() {
            loss.left_out = true;
        }
    }

    /// Names every field of `map` that is none of `known`.
    fn lose_unknown(&mut self, flag: &str, path: &str, map: &Value, known: &[&str]) {
        let fields = map.as_object().into_iter().flatten();
        for (field, value) in fields.filter(|(field, _)| !known.contains(&field.as_str())) {
            if !is_nothing(value) {
                let path = below(path, field);
                self.lose(flag, path, format!("there is nothing like `{field}` here"));
            }
        }
    }
}

/// Null, or a list or a map without anything in it.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The path of a field of what stands at `path`.
fn below(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

/// A key like `key` that hoist allows: `new_search` for `newSearch` and `New Search`; `None` where
/// nothing is left of it.
#[must_use]
pub fn key_like(key: &str) -> Option<String> {
    let mut similar = String::new();
    let mut inside = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && inside {
            similar.push('_');
        }
        inside = c.is_ascii_lowercase() || c.is_ascii_digit();
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') => similar.push(c),
            _ if similar.ends_with('_') => {}
            _ => similar.push('_'),
        }
    }
    let similar = similar.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let similar = similar.trim_end_matches('_');
    is_key(similar).then(|| similar.to_owned())
}

/// A flag to be written for another system.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'f> {
    pub key: &'f str,
    /// As an environment has it.
    pub spec: &'f Spec,
    /// File and line of the flag.
    pub source: (&'f str, u32),
}

impl Outgoing<'_> {
    fn evaluator(&self) -> Result<Evaluator, Malformed> {
        Evaluator::new(self.key, &Record::of_spec(self.spec))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.spec.as_json().get(name)
    }

    fn names(&self, field: &str) -> Vec<&str> {
        strings(self.field(field))
    }

    fn meta(&self, name: &str) -> Option<&Value> {
        self.field("meta")?.get(name)
    }

    /// Says of a rollout that only its first stage is written.
    fn tell_stages(&self, losses: &mut Imported) {
        let Some(Value::Array(stages)) = self.field("rollout_stages") else {
            return;
        };
        let words: Vec<String> = stages.iter().map(stage_in_words).collect();
        let reason = format!(
            "it stands at its first stage, and nothing moves it on: {}",
            words.join(", ")
        );
        losses.lose(self.key, "rollout", reason);
    }

    fn salt(&self) -> &str {
        let salt = self.field("salt").and_then(Value::as_str);
        salt.unwrap_or(self.key)
    }
}

/// The strings of a list.
fn strings(list: Option<&Value>) -> Vec<&str> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// What flags are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Flagd,
    Goff,
    Json,
    Manifest,
}

/// What was written, and what could not be said in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    pub text: String,
    pub losses: Vec<Loss>,
}

/// `flags`, by key, as `environment` has them, as the text of a file of another system.
///
/// # Errors
/// A flag whose spec makes no sense, with its key; never one from files that lint clean of errors.
pub fn write(
    target: Target,
    environment: &str,
    flags: &[Outgoing<'_>],
) -> Result<Exported, (String, Malformed)> {
    let mut losses = Imported::default();
    let mut document = match target {
        Target::Flagd => flagd::head(),
        Target::Manifest => manifest::head(),
        Target::Goff => Map::new(),
        Target::Json => records::head(environment),
    };
    let mut written = Map::new();
    for flag in flags {
        let value = match target {
            Target::Flagd => flagd::write(flag, &mut losses),
            Target::Goff => goff::write(flag, &mut losses),
            Target::Manifest => manifest::write(flag),
            Target::Json => Ok(records::write(flag)),
        };
        let value = value.map_err(|error| (flag.key.to_owned(), error))?;
        written.insert(flag.key.to_owned(), value);
    }
    let text = if target == Target::Goff {
        document_of(&written)
    } else {
        document.insert("flags".into(), written.into());
        // JSON in memory has no way to fail.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    };
    Ok(Exported {
        text,
        losses: losses.losses,
    })
}

#[cfg(test)]
mod tests;
