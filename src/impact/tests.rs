use serde_json::json;

use super::*;

mod brute_force;

fn record(json: &Value) -> Record {
    Record::parse(json.to_string().as_bytes()).unwrap()
}

/// `gained / lost / moved / avoidable` in percent, and the best order.
fn impact(before: &Value, after: &Value) -> String {
    let side = |json: &Value| (!json.is_null()).then(|| record(json));
    let impact = between("flag", side(before).as_ref(), side(after).as_ref()).unwrap();
    let order = impact.order.map(|order| format!(" as {}", order.join(",")));
    format!(
        "{} / {} / {} / {}{}{}",
        impact.gained,
        impact.lost,
        impact.moved,
        impact.avoidable,
        order.unwrap_or_default(),
        if impact.redrawn { " redrawn" } else { "" }
    )
}

fn on(percentage: f64) -> Value {
    json!({"enabled": true, "percentage": percentage})
}

fn with(mut record: Value, changes: &Value) -> Value {
    record
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    record
}

#[test]
fn switches_and_rollouts() {
    let off = json!({"enabled": false, "percentage": 40});
    let stages = json!([{"percentage": 1}, {"percentage": 50}]);
    let rollout =
        json!({"enabled": true, "percentage": 50, "current_stage": 1, "rollout_stages": stages});
    let stopped = with(
        rollout.clone(),
        &json!({"enabled": false, "rolled_back_at": 1}),
    );
    let cases = [
        (on(10.0), on(25.0), "15 / 0 / 0 / 0"),
        (on(25.0), on(10.0), "0 / 15 / 0 / 0"),
        (on(25.0), on(25.001), "0.001 / 0 / 0 / 0"),
        (on(25.0), on(25.0), "0 / 0 / 0 / 0"),
        (off.clone(), on(40.0), "40 / 0 / 0 / 0"),
        (on(40.0), off.clone(), "0 / 40 / 0 / 0"),
        (off.clone(), off, "0 / 0 / 0 / 0"),
        (Value::Null, on(40.0), "40 / 0 / 0 / 0"),
        (on(40.0), Value::Null, "0 / 40 / 0 / 0"),
        (on(40.0), rollout.clone(), "10 / 0 / 0 / 0"),
        (rollout.clone(), stopped.clone(), "0 / 50 / 0 / 0"),
        (
            stopped.clone(),
            with(stopped, &json!({"rollout_stages": [{"percentage": 70}]})),
            "0 / 0 / 0 / 0",
        ),
        (Value::Null, Value::Null, "0 / 0 / 0 / 0"),
    ];
    for (before, after, expected) in cases {
        assert_eq!(impact(&before, &after), expected, "{before} to {after}");
    }
}

#[test]
fn another_salt_draws_everybody_anew() {
    let salted = |percentage: f64| with(on(percentage), &json!({"salt": "other"}));
    assert_eq!(impact(&on(50.0), &salted(50.0)), "25 / 25 / 0 / 0 redrawn");
    assert_eq!(impact(&on(10.0), &salted(20.0)), "18 / 8 / 0 / 0 redrawn");
    // Nothing is drawn where everyone has it.
    assert_eq!(impact(&on(100.0), &salted(100.0)), "0 / 0 / 0 / 0");
    assert_eq!(impact(&on(100.0), &salted(20.0)), "0 / 80 / 0 / 0");
    // The flag's key is the salt where there is none.
    let named = with(on(50.0), &json!({"salt": "flag"}));
    assert_eq!(impact(&on(50.0), &named), "0 / 0 / 0 / 0");
    let thirds = json!({"enabled": true, "variants": {"a": 50, "b": 50}});
    let redrawn = with(thirds.clone(), &json!({"salt": "other"}));
    assert_eq!(impact(&thirds, &redrawn), "0 / 0 / 50 / 0 redrawn");
}

