//! Makes the safe fixes of findings, and keeps only what leaves a file better than it was: texts in,
//! texts out.
//!
//! Fixes are made in rounds, as many at a time as do not touch each other, and what comes out is
//! checked like any file. A fix stays only if its finding is gone then, no error is there that was
//! not there before, and no flag is lost; one that does not keep to that is not made, and told of
//! with the reason.

mod edits;
mod judge;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, FileId, Fix, LineIndex, Position};
use crate::rules::Checked;
use edits::{apart, made};
use judge::{Key, Reach, Sight, judge, key};

pub use judge::fresh;

/// Rounds, one after the other: more than a file needs that somebody wrote.
const ROUNDS: usize = 100;
/// How often one file is checked to find out which of its fixes does harm.
const TRIALS: usize = 500;
/// How many mistakes may hide behind one another.
const HIDDEN: usize = 3;

/// A file with findings that have a fix.
#[derive(Clone, Debug)]
pub struct Text {
    pub file: FileId,
    pub text: String,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Mended {
    pub file: FileId,
    /// As it came.
    pub before: String,
    pub text: String,
    /// In the order in which they were made.
    pub made: Vec<Told>,
    /// What would have done harm.
    pub left: Vec<Left>,
}

/// A fix, as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub rule: &'static str,
    /// Imperative: "write `true`".
    pub title: String,
    /// In the text as it was then.
    pub at: Position,
}

/// A fix that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub fix: Told,
    /// What it would have brought: "`percentage` is 150; it must be between 0 and 100".
    pub harm: String,
}

/// The flag set that files are mended in.
pub struct Set<'a> {
    /// How a file is checked.
    pub check: &'a dyn Fn(FileId, &str) -> Checked,
    /// How all of them are.
    pub together: &'a dyn Fn(&[Checked]) -> Vec<Diagnostic>,
    /// Every file of the set, checked; afterwards with what was mended.
    pub checked: &'a mut Vec<Checked>,
}

/// Mends `texts`, each of which is of a file of the set. Gives them back in the same order, those left
/// out that are not.
#[must_use]
pub fn mend(texts: Vec<Text>, set: Set<'_>) -> Vec<Mended> {
    let mut mender = Mender {
        across: Vec::new(),
        texts: Vec::new(),
        set,
    };
    for text in texts {
        mender.open(text);
    }
    mender.across = mender.look_across();
    for _ in 0..ROUNDS {
        if !mender.round() {
            break;
        }
    }
    mender.texts.into_iter().map(|open| open.mended).collect()
}

struct Mender<'a> {
    texts: Vec<Open>,
    set: Set<'a>,
    /// What was found in the set as a whole.
    across: Vec<Diagnostic>,
}

/// A text under work.
struct Open {
    mended: Mended,
    /// Place of its file among those of the set.
    slot: usize,
    /// Findings whose fix does harm, and the line that each is about.
    refused: HashSet<(Key, String)>,
    /// How often it may still be tried.
    trials: usize,
}

/// A fix that could be made.
#[derive(Clone)]
struct Candidate {
    found: Diagnostic,
    fix: Fix,
}

/// A text as it would be, and what was found then.
struct Trial {
    text: String,
    checked: Checked,
    across: Vec<Diagnostic>,
}

