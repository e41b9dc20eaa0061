use serde_json::json;

use super::*;
use crate::bucket::bucket;

mod always;

fn record(json: &Value) -> Record {
    Record::parse(json.to_string().as_bytes()).unwrap()
}

fn evaluator(json: &Value) -> Evaluator {
    Evaluator::new("flag", &record(json)).unwrap()
}

/// `value reason`, `value variant reason` for an experiment, and the bucket where one was drawn.
fn answer(json: &Value, user: Option<&str>, groups: &[&str]) -> String {
    let evaluator = evaluator(json);
    let answer = evaluator.evaluate(user, groups);
    let variant = answer.variant().map(|name| format!(" {name}"));
    let drawn = answer.bucket().or(answer.variant_bucket()).is_some();
    format!(
        "{}{} {}{}",
        answer.value(),
        variant.unwrap_or_default(),
        answer.reason().as_str(),
        if drawn { " drawn" } else { "" }
    )
}

#[test]
fn the_order_of_evaluation() {
    assert_eq!(
        (bucket("flag", "ana"), bucket("flag", "mia")),
        (78_503, 45_190)
    );
    let half = json!({"enabled": true, "percentage": 50, "allowed_users": ["vip"], "allowed_groups": ["staff"]});
    let with = |changes: Value| {
        let mut record = half.clone();
        record
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        record
    };
    let off = with(json!({"enabled": false}));
    let everyone = with(json!({"percentage": 100}));
    let nobody = with(json!({"percentage": 0}));
    let stopped = with(json!({"enabled": false, "rolled_back_at": 1.5}));
    let cases: &[(&Value, Option<&str>, &[&str], &str)] = &[
        (&off, Some("vip"), &["staff"], "false DISABLED"),
        (&stopped, Some("vip"), &[], "false DISABLED"),
        (&half, Some("vip"), &[], "true TARGETING_MATCH"),
        (&half, Some("ana"), &["x", "staff"], "true TARGETING_MATCH"),
        (&half, None, &["staff"], "true TARGETING_MATCH"),
        (&nobody, Some("vip"), &[], "true TARGETING_MATCH"),
        (&half, None, &["x"], "false DEFAULT"),
        (&half, Some("ana"), &[], "false SPLIT drawn"),
        (&half, Some("mia"), &[], "true SPLIT drawn"),
        (&everyone, None, &[], "true STATIC"),
        (&everyone, Some("ana"), &[], "true STATIC"),
        (&nobody, Some("mia"), &[], "false STATIC"),
    ];
    for (record, user, groups, expected) in cases {
        assert_eq!(
            answer(record, *user, groups),
            *expected,
            "{user:?} {groups:?} {record}"
        );
    }
}

#[test]
fn experiments_draw_twice() {
    let record = json!({
        "enabled": true, "percentage": 50, "variants": {"a": 0, "b": 100}, "control": "a",
        "forced": {"a": ["qa"]}, "values": {"b": {"x": 1}}
    });
    let mut whole = record.clone();
    whole["percentage"] = 100.into();
    let mut off = record.clone();
    off["enabled"] = false.into();
    let mut none = record.clone();
    none["percentage"] = 0.into();
    let cases: &[(&Value, Option<&str>, &str)] = &[
        (&record, Some("mia"), "{\"x\":1} b SPLIT drawn"),
        (&record, Some("ana"), "\"a\" a SPLIT drawn"),
        (&record, Some("qa"), "\"a\" a TARGETING_MATCH"),
        (&record, None, "\"a\" a DEFAULT"),
        (&whole, None, "\"a\" a DEFAULT"),
        (&whole, Some("ana"), "{\"x\":1} b SPLIT drawn"),
        (&off, Some("qa"), "\"a\" a DISABLED"),
        (&none, Some("mia"), "\"a\" a STATIC"),
        (&none, Some("qa"), "\"a\" a TARGETING_MATCH"),
    ];
    for (record, user, expected) in cases {
        assert_eq!(
            answer(record, *user, &["staff"]),
            *expected,
            "{user:?} {record}"
        );
    }
}

