//! What needs a word of consent before it is written.

use super::{Action, Plan};

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
}

/// A plan, or part of one, that is not carried out as things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    /// What to do, or which switch to pass.
    pub hint: String,
}

/// Everything that stands in the way of `plan`; nothing where it may be carried out.
#[must_use]
pub fn refusals(plan: &Plan, consent: Consent) -> Vec<Refusal> {
    [
        empty_flag_set(plan),
        many_deletes(plan, consent),
        conflicts(plan, consent),
        blocked(plan),
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

fn names(plan: &Plan, wanted: impl Fn(&super::Change) -> bool) -> Vec<&str> {
    plan.changes
        .iter()
        .filter(|change| wanted(change))
        .map(super::Change::flag)
        .collect()
}

/// The first few, and how many more. Keys of the store may hold anything.
fn list(flags: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = flags
        .iter()
        .take(SHOWN)
        .map(|flag| format!("`{}`", flag.escape_debug()))
        .collect();
    match flags.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
