//! Watching, for programs: one event a line. The shapes are public contracts; fields may be added.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::json::findings;
use super::watch::{Event, Synced};
use crate::plan::guard::Refusal;
use crate::plan::{Action, Change, FieldChange, Plan};
use crate::store::WatchClaim;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    event: &'static str,
    at: f64,
    #[serde(flatten)]
    fields: Fields<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    Sync(SyncDocument<'a>),
    Refused(RefusedDocument<'a>),
    Others(Value),
}

#[derive(Serialize)]
struct SyncDocument<'a> {
    generation: u64,
    milliseconds: f64,
    #[serde(serialize_with = "changes")]
    changes: &'a Plan,
    unchanged: usize,
    summary: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<usize>,
}

#[derive(Serialize)]
struct RefusedDocument<'a> {
    refused: Vec<RefusalDocument<'a>>,
    #[serde(serialize_with = "changes")]
    changes: &'a Plan,
}

#[derive(Serialize)]
struct RefusalDocument<'a> {
    message: &'a str,
    hint: &'a str,
}

#[derive(Serialize)]
struct ChangeDocument<'a> {
    flag: &'a str,
    action: &'static str,
    fields: Vec<FieldChange>,
    notes: &'a [String],
}

/// One event as a line of JSON. `at` is when it happened, in seconds since the epoch, by this machine's
/// clock.
///
/// # Errors
///
/// What writing to `out` fails with.
pub fn write(out: &mut impl Write, event: &Event<'_>, at: f64) -> io::Result<()> {
    let (name, fields) = named(event);
    let document = Document {
        version: 1,
        event: name,
        at,
        fields,
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn named<'a>(event: &Event<'a>) -> (&'static str, Fields<'a>) {
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
        Event::Synced(synced) => return ("sync", Fields::Sync(sync(synced))),
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
            let refused = refusals.iter().map(refusal).collect();
            let changes = *plan;
            return (
                "refused",
                Fields::Refused(RefusedDocument { refused, changes }),
            );
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
    (name, Fields::Others(fields))
}

fn sync<'a>(synced: &Synced<'a>) -> SyncDocument<'a> {
    let plan = synced.plan;
    let counts = Action::ALL
        .iter()
        .map(|action| (action.as_str().to_owned(), plan.count(*action).into()));
    SyncDocument {
        generation: synced.generation,
        milliseconds: synced.took.as_secs_f64() * 1e3,
        changes: plan,
        unchanged: plan.unchanged,
        summary: counts.collect(),
        replicas: synced.replicas,
    }
}

fn refusal(refusal: &Refusal) -> RefusalDocument<'_> {
    RefusalDocument {
        message: &refusal.message,
        hint: &refusal.hint,
    }
}

/// One after the other: those of a first sync are as many as there are flags, and all of them at once would
/// take many times the memory of the flags.
fn changes<S: Serializer>(plan: &&Plan, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(plan.changes.iter().map(change))
}

fn change(change: &Change) -> ChangeDocument<'_> {
    ChangeDocument {
        flag: change.flag(),
        action: change.action.as_str(),
        fields: change.fields(),
        notes: &change.notes,
    }
}

fn rival(claim: &WatchClaim) -> Value {
    json!({"actor": claim.actor, "directory": claim.directory, "process": claim.process})
}
