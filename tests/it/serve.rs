//! `hoist serve`: OFREP, health, metrics, and who may ask.

mod access;
mod hostile;
mod load;
mod stores;

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::cluster::wait_until;
use crate::support::http::{Events, Served, ask};
use crate::support::program::Project;

const EVALUATE: &str = "/ofrep/v1/evaluate/flags";

/// Flags of every kind, one of them with an error in it.
const FLAGS: &str = "flags:
  half: { description: d, owner: o, expires: never, enabled: true, percentage: 50, allowed_groups: [staff] }
  open: { description: d, owner: o, expires: never, enabled: true }
  shut: { description: d, owner: o, expires: never, enabled: false }
  theme:
    description: d
    owner: o
    expires: never
    enabled: true
    variants: { plain: { weight: 50, value: { dark: false } }, night: { weight: 50, value: { dark: true } } }
    control: plain
    forced: { night: [bo] }
  torn: { description: d, owner: o, expires: never, enabled: true, percentage: 500 }
";

fn command(project: &Project, args: &[&str]) -> Command {
    let mut command = project.command(
        &[
            &["serve", "--listen", "127.0.0.1:0", "--today", "2026-11-22"],
            args,
        ]
        .concat(),
    );
    command.stderr(Stdio::null());
    command
}

fn serve(project: &Project, args: &[&str]) -> Served {
    Served::start(command(project, args))
}

#[test]
fn every_request_has_an_answer_of_its_shape() {
    let project = Project::with_flags(FLAGS);
    let served = serve(&project, &["--files"]);
    assert!(
        served
            .said
            .starts_with("Serving development by the flag files on http://127.0.0.1:")
    );
    let ana = r#"{"context":{"targetingKey":"ana"}}"#;
    let cases: &[(&str, &str, u16, Value)] = &[
        (
            "open",
            ana,
            200,
            json!({"key": "open", "value": true, "reason": "STATIC", "variant": "on"}),
        ),
        (
            "shut",
            ana,
            200,
            json!({"key": "shut", "value": false, "reason": "DISABLED", "variant": "off"}),
        ),
        (
            "half",
            r#"{"context":{"targetingKey":"x","groups":["staff"],"plan":{"of":["any",1]}}}"#,
            200,
            json!({"key": "half", "value": true, "reason": "TARGETING_MATCH", "variant": "on"}),
        ),
        (
            "theme",
            r#"{"context":{"targetingKey":"bo"}}"#,
            200,
            json!({"key": "theme", "value": {"dark": true}, "reason": "TARGETING_MATCH", "variant": "night"}),
        ),
        (
            "open",
            r#"{"context":{}}"#,
            200,
            json!({"key": "open", "value": true, "reason": "STATIC", "variant": "on"}),
        ),
        (
            "half",
            r#"{"context":{}}"#,
            400,
            json!({"key": "half", "errorCode": "TARGETING_KEY_MISSING"}),
        ),
        (
            "theme",
            r#"{"context":{"groups":["x"]}}"#,
            400,
            json!({"key": "theme", "errorCode": "TARGETING_KEY_MISSING"}),
        ),
        (
            "torn",
            ana,
            400,
            json!({"key": "torn", "errorCode": "PARSE_ERROR"}),
        ),
        (
            "absent",
            ana,
            404,
            json!({"key": "absent", "errorCode": "FLAG_NOT_FOUND"}),
        ),
        (
            "%22%3Cb%3E%0A",
            ana,
            404,
            json!({"key": "\"<b>\n", "errorCode": "FLAG_NOT_FOUND"}),
        ),
        (
            "%ff",
            ana,
            400,
            json!({"key": "%ff", "errorCode": "PARSE_ERROR"}),
        ),
        (
            "open",
            r#"{"context":{"targetingKey":7}}"#,
            400,
            json!({"key": "open", "errorCode": "INVALID_CONTEXT"}),
        ),
        (
            "open",
            "{}",
            400,
            json!({"key": "open", "errorCode": "INVALID_CONTEXT"}),
        ),
        (
            "open",
            "{",
            400,
            json!({"key": "open", "errorCode": "PARSE_ERROR"}),
        ),
        (
            "open",
            "",
            400,
            json!({"key": "open", "errorCode": "PARSE_ERROR"}),
        ),
    ];
    for (flag, body, status, expected) in cases {
        let answer = served.post(&format!("{EVALUATE}/{flag}"), body);
        assert_eq!(answer.status, *status, "{flag} {body}: {answer:#?}");
        assert_eq!(answer.header("content-type"), "application/json");
        let mut json = answer.json();
        let details = json
            .as_object_mut()
            .expect("an object")
            .remove("errorDetails");
        assert_eq!(details.is_some(), *status != 200, "{flag} {body}");
        assert_eq!(&json, expected, "{flag} {body}");
    }
    for (method, path, status) in [
        ("GET", "/ofrep/v1/evaluate/flags/open", 405),
        ("PUT", "/ofrep/v1/evaluate/flags", 405),
        ("POST", "/healthz", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/ofrep/v1/configuration", 404),
        ("POST", "/ofrep/v1/evaluate/flags/a/b", 404),
    ] {
        let answer = ask(served.port, method, path, &[], ana);
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json()["errorDetails"].is_string(), "{answer:#?}");
    }
}

