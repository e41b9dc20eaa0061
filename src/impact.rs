//! What a change of a record does to people: the shares of users that gain a flag, lose it, or get
//! something else. Pure, and exact: buckets are intersected, never sampled.
//!
//! A user *has* a flag where it is on for the user's bucket, and has an experiment where the user
//! takes part in it. Who has neither gets false, the control, or, where there is no record, the
//! caller's default, which nobody here knows.
//!
//! Shares are of users whom no list names. What lists do to those that they name is told apart, by
//! [`notes`].

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde_json::{Number, Value};

use crate::bucket::{BUCKETS, ranges};
use crate::eval::{self, Evaluator, Malformed};
use crate::model::Percent;
use crate::record::Record;

mod order;
mod people;

pub use people::{Effect, Group, People, notes};

/// A share of all users, in units of 10⁻¹⁰: an experiment draws twice from 100,000 buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u64);

impl Share {
    /// Everyone.
    pub const ALL: Self = Self(ALL as u64);

    /// As a share of all users.
    #[must_use]
    pub fn of(percent: Percent) -> Self {
        Self(u64::from(percent.0) * u64::from(BUCKETS))
    }

    /// In percent, with every decimal.
    #[must_use]
    pub fn percent(self) -> f64 {
        // Both are small enough to be exact, so this is the nearest number to the share.
        self.0 as f64 / (Self::ALL.0 / 100) as f64
    }

    /// In percent, as JSON has it: `15`, not `15.0`.
    #[must_use]
    pub fn to_json(self) -> Number {
        let one = Self::ALL.0 / 100;
        if self.0.is_multiple_of(one) {
            (self.0 / one).into()
        } else {
            Number::from_f64(self.percent()).unwrap_or_else(|| 0.into())
        }
    }
}

/// In percent with at most three decimals and without the sign: `15`, `4.167`, `less than 0.001`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = Self::ALL.0 / 100_000;
        if self.0 > 0 && self.0 < one {
            return f.write_str("less than 0.001");
        }
        let thousandths = (self.0 + one / 2) / one;
        write!(f, "{}", thousandths as f64 / 1000.0)
    }
}

/// What a change does to users whom no list names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Had it not, and have it now.
    pub gained: Share,
    /// Had it, and have it no longer.
    pub lost: Share,
    /// Had it and have it, or had it not and have it not, and get another variant or value. Of
    /// users outside an experiment those are all of them, where the control or its value changes.
    pub moved: Share,
    /// How much less would move with the new variants in the best order.
    pub avoidable: Share,
    /// That order, where it avoids anything.
    pub order: Option<Vec<String>>,
    /// The salt changes, so everybody is drawn anew and the shares are those to be expected.
    pub redrawn: bool,
    /// Of those who move some get another variant, not only another value.
    pub renamed: bool,
}

impl Impact {
    /// Nobody gets anything else.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.changed() == Share::default()
    }

    /// Everyone who gets something else.
    #[must_use]
    pub fn changed(&self) -> Share {
        Share(self.gained.0 + self.lost.0 + self.moved.0)
    }
}

/// `15 % of users gain it, 5 % lose it`; nothing where nobody gets anything else.
impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thing = if self.renamed { "variant" } else { "value" };
        let moved = format!("get another {thing}");
        let parts = [
            (self.gained, "gain it"),
            (self.lost, "lose it"),
            (self.moved, &moved),
        ];
        let mut before = "";
        for (share, verb) in parts.iter().filter(|(share, _)| share.0 > 0) {
            let users = if before.is_empty() { " of users" } else { "" };
            write!(f, "{before}{share} %{users} {verb}")?;
            before = ", ";
        }
        if let Some(order) = &self.order {
            let order = order.join(", ");
            write!(
                f,
                ", {} % avoidably: order the variants {order}",
                self.avoidable
            )?;
        }
        if self.redrawn {
            f.write_str(", since another salt draws everybody anew")?;
        }
        Ok(())
    }
}

