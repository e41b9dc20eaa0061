//! What is sent back.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

/// The body of a response.
pub(super) enum Body {
    /// All of it, until it was sent.
    Whole(Option<Bytes>),
    /// Pieces as they come.
    Stream(mpsc::Receiver<Bytes>),
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Stream(pieces) => pieces.poll_recv(context),
        };
        piece.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

pub(super) type Answer = Response<Body>;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A response of this type.
pub(super) fn answer(status: StatusCode, kind: HeaderValue, bytes: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Body::Whole(Some(bytes.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A response with nothing in it.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut response = Response::new(Body::Whole(None));
    *response.status_mut() = status;
    response
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    // Plain data with strings for keys: it always serialises.
    answer(status, JSON, serde_json::to_vec(body).unwrap_or_default())
}

/// An answer that there is none now, and after how many seconds to ask again.
pub(super) fn unavailable(details: &str, later: HeaderValue) -> Answer {
    let mut response = failure(StatusCode::SERVICE_UNAVAILABLE, details);
    response.headers_mut().insert(header::RETRY_AFTER, later);
    response
}

/// What OFREP has for errors that are about no flag.
pub(super) fn failure(status: StatusCode, details: &str) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure<'d> {
        error_details: &'d str,
    }
    json(
        status,
        &Failure {
            error_details: details,
        },
    )
}
