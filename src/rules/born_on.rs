use crate::model::{Flag, Percent, Settings};

use super::change::{Transition, is_experiment, share};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "born-on",
    level: Level::Warning,
    fixed: false,
    summary: "A new flag starts on for everyone",
    docs: "\
A flag that is on for everyone from its first day switches nothing that a deployment would not have
switched, and the first to see a mistake in it is everyone. Add it off or at a small share, and raise
that once the code runs; a `rollout` does so in stages.

A flag that is on for everyone in some environments and not in others is taken for tried there first.
Experiments are on for everyone by nature. `hoist plan` says nothing where a store gets its first
flags.",
    bad: "\
# before
flags: {}
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
",
    good: "\
# before
flags: {}
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 5
    environments:
      staging: { percentage: 100 }
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, context: &Context, findings: &mut Findings<'_>) {
    let (None, Some(after)) = (change.before, change.after) else {
        return;
    };
    if is_experiment(after) || share(after) < Percent::HUNDRED {
        return;
    }
    let careful = change.new.is_some_and(|flag| {
        let mut environments = context.environments.iter();
        environments.any(|environment| !is_on_for_all(flag, environment))
    });
    if careful {
        return;
    }
    let span = change.share_span();
    let found = findings.report_change(change, span, "a new flag that is on for everyone at once");
    found.help = Some(
        "start with a small `percentage`, or with `enabled: false`, and raise it once the code runs"
            .to_owned(),
    );
}

fn is_on_for_all(flag: &Flag, environment: &str) -> bool {
    let Settings {
        enabled,
        percentage,
        rollout,
        ..
    } = flag.resolve(environment);
    let share = match (percentage, rollout) {
        (Some(percentage), _) => percentage.value,
        (None, Some(rollout)) => rollout
            .value
            .first()
            .map_or(Percent::ZERO, |stage| stage.percentage.value),
        (None, None) => Percent::HUNDRED,
    };
    enabled.is_some_and(|enabled| enabled.value) && share == Percent::HUNDRED
}
