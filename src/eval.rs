//! What a user gets from a flag, and why. Pure, and exactly what every other reader of the record
//! format does.
//!
//! [`Evaluator::new`] checks a record once and puts it into a form that [`Evaluator::evaluate`]
//! answers from without allocating or locking; [`explain()`] puts an answer into words.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use serde_json::Value;

use crate::bucket::{BUCKETS, Draw, pick};
use crate::model::Percent;
use crate::record::{Kind, NotARecord, Record};
use answer::Given;

mod answer;
pub mod cases;
mod compile;
mod explain;
pub mod ratio;
mod tally;

pub use answer::Answer;
pub use explain::{Explained, explain, grouped};
pub use tally::{Row, Tally};

/// Lists come from git or from operators, so that nobody can choose colliding entries.
type Users = HashSet<Box<str>, FixedState>;
type Forced = HashMap<Box<str>, usize, FixedState>;

/// A flag, ready to answer.
#[derive(Clone, Debug)]
pub struct Evaluator {
    enabled: bool,
    /// Nothing but a single draw decides what a user gets, as for most flags.
    only_drawn: bool,
    /// Users with buckets below this have the flag, or take part: 0 to 100,000.
    share: u32,
    participation: Draw,
    gives: Gives,
}

#[derive(Clone, Debug)]
enum Gives {
    OnOff { users: Users, groups: Users },
    Variant(Box<Experiment>),
}

#[derive(Clone, Debug)]
struct Experiment {
    arms: Box<[Given]>,
    /// First bucket behind each arm.
    ends: Box<[u32]>,
    /// Index of what those outside get.
    control: usize,
    /// User to index of an arm.
    forced: Forced,
    draw: Draw,
}

/// Why a value was given, in the words of OpenFeature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The flag is off, which includes an emergency stop.
    Disabled,
    /// A list names the user, or a group of the user's.
    TargetingMatch,
    /// By bucket.
    Split,
    /// Everyone gets the same: the share is 100 %, or 0 %.
    Static,
    /// There is nobody whose bucket could be drawn.
    Default,
    /// The record makes no sense.
    Error,
}

impl Reason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Static => "STATIC",
            Self::Default => "DEFAULT",
            Self::Error => "ERROR",
        }
    }
}

/// Why a record cannot be evaluated. Other clients may have written anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it is no record: {0}")]
    NotARecord(#[from] NotARecord),
    #[error("its file has errors, which `hoist lint` shows")]
    Unsound,
    #[error("`{field}` {problem}")]
    Field {
        field: &'static str,
        problem: String,
    },
}

impl Evaluator {
    /// Checks `record`, which is that of `flag`, and makes it ready to answer.
    ///
    /// # Errors
    /// What part of the record makes no sense. A share or a weight with more than three decimals
    /// is rounded.
    pub fn new(flag: &str, record: &Record) -> Result<Self, Malformed> {
        compile::evaluator(flag, record)
    }

    /// The same flag at another share of users.
    #[must_use]
    pub fn at(mut self, share: Percent) -> Self {
        self.share = share.0.min(BUCKETS);
        self.only_drawn = self.enabled
            && match &self.gives {
                Gives::OnOff { users, groups } => {
                    users.is_empty() && groups.is_empty() && (1..BUCKETS).contains(&self.share)
                }
                Gives::Variant(experiment) => experiment.forced.is_empty() && self.share == BUCKETS,
            };
        self
    }

    /// Share of users that have the flag, or take part.
    #[must_use]
    pub fn share(&self) -> Percent {
        Percent(self.share)
    }

