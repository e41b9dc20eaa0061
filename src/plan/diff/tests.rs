use super::*;
use crate::diagnostic::{Diagnostic, FileId};
use crate::rules::change::{Commit, History, Sighting, check_change};
use crate::rules::{Check, Checked, Context, Levels, RULES, Settings, check_file};

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

/// The texts below `# earlier`, `# before` and `# after`.
fn states(example: &str) -> Vec<String> {
    let mut states: Vec<String> = Vec::new();
    for line in example.split_inclusive('\n') {
        match line.trim_end() {
            "# earlier" | "# before" | "# after" => states.push(String::new()),
            _ => states.last_mut().unwrap().push_str(line),
        }
    }
    states
}

fn sightings(flags: &[Flag]) -> Vec<Sighting> {
    let sighting = |flag: &Flag| Sighting {
        key: flag.key.value.as_ref().into(),
        expires: flag.expires.as_ref().map(|field| field.value),
    };
    flags.iter().map(sighting).collect()
}

/// What an example draws: one commit for each of its states but the last, which is not committed.
fn drawn(example: &str) -> Vec<Diagnostic> {
    let states: Vec<Checked> = states(example).iter().map(|text| read(text)).collect();
    for state in &states {
        assert!(state.diagnostics.is_empty(), "{:?}", state.diagnostics);
    }
    let [committed @ .., after] = &states[..] else {
        panic!("an example has two states: {example}");
    };
    let before = committed.last().unwrap();
    let mut history = History::default();
    for pair in committed.windows(2).rev() {
        let commit = Commit {
            id: "0123456789abcdef".into(),
            time: 1_789_344_000,
            subject: "An earlier change".into(),
        };
        let [was, is] = [&pair[0], &pair[1]].map(|state| sightings(&state.flags));
        history.add(&commit, &[was], &is);
    }
    let settings = settings();
    let environments = &settings.context.environments;
    let diff = compare(&state(before), &state(after), environments);
    diff.changes
        .iter()
        .flat_map(|change| {
            let past = history.take(change.key);
            check_change(
                &change.groups(&past),
                environments.len(),
                &settings,
                Some(&after.suppressions),
            )
        })
        .collect()
}

#[test]
fn examples_of_rules_about_change_draw_what_they_are_for() {
    let mut count = 0;
    for rule in RULES {
        if matches!(rule.check, Check::Change(_)) {
            let rules =
                |example| -> Vec<_> { drawn(example).iter().map(|found| found.rule).collect() };
            assert_eq!(rules(rule.bad), [rule.id], "bad example of {}", rule.id);
            assert_eq!(rules(rule.good), [""; 0], "good example of {}", rule.id);
            count += 1;
        }
    }
    assert!(count > 10);
}

#[test]
fn a_comment_beside_the_flag_silences() {
    let bad = crate::rules::Rule::find("jumped-rollout").unwrap().bad;
    let (before, after) = bad.split_once("# after\n").unwrap();
    for (from, to) in [
        (
            "percentage: 100",
            "percentage: 100 # hoist-ignore: jumped-rollout",
        ),
        ("new_search:", "new_search: # hoist-ignore: jumped-rollout"),
        ("flags:", "# hoist-ignore-file: jumped-rollout\nflags:"),
    ] {
        let silenced = format!("{before}# after\n{}", after.replacen(from, to, 1));
        assert_eq!(drawn(&silenced), [], "{to}");
    }
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
