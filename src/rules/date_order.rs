use crate::model::{Expiry, Flag};

use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "date-order",
    level: Level::Error,
    fixed: false,
    summary: "A flag expires before it was created",
    docs: "\
`created` is the day a flag was added, `expires` the day by which it is to be gone. The other way round one
of them is a slip, mostly of the year, and whatever counts from it counts wrong.

The finding is at `created` where that day is still to come, else at `expires`. While the two contradict
each other, no other rule draws a conclusion from them: not `expired` or `rollout-past-expiry` either.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    created: 2026-11-02
    expires: 2026-01-29
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

/// Whether the flag's dates contradict each other.
pub fn is_reversed(flag: &Flag) -> bool {
    match (&flag.created, &flag.expires) {
        (Some(created), Some(expires)) => {
            matches!(expires.value, Expiry::On(date) if date < created.value)
        }
        _ => false,
    }
}

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let (Some(created), Some(expires)) = (&flag.created, &flag.expires) else {
        return;
    };
    let Expiry::On(date) = expires.value else {
        return;
    };
    if !is_reversed(flag) {
        return;
    }
    let day = created.value;
    let found = if day > context.today {
        let place = flag.nearest([created.span, expires.span]);
        let message = format!("created on {day}, after the flag expires on {date}");
        let found = findings.report(flag, place, message);
        found.help = Some(format!("write the day it was added, {date} or earlier"));
        found.relate(flag.at(expires.span), "expires");
        found
    } else {
        let place = flag.nearest([expires.span, created.span]);
        let message = format!("expires on {date}, before the flag was created on {day}");
        let found = findings.report(flag, place, message);
        found.help = Some(format!(
            "write the day by which it is to be gone, {day} or later"
        ));
        found.relate(flag.at(created.span), "created");
        found
    };
    // Where all is said in one place, the other adds nothing.
    found
        .related
        .retain(|related| related.location != found.location);
}
