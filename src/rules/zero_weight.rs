use std::collections::HashSet;

use crate::model::{Flag, Percent, Variant};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "zero-weight",
    level: Level::Warning,
    fixed: false,
    summary: "A variant has weight 0 and nobody is forced into it",
    docs: "\
Nobody ever gets such a variant: it was forgotten when the experiment began or left behind when it ended.
Give it a weight, force somebody into it, or take it out.

A weight of 0 is fine where the variant is the control, which those get who do not take part, where it has
a weight in another environment, and where somebody is `forced` into it.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 50, higher_price: 50, lower_price: 0 }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 50, higher_price: 50, lower_price: 0 }
    forced: { lower_price: [qa_1] }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    let all_variants = || all_settings(flag).filter_map(|settings| settings.variants.as_deref());
    let mut weights = all_variants().flat_map(|variants| &variants.value);
    if !flag.complete || weights.all(|variant| variant.weight.value != Percent::ZERO) {
        return;
    }
    let mut given = given(flag);
    for variants in all_variants() {
        let sum: u64 = variants
            .value
            .iter()
            .map(|variant| u64::from(variant.weight.value.0))
            .sum();
        // Else a weight is wrong, and it may be this one.
        if sum != u64::from(Percent::HUNDRED.0) {
            continue;
        }
        for variant in &variants.value {
            // Told once for each name.
            if variant.weight.value == Percent::ZERO && given.insert(&variant.name.value) {
                report(flag, variant, findings);
            }
        }
    }
}

/// The variants that somebody gets somewhere.
fn given(flag: &Flag) -> HashSet<&str> {
    let mut given = HashSet::new();
    for settings in all_settings(flag) {
        let variants = settings.variants.as_deref();
        let variants = variants.map_or(&[][..], |variants| &variants.value);
        let weighty = variants
            .iter()
            .filter(|variant| variant.weight.value > Percent::ZERO);
        given.extend(weighty.map(|variant| &*variant.name.value));

        let forced = settings.forced.iter().flat_map(|forced| &forced.value);
        let forced = forced.filter(|forced| !forced.users.is_empty());
        given.extend(forced.map(|forced| &*forced.variant.value));

        // The control: named, or called so, or the first.
        given.extend(settings.control.as_deref().map(|control| &*control.value));
        if flag.base.control.is_none() && settings.control.is_none() {
            let named = variants
                .iter()
                .find(|variant| &*variant.name.value == "control");
            given.extend(
                named
                    .or(variants.first())
                    .map(|variant| &*variant.name.value),
            );
        }
    }
    given
}

fn report(flag: &Flag, variant: &Variant, findings: &mut Findings<'_>) {
    let name = quote(&variant.name.value);
    let message = format!("{name} has weight 0 and nobody is forced into it: nobody gets it");
    findings.report(flag, variant.weight.span, message).help = Some(format!(
        "give {name} a weight, force somebody into it, or take it out"
    ));
}