    /// What `user`, a member of `groups`, gets. Experiments have no use for groups.
    #[must_use]
    #[inline]
    pub fn evaluate(&self, user: Option<&str>, groups: &[&str]) -> Answer<'_> {
        self.evaluate_for(user, groups)
    }

    /// The same for groups in any form.
    #[must_use]
    #[inline]
    pub fn evaluate_for<G: AsRef<str>>(&self, user: Option<&str>, groups: &[G]) -> Answer<'_> {
        match user {
            Some(user) if self.only_drawn => self.drawn(user),
            _ => self.ruled(user, groups),
        }
    }

    /// What a user gets where nothing else decides. Apart from the rest, since it calls nothing and so
    /// has no registers to save.
    #[inline(never)]
    fn drawn(&self, user: &str) -> Answer<'_> {
        match &self.gives {
            Gives::OnOff { .. } => self.split(user),
            Gives::Variant(experiment) => experiment.split(user),
        }
    }

    #[inline(never)]
    fn ruled<G: AsRef<str>>(&self, user: Option<&str>, groups: &[G]) -> Answer<'_> {
        match &self.gives {
            Gives::OnOff {
                users,
                groups: allowed,
            } => {
                let listed = || {
                    user.is_some_and(|user| users.contains(user))
                        || (!allowed.is_empty()
                            && groups.iter().any(|group| allowed.contains(group.as_ref())))
                };
                self.on_or_off(user, listed)
            }
            Gives::Variant(experiment) => self.variant(experiment, user),
        }
    }

    #[inline]
    fn on_or_off(&self, user: Option<&str>, listed: impl Fn() -> bool) -> Answer<'static> {
        if !self.enabled {
            return Answer::on_or_off(false, Reason::Disabled);
        }
        if listed() {
            return Answer::on_or_off(true, Reason::TargetingMatch);
        }
        if self.share == 0 || self.share == BUCKETS {
            return Answer::on_or_off(self.share == BUCKETS, Reason::Static);
        }
        match user {
            Some(user) => self.split(user),
            None => Answer::on_or_off(false, Reason::Default),
        }
    }

    #[inline]
    fn split(&self, user: &str) -> Answer<'static> {
        let bucket = self.participation.bucket(user);
        Answer::on_or_off(bucket < self.share, Reason::Split).with_bucket(bucket)
    }

    #[inline]
    fn variant<'e>(&'e self, experiment: &'e Experiment, user: Option<&str>) -> Answer<'e> {
        if !self.enabled {
            return experiment.answer(experiment.control, Reason::Disabled);
        }
        if let Some(arm) = user.and_then(|user| experiment.forced.get(user)) {
            return experiment.answer(*arm, Reason::TargetingMatch);
        }
        if self.share == 0 {
            return experiment.answer(experiment.control, Reason::Static);
        }
        let Some(user) = user else {
            return experiment.answer(experiment.control, Reason::Default);
        };
        if self.share == BUCKETS {
            return experiment.split(user);
        }
        let bucket = self.participation.bucket(user);
        let answer = if bucket < self.share {
            experiment.split(user)
        } else {
            experiment.answer(experiment.control, Reason::Split)
        };
        answer.with_bucket(bucket)
    }

    /// The buckets of `user`, whether or not they decide anything: the first draw, and for an
    /// experiment the second.
    #[must_use]
    pub fn buckets(&self, user: &str) -> (u32, Option<u32>) {
        let second = match &self.gives {
            Gives::OnOff { .. } => None,
            Gives::Variant(experiment) => Some(experiment.draw.bucket(user)),
        };
        (self.participation.bucket(user), second)
    }

    /// The variants of an experiment in order, each with its value and the first bucket behind it.
    pub fn variants(&self) -> impl Iterator<Item = (&str, &Value, u32)> {
        let experiment = match &self.gives {
            Gives::OnOff { .. } => None,
            Gives::Variant(experiment) => Some(experiment),
        };
        experiment.into_iter().flat_map(|experiment| {
            let arms = experiment.arms.iter().zip(&experiment.ends);
            arms.filter_map(|(arm, end)| Some((arm.name.as_deref()?, &arm.value, *end)))
        })
    }

    /// The variant of an experiment that those outside it get: its name and its value.
    #[must_use]
    pub fn control(&self) -> Option<(&str, &Value)> {
        match &self.gives {
            Gives::OnOff { .. } => None,
            Gives::Variant(experiment) => {
                let arm = experiment.arms.get(experiment.control)?;
                Some((arm.name.as_deref()?, &arm.value))
            }
        }
    }

    /// The users that its lists name, in order and each once.
    #[must_use]
    pub fn named_users(&self) -> Vec<&str> {
        let mut users: Vec<&str> = match &self.gives {
            Gives::OnOff { users, .. } => users.iter().map(|user| &**user).collect(),
            Gives::Variant(experiment) => experiment.forced.keys().map(|user| &**user).collect(),
        };
        users.sort_unstable();
        users
    }

    /// The groups that its lists name, in order and each once.
    #[must_use]
    pub fn named_groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = match &self.gives {
            Gives::OnOff { groups, .. } => groups.iter().map(|group| &**group).collect(),
            Gives::Variant(_) => Vec::new(),
        };
        groups.sort_unstable();
        groups
    }

    /// Whether it is on at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
}

impl Experiment {
    #[inline]
    fn answer(&self, arm: usize, reason: Reason) -> Answer<'_> {
        // Every index was made from the list of arms.
        self.arms.get(arm).map_or_else(
            || Answer::on_or_off(false, reason),
            |arm| Answer::new(arm, reason),
        )
    }

    #[inline]
    fn split(&self, user: &str) -> Answer<'_> {
        let drawn = self.draw.bucket(user);
        // The ranges cover every bucket: that was checked.
        let arm = pick(&self.ends, drawn).unwrap_or(self.control);
        self.answer(arm, Reason::Split).with_variant_bucket(drawn)
    }
}

/// The salt of `record`, which is that of `flag`: what its buckets are taken from.
///
/// # Errors
/// Where it is no string.
pub fn salt<'r>(flag: &'r str, record: &'r Record) -> Result<&'r str, Malformed> {
    compile::salt(flag, record)
}

/// The kinds of record that have variants.
fn is_experiment(record: &Record) -> bool {
    record.spec.kind() == Kind::Experiment
}

#[cfg(test)]
mod tests;
