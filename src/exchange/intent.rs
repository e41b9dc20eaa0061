//! What a flag of another system is meant to do, in terms that they have in common, and the flag that
//! does it here.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::logic::Who;
use super::{Draft, Imported, below};
use crate::model::Percent;

/// Users or groups that get a variant whatever their bucket.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub who: Who,
    pub variant: String,
    pub path: String,
}

/// Who gets what by share.
#[derive(Clone, Debug, Default)]
pub(super) struct Split {
    /// Variants in the order of their ranges, with weights of any sum.
    pub shares: Vec<(String, f64)>,
    pub path: String,
    /// Whether the same people get the same as before.
    pub same_people: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Intent {
    pub key: String,
    pub path: String,
    /// Fields of the flag that need no thought: description, owner, salt.
    pub fields: Map<String, Value>,
    pub enabled: bool,
    /// Names and values, in order.
    pub variants: Vec<(String, Value)>,
    /// The variant while the flag is off, and for those outside it.
    pub fallback: Option<String>,
    /// The first that fits decides.
    pub lists: Vec<List>,
    pub split: Split,
    /// Share that takes part in an experiment; everyone where nothing is said.
    pub share: Option<Percent>,
    /// Whether it is an experiment even if its values are booleans.
    pub draws_variants: bool,
    /// Whether something that keeps the flag from people could not be carried over.
    pub withheld: bool,
}

impl Intent {
    /// The flag that does this, with everything it cannot do named in `imported`.
    pub fn settle(mut self, imported: &mut Imported) -> Option<Draft> {
        if self.variants.is_empty() {
            imported.leave_out(&self.key, &self.path, "it has no variants");
            return None;
        }
        let mut fields = std::mem::take(&mut self.fields);
        let salt = fields.shift_remove("salt");
        let settings = match self.is_switch() {
            true => self.switch(imported),
            false => self.experiment(imported),
        };
        if self.withheld {
            imported.lose(
                &self.key,
                &self.path,
                "it is switched off here, since what keeps it from some people could not be carried over",
            );
        }
        fields.insert("enabled".into(), (self.enabled && !self.withheld).into());
        fields.extend(settings);
        fields.extend(salt.map(|salt| ("salt".to_owned(), salt)));
        Some(Draft {
            key: self.key,
            fields,
            path: self.path,
        })
    }

    /// Whether it is on or off, and no experiment.
    pub fn is_switch(&self) -> bool {
        !self.draws_variants && self.variants.iter().all(|(_, value)| value.is_boolean())
    }

    fn value(&self, variant: &str) -> Option<&Value> {
        let found = self.variants.iter().find(|(name, _)| name == variant);
        found.map(|(_, value)| value)
    }

    fn is_on(&self, variant: &str) -> bool {
        self.value(variant) == Some(&Value::Bool(true))
    }

    fn switch(&mut self, imported: &mut Imported) -> Map<String, Value> {
        let mut fields = Map::new();
        let (users, groups) = self.always_on(imported);
        self.tell_absent(imported);
        let shares = &self.split.shares;
        let on = shares.iter().filter(|(name, _)| self.is_on(name));
        let on: f64 = on.map(|(_, weight)| weight).sum();
        let all: f64 = shares.iter().map(|(_, weight)| weight).sum();
        let exact = if all > 0.0 { on / all * 100.0 } else { 0.0 };
        let share = Percent::nearest(exact).unwrap_or_default();
        self.tell_rounding(imported, Percent::from_f64(exact).is_none());
        if share > Percent::ZERO && share < Percent::HUNDRED {
            // Ours are the first buckets.
            let ranges = shares.iter().filter(|(_, weight)| *weight > 0.0);
            let ranges: Vec<bool> = ranges.map(|(name, _)| self.is_on(name)).collect();
            let in_order = ranges.is_sorted_by(|one, next| one >= next);
            self.tell_people(imported, !(self.split.same_people && in_order));
        }
        // Off for everyone, by one word instead of a share.
        let is_off = self.split.shares.len() < 2 && share == Percent::ZERO;
        if is_off && users.is_empty() && groups.is_empty() {
            self.enabled = false;
        } else if share != Percent::HUNDRED {
            fields.insert("percentage".into(), share.to_json());
        }
        for (field, names) in [("allowed_users", users), ("allowed_groups", groups)] {
            if !names.is_empty() {
                fields.insert(field.into(), once_each(names));
            }
        }
        fields
    }

