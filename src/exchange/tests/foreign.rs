//! Files of others that say more than a flag can: nobody gets what they did not have, and nothing goes
//! without a word.

use super::*;

/// One flag of Flipt that is on or off, beside the segments `all` and `staff`.
fn boolean(enabled: bool, rollouts: Value) -> Value {
    json!({
        "flags": [{"key": "f", "type": "BOOLEAN_FLAG_TYPE", "enabled": enabled, "rollouts": rollouts}],
        "segments": segments(),
    })
}

fn segments() -> Value {
    let is = |property: &str, value: &str| json!({"type": "STRING_COMPARISON_TYPE", "property": property, "operator": "eq", "value": value});
    json!([
        {"key": "all", "constraints": []},
        {"key": "staff", "match_type": "ALL_MATCH_TYPE", "constraints": [is("groups", "staff")]},
        {"key": "beta", "match_type": "ALL_MATCH_TYPE", "constraints": [is("groups", "beta")]},
        {"key": "bo", "constraints": [{"type": "ENTITY_ID_COMPARISON_TYPE", "operator": "eq", "value": "bo"}]},
    ])
}

#[test]
fn rollouts_of_flipt_count_in_their_order() {
    let share =
        |share: u32, value: bool| json!({"threshold": {"percentage": share, "value": value}});
    let to = |key: &str, value: bool| json!({"segment": {"key": key, "value": value}});
    for (enabled, rollouts, fields, lost) in [
        (
            true,
            json!([share(30, true), to("all", false)]),
            json!({"enabled": true, "percentage": 30}),
            &["flags[0].rollouts[0].threshold"][..],
        ),
        (
            false,
            json!([share(30, false), to("all", true)]),
            json!({"enabled": true, "percentage": 70}),
            &["flags[0].rollouts[0].threshold"],
        ),
        (
            true,
            json!([share(30, false), to("staff", true)]),
            json!({"enabled": true, "percentage": 70}),
            &[
                "flags[0].rollouts[1].segment",
                "flags[0].rollouts[0].threshold",
            ],
        ),
        (
            false,
            json!([share(30, true), to("staff", true)]),
            json!({"enabled": true, "percentage": 30, "allowed_groups": ["staff"]}),
            &["flags[0].rollouts[0].threshold"],
        ),
        (
            false,
            json!([to("all", true), to("staff", false)]),
            json!({"enabled": true}),
            &["flags[0].rollouts[1]"],
        ),
        (
            false,
            json!([{"segment": {"keys": ["all", "staff"], "operator": "OR_SEGMENT_OPERATOR", "value": true}}]),
            json!({"enabled": false}),
            &["flags[0].rollouts[0].segment"],
        ),
        (
            false,
            json!([{"description": "Ours", "segment": {"key": "staff", "value": true}}]),
            json!({"enabled": true, "percentage": 0, "allowed_groups": ["staff"]}),
            &["flags[0].rollouts[0].description"],
        ),
    ] {
        let file = boolean(enabled, rollouts.clone());
        let (flag, losses) = imported(Format::Flipt, file);
        assert_eq!(flag, fields, "{rollouts}");
        assert_eq!(losses, lost, "{rollouts}");
    }
}

#[test]
fn rules_of_flipt_count_in_their_order() {
    let half = json!([{"variant": "a", "rollout": 50}, {"variant": "b", "rollout": 50}]);
    let b = |share: u32| json!([{"variant": "b", "rollout": share}]);
    let rule = |segment: Value, to: &Value| json!({"segment": segment, "distributions": to});
    for (rules, forced, lost) in [
        (
            json!([rule(json!("bo"), &b(100)), rule(json!("all"), &half)]),
            json!({"b": ["bo"]}),
            &["flags[0].rules[1]"][..],
        ),
        (
            json!([rule(json!("all"), &half), rule(json!("bo"), &b(100))]),
            Value::Null,
            &["flags[0].rules[1]", "flags[0].rules[0]"],
        ),
        (
            json!([rule(json!("bo"), &b(30))]),
            Value::Null,
            &["flags[0].rules[0]"],
        ),
        (
            json!([{"segments": ["bo", "staff"], "operator": "AND_SEGMENT_OPERATOR", "distributions": b(100)}]),
            Value::Null,
            &["flags[0].rules[0]"],
        ),
    ] {
        let file = json!({
            "flags": [{
                "key": "f", "type": "VARIANT_FLAG_TYPE", "enabled": true, "rules": rules,
                "variants": [{"key": "a", "default": true}, {"key": "b"}],
            }],
            "segments": segments(),
        });
        let (flag, losses) = imported(Format::Flipt, file);
        let found = flag.get("forced").cloned().unwrap_or_default();
        assert_eq!(found, forced, "{rules}");
        assert_eq!(losses, lost, "{rules}");
    }
}

