use crate::diagnostic::Span;
use crate::model::{Field, Flag, Settings, Spanned};

use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "conflicting-exposure",
    level: Level::Error,
    fixed: true,
    summary: "A flag has two fields that decide differently who gets it",
    docs: "\
Who gets a flag is said in one way: by a `percentage`, by the stages of a `rollout`, or by the
`variants` of an experiment, where `percentage` is the share that takes part. `allowed_users` and
`allowed_groups` turn a flag on for people; an experiment is never just on, so it has `forced` instead.

An environment replaces single fields, so its fields are looked at together with those of the flag that
they do not replace. `percentage` and `rollout` replace one another.",
    bad: "\
flags:
  new_checkout:
    description: Second version of the checkout
    owner: checkout
    expires: 2027-03-31
    enabled: true
    percentage: 10
    rollout:
      - { percentage: 5, duration: 4h }
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
      - { percentage: 5, duration: 4h }
      - { percentage: 50, duration: 12h }
      - { percentage: 100 }
",
    check: Check::Flag(check),
};

/// One of the fields that get in each other's way.
#[derive(Clone, Copy)]
struct Key {
    name: &'static str,
    span: Span,
    /// A list without names: in the way of nothing that an environment adds.
    empty: bool,
}

/// Fields that do not go together, and what to write instead.
struct Conflict {
    one: fn(&Settings) -> Option<Key>,
    other: fn(&Settings) -> Option<Key>,
    help: &'static str,
}

static CONFLICTS: [Conflict; 4] = [
    Conflict {
        one: percentage,
        other: rollout,
        help: "remove one of them: the stages of a `rollout` say who gets the flag",
    },
    Conflict {
        one: variants,
        other: rollout,
        help: "remove `rollout`: `percentage` is the share of users that takes part in an experiment",
    },
    Conflict {
        one: variants,
        other: |settings| list("allowed_users", settings.allowed_users.as_deref()),
        help: "name a variant for these users under `forced`",
    },
    Conflict {
        one: variants,
        other: |settings| list("allowed_groups", settings.allowed_groups.as_deref()),
        help: "remove `allowed_groups`: an experiment can only be `forced`, for single users",
    },
];

fn key<T>(name: &'static str, field: Option<&Field<T>>) -> Option<Key> {
    field.map(|field| Key {
        name,
        span: field.key,
        empty: false,
    })
}

fn list(name: &'static str, field: Option<&Field<Vec<Spanned<Box<str>>>>>) -> Option<Key> {
    let empty = field.is_some_and(|field| field.value.is_empty());
    key(name, field).map(|key| Key { empty, ..key })
}

fn percentage(settings: &Settings) -> Option<Key> {
    key("percentage", settings.percentage.as_ref())
}

fn rollout(settings: &Settings) -> Option<Key> {
    key("rollout", settings.rollout.as_deref())
}

fn variants(settings: &Settings) -> Option<Key> {
    key("variants", settings.variants.as_deref())
}

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    for conflict in &CONFLICTS {
        let base = ((conflict.one)(&flag.base), (conflict.other)(&flag.base));
        let told = match base {
            (Some(one), Some(other)) => {
                report(flag, conflict, one, other, findings);
                true
            }
            _ => false,
        };
        for over in flag.overrides() {
            let set = (
                (conflict.one)(&over.settings),
                (conflict.other)(&over.settings),
            );
            match set {
                (Some(one), Some(other)) => report(flag, conflict, one, other, findings),
                _ if told => {}
                (Some(key), None) => meets(flag, conflict, &over.settings, key, base.1, findings),
                (None, Some(key)) => meets(flag, conflict, &over.settings, key, base.0, findings),
                (None, None) => {}
            }
        }
    }
}

/// Reports `key` of an environment where it meets a field of the flag that the environment leaves.
fn meets(
    flag: &Flag,
    conflict: &Conflict,
    over: &Settings,
    key: Key,
    base: Option<Key>,
    findings: &mut Findings<'_>,
) {
    let Some(base) = base else { return };
    let replaced = match base.name {
        "rollout" => over.percentage.is_some(),
        "percentage" => over.rollout.is_some(),
        _ => false,
    };
    if !replaced && !base.empty && !key.empty {
        let message = format!(
            "`{}` together with the `{}` of the flag",
            key.name, base.name
        );
        let found = findings.report(flag, key.span, message);
        found.help = Some(conflict.help.to_owned());
        found.relate(
            flag.at(base.span),
            format!("`{}` holds here too", base.name),
        );
    }
}

/// Reports two fields that stand side by side, at the second of them.
fn report(flag: &Flag, conflict: &Conflict, one: Key, other: Key, findings: &mut Findings<'_>) {
    let (first, second) = if one.span <= other.span {
        (one, other)
    } else {
        (other, one)
    };
    let message = format!("`{}` together with `{}`", second.name, first.name);
    let found = findings.report(flag, second.span, message);
    found.help = Some(conflict.help.to_owned());
    found.relate(flag.at(first.span), format!("`{}`", first.name));
}
