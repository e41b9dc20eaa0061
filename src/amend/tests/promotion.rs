use proptest::prelude::*;

use crate::amend::{Refusal, promote};

/// What a flag's part of a file becomes when `staging` is promoted to `production`.
#[track_caller]
fn becomes(before: &str, after: &str) {
    let text =
        |flag: &str| format!("# top\nflags:\n  a:\n{flag}\n  z: {{ enabled: true }} # end\n");
    let done = promote(&text(before), "a", "staging", "production");
    let done = done.unwrap_or_else(|refusal| panic!("{refusal}:\n{before}"));
    assert_eq!(done.text, text(after), "of\n{before}");
    // Once is enough.
    let again = promote(&done.text, "a", "staging", "production").expect("again");
    assert_eq!((again.text, again.lost), (done.text, Vec::new()));
}

#[track_caller]
fn refused(text: &str, expected: Refusal) {
    let refusal = promote(text, "a", "staging", "production").expect_err(text);
    assert_eq!(refusal, expected, "{text}");
}

#[test]
fn an_environment_without_settings_gets_them() {
    for (before, after) in [
        // Between braces, and on lines.
        (
            "    environments: { staging: { percentage: 50 } }",
            "    environments: { staging: { percentage: 50 }, production: { percentage: 50 } }",
        ),
        (
            "    environments:\n      staging: { percentage: 50 } # try\n    # below\n    tags: [x]",
            "    environments:\n      staging: { percentage: 50 } # try\n      production: { percentage: 50 }\n    # below\n    tags: [x]",
        ),
        (
            "    environments:\n        staging:\n            # why\n            percentage: 50 # half\n            enabled: true",
            "    environments:\n        staging:\n            # why\n            percentage: 50 # half\n            enabled: true\n        production:\n            enabled: true\n            percentage: 50",
        ),
        // Lists and maps come as they were written.
        (
            "    environments:\n      staging:\n        rollout:\n          - percentage: 5\n            duration: 2h\n          - { percentage: 100 } # all\n        allowed_groups: [staff, \"a, b\"]",
            "    environments:\n      staging:\n        rollout:\n          - percentage: 5\n            duration: 2h\n          - { percentage: 100 } # all\n        allowed_groups: [staff, \"a, b\"]\n      production:\n        rollout:\n          - { percentage: 5, duration: 2h }\n          - { percentage: 100 }\n        allowed_groups: [staff, \"a, b\"]",
        ),
        // What holds anyway is left out.
        (
            "    percentage: 50\n    environments: { staging: { enabled: true, percentage: 50 } }",
            "    percentage: 50\n    environments: { staging: { enabled: true, percentage: 50 }, production: { enabled: true } }",
        ),
        // An alias is what it stands for.
        (
            "    tags: [&h half]\n    environments:\n      staging: &s { percentage: 50 }\n      dev: *s",
            "    tags: [&h half]\n    environments:\n      staging: &s { percentage: 50 }\n      dev: *s\n      production: { percentage: 50 }",
        ),
        // So already.
        (
            "    enabled: false\n    environments: { staging: { enabled: false, percentage: 100 } }",
            "    enabled: false\n    environments: { staging: { enabled: false, percentage: 100 } }",
        ),
        ("    enabled: true", "    enabled: true"),
    ] {
        becomes(before, after);
    }
}

