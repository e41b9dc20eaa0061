//! Flags as flagd reads them.

use serde_json::{Map, Value, json};

use crate::bucket::BUCKETS;
use crate::eval::{Evaluator, Malformed};
use crate::exchange::logic::{in_a_group, nobody, one_of_users, split};
use crate::exchange::{Imported, Outgoing, metadata, strings};

/// What stands before the flags.
pub(in crate::exchange) fn head() -> Map<String, Value> {
    let mut head = Map::new();
    head.insert(
        "$schema".into(),
        "https://flagd.dev/schema/v0/flags.json".into(),
    );
    head
}

/// The definition of `flag`. One that is off is on for flagd and gives everyone what it gives here;
/// a disabled one would leave that to the code.
pub(in crate::exchange) fn write(
    flag: &Outgoing<'_>,
    losses: &mut Imported,
) -> Result<Value, Malformed> {
    let evaluator = flag.evaluator()?;
    flag.tell_stages(losses);
    let (variants, fallback, rule) = match evaluator.control() {
        None => switch(flag, &evaluator),
        Some((control, _)) => experiment(flag, &evaluator, control),
    };
    let targeting = match (evaluator.is_enabled(), rule) {
        (true, rule) => rule,
        // What it does once it is on stays written down.
        (false, Some(rule)) => Some(json!({"if": [false, rule, fallback]})),
        (false, None) => Some(json!({"if": [false, on_for_everyone(&variants), fallback]})),
    };
    let default = match targeting {
        None if evaluator.control().is_none() => on_for_everyone(&variants),
        _ => fallback,
    };
    let mut definition = Map::new();
    definition.insert("state".into(), "ENABLED".into());
    definition.insert("variants".into(), variants);
    definition.insert("defaultVariant".into(), default.into());
    if let Some(targeting) = targeting {
        definition.insert("targeting".into(), targeting);
    }
    let metadata = metadata::write(flag, losses);
    if !metadata.is_empty() {
        definition.insert("metadata".into(), metadata.into());
    }
    Ok(definition.into())
}

fn on_for_everyone(variants: &Value) -> String {
    let names = variants.as_object().into_iter().flatten();
    let mut names = names.map(|(name, _)| name.clone());
    names.next().unwrap_or_default()
}

type Written = (Value, String, Option<Value>);

fn switch(flag: &Outgoing<'_>, evaluator: &Evaluator) -> Written {
    let share = evaluator.share().0;
    let mut clauses = Vec::new();
    let (users, groups) = (flag.names("allowed_users"), flag.names("allowed_groups"));
    if !users.is_empty() {
        clauses.extend([one_of_users(&users), json!("on")]);
    }
    if !groups.is_empty() {
        clauses.extend([in_a_group(&groups), json!("on")]);
    }
    if share < BUCKETS {
        clauses.extend([nobody(), json!("off")]);
        let prefix = format!("{}:", flag.salt());
        clauses.push(split(&prefix, [("on", share), ("off", BUCKETS - share)]));
    } else if !clauses.is_empty() {
        clauses.push(json!("on"));
    }
    let rule = (!clauses.is_empty()).then(|| json!({"if": clauses}));
    (json!({"on": true, "off": false}), "off".into(), rule)
}

fn experiment(flag: &Outgoing<'_>, evaluator: &Evaluator, control: &str) -> Written {
    let variants = evaluator
        .variants()
        .map(|(name, value, _)| (name.to_owned(), value.clone()));
    let variants: Map<String, Value> = variants.collect();
    let mut start = 0;
    let shares = evaluator.variants().map(|(name, _, end)| {
        let weight = end - start;
        start = end;
        (name, weight)
    });
    let drawn = split(&format!("{}:variant:", flag.salt()), shares);
    let mut clauses = Vec::new();
    let forced = flag.field("forced").and_then(Value::as_object);
    for (variant, users) in forced.into_iter().flatten() {
        let users = strings(Some(users));
        if !users.is_empty() {
            clauses.extend([one_of_users(&users), json!(variant)]);
        }
    }
    clauses.extend([nobody(), json!(control)]);
    let share = evaluator.share().0;
    if share < BUCKETS {
        let takes_part = split(
            &format!("{}:", flag.salt()),
            [("in", share), ("out", BUCKETS - share)],
        );
        clauses.extend([json!({"==": [takes_part, "out"]}), json!(control)]);
    }
    clauses.push(drawn);
    (
        variants.into(),
        control.to_owned(),
        Some(json!({"if": clauses})),
    )
}
