use proptest::prelude::*;
use serde_yaml::Value as Yaml;

use super::*;
use crate::diagnostic::FileId;
use crate::yaml::parse;

/// `text` without what `path` leads to, key by key and item by item; `None` where that is left to people.
fn take(text: &str, path: &[&str]) -> Option<String> {
    let (tree, _) = parse(FileId(0), text);
    let mut node = tree.documents()[0];
    let mut edit = None;
    for step in path {
        match tree.value(node) {
            Value::Mapping(entries) => {
                let found = |entry: &&Entry| tree.key_text(entry.key) == Some(*step);
                let entry = entries.iter().find(found).unwrap();
                edit = without_entry(&tree, tree.span(entry.key));
                node = entry.value;
            }
            Value::Sequence(items) => {
                node = items[step.parse::<usize>().unwrap()];
                edit = without_item(&tree, tree.span(node));
            }
            _ => panic!("no {step} in {text}"),
        }
    }
    let edit = edit?;
    let mut text = text.to_owned();
    text.replace_range(edit.span.range(), &edit.text);
    Some(text)
}

#[track_caller]
fn check(text: &str, path: &str, expected: Option<&str>) {
    let path: Vec<&str> = path.split('/').collect();
    assert_eq!(take(text, &path).as_deref(), expected, "{path:?} of {text}");
    let with_pairs = |text: &str| text.replace('\n', "\r\n");
    let expected = expected.map(with_pairs);
    assert_eq!(
        take(&with_pairs(text), &path),
        expected,
        "{path:?} of {text} with \\r\\n"
    );
}

#[test]
fn an_item_of_a_block_goes_with_its_line() {
    check("- a\n- b\n- c\n", "0", Some("- b\n- c\n"));
    check("- a\n- b\n- c\n", "1", Some("- a\n- c\n"));
    check("- a\n- b\n- c\n", "2", Some("- a\n- b\n"));
    check("- a\n- b", "1", Some("- a"));
    check("- a\n- b", "0", Some("- b"));
    check(
        "k:\n  - a\n\n  - b  \nl: 1\n",
        "k/1",
        Some("k:\n  - a\n\nl: 1\n"),
    );
    check("- a:\n    b: 1\n  c: 2\n- d\n", "0", Some("- d\n"));
    check("-\n  a: 1\n- d\n", "0", Some("- d\n"));
    check("- - a\n  - b\n- c\n", "0/0", Some("- - b\n- c\n"));
    check("- - a\n  - b\n- c\n", "0/1", Some("- - a\n- c\n"));
}

#[test]
fn an_entry_of_a_block_goes_with_its_lines() {
    let stages = "r:\n  - percentage: 5\n    duration: 2h\n  - duration: 4h\n    percentage: 100\n";
    check(
        stages,
        "r/0/duration",
        Some("r:\n  - percentage: 5\n  - duration: 4h\n    percentage: 100\n"),
    );
    check(
        stages,
        "r/1/duration",
        Some("r:\n  - percentage: 5\n    duration: 2h\n  - percentage: 100\n"),
    );
    check("a:\n  b: 1\n  c: [\n    2 ]\nd: 3\n", "a", Some("d: 3\n"));
    check("a: |\n  text\n  more\nd: 3\n", "a", Some("d: 3\n"));
    check("d: 3\na: |\n  text\n", "a", Some("d: 3\n"));
    check("a:\nd: 3\n", "a", Some("d: 3\n"));
    check("d: 3\na:", "a", Some("d: 3"));
}

