//! A store that goes away and returns, while a command goes on.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::{Colors, Failure};
use crate::report::words;

/// The first pause before a store that is away is tried again; it doubles with each.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Says once that a store is away, and once that it is back.
#[derive(Default)]
pub(super) struct Absence {
    since: Option<(Instant, Duration)>,
}

impl Absence {
    /// Takes a failure that may pass, and gives how long to wait before the next try; gives back one
    /// that does not pass.
    pub(super) fn begin(&mut self, failure: Failure, colors: Colors) -> Result<Duration, Failure> {
        if !failure.may_pass() {
            return Err(failure);
        }
        let (since, pause) = match self.since {
            Some((since, pause)) => (since, LONGEST_PAUSE.min(2 * pause)),
            None => {
                let mut stderr = io::stderr().lock();
                // Nobody to tell is no reason to give up.
                let _ = failure.print(&mut stderr, colors.stderr);
                let _ = writeln!(stderr, "Trying again until the store is back.");
                (Instant::now(), PAUSE)
            }
        };
        self.since = Some((since, pause));
        Ok(pause)
    }

    /// The store has answered.
    pub(super) fn end(&mut self) {
        if let Some((since, _)) = self.since.take() {
            let lasted = words::duration(since.elapsed().as_secs_f64());
            let _ = writeln!(io::stderr(), "The store is back after {lasted}.");
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }
}
