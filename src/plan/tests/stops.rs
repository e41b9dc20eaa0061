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
