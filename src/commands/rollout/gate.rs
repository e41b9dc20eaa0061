//! A command that decides whether a rollout goes on.

use std::io::{self, PipeReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::signals::Interrupt;
use crate::operate::Rollout;
use crate::report::operated::GateAnswer;

/// Bytes of a gate's output that are kept: the end, where most programs say what it comes to.
const KEPT: usize = 4096;

/// How long output is waited for once a gate has ended: something that it left running may hold on
/// to it.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// How long a gate that is told to end may take.
const GRACE: Duration = Duration::from_secs(1);

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
        let (mut child, output) = match self.start(question) {
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

    fn start(&self, question: &Question<'_>) -> io::Result<(Child, Output)> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new("sh");
        command
            .args(["-c", self.command])
            .envs(question.variables())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        // A group of its own: it is ended with all that it has started, and Ctrl-C is hoist's to hear.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn()?;
        // The command holds the pipe's other end open as long as it is there.
        drop(command);
        Ok((child, Output::read(reader)))
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
            end(child);
            return Ok(Err(why));
        }
    }
}

/// Ends a gate and what it has started: first with a word, then without.
fn end(child: &mut Child) {
    signal(child, "TERM");
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Ok(Some(_)) | Err(_) => break,
        }
    }
    signal(child, "KILL");
    let _ = child.kill();
    let _ = child.wait();
}

/// Sends a signal to the group that the gate leads; the shell knows how.
fn signal(child: &Child, signal: &str) {
    let group = format!("kill -s {signal} -- -{}", child.id());
    let _ = Command::new("sh")
        .args(["-c", &group])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
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

/// What a gate prints, on both its outputs, as it comes.
struct Output {
    tail: Arc<Mutex<Tail>>,
    over: Receiver<()>,
}

/// The end of a text.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Output {
    fn read(mut reader: PipeReader) -> Self {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let (send, over) = channel();
        let shared = Arc::clone(&tail);
        thread::spawn(move || {
            let mut buffer = [0; KEPT];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let mut tail = shared.lock().unwrap_or_else(PoisonError::into_inner);
                tail.push(buffer.get(..length).unwrap_or_default());
            }
            let _ = send.send(());
        });
        Self { tail, over }
    }

    /// What has come by now.
    fn end(&self) -> String {
        let _ = self.over.recv_timeout(LAST_WORDS);
        self.tail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .text()
    }
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let excess = self.bytes.len().saturating_sub(KEPT);
        self.bytes.drain(..excess);
        self.is_cut |= excess > 0;
    }

    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.trim_end();
        if self.is_cut {
            // It may begin within a character.
            format!("…{}", text.trim_start_matches('\u{fffd}'))
        } else {
            text.to_owned()
        }
    }
}
