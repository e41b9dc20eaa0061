//! What lies between two states of the flag set, in each environment, without any store.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::Map;

use super::fields::differences;
use super::{Action, FieldChange};
use crate::impact::{self, Impact};
use crate::model::Flag;
use crate::record::{Record, Spec};
use crate::rules::change::{Group, Past, Transition, names};

#[cfg(test)]
mod tests;

/// The flag set at one time, or that part of it that may differ from the other.
#[derive(Clone, Debug, Default)]
pub struct State<'a> {
    /// Of flags with the same key the first counts.
    pub flags: Vec<&'a Flag>,
    /// Texts of files that could not be read whole: nobody knows which flags they lack.
    pub broken: Vec<&'a str>,
}

impl State<'_> {
    /// Whether a flag that is not among those read may be there all the same.
    fn may_have(&self, key: &str) -> bool {
        self.broken.iter().any(|text| names(text, key))
    }
}

/// Every difference.
#[derive(Debug, Default)]
pub struct Diff<'a> {
    /// By key.
    pub changes: Vec<FlagChange<'a>>,
    /// Flags among those given in which nothing differs.
    pub unchanged: usize,
    /// Keys that could not be compared, since one side could not be read; by key.
    pub skipped: Vec<&'a str>,
}

/// One flag that differs.
#[derive(Clone, Debug)]
pub struct FlagChange<'a> {
    pub key: &'a str,
    pub old: Option<&'a Flag>,
    pub new: Option<&'a Flag>,
    /// At least one. Environments in which nothing differs are in none of them.
    pub parts: Vec<Part>,
}

/// What a change is in environments in which it is the same.
#[derive(Clone, Debug)]
pub struct Part {
    pub environments: Vec<String>,
    /// As git alone gives it: a rollout stands at its first stage.
    pub before: Option<Record>,
    pub after: Option<Record>,
    /// In the order of the record format.
    pub fields: Vec<FieldChange>,
    /// `None` where a record cannot be evaluated.
    pub impact: Option<Impact>,
    /// What becomes of those that lists name.
    pub notes: Vec<String>,
}

impl FlagChange<'_> {
    /// Create, update or delete.
    #[must_use]
    pub fn action(&self) -> Action {
        match (self.old, self.new) {
            (None, _) => Action::Create,
            (_, None) => Action::Delete,
            _ => Action::Update,
        }
    }

    /// As rules about change look at it.
    #[must_use]
    pub fn groups<'g>(&'g self, past: &'g Past) -> Vec<Group<'g>> {
        let group = |part: &'g Part| Group {
            transition: Transition {
                key: self.key,
                environment: part.environments.first().map_or("", String::as_str),
                before: part.before.as_ref(),
                after: part.after.as_ref(),
                live: false,
                old: self.old,
                new: self.new,
                past,
            },
            environments: &part.environments,
        };
        self.parts.iter().map(group).collect()
    }
}

/// Compares two states in `environments`.
#[must_use]
pub fn compare<'a>(old: &State<'a>, new: &State<'a>, environments: &[String]) -> Diff<'a> {
    let mut pairs: BTreeMap<&'a str, (Option<&'a Flag>, Option<&'a Flag>)> = BTreeMap::new();
    for flag in &old.flags {
        let pair = pairs.entry(&flag.key.value).or_default();
        pair.0 = pair.0.or(Some(*flag));
    }
    for flag in &new.flags {
        let pair = pairs.entry(&flag.key.value).or_default();
        pair.1 = pair.1.or(Some(*flag));
    }
    let pairs: Vec<_> = pairs.into_iter().collect();
    let compared: Vec<_> = pairs
        .into_par_iter()
        .map(|(key, (before, after))| {
            let unread = |flag: Option<&Flag>, state: &State<'_>| match flag {
                Some(flag) => !flag.complete,
                None => state.may_have(key),
            };
            if unread(before, old) || unread(after, new) {
                return Outcome::Skipped(key);
            }
            let parts = parts(key, before, after, environments);
            if parts.is_empty() {
                return Outcome::Unchanged;
            }
            Outcome::Changed(FlagChange {
                key,
                old: before,
                new: after,
                parts,
            })
        })
        .collect();
    let mut diff = Diff::default();
    for outcome in compared {
        match outcome {
            Outcome::Changed(change) => diff.changes.push(change),
            Outcome::Unchanged => diff.unchanged += 1,
            Outcome::Skipped(key) => diff.skipped.push(key),
        }
    }
    diff
}

enum Outcome<'a> {
    Changed(FlagChange<'a>),
    Unchanged,
    Skipped(&'a str),
}

/// One part for the environments that agree on both sides.
fn parts(
    key: &str,
    before: Option<&Flag>,
    after: Option<&Flag>,
    environments: &[String],
) -> Vec<Part> {
    let mut groups: Vec<(Option<Spec>, Option<Spec>, Vec<String>)> = Vec::new();
    for environment in environments {
        let spec = |flag: Option<&Flag>| flag.map(|flag| Spec::of(flag, environment));
        let (before, after) = (spec(before), spec(after));
        if before == after {
            continue;
        }
        let same = groups
            .iter_mut()
            .find(|group| group.0 == before && group.1 == after);
        match same {
            Some(group) => group.2.push(environment.clone()),
            None => groups.push((before, after, vec![environment.clone()])),
        }
    }
    groups
        .into_iter()
        .map(|(before, after, environments)| part(key, before, after, environments))
        .collect()
}

fn part(key: &str, before: Option<Spec>, after: Option<Spec>, environments: Vec<String>) -> Part {
    let fields = |spec: Option<&Spec>| spec.map_or_else(Map::new, |spec| spec.as_json().clone());
    let record = |spec: Option<&Spec>| spec.map(Record::of_spec);
    let (from, to) = (record(before.as_ref()), record(after.as_ref()));
    let impact = impact::between(key, from.as_ref(), to.as_ref()).ok();
    let mut notes = impact::notes(key, from.as_ref(), to.as_ref());
    if let (Some(from), Some(_), Some(impact)) = (&from, &to, &impact)
        && from.spec.enabled()
        && from.spec.stages().len() > 1
        && !impact.is_none()
    {
        notes.push(
            "these are the shares from stage 1 of the rollout: git does not know which stage it \
             has reached"
                .to_owned(),
        );
    }
    Part {
        environments,
        fields: differences(&fields(before.as_ref()), &fields(after.as_ref())),
        impact,
        notes,
        before: from,
        after: to,
    }
}
