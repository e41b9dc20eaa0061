//! The two servers that are compared, each a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use axum::extract::{Json, Path};
use axum::routing::post;
use hoist::client::Client;
use hoist::server::{Changes, Limits, Options, Origins};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    pub fn bare() -> Self {
        Self::start(&["bare-handler"])
    }

    pub fn flags(store: &str) -> Self {
        Self::start(&["flag-server", store])
    }

    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("a port");
        Self { child, port }
    }

    /// Time that processors have worked for it, in ticks of the system's clock.
    pub fn ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).expect("Linux");
        // Behind the name, which may have any character: state is the first, user and system time
        // the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let times = fields.split_whitespace().skip(11).take(2);
        times
            .map(|time| time.parse::<u64>().expect("a number"))
            .sum()
    }

    /// KiB of memory.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("Linux");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("its size");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Parses JSON, and answers with JSON as large as that for a flag.
pub fn bare() {
    async fn handler(Path(key): Path<String>, Json(body): Json<Value>) -> Json<Value> {
        let is_on = body["context"]["targetingKey"].is_string();
        Json(json!({"key": key, "value": is_on, "reason": "SPLIT", "variant": "on"}))
    }
    Runtime::new().expect("a runtime").block_on(async {
        let app = axum::Router::new().route("/ofrep/v1/evaluate/flags/{key}", post(handler));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        println!("{}", listener.local_addr().expect("an address").port());
        axum::serve(listener, app).await.expect("a server");
    });
}

pub fn flags(store: &str) {
    Runtime::new().expect("a runtime").block_on(async {
        let changes = Changes::default();
        let client = Client::builder(store)
            .on_change(changes.teller())
            .connect()
            .expect("a client");
        client
            .wait_ready(std::time::Duration::from_secs(30))
            .expect("flags");
        let options = Options {
            environment: "bench".to_owned(),
            origin: store.to_owned(),
            tokens: None,
            origins: Origins::default(),
            identity: None,
            history: None,
            limits: Limits::default(),
        };
        let any = "127.0.0.1:0".parse().expect("an address");
        let server = hoist::server::Server::bind(any, client, &changes, options)
            .await
            .expect("a port");
        println!("{}", server.address().expect("an address").port());
        server.run(std::future::pending()).await;
    });
}
