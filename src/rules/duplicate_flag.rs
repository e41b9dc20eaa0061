use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Member, Rule};

pub static RULE: Rule = Rule {
    id: "duplicate-flag",
    level: Level::Error,
    fixed: true,
    summary: "Two flags of the flag set have the same key",
    docs: "\
A key names one flag over all files. With two of them it is chance which one is applied, so nothing is
applied until one of them is gone or has another key.

The first one, by name of the file and then by place in it, is taken for the one that was meant.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
---
flags:
  new_search:
    description: Another search altogether
    owner: search-team
    expires: 2027-03-31
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
---
flags:
  new_search_box:
    description: Another search altogether
    owner: search-team
    expires: 2027-03-31
",
    check: Check::Set(check),
};

/// A flag that equals every other of its key.
struct ByKey<'r>(Member<'r>);

impl PartialEq for ByKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for ByKey<'_> {}

impl Hash for ByKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

fn check(flags: &[Member<'_>], _: &Context, findings: &mut Findings<'_>) {
    let mut firsts: HashSet<ByKey<'_>> = HashSet::with_capacity(flags.len());
    for flag in flags.iter().copied() {
        if firsts.insert(ByKey(flag)) {
            continue;
        }
        let Some(ByKey(first)) = firsts.get(&ByKey(flag)) else {
            continue;
        };
        let message = format!("there is a flag {} already", quote(flag.key()));
        let found = findings.report_member(flag, flag.key_span(), message);
        found.help = Some("remove one of the two, or give this one a key of its own".to_owned());
        found.relate(first.at(first.key_span()), "the first one");
    }
}
