use crate::model::Flag;

use super::wording::is_blank;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "missing-owner",
    level: Level::Warning,
    fixed: false,
    summary: "A flag does not say who decides about it",
    docs: "\
Somebody must be able to say whether a flag can go, and be asked when it misbehaves. Name a team
rather than a person: people move.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    expires: 2027-03-31
    enabled: true
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    let found = match &flag.owner {
        Some(field) if is_blank(&field.value) => {
            findings.report(flag, field.span, "owner is empty")
        }
        None if findings.lacks(flag, "owner") => {
            findings.report(flag, flag.key.span, "flag has no owner")
        }
        _ => return,
    };
    found.help =
        Some("name the team that decides about it, such as `owner: search-team`".to_owned());
}
