//! What is wrong with a key, and which one was meant.

use jsonschema::error::ValidationErrorKind as Kind;

use super::place::Role;
use super::words;
use crate::diagnostic::did_you_mean;

/// Names longer than this, in bytes, are not compared with the known ones.
const COMPARED: usize = 64;

/// Other words for a field, where they are too far from it to be a slip of the finger.
const SYNONYMS: [(&str, &str); 8] = [
    ("active", "enabled"),
    ("expiry", "expires"),
    ("groups", "allowed_groups"),
    ("percent", "percentage"),
    ("stages", "rollout"),
    ("steps", "rollout"),
    ("team", "owner"),
    ("users", "allowed_users"),
];

/// The one of `fields` that `name` most likely stands for.
pub(super) fn suggestion(name: &str, fields: &[&'static str]) -> Option<&'static str> {
    if name.len() > COMPARED {
        return None;
    }
    let synonym = SYNONYMS
        .iter()
        .find(|(word, _)| *word == name)
        .map(|(_, field)| *field);
    synonym
        .filter(|field| fields.contains(field))
        .or_else(|| did_you_mean(name, fields.iter().copied()))
}

/// Message and help about the key `written` of a flag, a variant or an environment.
pub(super) fn explain(within: Role, written: &str, kind: &Kind) -> (String, String) {
    let shown = words::quote(written);
    let (subject, allowed, near) = match within {
        Role::Flags => (
            "flag key",
            "lower-case letters, digits, `_`, `.` and `-`, starting with a letter",
            words::snake_case(written),
        ),
        Role::Variants => (
            "variant name",
            "letters, digits, `_`, `.` and `-`, starting with a letter or a digit",
            words::variant_name(written),
        ),
        _ => ("environment name", "at least one character", None),
    };
    let message = match kind {
        _ if written.is_empty() => format!("the {subject} is empty"),
        Kind::MaxLength { limit } => format!(
            "the {subject} {shown} has {} characters; it may have at most {limit}",
            written.chars().count(),
        ),
        _ => format!(
            "the {subject} {shown} {}",
            flaw(written, within == Role::Flags)
        ),
    };
    let help = match near.filter(|near| near != written) {
        _ if matches!(kind, Kind::MaxLength { .. }) => "take a shorter one".to_owned(),
        Some(near) => format!("write it with {allowed}, such as `{near}`"),
        None => format!("write it with {allowed}"),
    };
    (message, help)
}

/// What is wrong with the characters of a key.
fn flaw(key: &str, lower: bool) -> String {
    let allowed = |char: char| {
        char.is_ascii_lowercase()
            || char.is_ascii_digit()
            || matches!(char, '_' | '.' | '-')
            || (!lower && char.is_ascii_uppercase())
    };
    match key.chars().find(|char| !allowed(*char)) {
        Some(' ') => "has a space in it".to_owned(),
        Some(char) if char.is_ascii_uppercase() => {
            format!(
                "has the upper-case letter {}",
                words::quote(&char.to_string())
            )
        }
        Some(char) => format!("has the character {}", words::quote(&char.to_string())),
        None => {
            let first: String = key.chars().take(1).collect();
            format!("starts with {}", words::quote(&first))
        }
    }
}
