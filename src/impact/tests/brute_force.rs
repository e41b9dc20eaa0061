//! Every bucket looked at, by rules written down a second time.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{ALL, record};
use crate::impact::{Impact, between};

const BUCKETS: usize = 100_000;

#[derive(Clone, Debug)]
struct Flag {
    on: bool,
    /// In thousandths of a percent.
    share: u32,
    /// Name, weight in thousandths of a percent, value.
    arms: Vec<(String, u32, Value)>,
    control: usize,
}

impl Flag {
    fn json(&self) -> Value {
        let percent = |thousandths: u32| f64::from(thousandths) / 1000.0;
        let mut json = json!({"enabled": self.on, "percentage": percent(self.share)});
        if !self.arms.is_empty() {
            let weights: Map<_, _> = self
                .arms
                .iter()
                .map(|(name, weight, _)| (name.clone(), percent(*weight).into()))
                .collect();
            let values: Map<_, _> = self
                .arms
                .iter()
                .map(|(name, _, value)| (name.clone(), value.clone()))
                .collect();
            json["variants"] = weights.into();
            json["values"] = values.into();
            json["control"] = self.arms[self.control].0.clone().into();
        }
        json
    }

    fn has(&self, bucket: usize) -> bool {
        self.on && bucket < self.share as usize
    }

    /// What a user gets who has it or not: the variant, counted from the back so that it is found
    /// in another way, and the value.
    fn gets(&self, has: bool, bucket: usize) -> (Option<&str>, &Value) {
        if self.arms.is_empty() {
            return (
                None,
                if has {
                    &Value::Bool(true)
                } else {
                    &Value::Bool(false)
                },
            );
        }
        let mut arm = self.control;
        if has {
            let mut start = BUCKETS;
            for (index, (_, weight, _)) in self.arms.iter().enumerate().rev() {
                start -= *weight as usize;
                if bucket >= start {
                    arm = index;
                    break;
                }
            }
        }
        let (name, _, value) = &self.arms[arm];
        (Some(name), value)
    }
}

/// Gained, lost, moved, in parts of 10¹⁰.
fn count(before: &Flag, after: &Flag) -> [u128; 3] {
    // Users of one participation bucket differ in nothing but the other draw.
    let mut classes = [[0_u128; 2]; 2];
    for bucket in 0..BUCKETS {
        classes[usize::from(before.has(bucket))][usize::from(after.has(bucket))] += 1;
    }
    let mut counts = [0; 3];
    for (had, row) in classes.iter().enumerate() {
        for (has, users) in row.iter().enumerate() {
            match (had, has) {
                (0, 1) => counts[0] += users * BUCKETS as u128,
                (1, 0) => counts[1] += users * BUCKETS as u128,
                _ if *users > 0 => counts[2] += users * moved(before, after, has == 1),
                _ => {}
            }
        }
    }
    counts
}

/// Of those who have it, or have it not, the buckets of the second draw that get something else.
fn moved(before: &Flag, after: &Flag, has: bool) -> u128 {
    let differs = |bucket| {
        let ((old, before), (new, after)) = (before.gets(has, bucket), after.gets(has, bucket));
        before != after || (old.is_some() && new.is_some() && old != new)
    };
    (0..BUCKETS).filter(|bucket| differs(*bucket)).count() as u128
}

/// Every order of the new arms, one after the other.
fn least_moved(before: &Flag, after: &Flag) -> u128 {
    let mut least = u128::MAX;
    permute(&mut after.arms.clone(), 0, &mut |arms| {
        let control = &after.arms[after.control].0;
        let control = arms.iter().position(|(name, ..)| name == control).unwrap();
        let reordered = Flag {
            arms: arms.to_vec(),
            control,
            ..after.clone()
        };
        least = least.min(count(before, &reordered)[2]);
    });
    least
}

fn permute<T: Clone>(items: &mut Vec<T>, from: usize, each: &mut impl FnMut(&[T])) {
    if from + 1 >= items.len() {
        return each(items);
    }
    for at in from..items.len() {
        items.swap(from, at);
        permute(items, from + 1, each);
        items.swap(from, at);
    }
}

fn flag(arms: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Flag> {
    let share = prop_oneof![
        Just(0),
        Just(1),
        Just(99_999),
        Just(100_000),
        0..=100_000_u32
    ];
    let value = prop_oneof![Just(json!(true)), Just(json!(false)), Just(json!("x"))];
    let names = Just(["a", "b", "c", "d"]).prop_shuffle();
    let arms = (names, prop::collection::vec((0..50_000_u32, value), arms));
    (any::<bool>(), share, arms, any::<prop::sample::Index>()).prop_map(
        |(off, share, (names, drawn), control)| {
            let mut left = 100_000;
            let last = drawn.len().saturating_sub(1);
            let arms: Vec<_> = drawn
                .into_iter()
                .enumerate()
                .map(|(at, (weight, value))| {
                    let weight = if at == last { left } else { weight.min(left) };
                    left -= weight;
                    (names[at].to_owned(), weight, value)
                })
                .collect();
            Flag {
                // Most are on.
                on: !off || share % 2 == 0,
                share,
                control: if arms.is_empty() {
                    0
                } else {
                    control.index(arms.len())
                },
                arms,
            }
        },
    )
}

fn computed(before: &Flag, after: &Flag) -> Impact {
    let (before, after) = (record(&before.json()), record(&after.json()));
    between("flag", Some(&before), Some(&after)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Switches become experiments and the other way round, too.
    #[test]
    fn every_bucket_counted_gives_the_same(before in flag(0..=4), after in flag(0..=4)) {
        let impact = computed(&before, &after);
        let found = [impact.gained, impact.lost, impact.moved].map(|share| u128::from(share.0));
        prop_assert_eq!(found, count(&before, &after));
        prop_assert!(found.iter().sum::<u128>() <= ALL);
    }

    /// What is avoidable is what no order avoids less of, and the order that is named is such a one.
    #[test]
    fn every_order_tried_gives_the_same(before in flag(1..=3), after in flag(2..=3)) {
        let impact = computed(&before, &after);
        let least = least_moved(&before, &after);
        prop_assert_eq!(u128::from(impact.moved.0 - impact.avoidable.0), least);
        prop_assert_eq!(impact.order.is_some(), impact.avoidable.0 > 0);
        if let Some(order) = impact.order {
            let mut best = after.clone();
            best.arms.sort_by_key(|(name, ..)| order.iter().position(|found| found == name));
            let control = &after.arms[after.control].0;
            best.control = best.arms.iter().position(|(name, ..)| name == control).unwrap();
            prop_assert_eq!(u128::from(computed(&before, &best).moved.0), least);
        }
    }
}
