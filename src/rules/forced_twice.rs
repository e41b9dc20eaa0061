use std::collections::HashMap;

use crate::model::{Flag, Forced, Spanned};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "forced-twice",
    level: Level::Error,
    fixed: true,
    summary: "A user is forced into two variants of an experiment",
    docs: "\
A user gets one variant. Of two that `forced` gives, it is chance which one counts, and clients in different
languages may decide differently: leave the user under one of them.

The `forced` of an environment replaces that of the flag as a whole, so a user may be in one variant here and in
another there. A user who stands twice under the same variant is no conflict: that is for `duplicate-entry`.",
    bad: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-03-31
    enabled: true
    variants: { control: 34, higher_price: 33, lower_price: 33 }
    forced: { higher_price: [qa_1, qa_2], lower_price: [qa_2] }
",
    good: "\
flags:
  pricing_page:
    description: Which price the pricing page shows
    owner: growth
    expires: 2027-03-31
    enabled: true
    variants: { control: 34, higher_price: 33, lower_price: 33 }
    forced: { higher_price: [qa_1], lower_price: [qa_2] }
",
    check: Check::Flag(check),
};

/// So many users are compared each with each, which takes less than a table of them.
const FEW: usize = 16;

/// Where a user stands first.
struct First<'f> {
    under: &'f Forced,
    user: &'f Spanned<Box<str>>,
    /// The last variant that the user was found under again.
    again: Option<usize>,
}

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for forced in all_settings(flag).filter_map(|settings| settings.forced.as_deref()) {
        if may_repeat(&forced.value) {
            repeats(flag, &forced.value, findings);
        }
    }
}

/// False where no user stands under two variants.
fn may_repeat(forced: &[Forced]) -> bool {
    let count: usize = forced.iter().map(|forced| forced.users.len()).sum();
    if forced.len() < 2 || count > FEW {
        return forced.len() > 1;
    }
    (1..).zip(forced).any(|(next, one)| {
        let others = forced.iter().skip(next).flat_map(|other| &other.users);
        others
            .into_iter()
            .any(|other| one.users.iter().any(|user| user.value == other.value))
    })
}

fn repeats(flag: &Flag, forced: &[Forced], findings: &mut Findings<'_>) {
    let mut seen: HashMap<&str, First<'_>> = HashMap::new();
    for (at, under) in forced.iter().enumerate() {
        for user in &under.users {
            let first = seen.entry(&user.value).or_insert(First {
                under,
                user,
                again: None,
            });
            if std::ptr::eq(first.under, under) || first.again == Some(at) {
                continue;
            }
            first.again = Some(at);
            report(flag, under, user, first, findings);
        }
    }
}

fn report(
    flag: &Flag,
    under: &Forced,
    user: &Spanned<Box<str>>,
    first: &First<'_>,
    findings: &mut Findings<'_>,
) {
    let name = quote(&user.value);
    let (variant, other) = (&under.variant, &first.under.variant);
    let message = format!(
        "{name} is forced into {} and into {}",
        quote(&other.value),
        quote(&variant.value)
    );
    // Two variants with one list, by alias.
    let is_shared = user.span == first.user.span;
    let place = if is_shared { variant.span } else { user.span };
    let found = findings.report(flag, place, message);
    found.help = Some(format!("leave {name} under one of them"));
    let first = if is_shared {
        other.span
    } else {
        first.user.span
    };
    found.relate(
        flag.at(first),
        format!("forced into {}", quote(&other.value)),
    );
}
