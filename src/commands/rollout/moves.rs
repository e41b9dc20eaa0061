//! What is done to one rollout that is due, where it is still so.

use std::collections::{BTreeMap, HashMap};

use super::lookout::Due;
use crate::commands::site::{Step, Subject, line};
use crate::operate::{self, Draft, Rollout, reminded};
use crate::plan::StopWrite;
use crate::report::operated::{GateAnswer, Line, Outcome};
use crate::report::words;

/// What is said of a flag that a gate holds.
pub(super) const HELD: &str = "held by the gate";

/// Where each rollout was when it was looked at.
pub(super) fn seen(due: &[Due]) -> HashMap<&str, &Rollout> {
    let due = due.iter();
    due.map(|due| (due.flag.as_str(), &due.rollout)).collect()
}

/// A rollout that is still where it was `seen`, and due; else what is said of it.
fn still_due<'s>(
    subject: &'s Subject<'_>,
    seen: Option<&Rollout>,
) -> Result<(Rollout, &'s Draft), Box<Step>> {
    let moved = |said: String| {
        Box::new(Step {
            line: line(subject, Outcome::Moved, said, subject.draft.as_ref()),
            write: None,
        })
    };
    let Some(draft) = &subject.draft else {
        return Err(moved("left alone: its record is gone".to_owned()));
    };
    let record = reminded(draft.record().clone(), subject.noted, subject.now);
    let rollout = Rollout::of(&record).filter(|rollout| {
        let same = seen.is_some_and(|seen| {
            (rollout.stage, rollout.since, &rollout.stages)
                == (seen.stage, seen.since, &seen.stages)
        });
        same && rollout.is_due(subject.now)
    });
    match rollout {
        Some(rollout) => Ok((rollout, draft)),
        None => {
            let state = words::state(&record);
            Err(moved(format!(
                "left alone: somebody else was here, and it is {state}"
            )))
        }
    }
}

/// Moves a flag by one stage, if it is still where it was `seen`.
pub(super) fn advance(subject: &Subject<'_>, seen: Option<&Rollout>) -> Step {
    let (rollout, draft) = match still_due(subject, seen) {
        Ok(due) => due,
        Err(step) => return *step,
    };
    match operate::advance(draft, rollout.stage + 1, subject.now) {
        Ok(after) => Step {
            line: line(
                subject,
                Outcome::Advanced,
                words::moved(&rollout, &after),
                Some(&after),
            ),
            write: Some(subject.write(Some(&after), StopWrite::Keep)),
        },
        Err(error) => Step {
            line: line(
                subject,
                Outcome::Held,
                format!("held: it {error}"),
                Some(draft),
            ),
            write: None,
        },
    }
}

/// Writes nothing but that a gate holds it.
pub(super) fn hold(subject: &Subject<'_>, seen: Option<&Rollout>) -> Step {
    match still_due(subject, seen) {
        Ok((_, draft)) => Step {
            line: line(subject, Outcome::Held, HELD.to_owned(), Some(draft)),
            write: Some(subject.write(None, StopWrite::Keep)),
        },
        Err(step) => *step,
    }
}

/// A line about a flag that nothing is done to.
pub(super) fn looked_at(flag: String, outcome: Outcome, said: String) -> Line {
    Line {
        flag,
        outcome,
        said,
        before: None,
        after: None,
        gate: None,
    }
}

pub(super) fn flags(due: &[Due]) -> Vec<String> {
    due.iter().map(|due| due.flag.clone()).collect()
}

/// What gates printed, for the history.
pub(super) fn notes(
    due: &[Due],
    answers: &HashMap<String, GateAnswer>,
) -> BTreeMap<String, String> {
    let output = |due: &Due| {
        let output = &answers.get(&due.flag)?.output;
        (!output.is_empty()).then(|| (due.flag.clone(), output.clone()))
    };
    due.iter().filter_map(output).collect()
}
