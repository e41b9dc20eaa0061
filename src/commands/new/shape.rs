//! Who gets a new flag once it is on.

use crate::amend::Shape;
use crate::cli::{New as Args, Stages};
use crate::commands::Failure;
use crate::model::{Percent, is_variant_name};
use crate::rules::Limits;

/// A weight of 1 percent is the least that whole percents allow.
const MOST_VARIANTS: usize = 100;

/// `days` is how long the flag is to live.
pub(super) fn of(args: &Args, limits: &Limits, days: i32) -> Result<Shape, Failure> {
    if let Some(stages) = &args.rollout {
        return Ok(Shape::Rollout(match stages {
            Some(Stages(stages)) => stages.clone(),
            None => usual_stages(limits, days),
        }));
    }
    let variants = match args.experiment {
        true => vec!["control".to_owned(), "treatment".to_owned()],
        false => args
            .variants
            .iter()
            .map(|name| name.trim().to_owned())
            .collect(),
    };
    if variants.is_empty() {
        return Ok(Shape::Switch(args.percentage));
    }
    check(&variants)?;
    Ok(Shape::Experiment {
        variants: equal(variants),
        percentage: args.percentage,
    })
}

fn check(names: &[String]) -> Result<(), Failure> {
    let refuse = |message: String, hint: &str| Err(Failure::impossible(message).hint(hint));
    if let Some(name) = names.iter().find(|name| !is_variant_name(name)) {
        return refuse(
            format!("`{name}` is no name of a variant"),
            "letters, digits, `_`, `.` and `-`, a letter or a digit first",
        );
    }
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|other| other == name) {
            return refuse(
                format!("two variants are called `{name}`"),
                "name each once",
            );
        }
    }
    match names.len() {
        1 => refuse(
            "an experiment compares variants, and there is only one".to_owned(),
            "name the control too: `--variants control,treatment`",
        ),
        number if number > MOST_VARIANTS => refuse(
            format!("{number} variants are too many"),
            "an experiment here has at most 100",
        ),
        _ => Ok(()),
    }
}

/// Equal shares in whole percents; what is over goes to the first ones.
fn equal(names: Vec<String>) -> Vec<(String, Percent)> {
    let number = u32::try_from(names.len()).unwrap_or(1).max(1);
    let (share, over) = (100 / number, 100 % number);
    let weights = (0..).map(|at| share + u32::from(at < over));
    let names = names.into_iter().zip(weights);
    names
        .map(|(name, weight)| (name, Percent(weight * 1000)))
        .collect()
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// 1, 10, 50 and 100 percent, with further stages where a step would be too large, and none too short. They
/// last a day, or as little as they may where that is longer than the flag is to live.
fn usual_stages(limits: &Limits, days: i32) -> Vec<(Percent, Option<String>)> {
    // In thousandths of a percent, as shares are.
    let most = ((limits.max_step * 1000.0) as u32).max(1000);
    let mut shares: Vec<u32> = Vec::new();
    for share in [1_000, 10_000, 50_000, 100_000] {
        loop {
            let reached = shares.last().copied().unwrap_or(0);
            if share - reached <= most {
                shares.push(share);
                break;
            }
            shares.push(reached + most);
        }
    }
    let last = shares.len() - 1;
    let is_too_long = shares.len() as i64 > i64::from(days);
    let stage = |(at, share): (usize, u32)| {
        let seconds = match at {
            _ if is_too_long => 0,
            0 => 2 * HOUR,
            _ => DAY,
        };
        let duration = in_words(seconds.max(limits.min_stage));
        (Percent(share), (at < last).then_some(duration))
    };
    shares.into_iter().enumerate().map(stage).collect()
}

/// As flag files write it, a minute more rather than less.
fn in_words(seconds: u64) -> String {
    for (unit, letter) in [(DAY, 'd'), (HOUR, 'h')] {
        if seconds.is_multiple_of(unit) {
            return format!("{}{letter}", seconds / unit);
        }
    }
    format!("{}m", seconds.div_ceil(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(max_step: f64, min_stage: u64) -> Vec<String> {
        let limits = Limits {
            max_step,
            min_stage,
            ..Limits::default()
        };
        let stages = usual_stages(&limits, 90).into_iter();
        stages
            .map(|(share, duration)| format!("{share}:{}", duration.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn stages_keep_to_the_limits() {
        assert_eq!(stages(50.0, 600), ["1:2h", "10:1d", "50:1d", "100:"]);
        assert_eq!(
            stages(30.0, 3 * HOUR + 1),
            ["1:181m", "10:1d", "40:1d", "50:1d", "80:1d", "100:"]
        );
        assert_eq!(stages(0.5, 60).len(), 100);
        assert_eq!(stages(0.5, 60)[7], "8:1m");
    }

    #[test]
    fn weights_add_up() {
        for number in 2..=100 {
            let names = (0..number).map(|name| name.to_string()).collect();
            let sum: u32 = equal(names).iter().map(|(_, weight)| weight.0).sum();
            assert_eq!(sum, 100_000, "{number}");
        }
    }
}
