use crate::model::{Flag, Percent, Stage};

use super::shadowed_environment::same_stages;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "abrupt-rollout",
    level: Level::Warning,
    fixed: false,
    summary: "A stage of a rollout opens the flag to too many users at once",
    docs: "\
Stages are there so that trouble shows while few people see it. A first stage above `max_step` percent (under
`[lint]` in hoist.toml, 50 unless set), or a stage that adds more than so many percentage points, takes that
away: put a stage before it, or start lower.

A stage is measured from the highest before it. One that falls back is for `stage-order`, and over a stage that
could not be read nothing is measured.",
    bad: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-03-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 100 }
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

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    // Saturates, so that any number in hoist.toml means something.
    let max_step = (context.limits.max_step * 1000.0).round() as u32;
    let base = flag.base.rollout.as_deref();
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        // What an environment has from the flag is told of there.
        if base
            .is_some_and(|base| base.key != rollout.key && same_stages(&base.value, &rollout.value))
        {
            continue;
        }
        let mut highest: Option<&Stage> = None;
        // Stages between that one and the next that could not be read.
        let mut unread = 0;
        let mut number = 0;
        for stage in &rollout.value {
            unread += stage.number.saturating_sub(number + 1);
            number = stage.number;
            let reached = highest.map_or(Percent::ZERO, |highest| highest.percentage.value);
            let percentage = stage.percentage.value;
            if percentage.0.saturating_sub(reached.0) > max_step && unread == 0 {
                report(flag, highest, stage, Percent(max_step), findings);
            }
            // A stage that falls behind another is told of as that.
            if highest.is_none() || percentage > reached {
                (highest, unread) = (Some(stage), 0);
            }
        }
    }
}

/// Reports a stage for how far it is above the highest before it.
fn report(
    flag: &Flag,
    before: Option<&Stage>,
    stage: &Stage,
    max_step: Percent,
    findings: &mut Findings<'_>,
) {
    let percentage = stage.percentage.value;
    let place = stage.place(stage.percentage.span);
    let Some(before) = before else {
        let message =
            format!("the rollout starts at {percentage}, more than {max_step} points at once");
        let found = findings.report(flag, place, message);
        found.help =
            Some("put a stage before it, such as `{ percentage: 5, duration: 4h }`".to_owned());
        return;
    };
    let reached = before.percentage.value;
    let step = Percent(percentage.0 - reached.0);
    let message = format!(
        "stage {} goes from {reached} to {percentage}: {step} points at once, more than {max_step}",
        stage.number
    );
    // Half way or as far as one stage may go, in whole percent.
    let half = (reached.0 + percentage.0) / 2000;
    let far = (reached.0 + max_step.0) / 1000;
    let between = if far * 1000 > reached.0 {
        half.min(far)
    } else {
        half
    };
    let found = findings.report(flag, place, message);
    found.help = Some(format!(
        "put a stage between them, such as `{{ percentage: {between}, duration: 24h }}`"
    ));
    found.relate(
        flag.at(before.place(before.percentage.span)),
        format!("stage {}", before.number),
    );
}
