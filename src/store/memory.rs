//! A store in memory: for tests, and as the plainest statement of what a store does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::doctor::Facts;
use crate::plan::{ByFlag, Commit, RecordWrite, Removed, RolledBack, Snapshot, Stored};
use crate::record::Stop;

use super::effects::{self, Found};
use super::names::Names;
use super::{Error, HistoryEntry, Info, Options, Outcome, Store, WatchClaim};

/// A store in memory. Clones share their data, and so do the prefixes of one server.
#[derive(Clone)]
pub struct Memory {
    server: Arc<Mutex<Server>>,
    names: Names,
    info: Info,
    history_keep: usize,
}

#[derive(Default)]
struct Server {
    environments: HashMap<String, Environment>,
}

#[derive(Default)]
struct Environment {
    /// Which of the prefixes that share this bookkeeping wrote it.
    prefix: Option<String>,
    lineage: Option<String>,
    generation: u64,
    buckets: Option<String>,
    digest: Option<String>,
    commit: Option<String>,
    rolled_back: Option<RolledBack>,
    records: ByFlag<Stored>,
    specs: ByFlag<String>,
    removed: ByFlag<Removed>,
    stops: ByFlag<Stop>,
    history: Vec<HistoryEntry>,
    /// Who watches, and until when.
    watcher: Option<(WatchClaim, Instant)>,
}

impl Memory {
    /// An empty server, seen through `prefix`. Fails where the prefix cannot be one.
    pub fn new(prefix: &str, options: &Options) -> Result<Self, Error> {
        Self::on(Arc::default(), prefix, options)
    }

    /// The same server, seen through another prefix.
    pub fn with_prefix(&self, prefix: &str, options: &Options) -> Result<Self, Error> {
        Self::on(Arc::clone(&self.server), prefix, options)
    }

    fn on(server: Arc<Mutex<Server>>, prefix: &str, options: &Options) -> Result<Self, Error> {
        Ok(Self {
            server,
            names: Names::new(prefix)?,
            info: Info {
                kind: "memory",
                url: "memory:".to_owned(),
                prefix: prefix.to_owned(),
            },
            history_keep: options.history_keep,
        })
    }

    /// Writes a record as another client would, past all bookkeeping.
    pub fn put(&self, flag: &str, stored: Stored) {
        self.environment(|environment| environment.records.insert(flag.to_owned(), stored));
    }

    /// Deletes a record as another client would, past all bookkeeping.
    pub fn delete(&self, flag: &str) {
        self.environment(|environment| environment.records.remove(flag));
    }

    /// What stands at a flag's key.
    pub fn get(&self, flag: &str) -> Option<Stored> {
        self.environment(|environment| environment.records.get(flag).cloned())
    }

    fn check_prefix(&self) -> Result<(), Error> {
        match self.environment(|environment| environment.prefix.clone()) {
            Some(theirs) if theirs != self.names.prefix => Err(Error::PrefixTaken {
                store: self.info.url.clone(),
                ours: self.names.prefix.clone(),
                theirs,
            }),
            _ => Ok(()),
        }
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn environment<T>(&self, then: impl FnOnce(&mut Environment) -> T) -> T {
        let mut server = self.server();
        then(
            server
                .environments
                .entry(self.names.meta.clone())
                .or_default(),
        )
    }
}

impl Store for Memory {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&mut self) -> Result<Snapshot, Error> {
        self.check_prefix()?;
        let now = system_clock();
        Ok(self.environment(|environment| Snapshot {
            lineage: environment.lineage.clone(),
            generation: environment.generation,
            now,
            buckets: environment.buckets.clone(),
            digest: environment.digest.clone(),
            commit: environment.commit.clone(),
            rolled_back: environment.rolled_back.clone(),
            records: environment.records.clone(),
            specs: environment.specs.clone(),
            removed: environment.removed.clone(),
            stops: environment.stops.clone(),
        }))
    }

