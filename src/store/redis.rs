//! Records in Redis.
//!
//! Everything that several commands must agree on is watched or checked in one step by the server;
//! nothing relies on the order in which two clients happen to come.

mod answers;
mod aside;
mod commands;
mod commit;
mod endpoint;
mod examine;
mod facts;
mod history;
mod listen;
mod named;
mod network;
mod pages;
mod patience;
mod prepare;
mod read;
mod rehearsal;
mod replicas;
mod route;
mod slot;
mod stream;
mod tls;
mod url;
mod value;
mod watch;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::doctor::Facts;
use crate::plan::{Commit, Snapshot};

use super::names::Names;
use super::rights::{self, Role};
use super::{Error, HistoryEntry, Info, Options, Outcome, Store, WatchClaim};

pub(super) use listen::Ears;
pub use network::{Dial, Link, Network};
pub use stream::Address;
pub use tls::TlsFiles;
pub(super) use url::{is_redis, is_tls, shown};

use endpoint::{Endpoint, Kind};
use network::Sockets;
use patience::Patience;
use prepare::Prepared;
use route::{Caller, Route};
use url::Url;
use wire::Wire;

/// A prefix on a Redis server, or on one that speaks its protocol.
pub(super) struct Redis {
    network: Box<dyn Network>,
    /// The server in use, in words.
    endpoint: Endpoint,
    route: Route,
    options: Options,
    names: Names,
    info: Info,
    tls: Option<Arc<ClientConfig>>,
    wire: Option<Wire>,
    /// What the connection watches in the transaction that is open on it.
    prepared: Option<Prepared>,
    /// How many replicas had the last commit, where it waited for them.
    replicas: Option<usize>,
}

impl Redis {
    /// Connects at the first use, and again after any error.
    pub fn new(url: &str, names: Names, options: &Options) -> Result<Self, Error> {
        Self::over(Box::new(Sockets), url, names, options)
    }

    /// The same, over another network than the real one.
    pub fn over(
        network: Box<dyn Network>,
        url: &str,
        names: Names,
        options: &Options,
    ) -> Result<Self, Error> {
        let Url {
            mut endpoint,
            route,
            files,
            ..
        } = Url::parse(url)?;
        if !names.is_hash_tag() {
            if endpoint.kind == Kind::Cluster {
                return Err(Error::HashTag {
                    store: endpoint.shown,
                    prefix: names.prefix,
                });
            }
            endpoint.untagged = Some(names.prefix.clone());
        }
        let besides = match route {
            Route::Server(_) => &[][..],
            Route::Sentinel(_) => &rights::BEHIND_SENTINELS,
            Route::Cluster(_) => &rights::ON_A_CLUSTER,
        };
        let waiting = match options.wait_replicas {
            0 => &[][..],
            _ => &rights::WITH_REPLICAS,
        };
        let besides = [besides, waiting].concat();
        endpoint.rules = Role::Sync.rules_for(&names);
        if !besides.is_empty() {
            endpoint.rules += &format!(" {}", rights::allowing(&besides));
        }
        let mut options = options.clone();
        if !endpoint.is_tls && !options.tls.is_empty() {
            return Err(Error::Url {
                url: endpoint.shown,
                reason: "it is one without TLS, but files for TLS are named: it begins with rediss"
                    .to_owned(),
            });
        }
        options.tls = files.or(options.tls);
        Ok(Self {
            network,
            info: Info {
                kind: "redis",
                url: endpoint.shown.clone(),
                prefix: names.prefix.clone(),
            },
            endpoint,
            route,
            options,
            names,
            tls: None,
            wire: None,
            prepared: None,
            replicas: None,
        })
    }

