//! Who changed what: the store's history, kept until the next commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// For so long nobody else asks a store that has just failed: each would have to wait for it anew.
const FAILS_FOR: Duration = Duration::from_secs(5);

/// What was read last.
#[derive(Default)]
pub(in crate::server) struct Kept(Mutex<Option<Read>>);

struct Read {
    generation: u64,
    at: Instant,
    past: Arc<Past>,
}

impl Kept {
    /// The past as of `generation`. Blocks while it is read.
    pub fn at(&self, generation: u64, read: &ReadHistory) -> Arc<Past> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*kept
            && known.generation == generation
            && (known.past.error.is_none() || known.at.elapsed() < FAILS_FOR)
        {
            return Arc::clone(&known.past);
        }
        let past = Arc::new(Past::new(read(COMMITS)));
        *kept = Some(Read {
            generation,
            at: Instant::now(),
            past: Arc::clone(&past),
        });
        past
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_store_is_asked_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let read: Box<ReadHistory> =
            Box::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
                0 => Err("it is away".to_owned()),
                _ => Ok(Vec::new()),
            });
        let kept = Kept::default();
        for (generation, asks, fails) in [(1, 1, true), (1, 1, true), (2, 2, false), (2, 2, false)]
        {
            let past = kept.at(generation, &*read);
            assert_eq!(past.error.is_some(), fails, "{generation}");
            assert_eq!(asked.load(Ordering::Relaxed), asks, "{generation}");
        }
    }
}
