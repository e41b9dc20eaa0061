//! `hoist watch` at work, and what it says.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::Project;
use crate::json_shapes::check_watch;

/// How long anything may take before it counts as missed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running watcher.
pub struct Watching {
    child: Child,
    events: Receiver<Value>,
    /// Everything it has said that was waited for, or came before.
    seen: Vec<Value>,
}

impl Watching {
    /// Starts it in a project, and waits until it has looked at everything once.
    pub fn start(project: &Project, args: &[&str]) -> Self {
        let mut watching = Self::begin(project, args);
        watching.wait_for("watching");
        watching
    }

    /// The same, without a wait.
    pub fn begin(project: &Project, args: &[&str]) -> Self {
        let fixed = ["watch", "--format", "json", "--today", "2026-11-22"];
        let mut child = project
            .command(&[&fixed, args].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("hoist to run");
        let events = events(child.stdout.take().expect("its output"));
        Self {
            child,
            events,
            seen: Vec::new(),
        }
    }

    /// The next event that is one of these.
    #[track_caller]
    pub fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    self.seen.push(event.clone());
                    if is_it(&event) {
                        return event;
                    }
                }
                Err(error) => {
                    let last = self.seen.iter().rev().take(5).collect::<Vec<_>>();
                    panic!("{error} while waiting for {what}; newest first: {last:#?}")
                }
            }
        }
    }

    /// The next event of this name.
    #[track_caller]
    pub fn wait_for(&mut self, event: &str) -> Value {
        self.wait(event, |found| found["event"] == event)
    }

    /// The next sync that has written something.
    #[track_caller]
    pub fn wait_for_write(&mut self) -> Value {
        self.wait("a sync with changes", |found| {
            found["event"] == "sync" && !found["changes"].as_array().expect("a list").is_empty()
        })
    }

    /// How often it has said so by now, as far as that was waited for.
    pub fn count(&self, event: &str) -> usize {
        let said = self.seen.iter().filter(|found| found["event"] == event);
        said.count()
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill to run").success(), "{name}");
    }

    /// Asks it to end, and expects that it does, in peace; gives everything that it has said.
    #[track_caller]
    pub fn end(mut self) -> Vec<Value> {
        self.signal("TERM");
        assert_eq!(self.code(), 0);
        while let Ok(event) = self.events.recv_timeout(PATIENCE) {
            self.seen.push(event);
        }
        assert_eq!(self.seen.last().expect("a word")["event"], "stopped");
        std::mem::take(&mut self.seen)
    }

    /// Waits for its end.
    #[track_caller]
    pub fn code(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a process") {
                return status.code().expect("an exit code");
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end: {:#?}", self.seen.last());
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn events(output: ChildStdout) -> Receiver<Value> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).expect(&line);
            check_watch(&event);
            if send.send(event).is_err() {
                break;
            }
        }
    });
    receive
}
