//! From a request to its answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Method, Request, StatusCode};
use serde::Serialize;
use tokio::time::timeout;

use super::access::Tokens;
use super::body::{Answer, TEXT, answer as plain, empty, failure, json};
use super::metrics::Endpoint;
use super::page::{self, Part};
use super::{State, events, ofrep};
use crate::client;

const BULK: &str = "/ofrep/v1/evaluate/flags";
const EVENTS: &str = "/ofrep/v1/events";

/// Headers that scripts of other sites may send, and may read.
const SENT: &str = "authorization, content-type, if-none-match, last-event-id, x-api-key";
const READ: &str = "etag, retry-after";

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
enum Target<'p> {
    Flag(&'p str),
    Bulk,
    Events,
    Alive,
    Ready,
    Metrics,
    Page(Part<'p>),
    Nothing,
}

impl<'p> Target<'p> {
    fn of(path: &'p str) -> Self {
        if let Some(rest) = path.strip_prefix(BULK) {
            return match rest.strip_prefix('/') {
                None if rest.is_empty() => Self::Bulk,
                Some("") => Self::Bulk,
                Some(key) if !key.contains('/') => Self::Flag(key),
                _ => Self::Nothing,
            };
        }
        match path {
            EVENTS => Self::Events,
            "/healthz" => Self::Alive,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            _ => Part::of(path).map_or(Self::Nothing, Self::Page),
        }
    }

    fn endpoint(&self) -> Endpoint {
        match self {
            Self::Flag(_) => Endpoint::Evaluate,
            Self::Bulk => Endpoint::Bulk,
            Self::Events => Endpoint::Events,
            Self::Alive | Self::Ready => Endpoint::Health,
            Self::Metrics => Endpoint::Metrics,
            Self::Page(_) => Endpoint::Page,
            Self::Nothing => Endpoint::Other,
        }
    }

    /// Whether only those may ask who show a token, where there are tokens.
    fn is_guarded(&self) -> bool {
        !matches!(self, Self::Alive | Self::Ready)
    }

    fn takes(&self, method: &Method) -> bool {
        match self {
            Self::Flag(_) | Self::Bulk => method == Method::POST,
            _ => method == Method::GET || method == Method::HEAD,
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Flag(_) | Self::Bulk => "POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

pub(super) async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Answer {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let target = Target::of(head.uri.path());
    let asked = Asked {
        method: &head.method,
        headers: &head.headers,
        query: head.uri.query().unwrap_or_default(),
    };
    let mut answer = respond(state, &target, &asked, body).await;
    share(state, &head.headers, &mut answer);
    let endpoint = target.endpoint();
    state
        .metrics
        .answered(endpoint, answer.status(), began.elapsed());
    answer
}

struct Asked<'r> {
    method: &'r Method,
    headers: &'r HeaderMap,
    query: &'r str,
}

async fn respond(
    state: &Arc<State>,
    target: &Target<'_>,
    asked: &Asked<'_>,
    body: Incoming,
) -> Answer {
    if *asked.method == Method::OPTIONS {
        return preflight(state, target, asked);
    }
    let shown = match admit(state, target, asked) {
        Ok(shown) => shown,
        Err(refused) => return *refused,
    };
    if *target == Target::Nothing {
        return failure(StatusCode::NOT_FOUND, "there is nothing at this path");
    }
    if !target.takes(asked.method) {
        let mut answer = failure(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path takes another method",
        );
        let allowed = HeaderValue::from_static(target.methods());
        answer.headers_mut().insert(header::ALLOW, allowed);
        return answer;
    }
    match target {
        Target::Flag(key) => match (read(state, asked, body).await, decoded(key)) {
            (Ok(body), Some(key)) => ofrep::single(state, &key, &body),
            (Ok(_), None) => ofrep::odd_key(key),
            (Err(refused), _) => refused,
        },
        Target::Bulk => match read(state, asked, body).await {
            Ok(body) => ofrep::bulk(state, asked.headers, &stream_path(shown), &body),
            Err(refused) => refused,
        },
        Target::Events => events::stream(state, asked.headers, parameter(asked.query, "since")),
        Target::Alive => plain(StatusCode::OK, TEXT, "ok\n"),
        Target::Ready => ready(state),
        Target::Metrics => plain(StatusCode::OK, TEXT, state.metrics.text(&state.client)),
        Target::Page(part) => page::show(state, *part, asked.query).await,
        Target::Nothing => empty(StatusCode::NOT_FOUND),
    }
}

/// Lets a request in, with the hash of the token that it shows, or refuses it.
fn admit(
    state: &State,
    target: &Target<'_>,
    asked: &Asked<'_>,
) -> Result<Option<[u8; 32]>, Box<Answer>> {
    let Some(tokens) = state
        .options
        .tokens
        .as_ref()
        .filter(|_| target.is_guarded())
    else {
        return Ok(None);
    };
    if let Some(hash) = tokens.shown(asked.headers) {
        return Ok(Some(hash));
    }
    let ticket = parameter(asked.query, "ticket");
    if *target == Target::Events
        && ticket.is_some_and(|ticket| tokens.takes(ticket, SystemTime::now()))
    {
        return Ok(None);
    }
    let mut refused = failure(
        StatusCode::UNAUTHORIZED,
        "a known token is needed: `Authorization: Bearer TOKEN`",
    );
    // A browser asks for a password where that is what it may send.
    let scheme = HeaderValue::from_static(match target {
        Target::Page(_) => {
            "Basic realm=\"hoist, with a token for the password\", charset=\"UTF-8\""
        }
        _ => "Bearer realm=\"hoist\"",
    });
    refused
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    Err(Box::new(refused))
}

/// Where changes can be heard of, for somebody who has shown a token or needs none.
fn stream_path(shown: Option<[u8; 32]>) -> String {
    match shown {
        Some(hash) => format!(
            "{EVENTS}?ticket={}",
            Tokens::ticket(&hash, SystemTime::now())
        ),
        None => EVENTS.to_owned(),
    }
}

/// What a browser asks before it lets a script of another site ask.
fn preflight(state: &State, target: &Target<'_>, asked: &Asked<'_>) -> Answer {
    let mut answer = empty(StatusCode::NO_CONTENT);
    let headers = answer.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(target.methods()));
    if state.options.origins.of(asked.headers).is_some() {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, target.methods()),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}

/// Lets scripts of known sites read the answer.
fn share(state: &State, headers: &HeaderMap, answer: &mut Answer) {
    let options = &state.options;
    if options.origins.is_empty() {
        return;
    }
    let ours = answer.headers_mut();
    ours.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = options.origins.of(headers) {
        ours.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let read = HeaderValue::from_static(READ);
        ours.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, read);
    }
}

/// Reads the body of a request, within limits of size and time.
async fn read(state: &State, asked: &Asked<'_>, body: Incoming) -> Result<Bytes, Answer> {
    let limits = &state.options.limits;
    let too_large = || {
        let most = limits.body_bytes;
        let details = format!("the request is larger than {most} bytes");
        failure(StatusCode::PAYLOAD_TOO_LARGE, &details)
    };
    let length = asked.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.body_bytes) {
        return Err(too_large());
    }
    match timeout(limits.body, Limited::new(body, limits.body_bytes).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(failure(
            StatusCode::BAD_REQUEST,
            "the request did not arrive whole",
        )),
        Err(_) => Err(failure(
            StatusCode::REQUEST_TIMEOUT,
            "the request took too long to arrive",
        )),
    }
}