#[test]
fn strategies_of_unleash_give_nothing_to_others() {
    let file = |strategy: Value, dependencies: Value| {
        json!({
            "features": [{"name": "f"}],
            "featureStrategies": [strategy],
            "featureEnvironments": [{"featureName": "f", "environment": "production", "enabled": true}],
            "dependencies": dependencies,
        })
    };
    let listed = |constraints: Value| json!({"name": "userWithId", "featureName": "f", "parameters": {"userIds": "a,b"}, "constraints": constraints});
    let french = json!([{"contextName": "country", "operator": "IN", "values": ["FR"]}]);
    let parent = json!([{"feature": "f", "dependencies": [{"feature": "parent"}]}]);
    for (file, fields, lost) in [
        (
            file(listed(json!([])), json!([])),
            json!({"enabled": true, "percentage": 0, "allowed_users": ["a", "b"]}),
            &[][..],
        ),
        (
            file(listed(french), json!([])),
            json!({"enabled": true, "percentage": 0}),
            &["featureStrategies[0].constraints"],
        ),
        (
            file(json!({"name": "default", "featureName": "f"}), parent),
            json!({"enabled": false}),
            &["dependencies[0]", "features[0]"],
        ),
    ] {
        let (flag, losses) = imported(Format::Unleash, file);
        assert_eq!(flag, fields);
        assert_eq!(losses, lost);
    }
}

#[test]
fn rules_of_go_feature_flag_are_taken_as_they_are_or_told() {
    let variations = json!({"true": true, "false": false});
    for (more, fields, lost) in [
        (
            json!({"defaultRule": {"variation": true}}),
            json!({"enabled": true}),
            &[][..],
        ),
        (
            json!({"defaultRule": {"variation": "absent"}}),
            json!({"enabled": false}),
            &["f.defaultRule.variation"],
        ),
        (
            json!({"defaultRule": {}}),
            json!({"enabled": false}),
            &["f.defaultRule.variation"],
        ),
        (
            json!({
                "targeting": [{"query": r#"{"==": [{"var": "targetingKey"}, null]}"#, "variation": "true"}],
                "defaultRule": {"variation": "false"},
            }),
            json!({"enabled": false}),
            &["f.targeting[0]"],
        ),
        (
            json!({
                "defaultRule": {"variation": "true"},
                "experimentation": {"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z"},
            }),
            json!({"enabled": false}),
            &["f.experimentation", "f"],
        ),
    ] {
        let mut flag = more.clone();
        flag["variations"] = variations.clone();
        let (flag, losses) = imported(Format::Goff, json!({"f": flag}));
        assert_eq!(flag, fields, "{more}");
        assert_eq!(losses, lost, "{more}");
    }
}

#[test]
fn definitions_of_flagd_are_taken_as_they_are_or_told() {
    let user = json!({"var": "targetingKey"});
    let takes_part =
        json!({"fractional": [{"cat": ["f:", user]}, ["in", 20_000], ["out", 80_000]]});
    let switch = json!({"on": true, "off": false});
    let names = json!({"a": "x", "b": "y"});
    for (variants, default, targeting, forced, lost) in [
        (
            &switch,
            "absent",
            Value::Null,
            Value::Null,
            &["flags.f.defaultVariant"][..],
        ),
        (
            &switch,
            "off",
            json!({"if": [{"or": [{"==": [user, "a"]}, {"!": [user]}]}, "on", "off"]}),
            json!(["a"]),
            &["flags.f.targeting.if[0]"],
        ),
        (
            &names,
            "a",
            json!({"if": [{"==": [takes_part, "out"]}, "a", {"==": [user, "bo"]}, "b", "b"]}),
            Value::Null,
            &["flags.f.targeting.if[2]"],
        ),
    ] {
        let flag = json!({"state": "ENABLED", "variants": variants, "defaultVariant": default, "targeting": targeting});
        let (flag, losses) = imported(Format::Flagd, json!({"flags": {"f": flag}}));
        let listed = flag.get("forced").or(flag.get("allowed_users"));
        assert_eq!(
            listed.cloned().unwrap_or_default(),
            forced,
            "{targeting}: {flag}"
        );
        assert_eq!(losses, lost, "{targeting}");
    }
}

#[test]
fn a_key_that_stands_twice_is_no_json() {
    let twice = r#"{"flags": {"f": {"state": "ENABLED"}, "f": {"state": "DISABLED"}}}"#;
    let error = Document::read(twice.as_bytes()).expect_err("which of them?");
    assert!(error.message.contains("twice"), "{error}");
}
