use crate::model::Flag;

use super::wording::is_blank;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "missing-description",
    level: Level::Warning,
    fixed: false,
    summary: "A flag does not say what it is for",
    docs: "\
The key is for programs. In a review, in a plan and at night in an incident, people need a sentence
that says what changes for users when the flag is on.",
    bad: "\
flags:
  new_search:
    owner: search-team
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
    let found = match &flag.description {
        Some(field) if is_blank(&field.value) => {
            findings.report(flag, field.span, "description is empty")
        }
        None if findings.lacks(flag, "description") => {
            findings.report(flag, flag.key.span, "flag has no description")
        }
        _ => return,
    };
    found.help = Some(
        "say in a sentence what it changes for users, such as `description: Show the new checkout`"
            .to_owned(),
    );
}
