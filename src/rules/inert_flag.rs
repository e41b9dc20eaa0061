use crate::model::{Field, Flag, InForce, Percent};

use super::{Check, Context, Findings, Level, Place, Rule, all_settings, places};

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
    let mut percentages = all_settings(flag).filter_map(|settings| settings.percentage.as_ref());
    // What could not be read may be a list.
    if !flag.complete || percentages.all(|percentage| percentage.value != Percent::ZERO) {
        return;
    }
    let mut inert = None;
    for place in places(flag).filter(|place| place.in_force.is_enabled()) {
        if somebody_gets_it(place.in_force) {
            return;
        }
        // An environment that there is not is a mistake of its own.
        let mut name = place.over.iter().map(|over| &over.environment.value);
        if name.all(|name| context.has_environment(name)) {
            inert = inert.or(Some(place));
        }
    }
    if let Some(place) = inert {
        report(flag, place, findings);
    }
}

fn somebody_gets_it(place: InForce<'_>) -> bool {
    let is_zero = |share: &Field<Percent>| share.value == Percent::ZERO;
    if !place.percentage().is_some_and(is_zero) || place.rollout().is_some() {
        return true;
    }
    match place.variants() {
        Some(_) => {
            let mut forced = place.forced().into_iter().flat_map(|forced| &forced.value);
            forced.any(|forced| !forced.users.is_empty())
        }
        None => {
            let lists = [place.allowed_users(), place.allowed_groups()];
            let mut lists = lists.into_iter().flatten();
            lists.any(|list| !list.value.is_empty())
        }
    }
}

fn report(flag: &Flag, place: Place<'_>, findings: &mut Findings<'_>) {
    let percentage = place
        .own
        .percentage
        .as_ref()
        .map(|percentage| percentage.span);
    let enabled = place.own.enabled.as_ref().map(|enabled| enabled.span);
    let Some(first) = percentage.or(enabled) else {
        return;
    };
    let span = flag.nearest([first, enabled.unwrap_or(first)]);
    let (message, list) = match place.in_force.variants() {
        Some(_) => (
            format!(
                "enabled{} at 0 % with nobody forced: everyone gets the control",
                place.named()
            ),
            "force somebody into a variant",
        ),
        None => (
            format!(
                "enabled{} at 0 % without allow lists: nobody gets the flag",
                place.named()
            ),
            "name who is to have it in a list",
        ),
    };
    let found = findings.report(flag, span, message);
    found.help = Some(format!(
        "write `enabled: false` if it is meant to be off; else raise `percentage`, or {list}"
    ));
    let share = place.in_force.percentage().map(|share| (share.span, "0 %"));
    let enabled = enabled.map(|enabled| (enabled, "enabled"));
    for (other, what) in [share, enabled].into_iter().flatten() {
        if other != span {
            found.relate(flag.at(other), what);
        }
    }
}
