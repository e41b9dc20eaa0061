//! What rules may know besides the flags.

use jiff::civil::Date;
use regex::{Regex, RegexBuilder};

/// What a run of the rules stands on.
#[derive(Clone, Debug)]
pub struct Context {
    pub today: Date,
    /// Environments of hoist.toml.
    pub environments: Vec<String>,
    pub limits: Limits,
}

impl Context {
    /// That day, with no environments, and limits as they are unless hoist.toml says otherwise.
    #[must_use]
    pub fn new(today: Date) -> Self {
        Self {
            today,
            environments: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Whether hoist.toml has an environment of that name.
    #[must_use]
    pub fn has_environment(&self, name: &str) -> bool {
        self.environments.iter().any(|known| known == name)
    }
}

/// What `[lint]` of hoist.toml sets: where rules draw their lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub max_flag_age_days: u32,
    /// In percentage points.
    pub max_step: f64,
    /// Shortest stage of a rollout, in seconds.
    pub min_stage: u64,
    /// Entries of a list.
    pub max_list: u32,
    /// Environments that one flag has settings for.
    pub max_environments: u32,
    pub max_experiment_days: u32,
    /// What keys look like, where that is said.
    pub key_style: Option<KeyStyle>,
}

impl Limits {
    /// The settings, by the names that they have in hoist.toml.
    pub const NAMES: [&'static str; 7] = [
        "max_flag_age_days",
        "max_step",
        "min_stage",
        "max_list",
        "max_environments",
        "max_experiment_days",
        "key_style",
    ];
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_flag_age_days: 90,
            max_step: 50.0,
            min_stage: 600,
            max_list: 100,
            max_environments: 5,
            max_experiment_days: 90,
            key_style: None,
        }
    }
}

/// A regular expression that whole keys match.
#[derive(Clone, Debug)]
pub struct KeyStyle {
    pattern: Box<str>,
    whole: Regex,
}

/// A pattern is refused where it takes more memory than this once compiled, in bytes.
const MOST_COMPILED: usize = 1 << 20;

impl KeyStyle {
    /// # Errors
    /// What is wrong with `pattern`: `is no regular expression: unclosed group`.
    pub fn new(pattern: &str) -> Result<Self, String> {
        // By itself first, so that `a)|(b` is not made right by what is put around it.
        compile(pattern)?;
        Ok(Self {
            whole: compile(&format!(r"\A(?:{pattern})\z"))?,
            pattern: pattern.into(),
        })
    }

    /// As written.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    #[must_use]
    pub fn fits(&self, key: &str) -> bool {
        self.whole.is_match(key)
    }
}

impl PartialEq for KeyStyle {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

/// Matching takes time in proportion to the text, whatever the pattern.
fn compile(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern)
        .size_limit(MOST_COMPILED)
        .dfa_size_limit(MOST_COMPILED)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large a pattern".to_owned(),
        error => {
            // The lines above the last show the pattern, which the finding does too.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ");
            format!("is no regular expression: {reason}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_of_whole_keys() {
        for (pattern, key, fits) in [
            ("[a-z_]+", "new_search", true),
            ("[a-z_]+", "new-search", false),
            ("^[a-z_]+$", "new_search", true),
            ("a|ab", "ab", true),
            ("new_.*", "a_new_search", false),
            ("", "a", false),
        ] {
            let style = KeyStyle::new(pattern).unwrap();
            assert_eq!(style.fits(key), fits, "{pattern} on {key}");
            assert_eq!(style.pattern(), pattern);
        }
    }

    #[test]
    fn what_cannot_be_a_style_says_why() {
        for (pattern, wrong) in [
            ("[a-z", "is no regular expression: unclosed character class"),
            ("a)|(b", "is no regular expression: unopened group"),
            (
                "(a)\\1",
                "is no regular expression: backreferences are not supported",
            ),
            ("(a{1000}){1000}", "is too large a pattern"),
        ] {
            assert_eq!(KeyStyle::new(pattern).unwrap_err(), wrong, "{pattern}");
        }
    }
}
