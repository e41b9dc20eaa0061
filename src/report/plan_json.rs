//! A plan for machines. The shape is a public contract; fields may be added.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::Affected;
use crate::diagnostic::Diagnostic;
use crate::impact::{Group, Impact, People};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affected: Option<u64>,
    summary: IndexMap<&'static str, usize>,
    fingerprint: String,
}

#[derive(Serialize)]
struct ChangeDocument<'a> {
    flag: &'a str,
    action: Action,
    fields: Vec<FieldChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact: Option<ImpactDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<PeopleDocument<'a>>,
    notes: Vec<String>,
    risks: Vec<RiskDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

/// What a rule about change found.
#[derive(Serialize)]
pub(super) struct RiskDocument<'a> {
    rule: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// Percent of users.
#[derive(Serialize)]
pub(super) struct ImpactDocument {
    gained: Number,
    lost: Number,
    moved: Number,
    avoidable: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Vec<String>>,
}

/// What happens to the users of a list.
#[derive(Serialize)]
pub(super) struct PeopleDocument<'a> {
    gained: GroupDocument<'a>,
    lost: GroupDocument<'a>,
    moved: GroupDocument<'a>,
}

/// How many, and the first of them.
#[derive(Serialize)]
struct GroupDocument<'a> {
    count: u64,
    users: &'a [String],
}

/// The plan as a JSON value, and what it does to the users of a list.
#[must_use]
pub fn value(plan: &Plan, affected: Option<&Affected>) -> Value {
    let document = Document {
        version: 1,
        environment: &plan.environment,
        store: &plan.store,
        changes: plan
            .changes
            .iter()
            .enumerate()
            .map(|(index, of)| change(of, affected.and_then(|affected| affected.of(index))))
            .collect(),
        users: affected.map(|affected| affected.users),
        affected: affected.map(|affected| affected.affected),
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

fn change<'a>(change: &'a Change, people: Option<&'a People>) -> ChangeDocument<'a> {
    ChangeDocument {
        flag: change.flag(),
        action: change.action,
        fields: change.fields(),
        impact: change.impact().map(impact),
        people: people.map(self::people),
        notes: change
            .notes
            .iter()
            .chain(&change.blocked)
            .cloned()
            .chain(change.impact_notes())
            .collect(),
        risks: change.risks.iter().map(risk).collect(),
        source: change.source.as_ref(),
        before: change.before(),
        after: change.after(),
    }
}

pub(super) fn impact(impact: Impact) -> ImpactDocument {
    ImpactDocument {
        gained: impact.gained.to_json(),
        lost: impact.lost.to_json(),
        moved: impact.moved.to_json(),
        avoidable: impact.avoidable.to_json(),
        order: impact.order,
    }
}

pub(super) fn people(people: &People) -> PeopleDocument<'_> {
    PeopleDocument {
        gained: group(&people.gained),
        lost: group(&people.lost),
        moved: group(&people.moved),
    }
}

pub(super) fn risk(found: &Diagnostic) -> RiskDocument<'_> {
    RiskDocument {
        rule: found.rule,
        severity: found.severity.as_str(),
        message: &found.message,
        help: found.help.as_deref(),
    }
}

fn group(group: &Group) -> GroupDocument<'_> {
    GroupDocument {
        count: group.count,
        users: &group.users,
    }
}
