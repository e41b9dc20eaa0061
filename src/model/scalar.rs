//! What single scalars and values mean.

use jiff::civil::Date;

use crate::yaml::{NodeId, Number, Tree, Value};

/// Whether `text` may name a flag: `[a-z][a-z0-9_.-]*`, 1 to 128 bytes.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(allowed)
}

/// Whether `text` may name a variant: `[A-Za-z0-9][A-Za-z0-9_.-]*`, 1 to 128 bytes.
#[must_use]
pub fn is_variant_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(allowed)
}

/// A day as `YYYY-MM-DD` and in no other form.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return None;
    }
    let year = text.get(..4)?.parse().ok()?;
    let month = text.get(5..7)?.parse().ok()?;
    let day = text.get(8..)?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// Seconds of a duration such as `30m`, `2h`, `7d` or `1w`: one to six digits, not zero.
#[must_use]
pub fn parse_duration(text: &str) -> Option<u64> {
    let digits = text.strip_suffix(['m', 'h', 'd', 'w'])?;
    let plain = (1..=6).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let unit = match text.as_bytes().last()? {
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => 604_800,
    };
    let count: u64 = plain.then(|| digits.parse().ok())??;
    count.checked_mul(unit)
}

/// The value below `node`; `None` where JSON has no form for it, such as `.inf`.
pub(super) fn to_json(tree: &Tree<'_>, node: NodeId) -> Option<serde_json::Value> {
    Some(match tree.value(node) {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => value.into(),
        Value::String(text) => text.into(),
        Value::Number(number) => to_number(number)?.into(),
        Value::Sequence(nodes) => nodes
            .iter()
            .map(|node| to_json(tree, *node))
            .collect::<Option<Vec<_>>>()?
            .into(),
        Value::Mapping(entries) => entries
            .iter()
            .map(|entry| {
                Some((
                    tree.key_text(entry.key)?.to_owned(),
                    to_json(tree, entry.value)?,
                ))
            })
            .collect::<Option<serde_json::Map<_, _>>>()?
            .into(),
    })
}

/// Integers keep every digit that 64 bits can hold; `None` for what is not finite.
fn to_number(number: Number<'_>) -> Option<serde_json::Number> {
    let text = number.text;
    let radix = |prefix, radix| u64::from_str_radix(text.strip_prefix(prefix)?, radix).ok();
    let unsigned = text
        .parse()
        .ok()
        .or_else(|| radix("0x", 16))
        .or_else(|| radix("0o", 8));
    let signed = || text.parse::<i64>().ok().map(serde_json::Number::from);
    unsigned
        .map(serde_json::Number::from)
        .or_else(signed)
        .or_else(|| serde_json::Number::from_f64(number.value))
}
