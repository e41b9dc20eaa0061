//! How a store reaches its server. The rest knows conversations only, so that a test can hold one
//! without a server, and order the steps of several as it likes.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::redis::{RedisResult, Value};
use rustls::ClientConfig;

use super::answers::Answers;
use super::stream::{Address, Stream};
use super::value::{self, Page};

/// Where conversations with servers come from.
pub trait Network: Send {
    /// Connects to the server at `address`, without a login.
    fn connect(&self, address: &Address, dial: &Dial) -> io::Result<Box<dyn Link>>;

    /// Waits before something is tried again.
    fn pause(&self, time: Duration);
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Dial {
    /// None without TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// How long a connection may take to come about.
    pub(super) connect: Duration,
    /// How long one answer may take.
    pub(super) answer: Duration,
}

/// One conversation: commands go out, answers come back in their order.
pub trait Link: Send {
    /// Sends a part of one command or of several, in the protocol of Redis.
    fn send(&mut self, bytes: &[u8]) -> RedisResult<()>;

    /// Waits for the next answer. A refusal of a command is an answer too.
    fn receive(&mut self) -> RedisResult<Value>;

    /// The same where a list of texts is expected.
    fn receive_page(&mut self) -> RedisResult<Page> {
        Ok(value::page(self.receive()?))
    }

    /// Changes how long one answer may take, where time passes.
    fn allow(&mut self, _limit: Duration) -> RedisResult<()> {
        Ok(())
    }
}

/// TCP, TLS and Unix sockets.
pub(super) struct Sockets;

impl Network for Sockets {
    fn connect(&self, address: &Address, dial: &Dial) -> io::Result<Box<dyn Link>> {
        let stream = Stream::connect(address, dial.tls.as_ref(), dial.connect)?;
        stream.set_limit(dial.answer)?;
        Ok(Box::new(Socket {
            stream,
            answers: Answers::new(),
        }))
    }

    fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

struct Socket {
    stream: Stream,
    answers: Answers,
}

impl Link for Socket {
    fn send(&mut self, bytes: &[u8]) -> RedisResult<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    fn receive(&mut self) -> RedisResult<Value> {
        self.answers.next(&mut self.stream)
    }

    fn receive_page(&mut self) -> RedisResult<Page> {
        self.answers.next_page(&mut self.stream)
    }

    fn allow(&mut self, limit: Duration) -> RedisResult<()> {
        Ok(self.stream.set_limit(limit)?)
    }
}
