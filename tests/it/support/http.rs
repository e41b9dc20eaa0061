//! The least that it takes to ask a server, with no manners of a real client in between.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.get(name);
        found.unwrap_or_else(|| panic!("no {name}: {self:#?}"))
    }
}

/// Connects, and gives up on whoever is silent for long.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).expect("a limit");
    stream
}

/// The text of a request.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text + &format!("content-length: {}\r\n\r\n{body}", body.len())
}

/// Reads one answer, whose length is known.
pub fn answer(from: &mut impl BufRead) -> Option<Answer> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).expect("UTF-8");
    Some(Answer {
        status,
        headers,
        body,
    })
}

/// Asks once, over a connection of its own.
#[track_caller]
pub fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = connect(port);
    let text = request(method, path, headers, body);
    stream.write_all(text.as_bytes()).expect("a request");
    answer(&mut BufReader::new(stream)).expect("an answer")
}

/// A server of flags that runs.
pub struct Served {
    child: Child,
    pub port: u16,
    pub said: String,
}

impl Served {
    /// Runs `command`, which is `hoist serve` with `--listen 127.0.0.1:0`, until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("hoist to run");
        let mut said = String::new();
        let stdout = child.stdout.as_mut().expect("its output");
        BufReader::new(stdout).read_line(&mut said).expect("a line");
        let port = said
            .trim()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        Self {
            child,
            port: port.unwrap_or_else(|| panic!("no port: {said:?}")),
            said,
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        ask(self.port, "GET", path, &[], "")
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        ask(self.port, "POST", path, &[], body)
    }

    /// What a user gets from a flag.
    pub fn evaluate(&self, flag: &str, user: &str) -> Value {
        let body = serde_json::json!({"context": {"targetingKey": user}});
        let path = format!("/ofrep/v1/evaluate/flags/{flag}");
        self.post(&path, &body.to_string()).json()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for its end: the exit code.
    pub fn wait(mut self) -> i32 {
        let status = self.child.wait().expect("its end");
        status.code().expect("an exit code")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Follows an event stream.
pub struct Events(BufReader<TcpStream>);

impl Events {
    pub fn open(port: u16, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = connect(port);
        let text = request("GET", path, headers, "");
        stream.write_all(text.as_bytes()).expect("a request");
        let mut events = Self(BufReader::new(stream));
        assert!(events.line().expect("a status").contains("200"));
        while !events.line().expect("a header").is_empty() {}
        events
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("a line");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event: its id and its data; none at the end of the stream.
    pub fn next(&mut self) -> Option<(String, Value)> {
        let (mut id, mut data) = (None, None);
        loop {
            let line = self.line()?;
            if let Some(found) = line.strip_prefix("id: ") {
                id = Some(found.to_owned());
            } else if let Some(found) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(found).expect("JSON"));
            } else if line.is_empty()
                && let (Some(id), Some(data)) = (id.take(), data.take())
            {
                return Some((id, data));
            }
        }
    }

    /// Whether the stream ends, after whatever it still says.
    pub fn ends(mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok()
    }
}
