//! Emergency stops, and what a sync makes of them.

use super::*;

pub(super) fn stopped_live(spec: &Value) -> Value {
    let mut live = spec.clone();
    live["enabled"] = false.into();
    live["rolled_back_at"] = 1_790_000_000.into();
    live["note"] = json!({"reason": "errors", "actor": "ana"});
    live
}

#[test]
fn no_sync_turns_a_stopped_flag_on() {
    let live = stopped_live(&on(10));
    let unchanged = plan(Some(&on(10)), Some(&on(10)), Some(&live));
    assert!(unchanged.is_empty());
    assert_eq!(unchanged.stopped[0].actor.as_deref(), Some("ana"));
    let wants: &[Value] = &[on(20), rollout(&[1, 100]), off()];
    for (applied, drifted) in [(on(10), on(10)), (off(), on(10)), (on(10), on(77))] {
        for want in wants {
            let live = stopped_live(&drifted);
            let plan = plan(Some(want), Some(&applied), Some(&live));
            let Some(change) = plan.changes.first() else {
                continue;
            };
            let record = after(&plan);
            assert!(!record.spec.enabled(), "{want} over {live}");
            let git_switches_off = *want == off() && applied == on(10);
            assert_eq!(
                record.is_rolled_back(),
                !git_switches_off,
                "{want} over {live}"
            );
            assert!(
                change
                    .notes
                    .iter()
                    .any(|note| note.contains("rolled back since 2026-09-21")),
                "{:?}",
                change.notes
            );
        }
    }
}

#[test]
fn a_stop_ends_when_git_switches_off_and_later_on() {
    let live = stopped_live(&on(10));
    let record = after(&plan(Some(&off()), Some(&on(10)), Some(&live)));
    assert!(!record.is_rolled_back() && !record.spec.enabled());
    let live: Value = Value::Object(record.to_json());
    assert!(
        after(&plan(Some(&on(10)), Some(&off()), Some(&live)))
            .spec
            .enabled()
    );
}

#[test]
fn a_flag_that_another_client_switched_on_again_is_no_longer_stopped() {
    let mut live = on(10);
    live["rolled_back_at"] = 1_790_000_000.into();
    let off_now = after(&plan(Some(&off()), Some(&on(10)), Some(&live)));
    assert!(!off_now.is_rolled_back());
    let live = Value::Object(off_now.to_json());
    let on_again = after(&plan(Some(&on(10)), Some(&off()), Some(&live)));
    assert!(on_again.spec.enabled());
}

#[test]
fn gits_own_switch_ends_a_stop_beside_an_edit_in_the_store() {
    let mut live = stopped_live(&on(10));
    live["allowed_users"] = json!(["x"]);
    let ended = plan(Some(&off()), Some(&on(10)), Some(&live));
    assert!(!after(&ended).is_rolled_back());
    assert_eq!(ended.stopped, [], "it is off, and no longer stopped");
}

/// A store with one flag `f`, as [`snapshot`] makes it, in which a stop is noted.
fn noted(applied: Option<&Value>, live: Option<&Value>) -> Snapshot {
    let mut snapshot = snapshot(applied, live);
    snapshot.stops.insert("f".into(), stop());
    snapshot
}

fn stop() -> Stop {
    Stop {
        since: Some(1_790_000_000.0),
        actor: Some("ana".into()),
        reason: Some("errors".into()),
        was_on: Some(true),
    }
}

fn plan_of(want: Option<&Value>, snapshot: Snapshot) -> Plan {
    let flags = want.map(|spec| wanted("f", spec)).into_iter().collect();
    Plan::new(&target(flags), "memory", "ff", snapshot)
}

