//! What holds for every flag and every user.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Evaluator, record};
use crate::bucket::{bucket, variant_bucket};
use crate::eval::Reason;
use crate::model::Percent;

fn flag(salt: &str, changes: Value) -> Evaluator {
    let mut json = json!({"enabled": true, "salt": salt});
    json.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    Evaluator::new("flag", &record(&json)).unwrap()
}

/// Calls `each` with so many user ids.
fn users(count: usize, mut each: impl FnMut(&str)) {
    let mut user = String::new();
    for number in 0..count {
        user.clear();
        let _ = write!(user, "user-{number}");
        each(&user);
    }
}

/// Whether a share `p` of `n` draws lies within five standard deviations of what is expected.
fn is_likely(found: usize, n: usize, p: f64) -> bool {
    let (found, n) = (found as f64, n as f64);
    (found - n * p).abs() <= 5.0 * (n * p * (1.0 - p)).sqrt()
}

#[test]
fn shares_are_as_large_as_they_say() {
    const USERS: usize = 1_000_000;
    let shares = [1, 100, 5_000, 25_000, 33_333, 50_000, 99_999];
    let ends = [34_000, 67_000, 100_000];
    let (mut on, mut variants) = ([0; 7], [0; 3]);
    users(USERS, |user| {
        let bucket = bucket("new_search", user);
        for (count, share) in on.iter_mut().zip(shares) {
            *count += usize::from(bucket < share);
        }
    });
    for (found, share) in on.into_iter().zip(shares) {
        let p = f64::from(share) / 100_000.0;
        assert!(is_likely(found, USERS, p), "{found} of a million for {p}");
    }
    users(USERS / 4, |user| {
        let drawn = variant_bucket("pricing_page", user);
        variants[ends.iter().position(|end| drawn < *end).unwrap()] += 1;
    });
    for (found, p) in variants.into_iter().zip([0.34, 0.33, 0.33]) {
        assert!(is_likely(found, USERS / 4, p), "{found} for {p}");
    }
}

/// Pearson's statistic of a table of counts.
fn chi_squared(table: &[[usize; 10]; 10]) -> f64 {
    let total = |cells: &mut dyn Iterator<Item = &usize>| cells.sum::<usize>() as f64;
    let all = total(&mut table.iter().flatten());
    let mut statistic = 0.0;
    for (row, cells) in table.iter().enumerate() {
        for (column, found) in cells.iter().enumerate() {
            let in_row = total(&mut table[row].iter());
            let in_column = total(&mut table.iter().map(|cells| &cells[column]));
            let expected = in_row * in_column / all;
            statistic += (*found as f64 - expected).powi(2) / expected;
        }
    }
    statistic
}

/// With 81 degrees of freedom, what chance exceeds once in ten thousand times.
const CRITICAL: f64 = 134.0;

#[test]
fn draws_have_nothing_to_do_with_each_other() {
    type Draw = fn(&str, &str) -> u32;
    let pairs: [(&str, Draw, &str, Draw); 3] = [
        // Taking part, and which variant.
        ("pricing_page", bucket, "pricing_page", variant_bucket),
        // Two flags.
        ("new_search", bucket, "new_checkout", bucket),
        ("flag_a", variant_bucket, "flag_b", variant_bucket),
    ];
    for (salt, draw, other_salt, other) in pairs {
        let mut table = [[0; 10]; 10];
        users(100_000, |user| {
            let tenth = |bucket: u32| (bucket / 10_000) as usize;
            table[tenth(draw(salt, user))][tenth(other(other_salt, user))] += 1;
        });
        let statistic = chi_squared(&table);
        assert!(statistic < CRITICAL, "{salt} and {other_salt}: {statistic}");
    }
    // The same salt draws the same, which the test would see.
    let mut table = [[0; 10]; 10];
    users(10_000, |user| {
        let tenth = (bucket("a", user) / 10_000) as usize;
        table[tenth][tenth] += 1;
    });
    assert!(chi_squared(&table) > CRITICAL);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9-]{0,12}", ".{0,8}"]
}

fn weights() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_set(1..100_000_u32, 0..5).prop_map(|cuts| {
        let ends = cuts.iter().copied().chain([100_000]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let weights = starts.zip(ends).enumerate();
        weights
            .map(|(arm, (start, end))| (format!("v{arm}"), Percent(end - start).to_json()))
            .collect()
    })
}

