//! Which `hoist-ignore` comments silence nothing, known once all rules have run.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Edit, FileId, Location};

use super::runner::Checked;
use super::suppression::{Ignore, Named, Suppressions};
use super::{Check, Findings, Levels, RULES, Rule};

/// A name in a comment that silences nothing.
pub struct Useless<'a> {
    file: FileId,
    suppressions: &'a Suppressions,
    pub ignore: &'a Ignore,
    at: usize,
    /// Everything in the file that silences nothing.
    told: &'a HashSet<usize>,
}

impl Useless<'_> {
    pub fn location(&self) -> Location {
        Location {
            file: self.file,
            span: self.ignore.span,
        }
    }

    /// What takes it out; true where that is the whole comment, which is left without a name.
    pub fn edit(&self) -> Option<(Edit, bool)> {
        let goes = |at: usize| {
            let ignore = self.suppressions.ignores().get(at);
            self.told.contains(&at) && ignore.is_some_and(Ignore::is_to_go)
        };
        self.suppressions.without(self.at, goes)
    }
}

/// What is known of the run that the comments belong to.
pub struct Run<'a> {
    pub levels: &'a Levels,
    /// Whether every file of the flag set was looked at.
    pub is_whole: bool,
}

impl Run<'_> {
    /// Whether a rule would have been heard, had it found something in a file that is `sound`.
    fn is_heard(&self, rule: &Rule, sound: bool) -> bool {
        let looked = match rule.check {
            Check::Reader | Check::Text(_) | Check::Flag(_) => true,
            Check::Set(_) => self.is_whole,
            // Asked after, once everything else has been; or only where two states are compared.
            Check::Ignores(_) | Check::Change(_) => false,
        };
        looked && sound && self.levels.severity(rule).is_some()
    }
}

/// What silences nothing in one file, where `used` are the names that have hidden a finding of all
/// files together; with the rule that tells of it.
pub fn find(checked: &Checked, used: &HashSet<usize>, run: &Run<'_>) -> Vec<Diagnostic> {
    let suppressions = &checked.suppressions;
    let mut found = Vec::new();
    let of_ignores = |rule: &&&Rule| matches!(rule.check, Check::Ignores(_));
    let rule = RULES.iter().find(of_ignores);
    let Some((rule, severity)) = rule.and_then(|rule| Some((*rule, run.levels.severity(rule)?)))
    else {
        return found;
    };
    let mut used = used.clone();
    let mut told = HashSet::new();
    let mut all_heard = true;
    let names = suppressions.ignores().iter().enumerate();
    let (of_itself, others): (Vec<_>, Vec<_>) = names.partition(|(_, ignore)| ignore.names(rule));
    for (at, ignore) in others {
        let is_useless = match &ignore.named {
            Named::Rule { id, used: hides } => {
                let heard = Rule::find(id).is_some_and(|rule| run.is_heard(rule, checked.is_sound));
                all_heard &= heard;
                heard && !hides && !used.contains(&at)
            }
            _ => true,
        };
        if is_useless {
            match suppressions.find(rule.id, ignore.span.start) {
                Some(silencer) => _ = used.insert(silencer),
                None => _ = told.insert(at),
            }
        }
    }
    if all_heard {
        let of_itself = of_itself.iter().map(|(at, _)| *at);
        told.extend(of_itself.filter(|at| !used.contains(at)));
    }

    let mut findings = Findings::new(rule, severity, None, &mut found);
    if let Check::Ignores(check) = rule.check {
        for (at, ignore) in suppressions.ignores().iter().enumerate() {
            if told.contains(&at) {
                let useless = Useless {
                    file: checked.file,
                    suppressions,
                    ignore,
                    at,
                    told: &told,
                };
                check(&useless, &mut findings);
            }
        }
    }
    findings.finish();
    found
}
