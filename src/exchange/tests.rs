use serde_json::{Map, Value, json};

use super::*;
use crate::diagnostic::FileId;
use crate::model;
use crate::yaml;

mod foreign;

fn draft(fields: Value) -> Draft {
    let Value::Object(fields) = fields else {
        panic!("a map of fields")
    };
    Draft {
        key: "f".into(),
        fields,
        path: String::new(),
    }
}

/// What YAML has in it, as a reader of YAML sees it.
fn read_back(text: &str) -> Value {
    let (tree, found) = yaml::parse(FileId(0), text);
    assert_eq!(found, [], "{text}");
    let roots = Document::read(text.as_bytes()).expect("YAML").roots;
    assert_eq!(roots.len(), tree.documents().len());
    roots.into_iter().next().unwrap_or_default()
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let long = "a word, ".repeat(30);
    for text in [
        "",
        " ",
        "plain",
        "two words",
        "trailing ",
        " leading",
        "yes",
        "No",
        "on",
        "null",
        "~",
        "012",
        "1e3",
        "0x1f",
        "2026-11-02",
        "a: b",
        "a #b",
        "#",
        "- a",
        "a, b",
        "[a]",
        "{a}",
        "it's",
        "say \"hi\"",
        "it's \"hi\"",
        "'quoted'",
        "tab\there",
        "line\nbreak",
        "\u{1b}[31m",
        "\u{85}",
        "\u{feff}bom",
        "\u{2028}",
        "grün 旗 😀",
        "back\\slash",
        "!tag",
        "&anchor",
        "*alias",
        "@at",
        "%dir",
        "`tick`",
        "?",
        ":",
        "a:",
        "=",
        "<<",
        ".inf",
        &long,
    ] {
        let fields = json!({
            "description": text,
            "list": [text, "b"],
            "map": {text: text},
            "deep": [{text: [text], "other": {"x": text}}],
        });
        let draft = draft(fields.clone());
        let file = flag_file([&draft]);
        assert_eq!(read_back(&file)["flags"]["f"], fields, "{file}");
        assert!(!file.contains('\u{1b}'), "{file:?}");
        let Value::Object(map) = fields else {
            unreachable!()
        };
        let document = document_of(&map);
        assert_eq!(read_back(&document), Value::Object(map), "{document}");
    }
    assert_eq!(read_back(&document_of(&Map::new())), json!({}));
}

