use crate::diagnostic::{Fix, did_you_mean};
use crate::model::{Flag, Spanned};

use super::wording::{list, quote, replace};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "unknown-environment",
    level: Level::Error,
    fixed: false,
    summary: "A flag names an environment that hoist.toml does not have",
    docs: "\
What stands under `environments` and in `tests` is looked up by name. A name that hoist.toml does not
have is looked up by nobody: the override never takes effect, the test never tests what it says.

Correct the name, or add the environment to hoist.toml.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 10
    environments:
      stagging: { percentage: 100 }
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    percentage: 10
    environments:
      staging: { percentage: 100 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let is_unknown = |name: &&Spanned<Box<str>>| !context.has_environment(&name.value);
    let all = || context.environments.iter().map(String::as_str);
    let mut names = flag.overrides().map(|over| &over.environment);
    if let Some(first) = names.find(is_unknown) {
        // What the flag has settings for already is not what was meant.
        let is_set = |name: &str| {
            flag.overrides()
                .any(|over| *over.environment.value == *name)
        };
        let mut free: Vec<&str> = all().filter(|name| !is_set(name)).collect();
        for name in std::iter::once(first).chain(names.filter(is_unknown)) {
            let meant = meant_environment(&name.value, free.iter().copied());
            // Two keys must not become one.
            free.retain(|free| Some(*free) != meant);
            let fix = meant.map(|meant| replace(&name.value, name.span, meant));
            report(flag, name, fix, context, findings);
        }
    }
    let tests = flag.tests.iter().flat_map(|tests| &tests.value);
    let names = tests.filter_map(|test| test.environment.as_ref());
    for name in names.filter(is_unknown) {
        let meant = meant_environment(&name.value, all());
        let fix = meant.map(|meant| replace(&name.value, name.span, meant));
        report(flag, name, fix, context, findings);
    }
}

fn report(
    flag: &Flag,
    environment: &Spanned<Box<str>>,
    fix: Option<Fix>,
    context: &Context,
    findings: &mut Findings<'_>,
) {
    let known = || context.environments.iter().map(String::as_str);
    let name = quote(&environment.value);
    let table = quote(&format!("[environments.{}]", environment.value));
    let help = match (known().len(), &fix) {
        (0, _) => format!("add it to hoist.toml as {table}"),
        (_, Some(_)) => format!("hoist.toml has {}", list(known())),
        (_, None) => format!(
            "hoist.toml has {}; to have another, add {table} there",
            list(known())
        ),
    };
    let message = format!("hoist.toml has no environment {name}");
    let found = findings.report(flag, environment.span, message);
    found.fix = fix;
    found.help = Some(help);
}

/// Names that people use for one kind of environment.
const SAME: [&[&str]; 4] = [
    &["production", "prod", "prd", "live"],
    &["staging", "stage", "stg"],
    &["development", "develop", "devel", "dev"],
    &["testing", "test", "tst"],
];

/// The known environment that `wrong` most likely stands for: one that is spelt nearly so, or else the
/// only one that begins so or is an abbreviation of the same word.
pub fn meant_environment<'a>(
    wrong: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let one = |is_meant: &dyn Fn(&str) -> bool| {
        let mut meant = known.clone().filter(|name| is_meant(name));
        meant.next().filter(|_| meant.next().is_none())
    };
    let folded = wrong.to_lowercase();
    let words = SAME.iter().find(|words| words.contains(&&*folded));
    did_you_mean(wrong, known.clone())
        .or_else(|| one(&|name| words.is_some_and(|words| words.contains(&&*name.to_lowercase()))))
        .or_else(|| one(&|name| folded.len() > 1 && name.to_lowercase().starts_with(&folded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abbreviation_is_understood_where_it_can_mean_one_only() {
        let usual = ["development", "staging", "production"];
        for (wrong, known, meant) in [
            ("prod", &usual[..], Some("production")),
            ("Stage", &usual, Some("staging")),
            ("dev", &usual, Some("development")),
            ("prodction", &usual, Some("production")),
            ("production", &["prod", "dev"], Some("prod")),
            ("eu", &["eu-west", "us-east"], Some("eu-west")),
            ("eu", &["eu-west", "eu-east"], None),
            ("live", &["prod", "production"], None),
            ("p", &usual, None),
            ("", &usual, None),
            ("qa", &usual, None),
        ] {
            assert_eq!(
                meant_environment(wrong, known.iter().copied()),
                meant,
                "{wrong}"
            );
        }
    }
}
