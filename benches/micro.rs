//! Each room of the program by itself, on sets made from a seed: what is it that became slower?
//!
//! `cargo bench --bench micro`; `cargo bench --bench micro -- eval` for those with this name.

#![allow(
    clippy::expect_used,
    reason = "a benchmark stops where something fails"
)]

#[allow(
    dead_code,
    clippy::print_stdout,
    reason = "other benchmarks use the rest, which prints"
)]
mod support;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use hoist::client::{Client, Context};
use hoist::diagnostic::{FileId, Files};
use hoist::eval::Evaluator;
use hoist::impact;
use hoist::model::Percent;
use hoist::plan::{Plan, Snapshot, Stored, Target, Wanted};
use hoist::record::{Record, Spec};
use hoist::rules::{self, Checked, Context as Around, Levels, Limits, Settings};
use hoist::{schema, yaml};
use serde_json::{Value, json};
use support::generate;

const FLAGS: usize = 1_000;
const PER_FILE: usize = 100;
const USERS: usize = 1_000;

fn main() {
    divan::main();
}

fn texts() -> Vec<String> {
    generate::texts(FLAGS, PER_FILE, 7).collect()
}

fn bytes(texts: &[String]) -> BytesCount {
    BytesCount::new(texts.iter().map(String::len).sum::<usize>())
}

fn settings() -> Settings {
    Settings {
        context: Around {
            today: jiff::civil::date(2026, 11, 22),
            environments: vec!["development".into(), "staging".into(), "production".into()],
            limits: Limits::default(),
        },
        levels: Levels::default(),
    }
}

fn checked(texts: &[String], settings: &Settings) -> Vec<Checked> {
    let files = (0..).map(FileId).zip(texts);
    files
        .map(|(file, text)| rules::check_file(file, text.as_bytes(), settings))
        .collect()
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let texts = texts();
    bencher.counter(bytes(&texts)).bench_local(|| {
        for text in &texts {
            divan::black_box(yaml::parse(FileId(0), text));
        }
    });
}

#[divan::bench]
fn validate(bencher: Bencher<'_, '_>) {
    let texts = texts();
    let trees: Vec<_> = texts
        .iter()
        .map(|text| yaml::parse(FileId(0), text).0)
        .collect();
    bencher.counter(bytes(&texts)).bench_local(|| {
        for tree in &trees {
            for document in tree.documents() {
                divan::black_box(schema::validate(FileId(0), tree, *document));
            }
        }
    });
}

/// Reading and the rules that look at one flag at a time.
#[divan::bench]
fn rules_by_file(bencher: Bencher<'_, '_>) {
    let (texts, settings) = (texts(), settings());
    bencher
        .counter(bytes(&texts))
        .bench_local(|| checked(&texts, &settings));
}

#[divan::bench]
fn rules_across_files(bencher: Bencher<'_, '_>) {
    let (texts, settings) = (texts(), settings());
    let checked = checked(&texts, &settings);
    let mut files = Files::default();
    for number in 0..texts.len() {
        files.add(format!("flags_{number}.yaml"), None);
    }
    bencher
        .counter(ItemsCount::new(FLAGS))
        .bench_local(|| rules::check_set(&checked, &files, &settings));
}

fn target() -> Target {
    let checked = checked(&texts(), &settings());
    let mut flags: Vec<Wanted> = checked
        .iter()
        .flat_map(|file| &file.flags)
        .map(|flag| Wanted::new(&*flag.key.value, Spec::of(flag, "production"), None))
        .collect();
    flags.sort_by(|a, b| a.flag.cmp(&b.flag));
    Target {
        environment: "production".into(),
        prune: true,
        flags,
    }
}

/// What an apply of `target` leaves behind.
fn applied(target: &Target) -> Snapshot {
    let flags = target.flags.iter();
    let records = flags.clone().map(|flag| {
        let bytes = Record::of_spec(flag.spec()).to_bytes();
        (flag.flag.clone(), Stored::Value(bytes))
    });
    Snapshot {
        lineage: Some("bench".into()),
        generation: 1,
        now: 1_795_000_000.0,
        records: records.collect(),
        specs: flags
            .map(|flag| (flag.flag.clone(), flag.digest().to_owned()))
            .collect(),
        ..Snapshot::default()
    }
}

