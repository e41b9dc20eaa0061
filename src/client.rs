//! Flags for an application: a copy of a store's records in memory that is always up to date.
//!
//! A [`Client`] reads the store once, and then hears of every change. Answers come from memory, with no
//! lock and no allocation on the way, whether or not the store can be reached. A client needs no async
//! runtime: one thread of its own does the reading.
//!
//! ```no_run
//! use hoist::client::{Client, Context};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("redis://localhost:6379")?;
//! client.wait_ready(Duration::from_secs(2))?;
//!
//! let ana = Context::user("ana").with_group("employees");
//! if client.is_enabled("new_search", &ana) {
//!     // …
//! }
//! // All that one request asks, as of one moment:
//! let flags = client.flags();
//! let page = flags.string("pricing_page", "control", &ana);
//! # Ok(())
//! # }
//! ```
//!
//! Changes that hoist commits are there within milliseconds. What another program writes to a record
//! that the client knows is found by looking, every 30 seconds unless set otherwise
//! ([`Builder::check_every`]), and a record that another program creates with every tenth look.

mod context;
mod details;
mod events;
mod flags;
mod state;
mod sync;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::eval::Malformed;
use crate::record::Record;
use crate::store::{self, Options, TlsFiles};

pub use context::Context;
pub use details::{Details, ErrorCode};
pub use flags::{Flag, Flags};
pub use state::State;

use events::Events;
use state::{OnChange, Shared};
use sync::Sync;

/// Flags for an application. Cheap to clone; clones share everything. The thread behind it ends with
/// the last of them.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What can be seen from the URL and the prefix.
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// The store was not read in time.
#[derive(Debug, thiserror::Error)]
#[error("no flags within {} s{}", .after.as_secs_f64(), .error.as_deref().map(|error| format!(": {error}")).unwrap_or_default())]
pub struct NotReady {
    pub after: Duration,
    /// What keeps the store from being read, if anything has failed yet.
    pub error: Option<String>,
}

/// How a client is to be.
#[must_use]
pub struct Builder {
    url: String,
    prefix: String,
    options: Options,
    every: Duration,
    share: f64,
    on_change: OnChange,
}

impl Builder {
    /// For the store at `url`, written as for `hoist --store`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "ff".to_owned(),
            options: Options::default(),
            every: Duration::from_secs(30),
            share: 0.0,
            on_change: Box::new(|_| ()),
        }
    }

    /// What records' keys begin with; `ff` unless set.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How to reach the store, in full.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How long a store may take to answer; 10 seconds unless set. Nobody who asks for a flag waits for
    /// that.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self.options.connect_timeout = self.options.connect_timeout.min(timeout);
        self
    }

    /// PEM files for a store with TLS.
    pub fn tls(mut self, files: TlsFiles) -> Self {
        self.options.tls = files;
        self
    }

    /// Where the relative path of a `sqlite:` URL starts from; the current directory unless set.
    pub fn base(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.base = folder.into();
        self
    }

    /// How long between two looks for changes that nobody announces; 30 seconds unless set.
    pub fn check_every(mut self, time: Duration) -> Self {
        self.every = time.max(Duration::from_millis(10));
        self
    }

    /// Sends an event of `tracing` for this share of all evaluations, from 0, for none, to 1; none
    /// unless set. Events have the target `hoist::evaluation` and the level INFO; their names and
    /// fields are those that OpenTelemetry has for feature flags. They hold the id of the user.
    pub fn log_evaluations(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Called with the new flags whenever they have changed, by the thread that reads the store.
    pub fn on_change(
        mut self,
        told: impl Fn(&Arc<Flags>) + Send + std::marker::Sync + 'static,
    ) -> Self {
        self.on_change = Box::new(told);
        self
    }

    /// Starts to read the store, and does not wait for it: a store that cannot be reached is one that
    /// is away.
    ///
    /// # Errors
    /// Where the URL or the prefix cannot be right, or the system gives no thread.
    pub fn connect(self) -> Result<Client, Error> {
        let store = store::open(&self.url, &self.prefix, &self.options)?;
        let listener = store::listen(&self.url, &self.prefix, &self.options)?;
        let every = self.every;
        let client = self.unconnected();
        let sync = Sync {
            store,
            listener,
            shared: Arc::downgrade(&client.shared),
            every,
            heard: 0,
        };
        thread::Builder::new()
            .name("hoist-client".to_owned())
            .spawn(move || sync.run())
            .map_err(Error::Thread)?;
        Ok(client)
    }

    /// A client of no store: it answers from the flags that it is fed with.
    pub fn fed(self) -> (Client, Feed) {
        let client = self.unconnected();
        let feed = Feed {
            shared: Arc::clone(&client.shared),
        };
        (client, feed)
    }

    fn unconnected(self) -> Client {
        let flags = Flags::unread(Arc::new(Events::new(self.share)));
        Client {
            shared: Arc::new(Shared::new(flags, self.on_change)),
        }
    }
}

