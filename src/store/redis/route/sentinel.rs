//! The primary that sentinels name.

use ::redis::Value;

use crate::store::Error;

use super::super::endpoint::Endpoint;
use super::super::stream::Address;
use super::super::value;
use super::super::wire::{Wire, first_refusal};
use super::{Caller, Failures};

/// Sentinels, and the name of the primary that they watch over.
#[derive(Clone, Debug)]
pub(in crate::store::redis) struct Sentinels {
    /// The one that was of use last comes first.
    addresses: Vec<Address>,
    primary: String,
    /// How to log in to a sentinel.
    endpoint: Endpoint,
}

impl Sentinels {
    pub fn new(addresses: Vec<Address>, primary: String, endpoint: Endpoint) -> Self {
        Self {
            addresses,
            primary,
            endpoint,
        }
    }

    #[cfg(test)]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// A connection to the primary that the first sentinel names whose primary says that it is one.
    pub fn open(&mut self, caller: &Caller<'_>) -> Result<Wire, Error> {
        let mut failures = Failures::new(caller.dial.round());
        for (place, sentinel) in self.addresses.clone().into_iter().enumerate() {
            let primary = self.ask(&sentinel, caller);
            match primary.and_then(|primary| reach(caller, &primary)) {
                Ok(wire) => {
                    if let Some(first) = self.addresses.get_mut(..=place) {
                        first.rotate_right(1);
                    }
                    return Ok(wire);
                }
                Err(error) => {
                    if !failures.add(sentinel, error) {
                        break;
                    }
                }
            }
        }
        Err(failures.into_error(caller.endpoint))
    }

    /// What one sentinel says where the primary is.
    fn ask(&self, sentinel: &Address, caller: &Caller<'_>) -> Result<Address, Error> {
        let endpoint = self.endpoint.at(sentinel);
        let mut wire = caller.call(endpoint.clone(), sentinel)?;
        wire.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.primary]);
        let answers = wire.answers()?;
        if let Some(error) = first_refusal(&answers) {
            return Err(match endpoint.refused(error) {
                Error::Login { store, reason } => Error::Login {
                    store,
                    reason: format!(
                        "{reason} (sentinels log in with `sentinel_user` and `sentinel_pass` behind the ?)"
                    ),
                },
                Error::TooOld { .. } => endpoint.not_sentinel(),
                other => other,
            });
        }
        match answers.into_iter().next() {
            Some(Value::Nil) => Err(self.unknown(&endpoint, &mut wire)),
            Some(answer) => address(answer).ok_or_else(|| endpoint.nonsense()),
            None => Err(endpoint.nonsense()),
        }
    }

    /// The sentinel knows no primary of that name, but may know others.
    fn unknown(&self, endpoint: &Endpoint, wire: &mut Wire) -> Error {
        wire.command(&["SENTINEL", "MASTERS"]);
        let answer = wire.answers().ok().and_then(|mut answers| answers.pop());
        let known: Vec<String> = answer
            .and_then(value::list)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|primary| value::pairs(primary).find(|(field, _)| field == "name"))
            .map(|(_, name)| format!("`{}`", value::lossy(name)))
            .collect();
        let reason = format!("the sentinel knows no primary named `{}`", self.primary);
        let fix = if known.is_empty() {
            "name the primary as `sentinel monitor` does in the sentinels' configuration".to_owned()
        } else {
            format!(
                "it knows {}: that name comes after the hosts",
                known.join(", ")
            )
        };
        endpoint.misfit(reason, fix)
    }
}

fn reach(caller: &Caller<'_>, primary: &Address) -> Result<Wire, Error> {
    let mut wire = caller.call_one(primary)?;
    check(&mut wire)?;
    Ok(wire)
}

/// Whether the server is a primary, as far as it knows.
pub(super) fn check(wire: &mut Wire) -> Result<(), Error> {
    wire.command(&["ROLE"]);
    let answer = wire.good_answers()?.pop().and_then(value::list);
    let role = answer.and_then(|role| value::text(role.into_iter().next()?));
    match role.as_deref() {
        Some("master") => Ok(()),
        Some(_) => Err(Error::ReadOnly {
            store: wire.endpoint().store(),
            reason: "sentinels named it the primary, but it is a replica".to_owned(),
        }),
        None => Err(wire.endpoint().nonsense()),
    }
}

/// A host and a port.
fn address(answer: Value) -> Option<Address> {
    let mut parts = value::list(answer)?.into_iter();
    let host = value::text(parts.next()?)?;
    let port = value::text(parts.next()?)?.parse().ok()?;
    Some(Address::Tcp(host, port))
}
