//! The linter's rules: what one is, the list of them, and the runner.
//!
//! A rule is one file below `rules/`: its prose, its examples, its check. The runner owns every
//! loop; severity, suppression and output are none of a rule's business.

use jiff::civil::Date;

use crate::diagnostic::{Diagnostic, FileId, Location, Severity, Span};
use crate::model::Flag;

/// How a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    Off,
    Warning,
    Error,
}

/// One rule, as one static value.
pub struct Rule {
    /// Names the offending pattern: `variant-sum`. Part of the public contract.
    pub id: &'static str,
    pub level: Level,
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

/// Where a rule looks.
pub enum Check {
    /// Found while reading, by `yaml` or `schema`.
    Reader,
    /// One flag at a time.
    Flag(fn(&Flag, &Context, &mut Findings<'_>)),
    /// All flags of all files.
    Set(fn(&[&Flag], &Context, &mut Findings<'_>)),
}

/// What rules may know besides the flags.
#[derive(Clone, Debug)]
pub struct Context {
    pub today: Date,
    /// Environments of hoist.toml.
    pub environments: Vec<String>,
    pub max_flag_age_days: u32,
    /// In percentage points.
    pub max_step: f64,
}

/// Collects what one rule finds.
pub struct Findings<'a> {
    rule: &'static str,
    severity: Severity,
    out: &'a mut Vec<Diagnostic>,
}

impl Findings<'_> {
    /// Reports a finding about `flag` at `span` in its file; details are added to what it returns.
    pub fn report(&mut self, flag: &Flag, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.out.push(
            Diagnostic::new(self.rule, Location { file: flag.file, span }, message)
                .with_severity(self.severity)
                .with_flag(&flag.key.value),
        );
        let last = self.out.len() - 1;
        &mut self.out[last]
    }
}

/// What came of reading and checking one file by itself.
#[derive(Debug, Default)]
pub struct Checked {
    pub file: FileId,
    pub flags: Vec<Flag>,
    pub diagnostics: Vec<Diagnostic>,
    pub suppressions: Vec<Suppression>,
}

/// A `# hoist-ignore` comment: these rules say nothing where they start within `span`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    pub span: Span,
    pub rules: Vec<Box<str>>,
}