#[test]
fn a_rollout_counts_with_its_live_stage() {
    let stages = json!([{"percentage": 1}, {"percentage": 50}]);
    let record = json!({"type": "rollout", "enabled": true, "percentage": 50, "current_stage": 1, "rollout_stages": stages});
    assert_eq!(evaluator(&record).share(), Percent(50_000));
    let spec = self::record(&record).spec;
    let alone = Evaluator::new("flag", &Record::of_spec(&spec)).unwrap();
    assert_eq!(alone.share(), Percent(1_000));
    assert_eq!(alone.at(Percent(70_000)).share(), Percent(70_000));
}

#[test]
fn what_makes_no_sense_is_an_error_in_words() {
    let cases = [
        (
            json!({"type": "toggle"}),
            "`type` is \"toggle\": it should be \"boolean\", \"rollout\" or \"experiment\"",
        ),
        (
            json!({"type": 3}),
            "`type` is 3: it should be \"boolean\", \"rollout\" or \"experiment\"",
        ),
        (
            json!({"type": "boolean", "variants": {"a": 100}}),
            "`variants` is there, although `type` is not \"experiment\"",
        ),
        (
            json!({"type": "experiment"}),
            "`variants` is missing from an experiment",
        ),
        (
            json!({"enabled": "yes"}),
            "`enabled` is \"yes\", not true or false",
        ),
        (
            json!({"percentage": 101}),
            "`percentage` is 101, not a number from 0 to 100",
        ),
        (
            json!({"percentage": "ten"}),
            "`percentage` is \"ten\", not a number from 0 to 100",
        ),
        (
            json!({"type": "rollout", "percentage": "ten"}),
            "`rollout_stages` is no list of stages, and `percentage` no share of users",
        ),
        (json!({"salt": 7}), "`salt` is 7, not a string"),
        (
            json!({"allowed_users": "ana"}),
            "`allowed_users` is not a list",
        ),
        (
            json!({"allowed_groups": ["a", 7]}),
            "`allowed_groups` has 7 in a list of strings",
        ),
        (json!({"variants": []}), "`variants` is not an object"),
        (
            json!({"variants": {"a": 100}, "control": 1}),
            "`control` is not the name of a variant",
        ),
        (
            json!({"variants": {}}),
            "`control` is not the name of a variant",
        ),
        (
            json!({"variants": {"a": 50, "b": 49}}),
            "`variants` has weights that add up to 99, not 100",
        ),
        (
            json!({"variants": {"a": -1, "b": 101}}),
            "`variants` gives `a` the weight -1, not a number from 0 to 100",
        ),
        (
            json!({"variants": {"a": 100}, "control": "b"}),
            "`control` names `b`, which is no variant",
        ),
        (
            json!({"variants": {"a": 100}, "forced": {"b": []}}),
            "`forced` names `b`, which is no variant",
        ),
        (
            json!({"variants": {"a": 100}, "forced": {"a": [1]}}),
            "`forced` has 1 in a list of strings",
        ),
        (
            json!({"variants": {"a": 100}, "forced": []}),
            "`forced` is not an object",
        ),
        (
            json!({"variants": {"a": 100}, "values": {"b": 1}}),
            "`values` names `b`, which is no variant",
        ),
    ];
    for (json, expected) in cases {
        let error = Evaluator::new("flag", &record(&json)).unwrap_err();
        assert_eq!(error.to_string(), expected, "{json}");
    }
}

#[test]
fn more_decimals_than_hoist_writes_are_rounded() {
    let thirds = json!({"enabled": true, "variants": {"a": 33.3333, "b": 33.3333, "c": 33.3334}});
    let ends: Vec<u32> = evaluator(&thirds)
        .variants()
        .map(|(_, _, end)| end)
        .collect();
    assert_eq!(ends, [33_333, 66_667, 100_000]);
    let odd = evaluator(&json!({"enabled": true, "percentage": 12.34567}));
    assert_eq!(odd.share(), Percent(12_346));
}