/// Where the flags of a client without a store come from: files, or a test.
pub struct Feed {
    shared: Arc<Shared>,
}

impl Feed {
    /// All flags from now on: keys, each with its record, or with what is wrong with it.
    pub fn set(&self, records: impl IntoIterator<Item = (String, Result<Record, Malformed>)>) {
        let flags = records.into_iter();
        let flags = flags.map(|(key, record)| Arc::new(Flag::of_record(key.into(), record)));
        sync::replace(&self.shared, flags.collect());
    }

    /// Says that those that were set last are still the flags.
    pub fn confirm(&self) {
        self.shared.confirm();
    }

    /// Says that there are none to be had at the moment, and why.
    pub fn fail(&self, error: impl Into<String>) {
        self.shared.fail(error.into());
    }
}

impl Client {
    /// A client of the store at `url`, below the prefix `ff`.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub fn connect(url: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).connect()
    }

    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url)
    }

    /// How the client stands with its store.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// When the flags were last known to be those of the store.
    #[must_use]
    pub fn confirmed(&self) -> Option<SystemTime> {
        self.shared.confirmed()
    }

    /// Waits until the store has been read once.
    ///
    /// # Errors
    /// Where that takes longer than `timeout`. The client goes on trying.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), NotReady> {
        let ready = self.shared.wait_ready(timeout);
        ready.map_err(|error| NotReady {
            after: timeout,
            error,
        })
    }

    /// Every flag as of now. Hold on to it for as long as answers have to fit together, and not longer.
    #[must_use]
    #[inline]
    pub fn flags(&self) -> Arc<Flags> {
        self.shared.flags.load_full()
    }

    /// [`Flags::is_enabled`] as of now.
    #[must_use]
    #[inline]
    pub fn is_enabled(&self, key: &str, context: &Context) -> bool {
        self.shared.flags.load().is_enabled(key, context)
    }

    /// [`Flags::boolean`] as of now.
    #[must_use]
    #[inline]
    pub fn boolean(&self, key: &str, default: bool, context: &Context) -> bool {
        self.shared.flags.load().boolean(key, default, context)
    }

    /// [`Flags::integer`] as of now.
    #[must_use]
    #[inline]
    pub fn integer(&self, key: &str, default: i64, context: &Context) -> i64 {
        self.shared.flags.load().integer(key, default, context)
    }

    /// [`Flags::float`] as of now.
    #[must_use]
    #[inline]
    pub fn float(&self, key: &str, default: f64, context: &Context) -> f64 {
        self.shared.flags.load().float(key, default, context)
    }

    /// [`Flags::string`] as of now. It is copied; [`Client::flags`] lends it.
    #[must_use]
    pub fn string(&self, key: &str, default: &str, context: &Context) -> String {
        self.shared
            .flags
            .load()
            .string(key, default, context)
            .to_owned()
    }

    /// [`Flags::object`] as of now. It is copied; [`Client::flags`] lends it.
    #[must_use]
    pub fn object(&self, key: &str, default: &Value, context: &Context) -> Value {
        self.shared
            .flags
            .load()
            .object(key, default, context)
            .clone()
    }

    #[must_use]
    pub fn boolean_details(
        &self,
        key: &str,
        default: bool,
        context: &Context,
    ) -> Details<'static, bool> {
        self.shared
            .flags
            .load()
            .boolean_details(key, default, context)
            .map(|value| value)
    }

    #[must_use]
    pub fn integer_details(
        &self,
        key: &str,
        default: i64,
        context: &Context,
    ) -> Details<'static, i64> {
        self.shared
            .flags
            .load()
            .integer_details(key, default, context)
            .map(|value| value)
    }

    #[must_use]
    pub fn float_details(
        &self,
        key: &str,
        default: f64,
        context: &Context,
    ) -> Details<'static, f64> {
        self.shared
            .flags
            .load()
            .float_details(key, default, context)
            .map(|value| value)
    }

    #[must_use]
    pub fn string_details(
        &self,
        key: &str,
        default: &str,
        context: &Context,
    ) -> Details<'static, String> {
        self.shared
            .flags
            .load()
            .string_details(key, default, context)
            .map(str::to_owned)
    }

    #[must_use]
    pub fn object_details(
        &self,
        key: &str,
        default: &Value,
        context: &Context,
    ) -> Details<'static, Value> {
        self.shared
            .flags
            .load()
            .object_details(key, default, context)
            .map(Value::clone)
    }
}

#[cfg(test)]
mod tests;
