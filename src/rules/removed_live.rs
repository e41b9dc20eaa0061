use super::change::{References, Transition, is_experiment, is_rollout, share};
use super::{Check, Context, Findings, Level, Rule};
use crate::model::Percent;
use crate::record::Record;

pub static RULE: Rule = Rule {
    id: "removed-live",
    level: Level::Warning,
    fixed: false,
    summary: "A flag is removed that still decides something",
    docs: "\
While a flag is on for some and not for others, code asks for it, and gets its own default once the
record is gone: for all at once, and for one of the two groups that is a change that nobody chose.
Finish it first, on for everyone or off, take it out of the code, and remove it last.

With `--src DIR`, `hoist diff` also looks for the key in code, between quotes, and names the places.",
    bad: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 20
# after
flags: {}
",
    good: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
# after
flags: {}
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let (Some(before), None) = (change.before, change.after) else {
        return;
    };
    // Two mistakes: one is mended in the flag, the other in the code.
    if let Some(reason) = on_for_some(before, change.live) {
        let found = findings.report_change(change, None, format!("removed while {reason}"));
        found.help = Some(
            "code gets its own default once the flag is gone: make it the same for everyone first"
                .to_owned(),
        );
    }
    if let Some(reason) = change.past.references.as_ref().and_then(named_in_code) {
        let found = findings.report_change(change, None, format!("removed while {reason}"));
        found.help = Some("take it out of the code, and remove the flag after that".to_owned());
    }
}

fn on_for_some(before: &Record, live: bool) -> Option<String> {
    let share = share(before);
    if !before.spec.enabled() {
        return None;
    }
    if is_experiment(before) {
        return (share > Percent::ZERO)
            .then(|| format!("its experiment runs with {share} % of users"));
    }
    if is_rollout(before) && !live {
        let done = before
            .spec
            .stages()
            .iter()
            .all(|stage| *stage == Percent::HUNDRED);
        return (!done).then(|| {
            "its rollout may be under way: git does not know the stage, `hoist plan` does"
                .to_owned()
        });
    }
    match share {
        Percent::HUNDRED => None,
        Percent::ZERO => has_lists(before).then(|| "it is on for those in its lists".to_owned()),
        share => Some(format!("it is on for {share} % of users")),
    }
}

fn has_lists(record: &Record) -> bool {
    ["allowed_users", "allowed_groups"].iter().any(|field| {
        let list = record.spec.as_json().get(*field);
        list.and_then(serde_json::Value::as_array)
            .is_some_and(|list| !list.is_empty())
    })
}

fn named_in_code(references: &References) -> Option<String> {
    let shown = references.places.join(", ");
    match references.count.checked_sub(references.places.len()) {
        _ if references.count == 0 => None,
        Some(more) if more > 0 => Some(format!("code still names it, in {shown} and {more} more")),
        _ => Some(format!("code still names it, in {shown}")),
    }
}
