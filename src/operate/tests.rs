use serde_json::{Value, json};

use super::*;
use crate::model::Percent;
use crate::record::Stop;

const NOW: f64 = 1_800_000_000.5;
const HOUR: f64 = 3600.0;

fn draft(json: &Value) -> Draft {
    Draft::read(json.to_string().as_bytes()).unwrap()
}

fn text(draft: &Draft) -> String {
    String::from_utf8(draft.to_bytes()).unwrap()
}

fn stop() -> Stop {
    Stop {
        since: Some(NOW),
        actor: Some("ana".into()),
        reason: Some("errors".into()),
        was_on: Some(true),
    }
}

/// Stages of 2 hours at 1 % and 25 %, one that holds at 50 %, and a last one; at `stage` for an hour.
fn rollout(stage: usize) -> Value {
    let shares = [1, 25, 50, 100];
    json!({
        "type": "rollout", "enabled": true, "percentage": shares[stage],
        "allowed_users": [], "allowed_groups": [],
        "rollout_stages": [
            {"percentage": 1, "duration_hours": 2}, {"percentage": 25, "duration_hours": 2},
            {"percentage": 50, "duration_hours": null}, {"percentage": 100, "duration_hours": null}
        ],
        "rollout_started": NOW - 9.0 * HOUR, "stage_started": NOW - HOUR, "current_stage": stage,
    })
}

fn view(draft: &Draft) -> Rollout {
    Rollout::of(draft.record()).unwrap()
}

#[test]
fn a_stop_changes_three_fields_and_their_place_is_that_of_the_format() {
    let before =
        r#"{"enabled":true,"percentage":10.0,"forced":{"b":1,"a":2},"team":{"z":1,"a":[null]}}"#;
    let draft = Draft::read(before.as_bytes()).unwrap();
    assert_eq!(text(&draft), before);
    let killed = kill(&draft, &stop(), NOW);
    assert_eq!(
        text(&killed),
        r#"{"enabled":false,"percentage":10.0,"forced":{"b":1,"a":2},"rolled_back_at":1800000000.5,"note":{"reason":"errors","actor":"ana"},"team":{"z":1,"a":[null]}}"#
    );
    let found = killed.stop(None).unwrap();
    assert!(found.is_same(&stop()), "{found:?}");
    let restored = restore(&killed, None, Some(&stop()), None, NOW).unwrap();
    assert_eq!(text(&restored), before);
}

#[test]
fn a_restore_gives_what_git_says_or_else_what_was_before() {
    let on = draft(&json!({"enabled": true, "percentage": 10}));
    let off = draft(&json!({"enabled": false, "percentage": 10}));
    let edited = draft(&json!({"enabled": true, "percentage": 77}));
    let digest = |draft: &Draft| draft.record().spec.digest();
    let noted = |was_on: Option<bool>| Stop { was_on, ..stop() };
    for (killed, applied, was_on, expected) in [
        (&on, Some(digest(&on)), None, true),
        (&on, Some(digest(&off)), Some(true), false),
        (&off, Some(digest(&off)), None, false),
        (&off, Some(digest(&on)), Some(false), true),
        // Changed in the store too, or not hoist's: what it was before is all there is to go by.
        (&edited, Some(digest(&on)), Some(true), true),
        (&edited, Some(digest(&on)), Some(false), false),
        (&off, None, Some(false), false),
        (&on, None, None, true),
    ] {
        let noted = noted(was_on);
        let killed = kill(killed, &noted, NOW);
        let restored = restore(&killed, applied.as_deref(), Some(&noted), None, NOW).unwrap();
        let record = restored.record();
        assert_eq!(record.spec.enabled(), expected, "{applied:?} {was_on:?}");
        assert!(!record.is_rolled_back());
    }
    assert_eq!(
        restore(&on, None, Some(&stop()), None, NOW),
        Err(Unfit::NotStopped),
        "one that is on was restored by somebody"
    );
}

