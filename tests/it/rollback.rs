//! A rollback puts back the specs of then, whatever happened since, and loses no status.

use std::collections::HashMap;

use hoist::plan::{
    About, BUCKETS, ByFlag, PastCommit, Plan, RollbackError, RolledBack, Snapshot, Stored,
};
use hoist::record::Record;
use hoist::store::{Options, Outcome, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::support::backend::{Backend, InMemory, InRedis, InSqlite};
use crate::support::flagsets::{FlagSet, flag_set, target};

fn read(store: &mut dyn Store) -> Snapshot {
    store.read().expect("a read")
}

fn commit(store: &mut dyn Store, plan: Plan, rolled_back: Option<RolledBack>) {
    let id = format!("commit-{}", plan.store.generation);
    let about = About {
        digest: plan.digest.clone(),
        buckets: BUCKETS.to_owned(),
        source: "apply".to_owned(),
        rolled_back,
        ..About::default()
    };
    let outcome = store.commit(&plan.into_commit(id, "lineage".to_owned(), about));
    assert!(
        matches!(outcome, Ok(Outcome::Committed { .. })),
        "{outcome:?}"
    );
}

fn apply(store: &mut dyn Store, flags: &FlagSet) {
    let snapshot = read(store);
    let (kind, prefix) = (store.info().kind, store.info().prefix.clone());
    let plan = Plan::new(&target(flags), kind, &prefix, snapshot);
    commit(store, plan, None);
}

fn plan_back(store: &mut dyn Store, to: u64) -> Result<Plan, RollbackError> {
    let snapshot = read(store);
    let history = store.history(usize::MAX).expect("the history");
    let commits: Vec<_> = history
        .iter()
        .map(|entry| PastCommit {
            generation: entry.generation,
            records: &entry.records,
        })
        .collect();
    let (kind, prefix) = (store.info().kind, store.info().prefix.clone());
    Plan::rollback(&commits, (to, "digest"), ("test", kind, &prefix), snapshot)
}

fn records(snapshot: &Snapshot) -> HashMap<String, Record> {
    let record = |(flag, stored): (&String, &Stored)| match stored {
        Stored::Value(bytes) => Some((flag.clone(), Record::parse(bytes).ok()?)),
        Stored::OtherType(_) => None,
    };
    snapshot.records.iter().filter_map(record).collect()
}

/// Stops a flag as another client of the record format does.
fn stop<B: Backend>(backend: &B, prefix: &str, flag: &str) {
    let Some(bytes) = backend.get(prefix, flag) else {
        return;
    };
    let mut record: serde_json::Value = serde_json::from_slice(&bytes).expect("a record");
    record["enabled"] = false.into();
    record["rolled_back_at"] = 1_700_000_000.into();
    backend.put(prefix, flag, record.to_string().as_bytes());
}

/// Applies one flag set after another, stops a flag on the way, and goes back to each generation.
fn check<B: Backend>(backend: &B, prefix: &str, sets: &[FlagSet], stopped: &str) {
    let mut store = backend.open(prefix, &Options::default());
    let store = store.as_mut();
    let mut specs = vec![ByFlag::default()];
    for flags in sets {
        apply(store, flags);
        let snapshot = read(store);
        specs.resize(snapshot.generation as usize + 1, ByFlag::default());
        specs[snapshot.generation as usize] = snapshot.specs;
    }
    stop(backend, prefix, stopped);
    let was_stopped: Vec<String> = records(&read(store))
        .into_iter()
        .filter(|(_, record)| record.is_rolled_back())
        .map(|(flag, _)| flag)
        .collect();
    for to in (1..specs.len() - 1).rev() {
        let before = read(store);
        let plan = plan_back(store, to as u64).expect("a way back");
        assert_eq!(plan.managed, before.specs.len());
        let then = Some(RolledBack {
            to: to as u64,
            digest: "digest".to_owned(),
            actor: None,
            reason: None,
            at: 1.0,
        });
        if plan.is_empty() {
            assert_eq!(before.specs, specs[to]);
            continue;
        }
        commit(store, plan, then.clone());
        let after = read(store);
        assert_eq!(after.specs, specs[to], "back at {to}");
        assert_eq!(after.rolled_back, then);
        let live = records(&after);
        for (flag, digest) in &specs[to] {
            assert!(live[flag].has_spec(digest), "{flag} at {to}");
        }
        for flag in &was_stopped {
            let on = live.get(flag).is_some_and(|record| record.spec.enabled());
            assert!(
                !on,
                "{flag} was stopped, and the way back to {to} switched it on"
            );
        }
        assert!(plan_back(store, to as u64).is_ok());
    }
}

fn run<B: Backend>(backend: &B, cases: u32, name: &str) {
    let strategy = (proptest::collection::vec(flag_set(), 2..6), 0..6u8);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    for case in 0..cases {
        let (mut sets, stopped) = strategy.new_tree(&mut runner).expect("a value").current();
        // An apply of nothing makes no generation.
        sets.dedup();
        check(
            backend,
            &format!("{name}{case}"),
            &sets,
            &format!("f{stopped}"),
        );
    }
}

#[test]
fn the_specs_of_then_come_back_in_memory() {
    run(&InMemory::start(), 300, "m");
}

#[test]
fn the_specs_of_then_come_back_in_sqlite() {
    run(&InSqlite::start(), 20, "s");
}

#[test]
fn the_specs_of_then_come_back_in_redis() {
    run(&InRedis::start(), 20, "r");
}

#[test]
fn a_history_that_was_cut_leads_nowhere() {
    let backend = InMemory::start();
    let options = Options {
        history_keep: 2,
        ..Options::default()
    };
    let mut store = backend.open("cut", &options);
    let store = store.as_mut();
    let mut runner = TestRunner::deterministic();
    let mut generations = 0;
    while generations < 5 {
        let flags = flag_set().new_tree(&mut runner).expect("a value").current();
        apply(store, &flags);
        generations = read(store).generation;
    }
    assert!(plan_back(store, 3).is_ok());
    assert_eq!(
        plan_back(store, 2).unwrap_err(),
        RollbackError::Gap { to: 2, missing: 3 }
    );
    assert_eq!(
        plan_back(store, 5).unwrap_err(),
        RollbackError::NotPast { to: 5, now: 5 }
    );
}
