use jiff::civil::date;
use proptest::prelude::*;

use crate::amend::{NewFlag, Refusal, Shape, file_of, insert, remove};
use crate::model::{Expiry, Percent};

fn flag(key: &str) -> NewFlag {
    NewFlag {
        key: key.to_owned(),
        description: Some("It".to_owned()),
        owner: None,
        created: date(2026, 11, 22),
        expires: Expiry::Never,
        shape: Shape::Switch(None),
    }
}

/// The lines of [`flag`], behind `indent` spaces and with `step` more in front of its fields.
fn lines(key: &str, indent: usize, step: usize) -> String {
    let pad = " ".repeat(indent);
    let fields = [
        "description: It",
        "created: 2026-11-22",
        "expires: never",
        "enabled: false",
    ];
    let inner = " ".repeat(indent + step);
    let fields: String = fields
        .iter()
        .map(|field| format!("{inner}{field}\n"))
        .collect();
    format!("{pad}{key}:\n{fields}")
}

/// Puts `m` in where `@` stands, and takes it out again.
#[track_caller]
fn goes_in(marked: &str, what: &str) {
    let before = marked.replace('@', "");
    let after =
        insert(&before, &flag("m")).unwrap_or_else(|refusal| panic!("{refusal}:\n{before}"));
    assert_eq!(after.text, marked.replace('@', what), "of\n{before}");
    assert_eq!(after.lost, Vec::<String>::new());
    let again =
        remove(&after.text, "m").unwrap_or_else(|refusal| panic!("{refusal}:\n{}", after.text));
    assert_eq!(
        again.as_deref(),
        Some(before.as_str()),
        "out of\n{}",
        after.text
    );
}

#[test]
fn a_flag_goes_to_its_place() {
    let two = lines("m", 2, 2);
    for (marked, what) in [
        // Sorted, and not.
        ("flags:\n  a: {}\n@  z: {}\n", two.clone()),
        ("flags:\n  z: {}\n  a: {}\n@", two.clone()),
        ("flags:\n  a: {}\n@", two.clone()),
        ("flags:\n@  z: {}\n", two.clone()),
        // Comments stay with what they belong to.
        ("flags:\n  a: {}\n@  # of z\n# too\n  z: {}\n", two.clone()),
        (
            "flags:\n  a:\n    enabled: true\n    # of a\n\n@  # below\n",
            String::new(),
        ),
        ("flags:\n  a: {}\n@# of nobody\n", two.clone()),
        (
            "# hoist-ignore-file: expired\nflags: # all\n@  z: {} # one\n",
            two.clone(),
        ),
        (
            "flags:\n  # hoist-ignore-file: expired\n@  z: {}\n",
            two.clone(),
        ),
        // Empty lines as between the others.
        ("flags:\n  a: {}\n\n@  z: {}\n", format!("{two}\n")),
        ("flags:\n\n@  n: {}\n\n  z: {}\n", format!("{two}\n")),
        ("flags:\n  a: {}\n\n  b: {}\n@", format!("\n{two}")),
        ("flags:\n  a:\n    enabled: true\n@", format!("\n{two}")),
        (
            "flags:\n  a:\n    enabled: true\n@\n# end\n",
            format!("\n{two}"),
        ),
        (
            "flags:\n  a:\n    enabled: true\n    # of a\n@",
            format!("\n{two}"),
        ),
        // Indented as they are.
        (
            "flags:\n    a:\n        enabled: true\n@",
            format!("\n{}", lines("m", 4, 4)),
        ),
        (
            "flags:\n  a:\n     enabled: true\n  b: {}\n@",
            lines("m", 2, 3),
        ),
        ("flags:\n a: {}\n@", lines("m", 1, 1)),
        (
            "{ flags:\n  { a: {}@ } }",
            ", m: { description: It, created: 2026-11-22, expires: never, enabled: false }"
                .to_owned(),
        ),
        (
            "flags: { a: {}@, # one\n}\n",
            ", m: { description: It, created: 2026-11-22, expires: never, enabled: false }"
                .to_owned(),
        ),
        // Texts of several lines.
        (
            "flags:\n  a:\n    description: |\n      one\n      two\n@",
            format!("\n{two}"),
        ),
        (
            "flags:\n  a:\n    description: |\n      one\n  b: {}\n@",
            two.clone(),
        ),
        ("%YAML 1.2\n---\nflags:\n  a: {}\n@...\n", two.clone()),
        ("\u{feff}flags:\n  a: {}\n@", two.clone()),
    ] {
        if !what.is_empty() {
            goes_in(marked, &what);
        }
    }
}

#[test]
fn line_breaks_are_those_of_the_file() {
    goes_in(
        "flags:\r\n  a: {}\r\n@  z: {}\r\n",
        &lines("m", 2, 2).replace('\n', "\r\n"),
    );
    let one = lines("m", 2, 2);
    goes_in("flags:\n  a: {}@", &format!("\n{}", one.trim_end()));
    goes_in(
        "flags:\n  a:\n    enabled: true@",
        &format!("\n\n{}", one.trim_end()),
    );
}

