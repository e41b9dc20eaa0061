use crate::model::{Flag, Percent, Variant};

use super::wording::{quote, thousandths};
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "variant-sum",
    level: Level::Error,
    fixed: true,
    summary: "Weights of an experiment's variants do not add up to exactly 100",
    docs: "\
A user who takes part in an experiment falls somewhere between 0 and 100, and the variants share that
range by weight, in order. Where the weights end short of 100, somebody falls into no variant; where
they go past it, the last variants get less than they say.

Weights are added in thousandths of a percent, so `33.3` three times is 99.9 and not nearly 100. Give
the remainder to one variant: `33.334`, `33.333` and `33.333`.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-03-31
    enabled: true
    variants: { control: 33.3, higher_price: 33.3, lower_price: 33.3 }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-03-31
    enabled: true
    variants: { control: 33.334, higher_price: 33.333, lower_price: 33.333 }
",
    check: Check::Flag(check),
};

const WHOLE: u64 = Percent::HUNDRED.0 as u64;

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for variants in all_settings(flag).filter_map(|settings| settings.variants.as_deref()) {
        let sum: u64 = variants.value.iter().map(weight).sum();
        let empty = variants.value.is_empty();
        if sum != WHOLE && !empty && findings.understood(flag, variants.span) {
            let message = format!("weights add up to {}, not 100", thousandths(sum));
            findings.report(flag, variants.key, message).help = Some(help(&variants.value, sum));
        }
    }
}

fn weight(variant: &Variant) -> u64 {
    u64::from(variant.weight.value.0)
}

/// How far off the sum is, and a weight that would mend it.
fn help(variants: &[Variant], sum: u64) -> String {
    let off = thousandths(sum.abs_diff(WHOLE));
    // The first that can give or take it all.
    let mended = variants.iter().find_map(|variant| {
        let mended = (weight(variant) + WHOLE).checked_sub(sum)?;
        (mended > 0).then(|| (quote(&variant.name.value), thousandths(mended)))
    });
    match (sum < WHOLE, mended) {
        (true, Some((name, weight))) => {
            format!("{off} is missing: add it to one of the weights, such as {weight} for {name}")
        }
        (true, None) => format!("{off} is missing: add it to one of the weights"),
        (false, Some((name, weight))) => {
            format!(
                "{off} is too much: take it off one of the weights, such as {weight} for {name}"
            )
        }
        (false, None) => format!("{off} is too much: lower the weights by that"),
    }
}
