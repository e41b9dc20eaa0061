//! Calls of flag clients: `is_enabled("new_search")`, `get_variant`, and the getters of OpenFeature's SDKs.

/// Which argument of a call is the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    First,
    /// Behind a context, as in Go.
    Second,
}

/// Names whose first argument is a key, besides those that [`names`] puts together.
const PLAIN: [&str; 18] = [
    "is_enabled",
    "isEnabled",
    "IsEnabled",
    "IsEnabledAsync",
    "is_feature_enabled",
    "isFeatureEnabled",
    "IsFeatureEnabled",
    "check_flag",
    "checkFlag",
    "CheckFlag",
    "get_variant",
    "getVariant",
    "GetVariant",
    "GetVariantAsync",
    "useFlag",
    "useVariant",
    "useSuspenseFlag",
    "useFeatureIsOn",
];

/// The names of all functions that are known to take a key.
#[must_use]
pub fn names() -> Vec<(String, Position)> {
    let mut names: Vec<(String, Position)> = PLAIN
        .iter()
        .map(|name| ((*name).to_owned(), Position::First))
        .collect();
    for end in ["Value", "Details"] {
        let snake = end.to_lowercase();
        for kind in [
            "Boolean", "String", "Number", "Integer", "Float", "Double", "Object",
        ] {
            // Java, Kotlin, Swift, PHP, JavaScript; .NET; React.
            names.push((format!("get{kind}{end}"), Position::First));
            names.push((format!("Get{kind}{end}Async"), Position::First));
            names.push((format!("use{kind}Flag{end}"), Position::First));
        }
        for kind in [
            "boolean", "bool", "string", "number", "integer", "int", "float", "object", "struct",
        ] {
            // Python and Rust; Ruby.
            names.push((format!("get_{kind}_{snake}"), Position::First));
            names.push((format!("fetch_{kind}_{snake}"), Position::First));
        }
        for kind in ["Boolean", "String", "Int", "Float", "Object"] {
            let end = if end == "Value" {
                "Value"
            } else {
                "ValueDetails"
            };
            names.push((format!("{kind}{end}"), Position::Second));
        }
    }
    names
}

/// The longest key there is, in bytes.
const LONGEST: usize = 128;
/// So many bytes an argument before the key may have, or a type between the name and its arguments.
const SKIPPED: usize = 160;

/// The key in a call whose name ends at `end`, with its offset. `None` where the argument is no literal
/// that could be one.
#[must_use]
pub fn key_at(bytes: &[u8], end: usize, position: Position) -> Option<(usize, &str)> {
    let mut at = behind_type(bytes, end);
    at = blank(bytes, at);
    if bytes.get(at) != Some(&b'(') {
        return None;
    }
    at = blank(bytes, at + 1);
    if position == Position::Second {
        at = blank(bytes, behind_argument(bytes, at)?);
    }
    at = behind_name(bytes, at);
    // `r"…"`, `@"…"`, `b'…'`.
    let prefix = bytes.get(at).filter(|byte| b"rbuR@".contains(byte));
    at += usize::from(prefix.is_some() && bytes.get(at + 1).is_some_and(|byte| is_quote(*byte)));
    let quote = bytes.get(at).copied().filter(|byte| is_quote(*byte))?;
    let start = at + 1;
    let rest = bytes.get(start..)?;
    let length = rest
        .iter()
        .take(LONGEST + 1)
        .position(|byte| *byte == quote)?;
    let key = std::str::from_utf8(rest.get(..length)?).ok()?;
    let behind = bytes.get(blank(bytes, start + length + 1));
    let is_whole = behind.is_some_and(|byte| matches!(byte, b',' | b')'));
    (is_whole && is_like_a_key(key)).then_some((start, key))
}

/// Keys of flags, and what somebody may take for one.
fn is_like_a_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_key_byte)
}

pub fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

pub fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn blank(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// Behind `<string>` or `::<bool>`, where there is one.
fn behind_type(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let colons = if rest.starts_with(b"::<") { 2 } else { 0 };
    if rest.get(colons) != Some(&b'<') {
        return from;
    }
    let mut depth = 0;
    for (index, byte) in rest.iter().enumerate().take(SKIPPED) {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            b'\n' => break,
            _ => {}
        }
        if depth == 0 && index >= colons {
            return from + index + 1;
        }
    }
    from
}

/// Behind the comma that ends an argument without a literal in it: `ctx`, `r.Context()`.
fn behind_argument(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mut depth = 0;
    for (index, byte) in rest.iter().enumerate().take(SKIPPED) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' if depth > 0 => depth -= 1,
            b',' if depth == 0 => return Some(from + index + 1),
            b')' | b']' | b';' => return None,
            byte if is_quote(*byte) => return None,
            _ => {}
        }
    }
    None
}

/// Behind the name of an argument: `flag_key=`, `key:`.
fn behind_name(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let length = rest.iter().take_while(is_word).count();
    let sign = blank(bytes, from + length);
    match bytes.get(sign) {
        Some(b'=' | b':') if length > 0 => blank(bytes, sign + 1),
        _ => from,
    }
}
