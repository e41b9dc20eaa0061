use std::collections::HashMap;

use crate::model::Flag;

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

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

fn check(flags: &[&Flag], _: &Context, findings: &mut Findings<'_>) {
    let mut first: HashMap<&str, &Flag> = HashMap::with_capacity(flags.len());
    for flag in flags {
        let first = *first.entry(&flag.key.value).or_insert(flag);
        if !std::ptr::eq(first, *flag) {
            let message = format!("there is a flag {} already", quote(&flag.key.value));
            let found = findings.report(flag, flag.key.span, message);
            found.help =
                Some("remove one of the two, or give this one a key of its own".to_owned());
            found.relate(first.at(first.key.span), "the first one");
        }
    }
}
