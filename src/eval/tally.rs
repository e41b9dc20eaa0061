//! What many users get, counted.

use serde_json::Value;

use super::ratio::Ratio;
use super::{Answer, Evaluator, Reason};
use crate::bucket::{BUCKETS, ranges};

/// Counts what users get from one flag.
#[derive(Clone, Debug)]
pub struct Tally<'e> {
    evaluator: &'e Evaluator,
    /// In order: true and false, or the variants, and behind them those who take no part.
    pub rows: Vec<Row<'e>>,
    pub users: u64,
    /// By reason, as far as there are any.
    pub reasons: Vec<(Reason, u64)>,
}

/// Users who get the same.
#[derive(Clone, Debug)]
pub struct Row<'e> {
    pub value: Value,
    /// For an experiment.
    pub variant: Option<&'e str>,
    /// Whether these have the flag, or take part in the experiment.
    pub takes_part: bool,
    pub users: u64,
    /// Those of them who got it by their bucket.
    pub drawn: u64,
    /// Share that the draw gives, 0 to 1.
    pub expected: f64,
}

impl<'e> Tally<'e> {
    #[must_use]
    pub fn new(evaluator: &'e Evaluator) -> Self {
        let share = if evaluator.is_enabled() {
            f64::from(evaluator.share) / f64::from(BUCKETS)
        } else {
            0.0
        };
        let row = |value: &Value, variant, takes_part, expected| Row {
            value: value.clone(),
            variant,
            takes_part,
            users: 0,
            drawn: 0,
            expected,
        };
        let ends: Vec<u32> = evaluator.variants().map(|(_, _, end)| end).collect();
        let widths = ranges(&ends).map(|range| f64::from(range.end - range.start));
        let mut rows: Vec<Row<'_>> = evaluator
            .variants()
            .zip(widths)
            .map(|((name, value, _), width)| {
                row(value, Some(name), true, share * width / f64::from(BUCKETS))
            })
            .collect();
        match evaluator.control() {
            Some((name, value)) => rows.push(row(value, Some(name), false, 1.0 - share)),
            None => {
                rows.push(row(&Value::Bool(true), None, true, share));
                rows.push(row(&Value::Bool(false), None, false, 1.0 - share));
            }
        }
        Self {
            evaluator,
            rows,
            users: 0,
            reasons: Vec::new(),
        }
    }

    /// Counts one more user.
    pub fn add(&mut self, user: &str, groups: &[&str]) {
        let answer = self.evaluator.evaluate(Some(user), groups);
        let takes_part = answer.takes_part();
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.takes_part == takes_part && row.variant == answer.variant());
        if let Some(row) = row {
            row.users += 1;
            row.drawn += u64::from(answer.reason() == Reason::Split);
        }
        self.users += 1;
        let counted = self
            .reasons
            .iter_mut()
            .find(|(reason, _)| *reason == answer.reason());
        match counted {
            Some((_, count)) => *count += 1,
            None => self.reasons.push((answer.reason(), 1)),
        }
    }

    /// Whether there is more than one way to be drawn.
    #[must_use]
    pub fn is_split(&self) -> bool {
        self.rows.iter().filter(|row| row.expected > 0.0).count() > 1
    }

    /// Whether those who were drawn were split as they should have been; `None` where nothing was
    /// drawn that could be.
    #[must_use]
    pub fn ratio(&self) -> Option<Ratio> {
        let counts: Vec<u64> = self.rows.iter().map(|row| row.drawn).collect();
        let shares: Vec<f64> = self.rows.iter().map(|row| row.expected).collect();
        Ratio::test(&counts, &shares)
    }
}

impl Answer<'_> {
    /// Whether the user has the flag, or takes part in the experiment: is drawn into it, or forced.
    #[must_use]
    pub fn takes_part(&self) -> bool {
        match self.variant() {
            None => *self.value() == Value::Bool(true),
            Some(_) => self.variant_bucket().is_some() || self.reason() == Reason::TargetingMatch,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Record;

    fn counted(record: Value, users: &[(&str, &[&str])]) -> Vec<(String, bool, u64, u64)> {
        let record = Record::parse(record.to_string().as_bytes()).unwrap();
        let evaluator = Evaluator::new("flag", &record).unwrap();
        let mut tally = Tally::new(&evaluator);
        for (user, groups) in users {
            tally.add(user, groups);
        }
        let total: f64 = tally.rows.iter().map(|row| row.expected).sum();
        assert!((total - 1.0).abs() < 1e-12);
        let rows = tally.rows.iter();
        rows.map(|row| (row.value.to_string(), row.takes_part, row.users, row.drawn))
            .collect()
    }

    #[test]
    fn users_are_counted_by_what_they_get() {
        let switch = json!({"enabled": true, "percentage": 50, "allowed_groups": ["staff"]});
        assert_eq!(
            counted(switch, &[("mia", &[]), ("ana", &[]), ("ana", &["staff"])]),
            [("true".into(), true, 2, 1), ("false".into(), false, 1, 1)]
        );
        let experiment = json!({
            "enabled": true, "percentage": 50, "variants": {"a": 100, "b": 0},
            "values": {"b": 7}, "forced": {"b": ["qa"]}
        });
        // ana takes no part, mia does.
        assert_eq!(
            counted(experiment, &[("mia", &[]), ("ana", &[]), ("qa", &[])]),
            [
                ("\"a\"".into(), true, 1, 1),
                ("7".into(), true, 1, 0),
                ("\"a\"".into(), false, 1, 1)
            ]
        );
        let off = json!({"enabled": false, "variants": {"a": 50, "b": 50}});
        assert_eq!(
            counted(off, &[("mia", &[])])[2],
            ("\"a\"".into(), false, 1, 0)
        );
    }
}
