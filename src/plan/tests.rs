use serde_json::{Value, json};

use super::guard::Consent;
use super::*;
use crate::model::Percent;
use crate::record::Record;

mod guards;
mod stops;

use guards::refusals;
use stops::stopped_live;

const NOW: f64 = 1_800_000_000.5;

fn spec(json: &Value) -> Spec {
    Spec::from_json(json.as_object().unwrap())
}

fn wanted(flag: &str, json: &Value) -> Wanted {
    Wanted::new(flag, spec(json), None)
}

fn target(flags: Vec<Wanted>) -> Target {
    Target {
        environment: "production".into(),
        prune: true,
        flags,
    }
}

fn on(percentage: u32) -> Value {
    json!({"type": "boolean", "enabled": true, "percentage": percentage})
}

fn off() -> Value {
    json!({"type": "boolean", "enabled": false, "percentage": 10})
}

fn rollout(stages: &[u32]) -> Value {
    let stages: Vec<_> = stages
        .iter()
        .map(|p| json!({"percentage": p, "duration_hours": 2}))
        .collect();
    json!({"type": "rollout", "enabled": true, "rollout_stages": stages})
}

/// A store with one flag `f`: the spec last applied, and the live record.
fn snapshot(applied: Option<&Value>, live: Option<&Value>) -> Snapshot {
    let mut snapshot = Snapshot {
        lineage: Some("l".into()),
        generation: 7,
        now: NOW,
        ..Snapshot::default()
    };
    if let Some(applied) = applied {
        snapshot.specs.insert("f".into(), spec(applied).digest());
    }
    if let Some(live) = live {
        let stored = match live {
            Value::String(raw) => Stored::Value(raw.clone().into_bytes().into()),
            json => Stored::Value(json.to_string().into_bytes().into()),
        };
        snapshot.records.insert("f".into(), stored);
    }
    snapshot
}

fn plan(wanted_spec: Option<&Value>, applied: Option<&Value>, live: Option<&Value>) -> Plan {
    let flags = wanted_spec
        .map(|spec| wanted("f", spec))
        .into_iter()
        .collect();
    Plan::new(&target(flags), "memory", "ff", snapshot(applied, live))
}

fn only(plan: &Plan) -> &Change {
    assert_eq!(plan.changes.len(), 1, "{plan:?}");
    &plan.changes[0]
}

/// The record that a change leaves.
fn after(plan: &Plan) -> Record {
    let after = only(plan).after().unwrap();
    Record::parse(serde_json::to_string(&after).unwrap().as_bytes()).unwrap()
}

/// Wanted, applied, live, and what it is.
type Row<'a> = (
    Option<&'a Value>,
    Option<&'a Value>,
    Option<&'a Value>,
    Option<Action>,
);

#[test]
fn every_row_of_the_table() {
    let (a, b, c) = (on(10), on(20), on(30));
    let rows: &[Row<'_>] = &[
        (Some(&a), None, None, Some(Action::Create)),
        (Some(&a), None, Some(&a), Some(Action::Adopt)),
        (Some(&a), None, Some(&b), Some(Action::Conflict)),
        (Some(&a), Some(&a), Some(&a), None),
        (Some(&a), Some(&b), Some(&b), Some(Action::Update)),
        (Some(&a), Some(&a), Some(&b), Some(Action::Drift)),
        (Some(&a), Some(&b), Some(&c), Some(Action::Drift)),
        (Some(&a), Some(&b), Some(&a), Some(Action::Drift)),
        (Some(&a), Some(&a), None, Some(Action::Drift)),
        (Some(&a), Some(&b), None, Some(Action::Drift)),
        (None, Some(&a), Some(&a), Some(Action::Delete)),
        (None, Some(&a), Some(&b), Some(Action::Delete)),
        (None, Some(&a), None, Some(Action::Forget)),
        (None, None, Some(&a), None),
        (None, None, None, None),
    ];
    for (row, (want, applied, live, expected)) in rows.iter().enumerate() {
        let plan = plan(*want, *applied, *live);
        assert_eq!(
            plan.changes.first().map(|change| change.action),
            *expected,
            "row {row}"
        );
    }
    assert_eq!(plan(None, None, Some(&a)).unmanaged, 1);
    assert_eq!(plan(Some(&a), Some(&a), Some(&a)).unchanged, 1);
}

