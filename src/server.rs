//! Flags over HTTP: evaluation as OpenFeature's Remote Evaluation Protocol (OFREP) 0.3 has it, a page
//! for people, health and metrics.
//!
//! It answers from a [`Client`]'s memory, whatever becomes of the store meanwhile. Every client of the
//! server is taken for a hostile one: what it may send, and for how long it may take its time, has
//! limits, and so has their number.

mod access;
mod body;
mod connection;
mod events;
mod metrics;
mod ofrep;
mod page;
mod places;
mod route;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::client::{Client, Flags};

pub use access::{Origins, OriginsError, Tokens, TokensError};
pub use page::ReadHistory;
pub use tls::{Identity, IdentityError};

use metrics::Metrics;

/// How a server is to be.
pub struct Options {
    /// Name of the environment that the flags are of.
    pub environment: String,
    /// Where the flags come from, for people.
    pub origin: String,
    /// Who may ask; everybody, where there are none.
    pub tokens: Option<Tokens>,
    /// Sites whose scripts may ask.
    pub origins: Origins,
    /// Certificate and key, for TLS.
    pub identity: Option<Identity>,
    /// Who changed what, for the page; flags that come from no store have none.
    pub history: Option<Box<ReadHistory>>,
    pub limits: Limits,
}

/// What one client may take from the others.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time. Who comes when there is no place left gets that of whoever has been idle
    /// for longest, and waits where nobody is. Half of them at most are event streams.
    pub connections: usize,
    /// How long a connection may take to send the head of its next request, and to shake hands.
    pub head: Duration,
    /// How long a request may take to arrive once its head is there.
    pub body: Duration,
    /// How long a connection may take nothing of what it is sent.
    pub stall: Duration,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of a request's head; at least 8,192.
    pub head_bytes: usize,
    /// How long requests that are under way may take once the server is to end.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            body_bytes: 64 * 1024,
            head_bytes: 32 * 1024,
            grace: Duration::from_secs(10),
        }
    }
}

/// What tells a server that the flags have changed. Made before the client that is to do so.
pub struct Changes(watch::Sender<Change>);

/// The latest change of the flags.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    mark: u64,
    at: SystemTime,
}

impl Default for Changes {
    fn default() -> Self {
        let none = Change {
            mark: 0,
            at: SystemTime::UNIX_EPOCH,
        };
        Self(watch::Sender::new(none))
    }
}

impl Changes {
    /// What to hand to [`crate::client::Builder::on_change`].
    pub fn teller(&self) -> impl Fn(&Arc<Flags>) + Send + Sync + use<> {
        let sender = self.0.clone();
        move |flags| {
            sender.send_replace(Change {
                mark: flags.mark(),
                at: SystemTime::now(),
            });
        }
    }
}

/// What all connections share.
struct State {
    client: Client,
    changes: watch::Receiver<Change>,
    options: Options,
    metrics: Metrics,
    past: page::Kept,
    /// One for each event stream that there may be.
    streams: Arc<Semaphore>,
    /// True once the server is to end.
    closing: watch::Sender<bool>,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    state: Arc<State>,
}

impl Server {
    /// Listens at `address`. Must be called within a runtime of tokio.
    ///
    /// # Errors
    /// Where the address is taken, or not this machine's.
    pub async fn bind(
        address: SocketAddr,
        client: Client,
        changes: &Changes,
        options: Options,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let streams = options.limits.connections / 2;
        Ok(Self {
            listener,
            state: Arc::new(State {
                client,
                changes: changes.0.subscribe(),
                options,
                metrics: Metrics::default(),
                past: page::Kept::default(),
                streams: Arc::new(Semaphore::new(streams)),
                closing: watch::Sender::new(false),
            }),
        })
    }

    /// Where it listens: the port, too, where any was to do.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// A handle for reading files anew.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.state))
    }

    /// Serves until `end`, and then until all requests have been answered that were under way, or
    /// [`Limits::grace`] is over.
    pub async fn run(self, end: impl Future<Output = ()>) {
        connection::accept(self.listener, self.state, end).await;
    }
}

/// Reads the files of tokens and certificates anew.
pub struct Reloader(Arc<State>);

impl Reloader {
    /// Reads those files that have changed, or all where `force`d. What cannot be read stays as it was.
    /// Gives the files that were read anew, and what went wrong.
    pub fn reload(&self, force: bool) -> Vec<Result<PathBuf, String>> {
        let options = &self.0.options;
        let tokens = options.tokens.as_ref().map(|tokens| tokens.reload(force));
        let identity = options
            .identity
            .as_ref()
            .map(|identity| identity.reload(force));
        [tokens, identity]
            .into_iter()
            .flatten()
            .filter_map(Result::transpose)
            .collect()
    }
}
