//! OFREP 0.3: evaluating one flag, and evaluating all of them.

use std::fmt;
use std::marker::PhantomData;

use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::error::Category;

use crate::client::{Context, ErrorCode, Flags};
use crate::eval::{Answer as Evaluated, Reason};

use super::State;
use super::body::{Answer, empty, json, unavailable};

/// The context of a request, as far as flags depend on it.
#[derive(Debug, Default, Deserialize)]
struct Request {
    #[serde(default)]
    context: Option<Object<Given>>,
}

#[derive(Debug, Default, Deserialize)]
struct Given {
    #[serde(default, rename = "targetingKey")]
    targeting_key: Option<Value>,
    #[serde(default)]
    groups: Option<Value>,
}

/// What is an object in JSON. A list of the fields in their order would pass for one otherwise.
#[derive(Debug)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Object<T>, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        from.deserialize_map(Fields(PhantomData))
    }
}

/// Why a request cannot be evaluated at all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    code: &'static str,
    details: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Success<'a> {
    key: &'a str,
    value: &'a Value,
    reason: &'static str,
    variant: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    error_code: &'static str,
    error_details: &'a str,
}

/// An evaluation in either form.
#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<'a> {
    Success(Success<'a>),
    Failure(Failure<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bulk<'a> {
    flags: &'a [Outcome<'a>],
    event_streams: [EventStream<'a>; 1],
}

#[derive(Serialize)]
struct EventStream<'a> {
    r#type: &'static str,
    endpoint: Endpoint<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    request_uri: &'a str,
}

const MALFORMED: &str = "the record of this flag makes no sense";
const NO_USER: &str =
    "the share of users of this flag is below 100 %, so that it takes a targetingKey";

/// Evaluates the flag `key`.
pub(super) fn single(state: &State, key: &str, body: &Bytes) -> Answer {
    let context = match context(body) {
        Ok(context) => context,
        Err(refusal) => return refused(Some(key), &refusal),
    };
    let flags = state.client.flags();
    let outcome = match flags.evaluate(key, &context) {
        Err(ErrorCode::ProviderNotReady) => return not_ready(),
        Err(ErrorCode::FlagNotFound) => {
            state
                .metrics
                .not_found
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let details = "there is no such flag";
            let failure = fails(key, ErrorCode::FlagNotFound.as_str(), details);
            return json(StatusCode::NOT_FOUND, &failure);
        }
        evaluated => outcome(state, key, evaluated),
    };
    let status = match outcome {
        Outcome::Success(_) => StatusCode::OK,
        Outcome::Failure(_) => StatusCode::BAD_REQUEST,
    };
    json(status, &outcome)
}

/// Evaluates every flag. `stream` is where changes can be heard of.
pub(super) fn bulk(state: &State, headers: &HeaderMap, stream: &str, body: &Bytes) -> Answer {
    let context = match context(body) {
        Ok(context) => context,
        Err(refusal) => return refused(None, &refusal),
    };
    let flags = state.client.flags();
    if !flags.is_ready() {
        return not_ready();
    }
    let mut keys: Vec<&str> = flags.iter().map(|flag| flag.key()).collect();
    keys.sort_unstable();
    let outcomes: Vec<Outcome<'_>> = keys
        .into_iter()
        .map(|key| outcome(state, key, flags.evaluate(key, &context)))
        .collect();
    // Over what is said of flags alone: where changes can be heard of is said anew every hour.
    let said = serde_json::to_vec(&outcomes).unwrap_or_default();
    let mut tag = blake3::hash(&said).to_hex();
    tag.truncate(32);
    let tag = format!("\"{tag}\"");
    let mut response = if is_known(headers, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let bulk = Bulk {
            flags: &outcomes,
            event_streams: [EventStream {
                r#type: "sse",
                endpoint: Endpoint {
                    request_uri: stream,
                },
            }],
        };
        json(StatusCode::OK, &bulk)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn outcome<'a>(
    state: &State,
    key: &'a str,
    evaluated: Result<Evaluated<'a>, ErrorCode>,
) -> Outcome<'a> {
    let Ok(answer) = evaluated else {
        state.metrics.evaluated(key, "", Reason::Error);
        return Outcome::Failure(fails(key, ErrorCode::ParseError.as_str(), MALFORMED));
    };
    let variant = variant(&answer);
    state.metrics.evaluated(key, variant, answer.reason());
    // OFREP has no word for a default that the flag gives: what it takes is missing.
    if answer.reason() == Reason::Default {
        return Outcome::Failure(fails(key, "TARGETING_KEY_MISSING", NO_USER));
    }
    Outcome::Success(Success {
        key,
        value: answer.value(),
        reason: answer.reason().as_str(),
        variant,
    })
}

/// Some clients take no answer without a variant, so that a flag without any has two.
fn variant<'a>(answer: &Evaluated<'a>) -> &'a str {
    let plain = match answer.value() {
        Value::Bool(true) => "on",
        _ => "off",
    };
    answer.variant().unwrap_or(plain)
}

fn fails<'a>(key: &'a str, error_code: &'static str, error_details: &'a str) -> Failure<'a> {
    Failure {
        key: Some(key),
        error_code,
        error_details,
    }
}