#[test]
fn adopting_the_same_spec_and_forgetting_write_no_record() {
    let a = on(10);
    assert_eq!(
        only(&plan(Some(&a), None, Some(&a))).write.record,
        RecordWrite::Keep
    );
    assert_eq!(
        only(&plan(None, Some(&a), None)).write.record,
        RecordWrite::Keep
    );
    // Drift that already says what git says moves the bookkeeping only.
    let drift = plan(Some(&a), Some(&on(20)), Some(&a));
    let live = Record::parse(a.to_string().as_bytes()).unwrap();
    assert_eq!(after(&drift).spec, live.spec);
    assert_eq!(only(&drift).fields(), []);
}

#[test]
fn without_prune_a_flag_that_is_gone_from_git_stays_and_is_reported() {
    let mut target = target(vec![]);
    target.prune = false;
    let plan = Plan::new(
        &target,
        "memory",
        "ff",
        snapshot(Some(&on(1)), Some(&on(1))),
    );
    assert!(plan.is_empty());
    assert_eq!(plan.kept, ["f"]);
}

#[test]
fn fields_name_what_differs_and_the_order_of_variants_counts() {
    let paths = |before: Value, after: Value| -> Vec<String> {
        let plan = plan(Some(&after), Some(&before), Some(&before));
        only(&plan)
            .fields()
            .into_iter()
            .map(|field| field.path)
            .collect()
    };
    assert_eq!(paths(on(10), on(20)), ["percentage"]);
    let experiment = |variants: &str, owner: &str| {
        json!({"type": "experiment", "enabled": true, "percentage": 100, "control": "a",
            "variants": serde_json::from_str::<Value>(variants).unwrap(), "meta": {"owner": owner}})
    };
    assert_eq!(
        paths(
            experiment(r#"{"a":50,"b":50}"#, "x"),
            experiment(r#"{"a":40,"b":60}"#, "y")
        ),
        ["variants.a", "variants.b", "meta.owner"]
    );
    assert_eq!(
        paths(
            experiment(r#"{"a":50,"b":50}"#, "x"),
            experiment(r#"{"b":50,"a":50}"#, "x")
        ),
        ["variants"]
    );
}

#[test]
fn a_new_rollout_begins_at_its_first_stage_by_the_stores_clock() {
    let record = after(&plan(Some(&rollout(&[1, 5, 100])), None, None));
    assert_eq!(record.status.current_stage(), Some(0));
    assert_eq!(record.percentage, Percent(1000));
    assert_eq!(record.status.seconds("rollout_started"), Some(NOW));
}

/// A live rollout at `stage`, begun at 100 and there since 200.
fn live_rollout(stages: &[u32], stage: usize) -> Value {
    let mut live = rollout(stages);
    live["current_stage"] = stage.into();
    live["percentage"] = stages[stage].into();
    live["rollout_started"] = 100.into();
    live["stage_started"] = 200.into();
    live
}

/// Stages and the live one before; stages and the live one after, and since when if that is kept.
type Move<'a> = (&'a [u32], usize, &'a [u32], usize, Option<f64>);

#[test]
fn a_rollout_whose_stages_change_goes_on_at_the_last_stage_not_above_the_live_one() {
    let cases: &[Move<'_>] = &[
        (&[1, 5, 25, 100], 2, &[1, 5, 25, 50, 100], 2, Some(200.0)),
        (&[1, 5, 25, 100], 2, &[10, 20, 100], 1, None),
        (&[1, 5, 25, 100], 0, &[5, 100], 0, None),
        (&[1, 5, 25, 100], 3, &[50, 100], 1, Some(200.0)),
    ];
    for (before, stage, stages, expected, since) in cases {
        let live = live_rollout(before, *stage);
        let plan = plan(Some(&rollout(stages)), Some(&rollout(before)), Some(&live));
        let record = after(&plan);
        assert_eq!(
            record.status.current_stage(),
            Some(*expected),
            "{before:?} -> {stages:?}"
        );
        assert_eq!(record.percentage.as_f64(), f64::from(stages[*expected]));
        assert_eq!(record.status.seconds("rollout_started"), Some(100.0));
        assert_eq!(
            record.status.seconds("stage_started"),
            Some(since.unwrap_or(NOW))
        );
        assert!(
            only(&plan).notes[0].contains("goes on at stage"),
            "{:?}",
            only(&plan).notes
        );
    }
}

#[test]
fn a_stage_advanced_by_another_client_is_status_and_an_update_keeps_it() {
    let stages = [1, 5, 100];
    let live = live_rollout(&stages, 1);
    assert!(
        plan(
            Some(&rollout(&stages)),
            Some(&rollout(&stages)),
            Some(&live)
        )
        .is_empty()
    );
    let mut with_list = rollout(&stages);
    with_list["allowed_users"] = json!(["ana"]);
    let record = after(&plan(
        Some(&with_list),
        Some(&rollout(&stages)),
        Some(&live),
    ));
    assert_eq!(record.status.current_stage(), Some(1));
    assert_eq!(record.percentage, Percent(5000));
    assert_eq!(record.status.seconds("stage_started"), Some(200.0));
}

#[test]
fn a_flag_becomes_a_rollout_at_its_first_stage_and_leaves_one_without_a_stage() {
    let record = after(&plan(
        Some(&rollout(&[1, 100])),
        Some(&on(50)),
        Some(&on(50)),
    ));
    assert_eq!(
        (record.percentage, record.status.current_stage()),
        (Percent(1000), Some(0))
    );
    let live = live_rollout(&[1, 100], 1);
    let record = after(&plan(
        Some(&on(100)),
        Some(&rollout(&[1, 100])),
        Some(&live),
    ));
    assert_eq!(record.status.current_stage(), None);
    assert_eq!(record.status.seconds("stage_started"), Some(200.0));
}

#[test]
fn a_rollout_that_is_switched_on_later_begins_then() {
    let mut off = rollout(&[1, 100]);
    off["enabled"] = false.into();
    let mut live = off.clone();
    live["current_stage"] = 0.into();
    live["rollout_started"] = 100.into();
    live["stage_started"] = 100.into();
    let record = after(&plan(Some(&rollout(&[1, 100])), Some(&off), Some(&live)));
    assert_eq!(record.status.seconds("stage_started"), Some(NOW));
    // One that was on before goes on where it was, and that stage lasts its whole time.
    live["current_stage"] = 1.into();
    live["percentage"] = 100.into();
    live["stage_started"] = 200.into();
    let record = after(&plan(Some(&rollout(&[1, 100])), Some(&off), Some(&live)));
    assert_eq!(record.status.current_stage(), Some(1));
    assert_eq!(record.status.seconds("stage_started"), Some(NOW));
    assert_eq!(record.status.seconds("rollout_started"), Some(100.0));
    // Where another client had switched it off, nothing is known of the stage, and nothing changes.
    let on = rollout(&[1, 100]);
    let record = after(&plan(Some(&on), Some(&on), Some(&live)));
    assert_eq!(record.status.seconds("stage_started"), Some(200.0));
}

#[test]
fn what_is_no_record_is_a_conflict_even_where_it_is_managed() {
    let broken = plan(Some(&on(10)), Some(&on(10)), Some(&json!("{broken")));
    assert_eq!(only(&broken).action, Action::Conflict);
    assert_eq!(refusals(&broken, Consent::default()).len(), 1);
    assert_eq!(
        refusals(
            &broken,
            Consent {
                adopt: true,
                ..Consent::default()
            }
        ),
        []
    );
    let mut other = snapshot(None, None);
    other
        .records
        .insert("f".into(), Stored::OtherType("list".into()));
    let other = Plan::new(&target(vec![wanted("f", &on(1))]), "memory", "ff", other);
    assert_eq!(
        refusals(
            &other,
            Consent {
                adopt: true,
                ..Consent::default()
            }
        )
        .len(),
        1
    );
    assert_eq!(only(&other).write.expect, Expect::Absent);
}

#[test]
fn a_saved_plan_is_resumed_only_where_nothing_moved() {
    let (a, b) = (on(10), on(20));
    let saved = SavedPlan::new(&plan(Some(&b), Some(&a), Some(&stopped_live(&a))));
    let again = SavedPlan::parse(saved.to_json().as_bytes()).unwrap();
    assert_eq!(again, saved);
    let same = || snapshot(Some(&a), Some(&stopped_live(&a)));
    let resumed = again.resume("memory", "ff", same()).unwrap();
    assert_eq!(SavedPlan::new(&resumed).fingerprint, saved.fingerprint);

    let refused = |prefix: &str, edit: fn(&mut Snapshot)| {
        let mut moved = same();
        edit(&mut moved);
        again.resume("memory", prefix, moved).unwrap_err()
    };
    assert_eq!(
        refused("other", |_| ()),
        SavedPlanError::OtherPrefix("ff".into())
    );
    assert_eq!(
        refused("ff", |s| s.lineage = None),
        SavedPlanError::OtherStore
    );
    assert_eq!(
        refused("ff", |s| s.generation += 1),
        SavedPlanError::Generation {
            planned: 7,
            found: 8
        }
    );
    assert_eq!(
        refused("ff", |s| drop(
            s.records
                .insert("f".into(), Stored::Value(b"{}".to_vec().into()))
        )),
        SavedPlanError::Moved(vec!["f".into()])
    );
    let tampered = saved
        .to_json()
        .replace("\"percentage\": 20", "\"percentage\": 99");
    assert_eq!(
        SavedPlan::parse(tampered.as_bytes()).unwrap_err(),
        SavedPlanError::Tampered
    );
    assert!(matches!(
        SavedPlan::parse(b"no").unwrap_err(),
        SavedPlanError::Unreadable(_)
    ));
}

#[test]
fn a_saved_plan_keeps_the_whole_account() {
    let before = plan(Some(&on(20)), Some(&on(10)), Some(&stopped_live(&on(10))));
    let saved = SavedPlan::new(&before);
    let again = saved
        .resume(
            "memory",
            "ff",
            snapshot(Some(&on(10)), Some(&stopped_live(&on(10)))),
        )
        .unwrap();
    assert_eq!(again, before);
    assert_eq!(again.stopped.len(), 1);
}

#[test]
fn the_fingerprint_is_of_what_a_plan_does_and_not_of_what_it_leaves_alone() {
    let target = target(vec![wanted("f", &on(20))]);
    let quiet = snapshot(Some(&on(10)), Some(&on(10)));
    let mut busy = quiet.clone();
    busy.now += 60.0;
    busy.records
        .insert("neighbour".into(), Stored::Value(b"{}".to_vec().into()));
    let fingerprint = |snapshot| Plan::new(&target, "memory", "ff", snapshot).fingerprint();
    assert_eq!(fingerprint(quiet.clone()), fingerprint(busy));
    let mut later = quiet.clone();
    later.generation += 1;
    assert_ne!(fingerprint(quiet), fingerprint(later));
}

#[test]
fn a_plan_of_a_part_is_the_part_of_the_plan() {
    let flags = ["a", "b", "c", "d"].map(|flag| wanted(flag, &on(20)));
    let mut snapshot = snapshot(None, None);
    for (flag, applied) in [("a", 20), ("b", 10), ("c", 20), ("gone", 10)] {
        let record = on(applied);
        snapshot.specs.insert(flag.into(), spec(&record).digest());
        snapshot
            .records
            .insert(flag.into(), Stored::Value(record.to_string().into()));
    }
    snapshot
        .records
        .insert("neighbour".into(), Stored::Value(b"{}".to_vec().into()));
    let target_of = |flags: &[Wanted]| target(flags.to_vec());
    let all = Plan::new(&target_of(&flags), "memory", "ff", snapshot.clone());
    assert_eq!((all.changes.len(), all.unchanged, all.unmanaged), (3, 2, 1));
    let whole = Whole {
        digest: all.digest.clone(),
        wanted: all.wanted,
        managed: all.managed,
        unmanaged: all.unmanaged,
    };
    // What is left out is as it should be.
    for flag in ["a", "c", "neighbour"] {
        snapshot.records.remove(flag);
        snapshot.specs.remove(flag);
    }
    let part = target_of(&[flags[1].clone(), flags[3].clone()]);
    assert_eq!(Plan::of_part(&part, &whole, "memory", "ff", snapshot), all);
}
