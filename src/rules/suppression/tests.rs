use super::*;

/// The comments of a text without strings: from `#` to the end of the line.
fn comments(text: &str) -> Vec<Comment> {
    let lines = LineIndex::new(text);
    let mut found = Vec::new();
    for line in 1..=lines.lines() {
        let range = lines.line_range(text, line);
        let content = text[range.clone()].trim_end_matches(['\r', '\n']);
        if let Some(at) = content.find('#') {
            found.push(Comment {
                span: Span::new(range.start + at, range.start + content.len()),
                own_line: content[..at].trim().is_empty(),
            });
        }
    }
    found
}

/// Lines, from 1, on which `rule` is silent.
fn silent(text: &str, rule: &str) -> Vec<u32> {
    let lines = LineIndex::new(text);
    let mut suppressions = Suppressions::read(text, &lines, &comments(text));
    (1..=lines.lines())
        .filter(|line| suppressions.hide(rule, lines.line_range(text, *line).start as u32))
        .collect()
}

#[test]
fn a_comment_reaches_its_line_or_down_to_the_next() {
    let cases: &[(&str, &[u32])] = &[
        ("a: 1 # hoist-ignore: expired\nb: 2\n", &[1]),
        ("# hoist-ignore: expired\na: 1\nb: 2\n", &[1, 2]),
        ("  # hoist-ignore: expired\r\na: 1\r\nb: 2\r\n", &[1, 2]),
        (
            "a: 1\n# hoist-ignore: expired\n# why\n# hoist-ignore: missing-owner\nb: 2\nc: 3",
            &[2, 3, 4, 5],
        ),
        ("# hoist-ignore: expired\n\na: 1\n", &[1, 2]),
        ("a: 1\nb: # hoist-ignore: expired", &[2]),
        ("a: 1\n# hoist-ignore: expired", &[2]),
        (
            "# hoist-ignore: expired\nb: # hoist-ignore: missing-owner\n",
            &[1, 2],
        ),
        ("a: 1\nb: 2 # hoist-ignore-file: expired\nc: 3", &[1, 2, 3]),
    ];
    for (text, lines) in cases {
        assert_eq!(silent(text, "expired"), *lines, "{text}");
    }
}

#[test]
fn the_list_ends_where_the_reason_begins() {
    let cases: &[(&str, &[&str])] = &[
        ("# hoist-ignore: expired", &["expired"]),
        (
            "#hoist-ignore:expired,missing-owner",
            &["expired", "missing-owner"],
        ),
        (
            "## hoist-ignore: expired , missing-owner -- until May",
            &["expired", "missing-owner"],
        ),
        ("# hoist-ignore: expired missing-owner", &["expired"]),
        (
            "# hoist-ignore: expired -- missing-owner, missing-expiry",
            &["expired"],
        ),
        ("# hoist-ignore: expired: gone soon", &["expired"]),
        ("# hoist-ignore: not-a-rule, expired", &["expired"]),
        ("# hoist-ignore: expired,expired,", &["expired"]),
        ("# hoist-ignore expired", &[]),
        ("# hoist-ignored: expired", &[]),
        ("# see hoist-ignore: expired", &[]),
        ("# hoist-ignore:", &[]),
        (
            "# hoist-ignore: schema, yaml-syntax, unsafe-yaml, duplicate-key, duplicate-flag",
            &[],
        ),
    ];
    for (comment, rules) in cases {
        let text = format!("{comment}\na: 1\n");
        let read = Suppressions::read(&text, &LineIndex::new(&text), &comments(&text));
        let found = read.lines.iter().flat_map(|lines| &lines.rules);
        let found: Vec<&str> = found.map(|(rule, _)| *rule).collect();
        assert_eq!(found, *rules, "{comment}");
    }
}

#[test]
fn many_comments_take_linear_time() {
    let text = "# hoist-ignore: expired\n".repeat(200_000) + "a: 1\n";
    assert_eq!(silent(&text, "expired").len(), 200_001);
    for (comment, names) in [
        ("a: 1 # hoist-ignore: exired\n".repeat(50_000), 50_000),
        (
            format!("# hoist-ignore: {}\n", "exired, ".repeat(100_000)),
            100,
        ),
    ] {
        let read = Suppressions::read(&comment, &LineIndex::new(&comment), &comments(&comment));
        assert_eq!(read.ignores.len(), names);
        assert!(read.without(names - 1, |_| true).is_some());
    }
}

