//! Values as text: what is copied from one place of a file to another is written the way it was, and in
//! one line where it goes between braces.

use super::document::Document;
use crate::yaml::{NodeId, Value};

/// A value on one line, as it may stand between braces.
pub(super) fn flow(document: &Document<'_>, node: NodeId) -> String {
    let tree = &document.tree;
    match tree.value(node) {
        Value::Mapping([]) => "{}".to_owned(),
        Value::Mapping(entries) => {
            let entries = entries.iter().map(|entry| {
                let key = scalar(document, entry.key);
                format!("{key}: {}", flow(document, entry.value))
            });
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Sequence(items) => {
            let items = items.iter().map(|item| flow(document, *item));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        _ => scalar(document, node),
    }
}

/// The entries or items of a collection, a line each, behind `indent` spaces.
pub(super) fn block(document: &Document<'_>, node: NodeId, indent: usize) -> Vec<String> {
    let indent = " ".repeat(indent);
    match document.tree.value(node) {
        Value::Mapping(entries) => entries
            .iter()
            .map(|entry| {
                let key = scalar(document, entry.key);
                format!("{indent}{key}: {}", flow(document, entry.value))
            })
            .collect(),
        Value::Sequence(items) => items
            .iter()
            .map(|item| format!("{indent}- {}", flow(document, *item)))
            .collect(),
        _ => vec![format!("{indent}{}", scalar(document, node))],
    }
}

/// As it is written, if that means the same on one line and between braces; else in quotes.
fn scalar(document: &Document<'_>, node: NodeId) -> String {
    let written = document.written(node);
    match document.tree.value(node) {
        Value::String(text) if document.tree.is_plain(node) && written == text => {
            if text.bytes().all(is_harmless) {
                text.to_owned()
            } else {
                quoted(text)
            }
        }
        Value::String(text) => {
            let quotes = written.starts_with(['"', '\'']) && !written.contains(['\n', '\r']);
            if quotes {
                written.to_owned()
            } else {
                quoted(text)
            }
        }
        Value::Number(number) => number.text.to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Sequence(_) | Value::Mapping(_) => String::new(),
    }
}

/// Means nothing to YAML, wherever it stands in a plain scalar.
fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte) || !byte.is_ascii()
}

/// In double quotes: JSON's escapes are YAML's too.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
