//! One connection as the server sees it: what has arrived, what is watched, what is queued.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::intern::{FastSet, Id};
use super::keyspace::{Answer, Bytes, Keyspace};
use super::mutant::Mutant;
use super::world::{ASIDE, BELOW, REMOVED, SPECS, STOPS, Tables};

/// A connection, and the commands of the batch that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// The batch as it was sent.
    pub batch: Arc<[Id]>,
    /// How many of its commands the server has carried out.
    pub done: usize,
    /// Their answers.
    pub answers: Vec<Id>,
    /// Whether the server has got further than where it cannot matter yet.
    pub begun: bool,
    /// Whether no answer was ever read from it.
    pub fresh: bool,
    /// Nobody listens any more: what is left of the batch may arrive late, or never.
    pub lost: bool,
    watched: BTreeSet<Id>,
    dirty: bool,
    queue: Option<Vec<Id>>,
}

/// What is known to change at some time, in some order of the steps.
#[derive(Default)]
pub struct Changing {
    keys: FastSet<Bytes>,
    /// Which records there are.
    names: bool,
    /// How many keys there are.
    number: bool,
    /// Nothing is taken for granted.
    pub everything: bool,
}

impl Changing {
    fn has(&self, key: &Bytes) -> bool {
        self.everything || self.keys.contains(key)
    }

    /// Takes note of a write, and says whether it was unexpected.
    pub fn learn(&mut self, before: &Keyspace, after: &Keyspace) -> bool {
        if self.everything {
            return false;
        }
        let known = (self.keys.len(), self.names, self.number);
        let all: BTreeSet<&Bytes> = before.keys.keys().chain(after.keys.keys()).collect();
        for key in all {
            let (old, new) = (before.keys.get(key), after.keys.get(key));
            if old != new && !self.keys.contains(key) {
                self.keys.insert(key.clone());
            }
            let comes_or_goes = old.is_some() != new.is_some();
            self.names |= key.starts_with(BELOW) && comes_or_goes;
            self.number |= comes_or_goes;
            // Else types would have to be looked at in every order.
            let is_gone = old.is_some() && new.is_none();
            assert!(!is_gone || goes(key), "{key:?} is gone");
        }
        known != (self.keys.len(), self.names, self.number)
    }
}

/// Whether a key is one that may go.
fn goes(key: &[u8]) -> bool {
    let all_of_it = [SPECS, REMOVED, STOPS];
    key.starts_with(BELOW) || key.starts_with(ASIDE) || all_of_it.contains(&key)
}

/// What one command has done.
pub struct Effect {
    pub keyspace: Option<Keyspace>,
    pub touched: BTreeSet<Bytes>,
    pub answer: Answer,
}

impl Connection {
    pub fn new(batch: Arc<[Id]>) -> Self {
        Self {
            batch,
            done: 0,
            answers: Vec::new(),
            begun: false,
            fresh: true,
            lost: false,
            watched: BTreeSet::new(),
            dirty: false,
            queue: None,
        }
    }

    /// The next batch over the same connection.
    pub fn send(&mut self, batch: Arc<[Id]>) {
        self.batch = batch;
        self.done = 0;
        self.answers.clear();
        self.begun = false;
        self.fresh = false;
    }

    pub fn next(&self) -> Option<Id> {
        self.batch.get(self.done).copied()
    }

    /// The client has gone, or believes the connection to be.
    pub fn lose(&mut self) {
        self.lost = true;
        self.answers.clear();
    }

    /// Somebody has written these keys.
    pub fn touch(&mut self, touched: &BTreeSet<Id>) {
        self.dirty = self.dirty || !self.watched.is_disjoint(touched);
    }

