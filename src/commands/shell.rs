//! Commands of the user's, run by the shell.

use std::io::{self, PipeReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of a command's output that are kept: the end, where most programs say what it comes to.
const KEPT: usize = 4096;

/// How long output is waited for once a command has ended: something that it left running may hold on
/// to it.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// How long a command that is told to end may take.
const GRACE: Duration = Duration::from_secs(1);

/// Starts `command` with further variables in its environment.
///
/// # Errors
/// Where there is no shell, or no process to be had.
pub(super) fn start(
    command: &str,
    variables: impl IntoIterator<Item = (&'static str, String)>,
) -> io::Result<(Child, Output)> {
    let (reader, writer) = io::pipe()?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    // A group of its own: it is ended with all that it has started, and Ctrl-C is hoist's to hear.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let child = shell.spawn()?;
    // The command holds the pipe's other end open as long as it is there.
    drop(shell);
    Ok((child, Output::read(reader)))
}

/// Ends a command and what it has started: first with a word, then without.
pub(super) fn end(child: &mut Child) {
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

/// Sends a signal to the group that the command leads; the shell knows how.
fn signal(child: &Child, signal: &str) {
    let group = format!("kill -s {signal} -- -{}", child.id());
    let _ = Command::new("sh")
        .args(["-c", &group])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// What a command prints, on both its outputs, as it comes.
pub(super) struct Output {
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
    pub(super) fn end(&self) -> String {
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