impl Mender<'_> {
    /// Takes a text into work, and checks it as it is now.
    fn open(&mut self, text: Text) {
        let Text { file, text } = text;
        let mut files = self.set.checked.iter();
        let Some(slot) = files.position(|checked| checked.file == file) else {
            return;
        };
        self.swap(slot, (self.set.check)(file, &text));
        self.texts.push(Open {
            mended: Mended {
                file,
                before: text.clone(),
                text,
                made: Vec::new(),
                left: Vec::new(),
            },
            slot,
            refused: HashSet::new(),
            trials: TRIALS,
        });
    }

    /// Puts a file into the set and gives the one that was there.
    fn swap(&mut self, slot: usize, checked: Checked) -> Checked {
        match self.set.checked.get_mut(slot) {
            Some(place) => std::mem::replace(place, checked),
            None => checked,
        }
    }

    fn look_across(&self) -> Vec<Diagnostic> {
        (self.set.together)(self.set.checked)
    }

    /// Makes what can be made now; false where there is nothing.
    fn round(&mut self) -> bool {
        let all = (0..self.texts.len()).map(|at| (at, self.candidates(at)));
        let batches: Vec<_> = all.filter(|(_, batch)| !batch.is_empty()).collect();
        if batches.is_empty() {
            return false;
        }
        if !self.all_at_once(&batches) {
            for (at, batch) in &batches {
                self.those_that_do_no_harm(*at, batch);
            }
        }
        true
    }

    /// The fixes of one text that can be made together.
    fn candidates(&self, at: usize) -> Vec<Candidate> {
        let Some(open) = self.texts.get(at).filter(|open| open.trials > 0) else {
            return Vec::new();
        };
        let own = self.set.checked.get(open.slot).into_iter();
        let own = own.flat_map(|checked| &checked.diagnostics);
        let found = own.chain(&self.across).filter(|found| {
            found.location.file == open.mended.file && !open.refused.contains(&open.name(found))
        });
        candidates(found)
    }

    /// Makes all batches; false, with nothing changed, where that is not better.
    fn all_at_once(&mut self, batches: &[(usize, Vec<Candidate>)]) -> bool {
        let mut texts = Vec::new();
        let mut reach = Reach::new();
        for (at, batch) in batches {
            let Some(open) = self.texts.get(*at) else {
                return false;
            };
            let Some(text) = open.with(batch.iter()) else {
                return false;
            };
            let checked = (self.set.check)(open.mended.file, &text);
            reach.insert(open.mended.file, open.reach(batch, &text));
            texts.push((open.slot, text, checked));
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (slot, text, checked) in texts {
            before.push((slot, self.swap(slot, checked)));
            after.push(text);
        }
        let across = self.look_across();
        let new = before
            .iter()
            .filter_map(|(slot, _)| self.set.checked.get(*slot));
        let fixed = batches.iter().flat_map(|(_, batch)| batch);
        let fixed: Vec<_> = fixed.map(|candidate| &candidate.found).collect();
        let verdict = judge(
            &Sight {
                checked: before.iter().map(|(_, checked)| checked).collect(),
                across: &self.across,
            },
            &Sight {
                checked: new.collect(),
                across: &across,
            },
            &fixed,
            &reach,
        );
        if verdict.is_err() {
            for (slot, checked) in before {
                self.swap(slot, checked);
            }
            return false;
        }
        self.across = across;
        for ((at, batch), text) in batches.iter().zip(after) {
            if let Some(open) = self.texts.get_mut(*at) {
                open.go_on(text, batch);
            }
        }
        true
    }

    /// Makes those of a batch that do no harm, by halving it again and again. Where there is none, one
    /// is made together with what shows behind it, or all are refused.
    fn those_that_do_no_harm(&mut self, at: usize, batch: &[Candidate]) {
        let mut best: Option<Trial> = None;
        let mut good: Vec<Candidate> = Vec::new();
        let mut bad: Vec<(&Candidate, String)> = Vec::new();
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let together = [&good[..], part].concat();
            match (self.try_out(at, &together, &together), part) {
                (Some(Ok(trial)), _) => {
                    best = Some(trial);
                    good = together;
                }
                (Some(Err(harm)), [candidate]) => bad.push((candidate, harm)),
                (Some(Err(_)), part) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                (None, _) => break,
            }
        }
        if let Some(trial) = best {
            // The others come again, and are tried on what is there then.
            return self.take(at, trial, &good);
        }
        for (candidate, harm) in bad {
            if let Some((trial, chain)) = self.chain(at, candidate) {
                return self.take(at, trial, &chain);
            }
            if let Some(open) = self.texts.get_mut(at) {
                open.refuse(candidate, harm);
            }
        }
    }

    /// Checks a text with `made` in it, of which `fixed` are to be gone. The error says what harm it
    /// would do; `None` where there have been enough trials.
    fn try_out(
        &mut self,
        at: usize,
        made: &[Candidate],
        fixed: &[Candidate],
    ) -> Option<Result<Trial, String>> {
        let open = self.texts.get_mut(at)?;
        open.trials = open.trials.checked_sub(1)?;
        let Some(text) = open.with(made.iter()) else {
            return Some(Err("its edits get in each other's way".to_owned()));
        };
        let reach = Reach::from([(open.mended.file, open.reach(made, &text))]);
        let slot = open.slot;
        let checked = (self.set.check)(open.mended.file, &text);
        Some(self.compare(slot, text, checked, fixed, &reach))
    }

    /// Puts a file into the set for a moment, to see what that does.
    fn compare(
        &mut self,
        slot: usize,
        text: String,
        checked: Checked,
        fixed: &[Candidate],
        reach: &Reach,
    ) -> Result<Trial, String> {
        let before = self.swap(slot, checked);
        let across = self.look_across();
        let checked = self.swap(slot, before);
        let before = Sight {
            checked: self.set.checked.get(slot).into_iter().collect(),
            across: &self.across,
        };
        let after = Sight {
            checked: vec![&checked],
            across: &across,
        };
        let fixed: Vec<_> = fixed.iter().map(|candidate| &candidate.found).collect();
        judge(&before, &after, &fixed, reach)?;
        Ok(Trial {
            text,
            checked,
            across,
        })
    }

    /// Makes a fix together with those of the mistakes that show only then: a misspelt field may have
    /// a value that is wrong as well.
    fn chain(&mut self, at: usize, candidate: &Candidate) -> Option<(Trial, Vec<Candidate>)> {
        let open = self.texts.get(at)?;
        let (slot, file) = (open.slot, open.mended.file);
        let before = &self.set.checked.get(slot)?.diagnostics;
        let known: HashSet<Key> = before.iter().map(key).collect();
        let first = std::slice::from_ref(candidate);
        let mut text = open.with(first.iter())?;
        let mut chain = first.to_vec();
        for _ in 0..HIDDEN {
            let checked = (self.set.check)(file, &text);
            let shown = checked.diagnostics.iter();
            let next = candidates(shown.filter(|found| !known.contains(&key(found))));
            if next.is_empty() {
                return None;
            }
            text = with(&text, next.iter())?;
            chain.extend(next);
            let checked = (self.set.check)(file, &text);
            // What shows behind a fix is not told from what it brings: all of it counts.
            if let Ok(trial) = self.compare(slot, text.clone(), checked, first, &Reach::new()) {
                return Some((trial, chain));
            }
        }
        None
    }

    fn take(&mut self, at: usize, trial: Trial, fixed: &[Candidate]) {
        if let Some(open) = self.texts.get_mut(at) {
            let slot = open.slot;
            open.go_on(trial.text, fixed);
            self.swap(slot, trial.checked);
            self.across = trial.across;
        }
    }
}

