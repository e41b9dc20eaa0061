//! Answers in words.

use jiff::Timestamp;

use serde_json::Value;

use super::{Answer, Evaluator, Gives, Malformed, Reason};
use crate::bucket::{BUCKETS, ranges};
use crate::model::Percent;
use crate::record::{Record, Stop};

/// An answer to be shown: what, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// `null` where the record cannot be evaluated.
    pub value: Value,
    pub variant: Option<String>,
    pub reason: Reason,
    /// The user's bucket, whether or not it decided anything.
    pub bucket: Option<u32>,
    /// Where the user falls among the variants of an experiment, whether or not that decided
    /// anything.
    pub variant_bucket: Option<u32>,
    /// How the flag came to its answer, or what is wrong with its record.
    pub why: String,
}

impl Explained {
    /// What `user`, a member of `groups`, gets from `flag`, whose record is `record`; `share` stands
    /// in for the flag's own.
    #[must_use]
    pub fn new(
        flag: &str,
        record: &Record,
        share: Option<Percent>,
        user: Option<&str>,
        groups: &[&str],
    ) -> Self {
        let evaluator = match Evaluator::new(flag, record) {
            Ok(evaluator) => evaluator,
            Err(error) => return Self::error(&error),
        };
        let evaluator = match share {
            Some(share) => evaluator.at(share),
            None => evaluator,
        };
        let answer = evaluator.evaluate(user, groups);
        let buckets = user.map(|user| evaluator.buckets(user));
        Self {
            value: answer.value().clone(),
            variant: answer.variant().map(str::to_owned),
            reason: answer.reason(),
            bucket: buckets.map(|(bucket, _)| bucket),
            variant_bucket: buckets.and_then(|(_, second)| second),
            why: explain(&evaluator, record, &answer, user, groups),
        }
    }

    /// What nobody can get anything from.
    #[must_use]
    pub fn error(error: &Malformed) -> Self {
        Self {
            value: Value::Null,
            variant: None,
            reason: Reason::Error,
            bucket: None,
            variant_bucket: None,
            why: error.to_string(),
        }
    }
}

/// Why `user`, a member of `groups`, got `answer` from `evaluator`, which was made from `record`:
/// `bucket 41,207 is not below 25 %`.
#[must_use]
pub fn explain(
    evaluator: &Evaluator,
    record: &Record,
    answer: &Answer<'_>,
    user: Option<&str>,
    groups: &[&str],
) -> String {
    match answer.reason() {
        Reason::Disabled => disabled(evaluator, record),
        Reason::TargetingMatch => targeted(evaluator, answer, user, groups),
        Reason::Split => split(evaluator, record, answer),
        Reason::Static => fixed(evaluator),
        Reason::Default if evaluator.share == BUCKETS => {
            "no user is given, so there is no variant to draw: the control".into()
        }
        Reason::Default => format!(
            "no user is given, so there is no bucket to compare with {}{}",
            share(evaluator, record),
            control(evaluator)
        ),
        Reason::Error => "the record cannot be evaluated".into(),
    }
}

fn disabled(evaluator: &Evaluator, record: &Record) -> String {
    let mut text = match record.stop() {
        Some(stop) => stopped(&stop),
        None => "it is not enabled".to_owned(),
    };
    text += match &evaluator.gives {
        Gives::OnOff { users, groups } if !users.is_empty() || !groups.is_empty() => {
            ", which holds for the allowed lists too"
        }
        Gives::OnOff { .. } => "",
        Gives::Variant(_) => ", so everyone gets the control",
    };
    text
}

/// "it was rolled back on 2026-11-22 at 03:12 UTC by ana (error rate)".
fn stopped(stop: &Stop) -> String {
    let mut text = "it was rolled back".to_owned();
    // No clock shows a time of which there is no timestamp.
    let since = stop
        .since
        .and_then(|since| Timestamp::from_second(since as i64).ok());
    if let Some(since) = since {
        text += &since.strftime(" on %Y-%m-%d at %H:%M UTC").to_string();
    }
    if let Some(actor) = &stop.actor {
        text += &format!(" by {actor}");
    }
    if let Some(reason) = &stop.reason {
        text += &format!(" ({reason})");
    }
    text
}

fn targeted(
    evaluator: &Evaluator,
    answer: &Answer<'_>,
    user: Option<&str>,
    groups: &[&str],
) -> String {
    match &evaluator.gives {
        Gives::OnOff {
            users,
            groups: allowed,
        } => {
            let user = user.filter(|user| users.contains(*user));
            let group = groups.iter().find(|group| allowed.contains(**group));
            match (user, group) {
                (None, Some(group)) => format!("group `{group}` is in allowed_groups"),
                _ => format!("user `{}` is in allowed_users", user.unwrap_or_default()),
            }
        }
        Gives::Variant(_) => format!(
            "user `{}` is forced to `{}`",
            user.unwrap_or_default(),
            answer.variant().unwrap_or_default()
        ),
    }
}

fn split(evaluator: &Evaluator, record: &Record, answer: &Answer<'_>) -> String {
    let mut text = String::new();
    if let Some(bucket) = answer.bucket() {
        let inside = bucket < evaluator.share;
        let not = if inside { "" } else { "not " };
        let (bucket, share) = (grouped(bucket), share(evaluator, record));
        text = format!("bucket {bucket} is {not}below {share}");
        if !inside {
            return text + control(evaluator);
        }
    }
    let (Some(drawn), Gives::Variant(experiment)) = (answer.variant_bucket(), &evaluator.gives)
    else {
        return text;
    };
    let between = if text.is_empty() { "" } else { ", and " };
    let range = ranges(&experiment.ends).find(|range| range.contains(&drawn));
    let range = range.unwrap_or_default();
    format!(
        "{text}{between}variant bucket {} is one of {} to {}, those of `{}`",
        grouped(drawn),
        grouped(range.start),
        grouped(range.end.saturating_sub(1)),
        answer.variant().unwrap_or_default()
    )
}

fn fixed(evaluator: &Evaluator) -> String {
    match (evaluator.share, &evaluator.gives) {
        (0, Gives::OnOff { .. }) => "its share of users is 0 %".into(),
        (0, Gives::Variant(_)) => "0 % of users take part, so everyone gets the control".into(),
        _ => "it is on for everyone".into(),
    }
}

fn control(evaluator: &Evaluator) -> &'static str {
    match evaluator.gives {
        Gives::OnOff { .. } => "",
        Gives::Variant(_) => ": the control",
    }
}

/// `25 %`, `25 %, stage 2 of 5`.
fn share(evaluator: &Evaluator, record: &Record) -> String {
    let share = evaluator.share();
    let stages = record.spec.stages();
    let stage = record.status.current_stage().unwrap_or(0);
    // Some other share may stand in for the stage's.
    if share == record.percentage && stage < stages.len() {
        format!("{share} %, stage {} of {}", stage + 1, stages.len())
    } else {
        format!("{share} %")
    }
}

/// `41,207`.
#[must_use]
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() + 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