const ONE: u128 = BUCKETS as u128;
/// Two draws.
const ALL: u128 = ONE * ONE;

/// What becomes of users when `before` makes way for `after`, both records of `flag`; `None` where
/// there is no record.
///
/// A record counts as it stands: with its live stage, and as off while it is rolled back.
///
/// # Errors
/// Where one of them cannot be evaluated.
pub fn between(
    flag: &str,
    before: Option<&Record>,
    after: Option<&Record>,
) -> Result<Impact, Malformed> {
    let before = Side::new(flag, before)?;
    let after = Side::new(flag, after)?;
    let redrawn = before.salt != after.salt && before.is_drawn() && after.is_drawn();
    let [both, gained, lost, neither] = overlap(before.share, after.share, redrawn);
    let moves = |by: Differs| match both {
        0 => 0,
        _ => ALL - staying(&before.arms(), &after.arms(), redrawn, by),
    };
    let moved_inside = moves(differs);
    let moved_outside = u128::from(before.outside_differs(&after, differs));
    let is_renamed = moves(renamed) > 0 || (neither > 0 && before.outside_differs(&after, renamed));
    let best = (moved_inside > 0 && !redrawn).then(|| order::best(&before.arms(), &after.arms()));
    let avoidable = best
        .as_ref()
        .map_or(0, |best| moved_inside - u128::from(best.moved) * ONE);
    Ok(Impact {
        gained: share(gained * ALL),
        lost: share(lost * ALL),
        moved: share(both * moved_inside + neither * moved_outside * ALL),
        avoidable: share(both * avoidable),
        order: best
            .filter(|_| avoidable > 0)
            .map(|best| after.names(&best.order)),
        redrawn,
        renamed: is_renamed,
    })
}

/// Of parts of 10²⁰.
fn share(parts: u128) -> Share {
    // At most the whole, so the cast loses nothing.
    Share(((parts + ALL / 2) / ALL) as u64)
}

/// How many users, in parts of 10¹⁰, have it before and after, after only, before only, never.
fn overlap(before: u32, after: u32, redrawn: bool) -> [u128; 4] {
    let (b, a) = (u128::from(before), u128::from(after));
    let both = if redrawn { b * a } else { b.min(a) * ONE };
    let (before, after) = (b * ONE, a * ONE);
    [
        both,
        after - both,
        before - both,
        ALL + both - before - after,
    ]
}

/// One side of a change.
struct Side<'r> {
    evaluator: Option<Evaluator>,
    salt: &'r str,
    /// Share of users that have it, in thousandths of a percent.
    share: u32,
}

impl<'r> Side<'r> {
    fn new(flag: &'r str, record: Option<&'r Record>) -> Result<Self, Malformed> {
        let Some(record) = record else {
            return Ok(Self {
                evaluator: None,
                salt: flag,
                share: 0,
            });
        };
        let evaluator = Evaluator::new(flag, record)?;
        Ok(Self {
            share: if evaluator.is_enabled() {
                evaluator.share().0
            } else {
                0
            },
            salt: eval::salt(flag, record)?,
            evaluator: Some(evaluator),
        })
    }

    /// Whether a draw decides anything: who has it, or who gets what.
    fn is_drawn(&self) -> bool {
        let variants = self.arms().len();
        self.share > 0 && (self.share < BUCKETS || variants > 1)
    }

