use crate::model::{Field, Flag, Names, Percent};

use super::in_force::{InForce, places};
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "redundant-list",
    level: Level::Warning,
    fixed: false,
    summary: "A flag that is on for everyone has an allow list",
    docs: "\
`allowed_users` and `allowed_groups` add people to the share of users who have a flag. They do not keep
others out: `percentage` is 100 where it is not set, and then a list changes nothing. Whoever wrote it may
have meant the flag for the list alone, which is `percentage: 0`, and has turned it on for everyone.

A list of the flag itself counts wherever no environment replaces it; it is reported if nobody gets the flag
through it anywhere, and everyone has the flag somewhere.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    allowed_groups: [employees]
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 0
    allowed_groups: [employees]
",
    check: Check::Flag(check),
};

type List = Field<Names>;
/// Takes one of the two lists from where it is in force.
type Pick = fn(InForce<'_>) -> Option<&List>;

const LISTS: [(&str, Pick); 2] = [
    ("allowed_users", InForce::allowed_users),
    ("allowed_groups", InForce::allowed_groups),
];

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    // A percentage that could not be read is not 100.
    if !flag.complete {
        return;
    }
    for place in places(flag) {
        let redundant = LISTS.map(|(name, pick)| {
            let written = pick(place).filter(|list| is_written_in(list, place));
            let list = written.filter(|list| !list.value.is_empty())?;
            is_redundant(flag, place, pick).then_some((name, list))
        });
        if redundant.iter().any(Option::is_some) {
            report(flag, place, redundant, findings);
        }
    }
}

fn is_written_in(list: &List, place: InForce<'_>) -> bool {
    let own = place.own();
    let own = [own.allowed_users.as_deref(), own.allowed_groups.as_deref()];
    own.into_iter().flatten().any(|own| std::ptr::eq(own, list))
}

/// Whether nobody gets the flag through the list of `place`, and everyone without it.
fn is_redundant(flag: &Flag, place: InForce<'_>, pick: Pick) -> bool {
    if place.over.is_some() {
        return is_on_for_all(place);
    }
    let same = |other: &InForce<'_>| match (pick(place), pick(*other)) {
        (Some(list), Some(other)) => std::ptr::eq(list, other),
        _ => false,
    };
    let mut on_somewhere = false;
    for other in places(flag).filter(same).filter(|place| place.enabled()) {
        if !is_on_for_all(other) {
            return false;
        }
        on_somewhere = true;
    }
    on_somewhere
}

fn is_on_for_all(place: InForce<'_>) -> bool {
    place.enabled() && place.share() == Some(Percent::HUNDRED) && place.variants().is_none()
}

/// One finding for both lists: one percentage makes them redundant.
fn report(
    flag: &Flag,
    place: InForce<'_>,
    lists: [Option<(&str, &List)>; 2],
    findings: &mut Findings<'_>,
) {
    let mut lists: Vec<(&str, &List)> = lists.into_iter().flatten().collect();
    lists.sort_by_key(|(_, list)| list.key);
    let Some((first, list)) = lists.first() else {
        return;
    };
    let place_name = place
        .over
        .map(|over| format!(" in {}", quote(&over.environment.value)));
    let subject = match lists.get(1) {
        Some((second, _)) => format!("`{first}` and `{second}` change"),
        None => format!("`{first}` changes"),
    };
    let message = format!(
        "{subject} nothing{}: the flag is on for 100 % of users",
        place_name.unwrap_or_default()
    );
    let found = findings.report(flag, list.key, message);
    found.help = Some(
        "for the list alone write `percentage: 0`; if everyone is to have the flag, take the list out"
            .to_owned(),
    );
    if let Some((second, list)) = lists.get(1) {
        found.relate(flag.at(list.key), format!("`{second}`"));
    }
    if let Some(percentage) = place.percentage() {
        found.relate(flag.at(percentage.span), "everyone");
    }
}
