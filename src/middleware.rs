//! Flags for the handlers of a web application: a layer for `tower`, and an extractor for `axum`.
//!
//! The layer finds out who asks, by headers or by a function of yours, and puts [`RequestFlags`] into
//! the request: every flag as of its beginning, for that user.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use hoist::client::Client;
//! use hoist::middleware::{FlagsLayer, RequestFlags};
//!
//! async fn search(flags: RequestFlags) -> &'static str {
//!     if flags.is_enabled("new_search") { "new" } else { "old" }
//! }
//!
//! # fn main() -> Result<(), hoist::client::Error> {
//! let client = Client::connect("redis://localhost:6379")?;
//! let app: Router = Router::new()
//!     .route("/search", get(search))
//!     .layer(FlagsLayer::new(client));
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;
use std::task;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde_json::Value;
use tower::{Layer, Service};

use crate::client::{Client, Context, Details, Flags};

/// The header that names the user.
pub const USER: &str = "x-user-id";
/// The header that names the user's groups, separated by commas. May be there several times.
pub const GROUPS: &str = "x-user-groups";

/// Who asks, by [`USER`] and [`GROUPS`]. Whoever may send these headers may be anybody: take them from
/// a gateway that sets them, and that lets none through from outside.
///
/// Both are read as UTF-8, as everywhere: what is anything else counts as missing. Groups are trimmed, and
/// empty ones left out.
#[must_use]
pub fn context_of_headers(headers: &HeaderMap) -> Context {
    let user = headers.get(USER).and_then(text);
    let groups = headers.get_all(GROUPS).into_iter();
    let groups = groups
        .filter_map(text)
        .flat_map(|groups| groups.split(','))
        .map(str::trim)
        .filter(|group| !group.is_empty());
    let context = match user.map(str::trim).filter(|user| !user.is_empty()) {
        Some(user) => Context::user(user),
        None => Context::nobody(),
    };
    context.with_groups(groups)
}

fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

/// The flags of one request: all of them as of its beginning, for the user who asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestFlags(Arc<(Arc<Flags>, Context)>);

impl RequestFlags {
    fn new(flags: Arc<Flags>, context: Context) -> Self {
        Self(Arc::new((flags, context)))
    }

    /// Every flag, for other users too.
    #[must_use]
    pub fn all(&self) -> &Flags {
        &self.0.0
    }

    /// Who asks.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.0.1
    }

    /// Whether the flag is on; false where it gives no boolean.
    #[must_use]
    pub fn is_enabled(&self, key: &str) -> bool {
        self.all().is_enabled(key, self.context())
    }

    #[must_use]
    pub fn boolean(&self, key: &str, default: bool) -> bool {
        self.all().boolean(key, default, self.context())
    }

    #[must_use]
    pub fn string<'f>(&'f self, key: &str, default: &'f str) -> &'f str {
        self.all().string(key, default, self.context())
    }

    #[must_use]
    pub fn integer(&self, key: &str, default: i64) -> i64 {
        self.all().integer(key, default, self.context())
    }

    #[must_use]
    pub fn float(&self, key: &str, default: f64) -> f64 {
        self.all().float(key, default, self.context())
    }

    #[must_use]
    pub fn object<'f>(&'f self, key: &str, default: &'f Value) -> &'f Value {
        self.all().object(key, default, self.context())
    }

    /// A string with how it came about; other types by [`RequestFlags::all`].
    #[must_use]
    pub fn string_details<'f>(&'f self, key: &str, default: &'f str) -> Details<'f, &'f str> {
        self.all().string_details(key, default, self.context())
    }
}

/// Without the layer around the handler there are no flags: 500, and a word to whoever wrote that.
impl<S: Sync> FromRequestParts<S> for RequestFlags {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or((
            StatusCode::INTERNAL_SERVER_ERROR,
            "this route is not behind a FlagsLayer of hoist",
        ))
    }
}

/// Finds out who asks.
pub type ContextOf = dyn Fn(&Parts) -> Context + Send + Sync;

