//! What is meant by what was written: pure functions from text to text.

use serde_json::Value as JsonValue;

use crate::yaml::{NodeId, Tree, Value};

/// Longest piece of the file that a message repeats, in characters.
const SHOWN: usize = 60;

/// `text` between backticks, cut where it is long, without control characters.
pub(super) fn quote(text: &str) -> String {
    format!("`{}`", shorten(text))
}

/// `text`, cut where it is long, without control characters.
pub(super) fn shorten(text: &str) -> String {
    let mut short = String::new();
    for (at, char) in text.chars().enumerate() {
        if at == SHOWN {
            short.push('…');
            break;
        }
        if char.is_control() {
            short.extend(char.escape_default());
        } else {
            short.push(char);
        }
    }
    short
}

/// The words in a row: `a`, `b`, `c`.
pub(super) fn listed(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// A value as a noun: "the number 10".
pub(super) fn noun(tree: &Tree<'_>, node: NodeId, source: Option<&str>) -> String {
    match tree.value(node) {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => format!("the boolean `{value}`"),
        Value::Number(number) => format!("the number {}", shorten(number.text)),
        Value::String("") => "an empty string".to_owned(),
        Value::String(text) => {
            let quoted = source.filter(|source| source.starts_with(['"', '\'']));
            format!("the string {}", quote(quoted.unwrap_or(text)))
        }
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
    }
}

/// A value of the schema's examples as people write it: `{ percentage: 5, duration: 4h }`.
pub(super) fn flow(value: &JsonValue) -> String {
    let plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    match value {
        JsonValue::String(text) if plain(text) => text.clone(),
        JsonValue::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        JsonValue::Object(entries) => {
            let entry = |(key, value): (&String, &JsonValue)| format!("{key}: {}", flow(value));
            let entries: Vec<_> = entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// The boolean that a word stands for in YAML 1.1 and among people.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some(true),
        "no" | "off" | "n" | "false" => Some(false),
        _ => None,
    }
}

/// The number that is meant by a string such as `10`, `10%`, `1_000`, as YAML has it.
pub(super) fn number(text: &str) -> Option<String> {
    let digits = text
        .trim()
        .trim_end_matches('%')
        .trim_end()
        .replace('_', "");
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let value: f64 = digits.parse().ok()?;
    (plain && value.is_finite()).then(|| value.to_string())
}

/// The duration that is meant by `2 hours`, `24H`, `1 day`: one unit that the format has.
pub(super) fn duration(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let unit_at = text.find(|char: char| !char.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(unit_at)?;
    let digits = digits.trim_start_matches('0');
    let unit = match unit.trim() {
        "m" | "min" | "mins" | "minute" | "minutes" => 'm',
        "h" | "hr" | "hrs" | "hour" | "hours" => 'h',
        "d" | "day" | "days" => 'd',
        "w" | "wk" | "week" | "weeks" => 'w',
        _ => return None,
    };
    (1..=6)
        .contains(&digits.len())
        .then(|| format!("{digits}{unit}"))
}

/// A key in the allowed form that is near `text`: `NewSearch` is near `new_search`.
pub(super) fn snake_case(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut after_lower = false;
    for char in text.trim().chars() {
        let lower = char.to_ascii_lowercase();
        match char {
            'A'..='Z' if after_lower => key.extend(['_', lower]),
            'A'..='Z' | 'a'..='z' => key.push(lower),
            '0'..='9' | '_' | '.' | '-' if !key.is_empty() => key.push(char),
            _ if !key.is_empty() && !key.ends_with('_') => key.push('_'),
            _ => {}
        }
        after_lower = char.is_ascii_lowercase() || char.is_ascii_digit();
        if key.len() > 128 {
            return None;
        }
    }
    let key = key.trim_end_matches('_');
    (!key.is_empty()).then(|| key.to_owned())
}

/// A variant's name in the allowed form that is near `text`.
pub(super) fn variant_name(text: &str) -> Option<String> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-');
    let name: String = text
        .trim()
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    let name = name.trim_matches(['_', '.', '-']);
    (1..=128).contains(&name.len()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_found() {
        let durations = [
            ("2 hours", "2h"),
            ("24H", "24h"),
            ("1 day", "1d"),
            ("07d", "7d"),
            ("3weeks", "3w"),
        ];
        for (text, meant) in durations {
            assert_eq!(duration(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["", "h", "0h", "2 months", "90s", "1d12h", "9999999h", "2"] {
            assert_eq!(duration(text), None, "{text}");
        }
        let numbers = [
            ("10", "10"),
            ("10%", "10"),
            ("33.30", "33.3"),
            ("1_000", "1000"),
        ];
        for (text, meant) in numbers {
            assert_eq!(number(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["", "ten", "1e3", "inf", "0x10", "1.2.3"] {
            assert_eq!(number(text), None, "{text}");
        }
        let keys = [
            ("NewSearch", "new_search"),
            ("new search", "new_search"),
            ("HTTPServer", "httpserver"),
            ("1st", "st"),
            ("team:flag", "team_flag"),
            ("prix €", "prix"),
        ];
        for (text, meant) in keys {
            assert_eq!(snake_case(text).as_deref(), Some(meant), "{text}");
        }
        assert_eq!(snake_case("123"), None);
        assert_eq!(
            variant_name("higher price").as_deref(),
            Some("higher_price")
        );
        assert_eq!(variant_name("€"), None);
    }

    #[test]
    fn what_is_repeated_is_short_and_harmless() {
        assert_eq!(quote("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
        assert_eq!(quote(&"x".repeat(1000)).chars().count(), SHOWN + 3);
    }
}
