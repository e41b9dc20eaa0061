use serde_json::Value;

use crate::record::Record;

use super::change::{Transition, is_experiment};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "changed-kind",
    level: Level::Error,
    fixed: false,
    summary: "A flag gives answers of another type than before",
    docs: "\
Code that asks for true or false does not expect the name of a variant, and the other way round; the
sync changes the answer while the old code still runs. Give the new flag a key of its own, move the
code over, and remove the old one then. The same goes for an experiment whose values change from one
type to another.

A share of users that becomes a rollout in stages, or the other way round, gives true or false as
before: that is no change of kind.",
    bad: "\
# before
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    percentage: 50
# after
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
",
    good: "\
# before
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    percentage: 50
# after
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    percentage: 50
  pricing_page_prices:
    description: Which price the pricing page shows
    owner: growth
    expires: 2026-12-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some((before, after)) = change.both() else {
        return;
    };
    let (was, is) = (answer(before), answer(after));
    if was == is {
        return;
    }
    let settings = change.settings();
    let variants = settings.variants.as_ref().map(|field| field.key);
    let share = settings.percentage.as_ref().map(|field| field.key);
    let rollout = settings.rollout.as_ref().map(|field| field.key);
    let message = format!(
        "was {} and is {}: code that expects {was} gets {is}",
        kind(before),
        kind(after)
    );
    let found = findings.report_change(change, variants.or(rollout).or(share), message);
    found.help = Some(
        "give it a key of its own, move the code over, and remove this flag after that".to_owned(),
    );
}

fn kind(record: &Record) -> &'static str {
    if is_experiment(record) {
        "an experiment"
    } else {
        "an on/off flag"
    }
}

/// What code gets.
fn answer(record: &Record) -> &'static str {
    if !is_experiment(record) {
        return "true or false";
    }
    let values = record.spec.as_json().get("values");
    let first = values
        .and_then(Value::as_object)
        .and_then(|values| values.values().next());
    match first {
        None | Some(Value::String(_)) => "a string",
        Some(Value::Number(_)) => "a number",
        Some(Value::Bool(_)) => "true or false",
        Some(_) => "an object",
    }
}
