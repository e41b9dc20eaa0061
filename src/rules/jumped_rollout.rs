use crate::model::Percent;

use super::change::{Transition, is_experiment};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "jumped-rollout",
    level: Level::Warning,
    fixed: false,
    summary: "A flag reaches many more users at once",
    docs: "\
Whatever is wrong with the new code shows while few people have it, if the share rises in steps. A
change that adds more than `max_step` percentage points (under `[lint]` in hoist.toml, 50 unless set)
takes that away, a switch from off to on for everyone among them.

`hoist plan` compares with the share that is live. From git alone nobody knows which stage a rollout
has reached, so `hoist diff` speaks up only where the step is too large from every one of them. What an
experiment's share does is `edited-experiment`'s business, and a new flag is `born-on`'s.",
    bad: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 10
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 100
",
    good: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 10
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 50
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, context: &Context, findings: &mut Findings<'_>) {
    let Some((_, after)) = change.both() else {
        return;
    };
    // Saturates, so that any number in hoist.toml means something.
    let max_step = Percent((context.limits.max_step * 1000.0).round() as u32);
    let step = |(was, is): &(Percent, Percent)| is.0.saturating_sub(was.0);
    let shares = change.shares();
    let Some(least) = shares.iter().min_by_key(|pair| step(pair)) else {
        return;
    };
    if is_experiment(after) || step(least) <= max_step.0 {
        return;
    }
    let (was, is) = *least;
    let step = Percent(is.0 - was.0);
    let (from, at_least) = if shares.len() > 1 {
        (format!("{was} % at most"), "at least ")
    } else {
        (format!("{was} %"), "")
    };
    let message = format!(
        "goes from {from} to {is} % of users: {at_least}{step} points at once, more than {max_step}"
    );
    let between = Percent((was.0 + max_step.0).min(is.0));
    let found = findings.report_change(change, change.share_span(), message);
    found.help = Some(format!(
        "go to {between} % at most now and further later, or write a `rollout` with stages"
    ));
}
