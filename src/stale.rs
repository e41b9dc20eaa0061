//! Which flags are due for removal, why, and in which order. Pure: what is known of a flag comes in.

use jiff::Unit;
use jiff::civil::Date;

use crate::model::Expiry;
use crate::record::Stop;

mod exposure;
#[cfg(test)]
mod tests;

pub use exposure::{Exposure, Live, of_flag, of_record, since_in_history};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// When a flag is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// How many days a flag may be on for everyone, or stay stopped, before it is due, and how old one is
    /// that code should refer to.
    pub days: u32,
    pub today: Date,
    /// Seconds since the epoch.
    pub now: f64,
}

/// What is known of one flag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    pub flag: String,
    pub owner: Option<String>,
    pub created: Option<Date>,
    pub expires: Option<Expiry>,
    pub is_experiment: bool,
    pub exposure: Exposure,
    /// The emergency stop in force.
    pub stop: Option<Stop>,
    /// When its key was written, in seconds since the epoch, as far as git knows.
    pub written: Option<f64>,
    /// How many places of the code refer to it; `None` where no code was looked through.
    pub uses: Option<usize>,
}

/// Since when something holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    /// Seconds since the epoch.
    pub at: f64,
    /// It may have held before that already.
    pub at_least: bool,
    pub by: By,
}

/// What says so.
#[derive(Clone, Debug, PartialEq)]
pub enum By {
    /// A field of the live record.
    Record(&'static str),
    /// The commit of a store that made this generation.
    History { generation: u64 },
    /// The git commit that last changed a line.
    Git { commit: String, line: u32 },
}

/// Why a flag is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    Unreferenced,
    RolledBack {
        stop: Stop,
        days: i64,
    },
    /// On for every user, or with one variant for all.
    Everyone {
        since: Since,
        days: i64,
        variant: Option<String>,
    },
    ExperimentOver {
        on: Date,
        days: i64,
    },
    Expired {
        on: Date,
        days: i64,
    },
}

impl Reason {
    /// As programs know it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unreferenced => "unreferenced",
            Self::RolledBack { .. } => "rolled-back",
            Self::Everyone { .. } => "on-for-everyone",
            Self::ExperimentOver { .. } => "experiment-over",
            Self::Expired { .. } => "expired",
        }
    }

    /// For how many days it has held; `None` where nobody knows.
    #[must_use]
    pub fn days(&self) -> Option<i64> {
        match self {
            Self::Unreferenced => None,
            Self::RolledBack { days, .. }
            | Self::Everyone { days, .. }
            | Self::ExperimentOver { days, .. }
            | Self::Expired { days, .. } => Some(*days),
        }
    }
}

/// A flag that is due, with at least one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub known: Known,
    pub reasons: Vec<Reason>,
    /// In days.
    pub age: Option<i64>,
}

/// What makes `known` due; `None` where nothing does.
#[must_use]
pub fn judge(known: Known, limits: &Limits) -> Option<Due> {
    let age = age(&known, limits);
    let mut reasons = Vec::new();
    // The code of a new flag may still be under review.
    let is_new = age.is_some_and(|age| age <= i64::from(limits.days));
    if known.uses == Some(0) && !is_new {
        reasons.push(Reason::Unreferenced);
    }
    if let Some(stop) = &known.stop
        && let Some(days) = stop.since.and_then(|since| days_past(since, limits))
    {
        let stop = stop.clone();
        reasons.push(Reason::RolledBack { stop, days });
    }
    if let Some(everyone) = everyone(&known, limits) {
        reasons.push(everyone);
    }
    if let Some(Expiry::On(on)) = known.expires
        && on < limits.today
    {
        let days = days_between(on, limits.today);
        reasons.push(match known.is_experiment {
            true => Reason::ExperimentOver { on, days },
            false => Reason::Expired { on, days },
        });
    }
    (!reasons.is_empty()).then_some(Due {
        known,
        reasons,
        age,
    })
}

/// A switch that is to stay may be on for everyone as long as it likes.
fn everyone(known: &Known, limits: &Limits) -> Option<Reason> {
    let Exposure::Everyone { variant, since } = &known.exposure else {
        return None;
    };
    if known.expires == Some(Expiry::Never) || known.stop.is_some() {
        return None;
    }
    let since = since.clone()?;
    let days = days_past(since.at, limits)?;
    let variant = variant.clone();
    Some(Reason::Everyone {
        since,
        days,
        variant,
    })
}

/// Days since it was created, or written.
fn age(known: &Known, limits: &Limits) -> Option<i64> {
    let created = known.created.map(|date| days_between(date, limits.today));
    created.or_else(|| Some(whole_days(known.written?, limits)))
}

/// How many days ago that was, where it is longer than the limit.
fn days_past(at: f64, limits: &Limits) -> Option<i64> {
    let is_past = limits.now - at > f64::from(limits.days) * DAY;
    is_past.then(|| whole_days(at, limits))
}

fn whole_days(at: f64, limits: &Limits) -> i64 {
    ((limits.now - at) / DAY).floor() as i64
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until((Unit::Day, to))
        .map_or(0, |span| i64::from(span.get_days()))
}

/// Puts flags into the order in which to remove them: first those that no code asks for, which can go at
/// once; then those with most reasons, and of these those that have been due for longest; then by key.
pub fn order(due: &mut [Due]) {
    due.sort_by_cached_key(|due| {
        let longest = due.reasons.iter().filter_map(Reason::days).max();
        (
            due.known.uses != Some(0),
            std::cmp::Reverse(due.reasons.len()),
            std::cmp::Reverse(longest),
            due.known.uses,
            due.known.flag.clone(),
        )
    });
}