#[test]
fn an_empty_file_begins_a_flag_set() {
    let flags = format!("flags:\n{}", lines("m", 2, 2));
    for (before, after) in [
        ("", flags.clone()),
        ("# only this\n", format!("# only this\n{flags}")),
        ("# only this", format!("# only this\n{flags}")),
        ("flags: {}\n", flags.clone()),
        (
            "flags: {} # none\n# end\n",
            format!("flags: # none\n{}# end\n", lines("m", 2, 2)),
        ),
    ] {
        let done = insert(before, &flag("m")).expect(before);
        assert_eq!(done.text, after);
    }
    assert_eq!(file_of(&flag("m"), "# head\n"), format!("# head\n{flags}"));
}

#[test]
fn the_last_flag_leaves_what_else_there_is() {
    let flags = format!("flags:\n{}", lines("m", 2, 2));
    for (before, after) in [
        (flags.clone(), None),
        (
            format!("# yaml-language-server: $schema=s.json\n\n{flags}"),
            None,
        ),
        (flags.replace("  m:", "  # of m\n  m: # too"), None),
        (
            format!("# of the team\n{flags}"),
            Some("# of the team\nflags: {}\n"),
        ),
        (format!("{flags}# end\n"), Some("flags: {}\n# end\n")),
        (
            flags.replace("flags:", "flags: # all"),
            Some("flags: {} # all\n"),
        ),
        ("flags: { m: {} }\n".to_owned(), None),
        ("flags: { m: {} } # all".to_owned(), Some("flags: {} # all")),
        (
            "flags:\n  m: {}\n---\nflags:\n  a: {}\n".to_owned(),
            Some("flags: {}\n---\nflags:\n  a: {}\n"),
        ),
    ] {
        let left = remove(&before, "m").expect("done");
        assert_eq!(left.as_deref(), after, "{before}");
    }
}

#[test]
fn a_flag_takes_along_what_belongs_to_it() {
    for (before, after) in [
        (
            "flags:\n  a: {}\n\n  # of m\n  # and more\n  m: # here\n    # within\n    enabled: true # on\n    # at its end\n\n  # of z\n  z: {}\n",
            "flags:\n  a: {}\n\n  # of z\n  z: {}\n",
        ),
        (
            "flags:\n  a: {}\n\n  # a section\n\n  m: {}\n",
            "flags:\n  a: {}\n\n  # a section\n",
        ),
        (
            "flags:\n  # hoist-ignore: expired\n  m: {}\n  z: {}\n",
            "flags:\n  z: {}\n",
        ),
        (
            "flags: { a: {}, m: {}, z: {} }\n",
            "flags: { a: {}, z: {} }\n",
        ),
        (
            "flags: {\n  m: {}, # m\n  z: {},\n}\n",
            "flags: {\n  # m\n  z: {},\n}\n",
        ),
        (
            "flags: { a: {}, m: { description: \"is #1\" }, z: {} }\n",
            "flags: { a: {}, z: {} }\n",
        ),
        (
            "flags: { m: { description: \"is #1\" }, z: {} }\n",
            "flags: { z: {} }\n",
        ),
        ("flags:\n  a: &a {}\n  m: *a\n", "flags:\n  a: &a {}\n"),
        ("flags:\n  m: &m {}\n  z: {}\n", "flags:\n  z: {}\n"),
    ] {
        let left = remove(before, "m").expect(before);
        assert_eq!(left.as_deref(), Some(after), "{before}");
    }
}

#[test]
fn what_others_share_stays() {
    for (text, refusal) in [
        ("flags:\n  m: &m {}\n  z: *m\n", Refusal::Shared { line: 2 }),
        (
            "x: &x\n  m: {}\nflags:\n  <<: *x\n  z: {}\n",
            Refusal::Merged { line: 4 },
        ),
        ("flags:\n  z: {}\n", Refusal::NoFlag("m".into())),
    ] {
        assert_eq!(remove(text, "m").expect_err(text), refusal, "{text}");
    }
    for (text, refusal) in [
        ("x: &x {}\nflags: *x\n", Refusal::Shared { line: 1 }),
        ("- 1\n", Refusal::Layout { line: 1 }),
        ("flags: [1]\n", Refusal::Layout { line: 1 }),
        ("? flags\n: ? a\n  : {}\n", Refusal::Layout { line: 2 }),
    ] {
        let found = insert(text, &flag("m"));
        // Which of them is said does not matter much: nothing is written.
        assert!(found.is_err(), "{text}: {found:?} instead of {refusal}");
    }
}

