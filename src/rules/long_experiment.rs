use crate::model::{Expiry, Flag};

use super::wording::{count, day_after, days};
use super::{Check, Context, Findings, Level, Rule, compares, date_order, is_experiment};

pub static RULE: Rule = Rule {
    id: "long-experiment",
    level: Level::Warning,
    fixed: false,
    summary: "An experiment runs for too long",
    docs: "\
An experiment asks a question. What it has not answered after `max_experiment_days` (under `[lint]` in
hoist.toml, 90 unless set) it seldom answers at all: users change, the season changes, other releases get
mixed in. Meanwhile part of the users is kept on the worse variant. Decide, and remove the flag.

An experiment runs from the day it was `created` to the day it `expires`. Where it has no such day, or never
expires, it counts as running until today while it is enabled in one of the environments. One that is past its
day is for `expired`, and one with a single variant is none: `lone-variant` says so.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    created: 2026-11-02
    expires: 2027-05-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    created: 2026-11-02
    expires: 2027-01-29
    enabled: true
    variants: { control: 50, higher_price: 50 }
",
    check: Check::Flag(check),
};

const DECIDE: &str =
    "take the better variant, and remove the flag from the code and then from here";

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let Some(created) = &flag.created else { return };
    if !is_experiment(flag) || date_order::is_reversed(flag) {
        return;
    }
    let start = created.value;
    let most = i64::from(context.limits.max_experiment_days);
    let dated = flag
        .expires
        .as_ref()
        .and_then(|expires| match expires.value {
            Expiry::On(date) => Some((expires.span, date)),
            Expiry::Never => None,
        });
    if let Some((span, date)) = dated {
        let length = days(start, date);
        if length > most && date >= context.today {
            let place = flag.nearest([span, created.span]);
            let message = format!(
                "the experiment is to run for {}, from {start} to {date}; more than {most}",
                count(length, "day")
            );
            let found = findings.report(flag, place, message);
            let latest = day_after(start, most);
            found.help = Some(if latest < context.today {
                DECIDE.to_owned()
            } else {
                format!("end it sooner: write a day up to {latest}")
            });
            if place != created.span {
                found.relate(flag.at(created.span), "created");
            }
        }
        return;
    }
    let length = days(start, context.today);
    // An expiry date that could not be read is there all the same.
    let is_open = flag.expires.is_some() || findings.lacks(flag, "expires");
    if length > most && is_open && is_running(flag, context) {
        let place = flag.nearest([created.span]);
        let message = format!(
            "the experiment has run for {}, since {start}; more than {most}",
            count(length, "day")
        );
        findings.report(flag, place, message).help = Some(DECIDE.to_owned());
    }
}

fn is_running(flag: &Flag, context: &Context) -> bool {
    context.environments.iter().any(|environment| {
        let here = flag.in_force(environment);
        here.is_enabled() && compares(here.variants())
    })
}
