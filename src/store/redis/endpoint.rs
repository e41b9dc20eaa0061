//! A Redis URL taken apart, and everything said about that server in words.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{
    ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisError, ServerError, parse_redis_url,
};

use crate::store::Error;

/// Where a Redis is and how to log in. Knows the password, and therefore also how to keep it out
/// of every message.
#[derive(Clone, Debug)]
pub(in crate::store) struct Endpoint {
    pub address: ConnectionAddr,
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: i64,
    /// The URL without its password.
    pub shown: String,
    /// The password as it stands in the URL and as it is meant.
    secrets: Vec<String>,
}

impl Endpoint {
    /// Takes `redis://`, `rediss://` and `redis+unix://` URLs.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let scheme = text.split(':').next().unwrap_or_default();
        // What cannot be taken apart may hold a password anywhere: show none of it.
        let hidden = format!("{scheme}://…");
        let refuse = |shown: &str, reason: String| Error::Url {
            url: shown.to_owned(),
            reason,
        };
        let Some(url) = parse_redis_url(text) else {
            return Err(refuse(&hidden, "it does not parse".to_owned()));
        };
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let query = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.clone())
        };
        let socket = (scheme == "redis+unix").then(|| url.path().to_owned());
        let path_database = url.path().trim_matches('/').to_owned();
        let after_authority = [Some(url.path()), url.query(), url.fragment()];
        let goes_on = after_authority
            .into_iter()
            .flatten()
            .any(|part| part.contains('@'));
        let shown = if socket.is_none() && goes_on {
            // The password goes on there: what looks like the host is a part of it.
            hidden.clone()
        } else {
            display(
                scheme,
                url.authority(),
                url.path(),
                socket.is_some(),
                &pairs,
            )
        };
        if url.fragment().is_some() {
            let reason = "what follows the # is not understood (a # in a password is written %23)";
            return Err(refuse(&shown, reason.to_owned()));
        }
        if pairs
            .iter()
            .any(|(key, _)| !matches!(key.as_str(), "db" | "user" | "pass"))
        {
            let reason = "the parameters that may follow the ? are `db`, `user` and `pass`";
            return Err(refuse(&shown, reason.to_owned()));
        }
        let raw_password = url.password().map(str::to_owned);
        let info = url.into_connection_info().map_err(|error| {
            // The crate's own words are fixed ones, without any part of the URL; behind the dash
            // stands its name for them.
            let words = error.to_string();
            let reason = words.split(" - ").next().unwrap_or(&words);
            refuse(&shown, reason.to_lowercase())
        })?;
        let settings = info.redis_settings();
        let database = match query("db") {
            Some(_) if socket.is_none() && !path_database.is_empty() => {
                return Err(refuse(&shown, "it names a database twice".to_owned()));
            }
            Some(number) => number
                .parse()
                .map_err(|_| refuse(&shown, "`db` is not a number".to_owned()))?,
            None => settings.db(),
        };
        let user = settings.username().map(str::to_owned).or(query("user"));
        let password = settings.password().map(str::to_owned).or(query("pass"));
        let secrets = raw_password.into_iter().chain(password.clone());
        Ok(Self {
            address: info.addr().clone(),
            user,
            secrets: secrets.filter(|secret| !secret.is_empty()).collect(),
            password: password.filter(|password| !password.is_empty()),
            database,
            shown,
        })
    }

    pub fn is_tls(&self) -> bool {
        matches!(self.address, ConnectionAddr::TcpTls { .. })
    }

    /// `text` without the password, should anybody have put it there.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// No connection came about.
    pub fn not_connected(&self, error: &RedisError, within: Duration) -> Error {
        let (store, reason) = (self.shown.clone(), self.clean(&error.to_string()));
        if error.is_timeout() {
            Error::Timeout {
                store,
                after: within,
            }
        } else if self.is_tls() && io_kind(error).is_none() {
            Error::Tls { store, reason }
        } else {
            Error::Unreachable { store, reason }
        }
    }

    /// A connection broke, or what came over it made no sense. `fresh` before the first answer.
    pub fn broken(&self, error: &RedisError, fresh: bool, within: Duration) -> Error {
        let (store, reason) = (self.shown.clone(), self.clean(&error.to_string()));
        if fresh && self.is_tls() {
            // A server that expects no TLS waits for more.
            let silence = format!("no answer within {} s", within.as_secs_f64());
            let reason = if error.is_timeout() { silence } else { reason };
            Error::Tls { store, reason }
        } else if error.is_timeout() {
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
        let store = self.shown.clone();
        let reason = self.clean(&format!("{} {details}", error.code()));
        match inner_code(error.code(), details).unwrap_or(error.code()) {
            "NOAUTH" | "WRONGPASS" => Error::Login { store, reason },
            "NOPERM" => Error::NoPermission { store, reason },
            "READONLY" | "NOREPLICAS" | "MASTERDOWN" => Error::ReadOnly { store, reason },
            "LOADING" => Error::Loading { store, reason },
            "OOM" => Error::OutOfMemory { store, reason },
            "MISCONF" => Error::CannotPersist { store, reason },
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" | "TRYAGAIN" => {
                Error::Cluster { store, reason }
            }
            _ if details.contains("unknown command") => Error::TooOld { store, reason },
            _ => Error::Refused { store, reason },
        }
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
            store: self.shown.clone(),
            key: key.to_owned(),
            reason: self.clean(&reason.into()),
        }
    }

    /// An answer that no Redis gives.
    pub fn nonsense(&self) -> Error {
        Error::NotRedis {
            store: self.shown.clone(),
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

fn io_kind(error: &RedisError) -> Option<io::ErrorKind> {
    type Shared = Arc<dyn std::error::Error + Send + Sync>;
    let source = error.source()?;
    // The crate hands out its shared pointer instead of what it points to.
    let io_error = match source.downcast_ref::<Shared>() {
        Some(shared) => shared.downcast_ref::<io::Error>(),
        None => source.downcast_ref::<io::Error>(),
    };
    Some(io_error?.kind())
}

/// The URL for people: user, host, socket path and database number, and nothing that could turn
/// out to be part of a password whose special characters nobody encoded.
fn display(
    scheme: &str,
    authority: &str,
    path: &str,
    is_socket: bool,
    query: &[(String, String)],
) -> String {
    let mut shown = format!("{scheme}://");
    match authority.rsplit_once('@') {
        Some((login, host)) => {
            match login.split_once(':') {
                Some((user, _)) => shown += &format!("{user}:***"),
                None => shown += login,
            }
            shown += &format!("@{host}");
        }
        None => shown += authority,
    }
    if is_socket || path.trim_matches('/').parse::<u32>().is_ok() {
        shown += path;
    }
    let known: Vec<String> = query
        .iter()
        .filter_map(|(key, value)| match key.as_str() {
            "db" if value.parse::<u32>().is_err() => None,
            "db" | "user" => Some(format!("{key}={value}")),
            "pass" => Some("pass=***".to_owned()),
            _ => None,
        })
        .collect();
    if !known.is_empty() {
        shown += &format!("?{}", known.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, user, password, database, shown) in [
            ("redis://h", None, None, 0, "redis://h"),
            ("redis://h:7000/3", None, None, 3, "redis://h:7000/3"),
            ("redis://h?db=3", None, None, 3, "redis://h?db=3"),
            ("redis://:pw@h", None, Some("pw"), 0, "redis://:***@h"),
            (
                "rediss://u:p%40%2Fw@h/1",
                Some("u"),
                Some("p@/w"),
                1,
                "rediss://u:***@h/1",
            ),
            ("redis://u@h", Some("u"), None, 0, "redis://u@h"),
            (
                "redis+unix:///run/r.sock?db=2&user=u&pass=p%26w",
                Some("u"),
                Some("p&w"),
                2,
                "redis+unix:///run/r.sock?db=2&user=u&pass=***",
            ),
        ] {
            let endpoint = Endpoint::parse(url).expect(url);
            assert_eq!(endpoint.user.as_deref(), user, "{url}");
            assert_eq!(endpoint.password.as_deref(), password, "{url}");
            assert_eq!(endpoint.database, database, "{url}");
            assert_eq!(endpoint.shown, shown, "{url}");
        }
    }

    #[test]
    fn a_url_that_is_wrong_is_refused_without_showing_its_password() {
        for url in [
            "redis://",
            "redis://u:sec?ret@h",
            "redis://u:1?secret@h",
            "redis://:a@secret/c#d@127.0.0.1:1",
            "redis://:a@secret/1?c@127.0.0.1:1",
            "redis://:a@secret/c@127.0.0.1/1",
            "redis://u:sec/ret@h",
            "redis://u:1/secret@h",
            "redis://u:sec#ret@h",
            "redis://u:1#secret@h",
            "redis://u:secret@h/x",
            "redis://u:secret@h/1?db=2",
            "redis://u:secret@h:port",
            "redis://h?password=secret",
            "redis://h/0?db=secret",
            "redis+unix:///s?db=x&pass=secret",
            "rediss://:secret@h#insecure",
        ] {
            let error = Endpoint::parse(url).expect_err(url);
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(matches!(error, Error::Url { .. }), "{url}: {text}");
            assert!(
                !text.contains("secret") && !text.contains("ret@"),
                "{url}: {text}"
            );
        }
    }

    #[test]
    fn a_transaction_given_up_says_why() {
        let endpoint = Endpoint::parse("redis://h").expect("a fine URL");
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
        let endpoint = Endpoint::parse("redis://:p%40w@h").expect("a fine URL");
        assert_eq!(endpoint.clean("AUTH p@w and p%40w"), "AUTH *** and ***");
    }
}
