//! `diff --format json`, version 1. The shape is a public contract; fields may be added. Where words
//! are those of a plan, they mean the same.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::impact::People;
use crate::plan::diff::Part;
use crate::plan::{Action, FieldChange, Source};

use super::diff::{ACTIONS, Change, Diff, Side};
use super::plan_json::{self, ImpactDocument, PeopleDocument, RiskDocument};

#[derive(Serialize)]
struct Document<'a, D> {
    version: u32,
    base: SideDocument<'a>,
    head: SideDocument<'a>,
    environments: &'a [String],
    changes: Vec<ChangeDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affected: Option<u64>,
    unchanged: usize,
    skipped: &'a [&'a str],
    notes: &'a [String],
    diagnostics: D,
    summary: IndexMap<&'static str, usize>,
}

#[derive(Serialize)]
struct SideDocument<'a> {
    revision: Option<&'a str>,
    commit: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangeDocument<'a> {
    flag: &'a str,
    action: Action,
    environments: &'a [String],
    fields: &'a [FieldChange],
    #[serde(skip_serializing_if = "Option::is_none")]
    impact: Option<ImpactDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<PeopleDocument<'a>>,
    notes: &'a [String],
    risks: Vec<RiskDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

/// The diff as a JSON value.
#[must_use]
pub fn value(diff: &Diff<'_>) -> Value {
    let mut summary: IndexMap<_, _> = ACTIONS
        .iter()
        .map(|(action, _)| (action.as_str(), diff.count(*action)))
        .collect();
    summary.insert("errors", diff.lint.errors());
    summary.insert("warnings", diff.lint.warnings());
    let document = Document {
        version: 1,
        base: side(diff.base),
        head: side(diff.head),
        environments: diff.environments,
        changes: diff.changes.iter().flat_map(parts).collect(),
        users: diff.affected.map(|affected| affected.users),
        affected: diff.affected.map(|affected| affected.affected),
        unchanged: diff.unchanged,
        skipped: diff.skipped,
        notes: diff.notes,
        diagnostics: super::json::findings(&diff.lint),
        summary,
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn side(side: &Side) -> SideDocument<'_> {
    SideDocument {
        revision: side.revision.as_deref(),
        commit: side.commit.as_deref(),
    }
}

/// One change for each group of environments.
fn parts<'a>(change: &'a Change<'_>) -> impl Iterator<Item = ChangeDocument<'a>> {
    let parts = change.change.parts.iter().enumerate();
    parts.map(|(index, part)| part_of(change, part, change.people(index)))
}

fn part_of<'a>(
    change: &'a Change<'_>,
    part: &'a Part,
    people: Option<&'a People>,
) -> ChangeDocument<'a> {
    let record = |record: &Option<crate::record::Record>| record.as_ref().map(|it| it.to_json());
    ChangeDocument {
        flag: change.change.key,
        action: change.change.action(),
        environments: &part.environments,
        fields: &part.fields,
        impact: part.impact.clone().map(plan_json::impact),
        people: people.map(plan_json::people),
        notes: &part.notes,
        risks: change.risks.iter().map(plan_json::risk).collect(),
        source: change.source.as_ref(),
        before: record(&part.before),
        after: record(&part.after),
    }
}