    /// Does `work`, which must be work that can be repeated: see [`Self::patiently`].
    fn repeatable<T>(
        &mut self,
        work: impl Fn(&Self, &mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut patience = Patience::new(self.options.timeout);
        self.patiently(&mut patience, Self::passes, work)
    }

    /// Does `work` over the connection, and again over a new one while there is `patience` and the
    /// error is one that `passes`. One that was idle may have died unnoticed: that costs no patience.
    ///
    /// An error leaves no connection behind, and so nothing watched or half sent.
    fn patiently<T>(
        &mut self,
        patience: &mut Patience,
        passes: impl Fn(&Self, &Error) -> bool,
        work: impl Fn(&Self, &mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let began = Instant::now();
            let idle = self.idle();
            let was_idle = idle.is_some();
            let wire = match idle {
                Some(wire) => Ok(wire),
                None => self.connect(),
            };
            let (since, error) = match wire {
                Err(error) => (began, error),
                Ok(mut wire) => match work(self, &mut wire) {
                    Ok(done) => {
                        self.wire = Some(wire);
                        return Ok(done);
                    }
                    Err(Error::Disconnected { .. }) if was_idle => continue,
                    Err(error) => (Instant::now(), error),
                },
            };
            if !passes(self, &error) || !self.again(patience, since, &error) {
                return Err(error);
            }
        }
    }

    /// Whether to try again after `error`, and a pause before that. `since` is when the trouble began.
    fn again(&mut self, patience: &mut Patience, since: Instant, error: &Error) -> bool {
        self.route.learn(self.endpoint.node.as_deref(), error);
        let Some(pause) = patience.another(since) else {
            return false;
        };
        if patience.is_worth_a_word() {
            (self.options.on_wait)(error);
        }
        self.network.pause(pause);
        true
    }

    /// Whether `error` may be over in a moment. A server that stands in the URL by itself has nobody
    /// that takes over: only that it is still starting passes.
    fn passes(&self, error: &Error) -> bool {
        if self.route.is_shared() {
            route::passes(error)
        } else {
            matches!(error, Error::Loading { .. })
        }
    }

    fn connect(&mut self) -> Result<Wire, Error> {
        if self.endpoint.is_tls && self.tls.is_none() {
            self.tls = Some(tls::config(&self.options.tls, &self.options)?);
        }
        let dial = Dial {
            tls: self.tls.clone(),
            connect: self.options.connect_timeout,
            answer: self.options.timeout,
        };
        self.endpoint.node = None;
        let slot = self.slot();
        let caller = Caller {
            network: &*self.network,
            endpoint: &self.endpoint,
            dial: &dial,
        };
        let wire = self.route.open(&caller, slot)?;
        self.endpoint.node.clone_from(&wire.endpoint().node);
        Ok(wire)
    }

    fn slot(&self) -> u16 {
        slot::slot(&self.names.meta)
    }
}

impl Store for Redis {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&mut self) -> Result<Snapshot, Error> {
        self.read_expecting(&[])
    }

    fn read_expecting(&mut self, flags: &[&str]) -> Result<Snapshot, Error> {
        self.repeatable(|redis, wire| {
            redis.route.check(wire, redis.slot())?;
            let snapshot = redis.snapshot(wire, flags)?;
            redis.route.check(wire, redis.slot())?;
            Ok(snapshot)
        })
    }

    fn read_flags(&mut self, flags: &[&str]) -> Result<Snapshot, Error> {
        self.repeatable(|redis, wire| redis.named(wire, flags))
    }

    fn prepare(&mut self, flags: &[&str]) -> Option<Snapshot> {
        self.look_ahead(flags)
    }

    fn commit(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        self.replicas = None;
        let outcome = self.compare_and_swap(commit)?;
        if let Outcome::Committed { generation } = outcome
            && !commit.writes.is_empty()
            && self.options.wait_replicas > 0
        {
            self.replicas = Some(self.wait(generation)?);
        }
        Ok(outcome)
    }

    fn replicas(&self) -> Option<usize> {
        self.replicas
    }

    fn history(&mut self, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        self.repeatable(|redis, wire| redis.newest(wire, limit))
    }

    fn facts(&mut self, flags: &[&str]) -> Result<Facts, Error> {
        let facts = self.repeatable(|redis, wire| {
            redis.route.check(wire, redis.slot())?;
            redis.look_over(wire, flags)
        })?;
        // What is watched or queued on the connection ends with it.
        self.wire = None;
        Ok(Facts::Server(Box::new(facts)))
    }

    fn claim_watch(
        &mut self,
        claim: &WatchClaim,
        lasting: Duration,
    ) -> Result<Option<WatchClaim>, Error> {
        watch::allowed(self.repeatable(|redis, wire| redis.claim(wire, claim, lasting)))
    }

    fn release_watch(&mut self, claim: &WatchClaim) -> Result<(), Error> {
        watch::allowed(self.repeatable(|redis, wire| redis.release(wire, claim)))
    }
}
