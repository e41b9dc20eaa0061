use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::diagnostic::LineIndex;
use crate::yaml;

fn read(text: &str) -> Vec<Flag> {
    let file = FileId(7);
    let (tree, _) = yaml::parse(file, text);
    let lines = LineIndex::new(text);
    let documents = tree.documents().iter();
    documents
        .flat_map(|document| flags(file, &tree, &lines, *document))
        .collect()
}

/// The one flag whose fields are given.
fn flag(fields: &str) -> Flag {
    let mut flags = read(&format!("flags:\n  k: {fields}\n"));
    assert_eq!(flags.len(), 1, "{fields}");
    flags.remove(0)
}

fn texts(list: &[Spanned<Box<str>>]) -> Vec<&str> {
    list.iter().map(|text| &*text.value).collect()
}

const WHOLE: &str = "\
# the first line
flags:
  pricing_page:
    description: Which price
    owner: growth
    created: 2026-11-02
    expires: never
    tags: [a, b]
    salt: s
    enabled: true
    percentage: 33.3
    variants:
      control: 34
      higher: { weight: 66, value: { price: 9, list: [1.5, ~] } }
    control: control
    forced: { higher: [qa_1] }
    environments:
      staging: { enabled: false, rollout: [{ percentage: 1, duration: 2h }, { percentage: 100 }] }
    tests:
      - { user: u, groups: [g], environment: staging, percentage: 5, expect: higher }
  other:
    allowed_users: [u]
    allowed_groups: [g]
";

#[test]
fn every_field_is_read_with_its_place() {
    let flags = read(WHOLE);
    assert_eq!(flags.len(), 2);
    let flag = &flags[0];
    assert!(flag.complete && flag.file == FileId(7));
    assert_eq!((flag.line, flags[1].line), (3, 21));
    assert!(WHOLE[flag.span.range()].starts_with("pricing_page:"));
    assert!(WHOLE[flag.span.range()].ends_with("expect: higher }"));

    let owner = flag.owner.as_ref().unwrap();
    assert_eq!(&WHOLE[owner.key.range()], "owner");
    assert_eq!(
        (&*owner.value, &WHOLE[owner.span.range()]),
        ("growth", "growth")
    );
    assert_eq!(flag.created.as_ref().unwrap().value, date(2026, 11, 2));
    assert_eq!(flag.expires.as_ref().unwrap().value, Expiry::Never);
    assert_eq!(texts(&flag.tags.as_ref().unwrap().value), ["a", "b"]);
    assert_eq!(&*flag.salt.as_ref().unwrap().value, "s");
    assert_eq!(
        flag.base.percentage.as_ref().unwrap().value,
        Percent(33_300)
    );

    let variants = &flag.base.variants.as_ref().unwrap().value;
    assert_eq!(
        (&*variants[0].name.value, variants[0].weight.value),
        ("control", Percent(34_000))
    );
    assert_eq!(variants[0].value, None);
    let value = variants[1].value.as_ref().unwrap();
    assert_eq!(value.value, json!({ "price": 9, "list": [1.5, null] }));
    let forced = &flag.base.forced.as_ref().unwrap().value[0];
    assert_eq!(
        (&*forced.variant.value, texts(&forced.users)),
        ("higher", vec!["qa_1"])
    );

    let over = flag.overrides().next().unwrap();
    assert!(!over.settings.enabled.as_ref().unwrap().value);
    let stages = &over.settings.rollout.as_ref().unwrap().value;
    let duration = stages[0].duration.as_ref().unwrap();
    assert_eq!(
        (duration.value, &WHOLE[duration.key.range()]),
        (7_200, "duration")
    );
    assert_eq!(stages[1].duration, None);

    let test = &flag.tests.as_ref().unwrap().value[0];
    assert_eq!(test.expect.value, json!("higher"));
    assert_eq!(test.percentage.as_ref().unwrap().value, Percent(5_000));
    assert_eq!(
        texts(&flags[1].base.allowed_groups.as_ref().unwrap().value),
        ["g"]
    );
}

#[test]
fn an_environment_replaces_single_fields() {
    let flag = &read(WHOLE)[0];
    let staging = flag.resolve("staging");
    assert!(staging.percentage.is_none() && staging.rollout.is_some());
    assert!(staging.variants.is_some() && !staging.enabled.unwrap().value);
    assert_eq!(flag.resolve("elsewhere"), flag.base);
}

#[test]
fn what_is_in_force_is_what_would_be_resolved() {
    let fields = [
        "percentage: 10",
        "rollout: [{percentage: 1}]",
        "enabled: true",
        "variants: {a: 100}",
        "control: a",
        "forced: {a: [u]}",
        "allowed_users: [u]",
        "allowed_groups: [g]",
        "tags: []",
    ];
    for own in fields {
        for replaced in fields.iter().filter(|field| !field.starts_with("tags")) {
            let both = format!("{{{own}, environments: {{staging: {{{replaced}}}}}}}");
            let flag = flag(&both);
            for environment in ["staging", "production"] {
                let resolved = flag.resolve(environment);
                let in_force = flag.in_force(environment);
                assert_eq!(
                    in_force.is_enabled(),
                    resolved.enabled.is_some_and(|enabled| enabled.value)
                );
                assert_eq!(
                    in_force.percentage(),
                    resolved.percentage.as_ref(),
                    "{both}"
                );
                assert_eq!(in_force.rollout(), resolved.rollout.as_deref(), "{both}");
                assert_eq!(in_force.variants(), resolved.variants.as_deref());
                assert_eq!(in_force.control(), resolved.control.as_deref());
                assert_eq!(in_force.forced(), resolved.forced.as_deref());
                assert_eq!(in_force.allowed_users(), resolved.allowed_users.as_deref());
                assert_eq!(
                    in_force.allowed_groups(),
                    resolved.allowed_groups.as_deref()
                );
            }
        }
    }
}

