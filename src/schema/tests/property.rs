//! What holds of any file: schema and model agree on what can be read.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::super::{CONTRACT, SCHEMA, View};
use super::read;
use crate::diagnostic::{FileId, Severity};
use crate::yaml;

/// The same schema over plain JSON: what the arena is compared with.
static PLAIN: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

/// Values that are right for some field and wrong for others.
fn value() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(50),
        json!(100),
        json!(33.333),
        json!(33.3333),
        json!(-1),
        json!(100.5),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("a"),
        json!("never"),
        json!("2026-11-02"),
        json!("2026-02-30"),
        json!("2h"),
        json!("0h"),
        json!("é:\"\\\n"),
        json!([]),
        json!({}),
        json!(["a", "b"]),
        json!([{ "percentage": 5, "duration": "1w" }]),
        json!({ "a": 50, "b": { "weight": 50, "value": [1] } }),
        json!({ "a": ["u"] }),
        json!([{ "expect": true, "user": "u" }]),
    ]);
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Fields, and names of flags, variants and environments.
fn name() -> impl Strategy<Value = String> {
    let names = [
        "description",
        "owner",
        "created",
        "expires",
        "tags",
        "enabled",
        "percentage",
        "rollout",
        "variants",
        "control",
        "forced",
        "allowed_users",
        "allowed_groups",
        "salt",
        "environments",
        "tests",
        "weight",
        "value",
        "duration",
        "user",
        "groups",
        "environment",
        "expect",
        "a",
        "B",
        "_",
        "",
        "flags",
        "percentge",
        "1",
        "é",
    ];
    select(names.to_vec()).prop_map(str::to_owned)
}

/// Mostly what a flag may be.
fn flag() -> impl Strategy<Value = Value> {
    let good = select(vec![
        ("enabled", json!(true)),
        ("percentage", json!(12.5)),
        ("owner", json!("a")),
        ("created", json!("2026-11-02")),
        ("expires", json!("never")),
        ("tags", json!(["a"])),
        (
            "rollout",
            json!([{ "percentage": 5, "duration": "30m" }, { "percentage": 7 }]),
        ),
        (
            "variants",
            json!({ "a": 50, "b": { "weight": 50, "value": { "x": [null, 1] } } }),
        ),
        ("control", json!("a")),
        ("forced", json!({ "a": ["u"] })),
        (
            "environments",
            json!({ "e": { "enabled": false, "forced": { "b": [] } } }),
        ),
        (
            "tests",
            json!([{ "expect": 5, "groups": ["g"], "percentage": 0 }]),
        ),
    ]);
    let good = good.prop_map(|(field, value)| (field.to_owned(), value));
    let entry = prop_oneof![4 => good, 1 => (name(), value())];
    prop::collection::vec(entry, 0..8)
        .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>()))
}

fn document() -> impl Strategy<Value = Value> {
    let flags = prop::collection::vec((name(), flag()), 0..4)
        .prop_map(|entries| json!({ "flags": entries.into_iter().collect::<Map<_, _>>() }));
    prop_oneof![8 => flags, 1 => value()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_cannot_be_read_is_reported_and_nothing_else_is(document in document()) {
        let text = document.to_string();
        let (diagnostics, flags) = read(&text);
        for flag in &flags {
            let reported = diagnostics.iter().any(|found| {
                found.severity == Severity::Error
                    && found.flag.as_deref().unwrap_or_default() == &*flag.key.value
            });
            prop_assert!(flag.complete || reported, "{text}");
        }
        if PLAIN.is_valid(&document) {
            prop_assert!(diagnostics.is_empty(), "{text}\n{diagnostics:?}");
            prop_assert!(flags.iter().all(|flag| flag.complete), "{text}");
        }
    }

    #[test]
    fn the_arena_is_valid_where_plain_json_is(document in document()) {
        let text = document.to_string();
        let (tree, _) = yaml::parse(FileId(0), &text);
        let contract = CONTRACT.as_ref().unwrap();
        let view = View::new(&tree);
        let valid = contract.validator.is_valid(view.node(tree.documents()[0]));
        prop_assert_eq!(valid, PLAIN.is_valid(&document), "{}", text);
    }

    #[test]
    fn every_place_lies_in_the_text(document in document()) {
        let text = document.to_string();
        let (diagnostics, _) = read(&text);
        for found in diagnostics {
            let fixes = found.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
            for span in fixes.chain([found.location.span]) {
                prop_assert!(text.get(span.range()).is_some(), "{text}");
            }
        }
    }
}