/// Puts [`RequestFlags`] into every request.
#[derive(Clone)]
pub struct FlagsLayer {
    client: Client,
    context_of: Arc<ContextOf>,
}

impl FlagsLayer {
    /// Takes user and groups from headers, as [`context_of_headers`] does.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with(client, |request| context_of_headers(&request.headers))
    }

    /// Takes them from what `context_of` makes of the head of a request: of a token in its headers, or
    /// of a session that another layer has put into its extensions.
    #[must_use]
    pub fn with(
        client: Client,
        context_of: impl Fn(&Parts) -> Context + Send + Sync + 'static,
    ) -> Self {
        Self {
            client,
            context_of: Arc::new(context_of),
        }
    }
}

impl<S> Layer<S> for FlagsLayer {
    type Service = WithFlags<S>;

    fn layer(&self, inner: S) -> WithFlags<S> {
        WithFlags {
            inner,
            layer: self.clone(),
        }
    }
}

/// What [`FlagsLayer`] makes of a service.
#[derive(Clone)]
pub struct WithFlags<S> {
    inner: S,
    layer: FlagsLayer,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithFlags<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut head, body) = request.into_parts();
        let context = (self.layer.context_of)(&head);
        let flags = RequestFlags::new(self.layer.client.flags(), context);
        head.extensions.insert(flags);
        self.inner.call(Request::from_parts(head, body))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use super::*;
    use crate::client::Builder;
    use crate::record::Record;

    /// Gives back the flags that it was called with.
    struct Inner;

    impl Service<Request<()>> for Inner {
        type Response = Option<RequestFlags>;
        type Error = Infallible;
        type Future = Ready<Result<Option<RequestFlags>, Infallible>>;

        fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
            task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<()>) -> Self::Future {
            ready(Ok(request.extensions().get().cloned()))
        }
    }

    #[test]
    fn a_function_says_who_asks() {
        let (client, feed) = Builder::new("").fed();
        let record = br#"{"type":"boolean","enabled":true,"percentage":0,"allowed_users":["ana"]}"#;
        let record = Record::parse(record).expect("a record");
        feed.set([("switch".to_owned(), Ok(record))]);
        let layer = FlagsLayer::with(client, |head| match head.extensions.get::<&str>() {
            Some(session) => Context::user(*session),
            None => Context::nobody(),
        });
        for (session, is_on) in [(Some("ana"), true), (Some("bo"), false), (None, false)] {
            let mut request = Request::new(());
            if let Some(session) = session {
                request.extensions_mut().insert(session);
            }
            let flags = layer.layer(Inner).call(request).into_inner();
            let flags = flags.expect("an answer").expect("flags");
            assert_eq!(flags.is_enabled("switch"), is_on, "{session:?}");
            assert_eq!(flags.context().user_id(), session);
        }
    }

    #[test]
    fn headers_say_who_asks() {
        let context = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().expect("a value"));
            }
            context_of_headers(&map)
        };
        for (headers, expected) in [
            (&[][..], Context::nobody()),
            (&[(USER, "ana")], Context::user("ana")),
            (&[(USER, " ")], Context::nobody()),
            (
                &[(USER, "ana"), (GROUPS, "staff, beta,,")],
                Context::user("ana").with_groups(["staff", "beta"]),
            ),
            (
                &[(GROUPS, "a"), (GROUPS, "b")],
                Context::nobody().with_groups(["a", "b"]),
            ),
            (
                &[(USER, "zwölf"), (GROUPS, "büro, staff")],
                Context::user("zwölf").with_groups(["büro", "staff"]),
            ),
        ] {
            assert_eq!(context(headers), expected, "{headers:?}");
        }
        let mut latin = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"zw\xf6lf").expect("a value");
        latin.append(USER, value.clone());
        latin.append(GROUPS, value);
        latin.append(GROUPS, HeaderValue::from_static("staff"));
        let expected = Context::nobody().with_group("staff");
        assert_eq!(context_of_headers(&latin), expected);
    }
}
