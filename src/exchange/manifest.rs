//! The flag manifest of the OpenFeature CLI, which makes typed code of it:
//! <https://github.com/open-feature/cli>.

use serde_json::{Map, Value};

use super::Outgoing;
use crate::eval::Malformed;

pub(super) fn head() -> Map<String, Value> {
    let mut head = Map::new();
    head.insert(
        "$schema".into(),
        "https://raw.githubusercontent.com/open-feature/cli/main/schema/v0/flag-manifest.json"
            .into(),
    );
    head
}

/// Type, default and description of `flag`. The default is what it gives while it is off, which is
/// what code should get where nothing answers.
pub(super) fn write(flag: &Outgoing<'_>) -> Result<Value, Malformed> {
    let evaluator = flag.evaluator()?;
    let default = evaluator
        .control()
        .map_or(Value::Bool(false), |(_, value)| value.clone());
    let whole = evaluator
        .variants()
        .all(|(_, value, _)| value.is_i64() || value.is_u64());
    let kind = match &default {
        Value::Bool(_) => "boolean",
        Value::String(_) => "string",
        Value::Number(_) if whole => "integer",
        Value::Number(_) => "float",
        _ => "object",
    };
    let mut definition = Map::new();
    definition.insert("flagType".into(), kind.into());
    definition.insert("defaultValue".into(), default);
    if let Some(description) = flag.meta("description") {
        definition.insert("description".into(), description.clone());
    }
    Ok(definition.into())
}
