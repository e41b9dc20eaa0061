//! `diff --format json`, version 1. The shape is a public contract; fields may be added. Where words
//! are those of a plan, they mean the same.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::impact::Impact;
use crate::plan::diff::Part;
use crate::plan::{Action, FieldChange, Source};

use super::diff::{ACTIONS, Change, Diff, Side};

#[derive(Serialize)]
struct Document<'a, D> {
    version: u32,
    base: SideDocument<'a>,
    head: SideDocument<'a>,
    environments: &'a [String],
    changes: Vec<ChangeDocument<'a>>,
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
    impact: Option<Value>,
    notes: &'a [String],
    risks: Vec<Value>,
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
    change.change.parts.iter().map(|part| part_of(change, part))
}

fn part_of<'a>(change: &'a Change<'_>, part: &'a Part) -> ChangeDocument<'a> {
    let record = |record: &Option<crate::record::Record>| record.as_ref().map(|it| it.to_json());
    ChangeDocument {
        flag: change.change.key,
        action: change.change.action(),
        environments: &part.environments,
        fields: &part.fields,
        impact: part.impact.as_ref().map(impact),
        notes: &part.notes,
        risks: change.risks.iter().map(risk).collect(),
        source: change.source.as_ref(),
        before: record(&part.before),
        after: record(&part.after),
    }
}

/// Shares in percent of users.
pub(super) fn impact(impact: &Impact) -> Value {
    serde_json::json!({
        "gained": impact.gained.to_json(),
        "lost": impact.lost.to_json(),
        "moved": impact.moved.to_json(),
        "avoidable": impact.avoidable.to_json(),
    })
}

/// What a rule found, beside the change that it is about.
pub(super) fn risk(found: &Diagnostic) -> Value {
    let mut risk = serde_json::json!({
        "rule": found.rule,
        "severity": found.severity.as_str(),
        "message": found.message,
    });
    if let (Some(help), Some(risk)) = (&found.help, risk.as_object_mut()) {
        risk.insert("help".into(), help.as_str().into());
    }
    risk
}
