use std::collections::HashMap;

use crate::diagnostic::Fix;
use crate::model::{Flag, Names, Spanned};

use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "duplicate-entry",
    level: Level::Warning,
    fixed: false,
    summary: "A list has the same user, group or tag twice",
    docs: "\
The second one changes nothing. It costs whoever takes one of them out and believes that it is gone, and it
may be a slip for another name.

One user in the lists of two variants is another mistake: `forced-twice`.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_users: [ana, ben, ana]
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_users: [ana, ben]
",
    check: Check::Flag(check),
};

type Entry = Spanned<Box<str>>;

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    if let Some(tags) = &flag.tags {
        list(flag, "tags", &tags.value, findings);
    }
    for settings in all_settings(flag) {
        if let Some(users) = &settings.allowed_users {
            list(flag, "allowed_users", &users.value, findings);
        }
        if let Some(groups) = &settings.allowed_groups {
            list(flag, "allowed_groups", &groups.value, findings);
        }
        for forced in settings.forced.iter().flat_map(|forced| &forced.value) {
            list(flag, "forced", &forced.users, findings);
        }
    }
    for test in flag.tests.iter().flat_map(|tests| &tests.value) {
        list(flag, "groups", &test.groups, findings);
    }
}

/// Up to so many entries, comparing each with each is faster than hashing.
const FEW: usize = 16;

fn list(flag: &Flag, field: &str, names: &Names, findings: &mut Findings<'_>) {
    if names.len() > FEW {
        let mut first: HashMap<&str, &Entry> = HashMap::with_capacity(names.len());
        for name in names {
            let first = *first.entry(&name.value).or_insert(name);
            if !std::ptr::eq(first, name) {
                report(flag, field, first, name, findings);
            }
        }
        return;
    }
    for (at, name) in names.iter().enumerate() {
        let before = names.iter().take(at);
        if let Some(first) = before.into_iter().find(|before| before.value == name.value) {
            report(flag, field, first, name, findings);
        }
    }
}

fn report(flag: &Flag, field: &str, first: &Entry, again: &Entry, findings: &mut Findings<'_>) {
    let name = quote(&again.value);
    let edit = findings.without_item(again.span);
    let found = findings.report(flag, again.span, format!("{name} is in `{field}` already"));
    found.relate(flag.at(first.span), "the first one");
    found.fix = edit.map(|edit| Fix {
        title: format!("take out the second {name}"),
        edits: vec![edit],
        safe: true,
    });
    if found.fix.is_none() {
        found.help = Some("take out one of the two".to_owned());
    }
}