    fn read_flags(&mut self, flags: &[&str]) -> Result<Snapshot, Error> {
        let mut snapshot = self.read()?;
        let named = |flag: &str| flags.contains(&flag);
        snapshot.records.retain(|flag, _| named(flag));
        snapshot.specs.retain(|flag, _| named(flag));
        snapshot.removed.retain(|flag, _| named(flag));
        snapshot.stops.retain(|flag, _| named(flag));
        Ok(snapshot)
    }

    fn commit(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        self.check_prefix()?;
        let keep = self.history_keep;
        let prefix = self.names.prefix.clone();
        Ok(self.environment(|environment| {
            let outcome = environment.commit(commit, keep);
            if environment.generation > 0 {
                environment.prefix = Some(prefix);
            }
            outcome
        }))
    }

    fn facts(&mut self, _flags: &[&str]) -> Result<Facts, Error> {
        Ok(Facts::Nothing)
    }

    fn history(&mut self, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        Ok(self.environment(|environment| {
            environment
                .history
                .iter()
                .rev()
                .take(limit)
                .cloned()
                .collect()
        }))
    }

    fn claim_watch(
        &mut self,
        claim: &WatchClaim,
        lasting: Duration,
    ) -> Result<Option<WatchClaim>, Error> {
        let now = Instant::now();
        Ok(self.environment(|environment| match &environment.watcher {
            Some((other, until)) if other.id != claim.id && *until > now => Some(other.clone()),
            _ => {
                environment.watcher = Some((claim.clone(), now + lasting));
                None
            }
        }))
    }

    fn release_watch(&mut self, claim: &WatchClaim) -> Result<(), Error> {
        self.environment(|environment| {
            environment
                .watcher
                .take_if(|(watcher, _)| watcher.id == claim.id);
        });
        Ok(())
    }
}

impl Environment {
    fn commit(&mut self, commit: &Commit, keep: usize) -> Outcome {
        if commit.writes.is_empty() {
            return Outcome::Committed {
                generation: self.generation,
            };
        }
        let mut moved = effects::store_moved(commit, self.lineage.as_deref(), self.generation);
        moved.extend(effects::records_moved(commit, |flag| {
            match self.records.get(flag) {
                None => Found::Nothing,
                Some(Stored::Value(bytes)) => Found::Bytes(bytes),
                Some(Stored::OtherType(_)) => Found::OtherType,
            }
        }));
        if !moved.is_empty() {
            return Outcome::Moved(moved);
        }
        self.write(commit);
        let excess = self.history.len().saturating_sub(keep);
        self.history.drain(..excess);
        Outcome::Committed {
            generation: self.generation,
        }
    }

    fn write(&mut self, commit: &Commit) {
        for write in &commit.writes {
            match &write.record {
                RecordWrite::Keep => {}
                RecordWrite::Set(bytes) => {
                    self.records
                        .insert(write.flag.clone(), Stored::Value(bytes.clone()));
                }
                RecordWrite::Delete => {
                    self.records.remove(&write.flag);
                }
            }
        }
        for (flag, digest) in effects::specs_set(commit) {
            self.specs.insert(flag.to_owned(), digest.to_owned());
            self.removed.remove(flag);
        }
        for flag in effects::specs_removed(commit) {
            self.specs.remove(flag);
            self.removed
                .insert(flag.to_owned(), effects::removed(commit));
        }
        for (flag, stop) in effects::stops_set(commit) {
            self.stops.insert(flag.to_owned(), stop.clone());
        }
        for flag in effects::stops_cleared(commit) {
            self.stops.remove(flag);
        }
        self.lineage = Some(effects::lineage(commit).to_owned());
        self.generation = effects::generation(commit);
        self.digest = Some(commit.about.digest.clone());
        self.commit.clone_from(&commit.about.commit);
        self.rolled_back.clone_from(&commit.about.rolled_back);
        self.buckets = Some(commit.about.buckets.clone());
        self.history.push(effects::history_entry(commit));
    }
}

fn system_clock() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
