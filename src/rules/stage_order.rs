use crate::model::{Flag, Percent, Stage};

use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "stage-order",
    level: Level::Error,
    fixed: false,
    summary: "A stage of a rollout does not reach more users than the one before it",
    docs: "\
A rollout goes one way: each stage opens the flag to more users than the stage before. A stage that
reaches as many or fewer would take the flag away from people who have it, or wait for nothing.

To take a flag back, use `hoist kill`; to shrink it on purpose, replace the rollout by a `percentage`.",
    bad: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-03-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 50, duration: 12h }
      - { percentage: 25, duration: 12h }
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
      - { percentage: 25, duration: 12h }
      - { percentage: 50, duration: 12h }
      - { percentage: 100 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        for pair in rollout.value.windows(2) {
            // Whatever could not be read between the two, one is above the other or it is not.
            if let [before, stage] = pair
                && stage.percentage.value <= before.percentage.value
            {
                report(flag, before, stage, findings);
            }
        }
    }
}

fn report(flag: &Flag, before: &Stage, stage: &Stage, findings: &mut Findings<'_>) {
    let (reached, percentage) = (before.percentage.value, stage.percentage.value);
    let message = format!(
        "stage {} is at {percentage}, not above the {reached} of stage {}",
        stage.number, before.number
    );
    let help = if reached == Percent::HUNDRED {
        "a stage at 100 is the last: remove what comes after it, or lower it".to_owned()
    } else if reached == percentage {
        format!("remove one of the two stages, or write a percentage above {reached}")
    } else {
        format!("write a percentage above {reached}, or put the stages in rising order")
    };
    let found = findings.report(flag, stage.place(stage.percentage.span), message);
    found.help = Some(help);
    found.relate(
        flag.at(before.place(before.percentage.span)),
        format!("stage {}", before.number),
    );
}