#[test]
fn all_flags_at_once_and_not_again_while_they_are_the_same() {
    let project = Project::with_flags(FLAGS);
    let served = serve(&project, &["--files", "--watch"]);
    let bulk = |tag: &str, user: &str| {
        let body = json!({"context": {"targetingKey": user}}).to_string();
        ask(
            served.port,
            "POST",
            EVALUATE,
            &[("if-none-match", tag)],
            &body,
        )
    };
    let first = bulk("\"none\"", "bo");
    assert_eq!(first.status, 200);
    let json = first.json();
    let keys: Vec<&str> = json["flags"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|flag| flag["key"].as_str().expect("a key"))
        .collect();
    assert_eq!(keys, ["half", "open", "shut", "theme", "torn"]);
    assert_eq!(json["flags"][3]["variant"], "night");
    assert_eq!(json["flags"][4]["errorCode"], "PARSE_ERROR");
    let stream = json!([{"type": "sse", "endpoint": {"requestUri": "/ofrep/v1/events"}}]);
    assert_eq!(json["eventStreams"], stream);
    let tag = first.header("etag").to_owned();
    let again = bulk(&tag, "bo");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    assert_eq!(
        bulk(&tag, "ana").status,
        200,
        "somebody else gets something else"
    );
    let body = format!("{{{}", " ".repeat(10));
    let torn = ask(served.port, "POST", EVALUATE, &[], &body);
    assert_eq!(torn.status, 400);
    assert_eq!(torn.json()["errorCode"], "PARSE_ERROR");
    assert!(torn.json().get("key").is_none());

    let mut events = Events::open(served.port, "/ofrep/v1/events", &[]);
    // Since the flags were fetched, something may have changed.
    let (before, _) = events.next().expect("an event");
    project.write(
        "flags/flags.yaml",
        FLAGS.replace("forced: { night: [bo] }", "forced: { plain: [bo] }"),
    );
    let (id, data) = events.next().expect("an event");
    assert_eq!(data["type"], "refetchEvaluation");
    assert_eq!(data["etag"], id.as_str());
    assert_ne!(id, before);
    assert!(data["lastModified"].as_u64().expect("a time") > 1_700_000_000);
    let changed = ask(
        served.port,
        "POST",
        &format!("{EVALUATE}?flagConfigEtag={id}&flagConfigLastModified=1"),
        &[("if-none-match", &tag)],
        r#"{"context":{"targetingKey":"bo"}}"#,
    );
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["flags"][3]["variant"], "plain");
    // Who has missed an event is told at once, and who has not is not.
    let mut late = Events::open(served.port, "/ofrep/v1/events", &[("last-event-id", "0")]);
    assert_eq!(late.next().expect("an event").0, id);
    let since = format!("/ofrep/v1/events?since={id}");
    let known = [("last-event-id", id.as_str())];
    let mut current = [
        Events::open(served.port, "/ofrep/v1/events", &known),
        Events::open(served.port, &since, &[]),
    ];
    project.write("flags/flags.yaml", FLAGS);
    for current in &mut current {
        assert_ne!(current.next().expect("an event").0, id);
    }
    // The last event that came counts for more than where the stream began.
    let mut late = Events::open(served.port, &since, &[("last-event-id", "0")]);
    assert_eq!(late.next().expect("an event").0, before);
}

