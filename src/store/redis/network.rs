//! How a store reaches its server. The rest knows conversations only, so that a test can hold one
//! without a server, and order the steps of several as it likes.

use std::io::{self, BufReader, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::redis::{Parser, RedisResult, Value};
use rustls::ClientConfig;

use super::stream::{Address, Stream};

/// Bytes that are taken from a connection at once; the parser by itself takes an eighth of that.
const READ_AT_ONCE: usize = 64 * 1024;

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
            stream: BufReader::with_capacity(READ_AT_ONCE, stream),
            parser: Parser::new(),
        }))
    }

    fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

struct Socket {
    stream: BufReader<Stream>,
    parser: Parser,
}

impl Link for Socket {
    fn send(&mut self, bytes: &[u8]) -> RedisResult<()> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    fn receive(&mut self) -> RedisResult<Value> {
        self.parser.parse_value(&mut self.stream)
    }

    fn allow(&mut self, limit: Duration) -> RedisResult<()> {
        Ok(self.stream.get_ref().set_limit(limit)?)
    }
}
