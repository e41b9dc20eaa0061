//! Keys: no two alike, none a collection, and `<<` spelled out.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::build::{Builder, Frame};
use super::message::cut;
use super::scalar;
use super::{Entry, Kind, NodeId, Tree, Value};

/// Entries looked at for the merges of one file.
const MAX_MERGED: usize = 2_000_000;
/// Up to so many keys, comparing each with each is faster than hashing.
const FEW: usize = 16;

impl Builder<'_> {
    /// Puts the entries from `first` on in order: those of the mapping that ends now.
    pub fn tidy(&mut self, frame: &mut Frame, first: usize) {
        if frame.odd_key {
            self.drop_odd_keys(frame, first);
        }
        if self.has_duplicates(frame, first) {
            self.drop_duplicates(frame, first);
        }
        if frame.merge {
            self.merge(frame, first);
        }
    }

    /// Drops entries whose key is a collection or could not be read.
    fn drop_odd_keys(&mut self, frame: &mut Frame, first: usize) {
        let own = self.tree.entries.split_off(first);
        for entry in own {
            let collection = matches!(
                self.tree.value(entry.key),
                Value::Sequence(_) | Value::Mapping(_)
            );
            if !collection && self.tree.is_complete(entry.key) {
                self.tree.entries.push(entry);
                continue;
            }
            frame.incomplete = true;
            if collection {
                self.report.refused(
                    self.tree.span(entry.key),
                    "a key must be a string, not a sequence or a mapping",
                    Some("quote it if it is meant as text"),
                );
            }
        }
    }

    fn has_duplicates(&self, frame: &Frame, first: usize) -> bool {
        let entries = self.tree.entries.get(first..).unwrap_or_default();
        if entries.len() < 2 {
            return false;
        }
        if !frame.odd_key && entries.len() <= FEW {
            let mut keys = [""; FEW];
            for (at, entry) in entries.iter().enumerate() {
                let key = self.tree.string(entry.key);
                let (before, rest) = keys.split_at_mut(at);
                if before.contains(&key) {
                    return true;
                }
                rest[0] = key;
            }
            return false;
        }
        if frame.odd_key {
            let mut seen = HashSet::with_capacity(entries.len());
            return !entries
                .iter()
                .all(|entry| seen.insert(canonical(&self.tree, entry.key)));
        }
        let mut seen = HashSet::with_capacity(entries.len());
        !entries
            .iter()
            .all(|entry| seen.insert(self.tree.string(entry.key)))
    }

    fn drop_duplicates(&mut self, frame: &mut Frame, first: usize) {
        frame.incomplete = true;
        let own = self.tree.entries.split_off(first);
        let tree = &mut self.tree;
        let mut seen: HashMap<Cow<'_, str>, NodeId> = HashMap::with_capacity(own.len());
        let mut kept = Vec::with_capacity(own.len());
        let mut repeated = Vec::new();
        for entry in own {
            let key = canonical(tree, entry.key);
            match seen.get(&key) {
                Some(before) => {
                    let (before, again) = (tree.span(*before), tree.span(entry.key));
                    let name = cut(tree.key_text(entry.key).unwrap_or_default());
                    self.report.duplicate(&name, before, again);
                    repeated.push((frame.node, entry));
                }
                None => {
                    seen.insert(key, entry.key);
                    kept.push(entry);
                }
            }
        }
        drop(seen);
        tree.entries.append(&mut kept);
        tree.repeated.append(&mut repeated);
    }

    /// Replaces `<<` by the entries of what it names that the mapping has not got.
    fn merge(&mut self, frame: &mut Frame, first: usize) {
        let own = self.tree.entries.split_off(first);
        let (merges, mut all): (Vec<Entry>, Vec<Entry>) =
            own.into_iter().partition(|entry| self.is_merge(entry.key));
        let mut sources = Vec::new();
        for entry in merges {
            let before = sources.len();
            self.merge_sources(frame, entry.value, &mut sources);
            let named = sources.iter().skip(before);
            let merges = named.map(|(_, source)| (entry.key, *source));
            let of_mapping = self.tree.merges.entry(frame.node).or_default();
            of_mapping.extend(merges);
        }
        let tree = &self.tree;
        let mut seen: HashSet<Cow<'_, str>> =
            all.iter().map(|entry| canonical(tree, entry.key)).collect();
        let mut over = None;
        for (place, source) in sources {
            let Value::Mapping(entries) = tree.value(source) else {
                continue;
            };
            self.merged += entries.len();
            if self.merged > MAX_MERGED {
                over = Some(tree.span(place));
                break;
            }
            let new = entries
                .iter()
                .filter(|entry| seen.insert(canonical(tree, entry.key)));
            all.extend(new.copied());
        }
        drop(seen);
        self.tree.entries.append(&mut all);
        if let Some(span) = over {
            frame.incomplete = true;
            if !self.merge_reported {
                self.merge_reported = true;
                let message =
                    format!("the merges of this file copy more than {MAX_MERGED} entries");
                self.report.refused(
                    span,
                    message,
                    Some("merge smaller mappings, or fewer of them"),
                );
            }
        }
    }

    fn is_merge(&self, key: NodeId) -> bool {
        self.tree.is_plain(key) && matches!(self.tree.value(key), Value::String("<<"))
    }

    /// The mappings that the value of `<<` names, or a finding where it names none.
    fn merge_sources(
        &mut self,
        frame: &mut Frame,
        value: NodeId,
        sources: &mut Vec<(NodeId, NodeId)>,
    ) {
        let mut wrong = Vec::new();
        let tree = &self.tree;
        let mut take = |node: NodeId| match tree.value(node) {
            Value::Mapping(_) => sources.push((node, node)),
            _ if !tree.is_complete(node) => {}
            _ => wrong.push(tree.span(node)),
        };
        match tree.value(value) {
            Value::Sequence(items) => items.iter().for_each(|item| take(*item)),
            _ => take(value),
        }
        for span in wrong {
            frame.incomplete = true;
            self.report.syntax(
                span,
                "`<<` takes a mapping or a list of mappings",
                Some("name an anchor: `<<: *defaults`; or quote the key if it is meant as text"),
            );
        }
    }
}

impl Tree<'_> {
    /// A string node's text; empty for every other node.
    fn string(&self, node: NodeId) -> &str {
        let found = self.target(node);
        match found.kind {
            Kind::Plain => self.slice(found.span),
            _ => match self.value(node) {
                Value::String(text) => text,
                _ => "",
            },
        }
    }
}

/// A key in the one form that all its spellings share: `1`, `0x1` and `"1"` are one key.
fn canonical<'t>(tree: &'t Tree<'_>, key: NodeId) -> Cow<'t, str> {
    match tree.value(key) {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        // Past 2^53 the double no longer tells integers apart.
        Value::Number(number) if scalar::is_integer(number.text) && number.value.abs() < 9e15 => {
            Cow::Owned(number.value.to_string())
        }
        Value::Number(number) if scalar::is_integer(number.text) => Cow::Borrowed(number.text),
        Value::Number(number) => Cow::Owned(format!("{:?}", number.value)),
        Value::Sequence(_) | Value::Mapping(_) => Cow::Borrowed(""),
    }
}
