//! What reading a file has made of the parts that a rule looks at.
//!
//! A rule sees flags, from which what the schema refused is left out. Before it says that something
//! is missing, or adds up what is there, it asks here: what has been complained about once is not
//! complained about again. Nothing here is looked at for a flag that could be read whole.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Severity, Span, did_you_mean};
use crate::model::Flag;
use crate::yaml::{Entry, NodeId, Tree, Value};

/// One file as it was read.
pub struct Source<'a> {
    tree: &'a Tree<'a>,
    /// Where reading found errors, by place.
    errors: Vec<Span>,
    /// The value of each flag, by where its key starts.
    flags: OnceCell<HashMap<u32, NodeId>>,
}

impl<'a> Source<'a> {
    /// `found` is what reading found.
    pub fn new(tree: &'a Tree<'a>, found: &[Diagnostic]) -> Self {
        let errors = found
            .iter()
            .filter(|found| found.severity == Severity::Error);
        let mut errors: Vec<Span> = errors.map(|found| found.location.span).collect();
        errors.sort_unstable();
        Self {
            tree,
            errors,
            flags: OnceCell::new(),
        }
    }

    /// True where the flag has no such field, as opposed to one that could not be read.
    pub fn lacks(&self, flag: &Flag, field: &str) -> bool {
        if flag.complete {
            return true;
        }
        let flags = self.flags.get_or_init(|| self.all_flags());
        flags.get(&flag.key.span.start).is_some_and(|value| {
            let Value::Mapping(entries) = self.tree.value(*value) else {
                return false;
            };
            // A misspelt field is there, and has been told of.
            let mut keys = entries
                .iter()
                .filter_map(|entry| self.tree.key_text(entry.key));
            self.tree.is_complete(*value) && !keys.any(|key| did_you_mean(key, [field]).is_some())
        })
    }

    /// True where nothing within `span`, a field of the flag, was found to be wrong.
    pub fn understood(&self, flag: &Flag, span: Span) -> bool {
        if flag.complete {
            return true;
        }
        let first = self
            .errors
            .partition_point(|error| error.start < span.start);
        let error_inside = self
            .errors
            .get(first)
            .is_some_and(|error| error.start <= span.end);
        // What an alias stands for lies elsewhere.
        let alias = self
            .tree
            .text()
            .get(span.range())
            .is_some_and(|text| text.starts_with('*'));
        !error_inside && !alias
    }

    fn all_flags(&self) -> HashMap<u32, NodeId> {
        let roots = self
            .tree
            .documents()
            .iter()
            .filter_map(|root| self.entry(*root, "flags"));
        let flags = roots.flat_map(|flags| self.entries(flags.value));
        flags
            .map(|flag| (self.tree.span(flag.key).start, flag.value))
            .collect()
    }

    fn entries(&self, node: NodeId) -> &[Entry] {
        match self.tree.value(node) {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    fn entry(&self, node: NodeId, name: &str) -> Option<&Entry> {
        self.entries(node)
            .iter()
            .find(|entry| self.tree.key_text(entry.key) == Some(name))
    }
}
