//! What an environment asks for beyond the guards that always hold.

use globset::{Glob, GlobMatcher};

use super::Freeze;
use crate::model::Percent;

/// What an environment of hoist.toml guards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Flags that are changed with consent only.
    pub protected: Vec<Pattern>,
    /// How many users one change may move at most, in percent of them.
    pub max_moved: Option<Percent>,
    /// When nothing is applied.
    pub freeze: Vec<Freeze>,
}

/// Keys of flags, as in `payments.*`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// `*` stands for any characters, `?` for one, `[ab]` for one of these, `{a,b}` for either.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn new(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text).map_err(|error| error.kind().to_string())?;
        Ok(Self {
            text: text.to_owned(),
            matcher: glob.compile_matcher(),
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn matches(&self, flag: &str) -> bool {
        self.matcher.is_match(flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_keys() {
        for (pattern, flag, expected) in [
            ("payments.*", "payments.new_provider", true),
            ("payments.*", "payments.eu.new_provider", true),
            ("payments.*", "payments_new", false),
            ("*_killswitch", "search_killswitch", true),
            ("checkout", "checkout", true),
            ("checkout", "checkout_v2", false),
            ("{a,b}?", "b1", true),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.matches(flag), expected, "{pattern:?} {flag}");
        }
        assert!(Pattern::new("[a").is_err());
    }
}
