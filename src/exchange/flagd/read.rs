//! Flags as flagd has them.

use serde_json::{Map, Value};

use crate::exchange::intent::{Intent, List, Split, part};
use crate::exchange::logic::{self, Fractional, Who};
use crate::exchange::{Imported, below, metadata};
use crate::model::Percent;

pub(in crate::exchange) fn read(root: &Value, imported: &mut Imported) {
    imported.lose_unknown(
        "",
        "",
        root,
        &["$schema", "$evaluators", "flags", "metadata"],
    );
    if let Some((_, path)) = part(root, "", "metadata") {
        imported.lose("", path, "a flag set has no metadata here");
    }
    let evaluators = root.get("$evaluators").and_then(Value::as_object);
    match root.get("flags") {
        Some(Value::Object(flags)) => {
            for (key, flag) in flags {
                one(key, &below("flags", key), flag, evaluators, imported);
            }
        }
        Some(Value::Array(flags)) => {
            for (at, flag) in flags.iter().enumerate() {
                let path = format!("flags[{at}]");
                match flag.get("key").and_then(Value::as_str) {
                    Some(key) => one(key, &path, flag, evaluators, imported),
                    None => imported.leave_out("", path, "it has no key"),
                }
            }
        }
        _ => imported.lose("", "", "it has no `flags`"),
    }
}

/// What stands between salt and user where a variant is drawn.
const VARIANT: &str = ":variant:";

const KNOWN: [&str; 6] = [
    "key",
    "state",
    "variants",
    "defaultVariant",
    "targeting",
    "metadata",
];

fn one(
    key: &str,
    path: &str,
    flag: &Value,
    evaluators: Option<&Map<String, Value>>,
    imported: &mut Imported,
) {
    imported.lose_unknown(key, path, flag, &KNOWN);
    let mut intent = Intent {
        key: key.to_owned(),
        path: path.to_owned(),
        enabled: flag.get("state").and_then(Value::as_str) != Some("DISABLED"),
        fallback: flag.get("defaultVariant").and_then(logic::outcome),
        ..Intent::default()
    };
    if let Some((metadata, path)) = part(flag, path, "metadata") {
        intent.fields = metadata::read(imported, key, &path, metadata);
    }
    let variants = flag.get("variants").and_then(Value::as_object);
    let variants = variants.into_iter().flatten();
    intent.variants = variants
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !intent.enabled {
        imported.lose(
            key,
            below(path, "state"),
            "flagd leaves a disabled flag to the default in the code, and a flag that is off here gives false or the control",
        );
    }
    let targeting = part(flag, path, "targeting");
    let default = intent.fallback.clone();
    let split = match (&targeting, default) {
        (Some((rule, path)), default) => {
            let rule = with_references(rule, evaluators, 0, &mut { MAX_VALUES });
            targeted(&rule, path, default, &mut intent, imported)
        }
        (None, Some(default)) => Some(everyone(&default, &below(path, "defaultVariant"))),
        (None, None) => None,
    };
    match split {
        Some(split) => intent.split = split,
        None if targeting.is_none() => {
            imported.leave_out(key, path, "it has neither a default variant nor targeting");
            return;
        }
        None => {}
    }
    if let Some(draft) = intent.settle(imported) {
        imported.flags.push(draft);
    }
}

fn everyone(variant: &str, path: &str) -> Split {
    Split {
        shares: vec![(variant.to_owned(), 1.0)],
        path: path.to_owned(),
        same_people: true,
    }
}

/// Rules with references put in are no larger than this, in values: a few that name each other often
/// would fill any memory.
const MAX_VALUES: usize = 100_000;