#[test]
fn settings_are_replaced_field_by_field() {
    for (before, after) in [
        (
            "    environments:\n      staging: { percentage: 50 }\n      production: { percentage: 5 } # careful",
            "    environments:\n      staging: { percentage: 50 }\n      production: { percentage: 50 } # careful",
        ),
        (
            "    environments:\n      production:\n        # for now\n        percentage: 5 # careful\n        allowed_users: [u]\n      staging:\n        percentage: 50\n        enabled: true",
            "    environments:\n      production:\n        # for now\n        percentage: 50 # careful\n        enabled: true\n      staging:\n        percentage: 50\n        enabled: true",
        ),
        // Stages one by one where there are as many.
        (
            "    environments:\n      production:\n        rollout:\n          - { percentage: 1, duration: 1h } # slow\n          - { percentage: 100 } # all\n      staging: { rollout: [{ percentage: 10, duration: 2h }, { percentage: 100.0 }] }",
            "    environments:\n      production:\n        rollout:\n          - { percentage: 10, duration: 2h } # slow\n          - { percentage: 100 } # all\n      staging: { rollout: [{ percentage: 10, duration: 2h }, { percentage: 100.0 }] }",
        ),
        (
            "    environments:\n      production:\n        rollout: # from May\n        - { percentage: 1, duration: 1h }\n        - { percentage: 100 }\n      staging: { rollout: [{ percentage: 100 }] }",
            "    environments:\n      production:\n        rollout: # from May\n        - { percentage: 100 }\n      staging: { rollout: [{ percentage: 100 }] }",
        ),
        // One way to say a share for another.
        (
            "    environments: { staging: { rollout: [{ percentage: 5, duration: 1h }, { percentage: 100 }] }, production: { percentage: 5 } }",
            "    environments: { staging: { rollout: [{ percentage: 5, duration: 1h }, { percentage: 100 }] }, production: { rollout: [{ percentage: 5, duration: 1h }, { percentage: 100 }] } }",
        ),
        (
            "    rollout: [{ percentage: 5, duration: 1h }, { percentage: 100 }]\n    environments:\n      staging: { percentage: 7 }\n      production: { enabled: false }",
            "    rollout: [{ percentage: 5, duration: 1h }, { percentage: 100 }]\n    environments:\n      staging: { percentage: 7 }\n      production: { percentage: 7 }",
        ),
        // Variants keep their values' comments.
        (
            "    variants: { x: 50, y: 50 }\n    environments:\n      staging: { variants: { x: 10, y: 90 } }\n      production:\n        variants:\n          x: 40 # old\n          y: 60 # new",
            "    variants: { x: 50, y: 50 }\n    environments:\n      staging: { variants: { x: 10, y: 90 } }\n      production:\n        variants:\n          x: 10 # old\n          y: 90 # new",
        ),
        // An alias, or nothing, makes way.
        (
            "    environments:\n      dev: &d { percentage: 5 }\n      staging: { percentage: 50 }\n      production: *d",
            "    environments:\n      dev: &d { percentage: 5 }\n      staging: { percentage: 50 }\n      production: { percentage: 50 }",
        ),
        (
            "    environments: { staging: { percentage: 50 }, production: {} }",
            "    environments: { staging: { percentage: 50 }, production: { percentage: 50 } }",
        ),
    ] {
        becomes(before, after);
    }
}

#[test]
fn settings_that_are_not_needed_go() {
    for (before, after) in [
        // No settings there, none here.
        (
            "    environments:\n      # dev\n      dev: { percentage: 1 }\n      production: { percentage: 5 } # careful\n    tags: [x]",
            "    environments:\n      # dev\n      dev: { percentage: 1 }\n      # careful\n    tags: [x]",
        ),
        (
            "    tags: [x]\n    environments:\n      production:\n        percentage: 5\n        enabled: false",
            "    tags: [x]",
        ),
        (
            "    environments: { production: { percentage: 5 }, dev: { percentage: 1 } }",
            "    environments: { dev: { percentage: 1 } }",
        ),
        (
            "    environments: { production: { percentage: 5 }, staging: { percentage: 100 } }",
            "    environments: { staging: { percentage: 100 } }",
        ),
        // A comment for one line goes with it.
        (
            "    environments:\n      dev: { percentage: 1 }\n      # hoist-ignore: abrupt-rollout\n      production: { percentage: 5 }",
            "    environments:\n      dev: { percentage: 1 }",
        ),
    ] {
        becomes(before, after);
    }
    let only = "flags:\n  a:\n    environments:\n      production: { percentage: 5 }\n";
    let done = promote(only, "a", "staging", "production").expect("done");
    assert_eq!(done.text, "flags:\n  a:\n    {}\n");
}

#[test]
fn what_went_with_a_comment_is_told() {
    let text = "flags:\n  a:\n    environments:\n      staging: { rollout: [{ percentage: 100 }] }\n      production:\n        rollout: # kept\n          - { percentage: 1, duration: 1h } # gone\n          - { percentage: 100 }\n";
    let done = promote(text, "a", "staging", "production").expect("done");
    assert_eq!(done.lost, ["# gone"]);
    assert!(
        done.text
            .contains("rollout: # kept\n          - { percentage: 100 }\n")
    );
}

#[test]
fn line_breaks_stay_what_they_are() {
    let text = "\u{feff}flags:\r\n  a:\r\n    environments:\r\n      staging: { percentage: 50 }\r\n  b: {}";
    let done = promote(text, "a", "staging", "production").expect("done");
    let expected = text.replace(
        "50 }\r\n",
        "50 }\r\n      production: { percentage: 50 }\r\n",
    );
    assert_eq!(done.text, expected);
    let text = "flags:\n  a:\n    environments:\n      staging: { percentage: 50 }";
    let done = promote(text, "a", "staging", "production").expect("done");
    assert_eq!(
        done.text,
        format!("{text}\n      production: {{ percentage: 50 }}")
    );
}

