use crate::model::{Flag, Percent, Stage};

use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "abrupt-rollout",
    level: Level::Warning,
    fixed: false,
    summary: "A stage of a rollout opens the flag to too many users at once",
    docs: "\
Stages are there so that trouble shows while few people see it. A stage that adds more than
`max_step` percentage points (under `[lint]` in hoist.toml, 50 unless set) takes that away: put a stage
before it, or start lower.",
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
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        let mut before: Option<&Stage> = None;
        for (at, stage) in rollout.value.iter().enumerate() {
            let reached = before.map_or(Percent::ZERO, |before| before.percentage.value);
            let step = stage.percentage.value.0.saturating_sub(reached.0);
            if step > max_step && findings.understood(flag, rollout.span) {
                report(flag, at + 1, before, stage, Percent(max_step), findings);
            }
            before = Some(stage);
        }
    }
}

/// Reports the stage of that number, from 1.
fn report(
    flag: &Flag,
    number: usize,
    before: Option<&Stage>,
    stage: &Stage,
    max_step: Percent,
    findings: &mut Findings<'_>,
) {
    let percentage = stage.percentage.value;
    let Some(before) = before else {
        let message =
            format!("the rollout starts at {percentage}, more than {max_step} points at once");
        let found = findings.report(flag, stage.percentage.span, message);
        found.help =
            Some("put a stage before it, such as `{ percentage: 5, duration: 4h }`".to_owned());
        return;
    };
    let reached = before.percentage.value;
    let step = Percent(percentage.0 - reached.0);
    let message = format!(
        "stage {number} goes from {reached} to {percentage}: {step} points at once, more than {max_step}"
    );
    // Half way, in whole percent.
    let between = (reached.0 + percentage.0) / 2000;
    let found = findings.report(flag, stage.percentage.span, message);
    found.help = Some(format!(
        "put a stage between them, such as `{{ percentage: {between}, duration: 24h }}`"
    ));
    found.relate(
        flag.at(before.percentage.span),
        format!("stage {}", number - 1),
    );
}
