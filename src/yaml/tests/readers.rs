//! The quick reader: what it reads, and that it reads that as the parser does.
//!
//! In tests every text that the quick reader takes is read by the parser as well, and the trees are
//! compared (`build::quickly`). So the tests here have to come up with texts only.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::build::quickly;
use super::super::quick::MAX_KEY;
use super::super::*;

/// Whether the quick reader takes a text.
fn quick(text: &str) -> bool {
    quickly(FileId(0), text).is_some()
}

const FLAGS: &str = "\
---
# Flags of the shop.
flags:
  new_checkout:
    description: The new checkout, as agreed: see #12 and it's \"good\"
    owner: 'shop-team' # ask them
    created: 2026-11-02
    enabled: true
    percentage: 33.3

    allowed_users: [ada, \"b, c\", 'd']
    forced:
    - on
    -   off
    - - 1
      - 2
    environments:
      staging: { percentage: 100, since: ~ }
      production:
        enabled: false
    metadata:
    tests:
      - { user: ada, groups: [a, b], expect: true }
      - user: bob
        expect: false
      - user:
          bob
    rollout: [
      { percentage: 5, duration: 2h }, # slowly

      { percentage: 50, duration: 1d },
      ]
    note: \"\"
    # Of several lines.
    long: >-
      in two
      lines

    longer: | # as it stands
      in several

        lines
    höhe: 12 m   \n";

#[test]
fn plain_files_are_read_quickly() {
    let flags = FLAGS.replace("agreed: see", "agreed; see");
    assert!(quick(&flags));
    assert!(quick(flags.trim_end()));
    for text in [
        "",
        "\n",
        "# a",
        "a:",
        "a: ",
        "- b",
        "a:\n  # c\n  b: 1\n# d",
        "a: {}\nb: []",
    ] {
        assert!(quick(text), "{text:?}");
    }
}

#[test]
fn anything_else_is_left_to_the_parser() {
    for text in [
        "a: &x 1",
        "a: *x",
        "a: !!str 1",
        "<<: {a: 1}",
        "? a",
        ": a",
        "%YAML 1.2\n---\na: b",
        "a: |+\n  b",
        "a: |2\n  b",
        "a: |\n  b \n",
        "a: |\n\n  b",
        "a: |",
        "a: >-\n  b\n\n  c",
        "a: >\n  b\n   c",
        "a: |\n  b\n   \n",
        "a: b\n  c",
        "a: \"b\n  c\"",
        "a: \"b\\n\"",
        "a: 'it''s'",
        "a: 'b' c",
        "'a'b: c",
        "a:\tb",
        "a: b\r\n",
        "\u{feff}a: b",
        "a: \u{1}",
        "a: \u{2028}",
        "a: \u{85}",
        "a: b\n---\nc: d",
        "a: b\n...\n",
        "a: b: c",
        "a: b\nc",
        "- a\nb: c",
        "a: b\n- c",
        "a: - b",
        " a: b\nc: d",
        "a:\n   b: c\n  d: e",
        "-\n- a",
        "a:\n-\n  b",
        "a: [b",
        "a: [b]]",
        "a: [b c: d]",
        "a: {b}",
        "a: {b: }",
        "a: {b:c}",
        "a: [b: c]",
        "a: [\nb]",
        "a: [b]: c",
        "[a]: b",
        "a: ]",
        "a: @b",
        "a: `b`",
        "a: # hoist-ignore: x",
        "a",
        "[a]",
        "---",
        "--- a",
        "---\n---\na: b",
    ] {
        assert!(!quick(text), "{text:?}");
        // Nor does a flag in front of it change that.
        assert!(!quick(&format!("flags:\n  x: {{}}\n{text}")), "{text:?}");
    }
    assert!(!quick(&format!("{}: b", "a".repeat(1_100))));
    assert!(!quick(&format!("a: {}{}", "[".repeat(70), "]".repeat(70))));
}

#[test]
fn hostile_texts_are_left_to_the_parser_too() {
    for text in [
        "[",
        "{a: ",
        "- ",
        "? ",
        "a: ",
        "- a: ",
        "- [",
        "\"",
        "'",
        "&a *a ",
        "%",
        "---\n",
        "- &a b\n- *a\n",
    ] {
        assert!(!quick(&text.repeat(20_000)), "{text:?}");
        assert!(!quick(&format!("a: {}", text.repeat(20_000))), "{text:?}");
    }
}

#[test]
fn both_readers_have_the_same_limits() {
    let read = |text: &str| {
        let _ = parse(FileId(0), text);
    };
    for depth in MAX_DEPTH - 3..MAX_DEPTH + 3 {
        read(&format!("a: {}{}", "[".repeat(depth), "]".repeat(depth)));
        read(&format!("- {}{}", "[".repeat(depth), "]".repeat(depth)));
        read(&format!("{}b", "- ".repeat(depth)));
        let keys = (0..depth).map(|at| format!("{}a:\n", " ".repeat(at)));
        let keys = keys.collect::<String>();
        read(&keys);
        read(&format!("{keys}{}- b", " ".repeat(depth - 1)));
        read(&format!("{keys}{}{{b: []}}", " ".repeat(depth)));
    }
    for length in [MAX_KEY - 1, MAX_KEY, MAX_KEY + 1, 1_023, 1_024, 1_025] {
        for (key, spaces) in [("k", 0), ("é", 0), ("k", 1), ("k", 100)] {
            let key = key.repeat(length - spaces) + &" ".repeat(spaces);
            read(&format!("{key}: 1"));
            read(&format!("'{key}': 1"));
            read(&format!("a: {{{key}: 1, \"{key}\": 2}}"));
        }
        read(&format!("a: {}\nb:\n  - {0}\n", "v".repeat(length)));
    }
}

#[test]
fn a_mistake_that_the_builder_finds_is_told_by_either() {
    let (_, found) = quickly(FileId(0), "a: 1\nb: {c: 1, c: 2}\na: 2\n").expect("it is plain");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|found| found.rule == DUPLICATE));
}

