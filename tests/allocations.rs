//! Answers from memory allocate nothing. A binary of its own, since it counts by an allocator of its
//! own.

use hoist::client::{Builder, Context};
use hoist::record::Record;
use serde_json::json;

#[test]
fn an_evaluation_allocates_nothing() {
    let (client, feed) = Builder::new("").fed();
    let variants = |values| {
        json!({"type": "experiment", "enabled": true, "variants": {"a": 50, "b": 50}, "control": "a",
               "values": values, "forced": {"b": ["bo"]}})
    };
    let records = [
        (
            "switch",
            json!({"type": "boolean", "enabled": true, "percentage": 30, "allowed_groups": ["staff"],
                   "allowed_users": ["ana"]}),
        ),
        ("off", json!({"type": "boolean", "enabled": false})),
        ("name", variants(json!({"a": "blue", "b": "red"}))),
        ("count", variants(json!({"a": 1, "b": 2}))),
        ("theme", variants(json!({"a": {"dark": true}, "b": {}}))),
        ("odd", json!({"type": "boolean", "percentage": "many"})),
    ];
    feed.set(records.iter().map(|(key, record)| {
        let record = Record::parse(record.to_string().as_bytes()).expect("a record");
        ((*key).to_owned(), Ok(record))
    }));
    let contexts = [
        Context::nobody(),
        Context::user("ana"),
        Context::user("bo").with_groups(["guests", "staff"]),
    ];
    let default = json!({});
    let mut on = 0;
    let mut ask = || {
        for context in &contexts {
            for key in ["switch", "off", "name", "count", "theme", "odd", "absent"] {
                on += u32::from(client.is_enabled(key, context));
                on += u32::from(client.boolean(key, true, context));
                on += u32::from(client.integer(key, 7, context) == 2);
                on += u32::from(client.float(key, 0.5, context) == 2.0);
                let flags = client.flags();
                on += u32::from(flags.string(key, "red", context) == "red");
                on += u32::from(flags.object(key, &default, context) == &default);
                let details = flags.string_details(key, "red", context);
                on += u32::from(details.variant.is_some());
            }
        }
    };
    // The first access of a thread sets it up.
    ask();
    let counted = allocation_counter::measure(|| (0..1000).for_each(|_| ask()));
    assert_eq!(counted.count_total, 0, "{counted:?}");
    assert!(on > 0);
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(on))));
    assert_eq!(counted.count_total, 1, "allocations are counted");
}
