use serde_json::{Value, json};

use super::*;

fn record(json: &Value) -> Record {
    Record::parse(json.to_string().as_bytes()).unwrap()
}

#[test]
fn a_record_reads_the_same_however_a_client_wrote_it() {
    let bare = record(&json!({"enabled": true, "percentage": 10.0}));
    let full = record(&json!({
        "percentage": 10, "type": "boolean", "allowed_users": [], "enabled": true,
        "allowed_groups": [], "salt": null, "meta": {}
    }));
    assert_eq!(bare.spec.digest(), full.spec.digest());
    assert_eq!(
        String::from_utf8(bare.to_bytes().into()).unwrap(),
        r#"{"type":"boolean","enabled":true,"percentage":10,"allowed_users":[],"allowed_groups":[]}"#
    );
}

#[test]
fn the_kind_is_inferred_where_a_client_leaves_it_out() {
    let kind = |json: Value| record(&json).spec.kind();
    assert_eq!(kind(json!({"enabled": true})), Kind::Boolean);
    assert_eq!(kind(json!({"variants": {"a": 100}})), Kind::Experiment);
    assert_eq!(
        kind(json!({"rollout_stages": [{"percentage": 1}]})),
        Kind::Rollout
    );
}

#[test]
fn the_order_of_variants_is_part_of_the_spec_and_that_of_other_objects_is_not() {
    let digest = |text: &str| Record::parse(text.as_bytes()).unwrap().spec.digest();
    assert_ne!(
        digest(r#"{"variants":{"a":50,"b":50},"control":"a"}"#),
        digest(r#"{"variants":{"b":50,"a":50},"control":"a"}"#)
    );
    assert_eq!(
        digest(r#"{"meta":{"owner":"x","description":"y"}}"#),
        digest(r#"{"meta":{"description":"y","owner":"x"}}"#)
    );
}

#[test]
fn the_percentage_of_a_rollout_is_status() {
    let stages = json!([{"percentage": 1, "duration_hours": 2}, {"percentage": 100, "duration_hours": null}]);
    let first = record(&json!({"rollout_stages": stages, "percentage": 1, "current_stage": 0}));
    let last = record(&json!({"rollout_stages": stages, "percentage": 100, "current_stage": 1}));
    assert_eq!(first.spec.digest(), last.spec.digest());
    assert_eq!(last.percentage, Percent::HUNDRED);
    let silent = record(&json!({"rollout_stages": stages, "current_stage": 1}));
    assert_eq!(silent.percentage, Percent::HUNDRED);
}

#[test]
fn while_rolled_back_either_value_of_enabled_agrees() {
    let on = record(&json!({"enabled": true, "percentage": 10}));
    let stopped = record(&json!({"enabled": false, "percentage": 10, "rolled_back_at": 1.5}));
    assert!(stopped.is_rolled_back());
    assert!(stopped.has_spec(&on.spec.digest()));
    assert!(!record(&json!({"enabled": false, "percentage": 10})).has_spec(&on.spec.digest()));
    let edited = record(&json!({"enabled": false, "percentage": 11, "rolled_back_at": 1.5}));
    assert!(!edited.has_spec(&on.spec.digest()));
}

#[test]
fn unknown_fields_and_wrong_shapes_are_carried_along() {
    let odd =
        json!({"enabled": "maybe", "percentage": "ten", "x_team": [1], "current_stage": "two"});
    let read = record(&odd);
    assert_eq!(read.spec.as_json()["enabled"], "maybe");
    assert_eq!(read.spec.as_json()["percentage"], "ten");
    assert_eq!(read.other["x_team"], json!([1]));
    assert_eq!(read.status.current_stage(), None);
    assert_eq!(read.to_json()["x_team"], json!([1]));
}

#[test]
fn what_is_no_record_says_why() {
    let error = |bytes: &[u8]| Record::parse(bytes).unwrap_err().to_string();
    assert!(error(b"{").starts_with("it is not JSON"));
    assert_eq!(error(b"[]"), "it is JSON, but a list and not an object");
    assert!(error(b"\xff\x00").starts_with("it is not JSON"));
}

#[test]
fn hours_survive_a_round_trip_to_the_second() {
    for seconds in [1, 59, 1200, 1800, 3600, 7201, 86_400 * 7 + 1] {
        let written =
            json!({"rollout_stages": [{"percentage": 1, "duration_hours": write::hours(seconds)}]});
        let again = record(&json!({"rollout_stages": [
            {"percentage": 1.0, "duration_hours": written["rollout_stages"][0]["duration_hours"].as_f64()}
        ]}));
        assert_eq!(
            record(&written).spec.digest(),
            again.spec.digest(),
            "{seconds}"
        );
    }
}

#[test]
fn the_bytes_are_those_of_the_json() {
    let stages = json!([{"percentage": 1, "duration_hours": 2}, {"percentage": 100}]);
    let cases = [
        json!({"enabled": true, "percentage": 10, "x": [1]}),
        json!({"type": "rollout", "enabled": true, "rollout_stages": stages, "current_stage": 1}),
        json!({"type": "rollout", "enabled": false, "rollout_stages": stages, "note": {"actor": "a"}}),
        json!({"type": "rollout", "enabled": "maybe", "rollout_stages": stages, "percentage": 3}),
        json!({"type": "rollout", "enabled": true, "rollout_stages": "none"}),
        json!({"variants": {"b": 50, "a": 50}, "values": {"b": 1, "a": 2}, "salt": "s"}),
        json!({}),
    ];
    for case in cases {
        let record = record(&case);
        let text = String::from_utf8(record.to_bytes().into()).unwrap();
        assert_eq!(text, serde_json::to_string(&record.to_json()).unwrap());
        assert_eq!(Record::parse(text.as_bytes()).unwrap(), record);
    }
}

#[test]
fn what_hoist_wrote_is_known_by_its_bytes() {
    let stages = json!([{"percentage": 1, "duration_hours": 2}, {"percentage": 100, "duration_hours": null}]);
    let experiment = json!({"type": "experiment", "enabled": true, "variants": {"b": 50, "a": 50}});
    for (json, status) in [
        (json!({"enabled": true, "percentage": 10, "salt": "s"}), ""),
        (experiment, ""),
        (
            json!({"enabled": false, "rollout_stages": stages, "percentage": 100}),
            r#","rollout_started":1.5,"stage_started":20,"current_stage":1"#,
        ),
    ] {
        let spec = record(&json).spec.compact();
        let plain = Record {
            spec: spec.clone(),
            percentage: Percent::HUNDRED,
            ..Record::default()
        };
        let mut text = String::from_utf8(plain.to_bytes().into()).unwrap();
        text.insert_str(text.len() - 1, status);
        assert!(spec.is_all_of(text.as_bytes()), "{text}");
        assert!(record(&serde_json::from_str(&text).unwrap()).spec == spec);
        let others = [
            text.replacen("\"enabled\":true", "\"enabled\":false", 1),
            text.replacen("\"enabled\":false", "\"enabled\":true", 1),
            text.replacen(':', ": ", 1),
            text.replacen('}', "}}", 1),
            text[..text.len() - 1].to_owned(),
            with(&text, r#""rolled_back_at":3"#),
            with(&text, r#""paused_at":3"#),
            with(&text, r#""current_stage":1"#),
            with(&text, r#""enabled":false"#),
            text.replacen("\"current_stage\":1", "\"current_stage\":one", 1),
        ];
        for other in others.iter().filter(|other| **other != text) {
            assert!(!spec.is_all_of(other.as_bytes()), "{other}");
        }
    }
}

fn with(text: &str, field: &str) -> String {
    format!("{},{field}}}", text.strip_suffix('}').unwrap())
}

#[test]
fn a_compact_spec_is_the_same() {
    for json in [
        json!({"enabled": true, "percentage": 12.5, "meta": {"owner": "x"}}),
        json!({"variants": {"b": 50, "a": 50}, "values": {"b": 1.5, "a": [null]}}),
        json!({"enabled": true, "rollout_stages": [{"percentage": 3, "duration_hours": 1.5}]}),
    ] {
        let spec = record(&json).spec;
        let compact = spec.compact();
        assert_eq!(compact, spec);
        assert_eq!(compact.digest(), spec.digest());
        assert_eq!(
            (compact.kind(), compact.enabled()),
            (spec.kind(), spec.enabled())
        );
        assert_eq!(compact.stages(), spec.stages());
        assert_eq!(compact.as_json(), spec.as_json());
        assert_eq!(compact.with_enabled(false), spec.with_enabled(false));
    }
}
