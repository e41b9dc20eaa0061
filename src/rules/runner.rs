//! Runs the rules: over one file, which files in parallel can do, and over the set of all files.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, FileId, Files, LineIndex, Location};
use crate::model::{self, Flag};
use crate::schema;
use crate::yaml::{self, NodeId};

use super::{Check, Context, Findings, Levels, Source, Suppressions};

/// What a run of the rules is given besides the files.
#[derive(Clone, Debug)]
pub struct Settings {
    pub context: Context,
    pub levels: Levels,
}

/// What came of reading and checking one file by itself.
#[derive(Debug, Default)]
pub struct Checked {
    pub file: FileId,
    /// In file order.
    pub flags: Vec<Flag>,
    /// In file order, suppressed ones left out.
    pub diagnostics: Vec<Diagnostic>,
    pub suppressions: Suppressions,
}

/// Reads one file and runs the rules that look at one flag at a time. Nothing of the text is kept.
#[must_use]
pub fn check_file(file: FileId, bytes: &[u8], settings: &Settings) -> Checked {
    let mut checked = Checked {
        file,
        ..Checked::default()
    };
    match yaml::decode(file, bytes) {
        Ok(text) => {
            let (mut tree, mut found) = yaml::parse(file, text);
            // What stands twice is told of by the reader, and what is wrong in the second is not
            // kept back until then.
            let repeats = tree.repeats("flags");
            // What could not be read is empty to the schema, which is no second mistake.
            let unread: HashSet<Location> = found.iter().map(|found| found.location).collect();
            let lines = LineIndex::new(text);
            let mut read = |documents: &[NodeId]| {
                let mut flags = Vec::new();
                for document in documents {
                    let refused = schema::validate(file, &tree, *document).into_iter();
                    found.extend(refused.filter(|refused| !unread.contains(&refused.location)));
                    flags.extend(model::flags(file, &tree, &lines, *document));
                }
                flags
            };
            checked.flags = read(tree.documents());
            let again = read(&repeats);
            checked.suppressions = Suppressions::read(text, &lines, tree.comments());
            let source = Source::new(&tree, &repeats, &found);
            check_flags(&source, settings, &[&checked.flags, &again], &mut found);
            checked.diagnostics = found;
        }
        Err(refused) => checked.diagnostics.push(refused),
    }
    settle(&mut checked, settings);
    checked
}

/// Runs the rules for single flags, and adds to what reading `found`.
fn check_flags(
    source: &Source<'_>,
    settings: &Settings,
    flags: &[&[Flag]],
    found: &mut Vec<Diagnostic>,
) {
    for (rule, severity) in settings.levels.active() {
        if let Check::Flag(check) = rule.check {
            let mut findings = Findings::new(rule, severity, Some(source), found);
            for flag in flags.iter().copied().flatten() {
                check(flag, &settings.context, &mut findings);
            }
            findings.finish();
        }
    }
}

/// Takes out what is turned off or suppressed, and puts the rest in file order. What several flags
/// share through an alias is one mistake, so it is told once.
fn settle(checked: &mut Checked, settings: &Settings) {
    let Checked {
        diagnostics,
        suppressions,
        ..
    } = checked;
    diagnostics.retain_mut(|found| {
        settings.levels.apply(found) && !suppressions.hide(found.rule, found.location.span.start)
    });
    diagnostics.sort_by_key(|found| (found.location, found.rule));
    diagnostics.dedup_by(|later, first| {
        later.rule == first.rule
            && later.location == first.location
            && later.message == first.message
    });
}

/// Runs the rules that look at all flags at once. Their findings are grouped by rule.
#[must_use]
pub fn check_set(checked: &[Checked], files: &Files, settings: &Settings) -> Vec<Diagnostic> {
    let mut by_name: Vec<&Checked> = checked.iter().collect();
    by_name.sort_by_key(|checked| files.name(checked.file));
    let flags: Vec<&Flag> = by_name.iter().flat_map(|checked| &checked.flags).collect();

    let mut diagnostics = Vec::new();
    for (rule, severity) in settings.levels.active() {
        if let Check::Set(check) = rule.check {
            let mut findings = Findings::new(rule, severity, None, &mut diagnostics);
            check(&flags, &settings.context, &mut findings);
            findings.finish();
        }
    }
    if !diagnostics.is_empty() {
        let suppressions: HashMap<FileId, &Suppressions> = checked
            .iter()
            .map(|checked| (checked.file, &checked.suppressions))
            .collect();
        diagnostics.retain(|found| {
            suppressions
                .get(&found.location.file)
                .is_none_or(|file| !file.hide(found.rule, found.location.span.start))
        });
    }
    diagnostics
}
