//! Requests over many connections at once.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const BODY: &str = r#"{"context":{"targetingKey":"user-123","plan":"free","country":"CA"}}"#;

pub struct Load {
    port: u16,
    connections: usize,
    runtime: Runtime,
}

pub struct Outcome {
    requests: usize,
    pub failed: usize,
    took: Duration,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        assert_eq!(self.failed, 0, "requests failed");
        self.requests as f64 / self.took.as_secs_f64()
    }
}

impl Load {
    pub fn new(port: u16, connections: usize) -> Self {
        Self {
            port,
            connections,
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    /// So many requests in all, each connection's one after another.
    pub fn run(&self, requests: usize) -> Outcome {
        let (port, each) = (self.port, requests / self.connections);
        self.runtime.block_on(async {
            let began = Instant::now();
            let tasks: Vec<_> = (0..self.connections)
                .map(|first| tokio::spawn(converse(port, first, each)))
                .collect();
            let mut failed = 0;
            for task in tasks {
                failed += task.await.expect("a task");
            }
            Outcome {
                requests: each * self.connections,
                failed,
                took: began.elapsed(),
            }
        })
    }
}

async fn converse(port: u16, first: usize, requests: usize) -> usize {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let (mut buffer, mut failed) = (vec![0; 16 * 1024], 0);
    for turn in 0..requests {
        let flag = (first * 131 + turn * 977) % crate::FLAGS;
        let text = format!(
            "POST /ofrep/v1/evaluate/flags/flag{flag} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        stream.write_all(text.as_bytes()).await.expect("a request");
        let mut length = 0;
        while !is_whole(&buffer[..length]) {
            let read = stream.read(&mut buffer[length..]).await.expect("an answer");
            assert!(read > 0, "the connection was closed");
            length += read;
        }
        failed += usize::from(!buffer.starts_with(b"HTTP/1.1 200"));
    }
    failed
}

/// Answers are small objects without others in them, so that the first closing brace ends one.
fn is_whole(answer: &[u8]) -> bool {
    answer.last() == Some(&b'}')
}