#[test]
fn every_kind_has_its_fields() {
    let body = |shape: Shape| {
        let new = NewFlag {
            description: None,
            shape,
            ..flag("m")
        };
        let text = file_of(&new, "");
        let body = text
            .split_once("enabled: false\n")
            .map(|(_, body)| body.to_owned());
        body.expect("the last field of all")
    };
    let percent = |share: f64| Percent::from_f64(share).expect("a share");
    assert_eq!(
        body(Shape::Switch(Some(percent(2.5)))),
        "    percentage: 2.5\n"
    );
    assert_eq!(
        body(Shape::Rollout(vec![
            (percent(1.0), Some("2h".into())),
            (percent(100.0), None)
        ])),
        "    rollout:\n      - { percentage: 1, duration: 2h }\n      - { percentage: 100 }\n"
    );
    let half = |first: &str, second: &str| Shape::Experiment {
        variants: vec![
            (first.into(), percent(50.0)),
            (second.into(), percent(50.0)),
        ],
        percentage: None,
    };
    assert_eq!(
        body(half("control", "b")),
        "    variants: { control: 50, b: 50 }\n"
    );
    assert_eq!(
        body(half("true", "1st")),
        "    control: \"true\"\n    variants: { \"true\": 50, \"1st\": 50 }\n"
    );
}

#[test]
fn texts_are_quoted_where_they_have_to_be() {
    for (text, written) in [
        ("Route search traffic", "Route search traffic"),
        ("It's \"new\"", "It's \"new\""),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("a\nb", "\"a\\nb\""),
        ("on", "\"on\""),
        ("No", "\"No\""),
        ("12", "\"12\""),
        ("1_000", "\"1_000\""),
        ("- x", "\"- x\""),
        ("*x", "\"*x\""),
        ("", "\"\""),
        (" x", "\" x\""),
        ("x ", "\"x \""),
        ("Größe", "Größe"),
        ("a\u{7}", "\"a\\u0007\""),
    ] {
        let new = NewFlag {
            description: Some(text.to_owned()),
            ..flag("m")
        };
        let file = file_of(&new, "");
        assert!(
            file.contains(&format!("description: {written}\n")),
            "{file}"
        );
    }
}

/// A piece of a flag file: a flag, with whatever may stand around one.
fn piece() -> impl Strategy<Value = (String, String)> {
    let above = prop_oneof![
        4 => Just(""),
        1 => Just("# of it\n"),
        1 => Just("# a section\n\n"),
        1 => Just("  # deep\n"),
    ];
    let body = prop_oneof![
        Just(" {}\n"),
        Just(" { enabled: true } # on\n"),
        Just("\n  enabled: true\n"),
        Just(" # here\n  # within\n  enabled: true # on\n  # at its end\n"),
        Just("\n  description: |\n    one\n    two\n"),
        Just("\n  rollout:\n  - { percentage: 1, duration: 1h }\n  - { percentage: 100 }\n"),
    ];
    (above, "[a-z]{1,3}", body)
        .prop_map(|(above, key, body)| (key.clone(), format!("{above}{key}:{body}")))
}

proptest! {
    /// In and out again leaves the bytes that there were.
    #[test]
    fn new_then_remove_is_nothing(
        mut pieces in prop::collection::vec(piece(), 1..5),
        sorted in prop::bool::ANY,
        gaps in prop::collection::vec(0..3_usize, 5),
        is_spaced in prop::option::of(prop::bool::ANY),
        indent in prop_oneof![Just(0_usize), Just(2), Just(4)],
        head in prop_oneof![Just("flags:\n"), Just("# top\n\nflags: # all\n"), Just("---\nflags:\n\n"), Just("flags:\n  # inner\n\n")],
        tail in prop_oneof![Just(""), Just("# end\n"), Just("\n# end\n"), Just("\n\n")],
        crlf in prop::bool::ANY,
        open_ended in prop::bool::ANY,
        key in "[a-z]{4}",
    ) {
        if sorted {
            pieces.sort();
        }
        let mut seen = Vec::new();
        pieces.retain(|(key, _)| !seen.contains(key) && { seen.push(key.clone()); true });
        // Flags at the margin would be fields of the document.
        let pad = " ".repeat(indent.max(1));
        let mut text = head.to_owned();
        for (number, (_, piece)) in pieces.iter().enumerate() {
            let gap = match is_spaced {
                _ if number == 0 => 0,
                Some(spaced) => usize::from(spaced),
                None => gaps.get(number).copied().unwrap_or(0),
            };
            text += &"\n".repeat(gap);
            for line in piece.lines() {
                text += &if line.is_empty() { "\n".to_owned() } else { format!("{pad}{line}\n") };
            }
        }
        text += tail;
        if open_ended {
            text = text.trim_end().to_owned();
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let with = insert(&text, &flag(&key));
        prop_assert!(with.is_ok(), "{:?} of\n{}", with, text);
        let with = with.expect("done").text;
        let without = remove(&with, &key);
        prop_assert!(without.is_ok(), "{:?} out of\n{}", without, with);
        let without = without.expect("done");
        prop_assert_eq!(without.as_deref(), Some(text.as_str()), "by way of\n{}", with);
    }
}