#[test]
fn what_stands_in_braces_goes_with_one_comma() {
    check("[a, b, a]", "0", Some("[b, a]"));
    check("[a, b, a]", "1", Some("[a, a]"));
    check("[a, b, a]", "2", Some("[a, b]"));
    check("[ a , b , a ]", "2", Some("[ a , b ]"));
    check("[ a , b , a ]", "0", Some("[ b , a ]"));
    check("[a,b,]", "1", Some("[a,]"));
    check(
        "{ percentage: 100, duration: 2h }",
        "duration",
        Some("{ percentage: 100 }"),
    );
    check(
        "{ duration: 2h, percentage: 100 }",
        "duration",
        Some("{ percentage: 100 }"),
    );
    check(
        "{a: {b: 1, c: 2}, d: [1, 2]}",
        "a/c",
        Some("{a: {b: 1}, d: [1, 2]}"),
    );
    check(
        "{a: {b: 1, c: 2}, d: [1, 2]}",
        "d",
        Some("{a: {b: 1, c: 2}}"),
    );
    check("{a, b: 1}", "a", Some("{b: 1}"));
    check("{a: , b: 1}", "a", Some("{b: 1}"));
    check("['a', \"b\"]", "1", Some("['a']"));
}

#[test]
fn braces_over_several_lines_keep_their_shape() {
    let long = "k: [\n  a,\n  b,\n  c,\n]\n";
    check(long, "k/0", Some("k: [\n  b,\n  c,\n]\n"));
    check(long, "k/1", Some("k: [\n  a,\n  c,\n]\n"));
    check(long, "k/2", Some("k: [\n  a,\n  b,\n]\n"));
    check("k: [\n  a,\n  b\n]\n", "k/1", Some("k: [\n  a\n]\n"));
    check("k: [a,\n  b, c]\n", "k/1", Some("k: [a, c]\n"));
    check("k: [a\n  , b\n  , c]\n", "k/1", Some("k: [a\n  , c]\n"));
    check("k: [a\n  , b\n  , c]\n", "k/2", Some("k: [a\n  , b]\n"));
    check(
        "k: {\n  a: 1, # one\n  b: 2 # two\n}\n",
        "k/b",
        Some("k: {\n  a: 1, # one\n  # two\n}\n"),
    );
    check(
        "k: {\n  a: 1, # one\n  b: 2 # two\n}\n",
        "k/a",
        Some("k: {\n  # one\n  b: 2 # two\n}\n"),
    );
    check(
        "k: [a, # one\n  b, c]\n",
        "k/1",
        Some("k: [a, # one\n  c]\n"),
    );
}

#[test]
fn comments_stay() {
    check(
        "- a # one\n- b # two\n- c\n",
        "1",
        Some("- a # one\n# two\n- c\n"),
    );
    check(
        "k:\n  # above\n  - a\n  # below\n  - b\n",
        "k/1",
        Some("k:\n  # above\n  - a\n  # below\n"),
    );
    check(
        "k:\n  a: 1   # one\n  b: 2\n",
        "k/a",
        Some("k:\n  # one\n  b: 2\n"),
    );
    check("- a: 1 # one\n  b: 2\n", "0/a", None);
    check("s:\n  # inside\n  p: 1\nt: 2\n", "s", None);
    check("k: [a, # one\n  b]\n", "k/0", None);
    check("k: [a, 'b # b']\n", "k/1", None);
    check("k: [a, b#b]\n", "k/1", Some("k: [a]\n"));
}

#[test]
fn a_comment_that_silences_a_rule_goes_with_what_it_is_for() {
    check(
        "- a\n- b # hoist-ignore: x -- why\n- c\n",
        "1",
        Some("- a\n- c\n"),
    );
    check("- a\n- b # hoist-ignore: x", "1", Some("- a"));
    check(
        "- a\n- b # hoist-ignore-file: x\n",
        "1",
        Some("- a\n# hoist-ignore-file: x\n"),
    );
    check("- a\n# hoist-ignore: x\n# because\n- b\n- c\n", "1", None);
    check(
        "- a\n# hoist-ignore: x\n- b\n- c\n",
        "2",
        Some("- a\n# hoist-ignore: x\n- b\n"),
    );
    check(
        "- a\n# hoist-ignore-file: x\n- b\n",
        "1",
        Some("- a\n# hoist-ignore-file: x\n"),
    );
}

#[test]
fn the_only_one_is_left_to_whoever_asks() {
    for text in ["- a\n", "[a]", "{a: 1}", "a: 1\n", "[a: 1]"] {
        let path = if text.contains("- ") || text.starts_with("[a]") {
            "0"
        } else {
            "a"
        };
        let path = if text == "[a: 1]" { "0" } else { path };
        check(text, path, None);
    }
    check("[a: 1, b: 2]", "0/a", None);
    check("[a: 1, b: 2]", "1", Some("[a: 1]"));
}

