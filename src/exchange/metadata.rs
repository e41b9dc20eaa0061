//! What people write about a flag: the same few words in every system, under free names.

use serde_json::{Map, Value};

use super::{Imported, Outgoing, below};
use crate::model::is_date;

/// The fields of a flag that are about it, in their order.
pub(super) const ABOUT: [&str; 5] = ["description", "owner", "created", "expires", "tags"];
/// Those, and the salt, which does not show in every flag that has one.
const FIELDS: [&str; 6] = ["description", "owner", "created", "expires", "tags", "salt"];

/// Takes what it knows from a map of free fields, and names the rest.
pub(super) fn read(
    imported: &mut Imported,
    flag: &str,
    path: &str,
    from: &Value,
) -> Map<String, Value> {
    take(imported, flag, path, from, &FIELDS)
}

/// Takes `known` fields from a map, and names the rest.
pub(super) fn take(
    imported: &mut Imported,
    flag: &str,
    path: &str,
    from: &Value,
    known_fields: &[&str],
) -> Map<String, Value> {
    let mut fields = Map::new();
    for field in known_fields {
        let value = from.get(*field).and_then(|value| known(field, value));
        if let Some(value) = value {
            fields.insert((*field).to_owned(), value);
        }
    }
    for (field, value) in from.as_object().into_iter().flatten() {
        if !fields.contains_key(field) && !super::is_nothing(value) {
            let reason = match known_fields.contains(&field.as_str()) {
                true => format!("this is not what a flag file has for `{field}`"),
                false => format!("a flag file has no field for `{field}`"),
            };
            imported.lose(flag, below(path, field), reason);
        }
    }
    fields
}

fn known(field: &str, value: &Value) -> Option<Value> {
    let text = value.as_str();
    match field {
        "created" => text.filter(|text| is_date(text)).map(Value::from),
        "expires" => text
            .filter(|text| *text == "never" || is_date(text))
            .map(Value::from),
        "tags" => match value {
            Value::Array(tags) => tags.iter().all(is_name).then(|| value.clone()),
            _ => {
                let tags = text?.split(',').map(str::trim);
                let tags: Vec<&str> = tags.filter(|tag| !tag.is_empty()).collect();
                (!tags.is_empty()).then(|| tags.into())
            }
        },
        _ => text.filter(|text| !text.is_empty()).map(Value::from),
    }
}

fn is_name(value: &Value) -> bool {
    value.as_str().is_some_and(|name| !name.is_empty())
}

/// What is said about `flag`, as strings.
pub(super) fn write(flag: &Outgoing<'_>, losses: &mut Imported) -> Map<String, Value> {
    let mut metadata = Map::new();
    for field in ABOUT {
        match flag.meta(field) {
            Some(Value::Array(_)) => {
                let tags = super::strings(flag.meta(field));
                if tags.iter().any(|tag| tag.contains(',')) {
                    let reason = "they are one text there, in which a comma ends a tag";
                    losses.lose(flag.key, field, reason);
                }
                metadata.insert(field.to_owned(), tags.join(", ").into());
            }
            Some(value) => {
                metadata.insert(field.to_owned(), value.clone());
            }
            None => {}
        }
    }
    if let Some(salt) = flag.field("salt") {
        metadata.insert("salt".into(), salt.clone());
    }
    metadata
}
