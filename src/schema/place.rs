//! Where in the tree an error of the validator is.

use super::view::key_name;
use crate::diagnostic::Span;
use crate::yaml::{NodeId, Tree, Value};

/// A node, and how it was reached.
pub(super) struct Place<'t> {
    pub tree: &'t Tree<'t>,
    pub node: NodeId,
    steps: Vec<Step<'t>>,
}

/// One step down: into a field, whose name and key there are, or to an element of a list.
struct Step<'t> {
    field: Option<(&'t str, NodeId)>,
}

impl<'t> Place<'t> {
    /// Follows a JSON pointer down from `document`.
    pub(super) fn find(tree: &'t Tree<'t>, document: NodeId, pointer: &str) -> Option<Self> {
        let mut place = Self {
            tree,
            node: document,
            steps: Vec::new(),
        };
        for segment in pointer.split('/').skip(1) {
            place.step(&segment.replace("~1", "/").replace("~0", "~"))?;
        }
        Some(place)
    }

    fn step(&mut self, segment: &str) -> Option<()> {
        match self.tree.value(self.node) {
            Value::Sequence(nodes) => {
                self.node = *nodes.get(segment.parse::<usize>().ok()?)?;
                self.steps.push(Step { field: None });
            }
            Value::Mapping(entries) => {
                let tree = self.tree;
                let entry = entries.iter().find(|entry| key_name(tree, entry.key) == segment)?;
                let field = Some((key_name(tree, entry.key), entry.key));
                self.node = entry.value;
                self.steps.push(Step { field });
            }
            _ => return None,
        }
        Some(())
    }

    /// Key of the flag that the place is in.
    pub(super) fn flag(&self) -> Option<&'t str> {
        self.field(0).filter(|root| *root == "flags").and(self.field(1))
    }

    fn field(&self, step: usize) -> Option<&'t str> {
        self.steps.get(step)?.field.map(|(name, _)| name)
    }

    /// Name of the innermost field, which is the node itself or the list that it is in.
    pub(super) fn name(&self) -> &'t str {
        let inner = self.steps.iter().rev().find_map(|step| step.field);
        inner.map_or("", |(name, _)| name)
    }

    /// Name of the field that the innermost field is in, such as `variants` for a variant.
    pub(super) fn parent(&self) -> &'t str {
        let mut fields = self.steps.iter().rev().filter_map(|step| step.field);
        fields.nth(1).map_or("", |(name, _)| name)
    }

    /// Whether the node is the whole document.
    pub(super) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the node is an element of a list.
    pub(super) fn is_element(&self) -> bool {
        self.steps.last().is_some_and(|step| step.field.is_none())
    }

    /// Where to point at the node: at its value, or at its key where nothing is written.
    pub(super) fn span(&self) -> Span {
        let span = self.tree.span(self.node);
        if span.start < span.end { self.first_line(span) } else { self.key_span().unwrap_or(span) }
    }

    /// Where to point at what the node lacks: at its key, or at the element.
    pub(super) fn owner_span(&self) -> Span {
        self.key_span().unwrap_or_else(|| self.first_line(self.tree.span(self.node)))
    }

    fn key_span(&self) -> Option<Span> {
        let (_, key) = self.steps.last()?.field?;
        Some(self.tree.span(key))
    }

    /// `span` up to the end of its first line, lest a whole block be underlined.
    fn first_line(&self, span: Span) -> Span {
        let text = self.tree.text().get(span.range()).unwrap_or_default();
        let line = text.split(['\r', '\n']).next().unwrap_or_default();
        Span::new(span.start as usize, span.start as usize + line.trim_end().len())
    }

    /// The key of the node's own field that the validator calls `name`.
    pub(super) fn key(&self, name: &str) -> Option<NodeId> {
        let Value::Mapping(entries) = self.tree.value(self.node) else {
            return None;
        };
        let tree = self.tree;
        let entry = entries.iter().find(|entry| key_name(tree, entry.key) == name)?;
        Some(entry.key)
    }

    /// What is written at a node that is a scalar of its own, so that an edit can replace it: not
    /// an alias, no tag, no block.
    pub(super) fn source(&self) -> Option<&'t str> {
        let text = self.tree.text().get(self.tree.span(self.node).range())?;
        let quoted = text.starts_with(['"', '\'']);
        let own = quoted || self.tree.is_plain(self.node);
        let alias = text.starts_with('*') && !matches!(self.tree.value(self.node), Value::Null);
        (own && !alias && !text.contains(['\n', '\r'])).then_some(text)
    }
}
