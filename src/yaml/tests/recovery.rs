//! What stays readable beside a syntax error.

use super::{check_findings, read};

/// Checks the findings about a file of flags in which `broken` stands between two sound flags.
fn check(broken: &str, tree: &str, findings: &[&str]) {
    let text = format!("flags:\n  a: {{x: 1}}\n{broken}  z: {{x: 2}}\nother: 3\n");
    let tree = match tree {
        "" => "!{flags: !{a: {x: 1}, z: {x: 2}}, other: 3}".to_owned(),
        tree => format!("!{{flags: !{{a: {{x: 1}}, {tree}, z: {{x: 2}}}}, other: 3}}"),
    };
    check_findings(&text, &tree, findings);
}

#[test]
fn quotes_and_brackets_that_swallow_flags() {
    check(
        "  b:\n    d: \"never\n  c:\n    d: \"fine\"\n",
        "b: !{d: !null}, c: {d: \"fine\"}",
        &["yaml-syntax at \"\\\"\": the quote `\"` is never closed"],
    );
    check(
        "  b:\n    d: 'never\n    e: 1\n",
        "b: !{d: !null}",
        &["yaml-syntax at \"'\": the quote `'` is never closed"],
    );
    check(
        "  b:\n    t: [x\n    e: 1\n",
        "b: !{t: ![]}",
        &["yaml-syntax at \"[\": the bracket `[` is never closed"],
    );
    check(
        "  b:\n    t: [x, {y: 1}\n  c: {x: 1}\n",
        "b: !{t: ![\"x\"]}, c: {x: 1}",
        &["yaml-syntax at \"[\": the bracket `[` is never closed"],
    );
    check(
        "  b: {x: 1\n",
        "b: !{x: !null}",
        &["yaml-syntax at \"{\": the bracket `{` is never closed"],
    );
}

#[test]
fn indentation_and_tabs() {
    check(
        "  b:\n\tx: 1\n",
        "b: !null",
        &["yaml-syntax at \"\\t\": a tab cannot indent YAML"],
    );
    check(
        "  b:\n      x: 1\n    y: 2\n",
        "b: !{x: 1}",
        &["yaml-syntax at \"y\": this line belongs to nothing above it"],
    );
    check_findings(
        "flags:\n  a: 1\n   b: 1\n  z: 2\n",
        "!{flags: !{a: !null, z: 2}}",
        &["yaml-syntax at \"b\": this line goes on with the text `1` and cannot be a key"],
    );
    check(
        " b: 1\n",
        "",
        &["yaml-syntax at \"b\": this line belongs to nothing above it"],
    );
    check(
        "  b:\n    x: 1\n    - y\n",
        "b: !{x: 1}",
        &["yaml-syntax at \"-\": a list item cannot stand among the keys of a mapping"],
    );
    check(
        "  b: - x\n",
        "b: !null",
        &["yaml-syntax at \"-\": a list cannot begin on the line of its key"],
    );
}

#[test]
fn colons_and_commas() {
    check(
        "  b:\n    enabled true\n    x: 1\n",
        "b: !null",
        &["yaml-syntax at \"enabled true\": expected `:` after `enabled true`"],
    );
    check(
        "  b:\n    x: 1\n    enabled:true\n",
        "b: !{x: 1}",
        &["yaml-syntax at \"enabled:true\": a space must follow the colon of `enabled`"],
    );
    check(
        "  b:1\n",
        "",
        &["yaml-syntax at \"b:1\": a space must follow the colon of `b`"],
    );
    check(
        "  b\n",
        "",
        &["yaml-syntax at \"b\": expected `:` after `b`"],
    );
    check(
        "  b:\n    d: a: c\n    e: 1\n",
        "b: !{d: !null}",
        &["yaml-syntax at \":\": a `:` cannot stand here"],
    );
    check(
        "  b:\n    d: text\n      e: 1\n",
        "b: !{d: !null}",
        &["yaml-syntax at \"e\": this line goes on with the text `text` and cannot be a key"],
    );
    check(
        "  b: { x: 1 y: 2 }\n",
        "b: !{x: !null}",
        &["yaml-syntax at \"y\": expected `,` or `}` before this"],
    );
    check(
        "  b: [x]]\n",
        "b: ![\"x\"]",
        &["yaml-syntax at \"]\": this bracket closes nothing"],
    );
}

