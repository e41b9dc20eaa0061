use jiff::ToSpan;

use crate::model::Flag;

use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "missing-expiry",
    level: Level::Warning,
    fixed: false,
    summary: "A flag does not say when it is to be gone",
    docs: "\
Most flags are for a while, and stay because nobody remembers that. Write down the day by which the flag
is to be out of the code, or `expires: never` for a permanent one, such as an operational switch.",
    bad: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
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

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    if flag.expires.is_some() || !findings.lacks(flag, "expires") {
        return;
    }
    let days = i64::from(context.limits.max_flag_age_days);
    let date = context.today.saturating_add(days.days());
    findings
        .report(flag, flag.key.span, "flag has no expiry date")
        .help = Some(format!(
        "write the day by which it is to be gone, such as `expires: {date}`, or `expires: never` for a \
         permanent flag"
    ));
}
