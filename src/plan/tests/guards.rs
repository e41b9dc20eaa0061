use jiff::tz::TimeZone;

use super::super::guard::{self, Consent, Freeze, Pattern, Policy, Refusal};
use super::*;

/// What the guards say that every environment has.
pub(super) fn refusals(plan: &Plan, consent: Consent) -> Vec<Refusal> {
    guard::refusals(plan, consent, &Policy::default(), NOW)
}

/// What stands in the way of `plan` at `now` under `policy`, without consent and with `consent`.
fn guarded(plan: &Plan, policy: &Policy, now: f64, consent: Consent) -> Vec<Refusal> {
    assert_eq!(guard::refusals(plan, consent, policy, now), []);
    guard::refusals(plan, Consent::default(), policy, now)
}

#[test]
fn protected_flags_need_consent_whatever_happens_to_them() {
    let policy = Policy {
        protected: vec![Pattern::new("other").unwrap(), Pattern::new("f*").unwrap()],
        ..Policy::default()
    };
    let consent = Consent {
        protected: true,
        ..Consent::default()
    };
    let (a, b) = (on(10), on(20));
    for (want, applied, live) in [
        (Some(&a), None, None),
        (Some(&a), None, Some(&a)),
        (Some(&a), Some(&b), Some(&b)),
        (Some(&a), Some(&a), Some(&b)),
    ] {
        let plan = plan(want, applied, live);
        let refused = guarded(&plan, &policy, NOW, consent);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].message, "the plan changes a protected flag: `f`");
        assert_eq!(
            refused[0].hint,
            "`protected` of environment `production` has \"f*\": pass `--allow-protected` if this is meant"
        );
    }
    let unchanged = plan(Some(&a), Some(&a), Some(&a));
    assert_eq!(guarded(&unchanged, &policy, NOW, consent), []);
    let others = Policy {
        protected: vec![Pattern::new("g").unwrap()],
        ..Policy::default()
    };
    let changed = plan(Some(&a), Some(&b), Some(&b));
    assert_eq!(guarded(&changed, &others, NOW, consent), []);
}

#[test]
fn a_change_for_too_many_users_needs_consent() {
    let policy = Policy {
        max_moved: Some(Percent(50_000)),
        ..Policy::default()
    };
    let consent = Consent {
        moved: true,
        ..Consent::default()
    };
    // (before, after) -> share that is refused
    let experiment = |a: u32| json!({"type": "experiment", "enabled": true, "percentage": 100, "variants": {"a": a, "b": 100 - a}, "control": "a"});
    for (before, after, refused) in [
        (on(10), on(60), None),
        (on(10), on(61), Some("51")),
        (on(100), on(40), Some("60")),
        (on(100), off(), Some("100")),
        (rollout(&[20, 100]), rollout(&[80, 100]), Some("60")),
        (experiment(90), experiment(30), Some("60")),
    ] {
        let live = Record::of_spec(&spec(&before)).to_bytes();
        let live: Value = serde_json::from_slice(&live).unwrap();
        let plan = plan(Some(&after), Some(&before), Some(&live));
        let refusals = guarded(&plan, &policy, NOW, consent);
        let said = refusals.first().map(|refusal| refusal.message.clone());
        let expected = refused.map(|share| {
            format!("the plan changes a flag for more users at once than the 50 % that environment `production` allows: `f` for {share} %")
        });
        assert_eq!(said, expected, "{before} {after}");
    }
    let created = plan(Some(&on(100)), None, None);
    assert_eq!(guarded(&created, &policy, NOW, consent).len(), 1);
    let gone = plan(None, Some(&on(100)), Some(&on(100)));
    assert_eq!(guard::refusals(&gone, consent, &policy, NOW).len(), 1);
    // Weights of 110 %: nobody can tell who has what now.
    let mut unsound = experiment(90);
    unsound["variants"]["b"] = 20.into();
    let untold = plan(Some(&experiment(30)), Some(&experiment(90)), Some(&unsound));
    let refused = guarded(&untold, &policy, NOW, consent);
    assert!(
        refused[0].message.contains("nobody can tell") && refused[0].message.ends_with("`f`"),
        "{refused:?}"
    );
}

