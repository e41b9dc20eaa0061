//! The thread that keeps a client's flags those of the store.
//!
//! It listens first and reads then, so that nothing falls between. A commit that is announced costs one
//! round trip for the flags that it names. What nobody announces is found by looking: every so often
//! the known flags are compared, and with every tenth look all that there is.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::plan::{BUCKETS, Snapshot};
use crate::store::{self, Heard, Listener, Store};

use super::flags::Flag;
use super::state::Shared;

/// How long the thread outlives its client, at most.
const TICK: Duration = Duration::from_millis(500);

/// How long to wait for the announcement of a commit that has been seen already.
const ANNOUNCED_WITHIN: Duration = Duration::from_millis(100);

/// How many commits may overtake the reading of one before everything is read.
const OVERTAKEN: usize = 20;

/// Pauses after failures: the first, which doubles with each, and the longest.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One in so many looks finds flags that another client has created.
const FULL_LOOK: u32 = 10;

/// Reads a store for a client.
pub(super) struct Sync {
    pub store: Box<dyn Store>,
    pub listener: Box<dyn Listener>,
    pub shared: Weak<Shared>,
    /// How long between two looks.
    pub every: Duration,
    /// The generation that was announced last, since it listens.
    pub heard: u64,
}

/// Why the thread stopped following the store.
enum Stop {
    /// The client is gone.
    Abandoned,
    /// Somebody commits without a pause: it is worth another try at once.
    Unsteady,
    Failed(String),
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unsteady { .. } => Self::Unsteady,
            error => Self::Failed(error.to_string()),
        }
    }
}

