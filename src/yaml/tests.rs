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
fn one_broken_flag_hides_nothing() {
    let text = "\
flags:
  a:
    description: \"unclosed
    owner: x
  b:
    description: \"fine\"
  c:
    tags: [x
    owner: y
  d:
    enabled true
    owner: z
  e:
    percentage: 1
   owner: z
  f:
\t  x: 1
  g:1
  h:
    x: { a: 1 b: 2 }
  i: {y: 1}
other: 2
";
    check_findings(text, "", &[]);
}
