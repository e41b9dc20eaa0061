//! What holds for every flag set over every state of a store: one apply makes them agree, a second
//! one writes nothing, and neither loses what is not git's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use hoist::plan::guard::{Consent, Policy, refusals};
use hoist::plan::{About, BUCKETS, Commit, Plan, Snapshot, Stored, Target};
use hoist::store::{HistoryEntry, Options, Outcome, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::backend::{Backend, InMemory, InRedis, InSqlite};
use crate::support::flagsets::{FlagSet, flag_set, target};

/// What happens to a store, one after another.
#[derive(Clone, Debug)]
enum Step {
    Sync(FlagSet),
    /// Another client does this to a flag.
    Foreign(String, Foreign),
}

#[derive(Clone, Debug)]
enum Foreign {
    Delete,
    Garbage,
    Edit,
    Switch,
    Advance(u8),
    RollBack,
    Pause,
    OwnField,
    /// The same, written by a client in another language.
    Rewrite,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let foreign = prop_oneof![
        1 => Just(Foreign::Delete),
        1 => Just(Foreign::Garbage),
        1 => Just(Foreign::Edit),
        1 => Just(Foreign::Switch),
        2 => (1..4u8).prop_map(Foreign::Advance),
        3 => Just(Foreign::RollBack),
        1 => Just(Foreign::Pause),
        1 => Just(Foreign::OwnField),
        1 => Just(Foreign::Rewrite),
    ];
    let key = (0..6u8).prop_map(|n| format!("f{n}"));
    let step = prop_oneof![
        2 => flag_set().prop_map(Step::Sync),
        3 => (key, foreign).prop_map(|(key, foreign)| Step::Foreign(key, foreign)),
    ];
    proptest::collection::vec(step, 2..12)
}

/// One environment in a store, and what must come true of it.
struct World<'b, B> {
    backend: &'b B,
    prefix: String,
    store: Box<dyn Store>,
    /// Flags that were stopped.
    stopped: HashMap<String, Stopped>,
}

/// What is to come of a stop.
#[derive(Clone, Copy, Debug, Default)]
struct Stopped {
    /// Git has switched the flag off since: it decides again.
    switched_off: bool,
    /// hoist knows of it: it outlives its record.
    noted: bool,
}

const NEIGHBOUR: &[u8] = b"{ \"enabled\": true , \"percentage\": 1e1 }";

impl<'b, B: Backend> World<'b, B> {
    fn new(backend: &'b B) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("p{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let store = backend.open(&prefix, &Options::default());
        Self {
            backend,
            prefix,
            store,
            stopped: HashMap::new(),
        }
    }

    fn read(&mut self) -> Snapshot {
        self.store.read().expect("a read")
    }

    fn record(&self, flag: &str) -> Option<Map<String, Value>> {
        let bytes = self.backend.get(&self.prefix, flag)?;
        serde_json::from_slice(&bytes).ok()
    }

    fn put(&self, flag: &str, record: &Map<String, Value>) {
        let bytes = serde_json::to_vec(record).expect("JSON");
        self.backend.put(&self.prefix, flag, &bytes);
    }