#[test]
fn a_stop_outlives_its_record() {
    let garbage = json!("{broken");
    let stages = rollout(&[1, 100]);
    for (want, applied, live) in [
        // Deleted from git and added again; the same with another spec; evicted; overwritten.
        (&on(10), None, None),
        (&stages, None, None),
        (&on(10), Some(&on(10)), None),
        (&on(20), Some(&on(10)), None),
        (&on(10), Some(&on(10)), Some(&garbage)),
        // Off in git, and has been all along: git has not switched it off.
        (&off(), Some(&off()), None),
    ] {
        let plan = plan_of(Some(want), noted(applied, live));
        let record = after(&plan);
        assert_eq!(record.stop().map(|stop| stop.reason), Some(stop().reason));
        assert_eq!(record.status.seconds("rolled_back_at"), stop().since);
        assert_eq!(only(&plan).write.stop, StopWrite::Keep);
        assert_eq!(only(&plan).write.spec, SpecWrite::Set(spec(want).digest()));
        assert_eq!(plan.stopped[0].actor.as_deref(), Some("ana"));
        let notes = only(&plan).notes.join("\n");
        assert!(notes.contains("rolled back since 2026-09-21"), "{notes}");
        // Planned again from what it leaves, there is nothing to do.
        let live = Value::Object(record.to_json());
        assert!(plan_of(Some(want), noted(Some(want), Some(&live))).is_empty());
    }
}

#[test]
fn git_ends_a_stop_that_has_no_record() {
    for applied in [None, Some(&on(10))] {
        let plan = plan_of(Some(&off()), noted(applied, None));
        let record = after(&plan);
        assert!(!record.spec.enabled() && !record.is_rolled_back());
        assert_eq!(only(&plan).write.stop, StopWrite::Clear);
        assert_eq!(plan.stopped, []);
        let notes = only(&plan).notes.join("\n");
        assert!(notes.contains("git switches it off now"), "{notes}");
    }
}

#[test]
fn a_record_that_is_there_has_the_last_word() {
    // On: somebody restored it. The note goes with the next write, and until then says nothing.
    let restored = on(10);
    assert!(plan_of(Some(&on(10)), noted(Some(&on(10)), Some(&restored))).is_empty());
    let update = plan_of(Some(&on(20)), noted(Some(&on(10)), Some(&restored)));
    assert!(after(&update).spec.enabled());
    assert_eq!(only(&update).write.stop, StopWrite::Clear);
    assert_eq!(update.stopped, []);
    let gone = plan_of(None, noted(Some(&on(10)), Some(&restored)));
    assert_eq!(only(&gone).write.stop, StopWrite::Clear);

    // Off, though another client has dropped what says so: still stopped.
    let forgetful = {
        let mut live = on(10);
        live["enabled"] = false.into();
        live
    };
    let quiet = plan_of(Some(&on(10)), noted(Some(&on(10)), Some(&forgetful)));
    assert!(quiet.is_empty() && quiet.stopped.len() == 1, "{quiet:?}");
    let update = plan_of(Some(&on(20)), noted(Some(&on(10)), Some(&forgetful)));
    assert!(after(&update).is_rolled_back());
    assert_eq!(only(&update).write.stop, StopWrite::Keep);
}

#[test]
fn a_stop_by_another_client_is_noted_where_something_is_written_anyway() {
    let live = stopped_live(&on(10));
    assert!(plan(Some(&on(10)), Some(&on(10)), Some(&live)).is_empty());
    let theirs = Stop {
        was_on: None,
        ..stop()
    };
    for want in [Some(&on(20)), None] {
        let plan = plan_of(want, snapshot(Some(&on(10)), Some(&live)));
        assert_eq!(only(&plan).write.stop, StopWrite::Set(theirs.clone()));
    }
    let adopted = plan(Some(&on(10)), None, Some(&live));
    assert_eq!(only(&adopted).action, Action::Adopt);
    assert_eq!(only(&adopted).write.stop, StopWrite::Set(theirs));
    // What it knows already it leaves alone, with what only it knows.
    let known = plan_of(Some(&on(20)), noted(Some(&on(10)), Some(&live)));
    assert_eq!(only(&known).write.stop, StopWrite::Keep);
    let ended = plan_of(Some(&off()), noted(Some(&on(10)), Some(&live)));
    assert_eq!(only(&ended).write.stop, StopWrite::Clear);
}

#[test]
fn a_saved_plan_carries_a_stop_in_the_bookkeeping() {
    for (want, applied) in [(on(10), None), (on(20), Some(on(10))), (off(), None)] {
        let made = plan_of(Some(&want), noted(applied.as_ref(), None));
        let saved = SavedPlan::parse(SavedPlan::new(&made).to_json().as_bytes()).unwrap();
        let resumed = saved.resume("memory", "ff", noted(applied.as_ref(), None));
        assert_eq!(resumed.unwrap(), made);
    }
}
