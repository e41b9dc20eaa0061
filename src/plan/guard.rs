//! What needs a word of consent before it is written.

use jiff::Timestamp;

use super::{Action, Plan, RecordWrite};
use crate::impact::Share;

mod freeze;
mod policy;

pub use freeze::Freeze;
pub use policy::{Pattern, Policy};

/// Deleting more than this share of the managed flags, in percent, and more than
/// [`FREE_DELETES`], needs consent.
const MAX_DELETED_SHARE: usize = 20;
/// So few deletions never need consent.
const FREE_DELETES: usize = 3;

/// What the caller consents to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Take over keys that hoist does not manage.
    pub adopt: bool,
    /// Delete up to so many flags.
    pub deletes: usize,
    /// Change flags that the environment protects.
    pub protected: bool,
    /// Change a flag for more users than the environment allows.
    pub moved: bool,
    /// Apply although the environment is frozen.
    pub frozen: bool,
    /// Apply the flag set that an operator has taken back.
    pub undo_rollback: bool,
}

/// A plan, or part of one, that is not carried out as things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    /// What to do, or which switch to pass.
    pub hint: String,
}

/// Everything that stands in the way of `plan` at `now`, in seconds since the epoch by the store's
/// clock; nothing where it may be carried out.
#[must_use]
pub fn refusals(plan: &Plan, consent: Consent, policy: &Policy, now: f64) -> Vec<Refusal> {
    [
        empty_flag_set(plan),
        many_deletes(plan, consent),
        conflicts(plan, consent),
        blocked(plan),
        protected(plan, consent, policy),
        moved(plan, consent, policy),
        untold(plan, consent, policy),
        taken_back(plan, consent),
        frozen(policy, now).filter(|_| !consent.frozen && !plan.is_empty()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn empty_flag_set(plan: &Plan) -> Option<Refusal> {
    (plan.wanted == 0 && plan.managed > 0).then(|| Refusal {
        message: format!(
            "the flag set is empty, and the store has {} of hoist's flags",
            plan.managed
        ),
        hint: "an empty flag set is never applied over a store that has flags: check the flags \
               directory (`flags` in hoist.toml, `-C`), and delete flags a few at a time"
            .into(),
    })
}

fn many_deletes(plan: &Plan, consent: Consent) -> Option<Refusal> {
    let deletes = names(plan, |change| change.action == Action::Delete);
    let count = deletes.len();
    // No consent helps where nothing is left: `empty_flag_set` speaks of that.
    let large =
        plan.wanted > 0 && count > FREE_DELETES && count * 100 > plan.managed * MAX_DELETED_SHARE;
    (large && count > consent.deletes).then(|| Refusal {
        message: format!(
            "the plan deletes {count} of {} managed flags ({} %): {}",
            plan.managed,
            count * 100 / plan.managed.max(1),
            list(&deletes)
        ),
        hint: format!("more than {MAX_DELETED_SHARE} % at once needs consent: pass `--allow-deletes {count}` if this is meant"),
    })
}

fn conflicts(plan: &Plan, consent: Consent) -> Option<Refusal> {
    let conflicts = names(plan, |change| {
        change.action == Action::Conflict && change.blocked.is_none()
    });
    (!consent.adopt && !conflicts.is_empty()).then(|| Refusal {
        message: format!(
            "{} in the store that hoist cannot vouch for: {}",
            if conflicts.len() == 1 {
                "a record stands".into()
            } else {
                format!("{} records stand", conflicts.len())
            },
            list(&conflicts)
        ),
        hint:
            "look at the differences in the plan; pass `--adopt` to take the keys over and write \
               what git says"
                .into(),
    })
}

fn blocked(plan: &Plan) -> Option<Refusal> {
    let blocked: Vec<_> = plan
        .changes
        .iter()
        .filter_map(|change| Some((change.flag(), change.blocked.as_ref()?)))
        .collect();
    let (flag, why) = blocked.first()?;
    let flag = flag.escape_debug();
    let more = match blocked.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more like it)"),
    };
    Some(Refusal {
        message: format!("`{flag}` cannot be written: {why}{more}"),
        hint: format!(
            "hoist never replaces it: look with `TYPE {}:{flag}`, then rename the flag or remove that key",
            plan.store.prefix
        ),
    })
}

fn protected(plan: &Plan, consent: Consent, policy: &Policy) -> Option<Refusal> {
    let pattern_of = |flag: &str| {
        let mut patterns = policy.protected.iter();
        patterns.find(|pattern| pattern.matches(flag))
    };
    let flags = names(plan, |change| pattern_of(change.flag()).is_some());
    let pattern = flags.first().and_then(|flag| pattern_of(flag))?;
    (!consent.protected).then(|| Refusal {
        message: format!(
            "the plan changes {}: {}",
            match flags.len() {
                1 => "a protected flag".into(),
                count => format!("{count} protected flags"),
            },
            list(&flags)
        ),
        hint: format!(
            "`protected` of environment `{}` has \"{}\": pass `--allow-protected` if this is meant",
            plan.environment,
            pattern.as_str().escape_debug()
        ),
    })
}

fn moved(plan: &Plan, consent: Consent, policy: &Policy) -> Option<Refusal> {
    let limit = policy.max_moved.filter(|_| !consent.moved)?;
    let mut far: Vec<(&str, Share)> = plan
        .changes
        .iter()
        .filter_map(|change| Some((change.flag(), change.impact()?.changed())))
        .filter(|(_, share)| *share > Share::of(limit))
        .collect();
    far.sort_by_key(|(_, share)| std::cmp::Reverse(*share));
    let flags: Vec<String> = far
        .iter()
        .map(|(flag, share)| format!("`{}` for {share} %", flag.escape_debug()))
        .collect();
    (!far.is_empty()).then(|| Refusal {
        message: format!(
            "the plan changes {} for more users at once than the {limit} % that environment `{}` allows: {}",
            if far.len() == 1 { "a flag" } else { "flags" },
            plan.environment,
            cut(&flags)
        ),
        hint: "go in steps, or pass `--allow-moved` if this is meant; `max_moved` in hoist.toml sets the limit"
            .into(),
    })
}

/// What nobody can tell may be more than the limit.
fn untold(plan: &Plan, consent: Consent, policy: &Policy) -> Option<Refusal> {
    let limit = policy.max_moved.filter(|_| !consent.moved)?;
    let flags = names(plan, |change| {
        change.blocked.is_none()
            && change.write.record != RecordWrite::Keep
            && change.impact().is_none()
    });
    (!flags.is_empty()).then(|| Refusal {
        message: format!(
            "environment `{}` allows a change for at most {limit} % of users, and nobody can tell for how many the plan \
             changes what now stands in the store as no sound record: {}",
            plan.environment,
            list(&flags)
        ),
        hint: "look at the differences in the plan, and pass `--allow-moved` if this is meant; `max_moved` in hoist.toml \
               sets the limit"
            .into(),
    })
}

/// A rollback is an operator's word: the flag set that it took back does not come again by itself,
/// with the next run of a job. One that was changed since does.
fn taken_back(plan: &Plan, consent: Consent) -> Option<Refusal> {
    let rolled_back = plan.rolled_back.as_ref()?;
    let same = rolled_back.digest == plan.digest && !plan.is_empty();
    (same && !consent.undo_rollback).then(|| Refusal {
        message: format!(
            "{}, and this is the flag set that it took back",
            rolled_back.words()
        ),
        hint: "revert the change in git, or mend it; pass `--undo-rollback` to apply it as it is"
            .into(),
    })
}

/// Why nothing is applied at `now`, in seconds since the epoch; `None` where no freeze is on.
#[must_use]
pub fn frozen(policy: &Policy, now: f64) -> Option<Refusal> {
    let now = Timestamp::from_second(now as i64).ok()?;
    let on = |freeze| Some((freeze, Freeze::ends(freeze, now)?));
    // The one that lasts longest says when it is over.
    let all = policy.freeze.iter().filter_map(on);
    let (freeze, end) = all.max_by(|(_, a), (_, b)| a.cmp(b))?;
    Some(Refusal {
        message: format!(
            "changes are frozen until {}{}: \"{freeze}\"",
            end.strftime("%a %F %H:%M %Z"),
            freeze::left(now, &end).map_or_else(String::new, |left| format!(", {left} from now"))
        ),
        hint: "wait, or pass `--ignore-freeze` if this cannot".into(),
    })
}

fn names(plan: &Plan, wanted: impl Fn(&super::Change) -> bool) -> Vec<&str> {
    plan.changes
        .iter()
        .filter(|change| wanted(change))
        .map(super::Change::flag)
        .collect()
}

/// The first few, and how many more. Keys of the store may hold anything.
fn list(flags: &[&str]) -> String {
    let flags: Vec<_> = flags
        .iter()
        .map(|flag| format!("`{}`", flag.escape_debug()))
        .collect();
    cut(&flags)
}

fn cut(items: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = items.get(..SHOWN).unwrap_or(items).join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
