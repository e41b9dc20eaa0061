use crate::model::{Flag, Spanned};

use super::wording::{list, quote, rename};
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
    let overrides = flag.overrides().map(|over| &over.environment);
    let tests = flag.tests.iter().flat_map(|tests| &tests.value);
    for environment in overrides.chain(tests.filter_map(|test| test.environment.as_ref())) {
        if !context
            .environments
            .iter()
            .any(|known| **known == *environment.value)
        {
            report(flag, environment, context, findings);
        }
    }
}

fn report(
    flag: &Flag,
    environment: &Spanned<Box<str>>,
    context: &Context,
    findings: &mut Findings<'_>,
) {
    let known = || context.environments.iter().map(String::as_str);
    let name = quote(&environment.value);
    let found = findings.report(
        flag,
        environment.span,
        format!("hoist.toml has no environment {name}"),
    );
    found.fix = rename(&environment.value, environment.span, known());
    let table = quote(&format!("[environments.{}]", environment.value));
    found.help = Some(match (known().len(), &found.fix) {
        (0, _) => format!("add it to hoist.toml as {table}"),
        (_, Some(_)) => format!("hoist.toml has {}", list(known())),
        (_, None) => format!(
            "hoist.toml has {}; to have another, add {table} there",
            list(known())
        ),
    });
}