#[test]
fn long_texts_are_read_quickly() {
    for text in [
        "\n".repeat(100_000),
        "# x\n".repeat(100_000),
        " ".repeat(100_000),
        format!("a: {}", "x".repeat(100_000)),
        format!("a: {}b", " ".repeat(100_000)),
        format!("a: [{}]", "x, ".repeat(30_000)),
        format!("a: [{}x]", "x,\n ".repeat(30_000)),
        format!(
            "a: {{{}}}",
            (0..9_000).map(|n| format!("k{n}: v, ")).collect::<String>()
        ),
        "- x\n".repeat(30_000),
        (0..9_000).map(|n| format!("k{n}:\n")).collect::<String>(),
    ] {
        assert!(quick(&text), "{:?}", &text[..20.min(text.len())]);
    }
}

/// Lines as flag files have them, each with two spaces for each level but some with one more or less.
fn lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "flags:",
        "flag_a:",
        "b:",
        "c: ",
        "'d':",
        "\"e\":",
        "f: 1",
        "g: true",
        "h: text of it",
        "i: \"in quotes\"",
        "j: 'more'",
        "k: [a, b]",
        "l: { m: 1, n: [2] }",
        "- o",
        "- p: 1",
        "- - q",
        "-",
        "- {r: s}",
        "- [t]",
        "- 'u' # v",
        "# w",
        "",
        "  ",
        "x: -1.5e3 # y",
        "z: a:b#c",
        "aa : 1",
        "bb: [",
        "cc, dd,",
        "]",
        "ee: {",
        "ff: 1,",
        "}",
        "gg: ~",
        "1: 2",
        "null: 3",
        "a: it's",
        "é: ü",
        "- \"\"",
        "h: - 1",
        "i: j: k",
        "f: 2",
        "<<: 1",
        "k: |",
        "l: >-",
        "m: \"\\t\"",
    ]);
    let indent = prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(-1)];
    prop::collection::vec((0..5i32, indent, line), 1..16).prop_map(|lines| {
        let mut text = String::new();
        for (level, off, line) in lines {
            let spaces = (2 * level + off).max(0);
            text.extend(std::iter::repeat_n(
                ' ',
                usize::try_from(spaces).unwrap_or_default(),
            ));
            text.push_str(line);
            text.push('\n');
        }
        text
    })
}

/// Sound flags with a few characters put in, taken out or replaced, or a line moved.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "", "\n", "\n\n", " ", "  ", "    ", ":", ": ", "-", "- ", "#", " # ", ",", ", ", "[", "]",
        "{", "}", "\"", "'", "a", "1", ".", "?", "!", "&", "*", "|", ">", "%", "@", "`", "~", "\\",
        "=", "<<", "é", "\u{a0}", "\u{85}", "\u{2028}", "\t", "---", "...", "null",
    ]);
    let change = (any::<Index>(), 0..3usize, piece);
    prop::collection::vec(change, 0..4).prop_map(|changes| {
        let mut text = FLAGS.replace("agreed: see", "agreed; see");
        for (place, length, piece) in changes {
            let start = text.floor_char_boundary(place.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, piece);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn both_readers_agree_on_lines(text in lines()) {
        let _ = parse(FileId(0), &text);
    }

    #[test]
    fn both_readers_agree_on_flags_that_were_changed(text in mutated()) {
        let _ = parse(FileId(0), &text);
    }
}
