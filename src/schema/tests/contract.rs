//! The schema file itself, against the draft it is written in and the model behind it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::SCHEMA;
use super::{read, render};
use crate::model::{FLAG_FIELDS, OVERRIDE_FIELDS, STAGE_FIELDS, TEST_FIELDS, VARIANT_FIELDS};

/// What has fields: its definition, the fields that the model reads, and a file in which `@`
/// stands for the fields.
const OWNERS: [(&str, &[&str], &str); 5] = [
    ("flag", &FLAG_FIELDS, "flags: {k: {@}}"),
    (
        "override",
        &OVERRIDE_FIELDS,
        "flags: {k: {environments: {e: {@}}, variants: {a: 100}}}",
    ),
    ("stage", &STAGE_FIELDS, "flags: {k: {rollout: [{@}]}}"),
    (
        "variant",
        &VARIANT_FIELDS,
        "flags: {k: {variants: {a: {@}}}}",
    ),
    ("test", &TEST_FIELDS, "flags: {k: {tests: [{@}]}}"),
];

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// The schema itself, or what it refers to.
fn resolve<'s>(schema: &'s Value, part: &'s Value) -> &'s Value {
    match part.get("$ref").and_then(Value::as_str) {
        Some(pointer) => schema.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

/// Every definition, and every field of one, by name.
fn parts(schema: &Value) -> Vec<(String, &Value)> {
    let mut parts = vec![("flags".to_owned(), &schema["properties"]["flags"])];
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        parts.push((name.clone(), definition));
        for (field, part) in definition["properties"].as_object().into_iter().flatten() {
            parts.push((format!("{name}.{field}"), part));
        }
    }
    parts
}

#[test]
fn is_valid_json_schema_2020_12() {
    jsonschema::draft202012::meta::validate(&schema()).unwrap();
}

#[test]
fn has_a_title_and_a_description_and_an_example_of_everything() {
    let schema = schema();
    for (name, part) in parts(&schema) {
        let described = if part.get("title").is_some() {
            part
        } else {
            resolve(&schema, part)
        };
        for keyword in ["title", "description", "examples"] {
            assert!(described.get(keyword).is_some(), "{name} has no {keyword}");
        }
    }
}

#[test]
fn its_examples_and_defaults_are_valid() {
    let schema = schema();
    for (name, part) in parts(&schema) {
        let mut whole = part.clone();
        whole["$defs"] = schema["$defs"].clone();
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&whole).unwrap();
        let examples = part
            .get("examples")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for example in examples.chain(part.get("default")) {
            assert!(validator.is_valid(example), "{name}: {example}");
        }
    }
}

#[test]
fn has_the_fields_that_the_model_reads() {
    let schema = schema();
    for (name, fields, _) in OWNERS {
        let definition = &schema["$defs"][name];
        let known: BTreeSet<_> = definition["properties"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        let known: BTreeSet<_> = known.into_iter().map(String::as_str).collect();
        assert_eq!(known, fields.iter().copied().collect(), "{name}");
        assert_eq!(definition["additionalProperties"], json!(false), "{name}");
    }
}

#[test]
fn a_value_of_a_wrong_type_draws_one_diagnostic_at_the_value() {
    let samples = [
        ("null", "~"),
        ("boolean", "true"),
        ("number", "5"),
        ("string", "\"text\""),
        ("array", "[]"),
        ("object", "{}"),
    ];
    let schema = schema();
    for (name, fields, file) in OWNERS {
        for field in fields {
            let part = &schema["$defs"][name]["properties"][field];
            let part = if part.get("type").is_some() {
                part
            } else {
                resolve(&schema, part)
            };
            let types = &resolve(&schema, part)["type"];
            let types = if types.is_null() {
                &part["type"]
            } else {
                types
            };
            assert!(!types.is_null(), "{name}.{field}");
            for (kind, value) in samples {
                if types == kind
                    || types
                        .as_array()
                        .is_some_and(|all| all.contains(&json!(kind)))
                {
                    continue;
                }
                let required = schema["$defs"][name]["required"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let others = required.filter(|other| *other != field);
                let others: String = others
                    .map(|other| format!("{}: 1, ", other.as_str().unwrap()))
                    .collect();
                let text = file.replace('@', &format!("{others}{field}: {value}"));
                // A flag whose own variants are the wrong value has none to start with.
                let text = text.replace("forced: {}", "forced: {}, variants: {a: 100}");
                let (diagnostics, flags) = read(&text);
                let shown = render(&text, &diagnostics);
                let at = text.rfind(&format!("{field}: {value}")).unwrap() + field.len() + 2;
                let lone = format!("`{field}` without");
                let mut found = diagnostics
                    .iter()
                    .filter(|found| !found.message.starts_with(&lone));
                let first = found.next().unwrap_or_else(|| panic!("nothing for {text}"));
                assert_eq!(first.location.span.start as usize, at, "{text}\n{shown}");
                assert!(found.next().is_none(), "{text}\n{shown}");
                assert!(!flags[0].complete, "{text}");
            }
        }
    }
}
