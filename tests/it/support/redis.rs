//! A real Redis for one test: a server of its own, stopped when the test ends.

use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

/// A running server, reachable over a socket and over a port of its own.
pub struct RedisServer {
    child: Child,
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
        // Between choosing a free port and taking it another process may take it.
        (0..5)
            .find_map(|_| Self::try_start(configuration))
            .expect("redis-server does not start")
    }

    fn try_start(configuration: &[&str]) -> Option<Self> {
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
        lines.extend(configuration.iter().map(|line| (*line).to_owned()));
        let file = folder.path().join("redis.conf");
        std::fs::write(&file, lines.join("\n")).expect("the server's configuration");
        let child = Command::new("redis-server")
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("these tests need `redis-server` in the PATH (apt install redis-server): {error}")
            });
        let password = configuration
            .iter()
            .find_map(|line| line.strip_prefix("requirepass "))
            .map(str::to_owned);
        let mut server = Self {
            child,
            folder,
            port,
            password,
        };
        server.wait_until_ready().then_some(server)
    }

    /// Stops the server; what it holds is there again after [`Self::start_again`].
    pub fn stop(&mut self) {
        self.run::<()>(&["SAVE"]);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn start_again(&mut self) {
        self.child = Command::new("redis-server")
            .arg(self.folder.path().join("redis.conf"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server to start again");
        assert!(self.wait_until_ready(), "the server does not come back");
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

    fn try_connect(&self) -> redis::RedisResult<Connection> {
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
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
