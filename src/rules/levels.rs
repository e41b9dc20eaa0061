//! Which rules are on, and how they count.

use crate::diagnostic::Severity;

use super::{Level, RULES, Rule};

/// A level for every rule; to begin with, each rule's own.
#[derive(Clone, Debug)]
pub struct Levels {
    /// By position in [`RULES`].
    by_position: Box<[Level]>,
}

/// Why a level cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    #[error("there is no rule `{name}`{}", did_you_mean(*.suggestion))]
    UnknownRule {
        name: Box<str>,
        suggestion: Option<&'static str>,
    },
    #[error(
        "`{rule}` stays an error: it says that a file was not understood, and nothing is applied from such a file"
    )]
    Fixed { rule: &'static str },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            by_position: RULES.iter().map(|rule| rule.level).collect(),
        }
    }
}

impl Levels {
    /// Sets the level of the rule `name`.
    ///
    /// # Errors
    /// Where there is no such rule, or where the rule must stay an error.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), LevelError> {
        let unknown = || LevelError::UnknownRule {
            name: name.into(),
            suggestion: Rule::suggest(name),
        };
        let position = Rule::position(name).ok_or_else(unknown)?;
        if let (Some(rule), Some(slot)) = (RULES.get(position), self.by_position.get_mut(position))
        {
            if rule.fixed && level != Level::Error {
                return Err(LevelError::Fixed { rule: rule.id });
            }
            *slot = level;
        }
        Ok(())
    }

    /// How the rule `id` counts; `None` where it is off. An id that is not in [`RULES`] is an error,
    /// so that nothing is lost.
    pub(super) fn severity(&self, id: &str) -> Option<Severity> {
        Rule::position(id)
            .and_then(|at| self.by_position.get(at))
            .map_or(Some(Severity::Error), |level| level.severity())
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

    #[test]
    fn a_level_is_set_by_name() {
        let mut levels = Levels::default();
        assert_eq!(levels.severity("missing-owner"), Some(Severity::Warning));
        levels.set("missing-owner", Level::Error).unwrap();
        assert_eq!(levels.severity("missing-owner"), Some(Severity::Error));
        levels.set("missing-owner", Level::Off).unwrap();
        assert_eq!(levels.severity("missing-owner"), None);
        assert!(levels.active().all(|(rule, _)| rule.id != "missing-owner"));
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
            assert_eq!(levels.severity(rule), Some(Severity::Error));
        }
    }
}
