use crate::model::{Flag, Percent};

use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "unfinished-rollout",
    level: Level::Warning,
    fixed: false,
    summary: "A rollout ends before it has reached everyone",
    docs: "\
A rollout is on its way to everyone. One whose last stage is below 100 percent stops short of that: some users
never get the flag, and the flag can never be removed. Add the stages that are missing; where the flag is to stay
at a share of users, write that as `percentage`.

A stage may also wait for somebody to advance it: leave its `duration` out, and put the next one behind it all
the same.",
    bad: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-03-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 50, duration: 24h }
",
    good: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-03-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 50, duration: 24h }
      - { percentage: 100 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        let Some((last, before)) = rollout.value.split_last() else {
            continue;
        };
        let reached = last.percentage.value;
        // A last stage below the one before it is out of order, which is a mistake of its own.
        let rises = before
            .last()
            .is_none_or(|before| before.percentage.value < reached);
        if reached < Percent::HUNDRED && rises && findings.understood(flag, rollout.span) {
            let rest = Percent(Percent::HUNDRED.0 - reached.0);
            let message =
                format!("the rollout ends at {reached}: {rest} % of users never get the flag");
            let found = findings.report(flag, last.place(last.percentage.span), message);
            found.help = Some(format!(
                "add the stages that are missing, up to `{{ percentage: 100 }}`, or write `percentage: {reached}` instead of \
                 the rollout if the flag is to stay there"
            ));
        }
    }
}
