//! The published cases of the bucket formula: written by the code, agreed to by an implementation
//! in another language and by the one that the README beside them spells out.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use hoist::bucket::{Murmur3, bucket, variant_bucket};
use hoist::eval::Evaluator;
use hoist::record::Record;
use serde_json::{Value, json};

use crate::python::{python, shown};

/// In percent: nobody, one bucket, half, all but one bucket, everyone.
const SHARES: [f64; 5] = [0.0, 0.001, 50.0, 99.999, 100.0];

/// Share of users that take part, and the weights in order; the first is the control.
const EXPERIMENTS: [(f64, &[(&str, f64)]); 6] = [
    (100.0, &[("control", 50.0), ("new", 50.0)]),
    (
        100.0,
        &[("control", 34.0), ("higher", 33.0), ("lower", 33.0)],
    ),
    (100.0, &[("a", 33.333), ("b", 33.333), ("c", 33.334)]),
    (
        100.0,
        &[
            ("off", 0.0),
            ("rare", 0.001),
            ("none", 0.0),
            ("rest", 99.999),
        ],
    ),
    (20.0, &[("twenty", 33.4), ("thirty", 33.3), ("fifty", 33.3)]),
    (99.999, &[("most", 99.999), ("one", 0.001)]),
];

#[test]
fn the_published_cases_are_what_the_code_gives() {
    let path = folder().join("bucketing.json");
    let text = document();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
    }
    // Too long to be shown when it differs.
    let same = fs::read_to_string(&path).unwrap() == text;
    assert!(
        same,
        "the formula has changed: that moves every user of every flag"
    );
    let cases = serde_json::from_str::<Value>(&text).unwrap()["cases"].take();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() >= 1_000, "only {} cases", cases.len());
    // Both sides of every boundary are among them.
    let has = |draw: &str, number: u32| cases.iter().any(|case| case[draw] == number);
    for number in [0, 1, 49_999, 50_000, 99_998, 99_999] {
        assert!(
            has("bucket", number) && has("variant_bucket", number),
            "{number}"
        );
    }
}

#[test]
fn another_language_agrees_with_every_case() {
    let output = python("check_vectors.py").arg(folder()).output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "vectors"]
        .iter()
        .collect()
}

/// One case a line.
fn document() -> String {
    let experiments: Vec<Value> = EXPERIMENTS
        .iter()
        .map(|(percentage, variants)| {
            json!({"percentage": percentage, "control": variants[0].0, "variants": variants})
        })
        .collect();
    let switches: Vec<Value> = SHARES
        .iter()
        .map(|share| json!({"enabled": true, "percentage": share}))
        .collect();
    let mut text = format!(
        "{{\n\"formula\": {:?},\n\"shares\": {},\n\"experiments\": [\n",
        hoist::plan::BUCKETS,
        json!(SHARES)
    );
    lines(&mut text, experiments.iter());
    text += "],\n\"cases\": [\n";
    let cases: Vec<Value> = subjects()
        .iter()
        .map(|(salt, user)| case(salt, user, &switches))
        .collect();
    lines(&mut text, cases.iter());
    text + "]\n}\n"
}

fn lines<'a>(text: &mut String, values: impl ExactSizeIterator<Item = &'a Value>) {
    let last = values.len() - 1;
    for (number, value) in values.enumerate() {
        let comma = if number == last { "" } else { "," };
        let _ = writeln!(text, "{value}{comma}");
    }
}

fn case(salt: &str, user: &str, switches: &[Value]) -> Value {
    let evaluator = |mut record: Value| {
        record["salt"] = salt.into();
        let record = Record::parse(record.to_string().as_bytes()).unwrap();
        Evaluator::new("never the salt", &record).unwrap()
    };
    let on = switches.iter().map(|record| {
        let evaluator = evaluator(record.clone());
        evaluator.evaluate(Some(user), &[]).value().clone()
    });
    let variants = EXPERIMENTS.iter().map(|(percentage, variants)| {
        let weights: serde_json::Map<_, _> = variants
            .iter()
            .map(|(name, weight)| ((*name).to_owned(), json!(weight)))
            .collect();
        let evaluator = evaluator(json!({
            "enabled": true, "percentage": percentage, "control": variants[0].0, "variants": weights
        }));
        evaluator.evaluate(Some(user), &[]).value().clone()
    });
    json!({
        "salt": salt,
        "user": user,
        "hash": Murmur3::default().with(format!("{salt}:{user}").as_bytes()).finish(),
        "bucket": bucket(salt, user),
        "variant_bucket": variant_bucket(salt, user),
        "on": on.collect::<Value>(),
        "variants": variants.collect::<Value>(),
    })
}

/// Salts and users of every kind.
fn subjects() -> Vec<(String, String)> {
    let salts = [
        "new_search",
        "a",
        "enable_new_checkout_v2",
        "team.service-flag_1",
        "",
        "with space",
        "with:colon",
        "größe",
        "旗",
        "🚩",
        "new_search:variant",
    ];
    let users = [
        "",
        "0",
        "1",
        "ana",
        "Ana",
        "ana ",
        "user-1",
        "ana@example.com",
        "a:b",
        ":",
        "variant:ana",
        "550e8400-e29b-41d4-a716-446655440000",
        "18446744073709551615",
        "-1",
        "null",
        "\"quoted\"",
        "back\\slash",
        "tab\there",
        "line\nbreak",
        "\u{0}",
        "\u{7f}",
        "é",
        "e\u{301}",
        "Zoë",
        "Иван",
        "مريم",
        "नेहा",
        "山田太郎",
        "이영희",
        "\u{feff}bom",
        "\u{ffff}",
        "\u{10000}",
        "😀",
        "👩‍👩‍👧‍👦",
        "🇺🇳",
        "\u{10ffff}",
        "a\u{202e}b",
        "ﬁ",
        "İ",
        "ß",
    ];
    let mut subjects = Vec::new();
    let mut add = |salt: &str, user: &str| subjects.push((salt.to_owned(), user.to_owned()));
    for salt in salts {
        for user in users {
            add(salt, user);
        }
    }
    // Every length of what is left over behind the last whole block, behind salts of every length.
    for length in 0..16 {
        for user in 0..24 {
            let (salt, user) = (
                &"saltsaltsaltsalt"[..length],
                &"0123456789abcdefghijklmn"[..user],
            );
            add(salt, user);
        }
    }
    for character in ["x", "é", "旗", "😀"] {
        let long = character.repeat(10_240 / character.len());
        add("new_search", &long);
        add("new_search", &format!("{long}!"));
    }
    add(&"s".repeat(10_240), "ana");
    for number in 0..150 {
        add("new_search", &format!("user-{number}"));
    }
    subjects.extend(boundaries("new_search"));
    subjects
}

/// Users that fall on both sides of the boundaries, in either draw.
fn boundaries(salt: &str) -> Vec<(String, String)> {
    const WANTED: [u32; 14] = [
        0, 1, 19_999, 20_000, 33_332, 33_333, 33_399, 33_400, 49_999, 50_000, 66_666, 99_997,
        99_998, 99_999,
    ];
    let mut found = Vec::new();
    for draw in [bucket, variant_bucket] {
        let mut left = WANTED.to_vec();
        for number in 0.. {
            let user = format!("u{number}");
            let drawn = draw(salt, &user);
            if let Some(at) = left.iter().position(|wanted| *wanted == drawn) {
                left.swap_remove(at);
                found.push((salt.to_owned(), user));
            }
            if left.is_empty() {
                break;
            }
        }
    }
    found
}