#[test]
fn what_others_share_is_left_to_people() {
    refused(
        "flags:\n  a: &a\n    environments:\n      staging: { percentage: 50 }\n  b: *a\n",
        Refusal::Shared { line: 4 },
    );
    refused(
        "flags:\n  b: { environments: &e { staging: { percentage: 50 } } }\n  a: { environments: *e }\n",
        Refusal::Merged { line: 3 },
    );
    refused(
        "flags:\n  b: &b { environments: { staging: { percentage: 50 } } }\n  a:\n    <<: *b\n    enabled: true\n",
        Refusal::Merged { line: 4 },
    );
    refused(
        "x: &x\n  a: { environments: { staging: { percentage: 50 } } }\nflags:\n  <<: *x\n",
        Refusal::Merged { line: 4 },
    );
    refused(
        "flags:\n  b: &p { percentage: 5 }\n  a:\n    environments:\n      staging: { percentage: 50 }\n      production:\n        <<: *p\n        enabled: true\n",
        Refusal::Merged { line: 7 },
    );
    refused(
        "flags:\n  a:\n    environments:\n      staging: { percentage: 50 }\n      production: &p { percentage: 5 }\n      dev: *p\n",
        Refusal::Shared { line: 5 },
    );
    refused("flags:\n  b: {}\n", Refusal::NoFlag("a".into()));
    refused("", Refusal::NoFlag("a".into()));
}

/// A field of an environment, in two ways to write it.
fn field() -> impl Strategy<Value = (&'static str, String, String)> {
    let share = (1..=100_u32).prop_map(|share| share.to_string());
    let rollout = prop::collection::btree_set(1..=100_u32, 1..4).prop_map(|stages| {
        let stages: Vec<String> = stages
            .iter()
            .map(|share| format!("{{ percentage: {share}, duration: 2h }}"))
            .collect();
        let lines: String = stages
            .iter()
            .map(|stage| format!("\n          - {stage} # stage"))
            .collect();
        (format!("[{}]", stages.join(", ")), lines)
    });
    let names = prop::collection::vec(0..4_u8, 0..3).prop_map(|names| {
        let names: Vec<String> = names.iter().map(|name| format!("u{name}")).collect();
        let lines: String = names
            .iter()
            .map(|name| format!("\n          - {name}"))
            .collect();
        let flow = format!("[{}]", names.join(", "));
        let lines = if lines.is_empty() {
            " []".into()
        } else {
            lines
        };
        (flow, lines)
    });
    prop_oneof![
        prop::bool::ANY.prop_map(|on| ("enabled", on.to_string(), format!(" {on} # switch"))),
        share.prop_map(|share| ("percentage", share.clone(), format!(" {share}"))),
        rollout.prop_map(|(flow, lines)| ("rollout", flow, lines)),
        names
            .clone()
            .prop_map(|(flow, lines)| ("allowed_users", flow, lines)),
        names.prop_map(|(flow, lines)| ("allowed_groups", flow, lines)),
    ]
}

/// What one environment has, between braces or on lines; nothing for none.
fn settings(name: &'static str) -> impl Strategy<Value = (String, String)> {
    let fields = prop::collection::vec(field(), 0..4);
    (prop::option::of(fields), prop::bool::ANY).prop_map(move |(fields, in_block)| {
        let Some(mut fields) = fields else {
            return (String::new(), String::new());
        };
        fields.sort_by_key(|(name, ..)| *name);
        fields.dedup_by_key(|(name, ..)| *name);
        let shares = fields.iter().any(|(name, ..)| *name == "percentage");
        fields.retain(|(name, ..)| !shares || *name != "rollout");
        let flow: Vec<String> = fields
            .iter()
            .map(|(name, flow, _)| format!("{name}: {flow}"))
            .collect();
        let flow = format!("{name}: {{ {} }}", flow.join(", "));
        let lines: String = fields
            .iter()
            .map(|(name, _, lines)| format!("        {name}:{lines}\n"))
            .collect();
        let block = match in_block && !fields.is_empty() {
            true => format!("      {name}: # {name}\n{lines}"),
            false => format!("      {flow} # {name}\n"),
        };
        (flow, block)
    })
}

proptest! {
    /// Whatever the two environments have: the one becomes like the other, nothing else changes, and
    /// a second time there is nothing to do. `promote` checks the first two itself and refuses what
    /// is not so, which it never has to.
    #[test]
    fn promoting_is_complete_and_idempotent(
        staging in settings("staging"),
        production in settings("production"),
        dev in settings("dev"),
        base in prop::option::of(1..100_u32),
        in_flow in prop::bool::ANY,
    ) {
        let all = [dev, staging, production];
        let environments = if in_flow {
            let flow: Vec<&str> = all.iter().map(|(flow, _)| flow.as_str()).filter(|flow| !flow.is_empty()).collect();
            format!("    environments: {{ {} }}\n", flow.join(", "))
        } else {
            let block: String = all.iter().map(|(_, block)| block.as_str()).collect();
            if block.is_empty() { String::new() } else { format!("    environments:\n{block}") }
        };
        let base = base.map(|share| format!("    percentage: {share} # base\n")).unwrap_or_default();
        let text = format!("flags:\n  a:\n    enabled: true # on\n{base}{environments}  z: {{}}\n");
        let once = promote(&text, "a", "staging", "production");
        prop_assert!(once.is_ok(), "{:?} of\n{}", once, text);
        let once = once.expect("done").text;
        let twice = promote(&once, "a", "staging", "production").expect("again").text;
        prop_assert_eq!(twice, once);
    }
}
