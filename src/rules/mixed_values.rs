use serde_json::Value;

use crate::diagnostic::Span;
use crate::model::{Flag, Variant};

use super::wording::{count, list, quote};
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "mixed-values",
    level: Level::Error,
    fixed: true,
    summary: "Values of an experiment's variants are not all of one type",
    docs: "\
Code that asks for a flag's value asks for one type: a boolean, a string, a number or an object. A
variant of another type is an error in that code, for those users alone who fall into it.

Either all variants have a value, all of one type, or none has one and each variant's value is its
name. The same type holds in every environment: where production gives a number, so does staging.",
    bad: "\
flags:
  page_size:
    description: How many results a page shows
    owner: search-team
    expires: 2027-03-31
    enabled: true
    variants:
      control: { weight: 50, value: 20 }
      large: { weight: 50, value: \"50\" }
",
    good: "\
flags:
  page_size:
    description: How many results a page shows
    owner: search-team
    expires: 2027-03-31
    enabled: true
    variants:
      control: { weight: 50, value: 20 }
      large: { weight: 50, value: 50 }
",
    check: Check::Flag(check),
};

/// What a value can be; whatever else there is, the schema has refused.
const KINDS: [&str; 4] = ["boolean", "string", "number", "object"];

fn kind(value: &Value) -> Option<usize> {
    match value {
        Value::Bool(_) => Some(0),
        Value::String(_) => Some(1),
        Value::Number(_) => Some(2),
        Value::Object(_) => Some(3),
        Value::Null | Value::Array(_) => None,
    }
}

fn variant_kind(variant: &Variant) -> Option<usize> {
    variant.value.as_ref().and_then(|value| kind(&value.value))
}

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    across(flag, findings);
    for variants in all_settings(flag).filter_map(|settings| settings.variants.as_deref()) {
        let (list, span) = (&variants.value, variants.span);
        let Some(with_value) = list.iter().find(|variant| variant.value.is_some()) else {
            continue;
        };
        types(flag, list, findings);
        // A value that the schema refused is missing from the model, not from the file.
        if findings.understood(flag, span) {
            absences(flag, list, with_value, findings);
        }
    }
}

/// Reports each environment whose values are of another type than those before it.
fn across(flag: &Flag, findings: &mut Findings<'_>) {
    let blocks = all_settings(flag).filter_map(|settings| settings.variants.as_deref());
    let mut first: Option<(usize, &Variant)> = None;
    for variants in blocks {
        let Some((kind, variant)) = block_kind(&variants.value) else {
            continue;
        };
        let Some((usual, other)) = first else {
            // What could not be read may be of any type.
            if findings.understood(flag, variants.span) {
                first = Some((kind, variant));
            }
            continue;
        };
        if kind == usual || !findings.understood(flag, variants.span) {
            continue;
        }
        let (name, kind, usual) = (quote(&variant.name.value), KINDS[kind], KINDS[usual]);
        let message = match variant.value {
            Some(_) => format!(
                "value of {name} is {} in this environment, and {} elsewhere",
                a(kind),
                a(usual)
            ),
            None => format!(
                "value of {name} is its name in this environment, and {} elsewhere",
                a(usual)
            ),
        };
        let found = findings.report(flag, value_span(variant), message);
        found.help = Some(format!(
            "write {} here: values share one type in every environment",
            a(usual)
        ));
        found.relate(flag.at(value_span(other)), a(usual));
    }
}

/// The one type that all `variants` have, and the first of them; none where they differ among
/// themselves. A variant without a value has its name, where none has one.
fn block_kind(variants: &[Variant]) -> Option<(usize, &Variant)> {
    let first = variants.first()?;
    if variants.iter().all(|variant| variant.value.is_none()) {
        return Some((1, first));
    }
    let kind = variant_kind(first)?;
    let same = variants
        .iter()
        .all(|variant| variant_kind(variant) == Some(kind));
    same.then_some((kind, first))
}

fn value_span(variant: &Variant) -> Span {
    let value = variant.value.as_ref();
    value.map_or(variant.name.span, |value| value.span)
}

/// Reports each value whose type is not the most frequent one.
fn types(flag: &Flag, variants: &[Variant], findings: &mut Findings<'_>) {
    let mut counts = [0_usize; KINDS.len()];
    for kind in variants.iter().filter_map(variant_kind) {
        counts[kind] += 1;
    }
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        return;
    }
    // Of equally frequent types the first in the file counts.
    let mut usual: Option<(usize, &Variant)> = None;
    for variant in variants {
        if let Some(kind) = variant_kind(variant)
            && usual.is_none_or(|(usual, _)| counts[kind] > counts[usual])
        {
            usual = Some((kind, variant));
        }
    }
    let Some((usual, first)) = usual else { return };
    for variant in variants {
        if let (Some(kind), Some(value)) = (variant_kind(variant), &variant.value)
            && kind != usual
        {
            let (kind, usual) = (KINDS[kind], KINDS[usual]);
            let (name, other) = (quote(&variant.name.value), quote(&first.name.value));
            let message = format!(
                "value of {name} is {}, while {other} has {}",
                a(kind),
                a(usual)
            );
            let found = findings.report(flag, value.span, message);
            found.help = Some(format!("write {} here: values share one type", a(usual)));
            if let Some(value) = &first.value {
                found.relate(flag.at(value.span), a(usual));
            }
        }
    }
}

/// Reports the variants without a value where others have one.
fn absences(flag: &Flag, variants: &[Variant], with_value: &Variant, findings: &mut Findings<'_>) {
    let without = || variants.iter().filter(|variant| variant.value.is_none());
    let Some(first) = without().next() else {
        return;
    };
    let names: Vec<&str> = without().map(|variant| &*variant.name.value).collect();
    let message = format!(
        "{} without a value: {}",
        count(names.len() as i64, "variant"),
        list(names.iter().copied())
    );
    let found = findings.report(flag, first.name.span, message);
    found.help = Some(format!(
        "write `{{ weight: {}, value: … }}` for {}, or take the value from all variants",
        first.weight.value,
        quote(&first.name.value)
    ));
    if let Some(value) = &with_value.value {
        found.relate(
            flag.at(value.span),
            format!("{} has one", quote(&with_value.name.value)),
        );
    }
}

fn a(kind: &str) -> String {
    let article = if kind == "object" { "an" } else { "a" };
    format!("{article} {kind}")
}
