use crate::model::{Expiry, Flag};

use super::wording::{count, days};
use super::{Check, Context, Findings, Level, Rule, date_order};

pub static RULE: Rule = Rule {
    id: "expired",
    level: Level::Warning,
    fixed: false,
    summary: "A flag is past the day by which it was to be gone",
    docs: "\
A flag whose day has passed is a decision that nobody took: the code still holds both ways, and the
tests have to cover both. Take the flag out of the code and then out of here; or, if it is still
needed, give it a new day, or `expires: never` if it is to stay for good. On the day itself nothing is
said yet.

A day before the one on which the flag was `created` is a slip, which `date-order` reports.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-06-30
    enabled: true
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let Some(expires) = &flag.expires else { return };
    let Expiry::On(date) = expires.value else {
        return;
    };
    if date >= context.today || date_order::is_reversed(flag) {
        return;
    }
    let past = days(date, context.today);
    let message = format!("expired {} ago, on {date}", count(past, "day"));
    findings.report(flag, expires.span, message).help = Some(
        "remove the flag from the code and then from here, or move the date if it is still needed"
            .to_owned(),
    );
}