#[test]
fn nothing_is_applied_while_an_environment_is_frozen() {
    let zone = |name: &str| TimeZone::get(name).ok();
    let freeze = |text| Freeze::parse(text, zone).unwrap();
    let policy = Policy {
        freeze: vec![
            freeze("Fri 16:00/Sat 08:00 UTC"),
            freeze("Fri 12:00/Mon 08:00 Europe/Berlin"),
        ],
        ..Policy::default()
    };
    let consent = Consent {
        frozen: true,
        ..Consent::default()
    };
    // A Friday, 18:00 UTC.
    let friday = 1_795_802_400.0;
    let changed = plan(Some(&on(10)), Some(&on(20)), Some(&on(20)));
    let refused = guarded(&changed, &policy, friday, consent);
    assert_eq!(
        refused[0].message,
        "changes are frozen until Mon 2026-11-30 08:00 CET, 2d 13h from now: \"Fri 12:00/Mon 08:00 Europe/Berlin\""
    );
    let wednesday = friday - 2.0 * 86_400.0;
    assert_eq!(guarded(&changed, &policy, wednesday, consent), []);
    let unchanged = plan(Some(&on(10)), Some(&on(10)), Some(&on(10)));
    assert_eq!(guarded(&unchanged, &policy, friday, consent), []);
}

#[test]
fn keys_of_the_store_are_written_out_in_refusals() {
    let mut hostile = store_of(9);
    hostile.specs = (0..9)
        .map(|index| (format!("f{index}\u{1b}[2J"), spec(&on(1)).digest()))
        .collect();
    let bytes = on(1).to_string().into_bytes();
    hostile.records = hostile
        .specs
        .keys()
        .map(|flag| (flag.clone(), Stored::Value(bytes.clone().into())))
        .collect();
    let plan = Plan::new(&target(vec![wanted("f", &on(1))]), "memory", "ff", hostile);
    let refusals = refusals(&plan, Consent::default());
    let many = refusals.first().expect("a refusal");
    assert!(many.message.contains("`f0\\u{1b}[2J`"), "{many:?}");
    assert!(!many.message.contains('\u{1b}'), "{many:?}");
}

fn store_of(flags: usize) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for index in 0..flags {
        snapshot
            .specs
            .insert(format!("f{index}"), spec(&on(1)).digest());
        let bytes = on(1).to_string().into_bytes();
        snapshot
            .records
            .insert(format!("f{index}"), Stored::Value(bytes.into()));
    }
    snapshot
}

#[test]
fn guards_stop_large_deletions_and_an_empty_flag_set() {
    // (managed, left in git, consent) -> refused
    let cases = [
        (10, 7, 0, false), // 3 deletions are free
        (10, 6, 0, true),  // 4 are 40 %
        (10, 6, 3, true),
        (10, 6, 4, false),
        (100, 80, 0, false), // exactly 20 %
        (100, 79, 0, true),
        (3, 0, 99, true), // empty flag set: never
    ];
    for (managed, left, deletes, refused) in cases {
        let flags = (0..left)
            .map(|index| wanted(&format!("f{index}"), &on(1)))
            .collect();
        let plan = Plan::new(&target(flags), "memory", "ff", store_of(managed));
        let refusals = refusals(
            &plan,
            Consent {
                deletes,
                ..Consent::default()
            },
        );
        assert_eq!(
            !refusals.is_empty(),
            refused,
            "{managed} {left} {deletes}: {refusals:?}"
        );
    }
    let nothing = Plan::new(&target(vec![]), "memory", "ff", Snapshot::default());
    assert_eq!(refusals(&nothing, Consent::default()), []);
}
