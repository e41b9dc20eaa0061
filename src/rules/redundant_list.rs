use crate::model::{Field, Flag, InForce, Names};

use super::{Check, Context, Findings, Level, Place, Rule, places};

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
/// One of the two lists: its name, and how it is taken from what is in force.
type Lists<'f> = [(&'static str, fn(InForce<'f>) -> Option<&'f List>); 2];

fn lists<'f>() -> Lists<'f> {
    [
        ("allowed_users", InForce::allowed_users),
        ("allowed_groups", InForce::allowed_groups),
    ]
}

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    // A percentage that could not be read is not 100.
    if !flag.complete {
        return;
    }
    for place in places(flag) {
        let mut redundant = Vec::new();
        for (name, pick) in lists() {
            if let Some(list) = pick(place.in_force)
                && is_written_in(list, place)
                && !list.value.is_empty()
                && is_redundant(flag, place, list, pick)
            {
                redundant.push((name, list));
            }
        }
        // One percentage makes both of them redundant: one finding, where the first stands.
        redundant.sort_by_key(|(_, list)| list.key);
        if let [first, rest @ ..] = redundant.as_slice() {
            report(flag, place, *first, rest.first().copied(), findings);
        }
    }
}

fn is_written_in(list: &List, place: Place<'_>) -> bool {
    let own = [&place.own.allowed_users, &place.own.allowed_groups];
    own.into_iter()
        .flatten()
        .any(|own| std::ptr::eq(&**own, list))
}

/// Whether nobody gets the flag through the list of `place`, and everyone without it.
fn is_redundant<'f>(
    flag: &'f Flag,
    place: Place<'f>,
    list: &List,
    pick: fn(InForce<'f>) -> Option<&'f List>,
) -> bool {
    if place.over.is_some() {
        return is_on_for_all(place.in_force);
    }
    let mut on_somewhere = false;
    for other in places(flag).map(|place| place.in_force) {
        let counts = pick(other).is_some_and(|other| std::ptr::eq(other, list));
        if counts && other.is_enabled() {
            if !is_on_for_all(other) {
                return false;
            }
            on_somewhere = true;
        }
    }
    on_somewhere
}

/// A rollout that begins with everyone is a mistake of its own.
fn is_on_for_all(place: InForce<'_>) -> bool {
    place.rollout().is_none() && place.is_on_for_everyone()
}

fn report(
    flag: &Flag,
    place: Place<'_>,
    (name, list): (&str, &List),
    second: Option<(&str, &List)>,
    findings: &mut Findings<'_>,
) {
    let subject = match second {
        Some((second, _)) => format!("`{name}` and `{second}` change"),
        None => format!("`{name}` changes"),
    };
    let message = format!(
        "{subject} nothing{}: the flag is on for 100 % of users",
        place.named()
    );
    let percentage = place
        .in_force
        .percentage()
        .map(|percentage| percentage.span);
    let span = flag.nearest([list.key, percentage.unwrap_or(list.key)]);
    let found = findings.report(flag, span, message);
    found.help = Some(
        "for the list alone write `percentage: 0`; if everyone is to have the flag, take the list out"
            .to_owned(),
    );
    if let Some((second, list)) = second {
        found.relate(flag.at(list.key), format!("`{second}`"));
    }
    if let Some(percentage) = percentage.filter(|percentage| *percentage != span) {
        found.relate(flag.at(percentage), "everyone");
    }
}