#[test]
fn files_that_break_and_are_mended() {
    let project = Project::with_flags(FLAGS);
    let served = serve(&project, &["--files", "--watch"]);
    let value = |flag: &str| served.evaluate(flag, "ana")["value"].clone();
    project.write("flags/more.yaml", "flags:\n  added: { enabled: true }\n");
    wait_until("it is there", || value("added") == true);
    project.write("hoist.toml", "[environments.other]\n");
    wait_until("it is noticed", || {
        served.get("/readyz").json()["state"] == "stale"
    });
    assert_eq!(value("added"), true, "as before");
    project.write("hoist.toml", "");
    wait_until("it is mended", || {
        served.get("/readyz").json()["state"] == "ready"
    });
    project.write("flags/more.yaml", "flags:\n  added: { enabled: false }\n");
    wait_until("it is read again", || value("added") == false);
}

#[test]
fn numbers_for_prometheus() {
    let project = Project::with_flags(FLAGS);
    let served = serve(&project, &["--files"]);
    for _ in 0..3 {
        served.evaluate("theme", "bo");
    }
    served.evaluate("torn", "bo");
    served.evaluate("absent", "bo");
    let answer = served.get("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    for line in [
        r#"hoist_evaluations_total{flag="theme",variant="night",reason="TARGETING_MATCH"} 3"#,
        r#"hoist_evaluations_total{flag="torn",variant="",reason="ERROR"} 1"#,
        "hoist_evaluations_not_found_total 1",
        r#"hoist_http_requests_total{endpoint="evaluate",status="2xx"} 3"#,
        r#"hoist_http_requests_total{endpoint="evaluate",status="4xx"} 2"#,
        r#"hoist_http_request_duration_seconds_count{endpoint="evaluate"} 5"#,
        r#"hoist_store_state{state="ready"} 1"#,
        "hoist_flags 5",
        "hoist_flags_malformed 1",
        "hoist_generation 1",
    ] {
        assert!(
            answer.body.lines().any(|found| found == line),
            "{line} in {}",
            answer.body
        );
    }
    // Those before may not be closed yet.
    wait_until("the connections are counted", || {
        let metrics = served.get("/metrics").body;
        metrics.lines().any(|line| line == "hoist_connections 1")
    });
    assert!(
        !answer.body.contains("absent"),
        "nobody who asks adds names"
    );
}

#[test]
fn what_cannot_be_served() {
    let project = Project::with_flags(FLAGS);
    project.write("tokens", "short");
    for (args, message) in [
        (
            &["--listen", "192.0.2.1:1"][..],
            "cannot listen at 192.0.2.1:1",
        ),
        (&["--files", "--tokens", "tokens"], "nobody could be let in"),
        (
            &["--files", "--tokens", "absent"],
            "cannot read the tokens in `absent`",
        ),
        (
            &["--files", "--cors-origin", "*"],
            "`*` is not the origin of a site",
        ),
        (
            &["--files", "--tls-cert", "tokens", "--tls-key", "tokens"],
            "there is no certificate in it",
        ),
        (&["--files", "--tls-cert", "tokens"], "--tls-key"),
        (&["--watch"], "--files"),
        (&["--store", "redsi://localhost"], "is not a kind of store"),
        (&["--env", "nowhere"], "nowhere"),
    ] {
        let run = project.expect(2, &[&["serve"], args].concat());
        assert!(run.stderr.contains(message), "{message}: {run:#?}");
        assert_eq!(run.stdout, "");
    }
}