    /// The users and groups that have it whatever their bucket.
    fn always_on(&mut self, imported: &mut Imported) -> (Vec<String>, Vec<String>) {
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for list in std::mem::take(&mut self.lists) {
            if !self.is_on(&list.variant) {
                imported.lose(
                    &self.key,
                    &list.path,
                    "a flag has a list of those who always have it, none of those who never do",
                );
                self.withheld = true;
                continue;
            }
            match list.who {
                Who::Users(names) => users.extend(names),
                Who::Groups(names) => groups.extend(names),
                Who::Nobody => self.tell_nobody(imported, &list),
                Who::Never => {}
            }
        }
        (users, groups)
    }

    /// Names the variants of a switch that it gives without having them: nobody has it for them.
    fn tell_absent(&self, imported: &mut Imported) {
        let mut seen = HashSet::new();
        let drawn = self.split.shares.iter().map(|(name, _)| name);
        for name in drawn.chain(&self.fallback) {
            if self.value(name).is_none() && seen.insert(name) {
                let reason = format!("there is no variant `{name}`");
                imported.lose(&self.key, &self.split.path, reason);
            }
        }
    }

    fn tell_nobody(&self, imported: &mut Imported, list: &List) {
        imported.lose(
            &self.key,
            &list.path,
            "whoever does not say who asks gets `false` or the control below a share of 100 %",
        );
    }

    fn experiment(&self, imported: &mut Imported) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(share) = self.share.filter(|share| *share != Percent::HUNDRED) {
            fields.insert("percentage".into(), share.to_json());
        }
        let (weights, rounded) = weights(&self.split.shares);
        self.tell_rounding(imported, rounded);
        let drawn = weights.iter().filter(|(_, weight)| weight.0 > 0).count();
        let is_drawn = drawn > 1 || self.share.is_some_and(|share| share != Percent::HUNDRED);
        self.tell_people(imported, is_drawn && !self.split.same_people);
        let by_name = self.variants.iter().all(|(name, value)| value == name);
        let weight_of = |name: &str| {
            let found = weights.iter().find(|(other, _)| other == name);
            found.map_or(Percent::ZERO, |(_, weight)| *weight).to_json()
        };
        // The order of ranges counts; a variant without one comes behind.
        let drawn = weights.iter().map(|(name, _)| name);
        let rest = self.variants.iter().map(|(name, _)| name);
        let mut variants = Map::new();
        for name in drawn.chain(rest) {
            if variants.contains_key(name) {
                continue;
            }
            let Some(value) = self.value(name) else {
                imported.lose(
                    &self.key,
                    &self.split.path,
                    format!("there is no variant `{name}`"),
                );
                continue;
            };
            let weight = weight_of(name);
            let variant = match by_name {
                true => weight,
                false => json!({"weight": weight, "value": value}),
            };
            variants.insert(name.clone(), variant);
        }
        let usual = variants
            .contains_key("control")
            .then(|| "control".to_owned());
        let first = variants.keys().next().cloned();
        let control = self.fallback.clone().or(usual).or(first);
        fields.insert("variants".into(), variants.into());
        // A variant of that name is it without a word.
        if let Some(control) = control.filter(|name| name != "control") {
            fields.insert("control".into(), control.into());
        }
        let forced = self.forced(imported);
        if !forced.is_empty() {
            fields.insert("forced".into(), forced.into());
        }
        fields
    }

