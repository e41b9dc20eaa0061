//! From a URL to a store.

use super::error::SCHEMES;
use super::names::Names;
use super::redis::Redis;
use super::sqlite::Sqlite;
use super::{Error, Options, Store};

/// Opens the store at `url` for the records below `prefix`.
///
/// Nothing is connected to or created before the first read or commit: what fails here is what can
/// be seen from the URL and the prefix.
pub fn open(url: &str, prefix: &str, options: &Options) -> Result<Box<dyn Store>, Error> {
    let names = Names::new(prefix)?;
    match url.split_once(':') {
        Some(("redis" | "rediss" | "redis+unix", _)) => {
            Ok(Box::new(Redis::new(url, names, options)?))
        }
        Some(("sqlite", location)) => Ok(Box::new(Sqlite::new(location, &names, options)?)),
        Some((host, port)) if port.parse::<u16>().is_ok() => Err(Error::Url {
            url: url.to_owned(),
            reason: format!("it names no kind of store; did you mean `redis://{host}:{port}`?"),
        }),
        Some((scheme, _)) => Err(unknown_scheme(scheme)),
        None => Err(Error::Url {
            url: if url.contains('@') { "…" } else { url }.to_owned(),
            reason: "it names no kind of store".to_owned(),
        }),
    }
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
