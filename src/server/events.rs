//! Event streams: who listens is told that there is something new, and fetches it.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::body::{Answer, Body, empty, unavailable};
use super::{Change, State, ofrep};

/// How often a stream says that it is there. Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a client should wait before it connects anew, in milliseconds.
const RETRY: u32 = 2000;

/// When to ask again for a stream that there is no place for, in seconds.
const LATER: HeaderValue = HeaderValue::from_static("30");

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An event stream as OFREP has it, for somebody whose flags are those of the mark `since`, or of the
/// event that the headers name as the last one. Who has missed something is told at once, and so is who
/// does not say: between what was fetched and the stream something may have changed.
pub(super) fn stream(state: &Arc<State>, headers: &HeaderMap, since: Option<&str>) -> Answer {
    let Ok(place) = Arc::clone(&state.streams).try_acquire_owned() else {
        return unavailable("there are too many event streams", LATER);
    };
    // One piece waits at most: who is slow misses events, and not the last one.
    let (sender, pieces) = mpsc::channel(1);
    let last = headers
        .get(LAST_EVENT_ID)
        .and_then(|id| id.to_str().ok())
        .or(since)
        .map(str::to_owned);
    let feed = feed(Arc::clone(state), last, sender);
    tokio::spawn(async move {
        feed.await;
        drop(place);
    });
    let mut response = empty(StatusCode::OK);
    *response.body_mut() = Body::Stream(pieces);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn feed(state: Arc<State>, last: Option<String>, sender: mpsc::Sender<Bytes>) {
    state.metrics.streams.up();
    let (mut changes, mut closing) = (state.changes.clone(), state.closing.subscribe());
    let fed = tokio::select! {
        fed = follow(&state, last, &mut changes, &sender) => fed,
        _ = closing.wait_for(|closing| *closing) => None,
        () = sender.closed() => None,
    };
    state.metrics.streams.down();
    // Either way it has ended.
    let _ = fed;
}

/// Sends what there is to say, until nobody takes it any more.
async fn follow(
    state: &State,
    last: Option<String>,
    changes: &mut watch::Receiver<Change>,
    sender: &mpsc::Sender<Bytes>,
) -> Option<()> {
    let now = *changes.borrow_and_update();
    let mark = ofrep::mark(&state.client.flags());
    // With an id, so that whoever connects anew can say what it was told, even if that was nothing.
    sender
        .send(format!("retry: {RETRY}\nid: {mark}\n\n").into())
        .await
        .ok()?;
    if last.is_none_or(|last| last != mark) {
        sender.send(event(&now)).await.ok()?;
    }
    let mut silent_until = Instant::now() + KEEP_ALIVE;
    loop {
        tokio::select! {
            changed = changes.changed() => changed.ok()?,
            () = sleep_until(silent_until) => {
                sender.send(Bytes::from_static(b":\n\n")).await.ok()?;
                silent_until = Instant::now() + KEEP_ALIVE;
                continue;
            }
        }
        let change = *changes.borrow_and_update();
        sender.send(event(&change)).await.ok()?;
        silent_until = Instant::now() + KEEP_ALIVE;
    }
}

fn event(change: &Change) -> Bytes {
    let mark = format!("{:016x}", change.mark);
    let at = change.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let data = serde_json::json!({
        "type": "refetchEvaluation",
        "etag": mark,
        "lastModified": at.as_secs(),
    });
    format!("id: {mark}\nevent: message\ndata: {data}\n\n").into()
}