#[test]
fn a_stop_that_another_client_dropped_is_ended_all_the_same() {
    let off = draft(&json!({"enabled": false, "percentage": 10}));
    assert_eq!(off.stop(Some(&stop())), Some(stop()));
    let restored = restore(&off, None, Some(&stop()), None, NOW).unwrap();
    assert_eq!(text(&restored), r#"{"enabled":true,"percentage":10}"#);
    let reminded = reminded(off.record().clone(), Some(&stop()), NOW);
    assert!(reminded.stop().unwrap().is_same(&stop()));
}

#[test]
fn a_restored_rollout_begins_at_its_first_stage_or_at_the_one_that_is_named() {
    let paused = pause(&draft(&rollout(2)), "lunch", Some("bob"), NOW - 9.0).unwrap();
    let killed = kill(&paused, &stop(), NOW - 5.0);
    for (name, stage, share, begun) in [
        (None, 0, 1, NOW),
        (Some("1"), 0, 1, NOW),
        (Some("2"), 1, 25, NOW - 9.0 * HOUR),
        (Some("50%"), 2, 50, NOW - 9.0 * HOUR),
    ] {
        let name = name.map(|name| name.parse().unwrap());
        let restored = restore(&killed, None, Some(&stop()), name, NOW).unwrap();
        let (record, rollout) = (restored.record(), view(&restored));
        assert_eq!((rollout.stage, rollout.since), (stage, Some(NOW)));
        assert_eq!(rollout.percentage, Percent(share * 1000));
        assert_eq!(record.status.seconds("rollout_started"), Some(begun));
        assert_eq!(
            record.status.0.len(),
            3,
            "neither stop, pause nor note is left"
        );
    }
    let beyond = restore(&killed, None, None, Some(StageName::Number(5)), NOW);
    assert_eq!(
        beyond.unwrap_err().to_string(),
        "has no stage 5: it has 1 %, 25 %, 50 %, 100 %"
    );
    let plain = kill(&draft(&json!({"enabled": true})), &stop(), NOW);
    assert_eq!(
        restore(&plain, None, None, Some(StageName::Number(1)), NOW),
        Err(Unfit::NoRollout)
    );
}

#[test]
fn what_a_rollout_does_is_told() {
    let changed = |stage: usize, fields: Value| {
        let mut json = rollout(stage);
        for (field, value) in fields.as_object().unwrap() {
            json[field] = value.clone();
        }
        view(&draft(&json)).state
    };
    let due = |due| State::Running { due };
    assert_eq!(changed(0, json!({})), due(Some(NOW + HOUR)));
    assert_eq!(changed(2, json!({})), State::Holding);
    assert_eq!(changed(3, json!({})), State::Complete);
    assert_eq!(changed(0, json!({"enabled": false})), State::Off);
    let unknown = json!({"stage_started": null, "rollout_started": "yesterday"});
    assert_eq!(changed(0, unknown), due(None));
    let since_the_start = json!({"stage_started": null});
    assert_eq!(changed(0, since_the_start), due(Some(NOW - 7.0 * HOUR)));
    let paused = json!({"paused_at": NOW - 0.5 * HOUR, "note": {"reason": "r"}});
    let pause = Pause {
        since: Some(NOW - 0.5 * HOUR),
        actor: None,
        reason: Some("r".into()),
        left: Some(1.5 * HOUR),
    };
    assert_eq!(changed(0, paused), State::Paused(pause));
    let both = json!({"paused_at": NOW, "enabled": false, "rolled_back_at": NOW});
    assert!(matches!(changed(0, both), State::Stopped(_)));
    // No index, or none of its stages: the share tells.
    for index in [json!(null), json!(9), json!("two")] {
        let json = json!({"current_stage": index, "percentage": 30});
        assert_eq!(changed(0, json), due(Some(NOW + HOUR)));
    }
    for record in [
        json!({"type": "rollout", "rollout_stages": []}),
        json!({"type": "rollout", "rollout_stages": "many"}),
        json!({"type": "boolean", "rollout_stages": [{"percentage": 1}]}),
        json!({}),
    ] {
        assert_eq!(Rollout::of(draft(&record).record()), None, "{record}");
    }
}

#[test]
fn a_stage_is_due_once_its_time_is_up() {
    let rollout = view(&draft(&rollout(0)));
    assert!(!rollout.is_due(NOW + HOUR - 0.001));
    assert!(rollout.is_due(NOW + HOUR));
}

#[test]
fn a_flag_is_moved_by_name_forward_and_only_on_demand_back() {
    let at = |stage: usize| view(&draft(&rollout(stage)));
    let number = |number| Some(StageName::Number(number));
    assert_eq!(next_stage(&at(0), None, false), Ok(1));
    assert_eq!(next_stage(&at(2), None, false), Ok(3));
    assert_eq!(next_stage(&at(0), number(4), false), Ok(3));
    assert_eq!(next_stage(&at(1), number(2), false), Ok(1));
    let back = Unfit::Backward { from: 3, to: 1 };
    assert_eq!(next_stage(&at(2), number(1), false), Err(back));
    assert_eq!(next_stage(&at(2), number(1), true), Ok(0));
    assert_eq!(
        next_stage(&at(3), None, true).unwrap_err().to_string(),
        "is at its last stage, 100 %"
    );
    let off = kill(&draft(&rollout(0)), &stop(), NOW);
    assert!(matches!(
        next_stage(&view(&off), None, false),
        Err(Unfit::Stopped(_))
    ));
    let paused = pause(&draft(&rollout(0)), "r", None, NOW).unwrap();
    assert!(matches!(
        next_stage(&view(&paused), None, false),
        Err(Unfit::Paused(_))
    ));

    let moved = advance(&draft(&rollout(0)), 2, NOW).unwrap();
    let (rollout, status) = (view(&moved), &moved.record().status);
    assert_eq!((rollout.stage, rollout.percentage), (2, Percent(50_000)));
    assert_eq!(rollout.since, Some(NOW));
    assert_eq!(status.seconds("rollout_started"), Some(NOW - 9.0 * HOUR));
    let odd = draft(&json!({"rollout_stages": [{"percentage": 1}, {"percentage": "all"}]}));
    assert_eq!(advance(&odd, 1, NOW), Err(Unfit::NoPercentage(2)));
}

#[test]
fn a_pause_keeps_what_is_left_of_a_stage() {
    let before = draft(&rollout(0));
    let paused = pause(&before, "lunch", Some("bob"), NOW).unwrap();
    let again = pause(&paused, "tea", None, NOW + 1.0).unwrap_err();
    let Unfit::Paused(first) = again else {
        panic!("{again:?}")
    };
    assert_eq!(first.reason.as_deref(), Some("lunch"));
    let resumed = resume(&paused, NOW + 50.0 * HOUR).unwrap();
    assert_eq!(
        view(&resumed).state,
        State::Running {
            due: Some(NOW + 51.0 * HOUR)
        }
    );
    assert!(!resumed.record().status.0.contains_key("note"));
    assert_eq!(resume(&resumed, NOW), Err(Unfit::NotPaused));
    // A sync may have moved it to another stage meanwhile: that one has all its time left.
    let moved = advance(&paused, 1, NOW + HOUR).unwrap();
    let resumed = resume(&moved, NOW + 2.0 * HOUR).unwrap();
    assert_eq!(view(&resumed).since, Some(NOW + 2.0 * HOUR));
    assert_eq!(
        pause(&draft(&json!({"enabled": true})), "r", None, NOW),
        Err(Unfit::NoRollout)
    );
}

#[test]
fn stages_are_named_by_number_or_percentage() {
    let parse = |text: &str| text.parse::<StageName>();
    assert_eq!(parse("3"), Ok(StageName::Number(3)));
    assert_eq!(parse("33.3%"), Ok(StageName::Percentage(Percent(33_300))));
    assert_eq!(parse("5 %"), Ok(StageName::Percentage(Percent(5000))));
    for wrong in ["0", "", "-1", "last", "101%", "%", "1.5", "0.0001%"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
