//! What rules about change find in a plan, where the store shows what is live.

use rayon::prelude::*;

use super::{Action, Change, Expect, Plan, RecordWrite, Write};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Flag;
use crate::record::Record;
use crate::rules::change::{Group, Past, Removal, Transition, check_change};
use crate::rules::{Settings, Suppressions};

/// A flag as the files have it, with what comments in its file silence.
pub type Written<'f> = (&'f Flag, &'f Suppressions);

impl Plan {
    /// Looks for what is risky about each change, and keeps it with the change. `written` gives the
    /// flags of the flag set by key. Whatever is found stops nobody: it is there to be read.
    pub fn find_risks<'f>(
        &mut self,
        written: impl Fn(&str) -> Option<Written<'f>> + Sync,
        settings: &Settings,
    ) {
        let environments = [self.environment.clone()];
        // Every flag is new to a store that never had any.
        let first = self.store.generation == 0;
        let is_new = |change: &Change| change.action == Action::Create && change.removed.is_none();
        self.changes.par_iter_mut().for_each(|change| {
            if !(first && is_new(change)) {
                change.risks = risks(change, &environments, &written, settings);
            }
        });
    }

    /// How many risks of that severity there are.
    #[must_use]
    pub fn risks(&self, severity: Severity) -> usize {
        let risks = self.changes.iter().flat_map(|change| &change.risks);
        risks.filter(|risk| risk.severity == severity).count()
    }
}

fn risks<'f>(
    change: &Change,
    environments: &[String],
    written: &(impl Fn(&str) -> Option<Written<'f>> + Sync),
    settings: &Settings,
) -> Vec<Diagnostic> {
    // What is put back, adopted or forgotten changes nothing for anybody.
    let (before, after) = match change.action {
        Action::Create => (None, after(&change.write)),
        Action::Update | Action::Drift | Action::Conflict => {
            match (before(&change.write), after(&change.write)) {
                (Some(before), Some(after)) => (Some(before), Some(after)),
                _ => return Vec::new(),
            }
        }
        Action::Delete => (before(&change.write), None),
        Action::Adopt | Action::Forget => return Vec::new(),
    };
    let past = Past {
        removed: change.removed.as_ref().map(|removed| Removal::Generation {
            generation: removed.generation,
            at: removed.at,
        }),
        ..Past::default()
    };
    let written = written(change.flag());
    let transition = Transition {
        key: change.flag(),
        environment: environments.first().map_or("", String::as_str),
        before: before.as_ref(),
        after: after.as_ref(),
        live: true,
        old: None,
        new: written.map(|(flag, _)| flag),
        past: &past,
    };
    let group = Group {
        transition,
        environments,
    };
    let suppressions = written.map(|(_, suppressions)| suppressions);
    check_change(&[group], environments.len(), settings, suppressions)
}

fn before(write: &Write) -> Option<Record> {
    match &write.expect {
        Expect::Value(bytes) => Record::parse(bytes).ok(),
        Expect::Absent | Expect::Any => None,
    }
}

fn after(write: &Write) -> Option<Record> {
    match &write.record {
        RecordWrite::Set(bytes) => Record::parse(bytes).ok(),
        RecordWrite::Keep => before(write),
        RecordWrite::Delete => None,
    }
}
