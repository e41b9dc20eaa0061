use crate::diagnostic::Span;
use crate::model::Flag;

use super::wording::{count, quote};
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "complex-flag",
    level: Level::Warning,
    fixed: false,
    summary: "A flag has more entries in a list, or more environments, than people can review",
    docs: "\
A list of hundreds of users is data: nobody reviews it, it is out of date soon, and every evaluation carries
it. Give these users a group where groups are kept, and name that one. A flag that is different in most
environments belongs into the configuration of the application.

`max_list` (100 unless set) and `max_environments` (5) under `[lint]` in hoist.toml say how many are too
many.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    environments:
      development: { percentage: 100 }
      production: { percentage: 20 }
      staging: { percentage: 50 }
      staging-eu: { percentage: 60 }
      staging-us: { percentage: 70 }
      test: { percentage: 80 }
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    environments:
      development: { percentage: 100 }
      production: { percentage: 20 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let most = context.limits.max_list as usize;
    for settings in all_settings(flag) {
        let lists = [
            ("allowed_users", settings.allowed_users.as_deref()),
            ("allowed_groups", settings.allowed_groups.as_deref()),
        ];
        for (name, list) in lists {
            if let Some(list) = list.filter(|list| list.value.len() > most) {
                let what = format!("`{name}`");
                report_list(flag, list.key, &what, list.value.len(), context, findings);
            }
        }
        for forced in settings.forced.iter().flat_map(|forced| &forced.value) {
            if forced.users.len() > most {
                let what = format!("`forced` for {}", quote(&forced.variant.value));
                let length = forced.users.len();
                report_list(flag, forced.variant.span, &what, length, context, findings);
            }
        }
    }
    let Some(environments) = &flag.environments else {
        return;
    };
    let (length, most) = (environments.value.len(), context.limits.max_environments);
    if length > most as usize {
        let message = format!(
            "{} have settings of their own, more than {most}",
            count(length as i64, "environment")
        );
        findings.report(flag, environments.key, message).help = Some(
            "let the flag itself say what holds in most of them, or decide in code".to_owned(),
        );
    }
}

fn report_list(
    flag: &Flag,
    key: Span,
    what: &str,
    length: usize,
    context: &Context,
    findings: &mut Findings<'_>,
) {
    let most = context.limits.max_list;
    let message = format!("{what} has {length} entries, more than {most}");
    findings.report(flag, key, message).help = Some(
        "put them into a group where groups are kept and name that one, or decide in code"
            .to_owned(),
    );
}
