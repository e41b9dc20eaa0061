//! The command that is run after each sync.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::commands::shell;
use crate::commands::signals::Interrupt;

/// How often a command is asked whether it has ended.
const TICK: Duration = Duration::from_millis(20);

/// A sync, as the command is told of it.
#[derive(Clone, Debug)]
pub(super) struct Occasion {
    pub generation: u64,
    /// Keys of the flags that changed.
    pub flags: BTreeSet<String>,
    pub environment: String,
    pub prefix: String,
}

/// How the command ended.
#[derive(Debug)]
pub(super) struct Ran {
    /// None where it did not end by itself.
    pub exit: Option<i32>,
    pub output: String,
}

/// Runs a command, one at a time, while files are watched on.
pub(super) struct Runner {
    occasions: Sender<Occasion>,
    worker: JoinHandle<()>,
}

impl Runner {
    /// `tell` is told how each run ended.
    pub(super) fn start(
        command: String,
        interrupt: Interrupt,
        tell: impl Fn(Ran) + Send + 'static,
    ) -> Self {
        let (occasions, receive) = channel();
        let worker = thread::spawn(move || {
            while let Some(occasion) = next(&receive) {
                tell(run(&command, &occasion, &interrupt));
            }
        });
        Self { occasions, worker }
    }

    pub(super) fn run(&self, occasion: Occasion) {
        // The worker is there as long as this is.
        let _ = self.occasions.send(occasion);
    }

    /// Ends what is running. To be called once an interrupt was asked for.
    pub(super) fn end(self) {
        drop(self.occasions);
        let _ = self.worker.join();
    }
}

/// Syncs that came while the command ran are one.
fn next(receive: &Receiver<Occasion>) -> Option<Occasion> {
    let mut occasion = receive.recv().ok()?;
    for later in receive.try_iter() {
        occasion.generation = later.generation;
        occasion.flags.extend(later.flags);
    }
    Some(occasion)
}

fn run(command: &str, occasion: &Occasion, interrupt: &Interrupt) -> Ran {
    let flags: Vec<&str> = occasion.flags.iter().map(String::as_str).collect();
    let variables = [
        ("HOIST_GENERATION", occasion.generation.to_string()),
        ("HOIST_FLAGS", flags.join(" ")),
        ("HOIST_ENVIRONMENT", occasion.environment.clone()),
        ("HOIST_PREFIX", occasion.prefix.clone()),
    ];
    let failed = |why: String| Ran {
        exit: None,
        output: why,
    };
    let (mut child, output) = match shell::start(command, variables) {
        Ok(started) => started,
        Err(error) => return failed(format!("it could not be started: {error}")),
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Ran {
                    exit: status.code(),
                    output: output.end(),
                };
            }
            Ok(None) if interrupt.is_asked() => {
                shell::end(&mut child);
                return failed(output.end());
            }
            Ok(None) => thread::sleep(TICK),
            Err(error) => return failed(format!("it could not be waited for: {error}")),
        }
    }
}
