//! Entries that are left out of a mapping, since their key stands in it already.

use std::collections::{HashMap, HashSet};

use super::build::narrow;
use super::{Entry, Kind, Node, NodeId, Tree, Value};

impl Tree<'_> {
    /// What stands below `key` of the documents for the second time, so that it can be looked at as
    /// well: documents that hold nothing but `key`, with what was left out of a document since `key`
    /// itself stands there twice, or out of the mapping below since keys in it do. Of more than two
    /// that are equal the second counts. To be asked once.
    pub fn repeats(&mut self, key: &str) -> Vec<NodeId> {
        let mut left_out: HashMap<NodeId, Vec<Entry>> = HashMap::new();
        for (mapping, entry) in std::mem::take(&mut self.repeated) {
            left_out.entry(mapping).or_default().push(entry);
        }
        if left_out.is_empty() {
            return Vec::new();
        }
        let mut documents = Vec::new();
        for document in self.documents.clone() {
            let Some(first) = self.entry(document, key) else {
                continue;
            };
            let again = left_out.get(&document);
            let again =
                again.and_then(|again| again.iter().find(|entry| self.is_named(entry, key)));
            if let Some(again) = again.copied() {
                documents.push(self.add_mapping(document, &[again]));
            }
            if let Some(below) = left_out.get(&self.resolved(first.value)) {
                let value = self.add_mapping(first.value, &self.first_of_each(below));
                documents.push(self.add_mapping(document, &[Entry { value, ..first }]));
            }
        }
        documents
    }

    fn entry(&self, mapping: NodeId, key: &str) -> Option<Entry> {
        let Value::Mapping(entries) = self.value(mapping) else {
            return None;
        };
        entries
            .iter()
            .find(|entry| self.is_named(entry, key))
            .copied()
    }

    fn is_named(&self, entry: &Entry, key: &str) -> bool {
        self.key_text(entry.key) == Some(key)
    }

    fn first_of_each(&self, entries: &[Entry]) -> Vec<Entry> {
        let mut seen = HashSet::new();
        let first = entries
            .iter()
            .filter(|entry| seen.insert(self.key_text(entry.key)));
        first.copied().collect()
    }

    /// Adds a mapping that stands where `place` does.
    fn add_mapping(&mut self, place: NodeId, entries: &[Entry]) -> NodeId {
        let id = NodeId(narrow(self.nodes.len()));
        let node = Node {
            span: self.span(place),
            a: narrow(self.entries.len()),
            b: narrow(entries.len()),
            kind: Kind::Mapping,
            flags: 0,
        };
        self.nodes.push(node);
        self.entries.extend(entries);
        id
    }
}
