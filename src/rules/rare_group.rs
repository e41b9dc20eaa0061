mod neighbours;

use std::collections::HashMap;

use crate::diagnostic::Span;

use super::wording::quote;
use super::{Check, Context, Findings, Level, Member, Rule};
use neighbours::{Likeness, Neighbours};

pub static RULE: Rule = Rule {
    id: "rare-group",
    level: Level::Warning,
    fixed: false,
    summary: "A group that only one flag uses is nearly called like one that others use",
    docs: "\
Nothing knows which groups there are, so that a slip in a name turns the flag on for nobody and says nothing.
A group that one flag uses is reported if it is one or two edits away from a group that two flags or more use,
or differs from it in case and separators alone.

Names that are told apart by a number, a letter or a short word are left alone: `cohort_1` and `cohort_2`,
`beta_eu` and `beta_us`. One edit is taken for a slip in words of 5 letters and more, two edits in those of 8
and more that begin alike.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [employees]
  new_layout:
    description: Show search results in two columns
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [employees]
  new_filters:
    description: Filter search results by price
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [employes]
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [employees]
  new_layout:
    description: Show search results in two columns
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [employees]
  new_filters:
    description: Filter search results by price
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [employees]
",
    check: Check::Set(check),
};

/// How a group is used.
struct Usage<'f> {
    /// Number of flags.
    flags: u32,
    /// The last of them.
    last: Member<'f>,
    /// Where it was first met.
    first: (Member<'f>, Span),
}

fn check(flags: &[Member<'_>], _: &Context, findings: &mut Findings<'_>) {
    let mut groups: HashMap<&str, Usage<'_>> = HashMap::new();
    for flag in flags.iter().copied() {
        for (group, span) in flag.groups() {
            let usage = groups.entry(group).or_insert(Usage {
                flags: 1,
                last: flag,
                first: (flag, span),
            });
            if !usage.last.is(flag) {
                usage.flags += 1;
                usage.last = flag;
            }
        }
    }
    let common = groups.iter().filter(|(_, usage)| usage.flags > 1);
    let neighbours = Neighbours::new(common.map(|(name, usage)| (*name, usage.flags)).collect());
    let mut rare: Vec<_> = groups
        .iter()
        .filter(|(_, usage)| usage.flags == 1)
        .collect();
    rare.sort_unstable_by_key(|(_, usage)| (usage.first.0.file(), usage.first.1));
    for (name, usage) in rare {
        if let Some(likeness) = neighbours.nearest(name) {
            report(name, usage, &likeness, findings);
        }
    }
}

fn report(name: &str, usage: &Usage<'_>, meant: &Likeness<'_>, findings: &mut Findings<'_>) {
    let (flag, span) = usage.first;
    let other = quote(meant.name);
    let how = match meant.edits {
        0 => "differs only in case and separators",
        1 => "is one edit away",
        _ => "is two edits away",
    };
    let message = format!(
        "group {} is used here alone and {how} from {other}, which {} flags use",
        quote(name),
        meant.flags
    );
    findings.report_member(flag, span, message).help = Some(format!(
        "write {other} if that is meant; a group that a second flag uses is not reported"
    ));
}
