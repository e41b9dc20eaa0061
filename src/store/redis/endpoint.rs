//! A server in words: how to log in there, and everything that it says, as errors.

use std::cmp::Reverse;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{ErrorKind, RedisError, ServerError, Value};

use crate::doctor::quoted;
use crate::store::Error;
use crate::store::rights::{ON_SENTINELS, allowing};

use super::stream::{Address, Handshake};
use super::{tls, value};

/// What kind of server should answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One that holds records.
    Server,
    /// A node of a cluster, which holds some of the slots.
    Cluster,
    /// One that watches over others.
    Sentinel,
}

/// How to log in to a server, and how to speak of it. Knows the passwords, and therefore also how to
/// keep them out of every message.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub kind: Kind,
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: i64,
    /// The URL without its passwords.
    pub shown: String,
    /// Which of several servers it is.
    pub node: Option<String>,
    pub is_tls: bool,
    /// The prefix, where it is no hash tag.
    pub untagged: Option<String>,
    /// The rules of `ACL SETUSER` for all that hoist does there.
    pub rules: String,
    /// The passwords as they stand in the URL and as they are meant.
    secrets: Vec<String>,
}

impl Endpoint {
    pub fn new(shown: String, is_tls: bool) -> Self {
        Self {
            kind: Kind::Server,
            user: None,
            password: None,
            database: 0,
            shown,
            node: None,
            is_tls,
            untagged: None,
            rules: String::new(),
            secrets: Vec::new(),
        }
    }

    pub fn log_in_as(&mut self, user: Option<String>, password: Option<String>) {
        self.user = user;
        self.password = password.filter(|password| !password.is_empty());
    }

    /// Keeps `secret` out of every message.
    pub fn hide(&mut self, secret: Option<&str>) {
        let secret = secret.filter(|secret| !secret.is_empty());
        self.secrets.extend(secret.map(str::to_owned));
        // One may be the beginning of another, of which nothing must be left.
        self.secrets.sort_by_key(|secret| Reverse(secret.len()));
    }

    /// The same for one of several servers.
    pub fn at(&self, node: impl ToString) -> Self {
        Self {
            node: Some(node.to_string()),
            ..self.clone()
        }
    }

    /// The server for people.
    pub fn store(&self) -> String {
        match &self.node {
            Some(node) => format!("{} (node {node})", self.shown),
            None => self.shown.clone(),
        }
    }

    /// `text` without the password, should anybody have put it there.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// No connection to `address` came about.
    pub fn not_connected(&self, error: &io::Error, address: &Address, within: Duration) -> Error {
        if let Some(error) = inner::<rustls::Error>(error) {
            return self.insecure(error, address);
        }
        let store = self.store();
        let reason = self.clean(&error.to_string());
        let is_handshake = inner::<Handshake>(error).is_some();
        // Of a single server it may be that it speaks no TLS and waits for more. Where there are
        // several, one that is about to fail is the better guess.
        if is_handshake && self.node.is_none() {
            let silence = format!("no answer within {} s", within.as_secs_f64());
            let reason = if is_timeout(error) { silence } else { reason };
            let fix = tls::SPEAKS;
            Error::Tls { store, reason, fix }
        } else if is_timeout(error) {
            Error::Timeout {
                store,
                after: within,
            }
        } else {
            Error::Unreachable { store, reason }
        }
    }

    fn insecure(&self, error: &rustls::Error, address: &Address) -> Error {
        let host = match address {
            Address::Tcp(host, _) => host.clone(),
            Address::Socket(_) => address.to_string(),
        };
        let (reason, fix) = tls::in_words(error, &host);
        Error::Tls {
            store: self.store(),
            reason: self.clean(&reason),
            fix,
        }
    }

    /// A connection to `address` broke, or what came over it made no sense. `fresh` before the first
    /// answer.
    pub fn broken(
        &self,
        error: &RedisError,
        address: &Address,
        fresh: bool,
        within: Duration,
    ) -> Error {
        let io_error = io_error(error);
        if let Some(error) = io_error.and_then(inner::<rustls::Error>) {
            return self.insecure(error, address);
        }
        let (store, reason) = (self.store(), self.clean(&error.to_string()));
        if error.is_timeout() {
            Error::Timeout {
                store,
                after: within,
            }
        } else if error.kind() == ErrorKind::Parse {
            let reason = "its answer is not in the Redis protocol".to_owned();
            Error::NotRedis { store, reason }
        } else if fresh {
            let reason = format!("the connection was closed without an answer ({reason})");
            Error::Unreachable { store, reason }
        } else {
            Error::Disconnected { store, reason }
        }
    }

