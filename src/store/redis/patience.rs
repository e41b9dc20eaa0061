//! How long, and how often, something is tried again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// The pause after the first failure; it doubles with each, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Trouble of this length is worth a word.
const LONG: Duration = Duration::from_millis(500);

/// Patience with one piece of work: it begins to run out with the first failure.
pub(super) struct Patience {
    limit: Duration,
    /// When the trouble began.
    since: Option<Instant>,
    pause: Duration,
    is_told: bool,
}

impl Patience {
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            pause: PAUSE,
            is_told: false,
        }
    }

    /// Whether it is time to say that this takes long: once, at most.
    pub fn is_worth_a_word(&mut self) -> bool {
        let is_long = self.since.is_some_and(|since| since.elapsed() >= LONG);
        is_long && !std::mem::replace(&mut self.is_told, true)
    }

    /// The pause before another try; none where it would be over by then. `since` is when the trouble
    /// began, which counts for the first failure only.
    ///
    /// Pauses are of random length, or clients that lost the same server would all come back at once.
    pub fn another(&mut self, since: Instant) -> Option<Duration> {
        let deadline = *self.since.get_or_insert(since) + self.limit;
        let pause = self.pause.mul_f64(0.5 + random() / 2.0);
        if Instant::now() + pause >= deadline {
            // It does not grow back for a shorter pause.
            self.limit = Duration::ZERO;
            return None;
        }
        self.pause = LONGEST_PAUSE.min(2 * self.pause);
        Some(pause)
    }
}

/// From 0 to below 1. The standard library seeds its hash maps well enough for this.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn patience_ends_at_its_limit() {
        let limit = Duration::from_millis(60);
        let (began, mut patience) = (Instant::now(), Patience::new(limit));
        while let Some(pause) = patience.another(began) {
            thread::sleep(pause);
        }
        for _ in 0..100 {
            assert_eq!(patience.another(began), None, "it does not grow back");
        }
    }

    #[test]
    fn trouble_that_began_long_ago_has_used_it_up_and_is_told_once() {
        let limit = 2 * LONG;
        let mut patience = Patience::new(limit);
        assert!(!patience.is_worth_a_word());
        assert_eq!(patience.another(Instant::now() - limit), None);
        assert!(patience.is_worth_a_word());
        assert!(!patience.is_worth_a_word());
    }
}