/// Against an empty store, and against one where nothing is to change.
#[divan::bench(args = [false, true])]
fn plan(bencher: Bencher<'_, '_>, is_applied: bool) {
    let target = target();
    let snapshot = match is_applied {
        true => applied(&target),
        false => Snapshot::default(),
    };
    let plan = Plan::new(&target, "redis", "ff", snapshot.clone());
    assert_eq!(plan.is_empty(), is_applied);
    bencher
        .counter(ItemsCount::new(FLAGS))
        .with_inputs(|| snapshot.clone())
        .bench_local_values(|snapshot| Plan::new(&target, "redis", "ff", snapshot));
}

fn record(json: &Value) -> Record {
    Record::parse(json.to_string().as_bytes()).expect("a record")
}

/// Other weights, other variants and another share: two records that share no range.
#[divan::bench(args = [3, 100])]
fn impact_of_an_experiment(bencher: Bencher<'_, '_>, variants: u32) {
    let side = |turn: u32, percentage: f64| {
        let weight = |index: u32| f64::from(1 + (index + turn) % 2);
        let sum: f64 = (0..variants).map(weight).sum();
        let mut left = 100_000.0;
        let weights: serde_json::Map<String, Value> = (0..variants)
            .map(|index| {
                let share = match index + 1 == variants {
                    true => left,
                    false => (100_000.0 * weight(index) / sum).floor(),
                };
                left -= share;
                (format!("variant_{index}"), json!(share / 1000.0))
            })
            .collect();
        record(
            &json!({"type": "experiment", "enabled": true, "control": "variant_0",
            "percentage": percentage, "variants": weights}),
        )
    };
    let (before, after) = (side(0, 50.0), side(1, 75.0));
    let change = || impact::between("pricing_page", Some(&before), Some(&after));
    change().expect("two sound records");
    bencher.bench_local(change);
}

/// A quarter of the users, three variants, and lists of ten and of a thousand users.
#[derive(Clone, Copy, Debug)]
enum Work {
    Rollout,
    Experiment,
    List(usize),
}

const WORK: [Work; 4] = [
    Work::Rollout,
    Work::Experiment,
    Work::List(10),
    Work::List(1_000),
];

impl Work {
    fn record(self) -> Record {
        record(&match self {
            Self::Rollout => json!({"type": "boolean", "enabled": true, "percentage": 25}),
            Self::Experiment => json!({"type": "experiment", "enabled": true, "control": "control",
                "variants": {"control": 34, "higher": 33, "lower": 33}}),
            Self::List(length) => {
                let users: Vec<String> = (0..length)
                    .map(|user| format!("user-{}", 2 * user))
                    .collect();
                json!({"type": "boolean", "enabled": true, "percentage": 0, "allowed_users": users})
            }
        })
    }

    /// Half of them in the list, however long it is.
    fn users(self) -> Vec<String> {
        let different = match self {
            Self::List(length) => 2 * length,
            _ => USERS,
        };
        let numbers = (0..USERS).map(|number| number % different);
        numbers.map(|number| format!("user-{number}")).collect()
    }
}

#[divan::bench(args = WORK)]
fn evaluate(bencher: Bencher<'_, '_>, work: Work) {
    let evaluator = Evaluator::new("new_search", &work.record()).expect("a sound record");
    let users = work.users();
    bencher.counter(ItemsCount::new(USERS)).bench_local(|| {
        for user in &users {
            divan::black_box(evaluator.evaluate(Some(divan::black_box(user)), &[]));
        }
    });
}

/// The same through a client, which looks the flag up.
#[divan::bench(args = WORK)]
fn evaluate_by_client(bencher: Bencher<'_, '_>, work: Work) {
    let (client, feed) = Client::builder("").fed();
    feed.set([("new_search".to_owned(), Ok(work.record()))]);
    let contexts: Vec<Context> = work.users().into_iter().map(Context::user).collect();
    bencher.counter(ItemsCount::new(USERS)).bench_local(|| {
        for context in &contexts {
            divan::black_box(client.is_enabled("new_search", divan::black_box(context)));
        }
    });
}

/// Compiling a record, which happens once for each change of a flag.
#[divan::bench]
fn compile(bencher: Bencher<'_, '_>) {
    let record = Work::List(1_000).record();
    bencher.bench_local(|| {
        let evaluator = Evaluator::new("new_search", &record);
        evaluator.map(|evaluator| evaluator.at(Percent::HUNDRED))
    });
}