#[test]
fn experiments() {
    let experiment = |percentage: f64, variants: Value| json!({"enabled": true, "percentage": percentage, "variants": variants});
    let halves = || json!({"control": 50, "new": 50});
    let valued = |control: Value, new: Value| {
        with(
            experiment(40.0, halves()),
            &json!({"values": {"control": control, "new": new}}),
        )
    };
    let off = with(experiment(40.0, halves()), &json!({"enabled": false}));
    let cases = [
        // Taking part is what is gained and lost.
        (off.clone(), experiment(40.0, halves()), "40 / 0 / 0 / 0"),
        (experiment(40.0, halves()), off.clone(), "0 / 40 / 0 / 0"),
        (Value::Null, experiment(40.0, halves()), "40 / 0 / 0 / 0"),
        (experiment(40.0, halves()), Value::Null, "0 / 40 / 0 / 0"),
        (
            experiment(10.0, halves()),
            experiment(40.0, halves()),
            "30 / 0 / 0 / 0",
        ),
        // Weights move participants only.
        (
            experiment(40.0, halves()),
            experiment(40.0, json!({"control": 60, "new": 40})),
            "0 / 0 / 4 / 0",
        ),
        (
            experiment(100.0, halves()),
            experiment(50.0, json!({"control": 60, "new": 40})),
            "0 / 50 / 5 / 0",
        ),
        // A change of order alone is avoidable whole.
        (
            experiment(100.0, halves()),
            experiment(100.0, json!({"new": 50, "control": 50})),
            "0 / 0 / 100 / 100 as control,new",
        ),
        // A new arm in the middle.
        (
            experiment(100.0, halves()),
            experiment(100.0, json!({"control": 40, "third": 20, "new": 40})),
            "0 / 0 / 20 / 0",
        ),
        (
            experiment(100.0, halves()),
            experiment(100.0, json!({"third": 20, "control": 40, "new": 40})),
            "0 / 0 / 30 / 10 as control,third,new",
        ),
        // Values: of the arms, and of the control for those outside.
        (
            valued(json!(1), json!(2)),
            valued(json!(1), json!(3)),
            "0 / 0 / 20 / 0",
        ),
        (
            valued(json!(1), json!(2)),
            valued(json!(0), json!(2)),
            "0 / 0 / 80 / 0",
        ),
        (
            valued(json!(1), json!(2)),
            valued(json!(2), json!(1)),
            "0 / 0 / 100 / 0",
        ),
        (
            off.clone(),
            with(off, &json!({"control": "new"})),
            "0 / 0 / 100 / 0",
        ),
        // From a switch: those with true get a name, those with false the control's.
        (on(10.0), experiment(40.0, halves()), "30 / 0 / 70 / 0"),
        (
            on(10.0),
            with(
                experiment(10.0, halves()),
                &json!({"values": {"control": false, "new": true}}),
            ),
            "0 / 0 / 5 / 0",
        ),
    ];
    for (before, after, expected) in cases {
        assert_eq!(impact(&before, &after), expected, "{before} to {after}");
    }
}

#[test]
fn shares_as_people_and_programs_read_them() {
    let cases = [
        (0, "0", "0"),
        (1, "less than 0.001", "1e-8"),
        (99_999, "less than 0.001", "0.00099999"),
        (100_000, "0.001", "0.001"),
        (416_662_500, "4.167", "4.166625"),
        (1_500_000_000, "15", "15"),
        (10_000_000_000, "100", "100"),
    ];
    for (parts, text, json) in cases {
        assert_eq!(Share(parts).to_string(), text);
        assert_eq!(Share(parts).to_json().to_string(), json);
    }
}

