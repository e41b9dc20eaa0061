//! Sentinels: real ones, and one that says what it is told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use super::cluster::{try_run, wait_until};
use super::redis::{RedisServer, stop_at_exit};

/// A primary, replicas of it, and sentinels that watch over them under the name `mymaster`.
pub struct Watched {
    pub servers: Vec<RedisServer>,
    pub sentinels: Vec<RedisServer>,
}

impl Watched {
    pub fn start(replicas: usize, sentinels: usize) -> Self {
        let primary = RedisServer::with(&["repl-diskless-sync-delay 0"]);
        let follow = format!("replicaof 127.0.0.1 {}", primary.port);
        let monitor = format!(
            "sentinel monitor mymaster 127.0.0.1 {} {}",
            primary.port,
            sentinels / 2 + 1
        );
        let replicas = (0..replicas)
            .map(|_| RedisServer::with(&["repl-diskless-sync-delay 0", follow.as_str()]));
        let servers: Vec<RedisServer> = replicas.collect();
        let known: Vec<String> = servers
            .iter()
            .map(|replica| format!("sentinel known-replica mymaster 127.0.0.1 {}", replica.port))
            .collect();
        let mut lines = vec![
            monitor.as_str(),
            "sentinel down-after-milliseconds mymaster 1000",
            "sentinel failover-timeout mymaster 3000",
        ];
        lines.extend(known.iter().map(String::as_str));
        let sentinels = (0..sentinels).map(|_| RedisServer::sentinel(&lines));
        let watched = Self {
            sentinels: sentinels.collect(),
            servers: std::iter::once(primary).chain(servers).collect(),
        };
        for sentinel in &watched.sentinels {
            // From 7.0 on they can be hurried.
            let hurry =
                "SENTINEL DEBUG publish-period 200 info-period 500 ask-period 100 ping-period 200";
            let _ = try_run::<()>(sentinel, &hurry.split(' ').collect::<Vec<_>>());
        }
        watched.wait_until_steady();
        watched
    }

    /// A primary and a sentinel that tests share as long as they leave them as they are.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Watched> = OnceLock::new();
        SHARED.get_or_init(|| {
            let watched = Self::start(0, 1);
            stop_at_exit(watched.servers.iter().chain(&watched.sentinels));
            watched
        })
    }

    /// Waits until the sentinels know of each other, and the replicas follow.
    pub fn wait_until_steady(&self) {
        let others = (self.sentinels.len() - 1).to_string();
        wait_until("the sentinels agree", || {
            self.sentinels.iter().all(|sentinel| {
                let state: Vec<String> = sentinel.run(&["SENTINEL", "MASTER", "mymaster"]);
                let field = |name: &str| {
                    let mut pairs = state.chunks(2);
                    pairs.find_map(|pair| (pair[0] == name).then(|| pair[1].clone()))
                };
                field("num-other-sentinels").as_ref() == Some(&others)
                    && field("flags").as_deref() == Some("master")
            })
        });
        wait_until("the replicas follow", || {
            self.servers.iter().all(|server| {
                let state: String = try_run(server, &["INFO", "replication"]).unwrap_or_default();
                state.contains("role:master") || state.contains("master_link_status:up")
            })
        });
    }

    pub fn url(&self) -> String {
        let ports: Vec<u16> = self
            .sentinels
            .iter()
            .map(|sentinel| sentinel.port)
            .collect();
        url(&ports)
    }

    /// The server that the sentinels name.
    pub fn primary(&self) -> usize {
        let (_, port): (String, u16) =
            self.sentinels[0].run(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]);
        let named = self.servers.iter().position(|server| server.port == port);
        named.expect("one of the servers")
    }
}

/// The URL of sentinels at these ports.
pub fn url(ports: &[u16]) -> String {
    let hosts: Vec<String> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    format!("redis+sentinel://{}/mymaster", hosts.join(","))
}

/// A sentinel that names the primaries that it is given, each as often as it is asked once, and the
/// last of them from then on.
pub struct FakeSentinel {
    pub port: u16,
    primaries: Arc<Mutex<Vec<u16>>>,
}

impl FakeSentinel {
    pub fn start(primaries: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let primaries = Arc::new(Mutex::new(primaries.to_vec()));
        let named = Arc::clone(&primaries);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let named = Arc::clone(&named);
                thread::spawn(move || serve(client, &named));
            }
        });
        Self { port, primaries }
    }

    pub fn url(&self) -> String {
        url(&[self.port])
    }

    /// From now on names this primary.
    pub fn name(&self, primary: u16) {
        *self.primaries.lock().expect("the primaries") = vec![primary];
    }
}

/// Answers each command, until the client is gone.
fn serve(client: TcpStream, primaries: &Mutex<Vec<u16>>) -> Option<()> {
    let mut to_client = client.try_clone().ok()?;
    let mut from_client = BufReader::new(client);
    loop {
        let words = command(&mut from_client)?;
        let answer = match words[0].to_ascii_uppercase().as_str() {
            "HELLO" => "*2\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n".to_owned(),
            "SENTINEL" => {
                let mut primaries = primaries.lock().expect("the primaries");
                let port = primaries[0].to_string();
                if primaries.len() > 1 {
                    primaries.remove(0);
                }
                format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len())
            }
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        to_client.write_all(answer.as_bytes()).ok()?;
    }
}

fn command(from: &mut impl BufRead) -> Option<Vec<String>> {
    let count = length(from)?;
    let word = |_| {
        let mut word = vec![0; length(from)? + 2];
        from.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        String::from_utf8(word).ok()
    };
    (0..count).map(word).collect()
}

fn length(from: &mut impl BufRead) -> Option<usize> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    line.trim().get(1..)?.parse().ok()
}
