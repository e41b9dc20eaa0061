mod always;
mod readers;
mod recovery;

use super::*;

/// The tree as text: mappings `{k: v}`, sequences `[v]`, strings quoted, `!` on what is incomplete.
fn show(tree: &Tree<'_>, node: NodeId) -> String {
    let shown = match tree.value(node) {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.text.to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(items) => {
            let items: Vec<_> = items.iter().map(|item| show(tree, *item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| {
                    let key = tree.key_text(entry.key).expect("keys are scalars");
                    format!("{key}: {}", show(tree, entry.value))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    };
    let mark = if tree.is_complete(node) { "" } else { "!" };
    format!("{mark}{shown}")
}

fn read(text: &str) -> (String, Vec<Diagnostic>) {
    let (tree, found) = parse(FileId(0), text);
    let shown: Vec<_> = tree
        .documents()
        .iter()
        .map(|root| show(&tree, *root))
        .collect();
    (shown.join("\n"), found)
}

/// Checks the tree of a text without findings.
fn check(text: &str, tree: &str) {
    let (shown, found) = read(text);
    assert_eq!(shown, tree, "{text}");
    assert_eq!(found, [], "{text}");
}

/// Checks the tree and the findings, each as `rule at "the text there": message`.
fn check_findings(text: &str, tree: &str, findings: &[&str]) {
    let (shown, found) = read(text);
    let found: Vec<_> = found
        .iter()
        .map(|found| {
            let at = &text[found.location.span.range()];
            format!("{} at {at:?}: {}", found.rule, found.message)
        })
        .collect();
    assert_eq!(
        (shown.as_str(), found),
        (tree, findings.iter().map(|f| (*f).to_owned()).collect()),
        "{text}"
    );
}

#[test]
fn documents_scalars_and_collections() {
    check(
        "a: 1\nb: [x, 'y', \"z\\n\"]\nc: {d: true, e: ~}\n",
        r#"{a: 1, b: ["x", "y", "z\n"], c: {d: true, e: null}}"#,
    );
    check("- a\n- - b\n  - yes\n", r#"["a", ["b", "yes"]]"#);
    check("---\na: 1\n---\nb: 2\n...\n---\n", "{a: 1}\n{b: 2}");
    check("", "");
    check("# nothing\n", "");
    check("\u{feff}a: 1\r\nb: 2\rc: x\r\n", r#"{a: 1, b: 2, c: "x"}"#);
    check(
        "a: |\n  x\n  y\n\nb: >-\n  x\n  y\n",
        r#"{a: "x\ny\n", b: "x y"}"#,
    );
    check("a: x\n  y\n", r#"{a: "x y"}"#);
}

#[test]
fn anchors_aliases_and_merges() {
    check("a: &x [1, 2]\nb: *x\n", "{a: [1, 2], b: [1, 2]}");
    check(
        "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
        "{a: {p: 1, q: 2}, b: {q: 3, p: 1}}",
    );
    check(
        "- &x {p: 1}\n- &y {p: 2, q: 2}\n- <<: [*x, *y]\n  r: 3\n",
        "[{p: 1}, {p: 2, q: 2}, {r: 3, p: 1, q: 2}]",
    );
    check_findings(
        "a: {<<: 3}",
        "!{a: !{}}",
        &["yaml-syntax at \"3\": `<<` takes a mapping or a list of mappings"],
    );
}

#[test]
fn missing_values_stand_behind_the_colon() {
    let text = "a:\n\"b\" :  # none\nc: {d: , e}\nf:\n- \n";
    let (tree, found) = parse(FileId(0), text);
    assert_eq!(found, []);
    let Value::Mapping(entries) = tree.value(tree.documents()[0]) else {
        panic!("a mapping");
    };
    let ends = |entry: &Entry| tree.span(entry.value);
    assert_eq!(ends(&entries[0]), Span::new(2, 2));
    assert_eq!(ends(&entries[1]), Span::new(8, 8));
    let Value::Mapping(inner) = tree.value(entries[2].value) else {
        panic!("a mapping");
    };
    assert_eq!(&text[ends(&entries[2]).range()], "{d: , e}");
    assert_eq!(
        &text[..ends(&inner[0]).start as usize].chars().last(),
        &Some(':')
    );
    assert_eq!(
        &text[..ends(&inner[1]).start as usize].chars().last(),
        &Some('e')
    );
}

#[test]
fn block_spans_end_with_their_last_child() {
    let text = "a:\n  b: 1\n  c:\n    - x\n    - |\n      y\n\n# comment\nd: 2\n\n";
    let (tree, _) = parse(FileId(0), text);
    let root = tree.documents()[0];
    let Value::Mapping(entries) = tree.value(root) else {
        panic!("a mapping");
    };
    assert!(text[tree.span(root).range()].ends_with("d: 2"));
    let inner = &text[tree.span(entries[0].value).range()];
    assert!(
        inner.starts_with("b: 1") && inner.ends_with("      y"),
        "{inner:?}"
    );
}

#[test]
fn plain_scalars_and_keys_keep_their_text() {
    let text = "yes: on\n'no': 'off'\n0x10: !!str 5\n~: &a y\nb: *a\n";
    let (tree, found) = parse(FileId(0), text);
    assert_eq!(found, []);
    let Value::Mapping(entries) = tree.value(tree.documents()[0]) else {
        panic!("a mapping");
    };
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                tree.key_text(entry.key),
                tree.is_plain(entry.key),
                tree.is_plain(entry.value),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (Some("yes"), true, true),
            (Some("no"), false, false),
            (Some("0x10"), true, false),
            (Some("~"), true, true),
            (Some("b"), true, true),
        ]
    );
    assert_eq!(&text[tree.span(entries[4].value).range()], "*a");
}

#[test]
fn tags_of_the_core_schema_count_and_others_do_not() {
    check(
        "[!!str 1, !!int '0x1', !!float 1, !!bool \"true\", !!null '', ! 2]",
        r#"["1", 0x1, 1, true, null, "2"]"#,
    );
    check("a: !!map {b: !!seq []}", "{a: {b: []}}");
    check_findings(
        "[!foo 1, !!int x, !!map [], !!set {}]",
        r#"[1, "x", [], {}]"#,
        &[
            "unsafe-yaml at \"!foo\": tag `!foo` is not supported",
            "unsafe-yaml at \"!!int\": tag `!!int` stands on a scalar that it does not describe",
            "unsafe-yaml at \"!!map\": tag `!!map` stands on a sequence",
            "unsafe-yaml at \"!!set\": tag `!!set` is not supported",
        ],
    );
}

#[test]
fn keys_are_scalars_and_unique() {
    check_findings(
        "a: 1\n0x1: 2\n'a': 3\n1: 4\n\"1\": 5\ntrue: 6\nTrue: 7\n",
        "!{a: 1, 0x1: 2, true: 6}",
        &[
            "duplicate-key at \"'a'\": key `a` stands twice in this mapping",
            "duplicate-key at \"1\": key `1` stands twice in this mapping",
            "duplicate-key at \"\\\"1\\\"\": key `1` stands twice in this mapping",
            "duplicate-key at \"True\": key `True` stands twice in this mapping",
        ],
    );
    let (_, found) = parse(FileId(0), "a: 1\nb: 2\na: 3\n");
    let related = &found[0].related[0];
    assert_eq!(
        (related.message.as_str(), related.location.span),
        ("first defined here", Span::new(0, 1))
    );
    check_findings(
        "? [a]\n: 1\nb: 2\n",
        "!{b: 2}",
        &["unsafe-yaml at \"[a]\": a key must be a string, not a sequence or a mapping"],
    );
    let many: String = (0..40).map(|n| format!("k{}: {n}\n", n % 20)).collect();
    assert_eq!(read(&many).1.len(), 20);
}

#[test]
fn merges_follow_their_rules() {
    check(
        "- &a {p: 1}\n- &b {<<: *a, q: 2}\n- {<<: *b, r: 3}\n",
        "[{p: 1}, {q: 2, p: 1}, {r: 3, q: 2, p: 1}]",
    );
    check("{<<: {a: 1, b: 2}, a: 0}", "{a: 0, b: 2}");
    check("{'<<': 1}", "{<<: 1}");
    check_findings(
        "<<: [{a: 1}, 2]\n",
        "!{a: 1}",
        &["yaml-syntax at \"2\": `<<` takes a mapping or a list of mappings"],
    );
}

#[test]
fn aliases_that_stand_for_nothing() {
    check_findings(
        "a: *b\nb: &b 1\n",
        "!{a: !null, b: 1}",
        &["yaml-syntax at \"*b\": no anchor `&b` stands before this alias"],
    );
    check_findings(
        "a: &a [1, *a]\n",
        "!{a: ![1, !null]}",
        &["unsafe-yaml at \"*a\": alias `*a` stands inside its own anchor"],
    );
    check_findings(
        "a: &a 1\n---\nb: *a\n",
        "{a: 1}\n!{b: !null}",
        &["yaml-syntax at \"*a\": no anchor `&a` stands before this alias"],
    );
    check("- &a 1\n- *a\n- &a 2\n- *a\n", "[1, 1, 2, 2]");
}

#[test]
fn an_alias_bomb_is_one_finding() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
        text += &format!("a{n}: &a{n} [{aliases}]\n");
    }
    let (tree, found) = parse(FileId(0), &text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, UNSAFE);
    assert!(text[found[0].location.span.range()].starts_with("*a"));
    assert!(!tree.is_complete(tree.documents()[0]));

    let mut deep = "- &a0 [x]\n".to_owned();
    for n in 1..MAX_DEPTH {
        deep += &format!("- &a{n} [*a{}]\n", n - 1);
    }
    let (_, found) = parse(FileId(0), &deep);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("deeper than 64"), "{found:?}");
}

#[test]
fn limits_are_one_finding_each() {
    for (text, place, message) in [
        ("[".repeat(100_000), MAX_DEPTH, "deeper than 64"),
        ("- ".repeat(100_000), 2 * MAX_DEPTH, "deeper than 64"),
        ("{".repeat(100_000), MAX_DEPTH, "deeper than 64"),
        ("a: x\0y\n".to_owned(), 4, "NUL"),
        ("a: \"x\u{1b}\"\n".to_owned(), 5, "U+001B"),
        (" ".repeat(MAX_BYTES + 1), 0, "more than the 8 MiB"),
    ] {
        let (_, found) = parse(FileId(0), &text);
        assert_eq!(found.len(), 1, "{message}: {found:?}");
        assert_eq!(found[0].rule, UNSAFE);
        assert_eq!(found[0].location.span.start as usize, place, "{message}");
        assert!(found[0].message.contains(message), "{found:?}");
    }
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read(&nested(MAX_DEPTH)).1, []);
    let comments = format!("a:\n{}  b: 1 # hoist-ignore\n", "  # x\n".repeat(5_000));
    assert_eq!(read(&comments).1, []);
}

#[test]
fn findings_are_bounded() {
    let (_, found) = parse(FileId(0), &"a: 1\n".repeat(3_000));
    assert_eq!(found.len(), 1_001);
    assert_eq!(
        found[1_000].message,
        "1999 more findings about the text of this file are not shown"
    );

    let (_, found) = parse(FileId(0), &format!("flags:\n{}", "  a: @\n".repeat(3_000)));
    let syntax = found.iter().filter(|found| found.rule == SYNTAX).count();
    assert_eq!(syntax, 101);
}

#[test]
fn bytes_that_are_not_utf8_say_where() {
    let refused = |bytes: &[u8]| decode(FileId(0), bytes).expect_err("it is refused");
    let bad = b"a: \xff\xfe";
    let found = refused(bad);
    let shown = String::from_utf8_lossy(bad);
    assert_eq!(&shown[found.location.span.range()], "\u{fffd}");
    assert!(found.message.contains("0xff"), "{}", found.message);
    assert!(refused(b"\xff\xfea\0").message.contains("UTF-16"));
    assert!(refused(b"\xfe\xff\0a").message.contains("UTF-16"));
    assert!(
        refused(&vec![b' '; MAX_BYTES + 1])
            .message
            .contains("8 MiB")
    );
    assert_eq!(decode(FileId(0), "a: é".as_bytes()), Ok("a: é"));
}

#[test]
fn comments_are_collected_where_they_matter() {
    let text = "# hoist-ignore: x\na: 1 # right\nb: '# no'\nc: |\n  # no\n";
    let (tree, _) = parse(FileId(0), text);
    let seen: Vec<_> = tree
        .comments()
        .iter()
        .map(|comment| (&text[comment.span.range()], comment.own_line))
        .collect();
    assert_eq!(seen, [("# hoist-ignore: x", true), ("# right", false)]);
    assert_eq!(parse(FileId(0), "# a\nb: 1\n").0.comments(), []);
}

#[test]
fn a_tree_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&parse(FileId(0), "a: 1").0);
}

#[test]
fn what_stands_twice_can_be_looked_at() {
    let (mut tree, _) = parse(
        FileId(0),
        "m: {a: 1, b: 2, a: 3, a: 4, b: 5, c: {d: 6, d: 7}}\nn: {a: 8, a: 9}\nm: [10]\n--- {a: 0, a: 1}\n",
    );
    let repeats = tree.repeats("m");
    let shown: Vec<String> = repeats.iter().map(|root| show(&tree, *root)).collect();
    assert_eq!(shown, ["{m: [10]}", "{m: {a: 3, b: 5}}"]);
    let (mut tree, _) = parse(FileId(0), "m: &m {a: 1, a: 2}\nn: *m\n");
    let repeats = tree.repeats("n");
    let shown: Vec<String> = repeats.iter().map(|root| show(&tree, *root)).collect();
    assert_eq!(shown, ["{n: {a: 2}}"]);
    assert!(parse(FileId(0), "m: {a: 1}\n").0.repeats("m").is_empty());
}
