use crate::eval::grouped;
use crate::model::Percent;

use super::change::{Transition, is_experiment};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "lowered-percentage",
    level: Level::Warning,
    fixed: false,
    summary: "A flag that is on is taken from some of those who have it",
    docs: "\
Users with the highest buckets came last and go first. They have seen the new version and lose it
again, with whatever they did in it. To stop something that goes wrong, switch it off; to go on later,
leave the share where it is.

`hoist plan` compares with the share that is live. From git alone nobody knows which stage a rollout
has reached, so `hoist diff` speaks up only where every one of them is lowered. Switching a flag off is
no lowering, and what an experiment's share does is `edited-experiment`'s business.",
    bad: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 50
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 20
",
    good: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 50
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: false
    percentage: 50
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some((before, after)) = change.both() else {
        return;
    };
    if !after.spec.enabled() || is_experiment(before) || is_experiment(after) {
        return;
    }
    let loss = |(was, is): &(Percent, Percent)| was.0.saturating_sub(is.0);
    let shares = change.shares();
    let Some(least) = shares.iter().min_by_key(|pair| loss(pair)) else {
        return;
    };
    if loss(least) == 0 {
        return;
    }
    let (was, is) = *least;
    let lost = Percent(was.0 - is.0);
    let message = if shares.len() > 1 {
        format!("goes from {was} % or more to {is} % of users: {lost} % or more lose it")
    } else if change.impact().is_none_or(|impact| impact.redrawn) {
        format!("goes from {was} to {is} % of users")
    } else {
        format!(
            "goes from {was} to {is} % of users: {lost} % lose it, those in buckets {} to {}",
            grouped(is.0),
            grouped(was.0 - 1)
        )
    };
    let found = findings.report_change(change, change.share_span(), message);
    found.help = Some(
        "leave the share where it is, or switch the flag off if something is wrong with it"
            .to_owned(),
    );
}
