//! GO Feature Flag's flag files: <https://gofeatureflag.org/docs/configure_flag/create-flags>.

use serde_json::{Map, Value, json};

use super::intent::{Intent, List, Split, part};
use super::logic;
use super::{Imported, Outgoing, below, metadata, strings};
use crate::bucket::BUCKETS;
use crate::eval::{Evaluator, Malformed};

mod query;

pub(super) fn read(root: &Value, imported: &mut Imported) {
    for (key, flag) in root.as_object().into_iter().flatten() {
        if flag.get("variations").is_some() {
            one(key, flag, imported);
        } else {
            imported.leave_out(key, key, "it has no `variations`");
        }
    }
}

const KNOWN: [&str; 11] = [
    "variations",
    "targeting",
    "defaultRule",
    "disable",
    "metadata",
    "trackEvents",
    "version",
    "bucketingKey",
    "experimentation",
    "scheduledRollout",
    "description",
];

/// Outside its dates an experiment gives nothing, which cannot be said here.
const DATES: &str = "experimentation";

/// Fields without a counterpart, and why.
const LOST: [(&str, &str); 5] = [
    ("trackEvents", "hoist exports no events"),
    ("version", "git knows the versions of a flag"),
    (
        "bucketingKey",
        "buckets are always taken from the user that asks",
    ),
    (
        DATES,
        "an experiment here has no dates between which it runs: switch it on and off, and say when it is to be gone with `expires`",
    ),
    (
        "scheduledRollout",
        "changes are not scheduled here: write a `rollout` with stages, or change the flag when the time has come",
    ),
];

fn one(key: &str, flag: &Value, imported: &mut Imported) {
    imported.lose_unknown(key, key, flag, &KNOWN);
    for (field, reason) in LOST {
        if let Some((_, path)) = part(flag, key, field) {
            imported.lose(key, path, reason);
        }
    }
    let variations = flag.get("variations").and_then(Value::as_object);
    let variations = variations.into_iter().flatten();
    let mut intent = Intent {
        key: key.to_owned(),
        path: key.to_owned(),
        enabled: flag.get("disable") != Some(&Value::Bool(true)),
        variants: variations
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        withheld: part(flag, key, DATES).is_some(),
        ..Intent::default()
    };
    if let Some((metadata, path)) = part(flag, key, "metadata") {
        intent.fields = metadata::read(imported, key, &path, metadata);
    }
    if let Some(text) = flag.get("description").filter(|text| text.is_string()) {
        intent
            .fields
            .shift_insert(0, "description".into(), text.clone());
    }
    if !intent.enabled {
        imported.lose(
            key,
            below(key, "disable"),
            "GO Feature Flag leaves a disabled flag to the default in the code, and a flag that is off here gives false or the control",
        );
    }
    let rules = flag.get("targeting").and_then(Value::as_array);
    for (at, rule) in rules.into_iter().flatten().enumerate() {
        target(
            rule,
            &format!("{key}.targeting[{at}]"),
            &mut intent,
            imported,
        );
    }
    let path = below(key, "defaultRule");
    let Some(rule) = flag.get("defaultRule") else {
        imported.leave_out(key, key, "it has no `defaultRule`");
        return;
    };
    imported.lose_unknown(key, &path, rule, &RULE);
    intent.split = shares(rule, &path, &intent, imported);
    intent.fallback = fallback(&intent);
    if let Some(draft) = intent.settle(imported) {
        imported.flags.push(draft);
    }
}

const RULE: [&str; 6] = [
    "name",
    "query",
    "variation",
    "percentage",
    "progressiveRollout",
    "disable",
];

