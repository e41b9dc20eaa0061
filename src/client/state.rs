//! How a client stands with its store.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use super::flags::Flags;

/// How a client stands with its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was read yet: every answer is the default. `error` says what keeps it from reading,
    /// where it has tried.
    NotReady { error: Option<String> },
    /// The answers are those of the store.
    Ready,
    /// The store is away: the answers are those from before.
    Stale {
        /// When the store was last known to say the same.
        since: SystemTime,
        error: String,
    },
}

/// Told whenever the flags have changed.
pub(super) type OnChange = Box<dyn Fn(&Arc<Flags>) + Send + Sync>;

/// What a client and the thread that reads for it share.
pub(super) struct Shared {
    pub flags: ArcSwap<Flags>,
    state: Mutex<(State, SystemTime)>,
    changed: Condvar,
    on_change: OnChange,
}

impl Shared {
    pub fn new(flags: Flags, on_change: OnChange) -> Self {
        let state = State::NotReady { error: None };
        Self {
            flags: ArcSwap::from_pointee(flags),
            state: Mutex::new((state, SystemTime::UNIX_EPOCH)),
            changed: Condvar::new(),
            on_change,
        }
    }

    fn lock(&self) -> MutexGuard<'_, (State, SystemTime)> {
        // What is behind it is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self) -> State {
        self.lock().0.clone()
    }

    /// When the flags were last known to be those of the store.
    pub fn confirmed(&self) -> Option<SystemTime> {
        let at = self.lock().1;
        (at > SystemTime::UNIX_EPOCH).then_some(at)
    }

    /// Answers from `flags` from now on.
    pub fn set(&self, flags: Flags) {
        let flags = Arc::new(flags);
        self.flags.store(Arc::clone(&flags));
        self.confirm();
        (self.on_change)(&flags);
    }

    /// The store says the same as before.
    pub fn confirm(&self) {
        let before = std::mem::replace(&mut *self.lock(), (State::Ready, SystemTime::now())).0;
        self.changed.notify_all();
        if matches!(before, State::Stale { .. }) {
            tracing::info!(target: "hoist::client", "the flags are those of the store again");
        }
    }

    /// The store could not be read.
    pub fn fail(&self, error: String) {
        let mut state = self.lock();
        // The same trouble is told once.
        let is_known = match &state.0 {
            State::Ready => false,
            State::NotReady { error: known } => known.as_ref() == Some(&error),
            State::Stale { error: known, .. } => *known == error,
        };
        if !is_known {
            tracing::warn!(target: "hoist::client", error, "the store cannot be read");
        }
        let since = state.1;
        state.0 = match self.flags.load().is_ready() {
            true => State::Stale { since, error },
            false => State::NotReady { error: Some(error) },
        };
    }

    /// Waits until the store has been read once. What keeps it from being read where that takes longer.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), Option<String>> {
        let end = Instant::now() + timeout;
        let mut state = self.lock();
        while let State::NotReady { error } = &state.0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(error.clone());
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}
