//! What holds in one place, without a copy of it.

use super::{Field, Flag, Forced, Names, Override, Percent, Settings, Stage, Variant};

/// Settings in force: a flag's own, or those with what an environment replaces put over them. What
/// [`Settings::overridden_by`] copies is looked up here.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'f> {
    base: &'f Settings,
    over: Option<&'f Settings>,
}

impl<'f> InForce<'f> {
    fn pick<T>(self, field: impl Fn(&'f Settings) -> Option<&'f T>) -> Option<&'f T> {
        self.over.and_then(&field).or_else(|| field(self.base))
    }

    /// `enabled`, false where nothing is said.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        let enabled = self.pick(|settings| settings.enabled.as_ref());
        enabled.is_some_and(|enabled| enabled.value)
    }

    #[must_use]
    pub fn percentage(self) -> Option<&'f Field<Percent>> {
        match self.over {
            Some(over) if over.percentage.is_none() && over.rollout.is_some() => None,
            _ => self.pick(|settings| settings.percentage.as_ref()),
        }
    }

    #[must_use]
    pub fn rollout(self) -> Option<&'f Field<Vec<Stage>>> {
        match self.over {
            Some(over) if over.rollout.is_none() && over.percentage.is_some() => None,
            _ => self.pick(|settings| settings.rollout.as_deref()),
        }
    }

    #[must_use]
    pub fn variants(self) -> Option<&'f Field<Vec<Variant>>> {
        self.pick(|settings| settings.variants.as_deref())
    }

    #[must_use]
    pub fn control(self) -> Option<&'f Field<Box<str>>> {
        self.pick(|settings| settings.control.as_deref())
    }

    #[must_use]
    pub fn forced(self) -> Option<&'f Field<Vec<Forced>>> {
        self.pick(|settings| settings.forced.as_deref())
    }

    #[must_use]
    pub fn allowed_users(self) -> Option<&'f Field<Names>> {
        self.pick(|settings| settings.allowed_users.as_deref())
    }

    #[must_use]
    pub fn allowed_groups(self) -> Option<&'f Field<Names>> {
        self.pick(|settings| settings.allowed_groups.as_deref())
    }

    /// Whether every user has the flag from the start: on, no experiment, at 100 percent.
    #[must_use]
    pub fn is_on_for_everyone(self) -> bool {
        let first = self.rollout().and_then(|rollout| rollout.value.first());
        let share = match (first, self.percentage()) {
            (Some(stage), _) => stage.percentage.value,
            (None, Some(percentage)) => percentage.value,
            (None, None) => Percent::HUNDRED,
        };
        self.is_enabled() && self.variants().is_none() && share == Percent::HUNDRED
    }
}

impl Flag {
    /// What holds where no environment says otherwise.
    #[must_use]
    pub fn base_in_force(&self) -> InForce<'_> {
        InForce {
            base: &self.base,
            over: None,
        }
    }

    /// What holds in the environment that `over`, one of the flag's own, is for.
    #[must_use]
    pub fn in_force_with<'f>(&'f self, over: &'f Override) -> InForce<'f> {
        InForce {
            base: &self.base,
            over: Some(&over.settings),
        }
    }

    /// What holds in `environment`.
    #[must_use]
    pub fn in_force(&self, environment: &str) -> InForce<'_> {
        let mut overrides = self.overrides();
        let over = overrides.find(|over| *over.environment.value == *environment);
        over.map_or(self.base_in_force(), |over| self.in_force_with(over))
    }
}
