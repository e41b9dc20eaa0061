//! Watching, for programs: one event a line. The shapes are public contracts; fields may be added.

use serde_json::{Map, Value, json};

use super::json::findings;
use super::watch::{Event, Synced};
use crate::plan::{Action, Change, Plan};
use crate::store::WatchClaim;

/// One event as a JSON value. `at` is when it happened, in seconds since the epoch, by this machine's
/// clock.
#[must_use]
pub fn value(event: &Event<'_>, at: f64) -> Value {
    let (name, fields) = match event {
        Event::Watching {
            environment,
            store,
            flags,
        } => (
            "watching",
            json!({
                "environment": environment,
                "store": {"kind": store.kind, "url": store.url, "prefix": store.prefix},
                "flags": flags,
            }),
        ),
        Event::Synced(synced) => ("sync", sync(synced)),
        Event::Found {
            findings: found,
            held,
            partial,
        } => (
            "findings",
            json!({
                "held": held,
                "partial": partial,
                "diagnostics": findings(found),
                "summary": {"errors": found.errors(), "warnings": found.warnings()},
            }),
        ),
        Event::Refused { plan, refusals } => {
            let refusal = |refusal: &crate::plan::guard::Refusal| json!({"message": refusal.message, "hint": refusal.hint});
            let refused: Vec<_> = refusals.iter().map(refusal).collect();
            (
                "refused",
                json!({"refused": refused, "changes": changes(plan)}),
            )
        }
        Event::Failed { message } => ("failed", json!({"message": message})),
        Event::Away { message } => ("away", json!({"message": message})),
        Event::Back { after } => ("back", json!({"after_seconds": after.as_secs_f64()})),
        Event::Foreign { generation, commit } => {
            let flags: Option<Vec<_>> = commit.map(|commit| commit.records.keys().collect());
            let fields = json!({
                "generation": generation,
                "source": commit.map(|commit| &commit.source),
                "actor": commit.and_then(|commit| commit.actor.as_ref()),
                "reason": commit.and_then(|commit| commit.reason.as_ref()),
                "flags": flags.unwrap_or_default(),
            });
            ("foreign", fields)
        }
        Event::Rival(claim) => ("rival", rival(claim)),
        Event::RivalGone => ("rival_gone", json!({})),
        Event::Note { message } => ("note", json!({"message": message})),
        Event::Ran { exit, output } => ("ran", json!({"exit": exit, "output": output})),
        Event::Stopped => ("stopped", json!({})),
    };
    let mut document = Map::new();
    document.insert("version".into(), 1.into());
    document.insert("event".into(), name.into());
    document.insert("at".into(), at.into());
    if let Value::Object(fields) = fields {
        document.extend(fields);
    }
    Value::Object(document)
}

fn sync(synced: &Synced<'_>) -> Value {
    let plan = synced.plan;
    let counts = Action::ALL
        .iter()
        .map(|action| (action.as_str().to_owned(), plan.count(*action).into()));
    let summary: Map<String, Value> = counts.collect();
    let mut value = json!({
        "generation": synced.generation,
        "milliseconds": synced.took.as_secs_f64() * 1e3,
        "changes": changes(plan),
        "unchanged": plan.unchanged,
        "summary": summary,
    });
    if let Some(replicas) = synced.replicas {
        value["replicas"] = replicas.into();
    }
    value
}

fn changes(plan: &Plan) -> Vec<Value> {
    let change = |change: &Change| {
        json!({
            "flag": change.flag(),
            "action": change.action.as_str(),
            "fields": change.fields(),
            "notes": change.notes,
        })
    };
    plan.changes.iter().map(change).collect()
}

fn rival(claim: &WatchClaim) -> Value {
    json!({"actor": claim.actor, "directory": claim.directory, "process": claim.process})
}
