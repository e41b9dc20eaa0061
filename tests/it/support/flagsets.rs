//! Random flag sets, as text in the language of flag files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hoist::diagnostic::FileId;
use hoist::plan::{Target, Wanted};
use hoist::record::Spec;
use hoist::rules::{Context, Levels, Limits, Settings, check_file};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

/// Flags by key.
pub type FlagSet = BTreeMap<String, FlagText>;

#[derive(Clone, Debug, PartialEq)]
pub struct FlagText {
    pub enabled: bool,
    pub shape: Shape,
    pub users: Vec<u8>,
    pub salt: bool,
    pub owner: Option<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Percentage in thousandths.
    Boolean(Option<u32>),
    /// Percentages in thousandths, rising, and hours.
    Rollout(Vec<(u32, Option<u8>)>),
    /// Where the weights are cut, in thousandths.
    Experiment(Option<u32>, Vec<u32>),
}

/// Keys are few, so that flag sets have some in common.
pub fn flag_set() -> impl Strategy<Value = FlagSet> {
    btree_map((0..6u8).prop_map(|n| format!("f{n}")), flag(), 1..6)
}

fn flag() -> impl Strategy<Value = FlagText> {
    let enabled = prop::bool::weighted(0.75);
    let users = vec(0..5u8, 0..3);
    (
        enabled,
        shape(),
        users,
        prop::bool::weighted(0.1),
        option::of(0..3u8),
    )
        .prop_map(|(enabled, shape, users, salt, owner)| FlagText {
            enabled,
            shape,
            users,
            salt,
            owner,
        })
}

fn shape() -> impl Strategy<Value = Shape> {
    let share = 1..=100_000u32;
    let stages = btree_set(prop_oneof![share.clone(), Just(5_000), Just(25_000)], 1..5);
    let rollout = (stages, vec(option::of(1..48u8), 5))
        .prop_map(|(stages, hours)| Shape::Rollout(stages.into_iter().zip(hours).collect()));
    let experiment = (option::of(share.clone()), btree_set(1..100_000u32, 1..4))
        .prop_map(|(share, cuts)| Shape::Experiment(share, cuts.into_iter().collect()));
    prop_oneof![
        2 => option::of(share).prop_map(Shape::Boolean),
        3 => rollout,
        1 => experiment,
    ]
}

fn percent(thousandths: u32) -> String {
    (f64::from(thousandths) / 1000.0).to_string()
}

/// The text of a flag file.
pub fn yaml(flags: &FlagSet) -> String {
    let mut text = "flags:\n".to_owned();
    for (key, flag) in flags {
        let _ = writeln!(
            text,
            "  {key}:\n    description: A flag\n    enabled: {}",
            flag.enabled
        );
        if let Some(owner) = flag.owner {
            let _ = writeln!(text, "    owner: team-{owner}");
        }
        if flag.salt {
            let _ = writeln!(text, "    salt: together");
        }
        let users: Vec<_> = flag.users.iter().map(|user| format!("u{user}")).collect();
        match &flag.shape {
            Shape::Boolean(share) | Shape::Experiment(share, _) => {
                if let Some(share) = share {
                    let _ = writeln!(text, "    percentage: {}", percent(*share));
                }
            }
            Shape::Rollout(stages) => {
                text += "    rollout:\n";
                for (share, hours) in stages {
                    let hours = hours
                        .map(|hours| format!(", duration: {hours}h"))
                        .unwrap_or_default();
                    let _ = writeln!(text, "      - {{ percentage: {}{hours} }}", percent(*share));
                }
            }
        }
        if let Shape::Experiment(_, cuts) = &flag.shape {
            text += "    variants:\n";
            let ends = cuts.iter().copied().chain([100_000]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            for (number, (start, end)) in starts.zip(ends).enumerate() {
                let _ = writeln!(text, "      v{number}: {}", percent(end - start));
            }
            if !users.is_empty() {
                let _ = writeln!(text, "    forced: {{ v1: [{}] }}", users.join(", "));
            }
        } else if !users.is_empty() {
            let _ = writeln!(text, "    allowed_users: [{}]", users.join(", "));
        }
    }
    text
}

/// What the flag set wants of a store, the way the program reads it.
pub fn target(flags: &FlagSet) -> Target {
    let target = target_of(&yaml(flags));
    assert_eq!(target.flags.len(), flags.len(), "{flags:#?}");
    target
}

/// What the text of a flag file wants of a store.
pub fn target_of(text: &str) -> Target {
    let settings = Settings {
        context: Context {
            today: jiff::civil::date(2026, 11, 22),
            environments: vec!["production".to_owned()],
            limits: Limits {
                max_step: 100.0,
                ..Limits::default()
            },
        },
        levels: Levels::default(),
    };
    let checked = check_file(FileId(0), text.as_bytes(), &settings);
    let whole = checked.flags.iter().all(|flag| flag.complete);
    assert!(whole, "{text}\n{:#?}", checked.diagnostics);
    let wanted = |flag: &hoist::model::Flag| {
        Wanted::new(&*flag.key.value, Spec::of(flag, "production"), None)
    };
    Target {
        environment: "production".to_owned(),
        prune: true,
        flags: checked.flags.iter().map(wanted).collect(),
    }
}
