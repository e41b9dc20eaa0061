use jiff::civil::Date;

use crate::model::{Expiry, Field, Flag, Stage};

use super::wording::{count, day_after};
use super::{Check, Context, Findings, Level, Rule, all_settings, date_order};

pub static RULE: Rule = Rule {
    id: "rollout-past-expiry",
    level: Level::Warning,
    fixed: false,
    summary: "A rollout takes longer than the flag is to live",
    docs: "\
By the day a flag `expires` it is to be gone from the code, so its rollout has to be through before. The
durations of the stages are added up from the day the flag was `created`, or from today where that is not
said, up to the beginning of the last stage. A stage without a duration counts as none, so the true end can only
be later.

The finding is at the stage during which the flag expires. The rollouts of environments are looked at
too. Where the day has passed already, `expired` says so.",
    bad: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    created: 2026-11-02
    expires: 2026-11-30
    enabled: true
    rollout:
      - { percentage: 5, duration: 2w }
      - { percentage: 50, duration: 3w }
      - { percentage: 100 }
",
    good: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    created: 2026-11-02
    expires: 2027-01-15
    enabled: true
    rollout:
      - { percentage: 5, duration: 2w }
      - { percentage: 50, duration: 3w }
      - { percentage: 100 }
",
    check: Check::Flag(check),
};

const DAY: u64 = 86_400;

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let Some(Expiry::On(expires)) = flag.expires.as_ref().map(|expires| expires.value) else {
        return;
    };
    if expires < context.today || date_order::is_reversed(flag) {
        return;
    }
    let start = flag
        .created
        .as_ref()
        .map_or(context.today, |created| created.value);
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        let seconds: u64 = held(rollout).map(|(_, duration)| duration.value).sum();
        let end = end(start, seconds);
        // A day of creation that could not be read is there all the same.
        let is_known = flag.created.is_some() || findings.lacks(flag, "created");
        if end > expires && is_known && findings.understood(flag, rollout.span) {
            report(flag, rollout, start, expires, seconds / DAY, findings);
        }
    }
}

/// The stages before the last that have a duration, with it.
fn held(rollout: &Field<Vec<Stage>>) -> impl Iterator<Item = (&Stage, &Field<u64>)> {
    let before_last = rollout
        .value
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let timed = before_last.iter();
    timed.filter_map(|stage| Some((stage, stage.duration.as_ref()?)))
}

/// The day on which something ends that takes so long from the beginning of `start`.
fn end(start: Date, seconds: u64) -> Date {
    day_after(start, i64::try_from(seconds / DAY).unwrap_or(i64::MAX))
}

fn report(
    flag: &Flag,
    rollout: &Field<Vec<Stage>>,
    start: Date,
    expires: Date,
    length: u64,
    findings: &mut Findings<'_>,
) {
    let mut passed = 0;
    let over = held(rollout).find(|(_, duration)| {
        passed += duration.value;
        end(start, passed) > expires
    });
    let Some((stage, duration)) = over else {
        return;
    };
    let last = end(start, length * DAY);
    let from = if flag.created.is_some() {
        "its creation"
    } else {
        "today"
    };
    let message = format!(
        "the stages take {} from {from}, until {last}, and the flag expires on {expires}",
        count(i64::try_from(length).unwrap_or(i64::MAX), "day")
    );
    let expiry = flag
        .expires
        .as_ref()
        .map_or(flag.key.span, |expires| expires.span);
    let created = flag.created.as_ref().map_or(expiry, |created| created.span);
    let place = flag.nearest([stage.place(duration.span), rollout.span, expiry, created]);
    let found = findings.report(flag, place, message);
    found.help = Some(format!(
        "shorten the stages, or write a later day, such as `expires: {last}`"
    ));
    if place != expiry {
        found.relate(flag.at(expiry), "expires");
    }
}
