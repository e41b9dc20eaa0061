//! Commands that go on until somebody ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use super::Failure;

/// How often a wait looks up.
const TICK: Duration = Duration::from_millis(50);

/// Exit code of a program that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

/// Whether somebody has asked this program to end: by Ctrl-C or by a supervisor. A second request
/// ends it at once.
#[derive(Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(super) fn listen() -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| Failure::impossible("cannot listen for signals").because(error))?;
        }
        Ok(Self(asked))
    }

    /// Has `tell` called whenever somebody asks, on a thread of its own.
    pub(super) fn on_request(&self, tell: impl Fn() + Send + 'static) -> Result<(), Failure> {
        let mut signals = Signals::new([SIGINT, SIGTERM])
            .map_err(|error| Failure::impossible("cannot listen for signals").because(error))?;
        std::thread::spawn(move || signals.forever().for_each(|_| tell()));
        Ok(())
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits so long, or until somebody asks; whether somebody has.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.is_asked() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            sleep(left.min(TICK));
        }
        true
    }
}
