//! A server of this run's own, and as much of its protocol as is needed here.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Gone when dropped.
pub struct Server {
    process: Child,
    socket: PathBuf,
}

impl Server {
    pub fn start(folder: &Path) -> io::Result<Self> {
        let socket = folder.join("redis.sock");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { process, socket };
        let end = Instant::now() + Duration::from_secs(10);
        while server.client().is_err() {
            if Instant::now() > end {
                return Err(io::Error::other("redis-server does not start"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    pub fn client(&self) -> io::Result<Client> {
        Client::connect(&self.socket)
    }

    /// Without a key, and with the memory of those that were there given back.
    pub fn clear(&self) -> io::Result<()> {
        let mut client = self.client()?;
        for words in [&["FLUSHALL", "SYNC"][..], &["MEMORY", "PURGE"]] {
            client.send(words)?;
            client.answer()?;
        }
        Ok(())
    }

    /// What `redis-cli --pipe` does with `commands`.
    pub fn pipe(&self, commands: &[u8]) -> io::Result<()> {
        let mut child = Command::new("redis-cli")
            .arg("-s")
            .arg(&self.socket)
            .arg("--pipe")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(commands)?;
        }
        assert!(child.wait()?.success());
        Ok(())
    }

    /// Peak memory of the server, in MiB.
    pub fn peak(&self) -> io::Result<f64> {
        peak(&self.process)
    }

    /// Begins to ask for an answer every millisecond, over a connection of its own.
    pub fn bystander(&self) -> io::Result<Bystander> {
        let mut client = self.client()?;
        let done = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&done);
        let thread = thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !is_done.load(Ordering::Relaxed) {
                let began = Instant::now();
                client.send(&["PING"])?;
                client.answer()?;
                longest = longest.max(began.elapsed());
                sleep(Duration::from_millis(1));
            }
            Ok(longest)
        });
        Ok(Bystander { done, thread })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The most memory that a process has had until now, as the kernel counts it, in MiB.
pub fn peak(process: &Child) -> io::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.unwrap_or(0.0) / 1024.0)
}

/// Another client, that waits while the server is busy.
pub struct Bystander {
    done: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Duration>>,
}

impl Bystander {
    /// The longest that it waited for an answer.
    pub fn waited(self) -> io::Result<Duration> {
        self.done.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| io::Error::other("the bystander panicked"))?
    }
}

pub struct Client {
    stream: BufReader<UnixStream>,
}

/// An answer of the server.
#[derive(Debug)]
pub enum Answer {
    Text(Vec<u8>),
    List(Vec<Answer>),
    Nothing,
}

impl Answer {
    /// Whether it is `text`, or a list that holds it.
    pub fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Text(found) => found == text,
            Self::List(items) => items.iter().any(|item| item.holds(text)),
            Self::Nothing => false,
        }
    }
}

impl Client {
    fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        Ok(Self {
            stream: BufReader::with_capacity(256 * 1024, stream),
        })
    }

    pub fn send(&mut self, words: &[impl AsRef<[u8]>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        command(&mut bytes, words);
        self.send_bytes(&bytes)
    }

    /// Sends commands that have been written by [`command`].
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let (kind, rest) = line
            .trim_end()
            .split_at_checked(1)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = || rest.parse::<usize>().map_err(io::Error::other);
        match kind {
            "+" | ":" => Ok(Answer::Text(rest.into())),
            "$" | "*" if rest == "-1" => Ok(Answer::Nothing),
            "$" => {
                let mut bytes = vec![0; count()? + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Ok(Answer::Text(bytes))
            }
            "*" => {
                let items: io::Result<_> = (0..count()?).map(|_| self.answer()).collect();
                Ok(Answer::List(items?))
            }
            _ => Err(io::Error::other(line)),
        }
    }

    /// One section of what the server tells about itself.
    pub fn info(&mut self, section: &str) -> io::Result<String> {
        self.send(&["INFO", section])?;
        match self.answer()? {
            Answer::Text(text) => String::from_utf8(text).map_err(io::Error::other),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }
}

/// Appends a command as it is sent.
pub fn command(bytes: &mut Vec<u8>, words: &[impl AsRef<[u8]>]) {
    bytes.extend(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        let word = word.as_ref();
        bytes.extend(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
}
