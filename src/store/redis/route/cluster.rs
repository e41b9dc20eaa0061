//! The node of a cluster that has a slot.

use ::redis::Value;

use crate::store::Error;

use super::super::stream::Address;
use super::super::value;
use super::super::wire::{Wire, first_refusal};
use super::{Caller, Failures};

/// Nodes to ask, the best first.
#[derive(Clone, Debug)]
pub(in crate::store::redis) struct Nodes {
    addresses: Vec<Address>,
}

impl Nodes {
    pub fn new(addresses: Vec<Address>) -> Self {
        Self { addresses }
    }

    #[cfg(test)]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Puts a node first or last.
    pub fn prefer(&mut self, node: &str, first: bool) {
        let Some(place) = self
            .addresses
            .iter()
            .position(|address| address.to_string() == node)
        else {
            return;
        };
        let address = self.addresses.remove(place);
        let place = if first { 0 } else { self.addresses.len() };
        self.addresses.insert(place, address);
    }

    /// A connection to the node that has `slot`, as the first node says whose word turns out to be true.
    pub fn open(&mut self, caller: &Caller<'_>, slot: u16) -> Result<Wire, Error> {
        let mut failures = Failures::new(caller.dial.round());
        for node in self.addresses.clone() {
            match self.open_by(&node, caller, slot) {
                Ok(wire) => return Ok(wire),
                Err(error) => {
                    if !failures.add(node, error) {
                        break;
                    }
                }
            }
        }
        Err(failures.into_error(caller.endpoint))
    }

    fn open_by(&mut self, node: &Address, caller: &Caller<'_>, slot: u16) -> Result<Wire, Error> {
        let mut wire = caller.call_one(node)?;
        let ranges = ranges(&mut wire, node)?;
        for address in ranges.iter().flat_map(|range| &range.nodes) {
            if !self.addresses.contains(address) {
                self.addresses.push(address.clone());
            }
        }
        let mut having = ranges
            .iter()
            .filter(|range| (range.first..=range.last).contains(&slot));
        let Some(owner) = having.next().and_then(|range| range.nodes.first()) else {
            return Err(Error::Unserved {
                store: wire.endpoint().store(),
                reason: format!("no node has slot {slot}"),
            });
        };
        if owner != node {
            wire = caller.call_one(owner)?;
        }
        check(&mut wire, slot)?;
        Ok(wire)
    }
}

/// Slots, and the nodes that have them: the primary first.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    nodes: Vec<Address>,
}

/// What `node` says of who has which slots.
fn ranges(wire: &mut Wire, node: &Address) -> Result<Vec<Range>, Error> {
    wire.command(&["CLUSTER", "SLOTS"]);
    let answers = cluster_answers(wire)?;
    let list = answers.into_iter().next().and_then(value::list);
    let list = list.ok_or_else(|| wire.endpoint().nonsense())?;
    Ok(list
        .into_iter()
        .filter_map(|entry| range(entry, node))
        .collect())
}

fn cluster_answers(wire: &mut Wire) -> Result<Vec<Value>, Error> {
    let answers = wire.answers()?;
    let Some(error) = first_refusal(&answers) else {
        return Ok(answers);
    };
    let details = error.details().unwrap_or_default();
    if details.contains("cluster support disabled") || details.contains("unknown command") {
        return Err(wire.endpoint().misfit(
            "it is no node of a cluster",
            "without a cluster a store is redis://HOST:PORT, with TLS rediss://HOST:PORT",
        ));
    }
    Err(wire.endpoint().refused(error))
}

fn range(entry: Value, asked: &Address) -> Option<Range> {
    let mut parts = value::list(entry)?.into_iter();
    let mut bound = || u16::try_from(value::integer(&parts.next()?)?).ok();
    let (first, last) = (bound()?, bound()?);
    Some(Range {
        first,
        last,
        nodes: parts.filter_map(|node| address(node, asked)).collect(),
    })
}

/// Where a node says that another one is. One that does not know its own address leaves it out: it is
/// the one that was asked for. One that should have a name and has none shows a `?`, and its address
/// among the rest.
fn address(node: Value, asked: &Address) -> Option<Address> {
    let mut parts = value::list(node)?.into_iter();
    let host = parts.next().and_then(value::text).unwrap_or_default();
    let port = u16::try_from(value::integer(&parts.next()?)?).ok()?;
    let host = match (host.as_str(), asked) {
        ("", Address::Tcp(host, _)) => host.clone(),
        ("?", _) => {
            let (_, ip) = value::pairs(parts.nth(1)?).find(|(name, _)| name == "ip")?;
            value::lossy(ip)
        }
        _ => host,
    };
    Some(Address::Tcp(host, port))
}

