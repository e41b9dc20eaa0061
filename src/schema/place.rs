//! Where in the tree an error of the validator is.

use std::collections::HashMap;

use super::view::key_name;
use crate::diagnostic::Span;
use crate::yaml::{Entry, NodeId, Tree, Value};

/// Mappings longer than this are looked up through an index.
const WALKED: usize = 32;

/// Finds entries by the name that the validator gives them.
pub(super) struct Keys<'t> {
    tree: &'t Tree<'t>,
    indexes: HashMap<NodeId, HashMap<&'t str, Entry>>,
}

impl<'t> Keys<'t> {
    pub(super) fn new(tree: &'t Tree<'t>) -> Self {
        Self {
            tree,
            indexes: HashMap::new(),
        }
    }

    /// The first entry of `mapping` that has this name; `None` also where it is no mapping.
    pub(super) fn find(&mut self, mapping: NodeId, name: &str) -> Option<Entry> {
        let tree = self.tree;
        let Value::Mapping(entries) = tree.value(mapping) else {
            return None;
        };
        if entries.len() <= WALKED {
            return entries
                .iter()
                .find(|entry| key_name(tree, entry.key) == name)
                .copied();
        }
        let index = self.indexes.entry(mapping).or_insert_with(|| {
            let named = |entry: &Entry| (key_name(tree, entry.key), *entry);
            // Later entries go in first, so that the first of two stays.
            entries.iter().rev().map(named).collect()
        });
        index.get(name).copied()
    }
}

/// What a node is in a flag file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Root,
    Flags,
    Flag,
    Environments,
    Environment,
    Variants,
    Variant,
    Stage,
    Test,
    /// A field that a stage, a test or a variant cannot do without.
    Required,
    /// Any other field, or what is in it.
    Other,
}

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
    pub(super) fn find(keys: &mut Keys<'t>, document: NodeId, pointer: &str) -> Option<Self> {
        let mut place = Self {
            tree: keys.tree,
            node: document,
            steps: Vec::new(),
        };
        for segment in pointer.split('/').skip(1) {
            place.step(keys, &segment.replace("~1", "/").replace("~0", "~"))?;
        }
        Some(place)
    }

    fn step(&mut self, keys: &mut Keys<'t>, segment: &str) -> Option<()> {
        if let Value::Sequence(nodes) = self.tree.value(self.node) {
            self.node = *nodes.get(segment.parse::<usize>().ok()?)?;
            self.steps.push(Step { field: None });
        } else {
            let entry = keys.find(self.node, segment)?;
            let field = Some((key_name(self.tree, entry.key), entry.key));
            self.node = entry.value;
            self.steps.push(Step { field });
        }
        Some(())
    }

    /// Key of the flag that the place is in.
    pub(super) fn flag(&self) -> Option<&'t str> {
        self.field(0)
            .filter(|root| *root == "flags")
            .and(self.field(1))
    }

    fn field(&self, step: usize) -> Option<&'t str> {
        self.steps.get(step)?.field.map(|(name, _)| name)
    }

    /// The names on the way to the node from the flag, or from the environment that it is in.
    fn below(&self) -> Vec<Option<&'t str>> {
        let from = if self.field(2) == Some("environments") {
            4
        } else {
            2
        };
        let names = self.steps.iter().skip(from);
        names.map(|step| step.field.map(|(name, _)| name)).collect()
    }

    pub(super) fn role(&self) -> Role {
        match (self.steps.len(), self.field(2)) {
            (0, _) => return Role::Root,
            (1, _) => return Role::Flags,
            (2, _) => return Role::Flag,
            (3, Some("environments")) => return Role::Environments,
            (4, Some("environments")) => return Role::Environment,
            _ => {}
        }
        match self.below().as_slice() {
            [Some("variants")] => Role::Variants,
            [Some("variants"), Some(_)] => Role::Variant,
            [Some("rollout"), None] => Role::Stage,
            [Some("tests"), None] => Role::Test,
            [Some("variants"), Some(_), Some("weight")]
            | [Some("rollout"), None, Some("percentage")]
            | [Some("tests"), None, Some("expect")] => Role::Required,
            _ => Role::Other,
        }
    }

    /// Name of the innermost field, which is the node itself or the list that it is in.
    pub(super) fn name(&self) -> &'t str {
        let inner = self.steps.iter().rev().find_map(|step| step.field);
        inner.map_or("", |(name, _)| name)
    }

    /// [`Self::name`] as a message has it, with what it belongs to where it says nothing by itself.
    pub(super) fn label(&self) -> String {
        match self.below().as_slice() {
            [Some("forced"), Some(variant), ..] => format!("forced.{variant}"),
            _ => self.name().to_owned(),
        }
    }

    /// Whether the node is an element of a list.
    pub(super) fn is_element(&self) -> bool {
        self.steps.last().is_some_and(|step| step.field.is_none())
    }

    /// Where to point at the node: at its value, or at its key where nothing is written.
    pub(super) fn span(&self) -> Span {
        let span = self.tree.span(self.node);
        if span.start < span.end {
            self.first_line(span)
        } else {
            self.key_span().unwrap_or(span)
        }
    }

    /// Where to point at what the node lacks: at its key, or at the element.
    pub(super) fn owner_span(&self) -> Span {
        self.key_span()
            .unwrap_or_else(|| self.first_line(self.tree.span(self.node)))
    }

    fn key_span(&self) -> Option<Span> {
        let (_, key) = self.steps.last()?.field?;
        Some(self.tree.span(key))
    }

    /// `span` up to the end of its first line, lest a whole block be underlined.
    fn first_line(&self, span: Span) -> Span {
        let text = self.tree.text().get(span.range()).unwrap_or_default();
        let line = text.split(['\r', '\n']).next().unwrap_or_default();
        Span::new(
            span.start as usize,
            span.start as usize + line.trim_end().len(),
        )
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
