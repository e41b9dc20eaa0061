use std::collections::HashSet;

use crate::diagnostic::{Fix, Span};
use crate::model::{Field, Flag, Forced, Settings, Spanned, Variant};

use super::wording::{SEARCHED, list, quote, rename, rename_key};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "unknown-variant",
    level: Level::Error,
    fixed: true,
    summary: "`control` or `forced` names a variant that the experiment does not have",
    docs: "\
`control` is what an experiment gives while it is off and to everyone who does not take part, `forced` what
some users always get. A name that is not among the `variants` would give them nothing.

An environment may have variants of its own; then the flag's `control` and `forced` must be among those, or
be replaced there too.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-03-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
    forced: { higer_price: [qa_1] }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-03-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
    forced: { higher_price: [qa_1] }
",
    check: Check::Flag(check),
};

type Variants = Field<Vec<Variant>>;
type Name = Spanned<Box<str>>;

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let base = &flag.base;
    if let Some(variants) = &base.variants {
        own(flag, base, variants, findings);
    }
    for over in flag.overrides() {
        if let Some(variants) = over.settings.variants.as_ref().or(base.variants.as_ref()) {
            own(flag, &over.settings, variants, findings);
        }
        // In an environment that there is not, nothing of the flag's own can be wrong.
        if let Some(variants) = &over.settings.variants
            && context.has_environment(&over.environment.value)
        {
            inherited(flag, &over.settings, variants, findings);
        }
    }
}

/// What `settings` themselves name must be among `variants`.
fn own(flag: &Flag, settings: &Settings, variants: &Variants, findings: &mut Findings<'_>) {
    // That there are none at all, the schema tells.
    if variants.value.is_empty() {
        return;
    }
    let control = settings.control.as_deref();
    let control = control.filter(|control| !has(variants, &control.value));
    let forced = settings.forced.as_deref();
    let unknown = unknown(forced, variants);
    if (control.is_none() && unknown.is_empty()) || !findings.understood(flag, variants.span) {
        return;
    }
    if let Some(control) = control {
        let fix = rename(&control.value, control.span, names(variants));
        report(
            flag,
            "control",
            (&control.value, control.span),
            variants,
            fix,
            findings,
        );
    }
    // What is forced already is not what was meant.
    let is_free = |name: &&str| {
        let mut forced = forced.iter().flat_map(|forced| &forced.value);
        !forced.any(|forced| *forced.variant.value == **name)
    };
    let mut free: Vec<&str> = match unknown[..] {
        [] => Vec::new(),
        _ => names(variants).take(SEARCHED).filter(is_free).collect(),
    };
    for name in unknown {
        let fix = rename_key(&name.value, name.span, &mut free);
        report(
            flag,
            "forced",
            (&name.value, name.span),
            variants,
            fix,
            findings,
        );
    }
}

fn report(
    flag: &Flag,
    field: &str,
    (name, span): (&str, Span),
    variants: &Variants,
    fix: Option<Fix>,
    findings: &mut Findings<'_>,
) {
    let message = format!("`{field}` names {}, which is not a variant", quote(name));
    let found = findings.report(flag, span, message);
    found.fix = fix;
    found.help = Some(format!("the variants are {}", list(names(variants))));
    found.relate(flag.at(variants.key), "the variants");
}

/// What the flag names must be among the variants that an environment puts in the place of the
/// flag's, unless the environment replaces it or it was wrong to begin with.
fn inherited(flag: &Flag, over: &Settings, variants: &Variants, findings: &mut Findings<'_>) {
    if variants.value.is_empty() {
        return;
    }
    let Some(before) = &flag.base.variants else {
        return;
    };
    let lost = |name: &str| has(before, name) && !has(variants, name);
    let control = flag.base.control.as_deref();
    let control = control.filter(|control| over.control.is_none() && lost(&control.value));
    if let Some(control) = control {
        report_lost(
            flag,
            "control",
            &control.value,
            control.span,
            variants,
            findings,
        );
    }
    if over.forced.is_some() {
        return;
    }
    for name in unknown(flag.base.forced.as_deref(), variants) {
        let told = control.is_some_and(|control| control.value == name.value);
        if lost(&name.value) && !told {
            report_lost(flag, "forced", &name.value, name.span, variants, findings);
        }
    }
}

fn report_lost(
    flag: &Flag,
    field: &str,
    name: &str,
    span: Span,
    variants: &Variants,
    findings: &mut Findings<'_>,
) {
    if findings.understood(flag, variants.span) {
        let name = quote(name);
        let message = format!("these variants lack {name}, which the flag's `{field}` names");
        let found = findings.report(flag, variants.key, message);
        found.help = Some(format!(
            "add {name} here, or give this environment a `{field}` too"
        ));
        found.relate(flag.at(span), format!("`{field}` names it here"));
    }
}

fn names(variants: &Variants) -> impl ExactSizeIterator<Item = &str> {
    variants.value.iter().map(|variant| &*variant.name.value)
}

fn has(variants: &Variants, name: &str) -> bool {
    names(variants).any(|known| known == name)
}

/// The names in `forced` that are not among `variants`.
fn unknown<'f>(forced: Option<&'f Field<Vec<Forced>>>, variants: &Variants) -> Vec<&'f Name> {
    let forced = forced.map_or(&[][..], |forced| &forced.value);
    let mentioned = forced.iter().map(|forced| &forced.variant);
    // Nobody writes that many, but a file made to take long might.
    if forced.len() > 64 {
        let known: HashSet<&str> = names(variants).collect();
        return mentioned
            .filter(|name| !known.contains(&*name.value))
            .collect();
    }
    mentioned
        .filter(|name| !has(variants, &name.value))
        .collect()
}
