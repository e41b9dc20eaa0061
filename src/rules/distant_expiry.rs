use crate::model::{Expiry, Flag};

use super::wording::{count, day_after, days};
use super::{Check, Context, Findings, Level, Rule, is_experiment, stale_flag};

pub static RULE: Rule = Rule {
    id: "distant-expiry",
    level: Level::Warning,
    fixed: false,
    summary: "A flag expires long after it was created",
    docs: "\
A flag that may stay for a year is one that nobody has to think about for a year. A day within
`max_flag_age_days` of its creation (under `[lint]` in hoist.toml, 90 unless set) makes somebody look at it
while they still know why it is there; the day can be moved then. A switch that is to stay for good says so:
`expires: never`.

Looked at are flags that say when they were created and when they expire. How long an experiment runs is
for `long-experiment` to say, and of a flag that is on for everyone and past that age already
`stale-flag` says more. A day that has passed is for `expired`.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    created: 2026-11-02
    expires: 2027-11-02
    enabled: true
    percentage: 10
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    created: 2026-11-02
    expires: 2027-01-29
    enabled: true
    percentage: 10
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let (Some(created), Some(expires)) = (&flag.created, &flag.expires) else {
        return;
    };
    let Expiry::On(date) = expires.value else {
        return;
    };
    let most = i64::from(context.limits.max_flag_age_days);
    let age = days(created.value, date);
    if age <= most
        || date < context.today
        || is_experiment(flag)
        || stale_flag::age(flag, context).is_some()
    {
        return;
    }
    let place = flag.nearest([expires.span, created.span]);
    let message = format!(
        "expires {} after it was created on {}, more than {most}",
        count(age, "day"),
        created.value
    );
    let found = findings.report(flag, place, message);
    let latest = day_after(created.value, most);
    found.help = Some(if latest < context.today {
        "decide about it: bring it to everyone or take it back, and remove it; or write \
         `expires: never` if it is to stay for good"
            .to_owned()
    } else {
        format!("write a day up to {latest}, or `expires: never` if the flag is to stay for good")
    });
    if place != created.span {
        found.relate(flag.at(created.span), "created");
    }
}
