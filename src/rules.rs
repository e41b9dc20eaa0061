//! The linter's rules: what one is, and the list of them.
//!
//! A rule is one file below `rules/`: its prose, its examples, its check. The runner owns every
//! loop; severity, suppression and output are none of a rule's business.

pub mod change;

mod config;
mod context;
mod edit;
mod explain;
mod keys;
mod levels;
mod roster;
mod runner;
mod source;
mod suppression;
mod text;
mod unused;
mod weights;
mod wording;

mod abrupt_rollout;
mod ambiguous_number;
mod born_on;
mod changed_kind;
mod changed_salt;
mod complex_flag;
mod conflicting_exposure;
mod date_order;
mod distant_expiry;
mod duplicate_entry;
mod duplicate_flag;
mod duplicate_key;
mod edited_experiment;
mod edited_live_stage;
mod expired;
mod forced_twice;
mod idle_duration;
mod inert_flag;
mod jumped_rollout;
mod key_style;
mod lone_variant;
mod long_experiment;
mod lowered_percentage;
mod missing_control;
mod missing_description;
mod missing_expiry;
mod missing_owner;
mod mixed_values;
mod negative_key;
mod personal_data;
mod postponed_expiry;
mod rare_group;
mod redundant_list;
mod removed_live;
mod reshuffled_variants;
mod reused_key;
mod rollout_past_expiry;
mod rushed_stage;
mod schema;
mod secret_value;
mod shadowed_environment;
mod shared_salt;
mod similar_key;
mod stage_order;
mod stale_flag;
mod undescriptive_key;
mod unfinished_rollout;
mod unknown_environment;
mod unknown_field;
mod unknown_variant;
mod unsafe_yaml;
mod unused_ignore;
mod variant_sum;
mod yaml_syntax;
mod zero_weight;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Diagnostic, Edit, Location, Severity, Span, did_you_mean};
use crate::model::{self, Flag, InForce, Override};
use change::Transition;
use source::Source;
use text::Text;
use unused::Useless;

pub use config::RULE as CONFIG;
pub use context::{Context, KeyStyle, Limits};
pub use edit::without_entry;
pub use explain::{explain, markdown, reference};
pub use levels::{LevelError, Levels};
pub use roster::{Member, Roster};
pub use runner::{Checked, Settings, check_file, check_part, check_set, check_set_for_errors};
pub use suppression::Suppressions;
pub use unknown_environment::meant_environment;

/// Every rule, by id.
pub static RULES: &[&Rule] = &[
    &abrupt_rollout::RULE,
    &ambiguous_number::RULE,
    &born_on::RULE,
    &changed_kind::RULE,
    &changed_salt::RULE,
    &complex_flag::RULE,
    &conflicting_exposure::RULE,
    &date_order::RULE,
    &distant_expiry::RULE,
    &duplicate_entry::RULE,
    &duplicate_flag::RULE,
    &duplicate_key::RULE,
    &edited_experiment::RULE,
    &edited_live_stage::RULE,
    &expired::RULE,
    &forced_twice::RULE,
    &idle_duration::RULE,
    &inert_flag::RULE,
    &jumped_rollout::RULE,
    &key_style::RULE,
    &lone_variant::RULE,
    &long_experiment::RULE,
    &lowered_percentage::RULE,
    &missing_control::RULE,
    &missing_description::RULE,
    &missing_expiry::RULE,
    &missing_owner::RULE,
    &mixed_values::RULE,
    &negative_key::RULE,
    &personal_data::RULE,
    &postponed_expiry::RULE,
    &rare_group::RULE,
    &redundant_list::RULE,
    &removed_live::RULE,
    &reshuffled_variants::RULE,
    &reused_key::RULE,
    &rollout_past_expiry::RULE,
    &rushed_stage::RULE,
    &schema::RULE,
    &secret_value::RULE,
    &shadowed_environment::RULE,
    &shared_salt::RULE,
    &similar_key::RULE,
    &stage_order::RULE,
    &stale_flag::RULE,
    &undescriptive_key::RULE,
    &unfinished_rollout::RULE,
    &unknown_environment::RULE,
    &unknown_field::RULE,
    &unknown_variant::RULE,
    &unsafe_yaml::RULE,
    &unused_ignore::RULE,
    &variant_sum::RULE,
    &yaml_syntax::RULE,
    &zero_weight::RULE,
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
    /// A flag file that draws this rule and no other. For a rule about change it has several states,
    /// below lines `# before` and `# after`, and `# earlier` for those before that.
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

    /// True for what only two states show, which are compared by `hoist diff` and `hoist plan`.
    #[must_use]
    pub fn is_about_change(&self) -> bool {
        matches!(self.check, Check::Change(_))
    }

    fn position(id: &str) -> Option<usize> {
        RULES.binary_search_by_key(&id, |rule| rule.id).ok()
    }
}

