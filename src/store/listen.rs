//! Hearing of changes while they happen.

use std::time::Duration;

use super::names::Names;
use super::redis::{Ears, is_redis};
use super::{Error, Options, open};

/// Hears of what changes in a store. Blocking, and apart from the [`super::Store`] that is read then.
pub trait Listener: Send {
    /// Begins to listen, again where it did before. What happens from now on is heard, until
    /// something fails.
    fn begin(&mut self) -> Result<(), Error>;

    /// Waits until something happens, for `limit` at most.
    fn wait(&mut self, limit: Duration) -> Result<Heard, Error>;

    /// Whether everything that was said since the last call would have been heard. A connection that
    /// has died without a word is an error here, one call later at the latest.
    fn check(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What a [`Listener`] has heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    /// A commit of hoist's: the generation that it made, and the flags whose records it wrote.
    Commit {
        generation: u64,
        flags: Vec<String>,
    },
    /// Something changed, and nobody says what.
    Something,
}

/// Listens to the store at `url`, for changes below `prefix`. Nothing is connected to before
/// [`Listener::begin`]; what fails here is what can be seen from the URL and the prefix.
pub fn listen(url: &str, prefix: &str, options: &Options) -> Result<Box<dyn Listener>, Error> {
    let names = Names::new(prefix)?;
    match url.split_once(':') {
        Some((scheme, _)) if is_redis(scheme) => Ok(Box::new(Ears::new(url, names, options)?)),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", location)) => {
            let file = super::sqlite::Sqlite::new(location, &names, options)?;
            Ok(Box::new(super::sqlite::Pulse::new(file)))
        }
        // Nothing of that kind can be opened either, and that says why.
        _ => Err(open(url, prefix, options)
            .err()
            .unwrap_or_else(|| Error::Url {
                url: super::shown(url),
                reason: "nobody can listen to it".to_owned(),
            })),
    }
}
