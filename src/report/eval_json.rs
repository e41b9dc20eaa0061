//! Answers for programs. The shapes are a public contract; fields may be added.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Counted, Evaluation};
use crate::eval::Row;

#[derive(Serialize)]
struct Document<'a> {
    flag: &'a str,
    value: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant_bucket: Option<u32>,
    why: &'a str,
    record: Option<Map<String, Value>>,
}

fn document<'a>(evaluation: &'a Evaluation<'_>) -> Document<'a> {
    let answer = &evaluation.answer;
    Document {
        flag: evaluation.flag,
        value: &answer.value,
        variant: answer.variant.as_deref(),
        reason: answer.reason.as_str(),
        bucket: answer.bucket,
        variant_bucket: answer.variant_bucket,
        why: &answer.why,
        record: evaluation.record.map(crate::record::Record::to_json),
    }
}

/// One flag for one user.
#[must_use]
pub fn one(evaluation: &Evaluation<'_>) -> Value {
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document(evaluation)).unwrap_or_default()
}

/// Every flag for one user.
#[must_use]
pub fn every(evaluations: &[Evaluation<'_>]) -> Value {
    let flags: Vec<Value> = evaluations.iter().map(one).collect();
    json!({"version": 1, "flags": flags})
}

#[derive(Serialize)]
struct Outcome<'a> {
    value: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    takes_part: bool,
    users: u64,
    /// Of all users, and what the buckets give.
    percent: f64,
    expected: f64,
}

/// One flag for many users.
#[must_use]
pub fn many(counted: &Counted<'_>) -> Value {
    let tally = counted.tally;
    let outcome = |row: &Row<'_>| {
        let outcome = Outcome {
            value: &row.value,
            variant: row.variant,
            takes_part: row.takes_part,
            users: row.users,
            percent: percent(row.users, tally.users),
            expected: round(row.expected * 100.0),
        };
        serde_json::to_value(outcome).unwrap_or_default()
    };
    let reasons: Map<String, Value> = tally
        .reasons
        .iter()
        .map(|(reason, users)| (reason.as_str().to_owned(), (*users).into()))
        .collect();
    let ratio = tally.ratio().map(|ratio| {
        json!({
            "chi_squared": ratio.chi_squared,
            "degrees_of_freedom": ratio.degrees_of_freedom,
            "p": ratio.p,
        })
    });
    json!({
        "version": 1,
        "flag": counted.flag,
        "users": tally.users,
        "outcomes": tally.rows.iter().map(outcome).collect::<Vec<_>>(),
        "reasons": reasons,
        "sample_ratio": ratio,
        "record": counted.record.to_json(),
    })
}

fn percent(part: u64, all: u64) -> f64 {
    round(100.0 * part as f64 / all.max(1) as f64)
}

/// Five decimals, as many as a product of two draws may have.
fn round(percent: f64) -> f64 {
    (percent * 100_000.0).round() / 100_000.0
}
