use serde_json::Value;

use crate::diagnostic::Span;
use crate::record::{Record, stage_in_words};

use super::change::{Transition, is_rollout};
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "edited-live-stage",
    level: Level::Warning,
    fixed: false,
    summary: "A stage changes that a rollout is at, or has passed",
    docs: "\
A rollout that is under way stands at a stage, by number and by share. Where that stage or one before
it changes, the sync has to find it another place: it goes on at the last stage that is not above the
share that is live, with its time begun anew. Edit the stages that are still to come; those passed are
history.

`hoist plan` knows the stage that is live. From git alone nobody does, so `hoist diff` looks at the
first stage only, which every rollout that is on has reached. A duration counts as part of its stage.",
    bad: "\
# before
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2026-12-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 50, duration: 1d }
      - { percentage: 100 }
# after
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2026-12-31
    enabled: true
    rollout:
      - { percentage: 10, duration: 4h }
      - { percentage: 50, duration: 1d }
      - { percentage: 100 }
",
    good: "\
# before
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2026-12-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 50, duration: 1d }
      - { percentage: 100 }
# after
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2026-12-31
    enabled: true
    rollout:
      - { percentage: 5, duration: 4h }
      - { percentage: 25, duration: 1d }
      - { percentage: 60, duration: 1d }
      - { percentage: 100 }
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some((before, after)) = change.both() else {
        return;
    };
    // One that is off has not begun, unless it was stopped.
    let begun = before.spec.enabled() || before.is_rolled_back();
    if !begun || !is_rollout(before) || !is_rollout(after) {
        return;
    }
    let reached = if change.live {
        before.status.current_stage().unwrap_or(0)
    } else {
        0
    };
    let (old, new) = (stages(before), stages(after));
    let Some(edited) = (0..=reached).find(|at| old.get(*at) != new.get(*at)) else {
        return;
    };
    let Some(was) = old.get(edited) else {
        return;
    };
    let number = edited + 1;
    let became = match new.get(edited) {
        Some(stage) => format!("is `{}` now", stage_in_words(stage)),
        None => "is gone".to_owned(),
    };
    let whose = match (change.live, edited == reached) {
        (true, true) => "which is live",
        (true, false) => "which the rollout has passed",
        (false, _) => "where every rollout begins",
    };
    let subject = format!("stage {number} of {}, {whose},", old.len());
    let message = format!("{subject} was `{}` and {became}", stage_in_words(was));
    let found = findings.report_change(change, span(change, edited), message);
    found.help = Some("edit the stages that are still to come".to_owned());
}

fn stages(record: &Record) -> &[Value] {
    let stages = record.spec.as_json().get("rollout_stages");
    stages.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The stage, or the list where it has no such stage any more.
fn span(change: &Transition<'_>, stage: usize) -> Option<Span> {
    let rollout = change.settings().rollout?;
    let stage = rollout.value.get(stage).map(|stage| stage.span);
    stage.or(Some(rollout.key))
}