    fn foreign(&mut self, flag: &str, foreign: &Foreign) {
        let Some(mut record) = self.record(flag) else {
            if matches!(foreign, Foreign::Garbage) {
                self.backend.put(&self.prefix, flag, b"not a record");
            }
            return;
        };
        match foreign {
            Foreign::Delete | Foreign::Garbage => {
                // Nobody else can know of a stop that hoist has not met.
                if self.stopped.get(flag).is_some_and(|stopped| !stopped.noted) {
                    self.stopped.remove(flag);
                }
                if matches!(foreign, Foreign::Delete) {
                    return self.backend.delete(&self.prefix, flag);
                }
                return self.backend.put(&self.prefix, flag, b"\xff not JSON");
            }
            Foreign::Edit => {
                record.insert("allowed_users".into(), json!(["eve"]));
                record.insert("percentage".into(), json!(77));
            }
            Foreign::Switch => {
                let on = record["enabled"] == true;
                record.insert("enabled".into(), json!(!on));
                self.stopped.remove(flag);
                record.remove("rolled_back_at");
            }
            Foreign::Advance(by) => {
                let Some(stages) = record.get("rollout_stages").and_then(Value::as_array) else {
                    return;
                };
                let stage =
                    record["current_stage"].as_u64().unwrap_or(0) as usize + usize::from(*by);
                let stage = stage.min(stages.len() - 1);
                let percentage = stages[stage]["percentage"].clone();
                record.insert("current_stage".into(), json!(stage));
                record.insert("percentage".into(), percentage);
                record.insert("stage_started".into(), json!(1_795_339_800.5));
            }
            Foreign::RollBack => {
                record.insert("enabled".into(), json!(false));
                record.insert("rolled_back_at".into(), json!(1_795_339_800));
                record.insert("note".into(), json!({"reason": "smoke", "actor": "bob"}));
                let noted = self.stopped.get(flag).is_some_and(|before| before.noted);
                let stopped = Stopped {
                    switched_off: false,
                    noted,
                };
                self.stopped.insert(flag.to_owned(), stopped);
            }
            Foreign::Pause => {
                record.insert("paused_at".into(), json!(1_795_339_900));
            }
            Foreign::OwnField => {
                record.insert("team".into(), json!({"b": [1, 2.5], "a": null}));
            }
            Foreign::Rewrite => {
                let percentage = record["percentage"].as_f64().expect("a percentage");
                record.insert("percentage".into(), json!(percentage));
                let bytes = serde_json::to_vec_pretty(&record).expect("JSON");
                return self.backend.put(&self.prefix, flag, &bytes);
            }
        }
        self.put(flag, &record);
    }

    fn sync(&mut self, flags: &FlagSet) {
        let target = target(flags);
        let before = self.read();
        apply(&mut *self.store, &target).expect("nobody else writes");
        let after = self.read();
        self.check_agreement(&target, &after);
        for wanted in &target.flags {
            self.check_flag(&wanted.flag, flags, &before, &after);
        }
        for (flag, stopped) in &mut self.stopped {
            stopped.noted = after.stops.contains_key(flag);
            // What is deleted while it is stopped stays stopped.
            let gone = !flags.contains_key(flag) && before.specs.contains_key(flag);
            assert!(!gone || stopped.noted || stopped.switched_off, "{flag}");
        }
    }

    /// Planned again there is nothing to do, and applied again nothing is written.
    fn check_agreement(&mut self, target: &Target, after: &Snapshot) {
        let plan = plan(&*self.store, target, after.clone());
        assert!(plan.is_empty(), "still to do: {:#?}", plan.changes);
        let again = self.store.commit(&commit(plan)).expect("a commit");
        assert_eq!(
            again,
            Outcome::Committed {
                generation: after.generation
            }
        );
        let untouched = self.read();
        assert_eq!(
            Snapshot {
                now: after.now,
                ..untouched
            },
            *after
        );
        assert_eq!(
            self.backend.get(&self.prefix, "neighbour").as_deref(),
            Some(NEIGHBOUR)
        );
    }

