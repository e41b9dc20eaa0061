//! What the parts of a check share: numbered commands, keys and answers, and how the server is.

use std::sync::Arc;

use super::intern::{Id, Interner};
use super::keyspace::{Answer, Bytes};
use super::mutant::Mutant;

/// Keys of the bookkeeping, for the prefix `ff`.
pub const META: &[u8] = b"hoist:{ff}";
pub const SPECS: &[u8] = b"hoist:{ff}:specs";
pub const REMOVED: &[u8] = b"hoist:{ff}:removed";
pub const STOPS: &[u8] = b"hoist:{ff}:stops";
/// What the keys begin with at which large commits lay specs aside.
pub const ASIDE: &[u8] = b"hoist:{ff}:specs:";
pub const HISTORY: &[u8] = b"hoist:{ff}:history";

/// What records' keys begin with.
pub const BELOW: &[u8] = b"ff:";

#[derive(Default)]
pub struct Tables {
    pub commands: Interner<Vec<Bytes>>,
    pub keys: Interner<Bytes>,
    pub answers: Interner<Answer>,
    /// What is broken on purpose.
    pub mutant: Option<Mutant>,
    /// Keys that one SCAN looks at.
    pub page: usize,
}

impl Tables {
    pub fn batch(&mut self, commands: Vec<Vec<Bytes>>) -> Arc<[Id]> {
        let commands = commands.into_iter();
        commands.map(|command| self.commands.add(command)).collect()
    }

    pub fn command(&self, id: Id) -> &Arc<Vec<Bytes>> {
        self.commands.get(id)
    }

    pub fn key(&mut self, key: &Bytes) -> Id {
        self.keys.add(key.clone())
    }
}
