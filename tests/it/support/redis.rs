//! A real Redis for one test: a server of its own, stopped when the test ends.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

/// In a line of configuration: a port that is free.
pub const FREE_PORT: &str = "<free port>";

/// A running server, reachable over a socket and over a port of its own.
pub struct RedisServer {
    child: Child,
    arguments: Vec<String>,
    folder: TempDir,
    pub port: u16,
    password: Option<String>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with further lines of configuration.
    pub fn with(configuration: &[&str]) -> Self {
        Self::run_as(&[], configuration)
    }

    /// Starts a Sentinel.
    pub fn sentinel(configuration: &[&str]) -> Self {
        Self::run_as(&["--sentinel"], configuration)
    }

    fn run_as(arguments: &[&str], configuration: &[&str]) -> Self {
        // Between choosing a free port and taking it another process may take it.
        (0..5)
            .find_map(|_| Self::try_start(arguments, configuration))
            .expect("redis-server does not start")
    }

    fn try_start(arguments: &[&str], configuration: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let port = free_port();
        let path = folder.path().display();
        let mut lines = vec![
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("unixsocket {path}/redis.sock"),
            format!("dir {path}"),
            "save \"\"".to_owned(),
            "appendonly no".to_owned(),
            "daemonize no".to_owned(),
        ];
        let further = configuration
            .iter()
            .map(|line| line.replace(FREE_PORT, &free_port().to_string()));
        lines.extend(further);
        let file = folder.path().join("redis.conf");
        std::fs::write(&file, lines.join("\n")).expect("the server's configuration");
        let mut all = vec![file.display().to_string()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let password = configuration
            .iter()
            .find_map(|line| line.strip_prefix("requirepass "))
            .map(str::to_owned);
        let mut server = Self {
            child: spawn(&all),
            arguments: all,
            folder,
            port,
            password,
        };
        server.wait_until_ready().then_some(server)
    }

    /// Stops the server; what it holds is there again after [`Self::start_again`].
    pub fn stop(&mut self) {
        self.run::<()>(&["SAVE"]);
        self.kill();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again where it was, with what it has on its disk.
    pub fn start_again(&mut self) {
        self.begin_again();
        assert!(self.wait_until_ready(), "the server does not come back");
    }

    /// The same, without a wait until it has read its disk.
    pub fn begin_again(&mut self) {
        self.child = spawn(&self.arguments);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(
                matches!(self.child.try_wait(), Ok(None)),
                "it ended at once"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_until_ready(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if self.try_connect().is_ok() {
                return true;
            }
            if let Ok(Some(_)) = self.child.try_wait() {
                let mut log = String::new();
                if let Some(stdout) = self.child.stdout.as_mut() {
                    let _ = stdout.read_to_string(&mut log);
                }
                eprintln!("redis-server ended at once: {log}");
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// What stands in its configuration file under this name.
    pub fn configured(&self, name: &str) -> String {
        let file = self.folder.path().join("redis.conf");
        let lines = std::fs::read_to_string(file).expect("the server's configuration");
        let value = lines.lines().find_map(|line| line.strip_prefix(name));
        value.expect(name).trim().to_owned()
    }

    pub fn unix_url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis+unix://{}?pass={password}", self.socket().display()),
            None => format!("redis+unix://{}", self.socket().display()),
        }
    }

    pub fn tcp_url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// A connection past hoist, with all rights.
    pub fn connect(&self) -> Connection {
        self.try_connect().expect("a connection to the server")
    }

    pub fn try_connect(&self) -> redis::RedisResult<Connection> {
        redis::Client::open(self.unix_url())?.get_connection()
    }

    /// Runs one command past hoist.
    pub fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let (name, args) = words.split_first().expect("a command");
        let mut command = redis::cmd(name);
        for arg in args {
            command.arg(*arg);
        }
        command
            .query(&mut self.connect())
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "these tests need `redis-server` in the PATH (apt install redis-server): {error}"
            )
        })
}

/// Stops servers that several tests share, and that nothing drops, when this process ends, however
/// it does: then a shell that waits for its input to end sees that.
pub fn stop_at_exit<'s>(servers: impl IntoIterator<Item = &'s RedisServer>) {
    let mut words = Vec::new();
    for server in servers {
        words.push(server.child.id().to_string());
        words.push(server.folder.path().display().to_string());
    }
    let script =
        r#"cat >/dev/null; while [ $# -gt 1 ]; do kill -9 "$1"; rm -rf "$2"; shift 2; done"#;
    let shell = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    std::mem::forget(shell);
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
