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
    allowed_users:
      [u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15, u16, u17, u18, u19,
       u20, u21, u22, u23, u24, u25, u26, u27, u28, u29, u30, u31, u32, u33, u34, u35, u36,
       u37, u38, u39, u40, u41, u42, u43, u44, u45, u46, u47, u48, u49, u50, u51, u52, u53,
       u54, u55, u56, u57, u58, u59, u60, u61, u62, u63, u64, u65, u66, u67, u68, u69, u70,
       u71, u72, u73, u74, u75, u76, u77, u78, u79, u80, u81, u82, u83, u84, u85, u86, u87,
       u88, u89, u90, u91, u92, u93, u94, u95, u96, u97, u98, u99, u100, u101]
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-01-31
    enabled: true
    percentage: 10
    allowed_groups: [pilot_customers]
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
