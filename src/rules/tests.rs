use super::*;
use crate::diagnostic::{FileId, Files};

fn settings() -> Settings {
    Settings {
        context: Context {
            today: jiff::civil::date(2026, 11, 15),
            environments: vec!["development".into(), "staging".into(), "production".into()],
            limits: Limits {
                key_style: Some(KeyStyle::new("[a-z][a-z0-9]*(_[a-z0-9]+)*").unwrap()),
                ..Limits::default()
            },
        },
        levels: Levels::default(),
    }
}

/// Rules that a text draws, by place; a rule as often as it fires.
fn drawn(text: &str) -> Vec<&'static str> {
    let mut files = Files::default();
    let file = files.add("flags/a.yaml", None);
    let checked = check_file(file, text.as_bytes(), &settings());
    let set = check_set(std::slice::from_ref(&checked), &files, &settings());
    let all = checked.diagnostics.iter().chain(&set);
    all.map(|found| found.rule).collect()
}

#[test]
fn rules_are_in_order_and_well_formed() {
    assert!(RULES.is_sorted_by(|one, next| one.id < next.id));
    for rule in RULES {
        let words = rule.id.split('-');
        let kebab = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        assert!(words.into_iter().all(kebab), "{}", rule.id);
        for text in [rule.summary, rule.docs, rule.bad, rule.good] {
            assert!(!text.trim().is_empty(), "{}", rule.id);
        }
        assert!(
            !rule.summary.contains('\n') && !rule.summary.ends_with('.'),
            "{}",
            rule.id
        );
        assert!(!rule.fixed || rule.level == Level::Error, "{}", rule.id);
        assert_eq!(Rule::find(rule.id).map(|found| found.id), Some(rule.id));
    }
    assert!(Rule::find("no-such-rule").is_none());
}

#[test]
fn examples_draw_what_they_are_for() {
    // Those about change have two states to them, and stand with what compares them.
    let one_state = |rule: &&&Rule| !matches!(rule.check, Check::Change(_));
    for rule in RULES.iter().filter(one_state) {
        assert_eq!(drawn(rule.bad), [rule.id], "bad example of {}", rule.id);
        assert_eq!(drawn(rule.good), [""; 0], "good example of {}", rule.id);
    }
}

#[test]
fn a_rule_lies_in_the_file_of_its_name() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let mut files: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".rs"))
        .filter(|name| {
            !matches!(
                name.as_str(),
                "change.rs"
                    | "config.rs"
                    | "context.rs"
                    | "edit.rs"
                    | "explain.rs"
                    | "keys.rs"
                    | "levels.rs"
                    | "roster.rs"
                    | "runner.rs"
                    | "source.rs"
                    | "suppression.rs"
                    | "tests.rs"
                    | "text.rs"
                    | "unused.rs"
                    | "weights.rs"
                    | "wording.rs"
            )
        })
        .collect();
    files.sort();
    let mut rules: Vec<String> = RULES
        .iter()
        .map(|rule| format!("{}.rs", rule.id.replace('-', "_")))
        .collect();
    rules.sort();
    assert_eq!(files, rules);
}

#[test]
fn every_rule_can_be_explained() {
    for rule in RULES {
        let text = explain(rule);
        assert!(text.starts_with(rule.id) && text.ends_with('\n'), "{text}");
        assert!(
            text.contains(rule.summary) && text.contains(rule.docs.trim()),
            "{text}"
        );
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    }
}

#[test]
fn a_file_of_mistakes_does_not_fill_the_memory() {
    let mut text = String::from("flags:\n");
    for number in 0..12_000 {
        text += &format!("  f{number}: {{ description: d, expires: never }}\n");
    }
    let checked = check_file(FileId(0), text.as_bytes(), &settings());
    assert_eq!(checked.diagnostics.len(), 10_000);
    let last = checked.diagnostics.last().unwrap();
    assert_eq!(last.flag.as_deref(), Some("f11999"));
    assert_eq!(
        last.message,
        "flag has no owner (2000 like it before are not shown)"
    );
}

#[test]
fn errors_of_all_files_together_are_found_without_the_rest() {
    let one = "flags:\n  a: { enabled: true }\n  b_c: { enabled: true }\n  d: { enabled: true }\n";
    let two = "flags:\n  # hoist-ignore: duplicate-flag, similar-key, stale-flag\n  a: { enabled: true }\n  b-c: { enabled: true }\n  d: { enabled: true }\n";
    let mut files = Files::default();
    let raised = [
        &[][..],
        &["similar-key"],
        &["unused-ignore"],
        &["similar-key", "unused-ignore"],
    ];
    let mut counts = Vec::new();
    for raised in raised {
        let mut settings = settings();
        for rule in raised {
            settings.levels.set(rule, Level::Error).unwrap();
        }
        let checked = [one, two].map(|text| {
            let file = files.add("flags/a.yaml", None);
            check_file(file, text.as_bytes(), &settings)
        });
        let mut all = check_set(&checked, &files, &settings);
        all.retain(|found| found.severity == Severity::Error);
        assert_eq!(
            check_set_for_errors(&checked, &files, &settings),
            all,
            "{raised:?}"
        );
        counts.push(all.len());
    }
    assert!(
        counts.is_sorted() && counts.first() > Some(&0),
        "{counts:?}"
    );
    assert!(counts.first() < counts.last(), "{counts:?}");
}
