//! The contenders, each with the same flags in its own format.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use featurevisor::{DatafileInput, Featurevisor, FeaturevisorOptions, context};
use foldhash::fast::FixedState;
use growthbook_rust::growthbook::GrowthBook;
use growthbook_rust::model_public::GrowthBookAttribute;
use hoist::bucket::Murmur3;
use hoist::client::{self, Client};
use hoist::eval::{Answer, Evaluator};
use hoist::record::Record;
use launchdarkly_server_sdk_evaluation as launchdarkly;
use serde_json::{Map, Value, json};
use unleash_yggdrasil::EngineState;

use crate::{Contender, Flags, Work, each, flags};

/// The least that it takes.
pub const BARE: &str = "bare";

/// The bare one first.
pub fn all(users: &[String], listed: &[&str]) -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(Bare::new(users)),
        Box::new(Hoist::new(users, listed)),
        Box::new(OfClient::new(users, listed, false)),
        Box::new(OfClient::new(users, listed, true)),
        Box::new(Yggdrasil::new(users, listed)),
        Box::new(LaunchDarkly::new(users, listed)),
        Box::new(GrowthBookRust::new(users, listed)),
        Box::new(FeatureVisor::new(users, listed)),
    ]
}

/// A look-up of the flag's threshold, and MurmurHash3 of `flag:user`, which is there already.
struct Bare {
    flags: Flags<u32, FixedState>,
    /// By work, then by user.
    keys: Vec<Vec<String>>,
}

impl Bare {
    fn new(users: &[String]) -> Self {
        let keys = |work: Work| -> Vec<String> {
            let keys = users.iter().map(|user| format!("{}:{user}", work.flag()));
            keys.collect()
        };
        Self {
            flags: flags(|_| 25_000, |_| 25_000),
            keys: Work::ALL.map(keys).into(),
        }
    }

    #[inline]
    fn evaluate(&self, work: Work, key: &str) -> bool {
        let hash = Murmur3::default().with(key.as_bytes()).finish();
        let bucket = (u64::from(hash) * 100_000) >> 32;
        self.flags
            .get(work.flag())
            .is_some_and(|share| bucket < u64::from(*share))
    }
}

impl Contender for Bare {
    fn name(&self) -> &'static str {
        BARE
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        usize::from(self.evaluate(work, &self.keys[work as usize][user]))
    }

    fn run(&self, work: Work) {
        each(&self.keys[work as usize], |key| self.evaluate(work, key));
    }
}

/// The record of a flag, or of one of the others.
fn record(work: Option<Work>, listed: &[&str]) -> Record {
    let record = match work {
        None | Some(Work::Rollout) => json!({"enabled": true, "percentage": 25}),
        Some(Work::Experiment) => {
            json!({"enabled": true, "variants": {"control": 34, "higher": 33, "lower": 33}})
        }
        Some(Work::List) => json!({"enabled": true, "percentage": 0, "allowed_users": listed}),
    };
    Record::parse(record.to_string().as_bytes()).expect("a record")
}

/// Evaluators in a map of the same kind as that of the bare one.
struct Hoist {
    flags: Flags<Evaluator, FixedState>,
    users: Vec<String>,
}

impl Hoist {
    fn new(users: &[String], listed: &[&str]) -> Self {
        let evaluator = |flag: &str, record: Record| {
            Evaluator::new(flag, &record).expect("a record that makes sense")
        };
        Self {
            flags: flags(
                |work| evaluator(work.flag(), record(Some(work), listed)),
                |key| evaluator(key, record(None, listed)),
            ),
            users: users.to_vec(),
        }
    }

    #[inline]
    fn evaluate(&self, work: Work, user: &str) -> Option<Answer<'_>> {
        let flag = self.flags.get(work.flag());
        flag.map(|flag| flag.evaluate(Some(user), &[]))
    }
}

impl Contender for Hoist {
    fn name(&self) -> &'static str {
        "hoist, evaluators"
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        let answer = self.evaluate(work, &self.users[user]).expect("a flag");
        index(
            answer.variant().unwrap_or(""),
            answer.value() == &Value::Bool(true),
        )
    }

    fn run(&self, work: Work) {
        each(&self.users, |user| self.evaluate(work, user));
    }
}