impl Sync {
    /// Follows the store until the client is gone.
    pub fn run(mut self) {
        let watchman = Watchman(self.shared.clone());
        let mut pause = PAUSE;
        loop {
            let began = Instant::now();
            let error = match self.follow() {
                Ok(never) => match never {},
                Err(Stop::Abandoned) => return,
                Err(Stop::Unsteady) => {
                    thread::sleep(PAUSE);
                    continue;
                }
                Err(Stop::Failed(error)) => error,
            };
            let Some(shared) = watchman.0.upgrade() else {
                return;
            };
            shared.fail(error);
            drop(shared);
            // It has worked for a while: this is new trouble.
            if began.elapsed() > LONGEST_PAUSE {
                pause = PAUSE;
            }
            thread::sleep(pause.mul_f64(0.5 + random() / 2.0));
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }

    fn shared(&self) -> Result<Arc<Shared>, Stop> {
        self.shared.upgrade().ok_or(Stop::Abandoned)
    }

    /// Listens, reads everything, and stays up to date until something fails.
    fn follow(&mut self) -> Result<std::convert::Infallible, Stop> {
        let hears = match self.listener.begin() {
            Ok(()) => true,
            // Looking takes fewer rights than listening.
            Err(error @ store::Error::NoPermission { .. }) => {
                let error = error.to_string();
                tracing::warn!(target: "hoist::client", error, "changes are found by looking only");
                false
            }
            Err(error) => return Err(error.into()),
        };
        self.heard = 0;
        self.read_all()?;
        let (mut next_look, mut looks) = (Instant::now() + self.every, 0);
        loop {
            drop(self.shared()?);
            let left = next_look.saturating_duration_since(Instant::now());
            if left.is_zero() {
                looks += 1;
                if hears {
                    self.listener.check()?;
                }
                self.look(looks % FULL_LOOK == 0)?;
                next_look = Instant::now() + self.every;
                continue;
            }
            let limit = left.min(TICK);
            if !hears {
                thread::sleep(limit);
                continue;
            }
            match self.listener.wait(limit)? {
                Heard::Nothing => {}
                Heard::Commit { generation, flags } => self.catch_up(generation, flags)?,
                Heard::Something => self.read_all()?,
            }
        }
    }

    fn read_all(&mut self) -> Result<(), Stop> {
        let snapshot = self.store.read()?;
        self.check_buckets(&snapshot)?;
        let shared = self.shared()?;
        let old = shared.flags.load_full();
        let same = old.is_ready()
            && old.lineage() == snapshot.lineage.as_deref()
            && old.generation() == snapshot.generation
            && old.len() == snapshot.records.len();
        let mut changed = !same;
        let mut flags = Vec::with_capacity(snapshot.records.len());
        for (key, stored) in snapshot.records {
            match old.shared(&key).filter(|flag| flag.is(&stored)) {
                Some(flag) => flags.push(Arc::clone(flag)),
                None => {
                    changed = true;
                    flags.push(Arc::new(Flag::new(key.into(), stored)));
                }
            }
        }
        if changed {
            shared.set(old.replaced(flags, snapshot.lineage, snapshot.generation));
        } else {
            shared.confirm();
        }
        Ok(())
    }

    /// Reads the flags of the commit that made `generation`, and of those that follow it meanwhile: all
    /// of them change at once, or none.
    fn catch_up(&mut self, mut generation: u64, flags: Vec<String>) -> Result<(), Stop> {
        let known = self.shared()?.flags.load().generation();
        // It never goes back, unless the store was emptied or put back to what it was.
        let is_another = generation <= self.heard || (generation == 1 && known > 1);
        self.heard = generation;
        if is_another {
            return self.read_all();
        }
        if generation <= known {
            return Ok(());
        }
        if generation != known + 1 {
            return self.read_all();
        }
        let mut touched: BTreeSet<String> = flags.into_iter().collect();
        for _ in 0..OVERTAKEN {
            let named: Vec<&str> = touched.iter().map(String::as_str).collect();
            let snapshot = self.store.read_flags(&named)?;
            if snapshot.generation == generation {
                return self.patch(&named, snapshot);
            }
            if snapshot.generation < generation {
                break;
            }
            // Another commit has come since. What it touches is on its way.
            while generation < snapshot.generation {
                match self.listener.wait(ANNOUNCED_WITHIN)? {
                    Heard::Commit {
                        generation: next,
                        flags,
                    } if next == generation + 1 => {
                        generation = next;
                        self.heard = next;
                        touched.extend(flags);
                    }
                    _ => return self.read_all(),
                }
            }
        }
        self.read_all()
    }

    /// Looks whether the flags are still those of the store, whoever wrote there.
    fn look(&mut self, is_full: bool) -> Result<(), Stop> {
        // A Redis that others share may have many more keys than ours, which listing all of them passes.
        if is_full || self.store.info().kind != "redis" {
            return self.read_all();
        }
        let old = self.shared()?.flags.load_full();
        let known: Vec<&str> = old.iter().map(Flag::key).collect();
        let snapshot = self.store.read_flags(&known)?;
        if snapshot.generation != old.generation() {
            return self.read_all();
        }
        self.patch(&known, snapshot)
    }

    /// Takes what `snapshot` says of the flags `named`.
    fn patch(&mut self, named: &[&str], mut snapshot: Snapshot) -> Result<(), Stop> {
        self.check_buckets(&snapshot)?;
        let shared = self.shared()?;
        let old = shared.flags.load_full();
        if old.lineage() != snapshot.lineage.as_deref() {
            return self.read_all();
        }
        let (mut now, mut gone) = (Vec::new(), Vec::new());
        for key in named {
            match (old.shared(key), snapshot.records.remove(*key)) {
                (Some(flag), Some(stored)) if flag.is(&stored) => {}
                (_, Some(stored)) => now.push(Arc::new(Flag::new((*key).into(), stored))),
                (Some(_), None) => gone.push(*key),
                (None, None) => {}
            }
        }
        if now.is_empty() && gone.is_empty() && snapshot.generation == old.generation() {
            shared.confirm();
        } else {
            shared.set(old.patched(now, &gone, snapshot.generation));
        }
        Ok(())
    }

    /// Refuses a store whose users fall into other buckets: every answer would be wrong.
    fn check_buckets(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        match &snapshot.buckets {
            Some(theirs) if theirs != BUCKETS => {
                let store = &self.store.info().url;
                Err(Stop::Failed(format!(
                    "{store} puts users into buckets by `{theirs}`, and this client by `{BUCKETS}`"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Says so where the thread ends although its client is there.
struct Watchman(Weak<Shared>);

impl Drop for Watchman {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.fail("the thread that reads the store has ended".to_owned());
        }
    }
}

/// From 0 to below 1. The standard library seeds its hash maps well enough for this.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / f64::from(u32::MAX)
}

/// Flags that come from somewhere else than a store.
pub(super) fn replace(shared: &Shared, flags: Vec<Arc<Flag>>) {
    let old = shared.flags.load_full();
    let new = old.replaced(flags, None, old.generation() + 1);
    if old.is_ready() && old.mark() == new.mark() {
        shared.confirm();
    } else {
        shared.set(new);
    }
}
