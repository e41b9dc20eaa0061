//! Records in Redis.
//!
//! Everything that several commands must agree on is watched or checked in one step by the server;
//! nothing relies on the order in which two clients happen to come.

mod commands;
mod commit;
mod endpoint;
mod examine;
mod history;
mod named;
mod network;
mod read;
mod value;
mod wire;

use crate::plan::{Commit, Snapshot};

use super::names::Names;
use super::{Error, HistoryEntry, Info, Options, Outcome, Store};

pub(super) use endpoint::Endpoint;
use network::Sockets;
pub use network::{Link, Network};
use wire::Wire;

/// A prefix on a Redis server, or on one that speaks its protocol.
pub(super) struct Redis {
    network: Box<dyn Network>,
    endpoint: Endpoint,
    options: Options,
    names: Names,
    info: Info,
    wire: Option<Wire>,
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
        let endpoint = Endpoint::parse(url)?;
        let info = Info {
            kind: "redis",
            url: endpoint.shown.clone(),
            prefix: names.prefix.clone(),
        };
        Ok(Self {
            network,
            endpoint,
            options: options.clone(),
            names,
            info,
            wire: None,
        })
    }

    /// Runs `work` over the connection. One that was idle may have died unnoticed: then the work is
    /// done again over a new one, so it must be work that can be repeated.
    fn repeatable<T>(
        &mut self,
        work: impl Fn(&Self, &mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let idle = self.wire.take().filter(Wire::has_answered);
        let was_idle = idle.is_some();
        match self.once(idle, &work) {
            Err(Error::Disconnected { .. }) if was_idle => self.once(None, &work),
            result => result,
        }
    }

    /// Runs `work` once. An error leaves no connection behind, and so nothing watched or half sent.
    fn once<T>(
        &mut self,
        wire: Option<Wire>,
        work: impl FnOnce(&Self, &mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut wire = match wire {
            Some(wire) => wire,
            None => Wire::open(&*self.network, &self.endpoint, &self.options)?,
        };
        let result = work(self, &mut wire)?;
        self.wire = Some(wire);
        Ok(result)
    }
}

impl Store for Redis {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&mut self) -> Result<Snapshot, Error> {
        self.repeatable(Self::snapshot)
    }

    fn read_flags(&mut self, flags: &[&str]) -> Result<Snapshot, Error> {
        self.repeatable(|redis, wire| redis.named(wire, flags))
    }

    fn commit(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        self.compare_and_swap(commit)
    }

    fn history(&mut self, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        self.repeatable(|redis, wire| redis.newest(wire, limit))
    }
}
