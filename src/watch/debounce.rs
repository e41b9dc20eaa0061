//! When it is time to look.

use std::time::{Duration, Instant};

/// Waits until nothing has happened for a while, but not for ever.
#[derive(Clone, Copy, Debug)]
pub struct Debounce {
    quiet: Duration,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// So many times as long as the quiet it waits for, it waits at most; and so long it waits where a file is
/// gone, which may come back: many editors move or empty a file before they write it.
const PATIENCE: u32 = 10;

impl Debounce {
    #[must_use]
    pub fn new(quiet: Duration) -> Self {
        Self {
            quiet,
            first: None,
            last: None,
        }
    }

    /// Something has happened.
    pub fn touch(&mut self, now: Instant) {
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// When to look; never where nothing has happened.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let quiet = self.last? + self.quiet;
        Some(quiet.min(self.first? + PATIENCE * self.quiet))
    }

    /// When something that is gone counts as gone.
    #[must_use]
    pub fn gone_at(&self) -> Option<Instant> {
        Some(self.last? + PATIENCE * self.quiet)
    }

    /// It has been looked.
    pub fn settle(&mut self) {
        self.first = None;
    }

    /// Whether something has happened that was not looked at.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.first.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_quiet_and_not_for_ever() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut debounce = Debounce::new(Duration::from_millis(20));
        assert_eq!(debounce.due(), None);
        debounce.touch(at(0));
        assert_eq!(debounce.due(), Some(at(20)));
        debounce.touch(at(15));
        assert_eq!(debounce.due(), Some(at(35)));
        assert_eq!(debounce.gone_at(), Some(at(215)));
        for ms in (30..300).step_by(15) {
            debounce.touch(at(ms));
        }
        assert_eq!(debounce.due(), Some(at(200)));
        debounce.settle();
        assert_eq!(debounce.due(), None);
        debounce.touch(at(400));
        assert_eq!(debounce.due(), Some(at(420)));
    }
}