/// Names of the directives of `text`, and what each amounts to.
fn named(text: &str) -> Vec<(&str, Named)> {
    let read = Suppressions::read(text, &LineIndex::new(text), &comments(text));
    let ignores = read.ignores.into_iter();
    ignores
        .map(|ignore| (&text[ignore.span.range()], ignore.named))
        .collect()
}

#[test]
fn every_name_is_accounted_for() {
    let rule = |id| Named::Rule { id, used: false };
    let text = "# hoist-ignore: expired, nonsense, schema -- gone, soon
# hoist-ignore: expired
a: 1 # hoist-ignore: expired, missing-owner
# hoist-ignore-file: expired, expired
b: 2 # hoist-ignore: expired
# hoist-ignore expired
# hoist-ignore comments are explained elsewhere
# hoist-ignore:
";
    assert_eq!(
        named(text),
        [
            ("expired", rule("expired")),
            (
                "nonsense",
                Named::Unknown {
                    name: "nonsense".into(),
                    meant: None
                }
            ),
            ("schema", Named::Fixed("schema")),
            ("expired", Named::Again("expired")),
            ("expired", Named::Again("expired")),
            ("missing-owner", rule("missing-owner")),
            ("expired", rule("expired")),
            ("expired", Named::Again("expired")),
            ("expired", rule("expired")),
            (
                "# hoist-ignore expired",
                Named::Nothing("has no colon before its list")
            ),
            (":", Named::Nothing("names no rule")),
        ]
    );
}

#[test]
fn a_line_comes_before_the_file() {
    let text = "a: 1 # hoist-ignore: expired\n# hoist-ignore-file: expired\nb: 2\n";
    let mut read = Suppressions::read(text, &LineIndex::new(text), &comments(text));
    let used = |read: &Suppressions| -> Vec<bool> {
        let ignores = read.ignores.iter();
        ignores
            .map(|ignore| matches!(ignore.named, Named::Rule { used: true, .. }))
            .collect()
    };
    assert!(read.hide("expired", 0));
    assert_eq!(used(&read), [true, false]);
    assert!(!read.hide("missing-owner", 0));
    let last = text.find("b: 2").unwrap() as u32;
    assert!(read.hide("expired", last));
    assert_eq!(used(&read), [true, true]);
}

#[test]
fn a_name_goes_alone_or_with_its_comment() {
    for (text, useless, left) in [
        (
            "a: 1 # hoist-ignore: a, b, c -- why\n",
            &[0][..],
            "a: 1 # hoist-ignore: b, c -- why\n",
        ),
        (
            "a: 1 # hoist-ignore: a, b, c -- why\n",
            &[1],
            "a: 1 # hoist-ignore: a, c -- why\n",
        ),
        (
            "a: 1 # hoist-ignore: a, b, c -- why\n",
            &[2],
            "a: 1 # hoist-ignore: a, b -- why\n",
        ),
        (
            "a: 1 # hoist-ignore: a, b , c\n",
            &[0, 1],
            "a: 1 # hoist-ignore: c\n",
        ),
        (
            "a: 1 # hoist-ignore: a,b,c\n",
            &[1, 2],
            "a: 1 # hoist-ignore: a\n",
        ),
        (
            "a: 1 # hoist-ignore: a,b,c\n",
            &[0, 2],
            "a: 1 # hoist-ignore: b\n",
        ),
        (
            "a: 1 \t# hoist-ignore: a, b\nb: 2\n",
            &[0, 1],
            "a: 1\nb: 2\n",
        ),
        (
            "a: 1\r\n  # hoist-ignore: a -- why\r\nb: 2\r\n",
            &[0],
            "a: 1\r\nb: 2\r\n",
        ),
        ("# hoist-ignore:\na: 1\n", &[0], "a: 1\n"),
        ("a: 1\n# hoist-ignore-file: a", &[0], "a: 1\n"),
    ] {
        let read = Suppressions::read(text, &LineIndex::new(text), &comments(text));
        let mut edits: Vec<Edit> = useless
            .iter()
            .map(|at| read.without(*at, |at| useless.contains(&at)).unwrap().0)
            .collect();
        edits.dedup();
        let mut mended = text.to_owned();
        for edit in edits.iter().rev() {
            mended.replace_range(edit.span.range(), &edit.text);
        }
        assert_eq!(mended, left, "{text}");
    }
}
