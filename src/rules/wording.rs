//! Words that several rules share.

use std::borrow::Cow;

use crate::diagnostic::{Edit, Fix, Span};

/// Names in a message: no more than these, then how many are left.
const SHOWN: usize = 8;
/// Names that are searched for the one that was meant. Past that nobody is helped, and a hostile file
/// would cost the square of its length.
const SEARCHED: usize = 100;

/// Longest name that a message repeats, in characters: every name that is allowed.
const LONGEST: usize = 128;

/// A name as messages have it: between backticks, cut where it is longer than any that is allowed, so
/// that a hostile file cannot have its size repeated in every finding.
pub fn quote(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", name.get(..end).unwrap_or_default()),
        None => format!("`{name}`"),
    }
}

/// "`a`, `b` and `c`".
pub fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = names.len();
    let shown = if count > SHOWN + 1 { SHOWN } else { count };
    let mut out = String::new();
    for (at, name) in names.take(shown).enumerate() {
        match at {
            0 => {}
            _ if at + 1 == count => out.push_str(" and "),
            _ => out.push_str(", "),
        }
        out.push_str(&quote(name));
    }
    if shown < count {
        out.push_str(&format!(" and {} more", count - shown));
    }
    out
}

/// A number of thousandths without more decimals than needed: `33.3`, `100`.
pub fn thousandths(number: u64) -> String {
    let (whole, rest) = (number / 1000, number % 1000);
    if rest == 0 {
        return whole.to_string();
    }
    let decimals = format!("{rest:03}");
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

/// "1 day", "2 days".
pub fn count(number: i64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// True for a text that says nothing.
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Replaces the name at `span` by the nearest of the `known` ones, if one is near. Two names may be near
/// each other and both be meant, so this takes a person.
pub fn rename<'a>(wrong: &str, span: Span, known: impl Iterator<Item = &'a str>) -> Option<Fix> {
    let name = crate::diagnostic::did_you_mean(wrong, known.take(SEARCHED))?;
    Some(Fix {
        title: format!("replace {} with {}", quote(wrong), quote(name)),
        edits: vec![Edit {
            span,
            text: scalar(name).into_owned(),
        }],
        safe: false,
    })
}

/// A string as it is written in YAML: plain where that is surely read as the same string.
fn scalar(text: &str) -> Cow<'_, str> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = begins
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    if plain && !word {
        Cow::Borrowed(text)
    } else {
        // A JSON string is a double-quoted YAML scalar.
        Cow::Owned(serde_json::Value::from(text).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_well_and_end() {
        let names = |count: usize| vec!["a"; count];
        assert_eq!(list(names(0).into_iter()), "");
        assert_eq!(list(names(1).into_iter()), "`a`");
        assert_eq!(list(names(2).into_iter()), "`a` and `a`");
        assert_eq!(list(names(3).into_iter()), "`a`, `a` and `a`");
        assert_eq!(list(names(9).into_iter()).matches("`a`").count(), 9);
        assert!(list(names(20).into_iter()).ends_with("`a`, `a` and 12 more"));
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(quote("a"), "`a`");
        assert_eq!(quote(&"ä".repeat(1000)).chars().count(), LONGEST + 3);
    }

    #[test]
    fn thousandths_are_exact() {
        for (number, text) in [
            (0, "0"),
            (100, "0.1"),
            (99_900, "99.9"),
            (1, "0.001"),
            (100_000, "100"),
        ] {
            assert_eq!(thousandths(number), text);
        }
    }

    #[test]
    fn names_are_quoted_where_yaml_would_read_them_otherwise() {
        for (name, written) in [
            ("control", "control"),
            ("v1.2-b_c", "v1.2-b_c"),
            ("No", "\"No\""),
            ("1", "\"1\""),
            ("a: b", "\"a: b\""),
            ("\"", "\"\\\"\""),
        ] {
            assert_eq!(scalar(name), written);
        }
    }
}
