use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::eval::Reason;

/// A client that was fed these records.
fn fed(records: &[(&str, Value)]) -> (Client, Feed) {
    let (client, feed) = Builder::new("").fed();
    set(&feed, records);
    (client, feed)
}

fn set(feed: &Feed, records: &[(&str, Value)]) {
    let parse = |record: &Value| Record::parse(record.to_string().as_bytes());
    feed.set(
        records
            .iter()
            .map(|(key, record)| ((*key).to_owned(), parse(record).map_err(Malformed::from))),
    );
}

/// An experiment that gives `value` to everyone.
fn gives(value: &Value) -> Value {
    json!({"type": "experiment", "enabled": true, "variants": {"only": 100}, "control": "only",
           "values": {"only": value}})
}

#[test]
fn every_type_has_a_getter() {
    let switch =
        json!({"type": "boolean", "enabled": true, "allowed_groups": ["staff"], "percentage": 0});
    let (client, _feed) = fed(&[
        ("switch", switch),
        ("name", gives(&json!("blue"))),
        ("count", gives(&json!(7))),
        ("share", gives(&json!(0.25))),
        ("whole", gives(&json!(5.0))),
        ("theme", gives(&json!({"dark": true}))),
        ("open", gives(&json!(true))),
    ]);
    let (ana, staff) = (
        Context::user("ana"),
        Context::user("ana").with_groups(["x", "staff"]),
    );
    assert!(!client.boolean("switch", true, &ana));
    assert!(client.is_enabled("switch", &staff));
    assert!(client.boolean("open", false, &ana));
    assert_eq!(client.string("name", "red", &ana), "blue");
    assert_eq!(client.integer("count", 0, &ana), 7);
    assert_eq!(client.integer("whole", 0, &ana), 5);
    assert_eq!(client.float("share", 0.0, &ana), 0.25);
    assert_eq!(client.float("count", 0.0, &ana), 7.0);
    assert_eq!(
        client.object("theme", &Value::Null, &ana),
        json!({"dark": true})
    );
    let details = client.string_details("name", "red", &ana);
    assert_eq!(details.value, "blue");
    assert_eq!(details.variant.as_deref(), Some("only"));
    assert_eq!((details.reason, details.error), (Reason::Split, None));
    let details = client.boolean_details("switch", true, &staff);
    assert_eq!(
        (details.value, details.variant, details.reason),
        (true, None, Reason::TargetingMatch)
    );
}

#[test]
fn what_gives_nothing_gives_the_default_and_says_why() {
    let (client, _feed) = fed(&[
        ("name", gives(&json!("blue"))),
        ("odd", json!({"type": "boolean", "percentage": 200})),
        ("fine", json!({"type": "boolean", "enabled": true})),
    ]);
    let nobody = Context::nobody();
    let error = |key: &str| {
        let details = client.boolean_details(key, true, &nobody);
        assert_eq!(
            (details.value, details.reason, details.variant),
            (true, Reason::Error, None)
        );
        details.error
    };
    assert_eq!(error("name"), Some(ErrorCode::TypeMismatch));
    assert_eq!(error("odd"), Some(ErrorCode::ParseError));
    assert_eq!(error("absent"), Some(ErrorCode::FlagNotFound));
    assert!(client.boolean("fine", false, &nobody));
    assert_eq!(client.integer("name", 3, &nobody), 3);
    assert_eq!(client.float("name", 0.5, &nobody), 0.5);
    assert_eq!(client.string("fine", "red", &nobody), "red");
}

#[test]
fn before_the_first_flags_there_are_defaults() {
    let (client, feed) = Builder::new("").fed();
    let details = client.boolean_details("switch", true, &Context::nobody());
    assert_eq!(
        (details.value, details.error),
        (true, Some(ErrorCode::ProviderNotReady))
    );
    assert_eq!(client.state(), State::NotReady { error: None });
    assert_eq!(client.confirmed(), None);
    feed.fail("no file");
    let error = Some("no file".to_owned());
    assert_eq!(client.state(), State::NotReady { error });
    let not_ready = client.wait_ready(Duration::ZERO).expect_err("not ready");
    assert_eq!(not_ready.to_string(), "no flags within 0 s: no file");
    set(&feed, &[]);
    assert_eq!(client.state(), State::Ready);
    client.wait_ready(Duration::ZERO).expect("ready");
    let details = client.boolean_details("switch", true, &Context::nobody());
    assert_eq!(details.error, Some(ErrorCode::FlagNotFound));
}

#[test]
fn flags_stay_as_they_are_while_the_client_goes_on() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let (client, feed) = Builder::new("")
        .on_change(move |flags| heard.lock().expect("a lock").push(flags.generation()))
        .fed();
    let (on, off) = (
        json!({"type": "boolean", "enabled": true}),
        json!({"type": "boolean", "enabled": false}),
    );
    set(&feed, &[("switch", on)]);
    let before = client.flags();
    set(&feed, &[("switch", off)]);
    let ana = Context::user("ana");
    assert!(before.is_enabled("switch", &ana));
    assert!(!client.is_enabled("switch", &ana));
    feed.fail("gone");
    assert!(matches!(client.state(), State::Stale { error, .. } if error == "gone"));
    assert!(!client.boolean("switch", true, &ana), "from memory");
    assert_eq!(*told.lock().expect("a lock"), [1, 2]);
}

/// Keeps the fields of every event.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

struct Fields(BTreeMap<String, String>);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl tracing::Subscriber for Events {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "hoist::evaluation"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        let name = event.metadata().name().to_owned();
        fields.0.insert("name".to_owned(), name);
        event.record(&mut fields);
        self.0.lock().expect("a lock").push(fields.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn evaluations_are_told_of_in_the_words_of_opentelemetry() {
    let (client, feed) = Builder::new("").log_evaluations(1.0).fed();
    set(&feed, &[("name", gives(&json!("blue")))]);
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || {
        let _ = client.string("name", "red", &Context::user("ana"));
        let _ = client.boolean("absent", false, &Context::nobody());
        let _ = client.boolean("name", false, &Context::nobody());
    });
    let told = |fields: &[(&str, &str)]| {
        let fields = fields.iter();
        fields
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let expected = [
        told(&[
            ("name", "feature_flag.evaluation"),
            ("feature_flag.key", "\"name\""),
            ("feature_flag.provider.name", "\"hoist\""),
            ("feature_flag.context.id", "\"ana\""),
            ("feature_flag.result.value", "\"blue\""),
            ("feature_flag.result.variant", "\"only\""),
            ("feature_flag.result.reason", "\"split\""),
        ]),
        told(&[
            ("name", "feature_flag.evaluation"),
            ("feature_flag.key", "\"absent\""),
            ("feature_flag.provider.name", "\"hoist\""),
            ("feature_flag.result.reason", "\"error\""),
            ("error.type", "\"flag_not_found\""),
        ]),
        told(&[
            ("name", "feature_flag.evaluation"),
            ("feature_flag.key", "\"name\""),
            ("feature_flag.provider.name", "\"hoist\""),
            ("feature_flag.result.reason", "\"error\""),
            ("error.type", "\"type_mismatch\""),
        ]),
    ];
    assert_eq!(*events.0.lock().expect("a lock"), expected);
}
