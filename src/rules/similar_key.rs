use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use super::keys::{Folded, SEPARATORS};
use super::wording::quote;
use super::{Check, Context, Findings, Level, Member, Rule};

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

/// A flag that equals every other whose key is the same when folded.
struct ByFolded<'r>(Member<'r>);

impl PartialEq for ByFolded<'_> {
    fn eq(&self, other: &Self) -> bool {
        Folded(self.0.key()) == Folded(other.0.key())
    }
}

impl Eq for ByFolded<'_> {}

impl Hash for ByFolded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Folded(self.0.key()).hash(state);
    }
}

fn check(flags: &[Member<'_>], _: &Context, findings: &mut Findings<'_>) {
    let mut firsts: HashSet<ByFolded<'_>> = HashSet::with_capacity(flags.len());
    // Keys that were told of.
    let mut told: HashSet<&str> = HashSet::new();
    for flag in flags.iter().copied() {
        if firsts.insert(ByFolded(flag)) {
            continue;
        }
        let Some(ByFolded(first)) = firsts.get(&ByFolded(flag)) else {
            continue;
        };
        let key = flag.key();
        if first.key() == key || !told.insert(key) {
            continue;
        }
        let message = format!(
            "key {} differs from {} in {} only",
            quote(key),
            quote(first.key()),
            difference(key, first.key())
        );
        let found = findings.report_member(flag, flag.key_span(), message);
        found.help = Some(
            "remove the one that is left over, or give one of them a name of its own".to_owned(),
        );
        found.relate(first.at(first.key_span()), "the other one");
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
