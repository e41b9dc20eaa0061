use super::change::{Transition, is_experiment};
use super::weights::Weights;
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};
use crate::impact::{Impact, Share};
use crate::model::Settings;

pub static RULE: Rule = Rule {
    id: "reshuffled-variants",
    level: Level::Warning,
    fixed: false,
    summary: "Another order or another name moves more users between variants than it has to",
    docs: "\
Variants take their users from a range of buckets each, one range behind the other in the order of the
file. So their order is part of who gets what: swapping two lines hands the users of one variant to the
other, with no weight changed. And a variant of another name is another variant, to code and to
whoever counts results.

The finding says how many users change variant, how many had to for the new weights, and the order in
which the fewest do. With another salt no order helps: that is `changed-salt`.",
    bad: "\
# before
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 50, higher_price: 30, lower_price: 20 }
# after
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { higher_price: 30, control: 50, lower_price: 20 }
",
    good: "\
# before
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 50, higher_price: 30, lower_price: 20 }
# after
flags:
  pricing_page:
    description: Which price the pricing page shows to visitors
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 50, higher_price: 30, lower_price: 20 }
",
    check: Check::Change(check),
};

/// Names of an order that are told.
const MOST_NAMED: usize = 50;

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some((before, after)) = change.both() else {
        return;
    };
    if !is_experiment(before) || !is_experiment(after) {
        return;
    }
    let Some(impact) = change.impact().filter(|impact| !impact.redrawn) else {
        return;
    };
    let settings = change.settings();
    if impact.avoidable.0 > 0 {
        reorder(change, &impact, &settings, findings);
    }
    if impact.moved.0 > 0 {
        for (was, is) in Weights::of(before).renamed(&Weights::of(after)) {
            rename(change, was, is, &settings, findings);
        }
    }
}

fn reorder(
    change: &Transition<'_>,
    impact: &Impact,
    settings: &Settings,
    findings: &mut Findings<'_>,
) {
    let needed = Share(impact.moved.0.saturating_sub(impact.avoidable.0));
    let needed = match needed {
        Share(0) => "none have to".to_owned(),
        needed => format!("{needed} % have to"),
    };
    let message = format!("{} % of users change variant, where {needed}", impact.moved);
    let span = settings.variants.as_ref().map(|field| field.key);
    let found = findings.report_change(change, span, message);
    let order = impact.order.iter().flatten().take(MOST_NAMED);
    let order: Vec<String> = order.map(|name| quote(name)).collect();
    found.help = Some(format!(
        "write the variants in this order: {}",
        order.join(", ")
    ));
}

fn rename(
    change: &Transition<'_>,
    was: &str,
    is: &str,
    settings: &Settings,
    findings: &mut Findings<'_>,
) {
    let variants = settings.variants.iter().flat_map(|field| &field.value);
    let span = variants
        .map(|variant| &variant.name)
        .find(|name| *name.value == *is)
        .map(|name| name.span);
    let message = format!(
        "{} is {} now, with the same weight: its users get another variant",
        quote(was),
        quote(is)
    );
    let found = findings.report_change(change, span, message);
    found.help = Some(format!(
        "keep the name {}; what code gets can be set as its `value`",
        quote(was)
    ));
}