/// Where a rule looks.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Found while reading, by `yaml` or `schema`.
    Reader,
    /// The text of one file at a time, comments included.
    Text(fn(&Text<'_>, &Context, &mut Findings<'_>)),
    /// One flag at a time.
    Flag(fn(&Flag, &Context, &mut Findings<'_>)),
    /// Comments that silence nothing, once all other rules have run.
    Ignores(fn(&Useless<'_>, &mut Findings<'_>)),
    /// All flags of all files, by name of the file and place in it.
    Set(fn(&[Member<'_>], &Context, &mut Findings<'_>)),
    /// One flag in two states: what `hoist diff` and `hoist plan` show.
    Change(fn(&Transition<'_>, &Context, &mut Findings<'_>)),
}

/// The settings that a flag spells out: its own, and what each environment replaces.
fn all_settings(flag: &Flag) -> impl Iterator<Item = &model::Settings> {
    std::iter::once(&flag.base).chain(flag.overrides().map(|over| &over.settings))
}

/// Whether the flag compares variants, by itself or in one of its environments.
fn is_experiment(flag: &Flag) -> bool {
    all_settings(flag).any(|settings| compares(settings.variants.as_deref()))
}

/// Whether there is more than one: a lone variant asks no question.
fn compares(variants: Option<&model::Field<Vec<model::Variant>>>) -> bool {
    variants.is_some_and(|variants| variants.value.len() > 1)
}

/// A place where a flag has settings.
#[derive(Clone, Copy)]
struct Place<'f> {
    /// `None` where no environment says otherwise.
    over: Option<&'f Override>,
    /// What is written there itself.
    own: &'f model::Settings,
    in_force: InForce<'f>,
}

impl Place<'_> {
    /// " in `staging`", or nothing.
    fn named(self) -> String {
        let over = self.over;
        over.map_or_else(String::new, |over| {
            format!(" in {}", wording::quote(&over.environment.value))
        })
    }
}

/// The flag itself, then each environment that it has settings for.
fn places(flag: &Flag) -> impl Iterator<Item = Place<'_>> {
    let own = Place {
        over: None,
        own: &flag.base,
        in_force: flag.base_in_force(),
    };
    let overrides = flag.overrides().map(|over| Place {
        over: Some(over),
        own: &over.settings,
        in_force: flag.in_force_with(over),
    });
    std::iter::once(own).chain(overrides)
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
        self.add(flag.at(span), Some(&flag.key.value), message.into())
    }

    /// Reports a finding about a flag among others, as [`Self::report`] does.
    pub fn report_member(
        &mut self,
        flag: Member<'_>,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(flag.at(span), Some(flag.key()), message.into())
    }

    /// Reports a finding at `span` of a text, about the flag that it lies in, if it does in one.
    pub fn report_in(
        &mut self,
        text: &Text<'_>,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let around = text.flag_around(span.start as usize);
        let flag = around.filter(|flag| span.start <= flag.span.end);
        let key = flag.map(|flag| &*flag.key.value);
        self.add(text.at(span), key, message.into())
    }

    /// Reports a finding that belongs to no flag.
    pub fn report_at(&mut self, location: Location, message: impl Into<String>) -> &mut Diagnostic {
        self.add(location, None, message.into())
    }

    fn add(&mut self, location: Location, flag: Option<&str>, message: String) -> &mut Diagnostic {
        self.count += 1;
        if self.count > MOST {
            self.out.pop();
        }
        let mut found = Diagnostic::new(self.rule, location, message).with_severity(self.severity);
        if let Some(key) = flag {
            let key = key.get(..key.floor_char_boundary(LONGEST_KEY));
            found = found.with_flag(key.unwrap_or_default());
        }
        self.out.push(found);
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    /// Reports a finding about a change, at `span` of the file that has the flag after it. Without a
    /// place it is about the key; that of a flag that is gone stands where it was.
    fn report_change(
        &mut self,
        change: &Transition<'_>,
        span: Option<Span>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let span = span.filter(|_| change.new.is_some());
        if let Some(flag) = change.new.or(change.old) {
            return self.report(flag, span.unwrap_or(flag.key.span), message);
        }
        self.out.push(
            Diagnostic::new(self.rule, Location::default(), message)
                .with_severity(self.severity)
                .with_flag(change.key),
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

    /// True where an alias makes what stands at `part` of something else too, and not all of what
    /// stands at `whole`, which it is part of.
    #[must_use]
    pub fn is_shared_within(&self, whole: Span, part: Span) -> bool {
        self.source
            .is_none_or(|source| source.is_shared_within(whole, part))
    }

    /// True where all that stands at `span`, the value of one of the flag's fields, is in the
    /// model: nothing of it was refused.
    #[must_use]
    pub fn understood(&self, flag: &Flag, span: Span) -> bool {
        self.source
            .map_or(flag.complete, |source| source.understood(flag, span))
    }
}