/// The rule with what it refers to put in, as far as `left` goes. Those may refer to others, within
/// reason.
fn with_references(
    rule: &Value,
    evaluators: Option<&Map<String, Value>>,
    depth: usize,
    left: &mut usize,
) -> Value {
    *left = left.saturating_sub(1);
    if let Some(("$ref", Value::String(name))) = logic::operation(rule) {
        let found = evaluators.and_then(|all| all.get(name));
        return match found.filter(|_| depth < 8 && *left > 0) {
            Some(found) => with_references(found, evaluators, depth + 1, left),
            None => rule.clone(),
        };
    }
    let mut put = |rule: &Value| with_references(rule, evaluators, depth, left);
    match rule {
        Value::Array(list) => list.iter().map(put).collect(),
        Value::Object(map) => {
            let entries = map.iter().map(|(name, rule)| (name.clone(), put(rule)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// Takes the clauses of a rule apart into lists, and gives what decides for everyone else.
fn targeted(
    rule: &Value,
    path: &str,
    default: Option<String>,
    intent: &mut Intent,
    imported: &mut Imported,
) -> Option<Split> {
    let clauses = match logic::operation(rule) {
        Some(("if", Value::Array(clauses))) => clauses.as_slice(),
        _ => std::slice::from_ref(rule),
    };
    let last = clauses.last().and_then(logic::fractional);
    let prefix = last.and_then(|split| split.prefix);
    intent.draws_variants |= prefix.is_some_and(|prefix| prefix.ends_with(VARIANT));
    let is_switch = intent.is_switch();
    let mut pairs = clauses.chunks_exact(2);
    for (at, clause) in pairs.by_ref().enumerate() {
        let [condition, outcome] = clause else {
            continue;
        };
        let path = format!("{path}.if[{}]", 2 * at);
        match logic::who(condition) {
            Some(who) if who == [Who::Never] && at == 0 && intent.enabled => {
                // What it does once it is on stands behind a `false`.
                intent.enabled = false;
                return targeted(outcome, &path, default, intent, imported);
            }
            Some(_) if intent.share.is_some() => {
                let reason = "those who are listed take part whatever their bucket here";
                imported.lose(&intent.key, path, reason);
            }
            Some(who) => listed(who, outcome, path, &default, intent, imported),
            None => match participation(condition) {
                Some((share, prefix)) if !is_switch && logic::outcome(outcome) == default => {
                    intent.share = Some(share);
                    take_salt(intent, prefix.strip_suffix(':').unwrap_or(&prefix));
                }
                _ => uncarried(outcome, &path, &default, intent, imported),
            },
        }
    }
    let path = format!("{path}.if[{}]", clauses.len().saturating_sub(1));
    let last = pairs.remainder().first().unwrap_or(&Value::Null);
    let name = logic::outcome(last).or(default.clone().filter(|_| last.is_null()));
    if let Some(name) = name {
        return Some(everyone(&name, &path));
    }
    match logic::fractional(last) {
        Some(fractional) => Some(split(fractional, path, intent)),
        None => {
            imported.lose(
                &intent.key,
                path,
                "this rule cannot be said with lists and shares of users",
            );
            intent.withheld = true;
            default.map(|name| everyone(&name, ""))
        }
    }
}

/// `{"==": [split into "in" and "out", "out"]}`: the share that is in, and what is hashed.
fn participation(condition: &Value) -> Option<(Percent, String)> {
    let ("==", Value::Array(sides)) = logic::operation(condition)? else {
        return None;
    };
    let [split, Value::String(out)] = sides.as_slice() else {
        return None;
    };
    let fractional = logic::fractional(split)?;
    let [(_, inside), (name, outside)] = fractional.shares.as_slice() else {
        return None;
    };
    let share = Percent::from_f64(inside / (inside + outside) * 100.0)?;
    (name == out).then_some((share, fractional.prefix?))
}

/// Users are hashed as `salt:user` or `salt:variant:user`.
fn take_salt(intent: &mut Intent, salt: &str) {
    if salt != intent.key {
        intent.fields.insert("salt".into(), salt.into());
    }
}

fn split(fractional: Fractional, path: String, intent: &mut Intent) -> Split {
    let ending = if intent.is_switch() { ":" } else { VARIANT };
    let prefix = fractional.prefix.as_deref();
    let salt = prefix.and_then(|prefix| prefix.strip_suffix(ending));
    let salt = salt.filter(|salt| !salt.is_empty());
    if let Some(salt) = salt {
        let told = intent.fields.get("salt").and_then(Value::as_str);
        let both = intent.share.is_none() || told.unwrap_or(&intent.key) == salt;
        if both {
            take_salt(intent, salt);
        }
    }
    Split {
        same_people: salt.is_some() && is_aligned(&fractional.shares),
        shares: fractional.shares,
        path,
    }
}

/// Whether each range ends between two of the 100,000 buckets.
fn is_aligned(shares: &[(String, f64)]) -> bool {
    let sum: f64 = shares.iter().map(|(_, weight)| weight).sum();
    let mut end = 0.0;
    shares.iter().all(|(_, weight)| {
        end += weight;
        weight.fract() == 0.0 && *weight >= 0.0 && sum > 0.0 && end * 100_000.0 % sum == 0.0
    })
}

fn listed(
    who: Vec<Who>,
    outcome: &Value,
    path: String,
    default: &Option<String>,
    intent: &mut Intent,
    imported: &mut Imported,
) {
    let real = who
        .iter()
        .any(|who| matches!(who, Who::Users(_) | Who::Groups(_)));
    let name = logic::outcome(outcome).or(default.clone().filter(|_| outcome.is_null()));
    match name {
        Some(variant) if real => intent.lists.extend(who.into_iter().map(|who| List {
            who,
            variant: variant.clone(),
            path: path.clone(),
        })),
        // Nobody in particular gets false or the control here, too.
        Some(variant) if Some(&variant) == default.as_ref() => {}
        _ if who == [Who::Never] => {}
        _ => uncarried(outcome, &path, default, intent, imported),
    }
}

fn uncarried(
    outcome: &Value,
    path: &str,
    default: &Option<String>,
    intent: &mut Intent,
    imported: &mut Imported,
) {
    imported.lose(
        &intent.key,
        path,
        "this condition cannot be said with lists of users and groups",
    );
    let name = logic::outcome(outcome);
    let is_off = |name: &String| {
        let value = intent.variants.iter().find(|(other, _)| other == name);
        value.is_some_and(|(_, value)| value == &Value::Bool(false))
    };
    // To leave out what turns it off for some would turn it on for them.
    if name.is_none() || name.as_ref().is_some_and(is_off) || name == *default {
        intent.withheld = true;
    }
}
