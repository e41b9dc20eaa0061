//! `hoist restore`

use std::collections::BTreeMap;

use super::site::{Site, Step, Subject, Why, line, once_each, refuse_frozen};
use super::{Colors, Ending, Failure, print_operated};
use crate::cli::{Global, Restore as Args};
use crate::operate::{self, Draft, Unfit, says};
use crate::plan::StopWrite;
use crate::report::operated::Outcome;
use crate::report::words;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let flags = once_each(&args.flags);
    let mut site = Site::open(global, args.prefix.as_deref(), colors)?;
    let policy = site.policy.clone();
    let why = Why {
        source: "restore",
        reason: args.reason.as_deref(),
        notes: BTreeMap::new(),
    };
    let done = site.carry_out(&flags, &why, |subject| {
        let step = restore(subject, args)?;
        if step.write.is_some() && !args.ignore_freeze {
            refuse_frozen(&policy, subject.now)?;
        }
        Ok(step)
    })?;
    print_operated(&site.operated(&done, Vec::new()), args.format, colors)?;
    done.ending()
}

fn restore(subject: &Subject<'_>, args: &Args) -> Result<Step, Failure> {
    let over = match subject.noted {
        Some(_) => StopWrite::Clear,
        None => StopWrite::Keep,
    };
    let Some(draft) = &subject.draft else {
        return if args.at_stage.is_some() {
            Err(subject.unfit(&Unfit::NoRollout))
        } else {
            Ok(without_record(subject, over))
        };
    };
    let applied = subject.applied;
    match operate::restore(draft, applied, subject.noted, args.at_stage, subject.now) {
        Ok(after) => Ok(Step {
            line: line(
                subject,
                Outcome::Restored,
                restored(subject, draft, &after),
                Some(&after),
            ),
            write: Some(subject.write(Some(&after), over)),
        }),
        Err(Unfit::NotStopped) if args.at_stage.is_none() => {
            let said = format!("was not stopped: {}", words::state(draft.record()));
            Ok(Step {
                line: line(subject, Outcome::NotStopped, said, Some(draft)),
                // Somebody else has ended it, and the bookkeeping does not know.
                write: subject.noted.map(|_| subject.write(None, over)),
            })
        }
        Err(error) => Err(subject.unfit(&error)),
    }
}

/// Only the bookkeeping knows of the stop of a flag that has no record.
fn without_record(subject: &Subject<'_>, over: StopWrite) -> Step {
    let (outcome, said) = match subject.noted {
        Some(_) => (
            Outcome::Restored,
            "restored: it has no record, and is what git has it be when a sync puts it back",
        ),
        None => (
            Outcome::NotStopped,
            "was not stopped: it has no record, until a sync puts it back",
        ),
    };
    Step {
        line: line(subject, outcome, said.to_owned(), None),
        write: subject.noted.map(|_| subject.write(None, over)),
    }
}

fn restored(subject: &Subject<'_>, before: &Draft, after: &Draft) -> String {
    let state = words::state(after.record());
    let git = says(before.record(), subject.applied);
    let as_what = match (after.record().spec.enabled(), git) {
        (true, _) => "",
        (false, Some(_)) => ", as git has it",
        (false, None) => ", as it was before",
    };
    let drift = match (subject.applied, git) {
        (Some(_), None) => "; it was changed in the store too, which the next apply puts right",
        _ => "",
    };
    format!("restored: {state}{as_what}{drift}")
}
