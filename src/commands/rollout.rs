//! `hoist rollout`

use std::collections::{BTreeMap, HashMap};

use super::commit::actor;
use super::kill::reason;
use super::site::{Site, Step, Subject, Why, line, once_each, refuse_frozen};
use super::{Colors, Ending, Failure, print_operated};
use crate::cli::{Advance, Global, Pause, Resume, Rollout as Args, RolloutCommand};
use crate::operate::{self, Draft, Rollout, State, Unfit, next_stage};
use crate::plan::StopWrite;
use crate::report::operated::Outcome;
use crate::report::words;

mod due;
mod gate;
mod hold;
mod lookout;
mod lost;
mod moves;
mod status;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    match &args.command {
        RolloutCommand::Status(args) => status::run(global, args, colors),
        RolloutCommand::Advance(args) if args.due => due::run(global, args, colors),
        RolloutCommand::Advance(args) => advance(global, args, colors),
        RolloutCommand::Pause(args) => pause(global, args, colors),
        RolloutCommand::Resume(args) => resume(global, args, colors),
    }
}

/// Moves flags by name.
fn advance(global: &Global, args: &Advance, colors: Colors) -> Result<Ending, Failure> {
    let flags = once_each(&args.flags);
    let mut site = Site::open(global, None, colors)?;
    let policy = site.policy.clone();
    let why = Why {
        source: "advance",
        reason: args.reason.as_deref(),
        notes: BTreeMap::new(),
    };
    let mut aims = HashMap::new();
    let done = site.carry_out(&flags, &why, |subject| {
        if !args.ignore_freeze {
            refuse_frozen(&policy, subject.now)?;
        }
        advance_one(subject, args, &mut aims)
    })?;
    print_operated(&site.operated(&done, Vec::new()), args.format, colors)?;
    done.ending()
}

/// Where a flag was when it was first looked at, and where it is to go: where a commit is tried again,
/// it goes no further than that.
struct Aim {
    seen: Rollout,
    to: usize,
}

fn advance_one(
    subject: &Subject<'_>,
    args: &Advance,
    aims: &mut HashMap<String, Aim>,
) -> Result<Step, Failure> {
    let refuse = |error: Unfit| subject.unfit(&error);
    let (draft, rollout) = rollout(subject)?;
    let Some(aim) = aims.get(subject.flag) else {
        let to = next_stage(&rollout, args.to, args.back).map_err(refuse)?;
        let seen = rollout.clone();
        aims.insert(subject.flag.to_owned(), Aim { seen, to });
        return move_to(subject, draft, &rollout, to, args.dry_run);
    };
    let same_stages = aim.seen.stages == rollout.stages;
    if same_stages && rollout.stage == aim.to && aim.seen.stage != aim.to {
        // By the commit whose answer was lost, or by somebody who wanted the same.
        let said = at_stage_words(&rollout);
        let line = line(subject, Outcome::Advanced, said, Some(draft));
        return Ok(Step { line, write: None });
    }
    if !same_stages || rollout.stage != aim.seen.stage {
        let failure = format!("`{}` was moved by somebody else meanwhile", subject.flag);
        return Err(Failure::refused(failure)
            .hint("nothing was written; look at it with `hoist rollout status`"));
    }
    // It may have been paused or switched off since.
    rollout.can_move().map_err(refuse)?;
    move_to(subject, draft, &rollout, aim.to, args.dry_run)
}

fn move_to(
    subject: &Subject<'_>,
    draft: &Draft,
    rollout: &Rollout,
    to: usize,
    dry_run: bool,
) -> Result<Step, Failure> {
    if to == rollout.stage {
        let line = line(
            subject,
            Outcome::AtStage,
            at_stage_words(rollout),
            Some(draft),
        );
        return Ok(Step { line, write: None });
    }
    let after = operate::advance(draft, to, subject.now).map_err(|error| subject.unfit(&error))?;
    let said = words::moved(rollout, &after);
    if dry_run {
        let said = format!("would be moved: {said}");
        let line = line(subject, Outcome::Due, said, Some(&after));
        return Ok(Step { line, write: None });
    }
    Ok(Step {
        line: line(subject, Outcome::Advanced, said, Some(&after)),
        write: Some(subject.write(Some(&after), StopWrite::Keep)),
    })
}

