//! The channel on which every commit is announced.

use std::time::Duration;

use ::redis::Value;

use crate::store::names::Names;
use crate::store::{Error, Heard, Listener, Options};

use super::wire::Wire;
use super::{Redis, value};

/// A connection that listens. The server is found as for reading and writing: what is published on any
/// node of a cluster is heard on all of them.
pub(in crate::store) struct Ears {
    redis: Redis,
    wire: Option<Wire>,
    /// Asked whether it is still there, and not answered yet.
    asked: bool,
}

impl Ears {
    pub fn new(url: &str, names: Names, options: &Options) -> Result<Self, Error> {
        Ok(Self {
            redis: Redis::new(url, names, options)?,
            wire: None,
            asked: false,
        })
    }

    fn subscribe(&mut self) -> Result<Wire, Error> {
        let mut wire = self.redis.connect()?;
        wire.command(&["SUBSCRIBE", &self.redis.names.changes]);
        wire.good_answers()?;
        Ok(wire)
    }

    /// Works on the connection; an error leaves none behind.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(mut wire) = self.wire.take() else {
            let store = self.redis.endpoint.shown.clone();
            let reason = "nobody is listening".to_owned();
            return Err(Error::Disconnected { store, reason });
        };
        let done = work(self, &mut wire);
        match &done {
            Ok(_) => self.wire = Some(wire),
            Err(error) => {
                let node = self.redis.endpoint.node.as_deref();
                self.redis.route.learn(node, error);
            }
        }
        done
    }
}

impl Listener for Ears {
    fn begin(&mut self) -> Result<(), Error> {
        self.wire = None;
        self.asked = false;
        let wire = self.subscribe();
        if let Err(error) = &wire {
            let node = self.redis.endpoint.node.clone();
            self.redis.route.learn(node.as_deref(), error);
        }
        self.wire = Some(wire?);
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Heard, Error> {
        self.with(|ears, wire| {
            // A limit of nothing would be none at all.
            wire.allow(limit.max(Duration::from_millis(1)))?;
            match wire.overhear() {
                Ok(Value::ServerError(error)) => Err(wire.endpoint().refused(&error)),
                Ok(message) => {
                    let message = Message::read(message);
                    ears.asked &= message != Message::Pong;
                    Ok(message.heard())
                }
                Err(Error::Timeout { .. }) => Ok(Heard::Nothing),
                Err(error) => Err(error),
            }
        })
    }

    fn check(&mut self) -> Result<(), Error> {
        self.with(|ears, wire| {
            if std::mem::replace(&mut ears.asked, true) {
                let store = wire.endpoint().store();
                let reason = "it has stopped answering".to_owned();
                return Err(Error::Disconnected { store, reason });
            }
            wire.say(&["PING"])
        })
    }
}

#[derive(Debug, PartialEq)]
enum Message {
    Changes(Vec<u8>),
    Pong,
    Other,
}

impl Message {
    fn read(message: Value) -> Self {
        let mut parts = value::list(message).unwrap_or_default().into_iter();
        let kind = parts.next().and_then(value::text).unwrap_or_default();
        match kind.as_str() {
            "message" => match parts.nth(1).and_then(value::bytes) {
                Some(bytes) => Self::Changes(bytes),
                None => Self::Other,
            },
            "pong" => Self::Pong,
            _ => Self::Other,
        }
    }

    fn heard(self) -> Heard {
        #[derive(serde::Deserialize)]
        struct Changes {
            generation: u64,
            keys: Vec<String>,
        }
        match self {
            Self::Changes(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Changes { generation, keys }) => Heard::Commit {
                    generation,
                    flags: keys,
                },
                // Somebody else's words, or those of a later hoist.
                Err(_) => Heard::Something,
            },
            Self::Pong | Self::Other => Heard::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(json: &[&[u8]]) -> Heard {
        let parts = json.iter().map(|part| Value::BulkString(part.to_vec()));
        Message::read(Value::Array(parts.collect())).heard()
    }

    #[test]
    fn messages_are_told_apart() {
        let commit = Heard::Commit {
            generation: 7,
            flags: vec!["a".to_owned(), "b".to_owned()],
        };
        let says = |text: &'static [u8]| heard(&[b"message", b"hoist:{ff}:changes", text]);
        assert_eq!(says(br#"{"generation":7,"keys":["a","b"]}"#), commit);
        for odd in [&b"{}"[..], b"", b"7", br#"{"generation":-1,"keys":[]}"#] {
            assert_eq!(says(odd), Heard::Something);
        }
        assert_eq!(heard(&[b"pong", b""]), Heard::Nothing);
        assert_eq!(heard(&[b"message", b"channel"]), Heard::Nothing);
        assert_eq!(Message::read(Value::Nil), Message::Other);
    }
}