    /// Whether it makes no difference when the next command is carried out: it concerns nothing but
    /// the connection, or looks at something that does not change.
    pub fn next_is_local(&self, tables: &Tables, keyspace: &Keyspace, changing: &Changing) -> bool {
        let Some(next) = self.next() else {
            return false;
        };
        let command = tables.command(next);
        match &*command[0] {
            b"EXEC" => self.dirty,
            b"HELLO" | b"TIME" | b"MULTI" | b"DISCARD" => true,
            _ if self.queue.is_some() => true,
            b"TYPE" => {
                let key = &command[1];
                // What is there keeps its type: `Changing` sees to it.
                let stays = keyspace.keys.contains_key(key) && !goes(key);
                stays || !changing.has(key)
            }
            b"HGETALL" | b"HMGET" | b"HLEN" => !changing.has(&command[1]),
            b"GET" | b"MGET" | b"EXISTS" => !command[1..].iter().any(|key| changing.has(key)),
            b"SCAN" => !changing.names && !changing.everything,
            b"DBSIZE" => !changing.number && !changing.everything,
            _ => false,
        }
    }

    /// Whether what is left of the batch can still write anything.
    pub fn can_write(&self, tables: &Tables) -> bool {
        let mut names = self.batch[self.done..]
            .iter()
            .map(|id| &*tables.command(*id)[0]);
        let queued = self.queue.is_some();
        names.any(|name| match name {
            b"EXEC" => !self.dirty,
            b"HSET" | b"SET" => !queued,
            _ => false,
        })
    }

    /// Carries the next command out.
    pub fn step(&mut self, tables: &mut Tables, keyspace: &Keyspace) -> Effect {
        let command = tables.command(self.batch[self.done]).clone();
        self.done += 1;
        let mutant = tables.mutant;
        let mut effect = Effect {
            keyspace: None,
            touched: BTreeSet::new(),
            answer: Answer::ok(),
        };
        match (&*command[0], &mut self.queue) {
            (b"MULTI", None) if mutant == Some(Mutant::NoTransaction) => {}
            (b"EXEC", None) if mutant == Some(Mutant::NoTransaction) => {
                effect.answer = Answer::List(vec![Answer::Number(1)]);
            }
            (b"MULTI", queue @ None) => *queue = Some(Vec::new()),
            (b"DISCARD", queue @ Some(_)) => {
                *queue = None;
                self.unwatch();
            }
            (b"EXEC", queue @ Some(_)) => {
                let queue = queue.take().unwrap_or_default();
                let dirty = self.dirty;
                self.unwatch();
                effect.answer = if dirty {
                    Answer::Nothing
                } else {
                    Answer::List(effect.run_all(tables, keyspace, &queue))
                };
            }
            (_, Some(queue)) => {
                queue.push(self.batch[self.done - 1]);
                effect.answer = Answer::status("QUEUED");
            }
            (b"WATCH", None) => {
                if mutant != Some(Mutant::NoWatch) {
                    let keys = command[1..].iter().map(|key| tables.key(key));
                    self.watched.extend(keys);
                }
            }
            (_, None) => effect.answer = effect.run(tables, keyspace, &command),
        }
        let answer = tables.answers.add(effect.answer.clone());
        if !self.lost {
            self.answers.push(answer);
        }
        effect
    }

    fn unwatch(&mut self) {
        self.watched.clear();
        self.dirty = false;
    }
}

impl Effect {
    fn run_all(&mut self, tables: &Tables, keyspace: &Keyspace, queue: &[Id]) -> Vec<Answer> {
        let run = |id: &Id| self.run(tables, keyspace, tables.command(*id));
        queue.iter().map(run).collect()
    }

    fn run(&mut self, tables: &Tables, keyspace: &Keyspace, command: &[Bytes]) -> Answer {
        let present = self.keyspace.as_ref().unwrap_or(keyspace);
        if let Some(answer) = present.ask(command, tables.page) {
            return answer;
        }
        let mut keyspace = self.keyspace.take().unwrap_or_else(|| keyspace.clone());
        let broken = tables
            .mutant
            .and_then(|mutant| mutant.instead(command, &mut keyspace, &mut self.touched));
        let answer = match broken {
            Some(answer) => answer,
            None => keyspace.execute(command, tables.page, &mut self.touched),
        };
        self.keyspace = Some(keyspace);
        answer
    }
}