fn ready(state: &State) -> Answer {
    #[derive(Serialize)]
    struct Ready {
        state: &'static str,
        generation: u64,
        flags: usize,
    }
    let (status, name) = match state.client.state() {
        client::State::Ready => (StatusCode::OK, "ready"),
        // It answers, and that is what is asked here.
        client::State::Stale { .. } => (StatusCode::OK, "stale"),
        client::State::NotReady { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not-ready"),
    };
    let flags = state.client.flags();
    let ready = Ready {
        state: name,
        generation: flags.generation(),
        flags: flags.len(),
    };
    json(status, &ready)
}

/// The first parameter of this name in a query, as it stands there.
fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    })
}

/// A part of a path with its percent signs resolved; none where that is not UTF-8.
pub(super) fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind
            .get(..2)
            .filter(|code| *first == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_should() {
        for (path, target) in [
            ("/ofrep/v1/evaluate/flags", Target::Bulk),
            ("/ofrep/v1/evaluate/flags/", Target::Bulk),
            ("/ofrep/v1/evaluate/flags/a.b-c", Target::Flag("a.b-c")),
            ("/ofrep/v1/evaluate/flags/a/b", Target::Nothing),
            ("/ofrep/v1/evaluate/flagsx", Target::Nothing),
            ("/ofrep/v1/events", Target::Events),
            ("/healthz", Target::Alive),
            ("/nowhere", Target::Nothing),
        ] {
            assert_eq!(Target::of(path), target, "{path}");
        }
    }

    #[test]
    fn percent_signs_are_resolved() {
        for (part, expected) in [
            ("a", Some("a")),
            ("a%20b", Some("a b")),
            ("%C3%BC", Some("ü")),
            ("%2F", Some("/")),
            ("100%", Some("100%")),
            ("%zz%4", Some("%zz%4")),
            ("%+1", Some("%+1")),
            ("%ff", None),
        ] {
            assert_eq!(decoded(part).as_deref(), expected, "{part}");
        }
    }
}
