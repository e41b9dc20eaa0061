use crate::diagnostic::Fix;
use crate::model::{Flag, Spanned};

use super::wording::{list, quote, rename, rename_key};
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
            let fix = rename_key(&name.value, name.span, &mut free);
            report(flag, name, fix, context, findings);
        }
    }
    let tests = flag.tests.iter().flat_map(|tests| &tests.value);
    let names = tests.filter_map(|test| test.environment.as_ref());
    for name in names.filter(is_unknown) {
        let fix = rename(&name.value, name.span, all());
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
