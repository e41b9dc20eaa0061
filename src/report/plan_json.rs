//! A plan for machines. The shape is a public contract; fields may be added.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::plan::{Action, Change, FieldChange, Plan, RolledBack, Source, Stopped, StoreRef};

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    environment: &'a str,
    store: &'a StoreRef,
    changes: Vec<ChangeDocument<'a>>,
    unchanged: usize,
    unmanaged: usize,
    kept: &'a [String],
    stopped: &'a [Stopped],
    #[serde(skip_serializing_if = "Option::is_none")]
    rolled_back: Option<&'a RolledBack>,
    summary: IndexMap<&'static str, usize>,
    fingerprint: String,
}

#[derive(Serialize)]
struct ChangeDocument<'a> {
    flag: &'a str,
    action: Action,
    fields: Vec<FieldChange>,
    notes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

/// The plan as a JSON value.
#[must_use]
pub fn value(plan: &Plan) -> Value {
    let document = Document {
        version: 1,
        environment: &plan.environment,
        store: &plan.store,
        changes: plan.changes.iter().map(change).collect(),
        unchanged: plan.unchanged,
        unmanaged: plan.unmanaged,
        kept: &plan.kept,
        stopped: &plan.stopped,
        rolled_back: plan.rolled_back.as_ref(),
        summary: Action::ALL
            .iter()
            .map(|action| (action.as_str(), plan.count(*action)))
            .collect(),
        fingerprint: plan.fingerprint(),
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn change(change: &Change) -> ChangeDocument<'_> {
    ChangeDocument {
        flag: change.flag(),
        action: change.action,
        fields: change.fields(),
        notes: change
            .notes
            .iter()
            .chain(&change.blocked)
            .map(String::as_str)
            .collect(),
        source: change.source.as_ref(),
        before: change.before(),
        after: change.after(),
    }
}