/// The one that everybody gets who is not drawn: the only one, or one of a name that says so.
fn fallback(intent: &Intent) -> Option<String> {
    if let [(only, _)] = intent.split.shares.as_slice() {
        return Some(only.clone());
    }
    let names = ["control", "default", "disabled", "off", "false"];
    let found = names.iter().find(|name| {
        let mut variants = intent.variants.iter();
        variants.any(|(other, _)| other.eq_ignore_ascii_case(name))
    })?;
    let mut variants = intent.variants.iter();
    let (name, _) = variants.find(|(other, _)| other.eq_ignore_ascii_case(found))?;
    Some(name.clone())
}

/// A rule for those that a query is about.
fn target(rule: &Value, path: &str, intent: &mut Intent, imported: &mut Imported) {
    if rule.get("disable") == Some(&Value::Bool(true)) {
        imported.lose(&intent.key, path, "a rule that is disabled is not kept");
        return;
    }
    imported.lose_unknown(&intent.key, path, rule, &RULE);
    let text = rule
        .get("query")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let variant = rule.get("variation").and_then(logic::outcome);
    let drawn = rule.get("percentage").or(rule.get("progressiveRollout"));
    match (query::who(text), variant.as_deref(), drawn) {
        (Some(who), Some(variant), None) => {
            intent.lists.extend(who.into_iter().map(|who| List {
                who,
                variant: variant.to_owned(),
                path: path.to_owned(),
            }));
        }
        (Some(_), _, Some(_)) => {
            let reason = "those who are listed get one variant here, they are not drawn";
            imported.lose(&intent.key, path, reason);
            intent.withheld |= intent.is_switch();
        }
        _ => {
            let path = below(path, "query");
            let reason = "this query cannot be said with lists of users and groups";
            imported.lose(&intent.key, path, reason);
            // To leave out what turns it off for some would turn it on for them.
            let gives_on = |name: &str| {
                let mut variants = intent.variants.iter();
                variants.any(|(other, value)| other == name && value == &Value::Bool(true))
            };
            intent.withheld |= !variant.as_deref().is_some_and(gives_on);
        }
    }
}

/// What a rule gives to those that it is about.
fn shares(rule: &Value, path: &str, intent: &Intent, imported: &mut Imported) -> Split {
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    if let Some((ramp, path)) = part(rule, path, "progressiveRollout") {
        let side = |side: &str| {
            let step = ramp.get(side)?;
            let name = step.get("variation").and_then(logic::outcome)?;
            Some((name, step.get("percentage").map_or(0.0, number)))
        };
        imported.lose(
            &intent.key,
            &path,
            "shares do not grow by the minute here: it starts at the share of its beginning; write a `rollout` with stages",
        );
        let (first, last) = (side("initial"), side("end"));
        let share = first.as_ref().map_or(0.0, |(_, share)| *share);
        let shares = [
            last.map(|(name, _)| (name, share)),
            first.map(|(name, _)| (name, 100.0 - share)),
        ];
        return Split {
            shares: shares.into_iter().flatten().collect(),
            path,
            same_people: false,
        };
    }
    if let Some((Value::Object(map), path)) = part(rule, path, "percentage") {
        let shares = map.iter();
        return Split {
            shares: shares
                .map(|(name, share)| (name.clone(), number(share)))
                .collect(),
            path,
            same_people: false,
        };
    }
    let path = below(path, "variation");
    let variant = rule.get("variation").and_then(logic::outcome);
    if variant.is_none() {
        imported.lose(
            &intent.key,
            &path,
            "it does not say which variant everyone gets",
        );
    }
    Split {
        shares: variant.map(|name| (name, 1.0)).into_iter().collect(),
        path,
        same_people: true,
    }
}

