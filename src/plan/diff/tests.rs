use super::*;
use crate::diagnostic::FileId;
use crate::rules::{Checked, Context, Levels, Settings, check_file};

const ENVIRONMENTS: [&str; 3] = ["development", "staging", "production"];

fn settings() -> Settings {
    Settings {
        context: Context {
            environments: ENVIRONMENTS.map(str::to_owned).into(),
            ..Context::new(jiff::civil::date(2026, 11, 15))
        },
        levels: Levels::default(),
    }
}

fn read(text: &str) -> Checked {
    check_file(FileId(0), text.as_bytes(), &settings())
}

fn state(checked: &Checked) -> State<'_> {
    State {
        flags: checked.flags.iter().collect(),
        broken: Vec::new(),
    }
}

/// Compares two texts and gives what `show` makes of it.
fn diff<T>(before: &str, after: &str, show: impl Fn(&Diff<'_>) -> T) -> T {
    let (before, after) = (read(before), read(after));
    show(&compare(
        &state(&before),
        &state(&after),
        &settings().context.environments,
    ))
}

#[test]
fn flags_are_compared_by_key_wherever_they_stand() {
    let before = "flags:\n  a: { enabled: true }\n  b: { enabled: true }\n  c: {}\n";
    let after = "flags:\n  d: {}\n  b: { enabled: false } # off\n  a: {enabled: true, tests: []}\n";
    diff(before, after, |diff| {
        let actions: Vec<_> = diff
            .changes
            .iter()
            .map(|change| (change.key, change.action()))
            .collect();
        let expected = [
            ("b", Action::Update),
            ("c", Action::Delete),
            ("d", Action::Create),
        ];
        assert_eq!(actions, expected);
        assert_eq!((diff.unchanged, diff.skipped.len()), (1, 0));
        let [part] = &diff.changes[0].parts[..] else {
            panic!("{diff:?}");
        };
        assert_eq!(part.environments, ENVIRONMENTS);
        assert_eq!(part.fields.len(), 1);
        assert_eq!(part.impact.as_ref().unwrap().lost, impact::Share::ALL);
    });
}

#[test]
fn environments_that_agree_are_one_part() {
    let before = "flags:\n  a: { enabled: true, percentage: 10, environments: { staging: { percentage: 50 } } }\n";
    let after = "flags:\n  a: { enabled: true, percentage: 20, environments: { staging: { percentage: 50 } } }\n";
    diff(before, after, |diff| {
        let parts = &diff.changes[0].parts;
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].environments, ["development", "production"]);
    });
    let after = after.replace("percentage: 50", "percentage: 60");
    diff(before, &after, |diff| {
        let parts: Vec<_> = diff.changes[0]
            .parts
            .iter()
            .map(|part| part.environments.join(" "))
            .collect();
        assert_eq!(parts, ["development production", "staging"]);
    });
    // What is the same in effect is no change.
    let spelt_out = "flags:\n  a:\n    enabled: true\n    percentage: 50\n    environments:\n      development: { percentage: 10 }\n      production: { percentage: 10 }\n";
    diff(before, spelt_out, |diff| {
        assert_eq!((diff.changes.len(), diff.unchanged), (0, 1));
    });
}

#[test]
fn what_could_not_be_read_is_not_compared() {
    let whole = read("flags:\n  a: {}\n  b: {}\n  c: {}\n  d: {}\n");
    let text = "flags:\n  a: { enabled: maybe }\n  b: {}\n  d: [\n  c: {}\n";
    let torn = read(text);
    let torn = State {
        flags: torn.flags.iter().collect(),
        broken: vec![text],
    };
    let environments = &settings().context.environments;
    for (old, new) in [(&state(&whole), &torn), (&torn, &state(&whole))] {
        let diff = compare(old, new, environments);
        assert_eq!(diff.changes.len(), 0, "{diff:?}");
        assert!(
            diff.skipped.contains(&"a") && !diff.skipped.contains(&"b"),
            "{diff:?}"
        );
    }
}
