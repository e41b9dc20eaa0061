//! The weights of an experiment, as a record has them.

use serde_json::Value;

use crate::model::Percent;
use crate::record::Record;

/// Names and weights in thousandths, in order. A weight that is none is left out.
pub struct Weights<'r>(Vec<(&'r str, u64)>);

impl<'r> Weights<'r> {
    pub fn of(record: &'r Record) -> Self {
        let variants = record.spec.as_json().get("variants");
        let variants = variants.and_then(Value::as_object).into_iter().flatten();
        let weight = |(name, weight): (&'r String, &Value)| {
            let weight = Percent::from_f64(weight.as_f64()?)?;
            Some((name.as_str(), u64::from(weight.0)))
        };
        Self(variants.filter_map(weight).collect())
    }

    pub fn names(&self) -> impl Iterator<Item = &'r str> {
        self.0.iter().map(|(name, _)| *name)
    }

    pub fn get(&self, name: &str) -> Option<u64> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, weight)| *weight)
    }

    /// Variants that `new` has under another name: one is gone, and one of the same weight has come,
    /// in this order.
    pub fn renamed(&self, new: &Self) -> Vec<(&'r str, &'r str)> {
        let mut come: Vec<&(&str, u64)> = new
            .0
            .iter()
            .filter(|(name, _)| self.get(name).is_none())
            .collect();
        let gone = self.0.iter().filter(|(name, _)| new.get(name).is_none());
        let mut renamed = Vec::new();
        for (was, weight) in gone {
            if let Some(at) = come.iter().position(|(_, other)| other == weight) {
                renamed.push((*was, come.remove(at).0));
            }
        }
        renamed
    }
}
