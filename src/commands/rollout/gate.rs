//! A command that decides whether a rollout goes on.

use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::shell;
use crate::commands::signals::Interrupt;
use crate::operate::Rollout;
use crate::report::operated::GateAnswer;

/// A command, and how long it may take.
pub(super) struct Gate<'a> {
    pub command: &'a str,
    pub timeout: Duration,
}

/// What a gate is asked about.
pub(super) struct Question<'q> {
    pub flag: &'q str,
    pub environment: &'q str,
    pub rollout: &'q Rollout,
    /// The store's clock, in seconds since the epoch.
    pub now: f64,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Advance,
    Hold,
    Kill,
    /// It gave no answer; why.
    Silent(String),
}

impl Gate<'_> {
    /// Runs the command, and waits until it ends, its time is up, or somebody interrupts.
    pub(super) fn ask(
        &self,
        question: &Question<'_>,
        interrupt: &Interrupt,
    ) -> (Verdict, GateAnswer) {
        let silent = |why: String| {
            let answer = GateAnswer {
                exit: None,
                output: String::new(),
            };
            (Verdict::Silent(why), answer)
        };
        let (mut child, output) = match shell::start(self.command, question.variables()) {
            Ok(started) => started,
            Err(error) => return silent(format!("the gate could not be started: {error}")),
        };
        let ended = self.wait(&mut child, interrupt);
        let output = output.end();
        match ended {
            Ok(Ok(status)) => {
                let verdict = match status.code() {
                    Some(0) => Verdict::Advance,
                    Some(1) => Verdict::Hold,
                    Some(2) => Verdict::Kill,
                    _ => Verdict::Silent(format!("the gate ended with {status}")),
                };
                let exit = status.code();
                (verdict, GateAnswer { exit, output })
            }
            Ok(Err(why)) => (Verdict::Silent(why), GateAnswer { exit: None, output }),
            Err(error) => silent(format!("the gate could not be waited for: {error}")),
        }
    }

    /// How it ended, or why it was ended.
    fn wait(
        &self,
        child: &mut Child,
        interrupt: &Interrupt,
    ) -> io::Result<Result<ExitStatus, String>> {
        let deadline = Instant::now() + self.timeout;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Ok(status));
            }
            let why = if interrupt.is_asked() {
                "the gate was interrupted".to_owned()
            } else if Instant::now() >= deadline {
                let seconds = self.timeout.as_secs_f64();
                format!("the gate did not answer within {seconds} s")
            } else {
                thread::sleep(pause);
                pause = Duration::from_millis(50).min(2 * pause);
                continue;
            };
            shell::end(child);
            return Ok(Err(why));
        }
    }
}

impl Question<'_> {
    fn variables(&self) -> Vec<(&'static str, String)> {
        let rollout = self.rollout;
        let next = rollout.stages.get(rollout.stage + 1);
        let percentage = next.and_then(|stage| stage.percentage).unwrap_or_default();
        let lasted = rollout
            .since
            .map_or(0.0, |since| (self.now - since).max(0.0));
        vec![
            ("HOIST_FLAG", self.flag.to_owned()),
            ("HOIST_ENVIRONMENT", self.environment.to_owned()),
            ("HOIST_STAGE", (rollout.stage + 1).to_string()),
            ("HOIST_STAGES", rollout.stages.len().to_string()),
            ("HOIST_PERCENTAGE", rollout.percentage.to_string()),
            ("HOIST_STAGE_SECONDS", (lasted as u64).to_string()),
            ("HOIST_NEXT_STAGE", (rollout.stage + 2).to_string()),
            ("HOIST_NEXT_PERCENTAGE", percentage.to_string()),
        ]
    }
}
