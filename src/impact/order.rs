//! The order of variants in which a change moves fewest users.

use std::collections::HashMap;
use std::ops::Range;

use super::{Arm, Counterparts, differs};
use crate::bucket::BUCKETS;

/// Up to so many variants every order is taken into account; beyond that a search finds a good
/// one, and what it saves is a lower bound of what could be saved.
const EXACT: usize = 16;
/// The search stops where it finds nothing better, and after so many rounds at the latest.
const ROUNDS: usize = 32;
/// More variants than this are not searched through: only the order of before is tried.
const SEARCHED: usize = 64;

/// An order of the new variants.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Best {
    /// Indices of the new variants.
    pub order: Vec<usize>,
    /// Buckets of the second draw that get something else in that order.
    pub moved: u32,
}

/// How many buckets keep what they had where a new arm starts at some bucket.
fn kept_at<'a>(old: &[Arm<'a>], new: &[Arm<'a>]) -> impl Fn(usize, u32) -> u32 + use<'a> {
    let counterparts = Counterparts::new(old);
    // For each new arm its width, and the ranges that had the same before: rarely more than one.
    let arms: Vec<(u32, Vec<Range<u32>>)> = new
        .iter()
        .map(|new| {
            let same = counterparts.of(new);
            let same = same.filter(|old| !differs(old.outcome, new.outcome));
            (new.width(), same.map(|old| old.range.clone()).collect())
        })
        .collect();
    move |arm, start| {
        let Some((width, same)) = arms.get(arm) else {
            return 0;
        };
        let end = start + width;
        same.iter()
            .map(|range| range.end.min(end).saturating_sub(range.start.max(start)))
            .sum()
    }
}

/// The order in which fewest buckets change; of several the one nearest to the order of before.
pub(super) fn best(old: &[Arm<'_>], new: &[Arm<'_>]) -> Best {
    let kept = kept_at(old, new);
    let widths: Vec<u32> = new.iter().map(Arm::width).collect();
    let preferred = as_before(old, new);
    let order = if new.len() <= EXACT {
        exact(&widths, &kept, &preferred)
    } else {
        searched(&widths, &kept, preferred)
    };
    let moved = BUCKETS - total(&order, &widths, &kept);
    Best { order, moved }
}

/// The new arms in the order of before, and behind them those that are new, as the file has them.
fn as_before(old: &[Arm<'_>], new: &[Arm<'_>]) -> Vec<usize> {
    let places = old
        .iter()
        .enumerate()
        .map(|(place, arm)| (arm.outcome.variant, place));
    let places: HashMap<Option<&str>, usize> = places.collect();
    let place = |arm: &Arm<'_>| {
        let before = places.get(&arm.outcome.variant);
        before.copied().unwrap_or(usize::MAX)
    };
    let mut order: Vec<usize> = (0..new.len()).collect();
    order.sort_by_key(|index| new.get(*index).map_or(usize::MAX, place));
    order
}

fn total(order: &[usize], widths: &[u32], kept: &impl Fn(usize, u32) -> u32) -> u32 {
    let mut start = 0;
    let mut sum = 0;
    for arm in order {
        sum += kept(*arm, start);
        start += widths.get(*arm).copied().unwrap_or(0);
    }
    sum
}

/// By sets of arms: whatever the order within a set, what comes behind it starts at the same
/// bucket. So the most that can be kept behind a set is the best over the arm that comes next.
fn exact(widths: &[u32], kept: &impl Fn(usize, u32) -> u32, preferred: &[usize]) -> Vec<usize> {
    let all = (1_usize << widths.len()) - 1;
    let start = |set: usize| -> u32 {
        let members = widths.iter().enumerate();
        members
            .filter(|(arm, _)| set & (1 << arm) != 0)
            .map(|(_, width)| width)
            .sum()
    };
    // What can be kept behind each set, the largest set first, and which arm comes next.
    let mut most = vec![(0_u32, usize::MAX); all + 1];
    for set in (0..all).rev() {
        let start = start(set);
        let mut best = (0, usize::MAX);
        for arm in preferred
            .iter()
            .copied()
            .filter(|arm| set & (1 << arm) == 0)
        {
            let behind = most.get(set | 1 << arm).map_or(0, |(kept, _)| *kept);
            let sum = kept(arm, start) + behind;
            if best.1 == usize::MAX || sum > best.0 {
                best = (sum, arm);
            }
        }
        if let Some(entry) = most.get_mut(set) {
            *entry = best;
        }
    }
    let mut order = Vec::with_capacity(widths.len());
    let mut set = 0;
    while let Some((_, arm)) = most.get(set).filter(|(_, arm)| *arm != usize::MAX) {
        order.push(*arm);
        set |= 1 << arm;
    }
    order
}

/// Moves one arm at a time to where it keeps most, until nothing helps.
fn searched(
    widths: &[u32],
    kept: &impl Fn(usize, u32) -> u32,
    preferred: Vec<usize>,
) -> Vec<usize> {
    let in_file: Vec<usize> = (0..widths.len()).collect();
    let sum = |order: &[usize]| total(order, widths, kept);
    let mut best = if sum(&in_file) > sum(&preferred) {
        in_file
    } else {
        preferred
    };
    if widths.len() > SEARCHED {
        return best;
    }
    let mut most = sum(&best);
    for _ in 0..ROUNDS {
        let mut better = None;
        for from in 0..best.len() {
            for to in (0..best.len()).filter(|to| *to != from) {
                let mut order = best.clone();
                let arm = order.remove(from);
                order.insert(to, arm);
                let kept = sum(&order);
                if kept > most {
                    most = kept;
                    better = Some(order);
                }
            }
        }
        match better {
            Some(order) => best = order,
            None => break,
        }
    }
    best
}
