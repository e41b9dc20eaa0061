//! The way to the one server that takes writes below the prefix. The commit is the same on all of them.

mod cluster;
mod sentinel;

use std::time::{Duration, Instant};

use crate::store::Error;

use super::endpoint::Endpoint;
use super::network::{Dial, Network};
use super::stream::Address;
use super::wire::Wire;

use cluster::Nodes;
use sentinel::Sentinels;

/// One in so many parts of [`Dial::answer`] is what a server may take to say where another is, since the
/// next one may know.
const SHARE: u32 = 4;

/// How to find the server.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// It stands in the URL.
    Server(Address),
    /// Sentinels know the primary.
    Sentinel(Sentinels),
    /// It is the node of a cluster that has the slot of the prefix.
    Cluster(Nodes),
}

impl Route {
    pub(super) fn sentinel(addresses: Vec<Address>, primary: String, endpoint: Endpoint) -> Self {
        Self::Sentinel(Sentinels::new(addresses, primary, endpoint))
    }

    pub(super) fn cluster(addresses: Vec<Address>) -> Self {
        Self::Cluster(Nodes::new(addresses))
    }

    /// Whether another server may take over from the one in use.
    pub(super) fn is_shared(&self) -> bool {
        !matches!(self, Self::Server(_))
    }

    /// The servers that are asked first.
    #[cfg(test)]
    pub(super) fn addresses(&self) -> Vec<Address> {
        match self {
            Self::Server(address) => vec![address.clone()],
            Self::Sentinel(sentinels) => sentinels.addresses().to_vec(),
            Self::Cluster(nodes) => nodes.addresses().to_vec(),
        }
    }

    /// A connection to the server that takes writes to the keys of `slot`, which it has been asked about.
    pub(super) fn open(&mut self, caller: &Caller<'_>, slot: u16) -> Result<Wire, Error> {
        let dial = caller.dial.hurried();
        let asking = Caller {
            dial: &dial,
            ..*caller
        };
        let mut wire = match self {
            Self::Server(address) => return caller.call(caller.endpoint.clone(), address),
            Self::Sentinel(sentinels) => sentinels.open(&asking)?,
            Self::Cluster(nodes) => nodes.open(&asking, slot)?,
        };
        wire.allow(caller.dial.answer)?;
        Ok(wire)
    }

    /// Asks the server whether it still is the one: before and after reading, since a former primary goes
    /// on answering, and a slot that is being moved is on two nodes.
    pub(super) fn check(&self, wire: &mut Wire, slot: u16) -> Result<(), Error> {
        match self {
            Self::Server(_) => Ok(()),
            Self::Sentinel(_) => sentinel::check(wire),
            Self::Cluster(_) => cluster::check(wire, slot),
        }
    }

    /// Learns from the error of a `node` that was found: one that sends us away knows where to, and one
    /// that is gone is asked last.
    pub(super) fn learn(&mut self, node: Option<&str>, error: &Error) {
        if let (Self::Cluster(nodes), Some(node)) = (self, node) {
            nodes.prefer(node, has_answered(error));
        }
    }
}

/// What it takes to talk to servers.
#[derive(Clone, Copy)]
pub(super) struct Caller<'c> {
    pub network: &'c dyn Network,
    /// How to log in to a server that holds records.
    pub endpoint: &'c Endpoint,
    pub dial: &'c Dial,
}

impl Caller<'_> {
    fn call(&self, endpoint: Endpoint, address: &Address) -> Result<Wire, Error> {
        Wire::open(self.network, endpoint, address.clone(), self.dial)
    }

    /// Connects to one of several servers that hold records.
    fn call_one(&self, address: &Address) -> Result<Wire, Error> {
        self.call(self.endpoint.at(address), address)
    }
}

impl Dial {
    /// For servers that are only asked where another is.
    fn hurried(&self) -> Self {
        let most = self.answer / SHARE;
        Self {
            tls: self.tls.clone(),
            connect: self.connect.min(most),
            answer: most,
        }
    }

    /// How long all of them together may take.
    fn round(&self) -> Duration {
        self.answer * SHARE
    }
}

/// What went wrong with each of several servers, until one does.
struct Failures {
    until: Instant,
    errors: Vec<(Address, Error)>,
}

impl Failures {
    /// For a round that may take about `limit`.
    fn new(limit: Duration) -> Self {
        Self {
            until: Instant::now() + limit,
            errors: Vec::new(),
        }
    }

    /// Whether the round goes on after another failure.
    fn add(&mut self, asked: Address, error: Error) -> bool {
        self.errors.push((asked, error));
        Instant::now() < self.until
    }

    /// One error for all: the first that will not pass by itself, else the first of a server that did
    /// answer, else what each of them met with.
    fn into_error(mut self, endpoint: &Endpoint) -> Error {
        let find =
            |is_so: fn(&Error) -> bool| self.errors.iter().position(|(_, error)| is_so(error));
        let telling = find(|error| !passes(error)).or_else(|| find(has_answered));
        if telling.is_some() || self.errors.len() == 1 {
            return self.errors.swap_remove(telling.unwrap_or_default()).1;
        }
        let said: Vec<String> = self
            .errors
            .iter()
            .map(|(asked, error)| format!("{asked}: {}", reason(error)))
            .collect();
        Error::Unreachable {
            store: endpoint.shown.clone(),
            reason: said.join("; "),
        }
    }
}

fn has_answered(error: &Error) -> bool {
    matches!(
        error,
        Error::ReadOnly { .. } | Error::Loading { .. } | Error::Unserved { .. }
    )
}

/// An error without the store that it is about.
fn reason(error: &Error) -> String {
    match error {
        Error::Unreachable { reason, .. } | Error::Disconnected { reason, .. } => reason.clone(),
        Error::Timeout { after, .. } => format!("no answer within {} s", after.as_secs_f64()),
        other => other.to_string(),
    }
}

/// Whether what is wrong may be over in a moment, once another server has taken over or a slot has moved.
pub(super) fn passes(error: &Error) -> bool {
    let is_gone = matches!(
        error,
        Error::Unreachable { .. } | Error::Timeout { .. } | Error::Disconnected { .. }
    );
    is_gone || has_answered(error)
}