/// What an application calls: all as of one moment, or as of now at every call.
struct OfClient {
    client: Client,
    flags: Arc<client::Flags>,
    contexts: Vec<client::Context>,
    anew: bool,
}

impl OfClient {
    fn new(users: &[String], listed: &[&str], anew: bool) -> Self {
        let (client, feed) = Client::builder("").fed();
        let records: Flags<Record, FixedState> =
            flags(|work| record(Some(work), listed), |_| record(None, listed));
        feed.set(records.into_iter().map(|(key, record)| (key, Ok(record))));
        let contexts = users
            .iter()
            .map(|user| client::Context::user(user.as_str()));
        Self {
            flags: client.flags(),
            client,
            contexts: contexts.collect(),
            anew,
        }
    }
}

impl Contender for OfClient {
    fn name(&self) -> &'static str {
        match self.anew {
            false => "hoist, flags of one moment",
            true => "hoist, client",
        }
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        let context = &self.contexts[user];
        match (work, self.anew) {
            (Work::Experiment, false) => index(self.flags.string(work.flag(), "", context), false),
            (Work::Experiment, true) => {
                index(self.client.flags().string(work.flag(), "", context), false)
            }
            (_, false) => usize::from(self.flags.is_enabled(work.flag(), context)),
            (_, true) => usize::from(self.client.is_enabled(work.flag(), context)),
        }
    }

    fn run(&self, work: Work) {
        match (work, self.anew) {
            (Work::Experiment, false) => each(&self.contexts, |context| {
                black_box(self.flags.string(work.flag(), "", context));
            }),
            (Work::Experiment, true) => each(&self.contexts, |context| {
                // A copy would be an allocation: the string is lent by the flags of this moment.
                black_box(self.client.flags().string(work.flag(), "", context));
            }),
            (_, false) => each(&self.contexts, |context| {
                self.flags.is_enabled(work.flag(), context)
            }),
            (_, true) => each(&self.contexts, |context| {
                self.client.is_enabled(work.flag(), context)
            }),
        }
    }
}

/// Of a variant by name, or of true and false where it has none of the names.
fn index(variant: &str, on: bool) -> usize {
    match variant {
        "control" => 0,
        "higher" => 1,
        "lower" => 2,
        _ => usize::from(on),
    }
}

struct Yggdrasil {
    engine: EngineState,
    contexts: Vec<unleash_yggdrasil::Context>,
}

impl Yggdrasil {
    fn new(users: &[String], listed: &[&str]) -> Self {
        let rollout = |key: &str, percent: u32| {
            json!([{"name": "flexibleRollout", "parameters": {
                "rollout": percent.to_string(), "stickiness": "userId", "groupId": key
            }}])
        };
        let feature = |key: &str, strategies: Value| json!({"name": key, "type": "release", "enabled": true, "strategies": strategies});
        let asked = |work: Work| match work {
            Work::Rollout => feature(work.flag(), rollout(work.flag(), 25)),
            Work::List => feature(
                work.flag(),
                json!([{"name": "userWithId", "parameters": {"userIds": listed.join(",")}}]),
            ),
            Work::Experiment => {
                let mut feature = feature(work.flag(), rollout(work.flag(), 100));
                let variant = |name: &str, weight: u32| json!({"name": name, "weight": weight, "weightType": "fix", "stickiness": "userId", "overrides": []});
                feature["variants"] = json!([
                    variant("control", 340),
                    variant("higher", 330),
                    variant("lower", 330)
                ]);
                feature
            }
        };
        let features: Flags<Value, FixedState> = flags(asked, |key| feature(key, rollout(key, 25)));
        let features: Vec<Value> = features.into_values().collect();
        let engine = EngineState::default();
        let state = serde_json::from_value(json!({"version": 2, "features": features}));
        let warnings = engine.apply_client_features(state.expect("features"));
        assert!(warnings.is_none_or(|warnings| warnings.is_empty()));
        let context = |user: &String| unleash_yggdrasil::Context {
            user_id: Some(user.clone()),
            ..Default::default()
        };
        Self {
            engine,
            contexts: users.iter().map(context).collect(),
        }
    }
}