proptest! {
    #[test]
    fn raising_a_share_only_ever_adds_users(salt in text(), user in text(), share in 0..=100_000_u32, more in 0..=100_000_u32) {
        let flag = flag(&salt, json!({}));
        let is_on = |share: u32| {
            let flag = flag.clone().at(Percent(share));
            *flag.evaluate(Some(&user), &[]).value() == true
        };
        prop_assert!(!is_on(share) || is_on(share.max(more)));
        prop_assert!(is_on(100_000) && !is_on(0));
        // Exact to one bucket.
        let bucket = bucket(&salt, &user);
        prop_assert!(!is_on(bucket) && is_on(bucket + 1));
    }

    #[test]
    fn raising_participation_moves_nobody_between_variants(salt in text(), user in text(), variants in weights(), share in 1..=100_000_u32) {
        let flag = flag(&salt, json!({"variants": variants, "control": "v0"}));
        let all = flag.evaluate(Some(&user), &[]);
        let some = flag.clone().at(Percent(share));
        let some = some.evaluate(Some(&user), &[]);
        let takes_part = bucket(&salt, &user) < share;
        let expected = if takes_part { all.variant() } else { Some("v0") };
        prop_assert_eq!(some.variant(), expected);
        prop_assert_eq!(some.variant_bucket().is_some(), takes_part);
    }

    /// Whatever else the record says, and however often it is asked.
    #[test]
    fn the_same_user_gets_the_same(salt in text(), user in text(), share in 0..=100_000_u32, others in prop::collection::vec(text(), 0..4)) {
        let percentage = Percent(share).to_json();
        let plain = flag(&salt, json!({"percentage": percentage.clone()}));
        let others: Vec<String> = others.into_iter().filter(|other| *other != user).collect();
        let decked = flag(&salt, json!({
            "percentage": percentage, "allowed_users": others, "allowed_groups": ["staff"],
            "meta": {"owner": "web"}, "x_team": 1, "rolled_back_at": 3
        }));
        let answer = plain.evaluate(Some(&user), &[]);
        prop_assert_eq!(answer, decked.evaluate(Some(&user), &["x"]));
        prop_assert_eq!(answer, plain.evaluate(Some(&user), &["staff"]));
    }

    #[test]
    fn a_forced_user_always_gets_the_variant(salt in text(), user in text(), variants in weights(), arm in any::<prop::sample::Index>(), share in 0..=100_000_u32) {
        let name = format!("v{}", arm.index(variants.len()));
        let mut forced = Map::new();
        forced.insert(name.clone(), json!(["someone", user.as_str()]));
        let json = json!({"variants": variants, "forced": forced, "percentage": Percent(share).to_json()});
        let flag = flag(&salt, json);
        let answer = flag.evaluate(Some(&user), &[]);
        prop_assert_eq!((answer.variant(), answer.reason()), (Some(name.as_str()), Reason::TargetingMatch));
    }

    /// A record is evaluated or refused, and never a reason to stop.
    #[test]
    fn any_record_has_an_answer_or_an_error(fields in prop::collection::vec((field(), value()), 0..6), user in text()) {
        let json: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let record = record(&json.into());
        if let Ok(flag) = Evaluator::new("flag", &record) {
            let answer = flag.evaluate(Some(&user), &["staff"]);
            let words = super::explain(&flag, &record, &answer, Some(&user), &["staff"]);
            prop_assert!(!words.is_empty());
        }
    }
}

fn field() -> impl Strategy<Value = &'static str> {
    let fields = crate::record::SPEC_FIELDS
        .iter()
        .chain(&crate::record::STATUS_FIELDS);
    prop::sample::select(fields.copied().collect::<Vec<_>>())
}

fn value() -> impl Strategy<Value = Value> {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(50),
        json!(100),
        json!(-1),
        json!(1e300),
        json!("a"),
        json!("experiment"),
        json!("rollout"),
        json!([]),
        json!(["ana"]),
        json!([1]),
        json!({}),
        json!({"a": 100}),
        json!({"a": 50, "b": 50}),
        json!({"a": ["ana"]}),
        json!([{"percentage": 50}]),
        json!([null]),
    ];
    prop::sample::select(values.to_vec())
}
