//! A Redis URL taken apart.

use std::path::PathBuf;

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, parse_redis_url};

use crate::store::Error;

use super::endpoint::{Endpoint, Kind};
use super::route::Route;
use super::stream::Address;
use super::tls::TlsFiles;

#[cfg(test)]
mod tests;

const SENTINEL_PORT: u16 = 26_379;
const SERVER_PORT: u16 = 6379;

/// What a URL says.
#[derive(Clone, Debug)]
pub(super) struct Url {
    pub endpoint: Endpoint,
    /// The same for sentinels, which have users of their own.
    pub sentinel: Endpoint,
    pub route: Route,
    pub files: TlsFiles,
}

/// The forms of a URL. Each but the socket has a variant with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Server,
    Socket,
    Sentinel,
    Cluster,
}

/// Why a URL was refused: as it may be shown, and what is wrong with it.
type Refused = (String, String);

impl Url {
    /// Takes the URLs of [`form`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|(url, reason)| Error::Url { url, reason })
    }
}

/// The form that a scheme stands for, and whether with TLS.
fn form(scheme: &str) -> Option<(Form, bool)> {
    Some(match scheme {
        "redis" => (Form::Server, false),
        "rediss" => (Form::Server, true),
        "redis+unix" => (Form::Socket, false),
        "redis+sentinel" => (Form::Sentinel, false),
        "rediss+sentinel" => (Form::Sentinel, true),
        "redis+cluster" => (Form::Cluster, false),
        "rediss+cluster" => (Form::Cluster, true),
        _ => return None,
    })
}

/// Whether `scheme` is one of a Redis.
pub(in crate::store) fn is_redis(scheme: &str) -> bool {
    form(scheme).is_some()
}

/// Whether `scheme` is one of a Redis with TLS.
pub(in crate::store) fn is_tls(scheme: &str) -> bool {
    form(scheme).is_some_and(|(_, is_tls)| is_tls)
}

/// The URL of a Redis without its passwords.
pub(in crate::store) fn shown(text: &str) -> String {
    let scheme = text.split(':').next().unwrap_or_default();
    Url::parse(text).map_or_else(|_| hidden(scheme), |url| url.endpoint.shown)
}

/// A URL on its way to being taken apart.
struct Source<'t> {
    scheme: &'t str,
    form: Form,
    is_tls: bool,
    /// The URL with one host only, in a form that the crate takes apart.
    single: String,
    /// All hosts, where there may be several.
    hosts: Option<&'t str>,
    /// The name of the primary, for sentinels.
    primary: Option<&'t str>,
}

fn parse(text: &str) -> Result<Url, Refused> {
    let scheme = text.split(':').next().unwrap_or_default();
    let hide = |reason: &str| (hidden(scheme), reason.to_owned());
    let (form, is_tls) = form(scheme).ok_or_else(|| hide(NO_URL))?;
    let rest = text.get(scheme.len()..).unwrap_or_default();
    let mut source = Source {
        scheme,
        form,
        is_tls,
        single: String::new(),
        hosts: None,
        primary: None,
    };
    match form {
        Form::Socket => {
            source.single = text.to_owned();
            source.one()
        }
        Form::Server => {
            source.single = format!("redis{rest}");
            source.one()
        }
        Form::Sentinel | Form::Cluster => {
            let rest = rest.strip_prefix("://").ok_or_else(|| hide(NO_URL))?;
            source.many(rest)
        }
    }
}

const NO_URL: &str = "it does not parse";
const NO_HOST: &str = "it names no host";
const NO_PRIMARY: &str = "after the sentinels comes the name of the primary, as in redis+sentinel://host:26379/mymaster/0";
const TWO_ATS: &str = "it holds more than one @ (an @ in a password is written %40, and user and password stand \
                       once, before the first host)";

/// What is shown of a URL that cannot be taken apart: it may hold a password anywhere.
fn hidden(scheme: &str) -> String {
    format!("{scheme}://…")
}

