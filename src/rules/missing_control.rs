use crate::diagnostic::Span;
use crate::model::{Field, Flag, Variant};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "missing-control",
    level: Level::Warning,
    fixed: false,
    summary: "An experiment does not say which variant is its control",
    docs: "\
The control is what an experiment gives while it is off, and to everyone who does not take part. It is the
variant that the field `control` names, else the one that is called `control`, else the first: whoever puts
the variants into another order then changes what most users get. Say which one is meant.",
    bad: "\
flags:
  page_size:
    description: How many results a page shows
    owner: search-team
    expires: 2027-01-31
    enabled: true
    variants:
      twenty: { weight: 50, value: 20 }
      fifty: { weight: 50, value: 50 }
",
    good: "\
flags:
  page_size:
    description: How many results a page shows
    owner: search-team
    expires: 2027-01-31
    enabled: true
    control: twenty
    variants:
      twenty: { weight: 50, value: 20 }
      fifty: { weight: 50, value: 50 }
",
    check: Check::Flag(check),
};

type Variants = Field<Vec<Variant>>;

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    if flag.base.control.is_some() {
        return;
    }
    if let Some(variants) = &flag.base.variants
        && is_open(variants)
        && findings.lacks(flag, "control")
    {
        // A `control` of the flag would count in its environments too.
        report(flag, flag.key.span, variants, findings);
        return;
    }
    for over in flag.overrides().filter(|_| flag.complete) {
        if let Some(variants) = &over.settings.variants
            && over.settings.control.is_none()
            && is_open(variants)
        {
            report(flag, over.environment.span, variants, findings);
        }
    }
}

/// Whether the first of the variants is the control for want of another. One that stands alone is
/// what everyone gets anyway.
fn is_open(variants: &Variants) -> bool {
    let is_control = |variant: &Variant| &*variant.name.value == "control";
    variants.value.len() > 1 && !variants.value.iter().any(is_control)
}

fn report(flag: &Flag, span: Span, variants: &Variants, findings: &mut Findings<'_>) {
    let Some(first) = variants.value.first() else {
        return;
    };
    if !findings.understood(flag, variants.span) {
        return;
    }
    let name = quote(&first.name.value);
    let message = format!("no variant is named as the control: {name} is taken, as the first");
    let found = findings.report(flag, span, message);
    found.help = Some(format!(
        "add `control: {}`, or the name of the variant that is meant",
        first.name.value
    ));
    found.relate(flag.at(first.name.span), "the control");
}
