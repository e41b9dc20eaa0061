//! Clients that are slow, greedy or hostile: they end, and nobody else notices.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use hoist::client::Builder;
use hoist::record::Record;
use hoist::server::{Changes, Limits, Options, Origins, Server};
use serde_json::json;
use tokio::sync::oneshot;

use super::EVALUATE;
use crate::support::cluster::wait_until;
use crate::support::http::{Events, answer, ask, connect, request};

const ANA: &str = r#"{"context":{"targetingKey":"ana"}}"#;

/// A server with these limits, in this process.
struct Small {
    port: u16,
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Small {
    fn start(limits: Limits) -> Self {
        let (told, port) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let changes = Changes::default();
                let (client, feed) = Builder::new("").on_change(changes.teller()).fed();
                let open = json!({"type": "boolean", "enabled": true}).to_string();
                let record = Record::parse(open.as_bytes()).expect("a record");
                feed.set((0..2000).map(|n| (format!("flag{n}"), Ok(record.clone()))));
                let options = Options {
                    environment: "test".to_owned(),
                    origin: "memory".to_owned(),
                    tokens: None,
                    origins: Origins::default(),
                    identity: None,
                    history: None,
                    limits,
                };
                let any = "127.0.0.1:0".parse().expect("an address");
                let server = Server::bind(any, client, &changes, options)
                    .await
                    .expect("a port");
                told.send(server.address().expect("an address").port())
                    .expect("a listener");
                let ended = async { ended.await.unwrap_or_default() };
                server.run(ended).await;
            });
        });
        Self {
            port: port.recv().expect("a port"),
            end: Some(end),
            thread: Some(thread),
        }
    }

    #[track_caller]
    fn is_fine(&self) {
        let answer = ask(self.port, "POST", &format!("{EVALUATE}/flag7"), &[], ANA);
        assert_eq!(answer.status, 200, "{answer:#?}");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = self.end.take().expect("an end").send(());
        let ended = self.thread.take().expect("a thread").join();
        assert!(ended.is_ok() || thread::panicking());
    }
}

fn limits() -> Limits {
    Limits {
        connections: 8,
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        stall: Duration::from_millis(300),
        body_bytes: 1000,
        grace: Duration::from_millis(500),
        ..Limits::default()
    }
}

/// What a connection still says until it is closed.
fn rest(mut stream: &TcpStream) -> String {
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn who_takes_too_long_is_cut_off() {
    let server = Small::start(limits());
    // As many as there may be at a time, each slow in another way.
    let path = format!("{EVALUATE}/flag7");
    let silent = connect(server.port);
    let mut slow_head = connect(server.port);
    slow_head
        .write_all(b"POST / HTTP/1.1\r\nhos")
        .expect("a part");
    let text = request("POST", &path, &[], ANA);
    let mut slow_body = connect(server.port);
    slow_body
        .write_all(&text.as_bytes()[..text.len() - 3])
        .expect("a part");
    let mut deaf: Vec<TcpStream> = (0..5).map(|_| connect(server.port)).collect();
    for stream in &mut deaf {
        stream.set_nonblocking(true).expect("a mode");
        // Asks for much, and reads nothing of it, until the buffers in between are full.
        let bulk = request("POST", EVALUATE, &[], ANA);
        for _ in 0..500 {
            if stream.write_all(bulk.as_bytes()).is_err() {
                break;
            }
        }
    }
    server.is_fine();
    assert_eq!(rest(&silent), "");
    assert!(!rest(&slow_head).contains("200"));
    let said = rest(&slow_body);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    server.is_fine();
}

#[test]
fn who_only_takes_up_a_place_gives_way() {
    let server = Small::start(Limits {
        head: Duration::from_secs(600),
        body: Duration::from_secs(600),
        ..limits()
    });
    let path = format!("{EVALUATE}/flag7");
    let text = request("POST", &path, &[], ANA);
    // A stream is silent, and of use.
    let mut stream = Events::open(server.port, "/ofrep/v1/events", &[]);
    assert!(stream.next().is_some());
    let held: Vec<TcpStream> = (0..7)
        .map(|number| {
            let mut stream = connect(server.port);
            let until = [0, text.len() - 3][number % 2];
            let part = &text.as_bytes()[..until];
            stream.write_all(part).expect("a part");
            stream
        })
        .collect();
    server.is_fine();
    assert_eq!(rest(&held[0]), "", "the first that came, and asked nothing");
    server.is_fine();
    drop(server);
    assert!(stream.ends());
}

#[test]
fn streams_leave_places_for_those_who_ask() {
    let server = Small::start(limits());
    let streams: Vec<Events> = (0..4)
        .map(|_| Events::open(server.port, "/ofrep/v1/events", &[]))
        .collect();
    let refused = ask(server.port, "GET", "/ofrep/v1/events", &[], "");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "30");
    server.is_fine();
    drop(streams);
    wait_until("there is room again", || {
        let mut stream = connect(server.port);
        let text = request("GET", "/ofrep/v1/events", &[], "");
        stream.write_all(text.as_bytes()).expect("a request");
        let mut line = String::new();
        let read = BufReader::new(stream).read_line(&mut line);
        read.is_ok() && line.contains("200")
    });
}

#[test]
fn what_is_too_large_is_refused() {
    let server = Small::start(limits());
    let path = format!("{EVALUATE}/flag7");
    let large = format!(r#"{{"context":{{"x":"{}"}}}}"#, "x".repeat(2000));
    let refused = ask(server.port, "POST", &path, &[], &large);
    assert_eq!(refused.status, 413);
    assert!(refused.json()["errorDetails"].is_string());
    // Of a length that nobody says beforehand.
    let mut stream = connect(server.port);
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("a head");
    for _ in 0..100 {
        if stream.write_all(b"64\r\n").is_err() || stream.write_all(&[b'x'; 100]).is_err() {
            break;
        }
        let _ = stream.write_all(b"\r\n");
    }
    let refused = answer(&mut BufReader::new(stream)).expect("an answer");
    assert_eq!(refused.status, 413);
    let long = "x".repeat(100_000);
    for headers in [&[("x-long", long.as_str())][..], &[("x-many", "x"); 100]] {
        let refused = ask(server.port, "POST", &path, headers, ANA);
        assert_eq!(refused.status, 431);
    }
    server.is_fine();
}

#[test]
fn what_is_no_http_ends_the_connection_only() {
    let server = Small::start(limits());
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        b"POST / HTTP/9.9\r\n\r\n",
    ] {
        let mut stream = connect(server.port);
        stream.write_all(nonsense).expect("a request");
        let said = rest(&stream);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
        server.is_fine();
    }
}

#[test]
fn requests_in_a_row_are_answered_in_their_order() {
    let server = Small::start(limits());
    let mut stream = connect(server.port);
    let text: String = (0..50)
        .map(|n| request("POST", &format!("{EVALUATE}/flag{n}"), &[], ANA))
        .collect();
    stream.write_all(text.as_bytes()).expect("requests");
    let mut answers = BufReader::new(stream);
    for n in 0..50 {
        let answer = answer(&mut answers).expect("an answer");
        assert_eq!(answer.json()["key"], format!("flag{n}"));
    }
}