    fn check_flag(&mut self, flag: &str, flags: &FlagSet, before: &Snapshot, after: &Snapshot) {
        let new = parse(after, flag).expect("a record");
        let wanted_on = flags[flag].enabled;
        if let Some(stopped) = self.stopped.get_mut(flag) {
            assert!(
                stopped.switched_off || new["enabled"] == false,
                "{flag} was stopped and is on: {new:?}"
            );
            stopped.switched_off |= !wanted_on;
        } else if !new.contains_key("rolled_back_at") {
            assert_eq!(new["enabled"], wanted_on, "{flag}: {new:?}");
        }
        let percentage =
            |record: &Map<String, Value>| record["percentage"].as_f64().expect("a percentage");
        let first = new
            .get("rollout_stages")
            .map(|stages| stages[0]["percentage"].as_f64().expect("a percentage"));
        let Some(old) = parse(before, flag) else {
            if let Some(first) = first {
                assert_eq!(
                    percentage(&new),
                    first,
                    "a rollout begins at its first stage"
                );
            }
            return;
        };
        assert_eq!(
            new.get("team"),
            old.get("team"),
            "a field of another program"
        );
        if let Some(first) = first {
            let most = percentage(&old).max(first);
            assert!(
                percentage(&new) <= most,
                "{flag} went on by itself: {old:?} {new:?}"
            );
            if old.get("rollout_stages") == new.get("rollout_stages") {
                for field in ["current_stage", "percentage"] {
                    assert_eq!(new[field].as_f64(), old[field].as_f64(), "{flag}: {field}");
                }
                assert_eq!(new.get("paused_at"), old.get("paused_at"), "{flag}");
            }
        }
        if new.contains_key("rolled_back_at") {
            assert_eq!(new.get("rolled_back_at"), old.get("rolled_back_at"));
            assert_eq!(new.get("note"), old.get("note"));
        }
    }
}

fn parse(snapshot: &Snapshot, flag: &str) -> Option<Map<String, Value>> {
    match snapshot.records.get(flag)? {
        Stored::Value(bytes) => serde_json::from_slice(bytes).ok(),
        Stored::OtherType(_) => None,
    }
}

fn plan(store: &dyn Store, target: &Target, snapshot: Snapshot) -> Plan {
    let info = store.info();
    Plan::new(target, info.kind, &info.prefix, snapshot)
}

fn commit(plan: Plan) -> Commit {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let about = About {
        digest: plan.digest.clone(),
        buckets: BUCKETS.to_owned(),
        source: "apply".to_owned(),
        version: "0.0.0".to_owned(),
        ..About::default()
    };
    plan.into_commit(
        format!("commit-{number}"),
        format!("lineage-{number}"),
        about,
    )
}

/// Applies with all consent. Gives the generation, or nothing where somebody else came first.
fn apply(store: &mut dyn Store, target: &Target) -> Option<u64> {
    let snapshot = store.read().expect("a read");
    let now = snapshot.now;
    let plan = plan(store, target, snapshot);
    let consent = Consent {
        adopt: true,
        deletes: usize::MAX,
        ..Consent::default()
    };
    assert_eq!(refusals(&plan, consent, &Policy::default(), now), []);
    match store.commit(&commit(plan)).expect("a commit") {
        Outcome::Committed { generation } => Some(generation),
        Outcome::Moved(_) => None,
    }
}

fn converges<B: Backend>(cases: u32) {
    let backend = B::start();
    // A database has its tables once something was committed to it.
    apply(&mut *backend.store(), &target(&one_flag())).expect("a commit");
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let run = |(steps, last): (Vec<Step>, FlagSet)| {
        let mut world = World::new(&backend);
        backend.put(&world.prefix, "neighbour", NEIGHBOUR);
        for step in &steps {
            match step {
                Step::Sync(flags) => world.sync(flags),
                Step::Foreign(flag, foreign) => world.foreign(flag, foreign),
            }
        }
        world.sync(&last);
        check_history(
            &world.store.history(1000).expect("a history"),
            world.read().generation,
        );
        Ok(())
    };
    TestRunner::new(config)
        .run(&(steps(), flag_set()), run)
        .unwrap_or_else(|error| panic!("{error}"));
}

fn one_flag() -> FlagSet {
    use crate::support::flagsets::{FlagText, Shape};
    let flag = FlagText {
        enabled: true,
        shape: Shape::Boolean(None),
        users: Vec::new(),
        salt: false,
        owner: None,
    };
    BTreeMap::from([("f0".to_owned(), flag)])
}

