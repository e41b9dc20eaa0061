use crate::model::{Flag, Percent};

use super::in_force::{InForce, places};
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "inert-flag",
    level: Level::Warning,
    fixed: false,
    summary: "A flag is enabled and nobody gets it",
    docs: "\
At 0 % and without allow lists a flag is off, while `enabled: true` says that it is on. Of an experiment at
0 % nobody takes part, unless somebody is `forced` into a variant. Write `enabled: false` where off is meant:
then nobody gets the flag by a list that is added later, and everyone sees that it is off.

A flag that somebody gets in one environment may be at 0 % in the others.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 0
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: false
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let is_zero = |percentage: Option<Percent>| percentage == Some(Percent::ZERO);
    let mut percentages = all_settings(flag)
        .map(|settings| settings.percentage.as_ref().map(|percentage| percentage.value));
    // What could not be read may be a list.
    if !flag.complete || !percentages.any(is_zero) {
        return;
    }
    let mut inert = None;
    for place in places(flag).filter(|place| place.enabled()) {
        if somebody_gets_it(place) {
            return;
        }
        let is_known = |name: &str| context.has_environment(name);
        if place.over.is_none_or(|over| is_known(&over.environment.value)) {
            inert = inert.or(Some(place));
        }
    }
    if let Some(place) = inert {
        report(flag, place, findings);
    }
}

fn somebody_gets_it(place: InForce<'_>) -> bool {
    if place.share() != Some(Percent::ZERO) {
        return true;
    }
    let is_forced = || place.forced().iter().any(|forced| !forced.users.is_empty());
    match place.variants() {
        Some(_) => is_forced(),
        None => place.has_lists(),
    }
}

fn report(flag: &Flag, place: InForce<'_>, findings: &mut Findings<'_>) {
    let own = place.own();
    let percentage = own.percentage.as_ref().map(|percentage| percentage.span);
    let enabled = own.enabled.as_ref().map(|enabled| enabled.span);
    let Some(span) = percentage.or(enabled) else {
        return;
    };
    let place_name = place
        .over
        .map(|over| format!(" in {}", quote(&over.environment.value)))
        .unwrap_or_default();
    let (message, list) = match place.variants() {
        Some(_) => (
            format!("enabled{place_name} at 0 % with nobody forced: everyone gets the control"),
            "force somebody into a variant",
        ),
        None => (
            format!("enabled{place_name} at 0 % without allow lists: nobody gets the flag"),
            "name who is to have it in a list",
        ),
    };
    let found = findings.report(flag, span, message);
    found.help = Some(format!(
        "write `enabled: false` if it is meant to be off; else raise `percentage`, or {list}"
    ));
    let elsewhere = [place.percentage().map(|percentage| percentage.span), enabled];
    for other in elsewhere.into_iter().flatten().filter(|other| *other != span) {
        let what = if Some(other) == enabled { "enabled" } else { "0 %" };
        found.relate(flag.at(other), what);
    }
}
