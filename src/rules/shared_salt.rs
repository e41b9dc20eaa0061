use std::collections::HashMap;

use crate::diagnostic::Span;

use super::wording::quote;
use super::{Check, Context, Findings, Level, Member, Rule};

pub static RULE: Rule = Rule {
    id: "shared-salt",
    level: Level::Warning,
    fixed: false,
    summary: "Two experiments take the same buckets",
    docs: "\
Who gets which variant is drawn from the salt, which is the flag's key unless set. Two experiments with one
salt put the same users into their first variants, the same into their second ones, and so on: what one of
them does to people shows up in the figures of the other, and no statistics can take it apart.

Two flags without variants may share a salt: then the same users get both first.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
  checkout_button:
    description: Which color the button of the checkout has
    owner: growth
    expires: 2027-01-31
    enabled: true
    salt: pricing_page
    variants: { control: 50, green: 50 }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 50, higher_price: 50 }
  checkout_button:
    description: Which color the button of the checkout has
    owner: growth
    expires: 2027-01-31
    enabled: true
    variants: { control: 50, green: 50 }
",
    check: Check::Set(check),
};

fn check(flags: &[Member<'_>], _: &Context, findings: &mut Findings<'_>) {
    // Keys are unique, so that no two flags share buckets without a salt.
    let salted: Vec<Member<'_>> = flags
        .iter()
        .copied()
        .filter(|flag| flag.salt().is_some() && flag.has_variants())
        .collect();
    if salted.is_empty() {
        return;
    }
    // By salt the experiment that takes its buckets first: the one whose key it is, else the first.
    let mut first: HashMap<&str, Member<'_>> = HashMap::new();
    for flag in salted.iter().copied() {
        first.entry(salt(flag)).or_insert(flag);
    }
    for flag in flags.iter().copied() {
        if flag.salt().is_none()
            && let Some(first) = first.get_mut(flag.key())
            && flag.has_variants()
        {
            *first = flag;
        }
    }
    for flag in salted {
        // Of two flags with one key another rule tells.
        if let Some(first) = first.get(salt(flag))
            && first.key() != flag.key()
        {
            report(flag, *first, findings);
        }
    }
}

fn salt(flag: Member<'_>) -> &str {
    flag.salt().map_or(flag.key(), |(salt, _)| salt)
}

fn report(flag: Member<'_>, first: Member<'_>, findings: &mut Findings<'_>) {
    let other = quote(first.key());
    let message = format!("the salt is that of experiment {other}: both take the same buckets");
    let found = findings.report_member(flag, place(flag), message);
    found.help = Some(
        "leave out `salt`, so that the flag's key is taken; not while it runs, since that moves users"
            .to_owned(),
    );
    found.relate(first.at(place(first)), other);
}

/// Where a flag says what its buckets are taken from. A salt that is merged in stands with other flags.
fn place(flag: Member<'_>) -> Span {
    let salt = flag.salt().map(|(_, span)| span);
    let own = salt.filter(|salt| flag.span().contains(*salt));
    own.unwrap_or(flag.key_span())
}
