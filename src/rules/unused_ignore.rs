use crate::diagnostic::Fix;

use super::suppression::Named;
use super::unused::Useless;
use super::wording::{quote, rename};
use super::{Check, Findings, Level, RULES, Rule};

pub static RULE: Rule = Rule {
    id: "unused-ignore",
    level: Level::Warning,
    fixed: false,
    summary: "A `hoist-ignore` comment silences nothing",
    docs: "\
The mistake is gone, or the comment stands above the wrong line: then it waits there and hides the next one.
The same is said of a name that is no rule, of a rule that cannot be silenced, and of one that an earlier
comment silences for the same line.

Nothing is said where that cannot be known: of rules that are turned off, of any rule in a file with errors
that keep parts of it from being read, and of rules that compare flags with each other (such as
`shared-salt`) where only some of the files are looked at.

The comment itself can be kept by `# hoist-ignore: unused-ignore`.",
    bad: "\
flags:
  # hoist-ignore: missing-owner
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
",
    good: "\
flags:
  # hoist-ignore: missing-owner
  new_search:
    description: Route search traffic to the new ranking service
    expires: 2027-01-31
    enabled: true
    percentage: 10
",
    check: Check::Ignores(check),
};

fn check(useless: &Useless<'_>, findings: &mut Findings<'_>) {
    let span = useless.ignore.span;
    let help;
    let message = match &useless.ignore.named {
        Named::Rule { id, .. } => {
            help = format!("take it out, or put it where `{id}` finds something");
            format!("`{id}` finds nothing here to silence")
        }
        Named::Again(id) => {
            help = "take out one of the two".to_owned();
            format!("`{id}` is silenced here already")
        }
        Named::Fixed(id) => {
            help = "mend what it finds".to_owned();
            format!(
                "`{id}` cannot be silenced: nothing sound can be written to a store from what it finds"
            )
        }
        Named::Unknown(name) => {
            help = "take it out; `hoist lint --explain RULE` tells of one".to_owned();
            format!("there is no rule {}", quote(name))
        }
        Named::Nothing(why) => {
            help = "write `# hoist-ignore: RULE, RULE -- reason`".to_owned();
            format!("this comment {why}, so that it silences nothing")
        }
    };
    let fix = match &useless.ignore.named {
        Named::Unknown(name) => rename(name, span, RULES.iter().map(|rule| rule.id)),
        // A person meant something by it.
        Named::Nothing(_) => return add(useless, message, help, None, findings),
        _ => None,
    };
    let fix = fix.or_else(|| {
        useless.edit().map(|edit| Fix {
            title: "take out what silences nothing".to_owned(),
            edits: vec![edit],
        })
    });
    add(useless, message, help, fix, findings);
}

fn add(
    useless: &Useless<'_>,
    message: String,
    help: String,
    fix: Option<Fix>,
    findings: &mut Findings<'_>,
) {
    let found = findings.report_at(useless.location(), message);
    found.help = Some(help);
    found.fix = fix;
}