/// One entry a generation, without a gap.
fn check_history(newest_first: &[HistoryEntry], generation: u64) {
    let found: Vec<u64> = newest_first.iter().map(|entry| entry.generation).collect();
    let expected: Vec<u64> = (1..=generation).rev().collect();
    assert_eq!(found, expected);
}

/// Two sync jobs with flag sets of their own meet at one store.
fn two_at_once<B: Backend + Sync>(rounds: usize) {
    let backend = B::start();
    let mut runner = TestRunner::deterministic();
    let mut random = || {
        flag_set()
            .new_tree(&mut runner)
            .expect("a flag set")
            .current()
    };
    for round in 0..rounds {
        let prefix = format!("two{round}");
        let jobs: Vec<Vec<Target>> = (0..2)
            .map(|_| (0..3).map(|_| target(&random())).collect())
            .collect();
        let start = Barrier::new(jobs.len());
        let commits: u64 = std::thread::scope(|scope| {
            let run = |targets: &[Target]| {
                let mut store = backend.open(&prefix, &Options::default());
                start.wait();
                targets
                    .iter()
                    .map(|target| apply_until_done(&mut *store, target))
                    .sum::<u64>()
            };
            let threads: Vec<_> = jobs
                .iter()
                .map(|targets| scope.spawn(move || run(targets)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a job"))
                .sum()
        });
        let mut store = backend.open(&prefix, &Options::default());
        let end = store.read().expect("a read");
        assert_eq!(end.generation, commits, "every commit counted once");
        let history = store.history(1000).expect("a history");
        check_history(&history, commits);
        check_chain(&history, &end);
        let last = jobs.iter().filter_map(|targets| targets.last());
        let agrees = |target: &Target| plan(&*store, target, end.clone()).is_empty();
        assert!(
            last.into_iter().any(agrees),
            "neither job's last word stands"
        );
    }
}

/// Gives how many commits it took: none where the store agreed already.
fn apply_until_done(store: &mut dyn Store, target: &Target) -> u64 {
    for _ in 0..1000 {
        let snapshot = store.read().expect("a read");
        let before = snapshot.generation;
        if plan(store, target, snapshot).is_empty() {
            return 0;
        }
        if let Some(generation) = apply(store, target) {
            return u64::from(generation > before);
        }
    }
    panic!("overtaken a thousand times");
}

/// What one commit left is what the next one found, up to what is there now.
fn check_chain(newest_first: &[HistoryEntry], end: &Snapshot) {
    let mut records: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in newest_first.iter().rev() {
        for (flag, (before, after)) in &entry.records {
            let found = records.get(flag.as_str()).copied();
            assert_eq!(
                found,
                before.as_deref(),
                "{flag} at generation {}",
                entry.generation
            );
            match after {
                Some(after) => records.insert(flag, after),
                None => records.remove(flag.as_str()),
            };
        }
    }
    let text = |stored: &Stored| match stored {
        Stored::Value(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
        Stored::OtherType(kind) => panic!("a {kind}"),
    };
    let live: BTreeMap<String, String> = end
        .records
        .iter()
        .map(|(flag, stored)| (flag.clone(), text(stored)))
        .collect();
    let told: BTreeMap<String, String> = records
        .into_iter()
        .map(|(flag, record)| (flag.to_owned(), record.to_owned()))
        .collect();
    assert_eq!(told, live);
}

#[test]
fn one_apply_is_enough_in_memory() {
    converges::<InMemory>(400);
}

#[test]
fn one_apply_is_enough_in_sqlite() {
    converges::<InSqlite>(60);
}

#[test]
fn one_apply_is_enough_in_redis() {
    converges::<InRedis>(100);
}

#[test]
fn two_jobs_at_once_lose_nothing_in_memory() {
    two_at_once::<InMemory>(100);
}

#[test]
fn two_jobs_at_once_lose_nothing_in_sqlite() {
    two_at_once::<InSqlite>(100);
}

#[test]
fn two_jobs_at_once_lose_nothing_in_redis() {
    two_at_once::<InRedis>(100);
}
