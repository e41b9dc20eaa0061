//! Who watches flag files for this store: a key that names the watcher, and until when.
//!
//! It is there to be told of, and decides nothing: so it takes no more rights than a commit does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::store::{Error, WatchClaim};

use super::read::unix_time;
use super::wire::Wire;
use super::{Redis, value};

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    claim: WatchClaim,
    /// Seconds since the epoch, by the store's clock.
    until: f64,
}

impl Redis {
    /// The claim of another watcher; where there is none, `claim` stands from now on.
    pub(super) fn claim(
        &self,
        wire: &mut Wire,
        claim: &WatchClaim,
        lasting: Duration,
    ) -> Result<Option<WatchClaim>, Error> {
        let (entry, now) = self.claimed(wire)?;
        if let Some(entry) = entry
            && entry.claim.id != claim.id
            && entry.until > now
            // A clock that was set back would let it last.
            && entry.until - now <= lasting.as_secs_f64()
        {
            return Ok(Some(entry.claim));
        }
        let entry = Entry {
            claim: claim.clone(),
            until: now + lasting.as_secs_f64(),
        };
        // Plain data: it always serialises.
        let json = serde_json::to_string(&entry).unwrap_or_default();
        wire.command(&["MSET", &self.names.watch, &json]);
        wire.good_answers()?;
        Ok(None)
    }

    pub(super) fn release(&self, wire: &mut Wire, claim: &WatchClaim) -> Result<(), Error> {
        let (entry, _) = self.claimed(wire)?;
        if entry.is_some_and(|entry| entry.claim.id == claim.id) {
            wire.command(&["UNLINK", &self.names.watch]);
            wire.good_answers()?;
        }
        Ok(())
    }

    /// What stands there, and the store's clock.
    fn claimed(&self, wire: &mut Wire) -> Result<(Option<Entry>, f64), Error> {
        wire.command(&["TIME"]);
        wire.command(&["MGET", &self.names.watch]);
        let [time, found] = self.exactly(wire.answers()?)?;
        let now = unix_time(time).ok_or_else(|| self.endpoint.nonsense())?;
        let found = value::list(found).unwrap_or_default().pop();
        let json = found.and_then(value::bytes).unwrap_or_default();
        Ok((serde_json::from_slice(&json).ok(), now))
    }
}

/// What a server does not let anybody say is not said.
pub(super) fn allowed<T: Default>(result: Result<T, Error>) -> Result<T, Error> {
    match result {
        Err(Error::NoPermission { .. } | Error::ReadOnly { .. }) => Ok(T::default()),
        result => result,
    }
}
