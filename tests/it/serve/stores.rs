//! Flags from a store, while it changes, goes away and comes back; and how a server ends.

use std::io::{BufReader, Write};
use std::time::Duration;

use serde_json::json;

use super::{EVALUATE, serve};
use crate::support::cluster::wait_until;
use crate::support::http::{Events, answer, connect, request};
use crate::support::program::Project;
use crate::support::redis::RedisServer;

const FLAGS: &str = "flags:
  search: { description: d, owner: o, expires: never, enabled: true }
";

#[test]
fn a_commit_is_told_and_there() {
    let redis = RedisServer::start();
    let project = Project::with_flags(FLAGS).env("HOIST_STORE", &redis.unix_url());
    project.expect(0, &["apply"]);
    let served = serve(&project, &[]);
    wait_until("it is ready", || served.get("/readyz").status == 200);
    assert_eq!(served.evaluate("search", "ana")["value"], true);
    let mut events = Events::open(served.port, "/ofrep/v1/events", &[]);
    let (before, _) = events.next().expect("an event");
    project.expect(0, &["kill", "search", "--reason", "errors"]);
    let (id, data) = events.next().expect("an event");
    assert_ne!(id, before);
    assert_eq!(data["type"], "refetchEvaluation");
    let expected = json!({"key": "search", "value": false, "reason": "DISABLED", "variant": "off"});
    assert_eq!(served.evaluate("search", "ana"), expected);
    assert_eq!(
        served.get("/readyz").json(),
        json!({"state": "ready", "generation": 2, "flags": 1})
    );
}

#[test]
fn a_store_that_goes_away_and_returns() {
    let mut redis = RedisServer::start();
    let project = Project::with_flags(FLAGS).env("HOIST_STORE", &redis.unix_url());
    project.expect(0, &["apply"]);
    redis.stop();
    let served = serve(&project, &[]);
    let early = served.post(&format!("{EVALUATE}/search"), r#"{"context":{}}"#);
    assert_eq!((early.status, early.header("retry-after")), (503, "1"));
    assert!(early.json()["errorDetails"].is_string());
    assert_eq!(served.post(EVALUATE, r#"{"context":{}}"#).status, 503);
    assert_eq!(served.get("/readyz").status, 503);
    assert_eq!(served.get("/healthz").status, 200);
    redis.start_again();
    wait_until("it is ready", || served.get("/readyz").status == 200);
    redis.kill();
    wait_until("it is noticed", || {
        served.get("/readyz").json()["state"] == "stale"
    });
    assert_eq!(served.get("/readyz").status, 200);
    assert_eq!(
        served.evaluate("search", "ana")["value"],
        true,
        "from memory"
    );
    let metrics = served.get("/metrics").body;
    assert!(
        metrics.contains("hoist_store_state{state=\"stale\"} 1"),
        "{metrics}"
    );
    redis.start_again();
    wait_until("it is back", || {
        served.get("/readyz").json()["state"] == "ready"
    });
}

#[test]
fn an_embedded_store() {
    let project = Project::with_flags(FLAGS);
    project.expect(0, &["apply"]);
    let served = serve(&project, &[]);
    wait_until("it is ready", || served.get("/readyz").status == 200);
    assert_eq!(served.evaluate("search", "ana")["value"], true);
    project.expect(0, &["kill", "search", "--reason", "errors"]);
    wait_until("it is off", || {
        served.evaluate("search", "ana")["value"] == false
    });
}

#[test]
fn the_end_waits_for_what_is_under_way() {
    let project = Project::with_flags(FLAGS);
    let served = serve(&project, &["--files"]);
    let port = served.port;
    let events = Events::open(port, "/ofrep/v1/events", &[]);
    let idle = connect(port);
    let text = request(
        "POST",
        &format!("{EVALUATE}/search"),
        &[],
        r#"{"context":{}}"#,
    );
    let (head, body) = text.split_at(text.len() - 4);
    let mut slow = connect(port);
    slow.write_all(head.as_bytes()).expect("a part");
    // Until its head has been read.
    std::thread::sleep(Duration::from_millis(200));
    served.signal("TERM");
    assert!(events.ends());
    slow.write_all(body.as_bytes()).expect("the rest");
    let answer = answer(&mut BufReader::new(slow)).expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(served.wait(), 0);
    drop(idle);
}
