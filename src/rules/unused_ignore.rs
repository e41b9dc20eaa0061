use crate::diagnostic::{Edit, Fix, Span};

use super::suppression::Named;
use super::unused::Useless;
use super::wording::quote;
use super::{Check, Findings, Level, Rule};

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
    let named = &useless.ignore.named;
    let (message, help) = match named {
        Named::Rule { id, .. } => (
            format!("`{id}` finds nothing here to silence"),
            format!("take it out, or put it where `{id}` finds something"),
        ),
        Named::Again(id) => (
            format!("`{id}` is silenced here already"),
            "take out one of the two".to_owned(),
        ),
        Named::Fixed(id) => (
            format!(
                "`{id}` cannot be silenced: nothing sound can be written to a store from what it finds"
            ),
            "mend what it finds".to_owned(),
        ),
        Named::Unknown { name, meant } => (
            format!("there is no rule {}", quote(name)),
            match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "`hoist lint --explain RULE` tells of one".to_owned(),
            },
        ),
        Named::Nothing(why) => (
            format!("this comment {why}, so that it silences nothing"),
            "write `# hoist-ignore: RULE, RULE -- reason`".to_owned(),
        ),
    };
    let found = findings.report_at(useless.location(), message);
    found.help = Some(help);
    found.fix = fix(useless);
}

fn fix(useless: &Useless<'_>) -> Option<Fix> {
    let name = match &useless.ignore.named {
        Named::Rule { id, .. } | Named::Again(id) | Named::Fixed(id) => *id,
        Named::Unknown { name, meant } => match meant {
            Some(meant) => return Some(rename(name, useless.ignore.span, meant)),
            None => name,
        },
        // A person meant something by it.
        Named::Nothing(_) => return None,
    };
    let (edit, is_whole) = useless.edit()?;
    let title = match is_whole {
        true => "take out the comment".to_owned(),
        false => format!("take out {}", quote(name)),
    };
    Some(Fix {
        title,
        edits: vec![edit],
        safe: true,
    })
}

fn rename(name: &str, span: Span, meant: &str) -> Fix {
    let text = meant.to_owned();
    Fix {
        title: format!("replace {} with `{meant}`", quote(name)),
        edits: vec![Edit { span, text }],
        // It would silence what is shown now.
        safe: false,
    }
}
