//! What a change does to those that lists name.

use crate::eval::{Answer, Evaluator, Reason};
use crate::model::Percent;
use crate::record::Record;

/// So many names are written out.
const SHOWN: usize = 5;

/// What becomes of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Same,
    Gained,
    Lost,
    /// Another variant or value.
    Moved,
}

impl Effect {
    /// On `user`, a member of `groups`, where `before` makes way for `after`; `None` where there
    /// is no record.
    #[must_use]
    pub fn on(
        user: &str,
        groups: &[&str],
        before: Option<&Evaluator>,
        after: Option<&Evaluator>,
    ) -> Self {
        let before = before.map(|side| side.evaluate(Some(user), groups));
        let after = after.map(|side| side.evaluate(Some(user), groups));
        match (has(before.as_ref()), has(after.as_ref())) {
            (false, true) => Self::Gained,
            (true, false) => Self::Lost,
            _ if differs(before.as_ref(), after.as_ref()) => Self::Moved,
            _ => Self::Same,
        }
    }
}

/// Whether the user has the flag, or takes part in the experiment.
fn has(answer: Option<&Answer<'_>>) -> bool {
    answer.is_some_and(|answer| match answer.variant {
        None => answer.value == &serde_json::Value::Bool(true),
        Some(_) => answer.reason == Reason::TargetingMatch || answer.variant_bucket.is_some(),
    })
}

fn differs(before: Option<&Answer<'_>>, after: Option<&Answer<'_>>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let renamed = before.variant.is_some() && after.variant.is_some();
    (renamed && before.variant != after.variant) || before.value != after.value
}

/// What becomes of the users and groups that the lists of either record name; nothing where it is
/// nothing, or where a record cannot be evaluated.
#[must_use]
pub fn notes(flag: &str, before: Option<&Record>, after: Option<&Record>) -> Vec<String> {
    let evaluator = |record: Option<&Record>| record.map(|record| Evaluator::new(flag, record));
    let (Ok(before), Ok(after)) = (evaluator(before).transpose(), evaluator(after).transpose())
    else {
        return Vec::new();
    };
    let (before, after) = (before.as_ref(), after.as_ref());
    users(before, after)
        .into_iter()
        .chain(groups(before, after))
        .collect()
}

/// "of the users that lists name, 2 gain it (ana, bo)".
fn users(before: Option<&Evaluator>, after: Option<&Evaluator>) -> Option<String> {
    let named = |side: Option<&Evaluator>| -> Vec<String> {
        side.map_or_else(Vec::new, |side| {
            side.named_users().into_iter().map(str::to_owned).collect()
        })
    };
    let mut users = named(before);
    users.extend(named(after));
    users.sort_unstable();
    users.dedup();
    let effects: Vec<Effect> = users
        .iter()
        .map(|user| Effect::on(user, &[], before, after))
        .collect();
    let parts: Vec<String> = [
        (Effect::Gained, "gains it", "gain it"),
        (Effect::Lost, "loses it", "lose it"),
        (Effect::Moved, "gets another variant", "get another variant"),
    ]
    .into_iter()
    .filter_map(|(wanted, one, many)| {
        let affected: Vec<&str> = users
            .iter()
            .zip(&effects)
            .filter(|(_, effect)| **effect == wanted)
            .map(|(user, _)| user.as_str())
            .collect();
        let verb = if affected.len() == 1 { one } else { many };
        (!affected.is_empty()).then(|| format!("{} {verb} ({})", affected.len(), list(&affected)))
    })
    .collect();
    (!parts.is_empty()).then(|| format!("of the users that lists name, {}", parts.join(", ")))
}

/// Who is in a group is not known here, only what the group has to do with the flag.
fn groups(before: Option<&Evaluator>, after: Option<&Evaluator>) -> Vec<String> {
    let named = |side: Option<&Evaluator>| -> Vec<String> {
        side.filter(|side| side.is_enabled())
            .map_or_else(Vec::new, |side| {
                side.named_groups().into_iter().map(str::to_owned).collect()
            })
    };
    let everyone = |side: Option<&Evaluator>| {
        side.is_some_and(|side| {
            side.is_enabled() && side.share() == Percent::HUNDRED && side.control().is_none()
        })
    };
    let nobody = |side: Option<&Evaluator>| side.is_none_or(|side| !side.is_enabled());
    let (old, new) = (named(before), named(after));
    let mut notes = Vec::new();
    let added: Vec<&str> = only(&new, &old);
    if !added.is_empty() && !everyone(before) {
        notes.push(format!("{} gain it whatever their bucket", members(&added)));
    }
    let removed: Vec<&str> = only(&old, &new);
    if !removed.is_empty() && nobody(after) {
        notes.push(format!("{} lose it", members(&removed)));
    } else if !removed.is_empty() && !everyone(after) {
        notes.push(format!(
            "{} keep it by their bucket alone",
            members(&removed)
        ));
    }
    notes
}

fn only<'a>(these: &'a [String], those: &[String]) -> Vec<&'a str> {
    let these = these.iter().filter(|group| !those.contains(group));
    these.map(String::as_str).collect()
}

fn members(groups: &[&str]) -> String {
    let word = if groups.len() == 1 { "group" } else { "groups" };
    format!("members of {word} {}", list(groups))
}

/// The first few, and how many more.
fn list(names: &[&str]) -> String {
    let shown = names.iter().take(SHOWN).copied();
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