#[test]
fn what_others_may_refer_to_is_left_alone() {
    check("- &x a\n- b\n- *x\n", "0", None);
    check("- &x a\n- b\n- *x\n", "1", Some("- &x a\n- *x\n"));
    check("- &x a\n- b\n- *x\n", "2", Some("- &x a\n- b\n"));
    check("[&x a, b, *x]", "0", None);
    check("[a, # one\n  &x b, c]", "1", None);
    check("[!!str a, b]", "0", None);
    check("[&x a, b, *x]", "2", Some("[&x a, b]"));
    check("k: {a: &x 1, b: *x}", "k/a", None);
    check("- [a, &x b]\n- c\n", "0", None);
    check("- R&D\n- c\n", "0", Some("- c\n"));
    check("x: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}\n", "y/a", None);
    check("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  a: 3\n", "y/a", None);
    check("? a\n: 1\n? b\n: 2\n", "a", None);
    check("!!str a: 1\nb: 2\n", "a", None);
    check("b: 2\n!!str a: 1\n", "a", None);
}

#[test]
fn what_is_merged_in_is_taken_out_where_it_stands() {
    let text = "x: &x {a: 1, b: 2}\ny: {<<: *x, c: 3}\n";
    let (tree, _) = parse(FileId(0), text);
    let edit = without_entry(&tree, Span::new(13, 14)).unwrap();
    assert_eq!(edit.span, Span::new(11, 17));
    // The same, seen through `y`.
    assert_eq!(
        take(text, &["y", "b"]).as_deref(),
        Some("x: &x {a: 1}\ny: {<<: *x, c: 3}\n")
    );
}

#[test]
fn each_document_is_looked_through() {
    let text = "- a\n- b\n---\n- c\n- d\n---\n# none\n---\n- e\n- f\n";
    let (tree, _) = parse(FileId(0), text);
    for item in ["b", "d", "e"] {
        let start = text.find(&format!("- {item}")).unwrap() + 2;
        let edit = without_item(&tree, Span::new(start, start + 1)).unwrap();
        assert_eq!(&text[edit.span.range()], format!("- {item}\n"));
    }
    assert_eq!(without_item(&tree, Span::new(0, 1)), None);
}

#[test]
fn what_was_not_read_whole_is_left_alone() {
    check("a: {b: 1, b: 2, c: 3}\n", "a/c", None);
    check("a: [1, 2\nb: 3\n", "a/0", None);
}

/// A collection as somebody might write it.
#[derive(Clone, Debug)]
enum Node {
    Scalar(u8),
    List(Vec<Self>, Style),
    Map(Vec<Self>, Style),
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Block,
    Inline,
    /// Braces, a line for each child, the last with a comma or without.
    Lines(bool),
}

fn nodes() -> impl Strategy<Value = Node> {
    let style = prop_oneof![
        Just(Style::Block),
        Just(Style::Block),
        Just(Style::Inline),
        any::<bool>().prop_map(Style::Lines)
    ];
    any::<u8>()
        .prop_map(Node::Scalar)
        .prop_recursive(4, 24, 4, move |inner| {
            let children = prop::collection::vec(inner, 1..4);
            (children, style.clone(), any::<bool>()).prop_map(|(children, style, is_map)| {
                if is_map {
                    Node::Map(children, style)
                } else {
                    Node::List(children, style)
                }
            })
        })
}

/// Writes a text, with a comment behind some lines.
struct Writer {
    text: String,
    comments: u32,
}

impl Writer {
    fn end_line(&mut self, seed: usize) {
        if seed.is_multiple_of(3) {
            self.comments += 1;
            self.text += &format!(" # note{}.", self.comments);
        }
        self.text.push('\n');
    }