impl Open {
    /// The text with these fixes made.
    fn with<'c>(&self, fixes: impl Iterator<Item = &'c Candidate>) -> Option<String> {
        with(&self.mended.text, fixes)
    }

    /// Where the last edit of `fixes` ends in `text`, which has all of them made.
    fn reach(&self, fixes: &[Candidate], text: &str) -> u32 {
        let edits = fixes.iter().flat_map(|candidate| &candidate.fix.edits);
        let end = edits.map(|edit| edit.span.end).max().unwrap_or(0);
        let behind = self.mended.text.len().saturating_sub(end as usize);
        u32::try_from(text.len().saturating_sub(behind)).unwrap_or(u32::MAX)
    }

    /// Goes on with `text`, in which `fixed` are made.
    fn go_on(&mut self, text: String, fixed: &[Candidate]) {
        let lines = LineIndex::new(&self.mended.text);
        for candidate in fixed {
            let told = self.tell(candidate, &lines);
            self.mended.made.push(told);
        }
        self.mended.text = text;
    }

    fn refuse(&mut self, candidate: &Candidate, harm: String) {
        let fix = self.tell(candidate, &LineIndex::new(&self.mended.text));
        self.mended.left.push(Left { fix, harm });
        let name = self.name(&candidate.found);
        self.refused.insert(name);
    }

    fn tell(&self, candidate: &Candidate, lines: &LineIndex) -> Told {
        let start = candidate.found.location.span.start;
        Told {
            rule: candidate.found.rule,
            title: candidate.fix.title.clone(),
            at: lines.position(&self.mended.text, start),
        }
    }

    /// What a finding is known by when others around it are mended.
    fn name(&self, found: &Diagnostic) -> (Key, String) {
        let text = &self.mended.text;
        let start = text.floor_char_boundary(found.location.span.start as usize);
        let (before, behind) = text.split_at(start);
        let first = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let last = behind.find(['\n', '\r']).unwrap_or(behind.len());
        let line = text.get(first..start + last).unwrap_or_default();
        (key(found), line.trim().to_owned())
    }
}

fn candidates<'f>(found: impl Iterator<Item = &'f Diagnostic>) -> Vec<Candidate> {
    let owned = |(found, fix): (&Diagnostic, &Fix)| Candidate {
        found: found.clone(),
        fix: fix.clone(),
    };
    apart(found).into_iter().map(owned).collect()
}

fn with<'c>(text: &str, fixes: impl Iterator<Item = &'c Candidate>) -> Option<String> {
    made(text, fixes.flat_map(|candidate| &candidate.fix.edits))
}
