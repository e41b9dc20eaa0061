//! The tree as the validator sees it: JSON, without a copy.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::Value as JsonValue;

use super::LIMIT;
use crate::yaml::{Entry, NodeId, Number, Tree, Value};

/// Keys are cut to this many bytes where the validator sees them: every error repeats the keys on
/// the way to it. No key that is allowed comes near.
const KEY_BYTES: usize = 512;

/// The representation of JSON that [`Tree`] is.
pub(super) struct Arena;

/// One tree under validation.
pub(super) struct View<'t> {
    tree: &'t Tree<'t>,
    errors: Cell<usize>,
    ambiguous: RefCell<Vec<NodeId>>,
}

impl<'t> View<'t> {
    pub(super) fn new(tree: &'t Tree<'t>) -> Self {
        Self {
            tree,
            errors: Cell::new(0),
            ambiguous: RefCell::default(),
        }
    }

    pub(super) fn node(&'t self, node: NodeId) -> ArenaNode<'t> {
        ArenaNode::Value(self, node)
    }

    /// The numbers seen that other readers of YAML may take for other numbers, in file order.
    pub(super) fn ambiguous(&self) -> Vec<NodeId> {
        let mut nodes = self.ambiguous.borrow().clone();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Whether so many mistakes were found that collections behind them were not looked into.
    pub(super) fn is_cut_short(&self) -> bool {
        self.errors.get() >= LIMIT
    }
}

/// The text of a key as the validator sees it.
pub(super) fn key_name<'t>(tree: &'t Tree<'_>, key: NodeId) -> &'t str {
    let text = tree.key_text(key).unwrap_or_default();
    if text.len() <= KEY_BYTES {
        return text;
    }
    let end = (0..=KEY_BYTES)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// A leading zero or another radix: 14 in `014` is 12 to YAML 1.1, and `0o14` is a string.
fn is_ambiguous(number: &str) -> bool {
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    let mut bytes = digits.bytes();
    bytes.next() == Some(b'0')
        && bytes
            .next()
            .is_some_and(|next| !matches!(next, b'.' | b'e' | b'E'))
}

impl Json for Arena {
    type Node<'a> = ArenaNode<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    /// A lookup walks the entries, so that one walk for all keys is cheaper.
    const KEYS_PER_LOOKUP: usize = 16;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(ArenaNode<'_>) -> T) -> T {
        f(ArenaNode::Name(string))
    }
}

/// A node of the tree, or the name of a property.
#[derive(Clone, Copy)]
pub(super) enum ArenaNode<'a> {
    Value(&'a View<'a>, NodeId),
    Name(&'a str),
}

impl<'a> ArenaNode<'a> {
    fn value(&self) -> Value<'a> {
        match *self {
            Self::Value(view, node) => view.tree.value(node),
            Self::Name(name) => Value::String(name),
        }
    }
}

impl<'a> Node<'a, Arena> for ArenaNode<'a> {
    type Object = Members<'a>;
    type Array = Elements<'a>;
    type Number = ArenaNumber<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        match (*self, self.value()) {
            (Self::Value(view, _), Value::Mapping(entries)) => Some(Members { view, entries }),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        match (*self, self.value()) {
            (Self::Value(view, _), Value::Sequence(nodes)) => Some(Elements { view, nodes }),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.value() {
            Value::String(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<ArenaNumber<'a>> {
        match (*self, self.value()) {
            (Self::Value(view, node), Value::Number(number)) => {
                if is_ambiguous(number.text) {
                    view.ambiguous.borrow_mut().push(node);
                }
                Some(ArenaNumber(number))
            }
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.value() {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        self.value() == Value::Null
    }

    fn is_number(&self) -> bool {
        matches!(self.value(), Value::Number(_))
    }

    fn json_type(&self) -> JsonType {
        match self.value() {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::Sequence(_) => JsonType::Array,
            Value::Mapping(_) => JsonType::Object,
        }
    }

    fn string_length_within(&self, min: u64, max: u64) -> Option<bool> {
        let Value::String(text) = self.value() else {
            return None;
        };
        // A character takes one to four bytes.
        let bytes = text.len() as u64;
        let fewest = bytes.div_ceil(4);
        if bytes < min || fewest > max {
            return Some(false);
        }
        if min <= fewest && bytes <= max {
            return Some(true);
        }
        Some((min..=max).contains(&(text.chars().count() as u64)))
    }

    /// The schema compares with nothing but strings.
    fn equals_value(&self, expected: &JsonValue) -> bool {
        matches!(self.value(), Value::String(text) if expected.as_str() == Some(text))
    }

    /// Asked for at every error, and nowhere else since nothing but strings is compared. The place
    /// is found by the error's path, so that only names, which have no path of their own, are
    /// handed out.
    fn to_value(&self) -> Cow<'a, JsonValue> {
        Cow::Owned(match *self {
            Self::Value(view, _) => {
                view.errors.set(view.errors.get().saturating_add(1));
                JsonValue::Null
            }
            Self::Name(name) => name.into(),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        None
    }
}

#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    view: &'a View<'a>,
    entries: &'a [Entry],
}

impl<'a> Object<'a, Arena> for Members<'a> {
    type Node = ArenaNode<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, key: &Box<str>) -> Option<ArenaNode<'a>> {
        self.entries
            .iter()
            .find(|entry| self.view.tree.key_text(entry.key) == Some(&**key))
            .map(|entry| self.view.node(entry.value))
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter {
            view: self.view,
            entries: self.entries.iter(),
        }
    }

    fn try_for_each_name_node<B>(
        &self,
        (): &mut (),
        mut f: impl FnMut(ArenaNode<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.members()
            .try_for_each(|(name, _)| f(ArenaNode::Name(name)))
    }
}

pub(super) struct MembersIter<'a> {
    view: &'a View<'a>,
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, ArenaNode<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.view.is_cut_short() {
            return None;
        }
        let entry = self.entries.next()?;
        Some((
            key_name(self.view.tree, entry.key),
            self.view.node(entry.value),
        ))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Elements<'a> {
    view: &'a View<'a>,
    nodes: &'a [NodeId],
}

impl<'a> Array<'a, Arena> for Elements<'a> {
    type Node = ArenaNode<'a>;
    type ElementsIter = ElementsIter<'a>;

    fn len(&self) -> usize {
        self.nodes.len()
    }

    fn elements(&self) -> ElementsIter<'a> {
        ElementsIter {
            view: self.view,
            nodes: self.nodes.iter(),
        }
    }
}

pub(super) struct ElementsIter<'a> {
    view: &'a View<'a>,
    nodes: std::slice::Iter<'a, NodeId>,
}

impl<'a> Iterator for ElementsIter<'a> {
    type Item = ArenaNode<'a>;

    fn next(&mut self) -> Option<ArenaNode<'a>> {
        if self.view.is_cut_short() {
            return None;
        }
        self.nodes.next().map(|node| self.view.node(*node))
    }
}

pub(super) struct ArenaNumber<'a>(Number<'a>);

impl JsonNumber for ArenaNumber<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.text.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.text.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        Some(self.0.value)
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.value.to_string())
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        let number = serde_json::Number::from_f64(self.0.value);
        Cow::Owned(number.unwrap_or_else(|| 0.into()))
    }
}