fn at_stage_words(rollout: &Rollout) -> String {
    let (stage, stages) = (rollout.stage + 1, rollout.stages.len());
    let share = words::share(rollout.percentage);
    format!("is at stage {stage} of {stages}: {share}")
}

/// The record of a flag and the rollout that it is. One that is stopped has to be restored first.
fn rollout<'s>(subject: &'s Subject<'_>) -> Result<(&'s Draft, Rollout), Failure> {
    let draft = subject.draft.as_ref().ok_or_else(|| {
        Failure::refused(format!("`{}` has no record in the store", subject.flag))
            .hint("the next `hoist apply` puts it back")
    })?;
    let record = operate::reminded(draft.record().clone(), subject.noted, subject.now);
    let rollout = Rollout::of(&record).ok_or_else(|| subject.unfit(&Unfit::NoRollout))?;
    match rollout.state {
        State::Stopped(stop) => Err(subject.unfit(&Unfit::Stopped(stop))),
        _ => Ok((draft, rollout)),
    }
}

fn pause(global: &Global, args: &Pause, colors: Colors) -> Result<Ending, Failure> {
    let flags = once_each(&args.flags);
    let call = format!("hoist rollout pause {}", flags.join(" "));
    let reason = reason(args.reason.as_deref(), &call)?;
    let mut site = Site::open(global, None, colors)?;
    let actor = actor();
    let why = Why {
        source: "pause",
        reason: Some(reason),
        notes: BTreeMap::new(),
    };
    let done = site.carry_out(&flags, &why, |subject| {
        let (draft, rollout) = rollout(subject)?;
        let (stage, stages) = (rollout.stage + 1, rollout.stages.len());
        match operate::pause(draft, reason, actor.as_deref(), subject.now) {
            Ok(after) => {
                let said = format!(
                    "paused at stage {stage} of {stages}: {}",
                    words::share(rollout.percentage)
                );
                Ok(Step {
                    line: line(subject, Outcome::Paused, said, Some(&after)),
                    write: Some(subject.write(Some(&after), StopWrite::Keep)),
                })
            }
            Err(Unfit::Paused(pause)) => {
                let said = format!("paused already{}", words::of_pause(&pause));
                let line = line(subject, Outcome::AlreadyPaused, said, Some(draft));
                Ok(Step { line, write: None })
            }
            Err(error) => Err(subject.unfit(&error)),
        }
    })?;
    print_operated(&site.operated(&done, Vec::new()), args.format, colors)?;
    done.ending()
}

fn resume(global: &Global, args: &Resume, colors: Colors) -> Result<Ending, Failure> {
    let flags = once_each(&args.flags);
    let mut site = Site::open(global, None, colors)?;
    let why = Why {
        source: "resume",
        reason: args.reason.as_deref(),
        notes: BTreeMap::new(),
    };
    let done = site.carry_out(&flags, &why, |subject| {
        let (draft, _) = rollout(subject)?;
        match operate::resume(draft, subject.now) {
            Ok(after) => {
                let going = Rollout::of(after.record());
                let going = going.map(|rollout| words::progress(&rollout, subject.now));
                let said = format!("goes on: {}", going.unwrap_or_default());
                Ok(Step {
                    line: line(subject, Outcome::Resumed, said, Some(&after)),
                    write: Some(subject.write(Some(&after), StopWrite::Keep)),
                })
            }
            Err(Unfit::NotPaused) => {
                let said = format!("was not paused: {}", words::state(draft.record()));
                let line = line(subject, Outcome::NotPaused, said, Some(draft));
                Ok(Step { line, write: None })
            }
            Err(error) => Err(subject.unfit(&error)),
        }
    })?;
    print_operated(&site.operated(&done, Vec::new()), args.format, colors)?;
    done.ending()
}
