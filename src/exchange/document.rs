//! Files of other systems, YAML or JSON, as values with their lines.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::below;
use crate::diagnostic::{FileId, LineIndex, Severity};
use crate::yaml::{self, NodeId, Tree};

/// A file as read.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The documents in it; JSON has one.
    pub roots: Vec<Value>,
    /// Path to line, from 1.
    lines: HashMap<String, u32>,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Unreadable {
    pub line: u32,
    pub message: String,
}

impl Document {
    /// Reads text as JSON where it is JSON, else as YAML.
    ///
    /// # Errors
    /// The first thing that keeps it from being read as either.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let file = FileId::default();
        let text = yaml::decode(file, bytes).map_err(|error| Unreadable {
            line: 1,
            message: error.message,
        })?;
        let lines = LineIndex::new(text);
        let (tree, found) = yaml::parse(file, text);
        let mut document = Self::default();
        for root in tree.documents() {
            let value = document.convert(&tree, &lines, *root, String::new());
            document.roots.push(value);
        }
        if text.trim_start().starts_with('{')
            && let Ok(json) = serde_json::from_str(text)
            && !found.iter().any(|found| found.rule == yaml::DUPLICATE)
        {
            // Escapes of JSON that YAML does not have are read right; the lines are YAML's.
            document.roots = vec![json];
            return Ok(document);
        }
        let error = found.iter().find(|found| found.severity == Severity::Error);
        match error {
            None => Ok(document),
            Some(error) => Err(Unreadable {
                line: lines.line(error.location.span.start),
                message: error.message.clone(),
            }),
        }
    }

    /// Line of what stands at `path`, or of what it is part of.
    #[must_use]
    pub fn line(&self, path: &str) -> u32 {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            let Some(end) = path.rfind(['.', '[']) else {
                return 1;
            };
            path = path.get(..end).unwrap_or_default();
        }
    }

    fn convert(&mut self, tree: &Tree<'_>, lines: &LineIndex, node: NodeId, path: String) -> Value {
        let value = match tree.value(node) {
            yaml::Value::Null => Value::Null,
            yaml::Value::Bool(value) => value.into(),
            yaml::Value::String(text) => text.into(),
            yaml::Value::Number(number) => number_of(number),
            yaml::Value::Sequence(nodes) => {
                let items = nodes.iter().enumerate();
                items
                    .map(|(at, node)| self.convert(tree, lines, *node, format!("{path}[{at}]")))
                    .collect()
            }
            yaml::Value::Mapping(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    let key = tree.key_text(entry.key).unwrap_or_default().to_owned();
                    let path = below(&path, &key);
                    let line = lines.line(tree.span(entry.key).start);
                    let value = self.convert(tree, lines, entry.value, path.clone());
                    self.lines.insert(path, line);
                    map.insert(key, value);
                }
                map.into()
            }
        };
        let line = lines.line(tree.span(node).start);
        self.lines.entry(path).or_insert(line);
        value
    }
}

/// A whole number where it is written as one; null for what JSON has no number for.
fn number_of(number: yaml::Number<'_>) -> Value {
    match number.text.parse::<i64>() {
        Ok(whole) => whole.into(),
        Err(_) => number.value.into(),
    }
}
