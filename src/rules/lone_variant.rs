use crate::model::{Flag, Percent};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "lone-variant",
    level: Level::Warning,
    fixed: false,
    summary: "An experiment has only one variant",
    docs: "\
With one variant everyone gets the same and there is nothing to compare. Either a variant is missing, or the
flag is no experiment: then `percentage` or a `rollout` says who has it.

Where the weights do not add up to 100, `variant-sum` asks for the rest, and nothing is said here.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 100 }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for variants in all_settings(flag).filter_map(|settings| settings.variants.as_deref()) {
        if let [only] = variants.value.as_slice()
            && only.weight.value == Percent::HUNDRED
            && findings.understood(flag, variants.span)
        {
            let message = format!(
                "{} is the only variant: there is nothing to compare it with",
                quote(&only.name.value)
            );
            findings.report(flag, only.name.span, message).help = Some(
                "add a variant and share the 100 between them, or leave out `variants`".to_owned(),
            );
        }
    }
}
