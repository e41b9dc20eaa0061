use crate::diagnostic::Fix;
use crate::model::{Flag, Percent};

use super::wording::duration;
use super::{Check, Context, Findings, Level, Rule, all_settings};

pub static RULE: Rule = Rule {
    id: "idle-duration",
    level: Level::Warning,
    fixed: false,
    summary: "The last stage of a rollout has a duration",
    docs: "\
A duration says when the next stage begins. After a last stage that reaches everyone none does, so the
duration does nothing, and a reader may think that the flag ends then. It can be taken out.

Where the last stage reaches fewer than all, what is wrong is more likely that a stage is missing:
`unfinished-rollout` says so.",
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
      - { percentage: 100, duration: 1w }
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
      - { percentage: 50, duration: 12h }
      - { percentage: 100 }
",
    check: Check::Flag(check),
};

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for rollout in all_settings(flag).filter_map(|settings| settings.rollout.as_deref()) {
        let Some(last) = rollout.value.last() else {
            continue;
        };
        let Some(held) = &last.duration else { continue };
        if last.percentage.value < Percent::HUNDRED || !findings.understood(flag, rollout.span) {
            continue;
        }
        // A stage that is an alias may be no last stage where it is written out.
        let is_written_here = rollout.span.contains(last.span) && last.span.contains(held.key);
        let edit = findings
            .without_entry(held.key)
            .filter(|_| is_written_here && !findings.is_shared_within(rollout.span, last.span));
        let message = format!(
            "the last stage has a duration, {}, and no stage comes after it",
            duration(held.value)
        );
        let found = findings.report(flag, last.place(held.key), message);
        found.help = Some("remove the duration".to_owned());
        found.fix = edit.map(|edit| Fix {
            title: "remove the duration".to_owned(),
            edits: vec![edit],
            safe: true,
        });
    }
}