#[test]
fn answers_in_words() {
    let words = |json: Value, user: Option<&str>, groups: &[&str]| {
        let record = record(&json);
        let evaluator = Evaluator::new("flag", &record).unwrap();
        let answer = evaluator.evaluate(user, groups);
        explain(&evaluator, &record, &answer, user, groups)
    };
    let lists = json!({"enabled": true, "percentage": 50, "allowed_users": ["vip"], "allowed_groups": ["staff"]});
    let stages = json!([{"percentage": 1}, {"percentage": 25}]);
    let rollout =
        json!({"enabled": true, "percentage": 25, "current_stage": 1, "rollout_stages": stages});
    let stop = json!({
        "enabled": false, "percentage": 25, "rolled_back_at": 1_795_317_120,
        "note": {"actor": "ana", "reason": "error rate"}
    });
    let experiment = |enabled: bool, percentage: u32| json!({"enabled": enabled, "percentage": percentage, "variants": {"a": 34, "b": 66}, "forced": {"b": ["qa"]}});
    let cases = [
        (
            words(lists.clone(), Some("ana"), &[]),
            "bucket 78,503 is not below 50 %",
        ),
        (
            words(lists.clone(), Some("mia"), &[]),
            "bucket 45,190 is below 50 %",
        ),
        (
            words(lists.clone(), Some("vip"), &["staff"]),
            "user `vip` is in allowed_users",
        ),
        (
            words(lists.clone(), Some("ana"), &["x", "staff"]),
            "group `staff` is in allowed_groups",
        ),
        (
            words(lists, None, &[]),
            "no user is given, so there is no bucket to compare with 50 %",
        ),
        (
            words(rollout, Some("ana"), &[]),
            "bucket 78,503 is not below 25 %, stage 2 of 2",
        ),
        (
            words(stop, Some("ana"), &[]),
            "it was rolled back on 2026-11-22 at 03:12 UTC by ana (error rate)",
        ),
        (
            words(json!({"enabled": false, "allowed_users": ["a"]}), None, &[]),
            "it is not enabled, which holds for the allowed lists too",
        ),
        (
            words(json!({"enabled": true}), None, &[]),
            "it is on for everyone",
        ),
        (
            words(json!({"enabled": true, "percentage": 0}), None, &[]),
            "its share of users is 0 %",
        ),
        (
            words(experiment(true, 100), Some("qa"), &[]),
            "user `qa` is forced to `b`",
        ),
        (
            words(experiment(true, 50), Some("ana"), &[]),
            "bucket 78,503 is not below 50 %: the control",
        ),
        (
            words(experiment(true, 50), Some("mia"), &[]),
            "bucket 45,190 is below 50 %, and variant bucket 18,197 is one of 0 to 33,999, those of `a`",
        ),
        (
            words(experiment(true, 100), Some("ana"), &[]),
            "variant bucket 36,578 is one of 34,000 to 99,999, those of `b`",
        ),
        (
            words(experiment(true, 50), None, &[]),
            "no user is given, so there is no bucket to compare with 50 %: the control",
        ),
        (
            words(experiment(true, 100), None, &[]),
            "no user is given, so there is no variant to draw: the control",
        ),
        (
            words(experiment(true, 0), Some("ana"), &[]),
            "0 % of users take part, so everyone gets the control",
        ),
        (
            words(experiment(false, 50), Some("ana"), &[]),
            "it is not enabled, so everyone gets the control",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn numbers_are_grouped_in_thousands() {
    let cases = [
        (0_u64, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (41_207, "41,207"),
        (1_234_567, "1,234,567"),
    ];
    for (number, text) in cases {
        assert_eq!(grouped(number), text);
    }
}
