//! Which rules are on, and how they count.

use crate::diagnostic::{Diagnostic, Severity};

use super::{Check, Level, RULES, Rule};

/// A level for every rule; to begin with, each rule's own.
#[derive(Clone, Debug)]
pub struct Levels {
    /// By position in [`RULES`].
    by_position: Box<[Level]>,
    /// Rules whose findings are not told: they are looked for since comments may silence them.
    untold: Box<[bool]>,
}

/// Why a level cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    #[error("there is no rule `{name}`{}", did_you_mean(*.suggestion))]
    UnknownRule {
        name: Box<str>,
        suggestion: Option<&'static str>,
    },
    #[error("`{rule}` stays an error: nothing sound can be written to a store from what it finds")]
    Fixed { rule: &'static str },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            by_position: RULES.iter().map(|rule| rule.level).collect(),
            untold: vec![false; RULES.len()].into(),
        }
    }
}

impl Levels {
    /// Sets the level of the rule `name`.
    ///
    /// # Errors
    /// Where there is no such rule, or where the rule must stay an error.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), LevelError> {
        let position = Self::position(name)?;
        if let (Some(rule), Some(slot)) = (RULES.get(position), self.by_position.get_mut(position))
        {
            if rule.fixed && level != Level::Error {
                return Err(LevelError::Fixed { rule: rule.id });
            }
            *slot = level;
        }
        Ok(())
    }

    /// Turns every rule off that is not among `names` and can be turned off, and those among them on.
    /// What comments silence is known only where the others run, so for that rule they do, untold.
    ///
    /// # Errors
    /// Where there is no such rule.
    pub fn select(&mut self, names: &[String]) -> Result<(), LevelError> {
        let mut selected = vec![false; RULES.len()];
        for name in names {
            let position = Self::position(name)?;
            if let Some(slot) = selected.get_mut(position) {
                *slot = true;
            }
        }
        let of_ignores = |(rule, selected): (&&Rule, &bool)| {
            *selected && matches!(rule.check, Check::Ignores(_))
        };
        let all_run = RULES.iter().zip(&selected).any(of_ignores);
        let levels = self.by_position.iter_mut().zip(&mut self.untold);
        for ((rule, (level, untold)), selected) in RULES.iter().zip(levels).zip(selected) {
            *untold = all_run && !selected && !rule.fixed;
            *level = match (*level, selected) {
                (level, _) if rule.fixed => level,
                (level, false) if all_run => level,
                (_, false) => Level::Off,
                (Level::Off, true) if rule.level == Level::Off => Level::Warning,
                (Level::Off, true) => rule.level,
                (level, true) => level,
            };
        }
        Ok(())
    }

    fn position(name: &str) -> Result<usize, LevelError> {
        Rule::position(name).ok_or_else(|| LevelError::UnknownRule {
            name: name.into(),
            suggestion: Rule::suggest(name),
        })
    }

    /// Gives a finding the level of its rule; false where that is off. What is found while reading
    /// keeps the severity that it was found with unless the rule's level was set to another.
    pub(super) fn apply(&self, found: &mut Diagnostic) -> bool {
        let Some(position) = Rule::position(found.rule) else {
            return true;
        };
        let (Some(rule), Some(level)) = (RULES.get(position), self.by_position.get(position))
        else {
            return true;
        };
        if *level != rule.level
            && let Some(severity) = level.severity()
        {
            found.severity = severity;
        }
        *level != Level::Off
    }

    /// Whether what the rule of that name finds is told.
    pub(super) fn tells(&self, rule: &str) -> bool {
        let untold = Rule::position(rule).and_then(|at| self.untold.get(at));
        untold != Some(&true)
    }

    /// How a finding of `rule` counts; `None` where it is off.
    pub(super) fn severity(&self, rule: &Rule) -> Option<Severity> {
        let level = Rule::position(rule.id).and_then(|at| self.by_position.get(at));
        level.and_then(|level| level.severity())
    }

    /// The rules that are not off.
    pub(super) fn active(&self) -> impl Iterator<Item = (&'static Rule, Severity)> {
        RULES
            .iter()
            .zip(&self.by_position)
            .filter_map(|(rule, level)| Some((*rule, level.severity()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Location;

    fn severity(levels: &Levels, id: &str) -> Option<Severity> {
        let active = levels.active().find(|(rule, _)| rule.id == id);
        active.map(|(_, severity)| severity)
    }

    #[test]
    fn a_level_is_set_by_name() {
        let mut levels = Levels::default();
        assert_eq!(severity(&levels, "missing-owner"), Some(Severity::Warning));
        levels.set("missing-owner", Level::Error).unwrap();
        assert_eq!(severity(&levels, "missing-owner"), Some(Severity::Error));
        levels.set("missing-owner", Level::Off).unwrap();
        assert_eq!(severity(&levels, "missing-owner"), None);
    }

    #[test]
    fn what_is_selected_is_on_and_nothing_else() {
        let mut levels = Levels::default();
        levels.set("missing-owner", Level::Error).unwrap();
        levels.set("expired", Level::Off).unwrap();
        levels
            .select(&["missing-owner".into(), "expired".into()])
            .unwrap();
        for (rule, expected) in [
            ("missing-owner", Some(Severity::Error)),
            ("expired", Some(Severity::Warning)),
            ("stage-order", None),
            ("schema", Some(Severity::Error)),
        ] {
            assert_eq!(severity(&levels, rule), expected, "{rule}");
        }
        let unknown = levels.select(&["expird".into()]).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "there is no rule `expird`; did you mean `expired`?"
        );
    }

    #[test]
    fn a_finding_gets_the_level_that_was_set() {
        let mut levels = Levels::default();
        let mut found = Diagnostic::new("schema", Location::default(), "ambiguous")
            .with_severity(Severity::Warning);
        assert!(levels.apply(&mut found));
        assert_eq!(found.severity, Severity::Warning);

        let mut found = Diagnostic::new("ambiguous-number", Location::default(), "014")
            .with_severity(Severity::Warning);
        levels.set("ambiguous-number", Level::Error).unwrap();
        assert!(levels.apply(&mut found));
        assert_eq!(found.severity, Severity::Error);
        levels.set("ambiguous-number", Level::Off).unwrap();
        assert!(!levels.apply(&mut found));
    }

    #[test]
    fn an_unknown_rule_is_refused_with_the_nearest_name() {
        let refused = Levels::default()
            .set("mising-owner", Level::Off)
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "there is no rule `mising-owner`; did you mean `missing-owner`?"
        );
        let refused = Levels::default()
            .set("entirely-else", Level::Off)
            .unwrap_err();
        assert_eq!(refused.to_string(), "there is no rule `entirely-else`");
    }

    #[test]
    fn what_says_that_a_file_was_not_understood_stays_an_error() {
        for rule in [
            "yaml-syntax",
            "unsafe-yaml",
            "schema",
            "duplicate-key",
            "duplicate-flag",
        ] {
            let mut levels = Levels::default();
            levels.set(rule, Level::Error).unwrap();
            for lower in [Level::Off, Level::Warning] {
                assert_eq!(levels.set(rule, lower), Err(LevelError::Fixed { rule }));
            }
            assert_eq!(severity(&levels, rule), Some(Severity::Error));
        }
    }
}