#[test]
fn text_that_must_be_quoted() {
    check(
        "  b: @x\n",
        "b: !null",
        &["yaml-syntax at \"@\": a value cannot begin with `@`"],
    );
    check(
        "  b: 'it's'\n",
        "b: !null",
        &["yaml-syntax at \"s\": nothing but a comment can follow the closing quote"],
    );
    check(
        "  b: \"\\d\"\n",
        "b: !null",
        &["yaml-syntax at \"\\\\d\": no such escape in double quotes"],
    );
    check(
        "  b: \"\\n \\xfg\"\n",
        "b: !null",
        &["yaml-syntax at \"\\\\xfg\": this escape names no character"],
    );
    check(
        "  b: x\u{1}\n",
        "b: !null",
        &["unsafe-yaml at \"\\u{1}\": the control character U+0001 must not stand in YAML"],
    );
}

#[test]
fn every_broken_flag_is_one_finding() {
    check(
        "  b: @\n  c: \"\n  d: 1\n  e: [\n  f: 2\n",
        "b: !null, c: !null, d: 1, e: ![], f: 2",
        &[
            "yaml-syntax at \"@\": a value cannot begin with `@`",
            "yaml-syntax at \"\\\"\": the quote `\"` is never closed",
            "yaml-syntax at \"[\": the bracket `[` is never closed",
        ],
    );
}

#[test]
fn the_first_and_the_last_flag() {
    check_findings(
        "flags:\n  \"a: 1\n  b: 2\n",
        "!{flags: !{b: 2}}",
        &["yaml-syntax at \"\\\"\": the quote `\"` is never closed"],
    );
    check_findings(
        "flags:\n  a\n  b: 2\n",
        "!{flags: !{b: 2}}",
        &["yaml-syntax at \"a\": expected `:` after `a`"],
    );
    check_findings(
        "flags:\r\n  a: 1\r\n  b: [",
        "!{flags: !{a: 1, b: ![]}}",
        &["yaml-syntax at \"[\": the bracket `[` is never closed"],
    );
    check_findings(
        "@\nflags:\n  a: 1\n",
        "!{flags: {a: 1}}",
        &["yaml-syntax at \"@\": a value cannot begin with `@`"],
    );
}

#[test]
fn other_documents_are_read() {
    check_findings(
        "a: [\n---\nb: 1\n",
        "!{a: ![]}\n{b: 1}",
        &["yaml-syntax at \"[\": the bracket `[` is never closed"],
    );
    check_findings(
        "a: @\n...\nb: 1\n",
        "!{a: !null}\n{b: 1}",
        &["yaml-syntax at \"@\": a value cannot begin with `@`"],
    );
}

#[test]
fn an_anchor_in_what_is_lost_causes_no_second_finding() {
    let (tree, found) = read("flags:\n  a: &x [\n  b: *x\n  c: &y 1\n  d: @\n  e: *y\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(tree, "!{flags: !{a: ![], b: ![], c: 1, d: !null, e: 1}}");
}

#[test]
fn a_closed_quote_of_several_lines_is_not_called_open() {
    check(
        "  b:\n    d: 'it\n      is' x\n",
        "b: !{d: !null}",
        &["yaml-syntax at \"x\": nothing but a comment can follow the closing quote"],
    );
    check(
        "  b:\n    d: 'it\n    e: 'is'\n",
        "b: !{d: !null}",
        &["yaml-syntax at \"'\": the quote `'` is never closed"],
    );
}
