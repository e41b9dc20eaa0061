//! Runs the rules: over one file, which files in parallel can do, and over the set of all files.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, FileId, Files, LineIndex, Location, Severity};
use crate::model::{self, Flag};
use crate::yaml::{self, NodeId};
use crate::{schema, secret};

use super::text::Text;
use super::{Check, Context, Findings, Levels, Member, Roster, Source, Suppressions, unused};

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
    /// The same flags, as far as others are compared with them.
    pub roster: Roster,
    /// In file order, suppressed ones left out.
    pub diagnostics: Vec<Diagnostic>,
    pub suppressions: Suppressions,
    /// False where reading found errors, so that rules may have missed something.
    pub is_sound: bool,
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
            checked.roster = Roster::new(file, &checked.flags);
            checked.suppressions = Suppressions::read(text, &lines, tree.comments());
            checked.is_sound = found.iter().all(|found| found.severity < Severity::Error);
            let source = Source::new(&tree, &repeats, &found);
            let text = Text {
                file,
                text,
                flags: &checked.flags,
            };
            check_text(&source, settings, &text, &again, &mut found);
            checked.diagnostics = found;
        }
        Err(refused) => checked.diagnostics.push(refused),
    }
    settle(&mut checked, settings);
    checked
}

/// Runs the rules for single flags and for texts, and adds to what reading `found`. `again` are the
/// flags whose keys stand in the file twice.
fn check_text(
    source: &Source<'_>,
    settings: &Settings,
    text: &Text<'_>,
    again: &[Flag],
    found: &mut Vec<Diagnostic>,
) {
    for (rule, severity) in settings.levels.active() {
        let mut findings = Findings::new(rule, severity, Some(source), found);
        match rule.check {
            Check::Flag(check) => {
                for flag in text.flags.iter().chain(again) {
                    check(flag, &settings.context, &mut findings);
                }
            }
            Check::Text(check) => check(text, &settings.context, &mut findings),
            Check::Reader | Check::Set(_) | Check::Ignores(_) | Check::Change(_) => {}
        }
        findings.finish();
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
        settings.levels.apply(found)
            && !suppressions.hide(found.rule, found.location.span.start)
            && settings.levels.tells(found.rule)
    });
    diagnostics.sort_by_key(|found| (found.location, found.rule));
    diagnostics.dedup_by(|later, first| {
        later.rule == first.rule
            && later.location == first.location
            && later.message == first.message
    });
    diagnostics.iter_mut().for_each(keep_secrets);
}

/// Blots out what looks like a secret in all that is said.
pub(super) fn keep_secrets(found: &mut Diagnostic) {
    fn mask(text: &mut String) {
        if let Cow::Owned(masked) = secret::mask(text) {
            *text = masked;
        }
    }
    mask(&mut found.message);
    found.help.iter_mut().for_each(mask);
    found
        .related
        .iter_mut()
        .for_each(|related| mask(&mut related.message));
    if let Some(flag) = &mut found.flag
        && let Cow::Owned(masked) = secret::mask(flag)
    {
        *flag = masked.into();
    }
    if let Some(fix) = &mut found.fix {
        mask(&mut fix.title);
        // What is to be put into a file cannot be blotted out.
        let is_secret = |text: &str| matches!(secret::mask(text), Cow::Owned(_));
        if fix.edits.iter().any(|edit| is_secret(&edit.text)) {
            found.fix = None;
        }
    }
}

/// Runs the rules that look at all flags at once: `checked` is the whole flag set. Their findings are
/// grouped by rule.
#[must_use]
pub fn check_set(checked: &[Checked], files: &Files, settings: &Settings) -> Vec<Diagnostic> {
    check_together(checked, files, settings, true)
}

/// The errors among what [`check_set`] finds, with no more work than they take.
#[must_use]
pub fn check_set_for_errors(
    checked: &[Checked],
    files: &Files,
    settings: &Settings,
) -> Vec<Diagnostic> {
    let is_error = |severity: Option<Severity>| severity == Some(Severity::Error);
    if is_error(settings.levels.severity(&super::unused_ignore::RULE)) {
        // Which comments silence nothing shows once every rule has run.
        let mut found = check_set(checked, files, settings);
        found.retain(|found| found.severity == Severity::Error);
        return found;
    }
    let flags = flags_by_name(checked, files);
    let mut found = find_together(&flags, settings, Severity::Error);
    hide(&mut found, checked);
    found.iter_mut().for_each(keep_secrets);
    found
}

/// The same for some files of a flag set: nothing is said to be missing that may be in the others.
#[must_use]
pub fn check_part(checked: &[Checked], files: &Files, settings: &Settings) -> Vec<Diagnostic> {
    check_together(checked, files, settings, false)
}

fn check_together(
    checked: &[Checked],
    files: &Files,
    settings: &Settings,
    is_whole: bool,
) -> Vec<Diagnostic> {
    let flags = flags_by_name(checked, files);
    let mut diagnostics = find_together(&flags, settings, Severity::Warning);
    let used = hide(&mut diagnostics, checked);
    diagnostics.retain(|found| settings.levels.tells(found.rule));
    let run = unused::Run {
        levels: &settings.levels,
        is_whole,
    };
    let none = HashSet::new();
    for checked in by_name(checked, files) {
        if !checked.suppressions.ignores().is_empty() {
            let used = used.get(&checked.file).unwrap_or(&none);
            diagnostics.extend(unused::find(checked, used, &run));
        }
    }
    diagnostics.iter_mut().for_each(keep_secrets);
    diagnostics
}

fn by_name<'c>(checked: &'c [Checked], files: &Files) -> Vec<&'c Checked> {
    let mut by_name: Vec<&Checked> = checked.iter().collect();
    by_name.sort_by_key(|checked| files.name(checked.file));
    by_name
}

/// The flags of all files, these in the order of their names.
fn flags_by_name<'c>(checked: &'c [Checked], files: &Files) -> Vec<Member<'c>> {
    let mut flags = Vec::with_capacity(checked.iter().map(|checked| checked.roster.len()).sum());
    for checked in by_name(checked, files) {
        flags.extend(checked.roster.members());
    }
    flags
}

/// Runs the rules that look at all flags at once, those only that count for so much at least.
fn find_together(flags: &[Member<'_>], settings: &Settings, least: Severity) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let active = settings.levels.active();
    for (rule, severity) in active.filter(|(_, severity)| *severity >= least) {
        if let Check::Set(check) = rule.check {
            let mut findings = Findings::new(rule, severity, None, &mut diagnostics);
            check(flags, &settings.context, &mut findings);
            findings.finish();
        }
    }
    diagnostics
}

/// Takes out what is suppressed, and gives the names of each file that did it.
fn hide(diagnostics: &mut Vec<Diagnostic>, checked: &[Checked]) -> HashMap<FileId, HashSet<usize>> {
    let mut used: HashMap<FileId, HashSet<usize>> = HashMap::new();
    if diagnostics.is_empty() {
        return used;
    }
    let suppressions: HashMap<FileId, &Suppressions> = checked
        .iter()
        .map(|checked| (checked.file, &checked.suppressions))
        .collect();
    diagnostics.retain(|found| {
        let Location { file, span } = found.location;
        let silencer = suppressions
            .get(&file)
            .and_then(|suppressions| suppressions.find(found.rule, span.start));
        if let Some(silencer) = silencer {
            used.entry(file).or_default().insert(silencer);
        }
        silencer.is_none()
    });
    used
}