impl<'t> Source<'t> {
    /// A URL of several servers, without its scheme: it is made one of the first.
    fn many(mut self, rest: &'t str) -> Result<Url, Refused> {
        let hide = |reason: &str| (hidden(self.scheme), reason.to_owned());
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (format!("{login}@"), hosts),
            None => (String::new(), authority),
        };
        if tail.contains('@') || login.trim_end_matches('@').contains('@') {
            return Err(hide(TWO_ATS));
        }
        let (path, query) = tail.split_at(tail.find(['?', '#']).unwrap_or(tail.len()));
        let mut path = path;
        if self.form == Form::Sentinel {
            let (name, database) = primary(path).map_err(hide)?;
            self.primary = Some(name);
            path = database;
        }
        self.hosts = Some(hosts);
        let port = if self.form == Form::Sentinel {
            SENTINEL_PORT
        } else {
            SERVER_PORT
        };
        let addresses: Option<Vec<Address>> =
            hosts.split(',').map(|host| address(host, port)).collect();
        let addresses = addresses.ok_or_else(|| hide("one of its hosts does not parse"))?;
        let first = hosts.split(',').next().unwrap_or_default();
        self.single = format!("redis://{login}{first}{path}{query}");
        let (form, primary) = (self.form, self.primary.unwrap_or_default().to_owned());
        let mut url = self.one()?;
        url.route = if form == Form::Sentinel {
            Route::sentinel(addresses, primary, url.sentinel.clone())
        } else {
            url.endpoint.kind = Kind::Cluster;
            Route::cluster(addresses)
        };
        Ok(url)
    }

    fn one(self) -> Result<Url, Refused> {
        let hide = || (hidden(self.scheme), NO_URL.to_owned());
        let url = parse_redis_url(&self.single).ok_or_else(hide)?;
        let query = Query(url.query_pairs().into_owned().collect());
        let is_socket = self.form == Form::Socket;
        let goes_on = [Some(url.path()), url.query(), url.fragment()]
            .into_iter()
            .flatten()
            .any(|part| part.contains('@'));
        let shown = if !is_socket && goes_on {
            // The password goes on there: what looks like the host is a part of it.
            hidden(self.scheme)
        } else {
            self.display(url.authority(), url.path(), &query)
        };
        let refuse = |reason: &str| (shown.clone(), reason.to_owned());
        if url.fragment().is_some() {
            let reason = "what follows the # is not understood (a # in a password is written %23)";
            return Err(refuse(reason));
        }
        if let Err(reason) = query.check(self.form, self.is_tls) {
            return Err(refuse(&reason));
        }
        let has_database = !is_socket && !url.path().trim_matches('/').is_empty();
        let raw_password = url.password().map(str::to_owned);
        let info = url.into_connection_info().map_err(|error| {
            // The crate's own words are fixed ones, without any part of the URL; behind the dash
            // stands its name for them.
            let words = error.to_string();
            refuse(&words.split(" - ").next().unwrap_or(&words).to_lowercase())
        })?;
        let settings = info.redis_settings();
        let database = match query.get("db") {
            Some(_) if has_database => return Err(refuse("it names a database twice")),
            Some(number) => number.parse().map_err(|_| refuse("`db` is not a number"))?,
            None => settings.db(),
        };
        let mut endpoint = Endpoint::new(shown.clone(), self.is_tls);
        endpoint.database = database;
        let sentinel_password = query.get("sentinel_pass");
        let password = settings.password().map(str::to_owned).or(query.get("pass"));
        for secret in [&raw_password, &password, &sentinel_password] {
            endpoint.hide(secret.as_deref());
        }
        let mut sentinel = endpoint.clone();
        sentinel.kind = Kind::Sentinel;
        sentinel.database = 0;
        sentinel.log_in_as(query.get("sentinel_user"), sentinel_password);
        let user = settings.username().map(str::to_owned).or(query.get("user"));
        endpoint.log_in_as(user, password);
        let only = located(&info).ok_or_else(|| refuse(NO_HOST))?;
        Ok(Url {
            endpoint,
            sentinel,
            route: Route::Server(only),
            files: query.files(),
        })
    }

    /// The URL for people: user, hosts, socket path and database number, and nothing that could turn
    /// out to be part of a password whose special characters nobody encoded.
    fn display(&self, authority: &str, path: &str, query: &Query) -> String {
        let mut shown = format!("{}://", self.scheme);
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        if let Some(login) = login {
            match login.split_once(':') {
                Some((user, _)) => shown += &format!("{user}:***"),
                None => shown += login,
            }
            shown += "@";
        }
        shown += self.hosts.unwrap_or(host);
        if let Some(primary) = self.primary {
            shown += &format!("/{primary}");
        }
        if self.form == Form::Socket || path.trim_matches('/').parse::<u32>().is_ok() {
            shown += path;
        }
        shown + &query.display()
    }
}