    /// The server said no.
    pub fn refused(&self, error: &ServerError) -> Error {
        let details = error.details().unwrap_or_default();
        let store = self.store();
        let reason = self.clean(&format!("{} {details}", error.code()));
        match inner_code(error.code(), details).unwrap_or(error.code()) {
            "NOAUTH" | "WRONGPASS" => Error::Login { store, reason },
            "NOPERM" => Error::NoPermission {
                store,
                reason,
                fix: self.grant(),
            },
            "READONLY" | "NOREPLICAS" | "MASTERDOWN" => Error::ReadOnly { store, reason },
            "LOADING" => Error::Loading { store, reason },
            "OOM" => Error::OutOfMemory { store, reason },
            "MISCONF" => Error::CannotPersist { store, reason },
            "MOVED" | "ASK" | "CLUSTERDOWN" | "TRYAGAIN" if self.kind == Kind::Cluster => {
                Error::Unserved { store, reason }
            }
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" | "TRYAGAIN" => {
                Error::Cluster { store, reason }
            }
            _ if details.contains("unknown command") => Error::TooOld { store, reason },
            _ => Error::Refused { store, reason },
        }
    }

    /// What the greeting says of the server: whether it is one that the URL can mean. One that does
    /// not say is taken as it is.
    pub fn check_mode(&self, greeting: Value) -> Result<(), Error> {
        let mode = value::pairs(greeting).find(|(name, _)| name == "mode");
        let mode = mode.map(|(_, mode)| value::lossy(mode)).unwrap_or_default();
        match (self.kind, mode.as_str(), &self.untagged) {
            (Kind::Server, "cluster", Some(prefix)) => Err(Error::HashTag {
                store: self.store(),
                prefix: prefix.clone(),
            }),
            (Kind::Server, "sentinel", _) => Err(self.misfit(
                "a Sentinel answers there, which holds no records",
                "write the store as redis+sentinel://HOST:26379/NAME, with the name of the primary",
            )),
            (Kind::Sentinel, "standalone" | "cluster", _) => Err(self.not_sentinel()),
            _ => Ok(()),
        }
    }

    /// Another kind of server answers than the URL says.
    pub fn misfit(&self, reason: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::Misfit {
            store: self.store(),
            reason: reason.into(),
            fix: fix.into(),
        }
    }

    pub fn not_sentinel(&self) -> Error {
        self.misfit(
            "what answers there is no Sentinel",
            "name the sentinels' port, usually 26379; without Sentinel a store is redis://HOST:6379",
        )
    }

    /// What gives the user the rights that hoist needs.
    fn grant(&self) -> String {
        let user = quoted(self.user.as_deref().unwrap_or("default"));
        if self.kind == Kind::Sentinel {
            return format!(
                "give the user on the sentinels what it takes: `ACL SETUSER {user} {}`",
                allowing(&ON_SENTINELS)
            );
        }
        format!(
            "give the user all that hoist needs: `ACL SETUSER {user} {}`; stops, restores and rollouts alone take less (SECURITY.md)",
            self.rules
        )
    }

    /// The answers to the commands that log in.
    pub fn login_refused(&self, error: &ServerError) -> Error {
        match self.refused(error) {
            Error::Refused { store, reason } | Error::TooOld { store, reason } => {
                Error::Login { store, reason }
            }
            other => other,
        }
    }

    pub fn select_refused(&self, error: &ServerError) -> Error {
        match self.refused(error) {
            Error::Refused { store, reason } => Error::NoDatabase { store, reason },
            other => other,
        }
    }

    pub fn damaged(&self, key: &str, reason: impl Into<String>) -> Error {
        Error::Bookkeeping {
            store: self.store(),
            key: key.to_owned(),
            reason: self.clean(&reason.into()),
        }
    }

    /// An answer that no Redis gives.
    pub fn nonsense(&self) -> Error {
        Error::NotRedis {
            store: self.store(),
            reason: "its answer is not what the command promises".to_owned(),
        }
    }
}

/// The code that another one is wrapped around. Servers before 7 wrap refusals within a script, and
/// a transaction says why it was given up.
fn inner_code<'t>(code: &str, details: &'t str) -> Option<&'t str> {
    if code == "EXECABORT" {
        let mut words = details.split(|c: char| !c.is_ascii_alphanumeric());
        return words.find(|word| matches!(*word, "NOPERM" | "OOM"));
    }
    let wrapped = details.strip_prefix("Error running script")?;
    let (_, inner) = wrapped.split_once(": -")?;
    inner.split(' ').next()
}

/// The error of input or output that `error` is about.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    type Shared = Arc<dyn StdError + Send + Sync>;
    let source = error.source()?;
    // The crate hands out its shared pointer instead of what it points to.
    match source.downcast_ref::<Shared>() {
        Some(shared) => shared.downcast_ref(),
        None => source.downcast_ref(),
    }
}

/// The error of another kind that stands within `error`, or within one that does.
fn inner<E: StdError + 'static>(error: &io::Error) -> Option<&E> {
    let mut inner: Option<&(dyn StdError + 'static)> = error.get_ref().map(|error| error as _);
    while let Some(error) = inner {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        inner = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|error| error as _),
            None => error.source(),
        };
    }
    None
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_given_up_says_why() {
        let endpoint = Endpoint::new("redis://h".to_owned(), false);
        let refused = |line: &str| {
            let value = ::redis::parse_redis_value(format!("-{line}\r\n").as_bytes());
            match value.expect("a value") {
                ::redis::Value::ServerError(error) => endpoint.refused(&error),
                other => panic!("{other:?}"),
            }
        };
        let why = "EXECABORT Transaction discarded because of";
        for (line, wanted) in [
            (
                format!("{why}: NOPERM no permissions to run 'xadd'"),
                "NoPermission",
            ),
            (format!("{why}: OOM command not allowed"), "OutOfMemory"),
            (format!("{why} previous errors."), "Refused"),
        ] {
            let error = format!("{:?}", refused(&line));
            assert!(error.starts_with(wanted), "{line}: {error}");
        }
    }

    #[test]
    fn a_password_in_a_servers_words_is_hidden() {
        let mut endpoint = Endpoint::new(String::new(), false);
        for secret in ["p@w", "p%40w", "p@w and more"] {
            endpoint.hide(Some(secret));
        }
        let text = "AUTH p@w and p%40w, p@w and more";
        assert_eq!(endpoint.clean(text), "AUTH *** and ***, ***");
    }
}
