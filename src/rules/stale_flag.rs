use crate::model::{Expiry, Flag};

use super::wording::{count, days};
use super::{Check, Context, Findings, Level, Rule, date_order};

pub static RULE: Rule = Rule {
    id: "stale-flag",
    level: Level::Warning,
    fixed: false,
    summary: "A flag has been there for long and is on for everyone",
    docs: "\
A flag that every user has in every environment, and that was created more than `max_flag_age_days` ago
(under `[lint]` in hoist.toml, 90 unless set), has done its work. What is left of it is a branch in the code
that is never taken and still has to be read and tested. Take it out of the code and then out of here.

A switch that is to stay for good says `expires: never`, and is no finding. A rollout counts as on for
everyone only if it starts there, since how far it has come is known to the store alone. A flag past its day is
for `expired`.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    created: 2026-06-01
    expires: 2026-12-31
    enabled: true
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    created: 2026-10-01
    expires: 2026-12-15
    enabled: true
",
    check: Check::Flag(check),
};

/// Days since a flag that every user has was created, where those are too many.
pub fn age(flag: &Flag, context: &Context) -> Option<i64> {
    let created = flag.created.as_ref()?.value;
    let age = days(created, context.today);
    let is_past = match flag.expires.as_ref().map(|expires| expires.value) {
        Some(Expiry::Never) => return None,
        Some(Expiry::On(date)) => date < context.today,
        None => false,
    };
    let is_everywhere = || match &context.environments[..] {
        // Of what could not be read, nothing is known.
        _ if !flag.complete => false,
        [] => flag.base_in_force().is_on_for_everyone(),
        all => {
            let mut all = all.iter();
            all.all(|environment| flag.in_force(environment).is_on_for_everyone())
        }
    };
    let is_stale = age > i64::from(context.limits.max_flag_age_days)
        && !is_past
        && !date_order::is_reversed(flag)
        && is_everywhere();
    is_stale.then_some(age)
}

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let (Some(age), Some(created)) = (age(flag, context), &flag.created) else {
        return;
    };
    let message = format!(
        "on for everyone, and created {} ago, on {}; more than {}",
        count(age, "day"),
        created.value,
        context.limits.max_flag_age_days
    );
    // Each flag has to go by itself, wherever its date was merged in from.
    let place = if flag.span.contains(created.span) {
        created.span
    } else {
        flag.key.span
    };
    findings.report(flag, place, message).help = Some(
        "remove the flag from the code and then from here, or write `expires: never` if it is to stay \
         as a switch"
            .to_owned(),
    );
}