    /// What those inside get, and how many of them, as ranges of the second draw.
    fn arms(&self) -> Vec<Arm<'_>> {
        static ON: Value = Value::Bool(true);
        let Some(evaluator) = &self.evaluator else {
            return Vec::new();
        };
        let ends: Vec<u32> = evaluator.variants().map(|(_, _, end)| end).collect();
        let variants = evaluator.variants().zip(ranges(&ends));
        let arms: Vec<_> = variants
            .map(|((name, value, _), range)| Arm {
                outcome: Outcome {
                    variant: Some(name),
                    value,
                },
                range,
            })
            .collect();
        if !arms.is_empty() {
            return arms;
        }
        let outcome = Outcome {
            variant: None,
            value: &ON,
        };
        vec![Arm {
            outcome,
            range: 0..BUCKETS,
        }]
    }

    fn names(&self, order: &[usize]) -> Vec<String> {
        let arms = self.arms();
        let names = order
            .iter()
            .filter_map(|index| arms.get(*index)?.outcome.variant);
        names.map(str::to_owned).collect()
    }

    /// What those outside get; `None` where only the caller knows.
    fn outside(&self) -> Option<Outcome<'_>> {
        static OFF: Value = Value::Bool(false);
        let control = self.evaluator.as_ref()?.control();
        Some(control.map_or(
            Outcome {
                variant: None,
                value: &OFF,
            },
            |(name, value)| Outcome {
                variant: Some(name),
                value,
            },
        ))
    }

    /// Whether those outside get something that `differs`.
    fn outside_differs(&self, after: &Self, differs: Differs) -> bool {
        match (self.outside(), after.outside()) {
            (Some(before), Some(after)) => differs(before, after),
            _ => false,
        }
    }
}

/// How many of those inside on both sides get what does not differ, in parts of 10¹⁰.
fn staying(old: &[Arm<'_>], new: &[Arm<'_>], redrawn: bool, differs: Differs) -> u128 {
    let counterparts = Counterparts::new(old);
    let mut stay = 0;
    for new in new {
        for old in counterparts.of(new) {
            stay += match redrawn {
                _ if differs(old.outcome, new.outcome) => 0,
                true => u128::from(old.width()) * u128::from(new.width()),
                false => u128::from(old.overlap(&new.range)) * ONE,
            };
        }
    }
    stay
}

/// Whether two outcomes are not the same.
type Differs = fn(Outcome<'_>, Outcome<'_>) -> bool;

/// The arms of before, to be found by the names of their variants.
struct Counterparts<'a> {
    old: &'a [Arm<'a>],
    named: HashMap<&'a str, &'a Arm<'a>>,
}

impl<'a> Counterparts<'a> {
    fn new(old: &'a [Arm<'a>]) -> Self {
        let named = old
            .iter()
            .filter_map(|arm| Some((arm.outcome.variant?, arm)));
        Self {
            old,
            named: named.collect(),
        }
    }

    /// Those that may give the same as `new`: the variant of its name, or where one of the two has
    /// no name all of them.
    fn of(&self, new: &Arm<'_>) -> impl Iterator<Item = &'a Arm<'a>> + use<'a> {
        let named = new.outcome.variant.filter(|_| !self.named.is_empty());
        let (one, all) = match named {
            Some(name) => (self.named.get(name).copied(), &[][..]),
            None => (None, self.old),
        };
        one.into_iter().chain(all)
    }
}

/// What some users get.
#[derive(Clone, Copy)]
struct Outcome<'r> {
    /// `None` where the flag is no experiment.
    variant: Option<&'r str>,
    value: &'r Value,
}

/// Another value, or another variant of the same value.
fn differs(before: Outcome<'_>, after: Outcome<'_>) -> bool {
    renamed(before, after) || before.value != after.value
}

/// Another variant.
fn renamed(before: Outcome<'_>, after: Outcome<'_>) -> bool {
    match (before.variant, after.variant) {
        (Some(before), Some(after)) => before != after,
        _ => false,
    }
}

/// One variant, or "on", with its part of the second draw.
struct Arm<'r> {
    outcome: Outcome<'r>,
    range: Range<u32>,
}

impl Arm<'_> {
    fn width(&self) -> u32 {
        self.range.end - self.range.start
    }

    /// How many of its buckets are in `range`.
    fn overlap(&self, range: &Range<u32>) -> u32 {
        let end = self.range.end.min(range.end);
        end.saturating_sub(self.range.start.max(range.start))
    }
}

#[cfg(test)]
mod tests;
