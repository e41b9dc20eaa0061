//! The programs that are measured, and the server between them.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::resp::Client;

/// A Redis of its own, on a free port.
pub struct Server {
    child: Child,
    pub address: String,
    _folder: tempfile::TempDir,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port()
            .to_string();
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--notify-keyspace-events", "K$", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self {
            child,
            address: format!("127.0.0.1:{port}"),
            _folder: folder,
        };
        let end = Instant::now() + Duration::from_secs(10);
        while Client::connect(&server.address).is_err() {
            if Instant::now() > end {
                return Err(io::Error::other("redis-server does not start"));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `hoist watch`.
pub struct Watcher {
    child: Child,
}

impl Watcher {
    /// Started, and done with its first sync.
    pub fn start(hoist: &Path, project: &Path, address: &str) -> io::Result<Self> {
        let mut child = Command::new(hoist)
            .args([
                "watch",
                "--format",
                "json",
                "--store",
                &format!("redis://{address}"),
            ])
            .args(["--today", "2026-11-22"])
            .current_dir(project)
            .env_remove("HOIST_STORE")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while !line.contains("\"event\":\"sync\"") {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                return Err(io::Error::other("hoist watch has ended"));
            }
            // With any of these it waits for another save, and never syncs.
            if line.contains("\"severity\":\"error\"") {
                return Err(io::Error::other(line));
            }
        }
        // Whatever else it says is read, so that it never waits for that.
        std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok(Self { child })
    }

    /// Percent of one processor that it takes while nothing happens.
    pub fn idle(&self, time: Duration) -> io::Result<f64> {
        let before = self.ticks()?;
        sleep(time);
        let ticks = self.ticks()? - before;
        // A hundred ticks a second, on every Linux there is.
        Ok(ticks as f64 / time.as_secs_f64())
    }

    /// Processor time, in hundredths of a second.
    fn ticks(&self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name may hold anything, and ends with the last bracket.
        let fields = text.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        number(11)
            .zip(number(12))
            .map(|(user, system)| user + system)
            .ok_or_else(|| io::Error::other(text.clone()))
    }

    /// Memory that it has, in MiB.
    pub fn resident(&self) -> io::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        number
            .map(|kib| kib / 1024.0)
            .ok_or_else(|| io::Error::other(text))
    }

    pub fn end(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

/// The program that does the least.
pub struct Least(Child);

impl Least {
    pub fn start(folder: &Path, address: &str) -> io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg("least")
            .arg(folder)
            .arg(address)
            .spawn()?;
        // It has set the key once it listens.
        let mut client = Client::connect(address)?;
        loop {
            client.send(&["EXISTS", "least:probe"])?;
            if client.answer()? == "1" {
                return Ok(Self(child));
            }
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Least {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
