//! A bar on the terminal for work that takes longer than half a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Before this nothing is drawn.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar over a known number of steps; gone when dropped.
pub(super) struct Progress {
    done: Arc<AtomicU64>,
    finished: Arc<(Mutex<bool>, Condvar)>,
    painter: Option<JoinHandle<()>>,
}

impl Progress {
    /// Draws nothing where standard error is no terminal, or `quiet`.
    pub(super) fn start(label: &'static str, steps: u64, quiet: bool) -> Self {
        Self::draw("{msg} {bar:32} {pos}/{len} {eta}", label, steps, quiet)
    }

    /// The same over a number of bytes; 0 where it is not known.
    pub(super) fn bytes(label: &'static str, size: u64, quiet: bool) -> Self {
        let form = match size {
            0 => "{msg} {bytes}",
            _ => "{msg} {bar:32} {bytes}/{total_bytes} {eta}",
        };
        Self::draw(form, label, size, quiet)
    }

    fn draw(form: &'static str, label: &'static str, steps: u64, quiet: bool) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let finished = Arc::new((Mutex::new(false), Condvar::new()));
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let painter = (terminal && !quiet).then(|| {
            let (done, finished) = (Arc::clone(&done), Arc::clone(&finished));
            std::thread::spawn(move || paint(form, label, steps, &done, &finished))
        });
        Self {
            done,
            finished,
            painter,
        }
    }

    pub(super) fn step(&self) {
        self.advance(1);
    }

    pub(super) fn advance(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }
}

fn paint(
    form: &str,
    label: &'static str,
    steps: u64,
    done: &AtomicU64,
    finished: &(Mutex<bool>, Condvar),
) {
    let mut bar = None;
    let mut wait = PATIENCE;
    loop {
        let lock = finished.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (over, _) = finished
            .1
            .wait_timeout_while(lock, wait, |over| !*over)
            .unwrap_or_else(PoisonError::into_inner);
        if *over {
            break;
        }
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            bar.set_message(label);
            bar
        });
        bar.set_position(done.load(Ordering::Relaxed));
        wait = Duration::from_millis(100);
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        *self
            .finished
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.finished.1.notify_all();
        if let Some(painter) = self.painter.take() {
            let _ = painter.join();
        }
    }
}
