use super::change::{Transition, is_experiment, share};
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};
use crate::model::Percent;

pub static RULE: Rule = Rule {
    id: "changed-salt",
    level: Level::Warning,
    fixed: false,
    summary: "Another salt puts the users of a flag that is on into other buckets",
    docs: "\
The bucket of a user is taken from the salt. With another one everybody is drawn anew: of those who
had the flag many lose it, as many others gain it, and the variants of an experiment are handed out
again. Keep the salt for as long as the flag lives; where two flags are to share their users, give the
newer one the salt of the older.

Nothing is said where the draw decides nothing: the flag is off, or on for everyone or no one.",
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
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 20
    salt: search
",
    good: "\
# before
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 20
# after
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 20
  new_ranking:
    description: Show the new ranking to the same users
    owner: search-team
    expires: 2026-12-31
    enabled: true
    percentage: 20
    salt: new_search
",
    check: Check::Change(check),
};

fn check(change: &Transition<'_>, _: &Context, findings: &mut Findings<'_>) {
    let Some((before, after)) = change.both() else {
        return;
    };
    let salt = |record: &crate::record::Record| {
        let salt = record.spec.as_json().get("salt")?.as_str();
        salt.map(str::to_owned)
    };
    let [old, new] = [salt(before), salt(after)].map(|salt| salt.unwrap_or(change.key.to_owned()));
    let drawn = |record| {
        let share = share(record);
        share > Percent::ZERO && (share < Percent::HUNDRED || is_experiment(record))
    };
    if old == new || !drawn(before) || !drawn(after) {
        return;
    }
    let effect = change
        .impact()
        .filter(|impact| !impact.is_none())
        .map(|impact| {
            let parts = [
                (impact.gained, "gain it"),
                (impact.lost, "lose it"),
                (impact.moved, "get another variant"),
            ];
            let parts: Vec<String> = parts
                .iter()
                .filter(|(share, _)| share.0 > 0)
                .map(|(share, verb)| format!("{share} % of users {verb}"))
                .collect();
            format!(": {}", parts.join(", "))
        })
        .unwrap_or_default();
    let message = format!(
        "the salt changes from {} to {}, which draws everybody anew{effect}",
        quote(&old),
        quote(&new)
    );
    let span = change
        .new
        .and_then(|flag| flag.salt.as_ref())
        .map(|field| field.span);
    let found = findings.report_change(change, span, message);
    found.help = Some(if old == change.key {
        "leave the salt out, which keeps everybody where they are".to_owned()
    } else {
        format!(
            "keep the salt {}, which keeps everybody where they are",
            quote(&old)
        )
    });
}
