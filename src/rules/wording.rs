//! Words that several rules share.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::{ToSpan, Unit};

use crate::diagnostic::{Edit, Fix, Span};

/// Names in a message: no more than these, then how many are left.
const SHOWN: usize = 8;
/// Names that are searched for the one that was meant. Past that nobody is helped, and a hostile file
/// would cost the square of its length.
pub const SEARCHED: usize = 100;

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

/// Days from one day to another; fewer than none where that is earlier.
pub fn days(from: Date, to: Date) -> i64 {
    from.until((Unit::Day, to))
        .map_or(0, |span| i64::from(span.get_days()))
}

/// So many days after a day, or the last day there is.
pub fn day_after(day: Date, days: i64) -> Date {
    // All the days there are in a calendar of ten thousand years, and more.
    day.saturating_add(days.clamp(0, 4_000_000).days())
}

/// Seconds as a flag file has them: in the largest unit that they are a whole number of.
pub fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, letter) = unit.unwrap_or(&(1, "s"));
    format!("{}{letter}", seconds / unit)
}

/// True for a text that says nothing.
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Replaces the name at `span` by the nearest of the `known` ones, if one is near. Two names may be near
/// each other and both be meant, so this takes a person.
pub fn rename<'a>(wrong: &str, span: Span, known: impl Iterator<Item = &'a str>) -> Option<Fix> {
    let name = crate::diagnostic::did_you_mean(wrong, known.take(SEARCHED))?;
    Some(replace(wrong, span, name))
}

/// Replaces the name at `span` by `name`, which takes a person, too.
pub fn replace(wrong: &str, span: Span, name: &str) -> Fix {
    Fix {
        title: format!("replace {} with {}", quote(wrong), quote(name)),
        edits: vec![Edit {
            span,
            text: scalar(name).into_owned(),
        }],
        safe: false,
    }
}

/// Replaces the key at `span` by the nearest of the `free` ones, which is free no longer then: two
/// keys must not become one.
pub fn rename_key(wrong: &str, span: Span, free: &mut Vec<&str>) -> Option<Fix> {
    let name = crate::diagnostic::did_you_mean(wrong, free.iter().copied())?;
    free.retain(|free| *free != name);
    Some(replace(wrong, span, name))
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
    fn days_are_counted_both_ways_and_end() {
        let day = jiff::civil::date(2026, 11, 15);
        for (other, between) in [
            (jiff::civil::date(2026, 11, 16), 1),
            (jiff::civil::date(2025, 11, 15), -365),
            (day, 0),
        ] {
            assert_eq!(days(day, other), between);
        }
        assert_eq!(day_after(day, 90), jiff::civil::date(2027, 2, 13));
        assert_eq!(day_after(day, i64::MAX), Date::MAX);
    }

    #[test]
    fn durations_are_in_one_unit() {
        for (seconds, text) in [
            (300, "5m"),
            (5_400, "90m"),
            (7_200, "2h"),
            (86_400, "1d"),
            (1_209_600, "14d"),
        ] {
            assert_eq!(duration(seconds), text);
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
