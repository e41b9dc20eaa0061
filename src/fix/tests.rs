use super::*;
use crate::diagnostic::Files;
use crate::rules::{Context, Levels, Settings, check_file, check_set};

fn settings() -> Settings {
    let mut context = Context::new(jiff::civil::date(2026, 11, 15));
    context.environments = vec!["development".into(), "staging".into()];
    Settings {
        context,
        levels: Levels::default(),
    }
}

/// Mends a set of files, all of them texts to be mended.
fn mend_all(texts: &[&str], settings: &Settings) -> Vec<Mended> {
    let mut files = Files::default();
    let check = |file: FileId, text: &str| check_file(file, text.as_bytes(), settings);
    let mut checked = Vec::new();
    let mut open = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let file = files.add(format!("flags/{number}.yaml"), None);
        checked.push(check(file, text));
        open.push(Text {
            file,
            text: (*text).to_owned(),
        });
    }
    let set = Set {
        check: &check,
        together: &|checked| check_set(checked, &files, settings),
        checked: &mut checked,
    };
    mend(open, set)
}

/// The text as mended, what was done to it, and what was not.
fn mended(text: &str) -> (String, Vec<String>, Vec<String>) {
    let [mended]: [Mended; 1] = mend_all(&[text], &settings()).try_into().unwrap();
    let told = |fix: &Told| format!("{}:{} {}", fix.at.line, fix.at.column, fix.title);
    let made = mended.made.iter().map(told).collect();
    let left = mended.left.iter();
    let left = left.map(|left| format!("{}: {}", told(&left.fix), left.harm));
    (mended.text, made, left.collect())
}

/// What is above the fields of every flag here.
const HEAD: &str = "flags:\n  a:\n    description: D\n    owner: o\n    expires: never\n";

#[track_caller]
fn check(fields: &str, expected: &str, made: &[&str], left: &[&str]) {
    let (text, was_made, was_left) = mended(&format!("{HEAD}{fields}"));
    assert_eq!(text, format!("{HEAD}{expected}"));
    assert_eq!(
        (&was_made[..], &was_left[..]),
        (&owned(made)[..], &owned(left)[..])
    );
    let (again, nothing, _) = mended(&text);
    assert_eq!((again, nothing), (text, Vec::new()), "mended twice");
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_is_meant_for_sure_is_written() {
    check(
        "    enabled: yes # for now\r\n    allowed_users:   ana\n    percentage: '10'\n",
        "    enabled: true # for now\r\n    allowed_users:   [ana]\n    percentage: 10\n",
        &["6:14 write `true`", "7:22 write `[ana]`", "8:17 write `10`"],
        &[],
    );
    check(
        "    percentge: 10\n",
        "    percentage: 10\n",
        &["6:5 replace `percentge` with `percentage`"],
        &[],
    );
}

#[test]
fn a_mistake_behind_a_mistake_is_mended_with_it() {
    check(
        "    enabeld: yes\n",
        "    enabled: true\n",
        &["6:5 replace `enabeld` with `enabled`", "6:14 write `true`"],
        &[],
    );
}

#[test]
fn what_would_bring_an_error_is_left_as_it_is() {
    check(
        "    enabled: yes\n    percentge: 150\n    tag: web\n",
        "    enabled: true\n    percentge: 150\n    tags: [web]\n",
        &[
            "6:14 write `true`",
            "8:5 replace `tag` with `tags`",
            "8:11 write `[web]`",
        ],
        &[
            "7:5 replace `percentge` with `percentage`: `percentage` is 150; it must be between 0 and 100",
        ],
    );
}

#[test]
fn a_name_that_may_be_meant_is_left_to_people() {
    let text = "    environments: { stagin: { enabled: true } }\n";
    check(text, text, &[], &[]);
    let text = "    variants: { control: 50, red: 50 }\n    control: contrl\n";
    check(text, text, &[], &[]);
}

#[test]
fn more_mistakes_than_are_shown_are_mended_all_the_same() {
    let mut text = String::from("flags:\n");
    for number in 0..3500 {
        text +=
            &format!("  f{number}: {{ description: d, owner: o, expires: never, enabled: yes }}\n");
    }
    let (after, made, left) = mended(&text);
    assert_eq!(after, text.replace("yes", "true"));
    assert_eq!((made.len(), left), (3500, Vec::new()));
}

#[test]
fn a_file_that_brings_harm_to_another_is_left_as_it_is() {
    let flag = "  a: { description: D, owner: o, expires: never }\n";
    let [first, second, third]: [Mended; 3] = mend_all(
        &[
            &format!("flags:\n{flag}"),
            // Mended, its flag would be there twice.
            &format!("flag:\n{flag}"),
            "flags:\n  c: { description: D, owner: o, expires: never, enabled: no }\n",
        ],
        &settings(),
    )
    .try_into()
    .unwrap();
    assert!(first.made.is_empty() && second.made.is_empty());
    assert_eq!(second.text, format!("flag:\n{flag}"));
    let harm = &second.left[0].harm;
    assert!(harm.contains("`a`"), "{harm}");
    assert!(third.text.contains("enabled: false"), "{}", third.text);
}

#[test]
fn one_harmful_fix_among_many_is_found() {
    let mut text = String::from("flags:\n");
    for number in 0..200 {
        let field = if number == 77 {
            "percentge: 150"
        } else {
            "percentge: 15"
        };
        text += &format!("  f{number}: {{ description: d, owner: o, expires: never, {field} }}\n");
    }
    let (after, made, left) = mended(&text);
    assert_eq!((made.len(), left.len()), (199, 1));
    assert_eq!(after.matches("percentage").count(), 199);
    assert!(left[0].starts_with("79:52 replace"), "{left:?}");
}
