use crate::model::Flag;

use super::wording::duration;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "rushed-stage",
    level: Level::Warning,
    fixed: false,
    summary: "A stage of a rollout is over before anybody could see trouble",
    docs: "\
A stage is there to be watched. Metrics come in by the minute, alerts after a few of them, and somebody has to
look; what is over within less than `min_stage` (under `[lint]` in hoist.toml, `\"10m\"` unless set) has
tested nothing. A duration on the last stage does nothing at all: that is for `idle-duration`.",
    bad: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-03-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 2m }
      - { percentage: 50, duration: 12h }
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
      - { percentage: 5, duration: 2h }
      - { percentage: 50, duration: 12h }
      - { percentage: 100 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, context: &Context, findings: &mut Findings<'_>) {
    let least = context.limits.min_stage;
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        let Some((_, before_last)) = rollout.value.split_last() else {
            continue;
        };
        for stage in before_last {
            let Some(held) = &stage.duration else {
                continue;
            };
            if held.value < least {
                let (held_for, least) = (duration(held.value), duration(least));
                let message = format!("stage {} lasts {held_for}, less than {least}", stage.number);
                findings.report(flag, stage.place(held.span), message).help =
                    Some(format!("write a duration of at least `{least}`"));
            }
        }
    }
}
