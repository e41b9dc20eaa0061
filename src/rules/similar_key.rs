use std::collections::HashMap;

use crate::model::Flag;

use super::keys::{Folded, SEPARATORS};
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "similar-key",
    level: Level::Warning,
    fixed: false,
    summary: "The keys of two flags differ in case or separators only",
    docs: "\
`new_search` and `new-search` are two flags to hoist and one to whoever reads, types or talks about them.
Code that asks for the wrong one gets a default and no error. Mostly one of the two is left over from a
rename, and can go; else give one of them another name.

The finding is at the second one, by name of the file and then by place in it. Keys that are
equal to the letter are for `duplicate-flag`.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
  newsearch:
    description: Show the new search box
    owner: search-team
    expires: 2027-03-31
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
  new_search_box:
    description: Show the new search box
    owner: search-team
    expires: 2027-03-31
",
    check: Check::Set(check),
};

/// The keys that are one when folded: the first, and the others of them that were told of.
struct Group<'f> {
    first: &'f Flag,
    others: Vec<&'f str>,
}

fn check(flags: &[&Flag], _: &Context, findings: &mut Findings<'_>) {
    let mut groups: HashMap<Folded<'_>, Group<'_>> = HashMap::with_capacity(flags.len());
    for flag in flags.iter().copied() {
        let key = &*flag.key.value;
        let group = groups.entry(Folded(key)).or_insert(Group {
            first: flag,
            others: Vec::new(),
        });
        let first = group.first;
        if *first.key.value == *key || group.others.contains(&key) {
            continue;
        }
        group.others.push(key);
        let message = format!(
            "key {} differs from {} in {} only",
            quote(key),
            quote(&first.key.value),
            difference(key, &first.key.value)
        );
        let found = findings.report(flag, flag.key.span, message);
        found.help = Some(
            "remove the one that is left over, or give one of them a name of its own".to_owned(),
        );
        found.relate(first.at(first.key.span), "the other one");
    }
}

/// In what two keys differ that are equal when folded.
fn difference(one: &str, other: &str) -> &'static str {
    let plain = |key: &str| key.replace(SEPARATORS, "");
    if plain(one) == plain(other) {
        "separators"
    } else if one.eq_ignore_ascii_case(other) {
        "case"
    } else {
        "case and separators"
    }
}