    fn forced(&self, imported: &mut Imported) -> Map<String, Value> {
        let mut forced: Vec<(String, Vec<String>)> = Vec::new();
        let mut seen = HashSet::new();
        for list in &self.lists {
            match &list.who {
                Who::Users(users) => {
                    // Whoever stands in two lists gets what the first one says.
                    let new = users.iter().filter(|user| seen.insert(user.as_str()));
                    let new: Vec<String> = new.cloned().collect();
                    match forced.iter_mut().find(|(name, _)| *name == list.variant) {
                        Some((_, users)) => users.extend(new),
                        None => forced.push((list.variant.clone(), new)),
                    }
                }
                Who::Groups(_) => imported.lose(
                    &self.key,
                    &list.path,
                    "an experiment is drawn for everyone: it has lists of users, none of groups",
                ),
                Who::Nobody if self.fallback.as_ref() != Some(&list.variant) => {
                    self.tell_nobody(imported, list);
                }
                Who::Nobody | Who::Never => {}
            }
        }
        let forced = forced.into_iter().filter(|(_, users)| !users.is_empty());
        forced.map(|(name, users)| (name, users.into())).collect()
    }

    fn tell_rounding(&self, imported: &mut Imported, rounded: bool) {
        if rounded {
            imported.lose(
                &self.key,
                &self.split.path,
                "shares are rounded to a thousandth of a percent",
            );
        }
    }

    fn tell_people(&self, imported: &mut Imported, others: bool) {
        if others {
            imported.lose(
                &self.key,
                &self.split.path,
                "the share stays, the people change: users are put into buckets by another formula here",
            );
        }
    }
}

/// Weights that sum to exactly 100 %, and whether that took rounding. What is left over goes to the
/// variants that lost most by rounding down, the first of equals first.
fn weights(shares: &[(String, f64)]) -> (Vec<(String, Percent)>, bool) {
    let positive = |weight: f64| {
        if weight.is_finite() {
            weight.max(0.0)
        } else {
            0.0
        }
    };
    let sum: f64 = shares.iter().map(|(_, weight)| positive(*weight)).sum();
    if sum <= 0.0 {
        return (Vec::new(), false);
    }
    let exact: Vec<f64> = shares
        .iter()
        .map(|(_, weight)| positive(*weight) / sum * 100_000.0)
        .collect();
    // What is within a billionth of a whole number is one.
    let floor = |exact: f64| (exact + 1e-6).floor();
    let mut whole: Vec<u32> = exact.iter().map(|exact| floor(*exact) as u32).collect();
    let missing = 100_000_u32.saturating_sub(whole.iter().sum());
    let mut by_rest: Vec<usize> = (0..exact.len()).collect();
    let rest = |at: &usize| exact.get(*at).map_or(0.0, |exact| exact - floor(*exact));
    by_rest.sort_by(|a, b| rest(b).total_cmp(&rest(a)));
    for at in by_rest.into_iter().cycle().take(missing as usize) {
        if let Some(weight) = whole.get_mut(at) {
            *weight += 1;
        }
    }
    let mut weights: Vec<(String, Percent)> = Vec::new();
    for ((name, _), weight) in shares.iter().zip(whole) {
        // One variant may have several ranges; here it has one, where its first was.
        match weights.iter_mut().find(|(other, _)| other == name) {
            Some((_, sum)) => sum.0 += weight,
            None => weights.push((name.clone(), Percent(weight))),
        }
    }
    (weights, missing > 0)
}

fn once_each(mut names: Vec<String>) -> Value {
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names.into()
}

/// What stands in `map` for `field`, with its path, where there is anything.
pub(super) fn part<'m>(map: &'m Value, path: &str, field: &str) -> Option<(&'m Value, String)> {
    let value = map.get(field).filter(|value| !super::is_nothing(value))?;
    Some((value, below(path, field)))
}
