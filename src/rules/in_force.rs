//! What holds in one place: the flag's own settings, or those with an environment's put over them.
//!
//! The same as [`crate::model::Flag::resolve`] gives, field by field and without a copy.

use crate::model::{Field, Flag, Forced, Names, Override, Percent, Settings, Stage, Variant};

/// A place where a flag has settings.
#[derive(Clone, Copy)]
pub struct InForce<'f> {
    base: &'f Settings,
    pub over: Option<&'f Override>,
}

/// Where the flag has settings: where no environment says otherwise, then each environment.
pub fn places(flag: &Flag) -> impl Iterator<Item = InForce<'_>> {
    let base = &flag.base;
    let own = InForce { base, over: None };
    let overrides = flag.overrides();
    std::iter::once(own).chain(overrides.map(move |over| InForce {
        base,
        over: Some(over),
    }))
}

impl<'f> InForce<'f> {
    /// What is written in this place itself.
    pub fn own(self) -> &'f Settings {
        self.over.map_or(self.base, |over| &over.settings)
    }

    fn pick<T>(self, field: impl Fn(&'f Settings) -> Option<&'f T>) -> Option<&'f T> {
        let over = self.over.and_then(|over| field(&over.settings));
        over.or_else(|| field(self.base))
    }

    pub fn enabled(self) -> bool {
        let enabled = self.pick(|settings| settings.enabled.as_ref());
        enabled.is_some_and(|enabled| enabled.value)
    }

    pub fn percentage(self) -> Option<&'f Field<Percent>> {
        let replaced = self.over.is_some_and(|over| over.settings.rollout.is_some());
        let own = self.own().percentage.as_ref();
        own.or_else(|| self.base.percentage.as_ref().filter(|_| !replaced))
    }

    pub fn rollout(self) -> Option<&'f Field<Vec<Stage>>> {
        let replaced = self.over.is_some_and(|over| over.settings.percentage.is_some());
        let own = self.own().rollout.as_deref();
        own.or_else(|| self.base.rollout.as_deref().filter(|_| !replaced))
    }

    pub fn variants(self) -> Option<&'f Field<Vec<Variant>>> {
        self.pick(|settings| settings.variants.as_deref())
    }

    pub fn control(self) -> Option<&'f Field<Box<str>>> {
        self.pick(|settings| settings.control.as_deref())
    }

    pub fn forced(self) -> &'f [Forced] {
        let forced = self.pick(|settings| settings.forced.as_deref());
        forced.map_or(&[], |forced| &forced.value)
    }

    pub fn allowed_users(self) -> Option<&'f Field<Names>> {
        self.pick(|settings| settings.allowed_users.as_deref())
    }

    pub fn allowed_groups(self) -> Option<&'f Field<Names>> {
        self.pick(|settings| settings.allowed_groups.as_deref())
    }

    /// Whether somebody is on a list that is in force here.
    pub fn has_lists(self) -> bool {
        let lists = [self.allowed_users(), self.allowed_groups()];
        lists.into_iter().flatten().any(|list| !list.value.is_empty())
    }

    /// The share of users, where it is not said by stages.
    pub fn share(self) -> Option<Percent> {
        let share = self.percentage().map_or(Percent::HUNDRED, |share| share.value);
        self.rollout().is_none().then_some(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, LineIndex};
    use crate::{model, yaml};

    #[test]
    fn what_holds_is_what_the_model_resolves() {
        let text = "flags:
  a:
    enabled: true
    percentage: 5
    allowed_users: [u]
    environments:
      stages: { rollout: [{ percentage: 1 }], allowed_users: [] }
      share: { percentage: 7 }
      off: { enabled: false, allowed_groups: [g] }
  b:
    rollout: [{ percentage: 1 }, { percentage: 100 }]
    environments:
      share: { percentage: 7 }
      same: {}
  c:
    variants: { a: 50, b: 50 }
    control: a
    forced: { a: [u] }
    environments:
      other: { variants: { b: 100 }, control: b, forced: {} }
";
        let (tree, _) = yaml::parse(FileId(0), text);
        let lines = LineIndex::new(text);
        for flag in model::flags(FileId(0), &tree, &lines, tree.documents()[0]) {
            for place in places(&flag) {
                let resolved = match place.over {
                    Some(over) => flag.resolve(&over.environment.value),
                    None => flag.base.clone(),
                };
                assert_eq!(place.enabled(), resolved.enabled.is_some_and(|on| on.value));
                assert_eq!(place.percentage(), resolved.percentage.as_ref());
                assert_eq!(place.rollout(), resolved.rollout.as_deref());
                assert_eq!(place.variants(), resolved.variants.as_deref());
                assert_eq!(place.control(), resolved.control.as_deref());
                let forced = resolved.forced.as_ref().map_or(&[][..], |forced| &forced.value);
                assert_eq!(place.forced(), forced);
                assert_eq!(place.allowed_users(), resolved.allowed_users.as_deref());
                assert_eq!(place.allowed_groups(), resolved.allowed_groups.as_deref());
            }
        }
    }
}