/// The name of the primary and the path that is left, from that of a URL of sentinels.
fn primary(path: &str) -> Result<(&str, &str), &'static str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (name, database) = path.split_at(path.find('/').unwrap_or(path.len()));
    // What sentinels take for a name.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(NO_PRIMARY);
    }
    Ok((name, database))
}

/// One host of several, with its port or without.
fn address(host: &str, port: u16) -> Option<Address> {
    let url = parse_redis_url(&format!("redis://{host}"))?;
    let is_bare = url.path().is_empty() && url.query().is_none() && url.authority() == host;
    let port = url.port().unwrap_or(port);
    match located(&url.into_connection_info().ok()?)? {
        Address::Tcp(host, _) if is_bare => Some(Address::Tcp(host, port)),
        _ => None,
    }
}

fn located(info: &ConnectionInfo) -> Option<Address> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => Some(Address::Tcp(host.clone(), *port)),
        ConnectionAddr::Unix(path) => Some(Address::Socket(path.clone())),
        // URLs with TLS are taken apart as if without.
        _ => None,
    }
}

/// What follows the `?`.
struct Query(Vec<(String, String)>);

impl Query {
    fn get(&self, name: &str) -> Option<String> {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.clone())
    }

    /// What is wrong with the parameters.
    fn check(&self, form: Form, is_tls: bool) -> Result<(), String> {
        let mut known = vec!["db", "user", "pass"];
        if form == Form::Sentinel {
            known.extend(["sentinel_user", "sentinel_pass"]);
        }
        if is_tls {
            known.extend(FILES);
        }
        let Some((unknown, _)) = self
            .0
            .iter()
            .find(|(key, _)| !known.contains(&key.as_str()))
        else {
            return Ok(());
        };
        if FILES.contains(&unknown.as_str()) {
            return Err(format!("`{unknown}` is for TLS, which begins with rediss"));
        }
        let last = known.pop().unwrap_or_default();
        let others: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Err(format!(
            "the parameters that may follow the ? are {} and `{last}`",
            others.join(", ")
        ))
    }

    fn files(&self) -> TlsFiles {
        let [ca, cert, key] = FILES.map(|name| self.get(name).map(PathBuf::from));
        TlsFiles { ca, cert, key }
    }

    fn display(&self) -> String {
        let known: Vec<String> = self
            .0
            .iter()
            .filter_map(|(key, value)| match key.as_str() {
                "db" if value.parse::<u32>().is_err() => None,
                "db" | "user" | "sentinel_user" => Some(format!("{key}={value}")),
                "pass" | "sentinel_pass" => Some(format!("{key}=***")),
                _ => None,
            })
            .collect();
        if known.is_empty() {
            return String::new();
        }
        format!("?{}", known.join("&"))
    }
}

/// Parameters that name files for TLS.
const FILES: [&str; 3] = ["ca_file", "cert_file", "key_file"];