#[test]
fn a_flag_is_for_everyone_where_all_users_have_it() {
    for (fields, everyone) in [
        ("enabled: true", true),
        ("percentage: 100", false),
        ("enabled: true, percentage: 100", true),
        ("enabled: true, percentage: 99.999", false),
        ("enabled: true, rollout: [{percentage: 100}]", true),
        (
            "enabled: true, rollout: [{percentage: 50}, {percentage: 100}]",
            false,
        ),
        ("enabled: true, variants: {a: 100}", false),
    ] {
        let flag = flag(&format!("{{{fields}}}"));
        assert_eq!(
            flag.base_in_force().is_on_for_everyone(),
            everyone,
            "{fields}"
        );
    }
}

#[test]
fn what_is_wrong_is_left_out_and_the_rest_is_read() {
    let wrong = flag("{owner: 5, percentage: 150, enabled: true, allowed_users: [1, a], x: y}");
    assert!(!wrong.complete);
    assert_eq!((&wrong.owner, &wrong.base.percentage), (&None, &None));
    assert!(wrong.base.enabled.unwrap().value);
    assert_eq!(texts(&wrong.base.allowed_users.unwrap().value), ["a"]);

    let wrong = flag("{variants: {a: 50, b: x, c: {weight: 1, value: [1]}}}");
    assert!(!wrong.complete);
    let variants = &wrong.base.variants.unwrap().value;
    assert_eq!(
        variants
            .iter()
            .map(|variant| &*variant.name.value)
            .collect::<Vec<_>>(),
        ["a", "c"]
    );

    let wrong = flag("{rollout: [{duration: 1h}, {percentage: 5, duration: x}]}");
    assert!(!wrong.complete);
    let stages = &wrong.base.rollout.unwrap().value;
    assert!(stages.len() == 1 && stages[0].duration.is_none());
    assert_eq!(stages[0].number, 2);
}

#[test]
fn a_flag_that_the_reader_lost_part_of_is_incomplete() {
    let flags = read("flags:\n  a: {enabled: true, enabled: false}\n  b: {}\n  Bad: {}\n");
    let complete: Vec<_> = flags
        .iter()
        .map(|flag| (&*flag.key.value, flag.complete))
        .collect();
    assert_eq!(complete, [("a", false), ("b", true), ("Bad", false)]);
}

#[test]
fn documents_without_flags_have_none() {
    for text in [
        "",
        "flags:\n",
        "flags: []\n",
        "a: {}\n",
        "[flags]\n",
        "--- 1\n--- {flags: ~}\n",
    ] {
        assert!(read(text).is_empty(), "{text}");
    }
}

#[test]
fn dates_are_read_in_one_form() {
    for text in [
        "2026-11-02 10:00",
        "20261102",
        "2026-11-2",
        "+2026-11-2",
        "2026-02-29",
        "-026-01-01",
    ] {
        assert!(!flag(&format!("{{created: '{text}'}}")).complete, "{text}");
    }
    assert!(flag("{created: 2028-02-29}").complete);
}

#[test]
fn durations_are_whole_units() {
    let seconds = |text: &str| {
        let flag = flag(&format!(
            "{{rollout: [{{percentage: 1, duration: '{text}'}}]}}"
        ));
        let stages = &flag.base.rollout.unwrap().value;
        stages[0].duration.as_ref().map(|duration| duration.value)
    };
    let valid = [
        ("1m", 60),
        ("90m", 5_400),
        ("2h", 7_200),
        ("7d", 604_800),
        ("999999w", 604_799_395_200),
    ];
    for (text, expected) in valid {
        assert_eq!(seconds(text), Some(expected), "{text}");
    }
    for text in [
        "", "m", "0h", "01h", "1000000w", "1s", "1H", "1.5h", "-1h", "+1h", "1d12h", "1 h", "é",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn values_keep_their_digits() {
    let value = |text: &str| {
        let flag = flag(&format!(
            "{{variants: {{a: {{weight: 100, value: {text}}}}}}}"
        ));
        flag.base.variants.unwrap().value[0]
            .value
            .as_ref()
            .map(|value| value.value.clone())
    };
    assert_eq!(value("18446744073709551615"), Some(json!(u64::MAX)));
    assert_eq!(
        value("-9007199254740993"),
        Some(json!(-9_007_199_254_740_993_i64))
    );
    assert_eq!(value("0xff"), Some(json!(255)));
    assert_eq!(value("+7"), Some(json!(7)));
    assert_eq!(value("1.0"), Some(json!(1.0)));
    assert_eq!(value(".inf"), None);
    let ordered = value("{z: 1, a: 2}").unwrap();
    assert_eq!(
        ordered.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["z", "a"]
    );
}

/// A hundred thousand flags are held at once.
#[test]
fn a_flag_is_small() {
    assert!(size_of::<Flag>() <= 288, "{}", size_of::<Flag>());
    assert!(size_of::<Override>() <= 120, "{}", size_of::<Override>());
}