/// The definition of `flag`.
pub(super) fn write(flag: &Outgoing<'_>, losses: &mut Imported) -> Result<Value, Malformed> {
    let evaluator = flag.evaluator()?;
    flag.tell_stages(losses);
    if !evaluator.is_enabled() {
        losses.lose(
            flag.key,
            "enabled",
            "GO Feature Flag answers a disabled flag with the default in the code",
        );
    }
    let (variations, targeting, rule) = match evaluator.control() {
        None => switch(flag, &evaluator),
        Some((control, _)) => experiment(flag, &evaluator, control),
    };
    if rule.get("percentage").is_some() {
        losses.lose(
            flag.key,
            "percentage",
            "the share stays, the people change: GO Feature Flag puts users into buckets by another formula",
        );
        if flag.field("salt").is_some() {
            losses.lose(
                flag.key,
                "salt",
                "GO Feature Flag hashes the key of the flag, so no two flags share their people",
            );
        }
    }
    if evaluator
        .control()
        .is_some_and(|(control, _)| control != "control")
    {
        losses.lose(
            flag.key,
            "control",
            "there is no control there: it has the share of those who do not take part",
        );
    }
    let mut definition = Map::new();
    definition.insert("variations".into(), variations);
    if !targeting.is_empty() {
        definition.insert("targeting".into(), targeting.into());
    }
    definition.insert("defaultRule".into(), rule);
    if !evaluator.is_enabled() {
        definition.insert("disable".into(), true.into());
    }
    let metadata = metadata::write(flag, losses);
    if !metadata.is_empty() {
        definition.insert("metadata".into(), metadata.into());
    }
    Ok(definition.into())
}

fn switch(flag: &Outgoing<'_>, evaluator: &Evaluator) -> (Value, Vec<Value>, Value) {
    let mut targeting = Vec::new();
    let (users, groups) = (flag.names("allowed_users"), flag.names("allowed_groups"));
    if !users.is_empty() {
        let query = query::one_of_users(&users);
        targeting.push(json!({"name": "allowed users", "query": query, "variation": "enabled"}));
    }
    if !groups.is_empty() {
        let query = logic::in_a_group(&groups).to_string();
        targeting.push(json!({"name": "allowed groups", "query": query, "variation": "enabled"}));
    }
    let share = evaluator.share();
    let rule = match share.0 {
        BUCKETS => json!({"variation": "enabled"}),
        0 => json!({"variation": "disabled"}),
        _ => {
            let rest = crate::model::Percent(BUCKETS - share.0);
            json!({"percentage": {"enabled": share.to_json(), "disabled": rest.to_json()}})
        }
    };
    (json!({"enabled": true, "disabled": false}), targeting, rule)
}

fn experiment(
    flag: &Outgoing<'_>,
    evaluator: &Evaluator,
    control: &str,
) -> (Value, Vec<Value>, Value) {
    let variants = evaluator.variants();
    let values = variants.map(|(name, value, _)| (name.to_owned(), value.clone()));
    let values: Map<String, Value> = values.collect();
    let mut targeting = Vec::new();
    let forced = flag.field("forced").and_then(Value::as_object);
    for (variant, users) in forced.into_iter().flatten() {
        let users = strings(Some(users));
        if !users.is_empty() {
            let query = query::one_of_users(&users);
            let name = format!("forced: {variant}");
            targeting.push(json!({"name": name, "query": query, "variation": variant}));
        }
    }
    // Those who do not take part get the control too, so it has their share besides its own.
    let part = u64::from(evaluator.share().0);
    let mut start = 0;
    let shares = evaluator.variants().map(|(name, _, end)| {
        let weight = u64::from(end - start) * part;
        start = end;
        let outside = (u64::from(BUCKETS) - part) * u64::from(BUCKETS);
        let weight = if name == control {
            weight + outside
        } else {
            weight
        };
        (name.to_owned(), percent_of(weight))
    });
    let shares: Map<String, Value> = shares.collect();
    (values.into(), targeting, json!({"percentage": shares}))
}

/// A share in units of 10^-10, in percent.
fn percent_of(share: u64) -> Value {
    const UNIT: u64 = BUCKETS as u64 * BUCKETS as u64 / 100;
    if share.is_multiple_of(UNIT) {
        (share / UNIT).into()
    } else {
        (share as f64 / UNIT as f64).into()
    }
}