#[test]
fn an_impact_in_words() {
    let words = |before: Value, after: Value| {
        let (before, after) = (record(&before), record(&after));
        let impact = between("flag", Some(&before), Some(&after)).unwrap();
        impact.to_string()
    };
    let experiment = |variants: Value, values: Value| json!({"enabled": true, "variants": variants, "values": values, "control": "a"});
    let halves = || json!({"a": 50, "b": 50});
    let salted = with(on(50.0), &json!({"salt": "x"}));
    let off = json!({"enabled": false, "variants": {"a": 50, "b": 50}});
    let cases = [
        (words(on(10.0), on(10.0)), ""),
        (words(on(10.0), on(25.0)), "15 % of users gain it"),
        (
            words(on(50.0), salted),
            "25 % of users gain it, 25 % lose it, since another salt draws everybody anew",
        ),
        (
            words(
                on(10.0),
                with(experiment(halves(), json!({})), &json!({"percentage": 40})),
            ),
            "30 % of users gain it, 70 % get another value",
        ),
        (
            words(
                experiment(halves(), json!({})),
                experiment(json!({"c": 20, "a": 40, "b": 40}), json!({})),
            ),
            "30 % of users get another variant, 10 % avoidably: order the variants a, c, b",
        ),
        (
            words(
                experiment(halves(), json!({})),
                experiment(halves(), json!({"b": 1})),
            ),
            "50 % of users get another value",
        ),
        (
            words(off.clone(), with(off, &json!({"control": "b"}))),
            "100 % of users get another variant",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_cannot_be_evaluated_has_no_impact() {
    let broken = record(&json!({"enabled": "yes"}));
    let fine = record(&on(10.0));
    let error = between("flag", Some(&broken), Some(&fine)).unwrap_err();
    assert_eq!(error.to_string(), "`enabled` is \"yes\", not true or false");
    assert!(notes("flag", Some(&broken), Some(&fine)).is_empty());
}

#[test]
fn what_lists_do() {
    // mia falls below 50 %, ana does not.
    let notes = |before: &Value, after: &Value| {
        let side = |json: &Value| (!json.is_null()).then(|| record(json));
        notes("flag", side(before).as_ref(), side(after).as_ref()).join("; ")
    };
    let half = |lists: Value| with(on(50.0), &lists);
    let everyone = |lists: Value| with(on(100.0), &lists);
    let off = |lists: Value| with(half(lists), &json!({"enabled": false}));
    let both = || json!({"allowed_users": ["ana", "mia"]});
    let staff = || json!({"allowed_groups": ["staff"]});
    let many = json!({"allowed_users": ["ana", "bo", "cy", "dan", "eve", "fay", "mia"]});
    let forced = |variant: &str, share: u32| json!({"enabled": true, "percentage": share, "variants": {"a": 50, "b": 50}, "forced": {variant: ["qa"]}});
    let cases = [
        (
            half(json!({})),
            half(both()),
            "of the users that lists name, 1 gains it (ana)",
        ),
        (
            half(both()),
            half(json!({})),
            "of the users that lists name, 1 loses it (ana)",
        ),
        (half(both()), half(both()), ""),
        (
            half(both()),
            off(both()),
            "of the users that lists name, 2 lose it (ana, mia)",
        ),
        (off(json!({})), off(both()), ""),
        (
            half(json!({})),
            half(many),
            "of the users that lists name, 6 gain it (ana, bo, cy, dan, eve and 1 more)",
        ),
        (
            half(json!({})),
            half(staff()),
            "members of group staff gain it whatever their bucket",
        ),
        (
            half(staff()),
            half(json!({})),
            "members of group staff keep it by their bucket alone",
        ),
        (
            half(staff()),
            off(staff()),
            "members of group staff lose it",
        ),
        (half(staff()), Value::Null, "members of group staff lose it"),
        (half(staff()), everyone(json!({})), ""),
        (everyone(json!({})), half(staff()), ""),
        (off(json!({})), off(staff()), ""),
        (
            forced("a", 0),
            forced("b", 0),
            "of the users that lists name, 1 gets something else (qa)",
        ),
    ];
    for (before, after, expected) in cases {
        assert_eq!(notes(&before, &after), expected, "{before} to {after}");
    }
}

/// More variants than can be tried in every order.
#[test]
fn many_variants_get_a_good_order() {
    let names: Vec<String> = (0..20).map(|arm| format!("arm{arm:02}")).collect();
    let even = |names: &mut dyn Iterator<Item = &String>| {
        let variants: serde_json::Map<_, _> = names.map(|name| (name.clone(), 5.into())).collect();
        json!({"enabled": true, "variants": variants, "control": "arm00"})
    };
    let before = even(&mut names.iter());
    let after = even(&mut names.iter().rev());
    let expected = format!("0 / 0 / 100 / 100 as {}", names.join(","));
    assert_eq!(impact(&before, &after), expected);
}
