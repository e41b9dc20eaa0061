//! What holds for every text.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::super::*;

/// Walks the tree below `node` and checks each span; alias targets lie elsewhere.
fn check_spans(tree: &Tree<'_>, node: NodeId) {
    let text = tree.text();
    let outer = tree.span(node);
    assert!(text.get(outer.range()).is_some(), "{outer:?} in {text:?}");
    if tree.node(node).kind == Kind::Alias {
        return;
    }
    let children: Vec<NodeId> = match tree.value(node) {
        Value::Sequence(items) => items.to_vec(),
        Value::Mapping(entries) => entries.iter().flat_map(|e| [e.key, e.value]).collect(),
        _ => return,
    };
    for child in children {
        let inner = tree.span(child);
        // Merged entries lie where they were defined.
        let within = outer.start <= inner.start && inner.end <= outer.end;
        assert!(
            within || text.contains("<<"),
            "{inner:?} in {outer:?} of {text:?}"
        );
        if tree.is_complete(node) {
            assert!(tree.is_complete(child), "{inner:?} of {text:?}");
        }
        check_spans(tree, child);
    }
}

fn check(text: &str) {
    let (tree, found) = parse(FileId(0), text);
    for root in tree.documents() {
        check_spans(&tree, *root);
    }
    let complete = tree.documents().iter().all(|root| tree.is_complete(*root));
    assert!(complete || !found.is_empty(), "{text:?}");
    assert!(!text.contains('\0') || !found.is_empty(), "{text:?}");
    for found in &found {
        assert!(
            text.get(found.location.span.range()).is_some(),
            "{found:?} in {text:?}"
        );
        assert!(!found.message.is_empty());
    }
    for comment in tree.comments() {
        assert!(text[comment.span.range()].starts_with('#'), "{text:?}");
    }
}

fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "flags:",
        "\n",
        "\n",
        "\n  ",
        "\n  ",
        "\n    ",
        "\n - ",
        "- ",
        ": ",
        ":",
        "a",
        "b: 1",
        "c:",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\"",
        "'",
        "|",
        ">-",
        "&x ",
        "*x",
        "<<: ",
        "!t ",
        "!!int ",
        " # c",
        "# hoist-ignore\n",
        "\t",
        "\r\n",
        "\r",
        "\n---\n",
        "\n...\n",
        "%YAML 1.2\n",
        "é",
        "\u{feff}",
        "\0",
        "\u{1b}",
        "? ",
        "0x1",
        "~",
        "\\",
        "true",
        "  a:\n",
        "@",
        " ",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A file of flags in which some characters were put in, and some lines taken out.
fn damaged() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "  flag:",
        "  other:",
        "    enabled: true",
        "    tags: [a, b]",
        "    tests:",
        "      - { user: x, expect: true }",
        "    description: \"text\"",
        "    owner: 'x'",
        "    rollout:",
        "      - percentage: 1",
        "        duration: 2h",
        "",
        "# comment",
    ]);
    let harm = prop::sample::select(vec![
        "\"", "'", "[", "]", "{", "}", ":", "\t", " ", "@", "- ", "&a ", "*a", "#", ",",
    ]);
    (
        prop::collection::vec(line, 1..20),
        prop::collection::vec((any::<prop::sample::Index>(), harm), 0..4),
    )
        .prop_map(|(lines, harms)| {
            let mut text = format!("flags:\n{}\n", lines.join("\n"));
            for (place, harm) in harms {
                text.insert_str(place.index(text.len()), harm);
            }
            text
        })
}

fn json() -> impl Strategy<Value = Json> {
    // Not U+0085 and U+2028: the printer takes them for line ends, as YAML 1.1 did.
    let string = prop_oneof![
        "[ -~]{0,12}",
        "[a-z0-9:#'\"\\\\{}&*!|>%@, \n\t\u{e9}\u{1f600}-]{0,12}",
        prop::sample::select(vec![
            "yes",
            "on",
            "012",
            "0x1f",
            "0o17",
            "~",
            "null",
            "1e3",
            ".inf",
            "<<",
            "-",
            "1_0",
            "=",
            "2026-11-02"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>()
            .prop_filter("JSON has no others", |value| value.is_finite())
            .prop_map(Json::from),
        string.clone().prop_map(Json::from),
    ];
    // The printer leaves `<<` without quotes.
    let key = string.prop_filter("a merge", |key| key != "<<");
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

fn to_json(tree: &Tree<'_>, node: NodeId) -> Json {
    match tree.value(node) {
        Value::Null => Json::Null,
        Value::Bool(value) => value.into(),
        Value::String(text) => text.into(),
        Value::Number(number) => match (number.text.parse::<i64>(), number.text.parse::<u64>()) {
            (Ok(value), _) => value.into(),
            (_, Ok(value)) => value.into(),
            _ => number.value.into(),
        },
        Value::Sequence(items) => items.iter().map(|item| to_json(tree, *item)).collect(),
        Value::Mapping(entries) => entries
            .iter()
            .map(|entry| {
                let key = tree.key_text(entry.key).expect("keys are scalars");
                (key.to_owned(), to_json(tree, entry.value))
            })
            .collect(),
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn soup_is_survived(text in soup()) {
        check(&text);
    }

    #[test]
    fn damaged_files_are_survived(text in damaged()) {
        check(&text);
    }

    #[test]
    fn bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        match decode(FileId(0), &bytes) {
            Ok(text) => check(text),
            Err(found) => {
                let shown = String::from_utf8_lossy(&bytes);
                prop_assert!(shown.get(found.location.span.range()).is_some());
            }
        }
    }

    #[test]
    fn what_a_printer_writes_is_read_back(value in json()) {
        let text = serde_yaml::to_string(&value).expect("it prints");
        let (tree, found) = parse(FileId(0), &text);
        prop_assert_eq!(found, vec![], "{}", text);
        prop_assert_eq!(tree.documents().len(), 1, "{}", text);
        prop_assert_eq!(to_json(&tree, tree.documents()[0]), value, "{}", text);
    }
}
