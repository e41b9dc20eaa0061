//! What always holds of stops, restores and stages, whatever record another client has written.

use hoist::operate::{self, Draft, Rollout, StageName, State};
use hoist::plan::{Plan, Snapshot, Stored, Target, Wanted};
use hoist::record::{Record, STATUS_FIELDS, Spec, Stop};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NOW: f64 = 1_800_000_000.25;

/// Fields that hoist changes when it operates on a flag.
const OPERATED: [&str; 8] = [
    "enabled",
    "percentage",
    "rollout_started",
    "stage_started",
    "current_stage",
    "rolled_back_at",
    "paused_at",
    "note",
];

/// A record as some client may have written it: fields in any order, some of them odd.
fn record() -> impl Strategy<Value = Map<String, Value>> {
    (spec_fields(), status_fields(), foreign_fields())
        .prop_map(|(spec, status, foreign)| [spec, status, foreign].concat())
        .prop_shuffle()
        .prop_map(|fields| fields.into_iter().collect())
}

type Fields = Vec<(String, Value)>;

fn fields(fields: Vec<(&str, Option<Value>)>) -> Fields {
    let given = fields.into_iter();
    given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

fn spec_fields() -> impl Strategy<Value = Fields> {
    let kind = option::weighted(
        0.7,
        prop_oneof![Just("boolean"), Just("rollout"), Just("experiment")],
    );
    let enabled = option::weighted(0.9, any::<bool>());
    let share = prop_oneof![
        (0..=100u32).prop_map(Value::from),
        (0..=1000u32).prop_map(|tenth| json!(f64::from(tenth) / 10.0)),
        Just(json!("ten")),
    ];
    let hours = prop_oneof![Just(json!(null)), (0..48u32).prop_map(Value::from)];
    let stage = (0..=100u32, hours)
        .prop_map(|(share, hours)| json!({"percentage": share, "duration_hours": hours}));
    let stages = option::weighted(0.7, vec(stage, 0..5).prop_map(Value::from));
    let variants = option::weighted(0.2, Just(json!({"b": 50.0, "a": 50})));
    let lists = option::of(Just(json!(["eve", "ana"])));
    (
        kind,
        enabled,
        option::of(share),
        stages,
        variants,
        lists.clone(),
        lists,
    )
        .prop_map(|(kind, enabled, share, stages, variants, users, control)| {
            fields(vec![
                ("type", kind.map(Value::from)),
                ("enabled", enabled.map(Value::from)),
                ("percentage", share),
                ("rollout_stages", stages),
                ("variants", variants),
                ("allowed_users", users),
                // A field of experiments, where it may make no sense.
                ("control", control),
            ])
        })
}

fn status_fields() -> impl Strategy<Value = Fields> {
    let time = || {
        option::of(prop_oneof![
            9 => (-500_000.0..100.0f64).prop_map(|ago| json!(NOW + ago)),
            1 => Just(json!("yesterday")),
        ])
    };
    let stage = option::weighted(
        0.8,
        prop_oneof![9 => (0..5u32).prop_map(Value::from), 1 => Just(json!(-1.5))],
    );
    let rarely =
        |strategy: BoxedStrategy<Option<Value>>| prop_oneof![4 => Just(None), 1 => strategy];
    (
        time(),
        time(),
        stage,
        rarely(time().boxed()),
        rarely(time().boxed()),
    )
        .prop_map(|(rollout, stage, index, rolled_back, paused)| {
            fields(vec![
                ("rollout_started", rollout),
                ("stage_started", stage),
                ("current_stage", index),
                ("rolled_back_at", rolled_back),
                ("paused_at", paused),
            ])
        })
}

fn foreign_fields() -> impl Strategy<Value = Fields> {
    let value = prop_oneof![
        any::<f64>()
            .prop_filter("JSON has no others", |n| n.is_finite())
            .prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(null)),
        Just(json!({"z": [1, {"y": 2.50}], "a": "ü"})),
    ];
    vec(("[a-z]{1,3}_x", value), 0..3)
}

fn draft(record: &Map<String, Value>) -> Draft {
    Draft::read(&serde_json::to_vec(record).expect("JSON")).expect("a record")
}

fn stop() -> Stop {
    Stop {
        since: Some(NOW),
        actor: Some("ana".to_owned()),
        reason: Some("errors".to_owned()),
        was_on: None,
    }
}

fn view(draft: &Draft) -> Option<Rollout> {
    Rollout::of(draft.record())
}

/// What is not operated on is there as it was, in the same order.
fn rest(record: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let fields = record.iter();
    fields
        .filter(|(name, _)| !OPERATED.contains(&name.as_str()))
        .collect()
}

/// Everything that can be done to `before`, one after another.
fn outcomes(before: &Draft) -> Vec<Draft> {
    let noted = stop();
    let killed = operate::kill(before, &noted, NOW);
    let mut all = vec![];
    let number = |n| Some(StageName::Number(n));
    for stage in [None, number(1), number(2)] {
        all.extend(operate::restore(&killed, None, Some(&noted), stage, NOW));
    }
    all.push(killed);
    all.extend((0..5).filter_map(|to| operate::advance(before, to, NOW).ok()));
    let paused = operate::pause(before, "lunch", None, NOW);
    all.extend(
        paused
            .iter()
            .filter_map(|paused| operate::resume(paused, NOW + 9.0).ok()),
    );
    all.extend(paused);
    all
}