#[test]
fn flags_look_as_people_write_them() {
    let fields = json!({
        "description": "Second version, of the checkout",
        "created": "2026-11-02",
        "expires": "never",
        "enabled": true,
        "percentage": 33.3,
        "rollout": [{"percentage": 1, "duration": "2h"}, {"percentage": 100}],
        "variants": {"a": {"weight": 50, "value": {"size": 1}}, "b": {"weight": 50, "value": {"size": 2}}},
        "forced": {"a": ["u1", "7"]},
        "salt": "on",
    });
    let expected = "flags:
  f:
    description: Second version, of the checkout
    created: 2026-11-02
    expires: never
    enabled: true
    percentage: 33.3
    rollout:
      - { percentage: 1, duration: 2h }
      - { percentage: 100 }
    variants:
      a:
        weight: 50
        value: { size: 1 }
      b:
        weight: 50
        value: { size: 2 }
    forced: { a: [u1, \"7\"] }
    salt: \"on\"
";
    assert_eq!(flag_file([&draft(fields)]), expected);
}

#[test]
fn places_are_lines_of_the_file() {
    for (text, path, line) in [
        ("a:\n  b:\n    - c: 1\n    - d: 2\n", "a.b[1].d", 4),
        ("a:\n  b:\n    - c: 1\n", "a.b[7].x", 2),
        ("{\n\t\"a\": {\n\t\t\"b\": [\n1,\n2]}}", "a.b[1]", 5),
        ("a.b: 1\nc: 2\n", "c", 2),
        ("a: 1\n", "nowhere", 1),
    ] {
        let document = Document::read(text.as_bytes()).expect("a file");
        assert_eq!(document.line(path), line, "{path} of {text}");
    }
}

#[test]
fn json_is_read_as_json() {
    let document = Document::read(br#"{"a": "\ud83d\ude00\/", "b": 1e2}"#).expect("JSON");
    assert_eq!(document.roots, [json!({"a": "😀/", "b": 1e2})]);
    for (text, line) in [("a: [1\n", 1), ("a: 1\na: 2\n", 2), ("{\"a\": \n}}", 2)] {
        let error = Document::read(text.as_bytes()).expect_err(text);
        assert_eq!(error.line, line, "{text}: {error}");
    }
    let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(Document::read(nested.as_bytes()).is_err());
}

#[test]
fn keys_are_made_such_as_hoist_allows() {
    for (key, like) in [
        ("newSearch", Some("new_search")),
        ("NewSearch", Some("new_search")),
        ("New Search (v2)", Some("new_search_v2")),
        ("HTTPServer", Some("httpserver")),
        ("2fa-login", Some("fa-login")),
        ("grün", Some("gr_n")),
        ("a--b.c_d", Some("a--b.c_d")),
        ("旗", None),
        ("", None),
        ("12", None),
    ] {
        assert_eq!(key_like(key).as_deref(), like, "{key}");
        assert!(like.is_none_or(model::is_key));
    }
}

/// What `format` makes of a file: the fields of its one flag, and paths of what is lost.
fn imported(format: Format, file: Value) -> (Value, Vec<String>) {
    let document = Document::read(file.to_string().as_bytes()).expect("JSON");
    let imported = format.read(&document);
    let mut flags = imported.flags.into_iter();
    let fields = flags
        .next()
        .map_or(Value::Null, |draft| draft.fields.into());
    assert_eq!(flags.next(), None);
    let losses = imported.losses.into_iter();
    (fields, losses.map(|loss| loss.path).collect())
}

#[test]
fn queries_are_about_users_and_groups_or_not_carried_over() {
    for (query, fields) in [
        (
            r#"targetingKey in ["a", "b"]"#,
            json!({"allowed_users": ["a", "b"]}),
        ),
        (
            r#"key eq "a" or key == "b" or key in ["c"]"#,
            json!({"allowed_users": ["a", "b", "c"]}),
        ),
        (
            r#"(targetingKey eq "with \" quote")"#,
            json!({"allowed_users": ["with \" quote"]}),
        ),
        (
            r#"{"in": [{"var": "targetingKey"}, ["a"]]}"#,
            json!({"allowed_users": ["a"]}),
        ),
        (
            r#"{"or": [{"==": [{"var": "targetingKey"}, "a"]}, {"in": ["g", {"var": "groups"}]}]}"#,
            json!({"allowed_users": ["a"], "allowed_groups": ["g"]}),
        ),
        (r#"targetingKey eq "a" and country eq "fr""#, Value::Null),
        (r#"targetingKeys eq "a""#, Value::Null),
        (r#"country in ["a"]"#, Value::Null),
        (r#"targetingKey in []"#, Value::Null),
        (r#"targetingKey in ["a""#, Value::Null),
        (r#"{"in": [{"var": "email"}, ["a"]]}"#, Value::Null),
        ("", Value::Null),
    ] {
        let file = json!({"f": {
            "variations": {"yes": true, "no": false},
            "targeting": [{"query": query, "variation": "yes"}],
            "defaultRule": {"percentage": {"yes": 0, "no": 100}},
        }});
        let (flag, losses) = imported(Format::Goff, file);
        let mut expected = json!({"enabled": true, "percentage": 0});
        if let Value::Object(fields) = &fields {
            expected
                .as_object_mut()
                .expect("a map")
                .extend(fields.clone());
        }
        assert_eq!(flag, expected, "{query}");
        assert_eq!(losses.is_empty(), !fields.is_null(), "{query}: {losses:?}");
    }
}

#[test]
fn shares_of_flagd_are_exact_where_the_formula_is_ours() {
    let by = |prefix: &str| json!({"cat": [prefix, {"var": "targetingKey"}]});
    for (split, percentage, same_people) in [
        (json!([by("f:"), ["on", 1], ["off", 3]]), json!(25), true),
        (
            json!([by("other:"), ["on", 1], ["off", 3]]),
            json!(25),
            true,
        ),
        (json!([by("f:"), ["off", 3], ["on", 1]]), json!(25), false),
        (
            json!([by("f:"), ["on", 1], ["off", 2]]),
            json!(33.333),
            false,
        ),
        (json!([by("f"), ["on", 1], ["off", 3]]), json!(25), false),
        (json!([["on", 1], ["off", 3]]), json!(25), false),
        (json!([["on"], ["off"]]), json!(50), false),
    ] {
        let file = json!({"flags": {"f": {
            "state": "ENABLED",
            "variants": {"on": true, "off": false},
            "defaultVariant": "off",
            "targeting": {"fractional": split},
        }}});
        let (flag, losses) = imported(Format::Flagd, file);
        assert_eq!(flag["percentage"], percentage, "{split}");
        assert_eq!(losses.is_empty(), same_people, "{split}: {losses:?}");
    }
}

#[test]
fn weights_add_up_whatever_they_were() {
    let file = |weights: Value| json!({"f": {"variations": {"a": "x", "b": "y", "c": "z"}, "defaultRule": {"percentage": weights}}});
    for (weights, expected) in [
        (json!({"a": 1, "b": 1, "c": 1}), [33.334, 33.333, 33.333]),
        (json!({"a": 33.3, "b": 33.3, "c": 33.4}), [33.3, 33.3, 33.4]),
        (json!({"a": 0.0004, "b": 99.9996}), [0.0, 100.0, 0.0]),
        (json!({"c": 7}), [0.0, 0.0, 100.0]),
    ] {
        let (flag, _) = imported(Format::Goff, file(weights.clone()));
        let weight = |name: &str| flag["variants"][name]["weight"].as_f64().expect("a weight");
        assert_eq!(["a", "b", "c"].map(weight), expected, "{weights}");
    }
}

/// Each of these names the next a hundred times.
#[test]
fn references_do_not_grow_without_bounds() {
    let many = |name: String| json!({"or": vec![json!({"$ref": name}); 100]});
    let evaluators: Map<String, Value> = (0..8)
        .map(|number| (number.to_string(), many((number + 1).to_string())))
        .collect();
    let file = json!({"$evaluators": evaluators, "flags": {"f": {
        "state": "ENABLED",
        "variants": {"on": true, "off": false},
        "defaultVariant": "off",
        "targeting": {"if": [{"$ref": "0"}, "on", "off"]},
    }}});
    let (flag, losses) = imported(Format::Flagd, file);
    assert_eq!(flag["enabled"], false);
    assert_eq!(losses, ["flags.f.targeting.if[0]"]);
}

/// Files of these systems are written by others: whatever stands in them, nothing but losses comes of it.
#[test]
fn nonsense_is_no_reason_to_fail() {
    let values = [
        json!(null),
        json!(1),
        json!("x"),
        json!([]),
        json!([1]),
        json!({}),
        json!({"x": 1}),
        json!(true),
    ];
    for format in [Format::Flagd, Format::Flipt, Format::Goff, Format::Unleash] {
        for one in &values {
            for other in &values {
                let flag = json!({
                    "key": one, "name": "f", "type": other, "state": other, "enabled": one, "variants": one,
                    "defaultVariant": other, "targeting": {"if": [one, other, {"fractional": [one, other]}]},
                    "metadata": other, "variations": other, "defaultRule": one, "rules": [one], "rollouts": [other],
                    "featureName": "f", "parameters": one, "constraints": other, "disable": one,
                });
                for file in [
                    json!({"flags": {"f": flag}}),
                    json!({"flags": [flag, one], "segments": [other], "$evaluators": one}),
                    json!({"f": flag, "g": one}),
                    json!({"features": [flag, one], "featureStrategies": [flag, other], "featureEnvironments": [flag]}),
                    one.clone(),
                ] {
                    let document = Document::read(file.to_string().as_bytes()).expect("JSON");
                    let imported = format.read(&document);
                    let text = flag_file(&imported.flags);
                    assert!(
                        Document::read(text.as_bytes()).is_ok() || imported.flags.len() > 1,
                        "{text}"
                    );
                }
            }
        }
    }
}
