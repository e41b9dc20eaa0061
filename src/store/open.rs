//! From a URL to a store.

use super::error::SCHEMES;
use super::names::Names;
use super::redis::{self, Network, Redis, is_redis};
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use super::{Error, Options, Store};

/// Opens the store at `url` for the records below `prefix`.
///
/// Nothing is connected to or created before the first read or commit: what fails here is what can
/// be seen from the URL and the prefix.
pub fn open(url: &str, prefix: &str, options: &Options) -> Result<Box<dyn Store>, Error> {
    let names = Names::new(prefix)?;
    match url.split_once(':') {
        Some((scheme, _)) if is_redis(scheme) => Ok(Box::new(Redis::new(url, names, options)?)),
        Some(("sqlite", _)) if options.wait_replicas > 0 => Err(Error::NoReplicas {
            store: url.to_owned(),
        }),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", location)) => Ok(Box::new(Sqlite::new(location, &names, options)?)),
        #[cfg(not(feature = "sqlite"))]
        Some(("sqlite", _)) => Err(Error::Url {
            url: url.to_owned(),
            reason: "this program was built without the feature `sqlite` of hoist".to_owned(),
        }),
        Some((_, port)) if port.parse::<u16>().is_ok() => {
            let url = shown(url);
            Err(Error::Url {
                reason: format!("it names no kind of store; did you mean `redis://{url}`?"),
                url,
            })
        }
        // A user and a password may stand where a scheme belongs.
        Some((scheme, rest)) if rest.starts_with("//") || !url.contains('@') => {
            Err(unknown_scheme(&shown(scheme)))
        }
        _ => Err(Error::Url {
            url: shown(url),
            reason: "it names no kind of store".to_owned(),
        }),
    }
}

/// Opens the Redis at `url`, reached over another network than the real one.
pub fn open_over(
    network: Box<dyn Network>,
    url: &str,
    prefix: &str,
    options: &Options,
) -> Result<Box<dyn Store>, Error> {
    let names = Names::new(prefix)?;
    Ok(Box::new(Redis::over(network, url, names, options)?))
}

/// Whether `text` was meant as a store's URL, well-formed or not.
#[must_use]
pub fn looks_like_url(text: &str) -> bool {
    text.contains("://")
        || text
            .split_once(':')
            .is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}

/// `url`, or what was meant as one, without anything that might be a password.
#[must_use]
pub fn shown(url: &str) -> String {
    let scheme = url.split(':').next().unwrap_or_default();
    if is_redis(scheme) {
        return redis::shown(url);
    }
    if url.contains("pass=") {
        return "…".to_owned();
    }
    match url.rsplit_once('@') {
        Some((_, host)) if scheme != "sqlite" => format!("…@{host}"),
        _ => url.to_owned(),
    }
}

/// Whether `url` is one of a store behind TLS.
#[must_use]
pub fn speaks_tls(url: &str) -> bool {
    redis::is_tls(url.split(':').next().unwrap_or_default())
}

fn unknown_scheme(scheme: &str) -> Error {
    let similar = SCHEMES
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, scheme), known))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    Error::UnknownScheme {
        scheme: scheme.to_owned(),
        similar: similar.map(|(_, known)| known),
    }
}

#[cfg(test)]
mod tests {
    use super::{looks_like_url, open, shown};
    use crate::store::Options;

    #[test]
    fn what_stands_before_an_at_sign_is_not_shown() {
        for url in [
            "hunter2@localhost:6379",
            "hunter2@localhost",
            "user:hunter2@localhost:6379",
            "hunter2:more@localhost",
            "hunter2:6379@localhost:6379",
            "hunter2@localhost:port",
            "redsi://:hunter2@localhost",
            "hunter2@redis://localhost",
            "localhost?pass=hunter2",
            "redis:hunter2@localhost",
            "redis://:hunter2@localhost:port",
            "redis+cluster://:hunter2@localhost:port,localhost",
            "redis+sentinel://:hunter2@localhost,localhost",
        ] {
            let Err(error) = open(url, "ff", &Options::default()) else {
                panic!("{url} was opened");
            };
            let text = format!("{error} {error:?} {:?} {}", error.hint(), shown(url));
            assert!(!text.contains("hunter2"), "{url}: {text}");
        }
    }

    #[test]
    fn a_url_is_shown_and_told_from_a_path() {
        for (url, expected) in [
            ("redis://u:hunter2@h/1", "redis://u:***@h/1"),
            ("redis://:hun/ter2@h", "redis://…"),
            (
                "rediss+sentinel://:hunter2@h,i/m?sentinel_pass=hunter2",
                "rediss+sentinel://:***@h,i/m?sentinel_pass=***",
            ),
            ("sqlite:a@b.db", "sqlite:a@b.db"),
            ("postgres://u:hunter2@h", "…@h"),
        ] {
            assert_eq!(shown(url), expected);
            assert!(looks_like_url(url), "{url}");
        }
        for path in ["plan.json", "plans/a:b.json", "C:\\plan.json", "redis"] {
            assert!(!looks_like_url(path), "{path}");
        }
    }
}
