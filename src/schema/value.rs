//! What is wrong with a value, and what to write instead.

use jsonschema::JsonType;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as JsonValue;

use super::place::{Place, Role};
use super::words;
use crate::yaml::Value;

const DURATIONS: &str = "write it like `30m`, `2h`, `7d` or `1w`";
const DATES: &str = "write it as YYYY-MM-DD";
const DATES_OR_NEVER: &str = "write it as YYYY-MM-DD, or `never`";
pub(super) const FLAGS: &str = "put each flag below `flags:` by its key";

/// A message about a value.
pub(super) struct Advice {
    pub message: String,
    pub help: Option<String>,
    /// What to write in its place, where that is certain.
    pub replacement: Option<String>,
}

impl Advice {
    fn new(message: String) -> Self {
        Self {
            message,
            help: None,
            replacement: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn replace(mut self, text: impl Into<String>) -> Self {
        self.replacement = Some(text.into());
        self
    }
}

/// Puts the keyword of the schema that a value fails into words. `schema` is the subschema that
/// holds the keyword, `schema_path` its place.
pub(super) fn explain(
    place: &Place<'_>,
    kind: &Kind,
    schema_path: &str,
    schema: Option<&JsonValue>,
) -> Advice {
    let value = place.tree.value(place.node);
    let is = is(place);
    let number = match value {
        Value::Number(number) => words::shorten(number.text),
        _ => String::new(),
    };
    match kind {
        Kind::Type { .. } if value == Value::Null => empty(place),
        Kind::Type { kind } => {
            let expected = expected(kind, schema_path);
            let noun = words::noun(place.tree, place.node, place.source());
            let advice = Advice::new(format!("{is} {noun}, not {expected}"));
            mistyped(advice, place, expected, schema)
        }
        Kind::Minimum { .. } | Kind::Maximum { .. } if schema_path.starts_with("/$defs/json/") => {
            Advice::new(format!("{is} {number}, which JSON cannot hold"))
        }
        Kind::Minimum { .. } | Kind::Maximum { .. } => {
            Advice::new(format!("{is} {number}; it must be between 0 and 100"))
        }
        Kind::MultipleOf { .. } => {
            let advice = Advice::new(format!("{is} {number}; it may have at most 3 decimals"));
            match value {
                Value::Number(number) => {
                    let rounded = (number.value * 1000.0).round() / 1000.0;
                    advice.help(format!("write `{rounded}`"))
                }
                _ => advice,
            }
        }
        Kind::MinItems { .. } => Advice::new(format!("{is} an empty list"))
            .help("add a stage, such as `{ percentage: 1, duration: 2h }`"),
        Kind::MinProperties { .. } => Advice::new(format!("{is} empty"))
            .help("add variants, such as `{ control: 50, treatment: 50 }`"),
        Kind::Pattern { .. } | Kind::Format { .. } => malformed(place, &is, schema_path),
        _ => {
            let noun = words::noun(place.tree, place.node, place.source());
            Advice::new(format!("{is} {noun}")).help(fill_in(place))
        }
    }
}

/// How a sentence about the value begins.
fn subject(place: &Place<'_>) -> String {
    let name = words::quote(&place.label());
    match place.role() {
        Role::Root => "the file".to_owned(),
        Role::Flag => format!("the flag {name}"),
        Role::Environment => format!("the environment {name}"),
        Role::Variant => format!("the weight of {name}"),
        _ => name,
    }
}

fn is(place: &Place<'_>) -> String {
    let verb = if place.is_element() { "holds" } else { "is" };
    format!("{} {verb}", subject(place))
}

fn empty(place: &Place<'_>) -> Advice {
    let lack = match place.role() {
        Role::Variant => format!("the variant {} has no weight", words::quote(place.name())),
        _ if place.is_element() => format!("{} has an element without a value", subject(place)),
        _ => format!("{} has no value", subject(place)),
    };
    Advice::new(lack).help(fill_in(place))
}

fn fill_in(place: &Place<'_>) -> String {
    match place.role() {
        Role::Flag => "write its fields below it, or `{}` for a flag that is off".to_owned(),
        Role::Variant => "write its weight in percent".to_owned(),
        Role::Required => "write a value".to_owned(),
        _ if place.is_element() => "write a value or take the element out".to_owned(),
        _ => format!("write a value or leave out {}", words::quote(place.name())),
    }
}

/// The type that was wanted, in the words of the format rather than of JSON.
fn expected(kind: &TypeKind, schema_path: &str) -> &'static str {
    let definition = schema_path.trim_end_matches("/type").rsplit('/').next();
    match (definition, kind) {
        (Some("date"), _) => "a date",
        (Some("expires"), _) => "a date or `never`",
        (Some("duration"), _) => "a duration",
        (Some("rollout"), _) => "a list of stages",
        (Some("tests"), _) => "a list of tests",
        (Some("variant"), _) => "a number",
        (Some("value" | "expect"), _) => "a boolean, a string, a number or a mapping",
        (_, TypeKind::Single(JsonType::Boolean)) => "a boolean",
        (_, TypeKind::Single(JsonType::Number | JsonType::Integer)) => "a number",
        (_, TypeKind::Single(JsonType::String)) => "a string",
        (_, TypeKind::Single(JsonType::Array)) => "a list of strings",
        _ => "a mapping",
    }
}

/// Adds what to write instead of a value of the wrong type.
fn mistyped(
    advice: Advice,
    place: &Place<'_>,
    expected: &str,
    schema: Option<&JsonValue>,
) -> Advice {
    let source = place.source();
    let quoted = source.is_some_and(|source| source.starts_with(['"', '\'']));
    match (expected, place.tree.value(place.node)) {
        ("a boolean", Value::String(text)) => boolean(advice, text, source, quoted),
        ("a boolean", _) => advice.help("write `true` or `false`"),
        ("a number", Value::String(text)) => match words::number(text) {
            Some(meant) if quoted && text == meant => {
                advice.help("remove the quotes").replace(meant)
            }
            Some(meant) => advice.help(format!("write `{meant}`")),
            None => advice,
        },
        ("a string", Value::Number(_) | Value::Bool(_)) => match source {
            Some(source) => {
                let meant = format!("\"{source}\"");
                advice.help(format!("write `{meant}`")).replace(meant)
            }
            None => advice.help("write it in quotes"),
        },
        ("a list of strings", Value::String(_)) => match source {
            Some(source) if !source.contains([',', '[', ']', '{', '}']) => {
                let meant = format!("[{source}]");
                advice
                    .help(format!("write {}", words::quote(&meant)))
                    .replace(meant)
            }
            _ => advice.help("write each string as `- ` on a line of its own"),
        },
        ("a duration", _) => advice.help(DURATIONS),
        ("a date", _) => advice.help(DATES),
        ("a date or `never`", _) => advice.help(DATES_OR_NEVER),
        _ if matches!(place.role(), Role::Root | Role::Flags) => advice.help(FLAGS),
        _ => match schema.and_then(|schema| schema.pointer("/examples/0")) {
            Some(example) => advice.help(format!("write it like `{}`", words::flow(example))),
            None => advice,
        },
    }
}

/// A string where a boolean belongs, such as YAML 1.1's `yes`.
fn boolean(mut advice: Advice, text: &str, source: Option<&str>, quoted: bool) -> Advice {
    let meant = match words::boolean(text) {
        Some(true) => "true",
        Some(false) => "false",
        None => return advice.help("write `true` or `false`"),
    };
    if source.is_some() && text == meant {
        return advice.help("remove the quotes").replace(meant);
    }
    let help = format!("write `{meant}`");
    if source.is_none() || quoted {
        return advice.help(help);
    }
    advice.message += &format!(": YAML 1.2 reads {} as a string", words::quote(text));
    advice.help(help).replace(meant)
}

/// A string that is no duration or no date.
fn malformed(place: &Place<'_>, is: &str, schema_path: &str) -> Advice {
    let Value::String(text) = place.tree.value(place.node) else {
        return Advice::new(format!("{is} in the wrong form"));
    };
    let shown = words::quote(text);
    if schema_path.contains("/duration/") {
        let advice = Advice::new(format!("{is} {shown}, which is not a duration"));
        return match words::duration(text) {
            Some(meant) => advice.help(format!("write `{meant}`")),
            None => advice.help(DURATIONS),
        };
    }
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let flaw = if shaped {
        "a day that no calendar has"
    } else {
        "which is not a date"
    };
    let help = if place.name() == "expires" {
        DATES_OR_NEVER
    } else {
        DATES
    };
    Advice::new(format!("{is} {shown}, {flaw}")).help(help)
}
