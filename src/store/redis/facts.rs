//! What a server says of itself, and what is seen by looking at it, for `doctor` to judge.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use ::redis::{ServerError, Value};

use crate::doctor::facts::{Asked, Clock, Expiring, Fields, Server, Unasked};
use crate::store::Error;

use super::wire::{Wire, first_refusal};
use super::{Redis, read, value};

/// How often the clock is asked: the quickest answer tells the most.
const ASKED: usize = 3;

/// Keys that one batch of commands asks about.
const PAGE: usize = 1000;

/// What only CONFIG GET says.
const SETTINGS: [&str; 2] = ["save", "appendfsync"];

impl Redis {
    /// Everything that can be seen over one connection, which is of no further use.
    pub(super) fn look_over(&self, wire: &mut Wire, flags: &[&str]) -> Result<Server, Error> {
        let expiring = self.expiring(wire, flags)?;
        Ok(Server {
            address: wire.address(),
            has_watchers: self.route.is_shared(),
            wait_replicas: self.options.wait_replicas,
            info: self.server_info(wire)?,
            config: self.settings(wire)?,
            clock: self.clock(wire)?,
            expiring,
            keys: self.names.hashes().len() + 1 + flags.len(),
            left_behind: self.left_behind(wire)?,
            rights: self.rights(wire)?,
        })
    }

    fn unasked(&self, right: &'static str, error: &ServerError) -> Unasked {
        let error = self.endpoint.refused(error);
        let forbidden = matches!(error, Error::NoPermission { .. });
        let reason = match error {
            // A command that is not there is often one that whoever runs the server has taken away.
            Error::NoPermission { reason, .. }
            | Error::Refused { reason, .. }
            | Error::TooOld { reason, .. } => reason,
            other => other.to_string(),
        };
        Unasked {
            right,
            reason,
            forbidden,
        }
    }

    fn server_info(&self, wire: &mut Wire) -> Result<Asked<Fields>, Error> {
        wire.command(&["INFO"]);
        Ok(match wire.answers()?.pop() {
            Some(Value::ServerError(error)) => Err(self.unasked("+info", &error)),
            Some(answer) => Ok(Fields::parse(&value::text(answer).unwrap_or_default())),
            None => return Err(self.endpoint.nonsense()),
        })
    }

    fn settings(&self, wire: &mut Wire) -> Result<Asked<Fields>, Error> {
        for setting in SETTINGS {
            wire.command(&["CONFIG", "GET", setting]);
        }
        let answers = wire.answers()?;
        if let Some(error) = first_refusal(&answers) {
            return Ok(Err(self.unasked("+config|get", error)));
        }
        let pairs = answers.into_iter().flat_map(value::pairs);
        let settings = pairs.map(|(name, bytes)| (name, value::lossy(bytes)));
        Ok(Ok(Fields(settings.collect::<BTreeMap<_, _>>())))
    }

    fn clock(&self, wire: &mut Wire) -> Result<Asked<Clock>, Error> {
        let mut quickest: Option<Clock> = None;
        for _ in 0..ASKED {
            let before = this_machine();
            wire.command(&["TIME"]);
            let answer = wire.answers()?.pop().unwrap_or(Value::Nil);
            let after = this_machine();
            if let Value::ServerError(error) = &answer {
                return Ok(Err(self.unasked("+time", error)));
            }
            let theirs = read::unix_time(answer).ok_or_else(|| self.endpoint.nonsense())?;
            let clock = Clock {
                theirs,
                ours: f64::midpoint(before, after),
                took: after - before,
            };
            if quickest.is_none_or(|quickest| clock.took < quickest.took) {
                quickest = Some(clock);
            }
        }
        quickest.map(Ok).ok_or_else(|| self.endpoint.nonsense())
    }

    /// The records of `flags` and the keys of the bookkeeping that will be deleted.
    fn expiring(&self, wire: &mut Wire, flags: &[&str]) -> Result<Asked<Vec<Expiring>>, Error> {
        let names = &self.names;
        let kept = names.hashes().into_iter().chain([names.history.as_str()]);
        let kept = kept.map(|key| (key.to_owned(), None));
        let records = flags.iter();
        let records = records.map(|flag| (names.record(flag), Some((*flag).to_owned())));
        let keys: Vec<(String, Option<String>)> = kept.chain(records).collect();
        let mut expiring = Vec::new();
        for page in keys.chunks(PAGE) {
            for (key, _) in page {
                wire.command(&["PTTL", key]);
            }
            let answers = wire.answers()?;
            if let Some(error) = first_refusal(&answers) {
                return Ok(Err(self.unasked("+pttl", error)));
            }
            for ((key, flag), answer) in page.iter().zip(&answers) {
                // Negative where there is no key, or no end to it.
                let left = value::integer(answer).and_then(|left| u64::try_from(left).ok());
                expiring.extend(left.map(|milliseconds| Expiring {
                    key: key.clone(),
                    flag: flag.clone(),
                    milliseconds,
                }));
            }
        }
        expiring.sort_by_key(|key| key.milliseconds);
        Ok(Ok(expiring))
    }

    fn left_behind(&self, wire: &mut Wire) -> Result<Vec<String>, Error> {
        let keys = [&self.names.gate].into_iter().chain(&self.names.before);
        let keys: Vec<&String> = keys.collect();
        for key in &keys {
            wire.command(&["EXISTS", key]);
        }
        // A right that is missing is found where rights are looked at.
        let answers = wire.answers()?;
        let there = keys.into_iter().zip(&answers);
        let there = there.filter(|(_, answer)| value::integer(answer) == Some(1));
        Ok(there.map(|(key, _)| key.clone()).collect())
    }
}

/// Seconds since the epoch by the clock of this machine.
fn this_machine() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