/// Whether the node has `slot`, all of it.
pub(super) fn check(wire: &mut Wire, slot: u16) -> Result<(), Error> {
    wire.command(&["CLUSTER", "NODES"]);
    let answers = cluster_answers(wire)?;
    let text = answers.into_iter().next().and_then(value::text);
    let text = text.ok_or_else(|| wire.endpoint().nonsense())?;
    match obstacle(&text, slot) {
        None => Ok(()),
        Some(reason) => Err(Error::Unserved {
            store: wire.endpoint().store(),
            reason,
        }),
    }
}

/// Why the node that `nodes` comes from cannot be used for `slot`.
fn obstacle(nodes: &str, slot: u16) -> Option<String> {
    let mut lines = nodes.lines().map(|line| line.split(' '));
    let mut own = lines.find_map(|mut words| {
        let flags = words.nth(2)?;
        let is_own = flags.split(',').any(|flag| flag == "myself");
        is_own.then_some((flags, words))
    });
    let Some((flags, words)) = &mut own else {
        return Some("it does not list itself among the nodes".to_owned());
    };
    if !flags.split(',').any(|flag| flag == "master") {
        return Some("it is a replica".to_owned());
    }
    let mut has_it = false;
    // Its primary, two times, its epoch and the state of its link come before the slots.
    for word in words.skip(5) {
        // `[93->-node]` while a slot is moved away, `[93-<-node]` while it is moved here.
        if let Some(moving) = word.strip_prefix('[') {
            let number = moving.split('-').next().unwrap_or_default();
            if number.parse() == Ok(slot) {
                return Some(format!(
                    "slot {slot} is being moved from one node to another"
                ));
            }
            continue;
        }
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        if let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) {
            has_it |= (first..=last).contains(&slot);
        }
    }
    (!has_it).then(|| format!("it does not have slot {slot}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_judged_by_what_it_says_of_itself() {
        let others = "a1 10.0.0.1:1@2,host-1 master - 0 0 1 connected 0-99\n\
                      b2 10.0.0.2:1@2 slave a1 0 0 1 connected\n";
        for (own, slot, obstacle) in [
            ("myself,master - 0 0 1 connected 100-199 300", 150, None),
            ("myself,master - 0 0 1 connected 100-199 300", 300, None),
            (
                "myself,master - 0 0 1 connected 100-199",
                50,
                Some("it does not have slot 50"),
            ),
            (
                "myself,master - 0 0 1 connected",
                50,
                Some("it does not have slot 50"),
            ),
            (
                "myself,slave a1 0 0 1 connected",
                50,
                Some("it is a replica"),
            ),
            (
                "myself,master - 0 0 1 connected 100-199 [150->-a1]",
                150,
                Some("slot 150 is being moved from one node to another"),
            ),
            (
                "myself,master - 0 0 1 connected 100-199 [50-<-a1]",
                50,
                Some("slot 50 is being moved from one node to another"),
            ),
            (
                "myself,master - 0 0 1 connected 100-199 [50-<-a1]",
                150,
                None,
            ),
            (
                "master - 0 0 1 connected 100-199",
                150,
                Some("it does not list itself among the nodes"),
            ),
        ] {
            let nodes = format!("{others}c3 :1@2 {own}\n");
            assert_eq!(super::obstacle(&nodes, slot).as_deref(), obstacle, "{own}");
        }
    }

    #[test]
    fn announced_addresses_are_understood() {
        let asked = Address::Tcp("seed".to_owned(), 7);
        let bulk = |text: &str| Value::BulkString(text.into());
        let node = |host: Value, more: Vec<Value>| {
            let id = [host, Value::Int(6379), bulk("id")];
            Value::Array(id.into_iter().chain(more).collect())
        };
        let hostname_only = vec![Value::Array(vec![bulk("ip"), bulk("10.0.0.3")])];
        let entry = Value::Array(vec![
            Value::Int(5),
            Value::Int(9),
            node(bulk("10.0.0.1"), vec![]),
            node(bulk("redis-2.example"), vec![Value::Array(vec![])]),
            node(bulk(""), vec![]),
            node(Value::Nil, vec![]),
            node(bulk("?"), hostname_only),
            node(bulk("?"), vec![]),
        ]);
        let hosts = ["10.0.0.1", "redis-2.example", "seed", "seed", "10.0.0.3"];
        let expected = Range {
            first: 5,
            last: 9,
            nodes: hosts.map(|host| Address::Tcp(host.to_owned(), 6379)).into(),
        };
        assert_eq!(range(entry, &asked), Some(expected));
        assert_eq!(range(Value::Array(vec![Value::Int(1)]), &asked), None);
    }

    #[test]
    fn nodes_are_preferred_and_put_off() {
        let tcp = |host: &str| Address::Tcp(host.to_owned(), 1);
        let mut nodes = Nodes::new(["a", "b", "c"].map(tcp).into());
        nodes.prefer("b:1", true);
        assert_eq!(nodes.addresses(), ["b", "a", "c"].map(tcp));
        nodes.prefer("b:1", false);
        assert_eq!(nodes.addresses(), ["a", "c", "b"].map(tcp));
        nodes.prefer("d:1", true);
        assert_eq!(nodes.addresses().len(), 3);
    }
}
