//! The linter's rules: what one is, and the list of them.
//!
//! A rule is one file below `rules/`: its prose, its examples, its check. The runner owns every
//! loop; severity, suppression and output are none of a rule's business.

mod config;
mod context;
mod edit;
mod explain;
mod levels;
mod runner;
mod source;
mod suppression;
mod wording;

mod abrupt_rollout;
mod ambiguous_number;
mod conflicting_exposure;
mod duplicate_flag;
mod duplicate_key;
mod expired;
mod key_style;
mod missing_description;
mod missing_expiry;
mod missing_owner;
mod mixed_values;
mod schema;
mod stage_order;
mod unknown_environment;
mod unknown_field;
mod unknown_variant;
mod unsafe_yaml;
mod variant_sum;
mod yaml_syntax;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Diagnostic, Edit, Location, Severity, Span, did_you_mean};
use crate::model::{self, Flag};
use source::Source;

pub use config::RULE as CONFIG;
pub use context::{Context, KeyStyle, Limits};
pub use explain::{explain, markdown, reference};
pub use levels::{LevelError, Levels};
pub use runner::{Checked, Settings, check_file, check_set};
pub use suppression::{Suppression, Suppressions};

/// Every rule, by id.
pub static RULES: &[&Rule] = &[
    &abrupt_rollout::RULE,
    &ambiguous_number::RULE,
    &conflicting_exposure::RULE,
    &duplicate_flag::RULE,
    &duplicate_key::RULE,
    &expired::RULE,
    &key_style::RULE,
    &missing_description::RULE,
    &missing_expiry::RULE,
    &missing_owner::RULE,
    &mixed_values::RULE,
    &schema::RULE,
    &stage_order::RULE,
    &unknown_environment::RULE,
    &unknown_field::RULE,
    &unknown_variant::RULE,
    &unsafe_yaml::RULE,
    &variant_sum::RULE,
    &yaml_syntax::RULE,
];

/// How a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Off,
    Warning,
    Error,
}

impl Level {
    /// As hoist.toml has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// `None` where the rule is off.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// One rule, as one static value.
#[derive(Debug)]
pub struct Rule {
    /// Names the offending pattern: `variant-sum`. Part of the public contract.
    pub id: &'static str,
    /// Unless hoist.toml says otherwise.
    pub level: Level,
    /// An error that neither hoist.toml nor a comment can turn down: nothing
    /// sound can be written to a store from what it finds.
    pub fixed: bool,
    /// One line, no full stop.
    pub summary: &'static str,
    /// Markdown: why it matters and what to do.
    pub docs: &'static str,
    /// A flag file that draws this rule and no other.
    pub bad: &'static str,
    /// The same, mended: draws nothing.
    pub good: &'static str,
    pub check: Check,
}

impl Rule {
    /// The rule of that id.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::position(id).and_then(|at| RULES.get(at).copied())
    }

    /// The id that `wrong` most likely stands for.
    #[must_use]
    pub fn suggest(wrong: &str) -> Option<&'static str> {
        did_you_mean(wrong, RULES.iter().map(|rule| rule.id))
    }

    fn position(id: &str) -> Option<usize> {
        RULES.binary_search_by_key(&id, |rule| rule.id).ok()
    }
}

/// Where a rule looks.
#[derive(Debug)]
pub enum Check {
    /// Found while reading, by `yaml` or `schema`.
    Reader,
    /// One flag at a time.
    Flag(fn(&Flag, &Context, &mut Findings<'_>)),
    /// All flags of all files, by name of the file and place in it.
    Set(fn(&[&Flag], &Context, &mut Findings<'_>)),
}

/// The settings that a flag spells out: its own, and what each environment replaces.
fn all_settings(flag: &Flag) -> impl Iterator<Item = &model::Settings> {
    std::iter::once(&flag.base).chain(flag.overrides().map(|over| &over.settings))
}

/// Findings of one rule that are kept of one file, or of the whole set: a file made of mistakes must
/// not fill the memory.
const MOST: usize = 10_000;
/// No key that is allowed is longer, in bytes.
const LONGEST_KEY: usize = 128;

/// Collects what one rule finds.
pub struct Findings<'a> {
    rule: &'static str,
    severity: Severity,
    /// `None` where all files are looked at together.
    source: Option<&'a Source<'a>>,
    /// How often the rule has fired.
    count: usize,
    out: &'a mut Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    fn new(
        rule: &'static Rule,
        severity: Severity,
        source: Option<&'a Source<'a>>,
        out: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            rule: rule.id,
            severity,
            source,
            count: 0,
            out,
        }
    }

    /// Has the last finding say how many were left out before it.
    fn finish(self) {
        if self.count > MOST
            && let Some(last) = self.out.last_mut()
        {
            let left_out = self.count - MOST;
            last.message
                .push_str(&format!(" ({left_out} like it before are not shown)"));
        }
    }

    /// Reports a finding about `flag` at `span` in its file; details are added to what it returns.
    pub fn report(
        &mut self,
        flag: &Flag,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.count += 1;
        if self.count > MOST {
            self.out.pop();
        }
        let location = Location {
            file: flag.file,
            span,
        };
        let key = &flag.key.value;
        let key = key
            .get(..key.floor_char_boundary(LONGEST_KEY))
            .unwrap_or_default();
        self.out.push(
            Diagnostic::new(self.rule, location, message)
                .with_severity(self.severity)
                .with_flag(key),
        );
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    /// True where the flag has no such field, as opposed to one that could not be read: that has
    /// been reported.
    #[must_use]
    pub fn lacks(&self, flag: &Flag, field: &str) -> bool {
        self.source
            .map_or(flag.complete, |source| source.lacks(flag, field))
    }

    /// What takes out the map entry whose key stands at `key`, comments and layout around it kept;
    /// `None` for the only entry of its map, and where that takes a person.
    #[must_use]
    pub fn without_entry(&self, key: Span) -> Option<Edit> {
        edit::without_entry(self.source?.tree(), key)
    }

    /// What takes out the list item that stands at `item`, as [`Self::without_entry`] does.
    #[must_use]
    pub fn without_item(&self, item: Span) -> Option<Edit> {
        edit::without_item(self.source?.tree(), item)
    }

    /// True where an alias makes what stands at `span` part of something else too: an edit there
    /// changes both.
    #[must_use]
    pub fn is_shared(&self, span: Span) -> bool {
        self.source.is_none_or(|source| source.is_shared(span))
    }

    /// True where all that stands at `span`, the value of one of the flag's fields, is in the
    /// model: nothing of it was refused.
    #[must_use]
    pub fn understood(&self, flag: &Flag, span: Span) -> bool {
        self.source
            .map_or(flag.complete, |source| source.understood(flag, span))
    }
}
