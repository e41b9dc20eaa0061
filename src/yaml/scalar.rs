//! What a plain scalar means: the core schema of YAML 1.2.2, section 10.3.2.

/// A scalar by its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    String,
}

/// Resolves an untagged plain scalar.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(text).map_or(Scalar::String, Scalar::Number),
        b'~' | b'n' | b'N' if is_null(text) => Scalar::Null,
        b't' | b'T' | b'f' | b'F' => boolean(text).map_or(Scalar::String, Scalar::Bool),
        _ => Scalar::String,
    }
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Whether `text` is an integer of the core schema.
pub(super) fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    radix(text).is_some() || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// An integer or a float of the core schema.
pub(super) fn number(text: &str) -> Option<f64> {
    if let Some(number) = radix(text) {
        return Some(number);
    }
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = match rest {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => f64::NAN,
        _ => decimal(rest)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `0x1f` and `0o17`, which take no sign.
fn radix(text: &str) -> Option<f64> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) => (digits, 8),
        _ => return None,
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in digits.chars() {
        value = value * f64::from(radix) + f64::from(digit.to_digit(radix)?);
    }
    Some(value)
}

/// Digits, with a fraction and an exponent or without. At least one digit stands before the
/// exponent.
fn decimal(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let run = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let whole = run(0);
    let mut at = whole;
    if at == bytes.len() && (1..=15).contains(&whole) {
        let small = bytes
            .iter()
            .fold(0, |sum: u64, b| sum * 10 + u64::from(b - b'0'));
        // Fifteen digits are exact in a double.
        #[allow(clippy::cast_precision_loss)]
        return Some(small as f64);
    }
    if bytes.get(at) == Some(&b'.') {
        let fraction = run(at + 1);
        if whole + fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = run(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    (at == bytes.len()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("+12", 12.0),
            ("014", 14.0),
            ("0x1F", 31.0),
            ("0o17", 15.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("-1.5e-3", -0.0015),
            ("1E4", 1e4),
            ("12345678901234567890", 12_345_678_901_234_567_890.0),
            (".inf", f64::INFINITY),
            ("-.INF", f64::NEG_INFINITY),
        ] {
            assert_eq!(resolve(text), Scalar::Number(value), "{text}");
        }
        assert!(matches!(resolve(".nan"), Scalar::Number(value) if value.is_nan()));
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text), Scalar::Null, "{text}");
        }
        for text in ["true", "True", "TRUE"] {
            assert_eq!(resolve(text), Scalar::Bool(true), "{text}");
        }
        assert_eq!(resolve("False"), Scalar::Bool(false));
    }

    #[test]
    fn everything_else_is_a_string() {
        for text in [
            "on",
            "yes",
            "no",
            "y",
            "tRue",
            "nULL",
            "nil",
            "1_000",
            "0b11",
            "0x",
            "0xg",
            "-0x1",
            "0o8",
            "+",
            "-",
            ".",
            "-.",
            ".e1",
            "1e",
            "1e+",
            "1.2.3",
            "1:30",
            "2026-11-02",
            "2h",
            "+.nan",
            "Infinity",
            ".infinity",
            "inf",
            "NaN",
            "1 2",
            "é",
        ] {
            assert_eq!(resolve(text), Scalar::String, "{text}");
        }
    }

    #[test]
    fn integers_are_told_from_floats() {
        for text in ["1", "-1", "+0", "0x10", "0o7"] {
            assert!(is_integer(text), "{text}");
        }
        for text in ["1.0", "1e3", ".inf", "", "-", "0x"] {
            assert!(!is_integer(text), "{text}");
        }
    }
}
