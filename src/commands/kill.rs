//! `hoist kill`

use std::collections::BTreeMap;

use super::site::{Site, Step, Subject, Why, once_each};
use super::{Colors, Ending, Failure, print_operated};
use crate::cli::{Global, Kill as Args};
use crate::operate::{self, Draft, says};
use crate::plan::StopWrite;
use crate::record::Stop;
use crate::report::operated::{Line, Outcome};
use crate::report::words;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let flags = once_each(&args.flags);
    let reason = reason(
        args.reason.as_deref(),
        &format!("hoist kill {}", flags.join(" ")),
    )?;
    let mut site = Site::open(global, args.prefix.as_deref(), colors)?;
    let actor = super::commit::actor();
    let why = Why {
        source: "kill",
        reason: Some(reason),
        notes: BTreeMap::new(),
    };
    let done = site.carry_out(&flags, &why, |subject| {
        Ok(stop(subject, reason, actor.as_deref()))
    })?;
    let advice = format!(
        "Nothing that is applied turns {} on again; `hoist restore {}{}` does.",
        if flags.len() == 1 { "it" } else { "them" },
        flags.join(" "),
        site.named
    );
    print_operated(&site.operated(&done, vec![advice]), args.format, colors)?;
    done.ending()
}

/// The reason that was given; one that is missing or empty is asked for, with an example of `call`.
pub(super) fn reason<'r>(given: Option<&'r str>, call: &str) -> Result<&'r str, Failure> {
    given
        .map(str::trim)
        .filter(|reason| !reason.is_empty())
        .ok_or_else(|| {
            Failure::impossible("a reason is missing: those who come after will want to know why")
                .hint(format!("{call} --reason \"error rate at 4 % since 03:10\""))
        })
}

/// Stops a flag, or leaves it stopped. One that has no record is noted, so that it stays off when a
/// sync puts it back.
pub(super) fn stop(subject: &Subject<'_>, reason: &str, actor: Option<&str>) -> Step {
    let fields = |draft: &Draft| draft.fields().clone();
    let before = subject.draft.as_ref();
    let first = match before {
        Some(draft) => draft.stop(subject.noted),
        None => subject.noted.cloned(),
    };
    let stop = first.clone().unwrap_or_else(|| Stop {
        since: Some(subject.now),
        actor: actor.map(str::to_owned),
        reason: Some(reason.to_owned()),
        was_on: before.map(|draft| draft.record().spec.enabled()),
    });
    let is_marked = before.is_none_or(|draft| draft.record().is_rolled_back());
    let is_noted = subject.noted.is_some_and(|noted| noted.is_same(&stop));
    let after = before
        .filter(|_| !is_marked)
        .map(|draft| operate::kill(draft, &stop, subject.now));
    let write = (after.is_some() || !is_noted)
        .then(|| subject.write(after.as_ref(), note(&stop, is_noted)));
    let (outcome, said) = match &first {
        Some(first) => (
            Outcome::AlreadyStopped,
            format!("stopped already{}", words::of_stop(first)),
        ),
        None => (Outcome::Stopped, stopped(subject)),
    };
    let line = Line {
        flag: subject.flag.to_owned(),
        outcome,
        said,
        before: before.map(fields),
        after: after.as_ref().or(before).map(fields),
        gate: None,
    };
    Step { line, write }
}

fn note(stop: &Stop, is_noted: bool) -> StopWrite {
    if is_noted {
        StopWrite::Keep
    } else {
        StopWrite::Set(stop.clone())
    }
}

fn stopped(subject: &Subject<'_>) -> String {
    let Some(draft) = &subject.draft else {
        return "stopped: it has no record, and is off when a sync puts it back".to_owned();
    };
    let record = draft.record();
    if !record.spec.enabled() {
        return "stopped: it was off already, and stays so whatever git says".to_owned();
    }
    let git = match says(record, subject.applied) {
        Some(true) => "; git has it on all the same",
        _ => "",
    };
    let was = words::state(record);
    format!("stopped: off for everyone now, was {was}{git}")
}