fn refused(key: Option<&str>, refusal: &Refusal) -> Answer {
    let failure = Failure {
        key,
        error_code: refusal.code,
        error_details: &refusal.details,
    };
    json(StatusCode::BAD_REQUEST, &failure)
}

fn not_ready() -> Answer {
    let soon = HeaderValue::from_static("1");
    unavailable("the flags have not been read yet", soon)
}

/// For a key that no flag can have.
pub(super) fn odd_key(key: &str) -> Answer {
    let failure = fails(
        key,
        ErrorCode::ParseError.as_str(),
        "the flag's key is not UTF-8",
    );
    json(StatusCode::BAD_REQUEST, &failure)
}

/// Whether the client says that it has what `tag` stands for.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).into_iter();
    let tags = tags.filter_map(|tags| tags.to_str().ok());
    tags.flat_map(|tags| tags.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

fn context(body: &[u8]) -> Result<Context, Refusal> {
    let refuse = |code, details: &str| Refusal {
        code,
        details: details.to_owned(),
    };
    let Object(request) = serde_json::from_slice::<Object<Request>>(body).map_err(|error| {
        let code = match error.classify() {
            Category::Data => "INVALID_CONTEXT",
            Category::Io | Category::Syntax | Category::Eof => "PARSE_ERROR",
        };
        refuse(code, &format!("the request makes no sense: {error}"))
    })?;
    let invalid = |details| refuse("INVALID_CONTEXT", details);
    let Object(given) = request
        .context
        .ok_or_else(|| invalid("the request has no `context`"))?;
    let context = match given.targeting_key {
        None => Context::nobody(),
        Some(Value::String(user)) => Context::user(user),
        Some(_) => return Err(invalid("`targetingKey` is not a string")),
    };
    match given.groups {
        None => Ok(context),
        Some(Value::String(group)) => Ok(context.with_group(group)),
        Some(Value::Array(groups)) => {
            let groups: Option<Vec<String>> = groups
                .into_iter()
                .map(|group| match group {
                    Value::String(group) => Some(group),
                    _ => None,
                })
                .collect();
            let groups = groups.ok_or_else(|| invalid("`groups` is not a list of strings"))?;
            Ok(context.with_groups(groups))
        }
        Some(_) => Err(invalid("`groups` is not a list of strings")),
    }
}

/// What the flags are, in a word that is another one once any of them has changed.
pub(super) fn mark(flags: &Flags) -> String {
    format!("{:016x}", flags.mark())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_or_refused() {
        for (body, expected) in [
            (
                r#"{"context":{"targetingKey":"ana"}}"#,
                Ok(Context::user("ana")),
            ),
            (
                r#"{"context":{"targetingKey":"ana","groups":["a","b"],"plan":{"x":[1]}}}"#,
                Ok(Context::user("ana").with_groups(["a", "b"])),
            ),
            (
                r#"{"context":{"groups":"staff"},"more":1}"#,
                Ok(Context::nobody().with_group("staff")),
            ),
            (
                r#"{"context":{"targetingKey":null,"groups":null}}"#,
                Ok(Context::nobody()),
            ),
            (r#"{"context":{"targetingKey":""}}"#, Ok(Context::user(""))),
            ("{}", Err("INVALID_CONTEXT")),
            (r#"{"context":null}"#, Err("INVALID_CONTEXT")),
            (r#"{"context":[]}"#, Err("INVALID_CONTEXT")),
            (r#"{"context":"ana"}"#, Err("INVALID_CONTEXT")),
            (r#"{"context":["ana"]}"#, Err("INVALID_CONTEXT")),
            (r#"[{"targetingKey":"ana"}]"#, Err("INVALID_CONTEXT")),
            (r#"{"context":{"targetingKey":7}}"#, Err("INVALID_CONTEXT")),
            (
                r#"{"context":{"targetingKey":"a","targetingKey":"b"}}"#,
                Err("INVALID_CONTEXT"),
            ),
            (r#"{"context":{"groups":[1]}}"#, Err("INVALID_CONTEXT")),
            (r#"{"context":{"groups":{}}}"#, Err("INVALID_CONTEXT")),
            ("[]", Err("INVALID_CONTEXT")),
            ("", Err("PARSE_ERROR")),
            ("{", Err("PARSE_ERROR")),
            ("ana", Err("PARSE_ERROR")),
            ("\u{0}", Err("PARSE_ERROR")),
        ] {
            let found = context(body.as_bytes()).map_err(|refusal| refusal.code);
            assert_eq!(found, expected, "{body}");
        }
        let deep = format!(r#"{{"context":{{"x":{}"#, "[".repeat(100_000));
        let found = context(deep.as_bytes()).map_err(|refusal| refusal.code);
        assert_eq!(found, Err("PARSE_ERROR"));
    }

    #[test]
    fn tags_are_compared_as_http_has_it() {
        for (known, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("abc", false),
            ("\"ab\"", false),
            ("", false),
        ] {
            let value = HeaderValue::from_str(known).expect("a value");
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            assert_eq!(is_known(&headers, "\"abc\""), expected, "{known}");
        }
    }
}