proptest! {
    #[test]
    fn nothing_else_is_touched(record in record()) {
        let before = draft(&record);
        for after in outcomes(&before) {
            prop_assert_eq!(rest(after.fields()), rest(&record));
            // What is stored is what was made.
            let again = Draft::read(&after.to_bytes()).expect("a record");
            prop_assert_eq!(again.record(), after.record());
        }
    }

    #[test]
    fn a_stopped_flag_is_off_and_a_restored_one_is_what_it_was(record in record()) {
        let before = draft(&record);
        let was_on = before.record().spec.enabled();
        let noted = Stop { was_on: Some(was_on), ..stop() };
        let killed = operate::kill(&before, &noted, NOW);
        prop_assert!(killed.record().is_rolled_back());
        prop_assert!(killed.stop(None).expect("a stop").is_same(&noted));
        let applied = before.record().spec.digest();
        for applied in [None, Some(applied.as_str())] {
            let restored = operate::restore(&killed, applied, Some(&noted), None, NOW).expect("an end");
            prop_assert_eq!(restored.record().spec.enabled(), was_on);
            // Another client may have left `enabled` out, which means the same.
            prop_assert_eq!(restored.record().spec.digest(), before.record().spec.with_enabled(was_on).digest());
            prop_assert_eq!(restored.stop(None), None);
            for field in ["rolled_back_at", "paused_at", "note"] {
                prop_assert!(!restored.fields().contains_key(field), "{field}");
            }
        }
    }

    #[test]
    fn no_rollout_goes_past_its_last_stage(record in record()) {
        let mut at = draft(&record);
        let Some(rollout) = view(&at) else { return Ok(()) };
        prop_assert!(rollout.stage < rollout.stages.len());
        let mut now = NOW;
        for _ in 0..2 * rollout.stages.len() {
            let before = view(&at).expect("a rollout");
            let Ok(to) = operate::next_stage(&before, None, false) else { break };
            prop_assert_eq!(to, before.stage + 1);
            now += 1.0;
            let Ok(after) = operate::advance(&at, to, now) else { break };
            at = after;
            let after = view(&at).expect("a rollout");
            prop_assert!(after.stage < after.stages.len());
            prop_assert_eq!((after.stage, after.since), (to, Some(now)));
            prop_assert_eq!(after.stages[to].percentage, Some(after.percentage));
        }
        let end = view(&at).expect("a rollout");
        prop_assert!(!end.is_due(f64::MAX) || end.stage + 1 < end.stages.len());
    }

    #[test]
    fn only_a_rollout_that_runs_is_ever_due(record in record(), now in NOW - 1e6..NOW + 1e6) {
        let draft = draft(&record);
        let Some(rollout) = view(&draft) else { return Ok(()) };
        if rollout.is_due(now) {
            let record = draft.record();
            prop_assert!(record.spec.enabled() && !record.is_rolled_back());
            prop_assert!(draft.fields().get("paused_at").is_none_or(Value::is_null));
            prop_assert!(rollout.stage + 1 < rollout.stages.len());
            let seconds = rollout.stages[rollout.stage].seconds.expect("a duration");
            prop_assert!(rollout.since.expect("a time") + seconds <= now);
        }
    }

    #[test]
    fn a_pause_takes_no_time(record in record(), lasted in 0.0..1e6f64) {
        let before = draft(&record);
        // A clock that was set back since the stage began cannot tell how long it has lasted.
        prop_assume!(view(&before).is_none_or(|rollout| rollout.since.is_none_or(|since| since <= NOW)));
        let Ok(paused) = operate::pause(&before, "lunch", Some("ana"), NOW) else { return Ok(()) };
        let resumed = operate::resume(&paused, NOW + lasted).expect("an end");
        let (before, after) = (view(&before).expect("a rollout"), view(&resumed).expect("a rollout"));
        prop_assert_eq!((before.stage, before.percentage), (after.stage, after.percentage));
        match (before.state, after.state) {
            (State::Running { due: Some(before) }, State::Running { due: Some(after) }) => {
                prop_assert!((after - before - lasted).abs() < 1e-3, "{before} {after}");
            }
            (State::Running { due: None }, State::Running { .. }) => {}
            (before, after) => prop_assert_eq!(before, after),
        }
    }

    /// Whatever git wants, whatever was applied before, and whether or not the record is still there.
    #[test]
    fn no_sync_after_a_stop_turns_the_flag_on(
        record in record(),
        wanted in record(),
        applied in option::of(any::<bool>()),
        lost in any::<bool>(),
    ) {
        let before = draft(&record);
        let noted = Stop { was_on: Some(before.record().spec.enabled()), ..stop() };
        let killed = operate::kill(&before, &noted, NOW);
        let spec = |fields: &Map<String, Value>| Spec::from_json(&without_status(fields));
        let mut snapshot = Snapshot { now: NOW + 5.0, ..Snapshot::default() };
        if !lost {
            snapshot.records.insert("f".to_owned(), Stored::Value(killed.to_bytes().into()));
        }
        snapshot.stops.insert("f".to_owned(), noted);
        if let Some(same) = applied {
            let applied = if same { before.record().spec.digest() } else { "other".to_owned() };
            snapshot.specs.insert("f".to_owned(), applied);
        }
        let target = Target {
            environment: "production".to_owned(),
            prune: true,
            flags: vec![Wanted::new("f", spec(&wanted), None)],
        };
        let plan = Plan::new(&target, "memory", "ff", snapshot);
        for change in &plan.changes {
            let after = change.after().expect("a record");
            let after = Record::from_fields(after);
            prop_assert!(!after.spec.enabled(), "{change:?}");
            prop_assert!(after.is_rolled_back() || !spec(&wanted).enabled());
        }
    }
}

fn without_status(fields: &Map<String, Value>) -> Map<String, Value> {
    let spec = fields.iter();
    spec.filter(|(name, _)| !STATUS_FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