impl Contender for Yggdrasil {
    fn name(&self) -> &'static str {
        "unleash-yggdrasil 0.21.7"
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        let context = &self.contexts[user];
        match work {
            Work::Experiment => {
                let variant = self.engine.get_variant(work.flag(), context, &None);
                index(&variant.name, false)
            }
            _ => usize::from(self.engine.is_enabled(work.flag(), context, &None)),
        }
    }

    fn run(&self, work: Work) {
        match work {
            Work::Experiment => each(&self.contexts, |context| {
                self.engine.get_variant(work.flag(), context, &None)
            }),
            _ => each(&self.contexts, |context| {
                self.engine.is_enabled(work.flag(), context, &None)
            }),
        }
    }
}

struct LaunchDarkly {
    flags: Flags<launchdarkly::Flag, FixedState>,
    contexts: Vec<launchdarkly::Context>,
}

/// None of the flags needs another one.
struct NoStore;

impl launchdarkly::Store for NoStore {
    fn flag(&self, _: &str) -> Option<launchdarkly::Flag> {
        None
    }

    fn segment(&self, _: &str) -> Option<launchdarkly::Segment> {
        None
    }
}

impl LaunchDarkly {
    fn new(users: &[String], listed: &[&str]) -> Self {
        let flag = |key: &str, variations: Value, weights: &[u32], targets: Value| {
            let rollout: Vec<Value> = weights
                .iter()
                .enumerate()
                .map(|(variation, weight)| json!({"variation": variation, "weight": weight}))
                .collect();
            let flag = json!({
                "key": key, "version": 1, "on": true, "salt": key, "offVariation": 0,
                "variations": variations, "targets": targets, "rules": [], "prerequisites": [],
                "fallthrough": {"rollout": {"variations": rollout}},
                "clientSideAvailability": {"usingMobileKey": false, "usingEnvironmentId": false},
            });
            serde_json::from_value(flag).expect("a flag")
        };
        let rollout = |key: &str| flag(key, json!([false, true]), &[75_000, 25_000], json!([]));
        let asked = |work: Work| match work {
            Work::Rollout => rollout(work.flag()),
            Work::Experiment => flag(
                work.flag(),
                json!(["control", "higher", "lower"]),
                &[34_000, 33_000, 33_000],
                json!([]),
            ),
            Work::List => flag(
                work.flag(),
                json!([false, true]),
                &[100_000, 0],
                json!([{"variation": 1, "values": listed}]),
            ),
        };
        let context = |user: &String| {
            let context = launchdarkly::ContextBuilder::new(user.as_str()).build();
            context.expect("a context")
        };
        Self {
            flags: flags(asked, rollout),
            contexts: users.iter().map(context).collect(),
        }
    }
}

impl Contender for LaunchDarkly {
    fn name(&self) -> &'static str {
        "launchdarkly-server-sdk-evaluation 2.2.1"
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        let flag = &self.flags[work.flag()];
        let detail = launchdarkly::evaluate(&NoStore, flag, &self.contexts[user], None);
        detail.variation_index.expect("a variation") as usize
    }

    fn run(&self, work: Work) {
        each(&self.contexts, |context| {
            let flag = self.flags.get(work.flag());
            flag.and_then(|flag| {
                launchdarkly::evaluate(&NoStore, flag, context, None).variation_index
            })
        });
    }
}

struct GrowthBookRust {
    engine: GrowthBook,
    contexts: Vec<Option<Vec<GrowthBookAttribute>>>,
}