    /// Ends with the line.
    fn block(&mut self, node: &Node, indent: usize, inline: bool) {
        let mut first = inline;
        let mut begin = |text: &mut String| {
            if !first {
                text.push_str(&" ".repeat(indent));
            }
            first = false;
        };
        match node {
            Node::List(children, Style::Block) => {
                for child in children {
                    begin(&mut self.text);
                    self.text += "- ";
                    self.block(child, indent + 2, true);
                }
            }
            Node::Map(children, Style::Block) => {
                for (at, child) in children.iter().enumerate() {
                    begin(&mut self.text);
                    self.text += &format!("k{at}:");
                    if matches!(
                        child,
                        Node::List(_, Style::Block) | Node::Map(_, Style::Block)
                    ) {
                        self.end_line(at + indent);
                        self.block(child, indent + 2, false);
                    } else {
                        self.text.push(' ');
                        self.block(child, indent + 2, true);
                    }
                }
            }
            flow => {
                self.flow(flow, indent);
                self.end_line(self.text.len());
            }
        }
    }

    fn flow(&mut self, node: &Node, indent: usize) {
        let (children, style, marks) = match node {
            Node::Scalar(number) => {
                self.text += &number.to_string();
                return;
            }
            Node::List(children, style) => (children, style, ["[", "]"]),
            Node::Map(children, style) => (children, style, ["{", "}"]),
        };
        self.text += marks[0];
        for (at, child) in children.iter().enumerate() {
            if let Style::Lines(_) = style {
                self.end_line(at);
                self.text += &" ".repeat(indent + 2);
            }
            if matches!(node, Node::Map(..)) {
                self.text += &format!("k{at}: ");
            }
            self.flow(child, indent + 4);
            let is_last = at + 1 == children.len();
            match style {
                Style::Lines(comma) if !is_last || *comma => self.text.push(','),
                Style::Lines(_) => {}
                _ if !is_last => self.text += ", ",
                _ => {}
            }
        }
        if let Style::Lines(_) = style {
            self.end_line(1);
            self.text += &" ".repeat(indent + 1);
        }
        self.text += marks[1];
    }
}

/// A way to each child.
fn paths(value: &Yaml) -> Vec<Vec<String>> {
    let children: Vec<(String, &Yaml)> = match value {
        Yaml::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item))
            .collect(),
        Yaml::Mapping(map) => map
            .iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), value))
            .collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (name, child) in children {
        all.push(vec![name.clone()]);
        for mut rest in paths(child) {
            rest.insert(0, name.clone());
            all.push(rest);
        }
    }
    all
}

fn remove(value: &mut Yaml, path: &[String]) {
    let [step, rest @ ..] = path else { return };
    match value {
        Yaml::Sequence(items) => {
            let at: usize = step.parse().unwrap();
            if rest.is_empty() {
                items.remove(at);
            } else {
                remove(&mut items[at], rest);
            }
        }
        Yaml::Mapping(map) => {
            if rest.is_empty() {
                map.shift_remove(step.as_str());
            } else {
                remove(&mut map[step.as_str()], rest);
            }
        }
        _ => panic!("no {step}"),
    }
}

proptest! {
    /// What is taken out is gone, everything else means what it did, and no comment is lost.
    #[test]
    fn only_what_is_taken_out_is_gone(node in nodes()) {
        let mut writer = Writer { text: String::new(), comments: 0 };
        writer.block(&node, 0, false);
        let text = writer.text;
        let before: Yaml = serde_yaml::from_str(&text).unwrap();
        for path in paths(&before) {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            let Some(after) = take(&text, &steps) else { continue };
            let mut expected = before.clone();
            remove(&mut expected, &path);
            let (_, wrong) = parse(FileId(0), &after);
            prop_assert!(wrong.is_empty(), "{path:?} of\n{text}\ngives\n{after}\n{wrong:?}");
            let found: Yaml = serde_yaml::from_str(&after).unwrap();
            prop_assert_eq!(&found, &expected, "{:?} of\n{}\ngives\n{}", path, text, after);
            for number in 1..=writer.comments {
                let note = format!("note{number}.");
                prop_assert!(after.contains(&note), "{path:?} of\n{text}\nloses {note}:\n{after}");
            }
        }
    }
}
