//! What `hoist diff` found, as all its formats take it.

use crate::diagnostic::Diagnostic;
use crate::impact::People;
use crate::plan::diff::{FlagChange, Part};
use crate::plan::{Action, FieldChange, Source};

use super::{Affected, Lint};

/// Two states of the flag set, and what lies between them.
#[derive(Clone, Copy, Debug)]
pub struct Diff<'a> {
    pub base: &'a Side,
    pub head: &'a Side,
    /// Those that were looked at.
    pub environments: &'a [String],
    /// By key.
    pub changes: &'a [Change<'a>],
    pub unchanged: usize,
    /// Flags that could not be compared; by key.
    pub skipped: &'a [&'a str],
    /// What there is to say about the run itself.
    pub notes: &'a [String],
    /// A list of users, and how many of them anything happens to.
    pub affected: Option<&'a Affected>,
    /// Errors in the flag files as they are now.
    pub errors: &'a [Diagnostic],
    /// With those errors, and all risks of the changes.
    pub lint: Lint<'a>,
}

/// One of the two states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// As the user named it; `None` for the work tree.
    pub revision: Option<String>,
    /// In hexadecimal.
    pub commit: Option<String>,
}

/// One flag that differs.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    pub change: FlagChange<'a>,
    /// Where it stands, or stood.
    pub source: Option<Source>,
    /// What each part does to the users of a list; empty without one.
    pub people: Vec<Option<People>>,
    /// What rules about change find, the worst first.
    pub risks: Vec<Diagnostic>,
}

impl Change<'_> {
    /// What the part at `index` does to the users of a list, where that is anything.
    pub(super) fn people(&self, index: usize) -> Option<&People> {
        self.people.get(index)?.as_ref()
    }
}

impl Side {
    /// `main (1a2b3c4d5e6f)`
    #[must_use]
    pub fn name(&self) -> String {
        let commit = self.commit.as_deref();
        let short = commit.map(|id| id.get(..12).unwrap_or(id));
        match (&self.revision, short) {
            (Some(name), Some(short)) if !name.starts_with(short) => format!("{name} ({short})"),
            (Some(_), Some(short)) => short.to_owned(),
            (Some(name), None) => name.clone(),
            (None, _) => "the work tree".to_owned(),
        }
    }
}

impl Diff<'_> {
    /// The worst first, then by key.
    pub(super) fn by_risk(&self) -> Vec<&Change<'_>> {
        let mut changes: Vec<_> = self.changes.iter().collect();
        let worst = |change: &Change<'_>| change.risks.iter().map(|risk| risk.severity).max();
        changes.sort_by_key(|change| std::cmp::Reverse(worst(change)));
        changes
    }

    pub(super) fn count(&self, action: Action) -> usize {
        let of_action = |change: &&Change<'_>| change.change.action() == action;
        self.changes.iter().filter(of_action).count()
    }

    /// "1 created, 2 updated; 12 unchanged"
    pub(super) fn summary(&self) -> String {
        let counts = ACTIONS.map(|(action, verb)| (self.count(action), verb));
        let changes = counted(&counts);
        let changes = if changes.is_empty() {
            "no changes".to_owned()
        } else {
            changes
        };
        let rest = [(self.skipped.len(), "not compared")];
        let rest = counted(&rest);
        let separator = if rest.is_empty() { "" } else { ", " };
        format!("{changes}; {} unchanged{separator}{rest}", self.unchanged)
    }

    /// "1 error, 2 warnings"; nothing where there is nothing to find fault with.
    pub(super) fn findings(&self) -> String {
        let word = |number: usize, one: &'static str, many| if number == 1 { one } else { many };
        let (errors, warnings) = (self.lint.errors(), self.lint.warnings());
        counted(&[
            (errors, word(errors, "error", "errors")),
            (warnings, word(warnings, "warning", "warnings")),
        ])
    }
}

/// What a diff can do to a flag, and how that is told.
pub(super) const ACTIONS: [(Action, &str); 3] = [
    (Action::Create, "created"),
    (Action::Update, "updated"),
    (Action::Delete, "deleted"),
];

fn counted(counts: &[(usize, &str)]) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// The fields that differ in the same way in all of `environments`, and for each part those that do
/// not.
pub(super) fn shared<'a>(
    change: &'a FlagChange<'_>,
    environments: &[String],
) -> (Vec<&'a FieldChange>, Vec<(&'a Part, Vec<&'a FieldChange>)>) {
    let everywhere = change
        .parts
        .iter()
        .map(|part| part.environments.len())
        .sum::<usize>()
        == environments.len();
    let in_all = |field: &FieldChange| {
        everywhere && change.parts.iter().all(|part| part.fields.contains(field))
    };
    let first = change.parts.first().map_or(&[][..], |part| &part.fields);
    let shared = first.iter().filter(|field| in_all(field)).collect();
    let own = change.parts.iter().map(|part| {
        let own = part.fields.iter().filter(|field| !in_all(field));
        (part, own.collect())
    });
    (shared, own.collect())
}
