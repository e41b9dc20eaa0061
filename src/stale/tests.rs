use jiff::civil::date;

use super::*;
use crate::diagnostic::FileId;
use crate::record::Record;
use crate::rules::{self, Context, Levels, Settings};

/// 22 November 2026, noon.
const NOW: f64 = 1_795_348_800.0;

fn limits() -> Limits {
    Limits {
        days: 30,
        today: date(2026, 11, 22),
        now: NOW,
    }
}

fn ago(days: f64) -> f64 {
    NOW - days * DAY
}

fn known() -> Known {
    Known {
        flag: "a".into(),
        ..Known::default()
    }
}

fn everyone_since(at: f64) -> Exposure {
    Exposure::Everyone {
        variant: None,
        since: Some(Since {
            at,
            at_least: false,
            by: By::Record("stage_started"),
        }),
    }
}

#[track_caller]
fn check(known: Known, expected: &[&str]) {
    let due = judge(known, &limits());
    let reasons = due.map_or(Vec::new(), |due| due.reasons);
    let said = reasons.iter().map(|reason| match reason.days() {
        Some(days) => format!("{} {days}", reason.as_str()),
        None => reason.as_str().to_owned(),
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn nothing_known_is_no_reason() {
    check(known(), &[]);
}

#[test]
fn a_flag_that_everyone_has_is_due_after_its_days() {
    let on = |exposure| Known {
        exposure,
        ..known()
    };
    check(on(everyone_since(ago(29.9))), &[]);
    check(on(everyone_since(ago(30.0))), &[]);
    check(on(everyone_since(ago(30.1))), &["on-for-everyone 30"]);
    check(on(Exposure::everyone(None)), &[]);
    let permanent = Known {
        expires: Some(Expiry::Never),
        ..on(everyone_since(ago(400.0)))
    };
    check(permanent, &[]);
}

#[test]
fn dates_count_from_the_day_after() {
    let until = |day, is_experiment| Known {
        expires: Some(Expiry::On(date(2026, 11, day))),
        is_experiment,
        ..known()
    };
    check(until(22, false), &[]);
    check(until(21, false), &["expired 1"]);
    check(until(1, true), &["experiment-over 21"]);
}

#[test]
fn a_stop_is_forgotten_after_its_days() {
    let stopped = |since| Known {
        stop: Some(Stop {
            since,
            ..Stop::default()
        }),
        ..known()
    };
    check(stopped(None), &[]);
    check(stopped(Some(ago(2.0))), &[]);
    check(stopped(Some(ago(31.5))), &["rolled-back 31"]);
}

#[test]
fn code_may_come_later_than_its_flag() {
    let unused = |created, written| Known {
        uses: Some(0),
        created,
        written,
        ..known()
    };
    check(unused(None, None), &["unreferenced"]);
    check(unused(Some(date(2026, 11, 1)), None), &[]);
    check(unused(Some(date(2026, 10, 1)), None), &["unreferenced"]);
    check(unused(None, Some(ago(3.0))), &[]);
    check(unused(None, Some(ago(40.0))), &["unreferenced"]);
    check(
        Known {
            uses: Some(1),
            ..known()
        },
        &[],
    );
}

#[test]
fn what_can_go_at_once_comes_first() {
    let due = |flag: &str, uses, expired: &[i8]| Due {
        known: Known {
            flag: flag.into(),
            uses,
            ..Known::default()
        },
        reasons: expired
            .iter()
            .map(|days| Reason::Expired {
                on: date(2026, 1, 1),
                days: i64::from(*days),
            })
            .collect(),
        age: None,
    };
    let mut all = [
        due("once", Some(1), &[5]),
        due("long", Some(3), &[9]),
        due("twice", Some(8), &[1, 1]),
        due("unused", Some(0), &[1]),
        due("less", Some(2), &[5]),
        due("again", Some(2), &[5]),
    ];
    order(&mut all);
    let keys = all.iter().map(|due| due.known.flag.as_str());
    assert_eq!(
        keys.collect::<Vec<_>>(),
        ["unused", "twice", "long", "once", "again", "less"]
    );
}

#[test]
fn records_tell_who_has_a_flag() {
    let of = |json: &str| {
        let record = Record::parse(json.as_bytes()).unwrap();
        let live = Live {
            record: &record,
            stop: None,
        };
        of_record("a", live)
    };
    let exposure = |json: &str| match of(json).exposure {
        Exposure::Partial => "some".to_owned(),
        Exposure::Everyone { variant, since } => {
            let since = since.map_or("no time".into(), |since| {
                format!("{} {:?}", since.at, since.by)
            });
            format!("all {} {since}", variant.unwrap_or_default())
        }
    };
    for (json, expected) in [
        (r#"{"enabled":true}"#, "all  no time"),
        (r#"{"enabled":true,"percentage":99}"#, "some"),
        (r#"{"enabled":false,"percentage":100}"#, "some"),
        (
            r#"{"enabled":true,"percentage":100,"rollout_started":3,"stage_started":7}"#,
            "all  7 Record(\"stage_started\")",
        ),
        (
            r#"{"enabled":true,"percentage":100,"rollout_started":3}"#,
            "all  3 Record(\"rollout_started\")",
        ),
        (r#"{"enabled":true,"variants":{"a":50,"b":50}}"#, "some"),
        (
            r#"{"enabled":true,"variants":{"a":0,"b":100}}"#,
            "all b no time",
        ),
        (
            r#"{"enabled":true,"variants":{"a":100},"forced":{"a":["x"]}}"#,
            "some",
        ),
    ] {
        assert_eq!(exposure(json), expected, "{json}");
    }
    let known = of(
        r#"{"enabled":false,"rolled_back_at":5,"meta":{"owner":"web","created":"2026-01-02","expires":"never"}}"#,
    );
    assert_eq!(known.owner.as_deref(), Some("web"));
    assert_eq!(known.created, Some(date(2026, 1, 2)));
    assert_eq!(known.expires, Some(Expiry::Never));
    assert_eq!(known.stop.unwrap().since, Some(5.0));
}

#[test]
fn files_tell_who_has_a_flag_everywhere() {
    let settings = Settings {
        context: Context::new(date(2026, 11, 22)),
        levels: Levels::default(),
    };
    let yaml = "flags:
  all: { enabled: true }
  some: { enabled: true, percentage: 99.9 }
  here: { enabled: true, environments: { b: { percentage: 5 } } }
  one: { enabled: true, variants: { x: 100, y: 0 } }
  off: { percentage: 100 }
";
    let checked = rules::check_file(FileId(0), yaml.as_bytes(), &settings);
    let exposed = |environments: &[&str]| {
        let environments: Vec<String> =
            environments.iter().map(|name| (*name).to_owned()).collect();
        let flags = checked.flags.iter();
        let all = flags.filter(|flag| of_flag(flag, &environments).exposure != Exposure::Partial);
        all.map(|flag| flag.key.value.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(exposed(&[]), ["all", "here", "one"]);
    assert_eq!(exposed(&["a"]), ["all", "here", "one"]);
    assert_eq!(exposed(&["a", "b"]), ["all", "one"]);
}

#[test]
fn the_history_tells_since_when() {
    let on = Some(r#"{"enabled":true}"#);
    let off = Some(r#"{"enabled":true,"percentage":10}"#);
    let since = |commits: &[Option<(Option<&str>, Option<&str>)>]| {
        // The newest has generation 9.
        let numbered = commits.iter().zip((0..=9_u64).rev());
        let numbered =
            numbered.map(|(change, generation)| (generation as f64, generation, *change));
        since_in_history(numbered).map(|since| (since.at, since.at_least))
    };
    assert_eq!(since(&[]), None);
    assert_eq!(since(&[None, None]), Some((8.0, true)));
    assert_eq!(since(&[None, Some((off, on)), None]), Some((8.0, false)));
    assert_eq!(since(&[Some((None, on))]), Some((9.0, false)));
    assert_eq!(
        since(&[Some((on, on)), Some((off, on))]),
        Some((8.0, false))
    );
    // What is live came from somewhere else.
    assert_eq!(since(&[Some((on, off))]), None);
}
