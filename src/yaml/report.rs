//! The findings of one file, bounded in number.

use super::{DUPLICATE, SYNTAX, UNSAFE};
use crate::diagnostic::{Diagnostic, FileId, Location, Span};

/// Findings kept per file; past that they are only counted.
const MAX_FINDINGS: usize = 1_000;

pub(super) struct Report {
    file: FileId,
    found: Vec<Diagnostic>,
    /// How many more there were, with rule and place of the first of them.
    dropped: Option<(usize, &'static str, Location)>,
}

impl Report {
    pub fn new(file: FileId) -> Self {
        Self {
            file,
            found: Vec::new(),
            dropped: None,
        }
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < MAX_FINDINGS {
            self.found.push(diagnostic);
        } else {
            let first = (0, diagnostic.rule, diagnostic.location);
            self.dropped.get_or_insert(first).0 += 1;
        }
    }

    pub fn syntax(&mut self, span: Span, message: impl Into<String>, help: Option<&str>) {
        self.add(SYNTAX, span, message.into(), help);
    }

    pub fn refused(&mut self, span: Span, message: impl Into<String>, help: Option<&str>) {
        self.add(UNSAFE, span, message.into(), help);
    }

    /// The key `name` stands at `second` where it already stood at `first`.
    pub fn duplicate(&mut self, name: &str, first: Span, second: Span) {
        let found = Diagnostic::new(
            DUPLICATE,
            self.at(second),
            format!("key `{name}` stands twice in this mapping"),
        )
        .with_related(self.at(first), "first defined here");
        self.push(found);
    }

    pub fn add(&mut self, rule: &'static str, span: Span, message: String, help: Option<&str>) {
        let mut found = Diagnostic::new(rule, self.at(span), message);
        found.help = help.map(str::to_owned);
        self.push(found);
    }

    fn at(&self, span: Span) -> Location {
        Location {
            file: self.file,
            span,
        }
    }

    /// Takes back what was found at or behind `offset`, which is read once more.
    pub fn forget(&mut self, offset: usize) {
        self.found
            .retain(|found| (found.location.span.start as usize) < offset);
    }

    /// The findings in file order, with one more for those that were too many.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| found.location.span.start);
        if let Some((count, rule, location)) = self.dropped {
            let message =
                format!("{count} more findings about the text of this file are not shown");
            self.found.push(Diagnostic::new(rule, location, message));
        }
        self.found
    }
}
