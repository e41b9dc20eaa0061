//! What has to happen however a test ends.

use std::sync::atomic::{AtomicBool, Ordering};

/// Ends the threads that look at it, even if the test fails: a scope waits for them.
pub struct SetAtTheEnd<'a>(pub &'a AtomicBool);

impl Drop for SetAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