impl GrowthBookRust {
    fn new(users: &[String], listed: &[&str]) -> Self {
        let rollout = |_: &str| {
            json!({"defaultValue": false, "rules": [
                {"force": true, "coverage": 0.25, "hashAttribute": "id"}
            ]})
        };
        let feature = |work: Work| match work {
            Work::Rollout => rollout(work.flag()),
            Work::Experiment => json!({"defaultValue": "control", "rules": [{
                "key": work.flag(), "hashAttribute": "id", "coverage": 1.0,
                "variations": ["control", "higher", "lower"], "weights": [0.34, 0.33, 0.33]
            }]}),
            Work::List => json!({"defaultValue": false, "rules": [
                {"force": true, "condition": {"id": {"$in": listed}}}
            ]}),
        };
        let features: Flags<Value, FixedState> = flags(feature, rollout);
        let features: Map<String, Value> = features.into_iter().collect();
        Self {
            engine: GrowthBook {
                forced_variations: None,
                features: serde_json::from_value(features.into()).expect("features"),
                attributes: None,
                sticky_bucket_service: None,
                saved_groups: HashMap::new(),
            },
            contexts: users
                .iter()
                .map(|user| GrowthBookAttribute::from(json!({"id": user})).ok())
                .collect(),
        }
    }
}

impl Contender for GrowthBookRust {
    fn name(&self) -> &'static str {
        "growthbook-rust 0.4.0"
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        let result = self.engine.check(work.flag(), &self.contexts[user]);
        let variant = result.value.as_str().unwrap_or("");
        index(variant, result.value == Value::Bool(true))
    }

    fn run(&self, work: Work) {
        each(&self.contexts, |context| {
            self.engine.check(work.flag(), context)
        });
    }
}

struct FeatureVisor {
    engine: Featurevisor,
    contexts: Vec<featurevisor::Context>,
}

impl FeatureVisor {
    fn new(users: &[String], listed: &[&str]) -> Self {
        let traffic = |segments: &str, percentage: u32| json!({"key": segments, "segments": segments, "percentage": percentage});
        let rollout = |_: &str| json!({"bucketBy": "userId", "traffic": [traffic("*", 25_000)]});
        let feature = |work: Work| match work {
            Work::Rollout => rollout(work.flag()),
            Work::Experiment => {
                let mut all = traffic("*", 100_000);
                all["allocation"] = json!([
                    {"variation": "control", "range": [0, 34_000]},
                    {"variation": "higher", "range": [34_000, 67_000]},
                    {"variation": "lower", "range": [67_000, 100_000]},
                ]);
                json!({"bucketBy": "userId", "traffic": [all],
                    "variations": [{"value": "control"}, {"value": "higher"}, {"value": "lower"}]})
            }
            Work::List => json!({"bucketBy": "userId", "traffic": [traffic("listed", 100_000)]}),
        };
        let features: Flags<Value, FixedState> = flags(feature, rollout);
        let features: Map<String, Value> = features.into_iter().collect();
        let datafile = json!({
            "schemaVersion": "2", "revision": "1", "features": features,
            "segments": {"listed": {"conditions": [
                {"attribute": "userId", "operator": "in", "value": listed}
            ]}},
        });
        Self {
            engine: featurevisor::create_featurevisor(FeaturevisorOptions {
                datafile: Some(DatafileInput::Json(datafile.to_string())),
                ..Default::default()
            }),
            contexts: users
                .iter()
                .map(|user| context! { "userId" => user.as_str() })
                .collect(),
        }
    }
}

impl Contender for FeatureVisor {
    fn name(&self) -> &'static str {
        "featurevisor 2.0.0"
    }

    fn outcome(&self, work: Work, user: usize) -> usize {
        let context = Some(&self.contexts[user]);
        match work {
            Work::Experiment => {
                let variation = self.engine.get_variation(work.flag(), context, None);
                index(&variation.unwrap_or_default(), false)
            }
            _ => usize::from(self.engine.is_enabled(work.flag(), context)),
        }
    }

    fn run(&self, work: Work) {
        match work {
            Work::Experiment => each(&self.contexts, |context| {
                self.engine.get_variation(work.flag(), Some(context), None)
            }),
            _ => each(&self.contexts, |context| {
                self.engine.is_enabled(work.flag(), Some(context))
            }),
        }
    }
}
