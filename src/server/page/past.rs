//! Who changed what: the store's history, kept until the next commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::HistoryEntry;

/// How many commits are looked through.
pub(super) const COMMITS: usize = 200;

/// Reads so many commits from the store, the newest first, or says why not.
pub type ReadHistory = dyn Fn(usize) -> Result<Vec<HistoryEntry>, String> + Send + Sync;

/// The newest commits, and which of them last touched each flag.
#[derive(Default)]
pub(in crate::server) struct Past {
    pub entries: Vec<HistoryEntry>,
    last: HashMap<String, usize>,
    /// Why there is none.
    pub error: Option<String>,
}

impl Past {
    fn new(read: Result<Vec<HistoryEntry>, String>) -> Self {
        let (entries, error) = match read {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let mut last = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            for flag in entry.records.keys() {
                last.entry(flag.clone()).or_insert(at);
            }
        }
        Self {
            entries,
            last,
            error,
        }
    }

    /// The commit that last touched a flag.
    pub fn last(&self, flag: &str) -> Option<&HistoryEntry> {
        self.entries.get(*self.last.get(flag)?)
    }
}

/// What was read last, and at which generation.
#[derive(Default)]
pub(in crate::server) struct Kept(Mutex<Option<(u64, Arc<Past>)>>);

impl Kept {
    /// The past as of `generation`. Blocks while it is read.
    pub fn at(&self, generation: u64, read: &ReadHistory) -> Arc<Past> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, past)) = &*kept
            && *known == generation
            && past.error.is_none()
        {
            return Arc::clone(past);
        }
        let past = Arc::new(Past::new(read(COMMITS)));
        *kept = Some((generation, Arc::clone(&past)));
        past
    }
}
