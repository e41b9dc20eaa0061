//! A flag that is new, as text.

use jiff::civil::Date;

use super::render::quoted;
use crate::diagnostic::FileId;
use crate::model::{Expiry, Percent};
use crate::yaml::{self, Value};

/// What a new flag says. It is off.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFlag {
    pub key: String,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub created: Date,
    pub expires: Expiry,
    pub shape: Shape,
}

/// Who gets it once it is on.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Everyone, or a share of users.
    Switch(Option<Percent>),
    /// Each stage with how long it lasts, as flag files write it: `2h`.
    Rollout(Vec<(Percent, Option<String>)>),
    Experiment {
        /// By name, with weights that add up to 100.
        variants: Vec<(String, Percent)>,
        /// The share that takes part.
        percentage: Option<Percent>,
    },
}

/// A field of a flag, its value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Scalar(&'static str, String),
    /// With the text of each item.
    List(&'static str, Vec<String>),
}

impl Field {
    /// Between braces, or on one line.
    pub(super) fn flow(&self) -> String {
        match self {
            Self::Scalar(name, value) => format!("{name}: {value}"),
            Self::List(name, items) => format!("{name}: [{}]", items.join(", ")),
        }
    }

    /// On lines of its own.
    pub(super) fn block(&self, indent: usize, step: usize) -> Vec<String> {
        let pad = " ".repeat(indent);
        match self {
            Self::Scalar(..) => vec![format!("{pad}{}", self.flow())],
            Self::List(name, items) => {
                let pad_items = " ".repeat(indent + step);
                let items = items.iter().map(|item| format!("{pad_items}- {item}"));
                [format!("{pad}{name}:")].into_iter().chain(items).collect()
            }
        }
    }
}

impl NewFlag {
    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut put = |name, value: String| fields.push(Field::Scalar(name, value));
        for (name, text) in [("description", &self.description), ("owner", &self.owner)] {
            if let Some(text) = text {
                put(name, scalar(text));
            }
        }
        put("created", self.created.to_string());
        put(
            "expires",
            match self.expires {
                Expiry::Never => "never".to_owned(),
                Expiry::On(date) => date.to_string(),
            },
        );
        put("enabled", "false".to_owned());
        match &self.shape {
            Shape::Switch(None) => {}
            Shape::Switch(Some(share)) => put("percentage", share.to_string()),
            Shape::Rollout(stages) => {
                let stage = |(share, duration): &(Percent, Option<String>)| match duration {
                    Some(duration) => format!("{{ percentage: {share}, duration: {duration} }}"),
                    None => format!("{{ percentage: {share} }}"),
                };
                fields.push(Field::List("rollout", stages.iter().map(stage).collect()));
            }
            Shape::Experiment {
                variants,
                percentage,
            } => {
                if let Some(share) = percentage {
                    put("percentage", share.to_string());
                }
                let weights = variants
                    .iter()
                    .map(|(name, weight)| format!("{}: {weight}", scalar(name)));
                let weights: Vec<String> = weights.collect();
                // Without a `control` the first is one, and it is better to say so.
                if let Some((first, _)) = variants.first()
                    && variants.iter().all(|(name, _)| name != "control")
                {
                    put("control", scalar(first));
                }
                put("variants", format!("{{ {} }}", weights.join(", ")));
            }
        }
        fields
    }
}

/// Text as a scalar that every reader of YAML takes for the same string.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Words that are no strings, or were none before YAML 1.2.
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

fn is_plain(text: &str) -> bool {
    let lower = text.to_lowercase();
    let begins = text.starts_with(|c: char| c.is_alphabetic());
    let harmless = |c: char| !matches!(c, ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!');
    if !begins || WORDS.contains(&lower.as_str()) || !text.chars().all(harmless) {
        return false;
    }
    let line = format!("x: {text}");
    let (tree, found) = yaml::parse(FileId::default(), &line);
    let [document] = tree.documents() else {
        return false;
    };
    let Value::Mapping([entry]) = tree.value(*document) else {
        return false;
    };
    found.is_empty() && tree.value(entry.value) == Value::String(text)
}
