//! What reading a file has made of the parts that a rule looks at.
//!
//! A rule sees flags, from which what the schema refused is left out. Before it says that something
//! is missing, or adds up what is there, it asks here: what has been complained about once is not
//! complained about again. Nothing here is looked at for a flag that could be read whole.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Severity, Span, did_you_mean};
use crate::model::Flag;
use crate::yaml::{Entry, NodeId, Tree, Value};

/// One file as it was read.
pub struct Source<'a> {
    tree: &'a Tree<'a>,
    repeats: &'a [NodeId],
    /// Where reading found errors, by place.
    errors: Vec<Span>,
    /// The value of each flag, by where its key starts.
    flags: OnceCell<HashMap<u32, NodeId>>,
    /// What aliases stand for, by place.
    shared: OnceCell<Vec<Span>>,
    /// Those that do not lie within another.
    outermost: OnceCell<Vec<Span>>,
}

impl<'a> Source<'a> {
    /// `repeats` are documents besides those of the tree; `found` is what reading found.
    pub fn new(tree: &'a Tree<'a>, repeats: &'a [NodeId], found: &[Diagnostic]) -> Self {
        let errors = found
            .iter()
            .filter(|found| found.severity == Severity::Error);
        let mut errors: Vec<Span> = errors.map(|found| found.location.span).collect();
        errors.sort_unstable();
        Self {
            tree,
            repeats,
            errors,
            flags: OnceCell::new(),
            shared: OnceCell::new(),
            outermost: OnceCell::new(),
        }
    }

    pub fn tree(&self) -> &'a Tree<'a> {
        self.tree
    }

    /// True where an alias stands for what is at `span`, or for something around it.
    pub fn is_shared(&self, span: Span) -> bool {
        let shared = self.outermost.get_or_init(|| {
            let mut spans = self.shared().to_vec();
            // One that lies within another says nothing more.
            spans.dedup_by(|inner, outer| inner.end <= outer.end);
            spans
        });
        let behind = shared.partition_point(|shared| shared.start <= span.start);
        let nearest = behind.checked_sub(1).and_then(|at| shared.get(at));
        nearest.is_some_and(|shared| span.end <= shared.end)
    }

    /// True where an alias stands for `part`, or for something around it that is not all of `whole`.
    pub fn is_shared_within(&self, whole: Span, part: Span) -> bool {
        let shared = self.shared();
        let first = shared.partition_point(|shared| shared.start < whole.start);
        let inside = shared.iter().skip(first);
        inside
            .take_while(|shared| shared.start <= part.start)
            .any(|shared| shared.contains(part) && !shared.contains(whole))
    }

    /// What aliases stand for, by place, the widest first of those that start together.
    fn shared(&self) -> &[Span] {
        self.shared.get_or_init(|| {
            let mut spans: Vec<Span> = self.tree.alias_targets().collect();
            spans.sort_unstable_by_key(|span| (span.start, Reverse(span.end)));
            spans.dedup();
            spans
        })
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
        let documents = self.tree.documents().iter().chain(self.repeats);
        let roots = documents.filter_map(|root| self.entry(*root, "flags"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml;

    #[test]
    fn what_aliases_stand_for_is_shared() {
        let text = "a: &a {b: 1, c: &c [2, 3]}\nd: [*a, *c, *a]\ne: {<<: *a, f: 4}\ng: &g 5\n";
        let (tree, _) = yaml::parse(FileId(0), text);
        let source = Source::new(&tree, &[], &[]);
        for (word, shared) in [
            ("{b: 1, c: &c [2, 3]}", true),
            ("b: 1", true),
            ("3", true),
            ("a: &a {b: 1, c: &c [2, 3]}", false),
            ("*a, *c", false),
            ("f: 4", false),
            ("5", false),
        ] {
            let start = text.find(word).unwrap();
            let span = Span::new(start, start + word.len());
            assert_eq!(source.is_shared(span), shared, "{word}");
        }
        let within = |whole: &str, part: &str| {
            let span = |word: &str| {
                let start = text.find(word).unwrap();
                Span::new(start, start + word.len())
            };
            source.is_shared_within(span(whole), span(part))
        };
        let map = "{b: 1, c: &c [2, 3]}";
        assert!(within(map, "3") && within(map, "[2, 3]"));
        assert!(!within(map, "b: 1") && !within("[2, 3]", "3"));
    }
}
