//! A store that goes away while files are watched.

use std::time::{Duration, Instant};

/// The first pause before a store that is away is tried again; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Since when the store is away, and when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Away {
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl Away {
    /// It could not be reached; whether that is news.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let is_news = self.state.is_none();
        let (since, pause) = match &self.state {
            Some(state) => (state.since, LONGEST_PAUSE.min(2 * state.pause)),
            None => (now, PAUSE),
        };
        self.state = Some(State {
            since,
            pause,
            next: now + pause,
        });
        is_news
    }

    /// It has answered; for how long it had been away.
    pub(super) fn end(&mut self, now: Instant) -> Option<Duration> {
        self.state
            .take()
            .map(|state| now.saturating_duration_since(state.since))
    }

    pub(super) fn is_on(&self) -> bool {
        self.state.is_some()
    }

    /// When to try again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.state.as_ref().map(|state| state.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_and_tried_ever_more_rarely() {
        let mut away = Away::default();
        let mut now = Instant::now();
        let begin = now;
        assert!(away.begin(now));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let next = away.next().unwrap();
            pauses.push((next - now).as_millis());
            now = next;
            assert!(!away.begin(now));
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(away.end(now), Some(now - begin));
        assert!(!away.is_on());
        assert_eq!(away.end(now), None);
    }
}
