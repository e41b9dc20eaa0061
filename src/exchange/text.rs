//! Values as YAML that people would have written: one field a line, short lists on one line, quotes
//! only where they are needed.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::Draft;
use crate::model::parse_duration;

/// What fits on one line, in characters.
const WIDTH: usize = 100;

/// The text of a flag file with `flags`, in their order.
#[must_use]
pub fn flag_file<'d>(flags: impl IntoIterator<Item = &'d Draft>) -> String {
    let mut out = String::from("flags:\n");
    for (at, flag) in flags.into_iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        out.push_str("  ");
        scalar(&mut out, &flag.key, Inside::Flow);
        out.push_str(":\n");
        for (name, value) in &flag.fields {
            match (name.as_str(), value) {
                // A date needs no quotes where a date belongs.
                ("created" | "expires", Value::String(date)) if is_bare_date(date) => {
                    let _ = writeln!(out, "    {name}: {date}");
                }
                _ => field(&mut out, 4, name, value),
            }
        }
    }
    out
}

/// The text of a YAML document with these fields.
#[must_use]
pub fn document_of(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (at, (name, value)) in map.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        field(&mut out, 0, name, value);
    }
    if map.is_empty() {
        out.push_str("{}\n");
    }
    out
}

fn is_bare_date(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// `name: value`, over as many lines as it needs.
fn field(out: &mut String, indent: usize, name: &str, value: &Value) {
    pad(out, indent);
    scalar(out, name, Inside::Flow);
    out.push(':');
    below_key(out, indent, value);
}

/// What follows the colon of a key that stands at `indent`.
fn below_key(out: &mut String, indent: usize, value: &Value) {
    let line = flow(value);
    let start = out.rfind('\n').map_or(0, |at| at + 1);
    let taken = out.get(start..).unwrap_or_default().chars().count();
    let fits = taken + line.chars().count() < WIDTH;
    match value {
        Value::Array(items) if !items.is_empty() && (!fits || holds_maps(items)) => {
            out.push('\n');
            for item in items {
                pad(out, indent + 2);
                out.push('-');
                item_of(out, indent + 2, item);
            }
        }
        Value::Object(map) if !map.is_empty() && (!fits || is_deep(map)) => {
            out.push('\n');
            for (name, value) in map {
                field(out, indent + 2, name, value);
            }
        }
        Value::String(text) => {
            out.push(' ');
            scalar(out, text, Inside::Block);
            out.push('\n');
        }
        _ => {
            out.push(' ');
            out.push_str(&line);
            out.push('\n');
        }
    }
}

/// What follows the dash of an item that stands at `indent`.
fn item_of(out: &mut String, indent: usize, item: &Value) {
    let line = flow(item);
    match item {
        Value::Object(map) if !map.is_empty() && (line.len() + indent > WIDTH || is_deep(map)) => {
            for (at, (name, value)) in map.iter().enumerate() {
                if at == 0 {
                    out.push(' ');
                } else {
                    pad(out, indent + 2);
                }
                scalar(out, name, Inside::Flow);
                out.push(':');
                below_key(out, indent + 2, value);
            }
        }
        _ => {
            out.push(' ');
            out.push_str(&line);
            out.push('\n');
        }
    }
}

fn holds_maps(items: &[Value]) -> bool {
    items.iter().any(Value::is_object)
}

/// Whether a map holds more than scalars and lists of them.
fn is_deep(map: &Map<String, Value>) -> bool {
    let deep = |value: &Value| match value {
        Value::Array(items) => items.iter().any(|item| item.is_array() || item.is_object()),
        value => value.is_object(),
    };
    map.values().any(deep)
}

/// The value on one line.
fn flow(value: &Value) -> String {
    let mut out = String::new();
    write_flow(&mut out, value);
    out
}

fn write_flow(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => scalar(out, text, Inside::Flow),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_flow(out, item);
            }
            out.push(']');
        }
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            out.push_str("{ ");
            for (at, (name, value)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                scalar(out, name, Inside::Flow);
                out.push_str(": ");
                write_flow(out, value);
            }
            out.push_str(" }");
        }
        // Null, booleans and numbers are the same in both.
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Where a scalar stands: in flow, commas and brackets end it. Keys are written as there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Block,
    Flow,
}

fn scalar(out: &mut String, text: &str, inside: Inside) {
    let needs_escapes = text.contains(is_unprintable) || text.contains(['\'', '\n']);
    if is_plain(text, inside) || parse_duration(text).is_some() {
        out.push_str(text);
    } else if text.contains('"') && !needs_escapes {
        // Easier to read than a backslash before each of them.
        let _ = write!(out, "'{text}'");
    } else {
        quoted(out, text);
    }
}

/// Whether every reader of YAML, of 1.1 too, takes the bare text for this string.
fn is_plain(text: &str, inside: Inside) -> bool {
    const WORDS: [&str; 10] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan",
    ];
    let signs = match inside {
        Inside::Block => " _-./()'+;=%@!?,",
        Inside::Flow => " _-./()'+;=%@",
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || signs.contains(c) || c > '\u{a0}';
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(|c| allowed(c) && !is_unprintable(c))
        && WORDS.iter().all(|word| !text.eq_ignore_ascii_case(word))
}

/// In double quotes, with the escapes that YAML and JSON have in common.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_unprintable(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What YAML does not let stand as it is, and what nobody would see; all of it within four digits.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}'
        )
}
