//! Text to a tree in which every node knows its bytes.
//!
//! Pure, and never fails: what cannot be read becomes a [`Diagnostic`] and whatever could be read
//! stays in the tree, so that one broken flag hides nothing about the others.
//!
//! The tree is an arena: nodes, sequence items and mapping entries lie in three flat lists, spans
//! are 32 bits wide, and a scalar is a range of the text unless escapes or folding made another
//! string of it. What a plain scalar means is decided once, while reading.

mod alias;
mod build;
mod leaf;
mod merge;
mod message;
mod quick;
mod recover;
mod repeats;
mod report;
mod scalar;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, FileId, Location, Span};

/// Files larger than this are refused, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// Collections nested deeper than this are refused.
pub const MAX_DEPTH: usize = 64;

/// Rule of text that is not YAML.
const SYNTAX: &str = "yaml-syntax";
/// Rule of a key that stands twice in one mapping.
pub const DUPLICATE: &str = "duplicate-key";
/// Rule of YAML that is well-formed but refused.
const UNSAFE: &str = "unsafe-yaml";

/// Names a node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// A key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: NodeId,
    pub value: NodeId,
}

/// A number as it stands in the file, so that `33.3` keeps its decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number<'t> {
    /// As written: decimal, `0x1f`, `0o17`, `.inf` and `.nan` with their signs.
    pub text: &'t str,
    /// The nearest double; infinite or not a number where the text says so.
    pub value: f64,
}

/// What a node holds, aliases and merges already followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'t> {
    /// Also what could not be read; the node is then incomplete.
    Null,
    Bool(bool),
    Number(Number<'t>),
    String(&'t str),
    Sequence(&'t [NodeId]),
    /// In file order, keys unique (the first of two equal keys stays; the diagnostic tells, and
    /// [`Tree::repeats`] has the second);
    /// entries merged in by `<<` come after the map's own. Keys are scalars.
    Mapping(&'t [Entry]),
}

/// A comment. Collected only where the text holds `hoist-ignore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line.
    pub span: Span,
    /// Nothing but white space stands before it on its line.
    pub own_line: bool,
}

/// How a node's `a` and `b` are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    /// The bits of the double, low half in `a`; the text is the span.
    Number,
    /// Index into [`Tree::odd_numbers`] in `a`: a number by its tag, whose text is not its span.
    OddNumber,
    /// A string that is the span.
    Plain,
    /// A string that is the span without its first and last byte.
    Quoted,
    /// A string in [`Tree::owned`]: offset in `a`, length in `b`.
    Owned,
    /// Offset into [`Tree::items`] in `a`, length in `b`.
    Sequence,
    /// Offset into [`Tree::entries`] in `a`, length in `b`.
    Mapping,
    /// The node that it stands for in `a`, never itself an alias.
    Alias,
}

/// Something below the node could not be read.
const INCOMPLETE: u8 = 1;
/// A scalar written without quotes and without a tag.
const PLAIN: u8 = 2;

/// Twenty bytes, since a file holds many.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(any(test, fuzzing), derive(PartialEq))]
struct Node {
    span: Span,
    a: u32,
    b: u32,
    kind: Kind,
    flags: u8,
}

impl Node {
    const NULL: Self = Self {
        span: Span { start: 0, end: 0 },
        a: 0,
        b: 0,
        kind: Kind::Null,
        flags: INCOMPLETE,
    };
}

/// The nodes of every document of one file.
#[cfg_attr(any(test, fuzzing), derive(Debug, PartialEq))]
pub struct Tree<'s> {
    text: &'s str,
    nodes: Vec<Node>,
    items: Vec<NodeId>,
    entries: Vec<Entry>,
    /// Strings that the text does not hold as they are, one behind the other.
    owned: String,
    /// Value, and offset and length of the text in `owned`.
    odd_numbers: Vec<(f64, u32, u32)>,
    documents: Vec<NodeId>,
    comments: Vec<Comment>,
    /// Entries that are left out of a mapping since their key stands in it already.
    repeated: Vec<(NodeId, Entry)>,
    /// For a mapping with `<<`, the keys `<<` and the mappings that they name.
    merges: HashMap<NodeId, Vec<(NodeId, NodeId)>>,
}

impl<'s> Tree<'s> {
    /// The documents' root nodes. Empty documents are left out.
    #[must_use]
    pub fn documents(&self) -> &[NodeId] {
        &self.documents
    }

    #[must_use]
    #[inline]
    pub fn value(&self, node: NodeId) -> Value<'_> {
        let node = self.target(node);
        match node.kind {
            Kind::Null | Kind::Alias => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => Value::Number(Number {
                text: self.slice(node.span),
                value: f64::from_bits(u64::from(node.b) << 32 | u64::from(node.a)),
            }),
            Kind::OddNumber => self.odd_number(node),
            Kind::Plain => Value::String(self.slice(node.span)),
            Kind::Quoted => Value::String(self.unquoted(node.span)),
            Kind::Owned => Value::String(self.owned(node.a, node.b)),
            Kind::Sequence => Value::Sequence(part(&self.items, node)),
            Kind::Mapping => Value::Mapping(part(&self.entries, node)),
        }
    }

    /// Where the node is written. For an alias that is the alias, for its children the place where
    /// the anchor stands. A missing value is an empty span behind the colon. A block collection
    /// ends with its last child; a block scalar is the lines of its text.
    #[must_use]
    pub fn span(&self, node: NodeId) -> Span {
        self.node(node).span
    }

    /// False where part of what is below the node could not be read (a syntax error inside, a
    /// duplicated key, a refused alias): good for linting, never to be applied.
    #[must_use]
    pub fn is_complete(&self, node: NodeId) -> bool {
        self.node(node).flags & INCOMPLETE == 0
    }

    /// Whether the node is a scalar written without quotes and without a tag, whose meaning
    /// readers of other YAML versions may see differently.
    #[must_use]
    pub fn is_plain(&self, node: NodeId) -> bool {
        self.target(node).flags & PLAIN != 0
    }

    /// A scalar as text, whatever its type: the string, or what stands in the file for a number, a
    /// boolean or null. `None` for collections.
    #[must_use]
    #[inline]
    pub fn key_text(&self, node: NodeId) -> Option<&str> {
        let found = self.target(node);
        if found.kind == Kind::Plain {
            // Nearly every key, and keys are asked for more often than anything.
            return Some(self.slice(found.span));
        }
        match self.value(node) {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.text),
            Value::Null | Value::Bool(_) => Some(self.slice(self.target(node).span)),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// What each alias of the file stands for, by the place where it is written out.
    pub fn alias_targets(&self) -> impl Iterator<Item = Span> {
        let aliases = self.nodes.iter().filter(|node| node.kind == Kind::Alias);
        aliases.map(|alias| self.span(NodeId(alias.a)))
    }

    /// For each key that `mapping` may have through a `<<`, that key `<<`.
    #[must_use]
    pub fn merged_into(&self, mapping: NodeId) -> HashMap<NodeId, NodeId> {
        let mut keys = HashMap::new();
        let merges = self.merges.get(&self.resolved(mapping));
        for (merge, source) in merges.into_iter().flatten() {
            if let Value::Mapping(entries) = self.value(*source) {
                for entry in entries {
                    keys.entry(entry.key).or_insert(*merge);
                }
            }
        }
        keys
    }

    /// In file order.
    #[must_use]
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    #[must_use]
    pub fn text(&self) -> &'s str {
        self.text
    }

    /// The node, or the one that it is an alias of.
    fn resolved(&self, id: NodeId) -> NodeId {
        match self.node(id) {
            Node {
                kind: Kind::Alias,
                a,
                ..
            } => NodeId(*a),
            _ => id,
        }
    }

    #[inline]
    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&Node::NULL)
    }

    /// The node itself, or what it is an alias of.
    #[inline]
    fn target(&self, id: NodeId) -> &Node {
        let node = self.node(id);
        match node.kind {
            Kind::Alias => self.node(NodeId(node.a)),
            _ => node,
        }
    }

    #[inline]
    fn slice(&self, span: Span) -> &'s str {
        self.text.get(span.range()).unwrap_or_default()
    }

    fn unquoted(&self, span: Span) -> &'s str {
        let range = span.start as usize + 1..(span.end as usize).saturating_sub(1);
        self.text.get(range).unwrap_or_default()
    }

    fn owned(&self, start: u32, len: u32) -> &str {
        let start = start as usize;
        self.owned
            .get(start..start + len as usize)
            .unwrap_or_default()
    }

    /// The place behind the colon that follows a key, or the key's end if none does.
    fn behind_colon(&self, key_end: u32) -> u32 {
        let rest = self
            .text
            .as_bytes()
            .get(key_end as usize..)
            .unwrap_or_default();
        let blank = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        match rest.get(blank) {
            Some(b':') => key_end + build::narrow(blank) + 1,
            _ => key_end,
        }
    }

    fn odd_number(&self, node: &Node) -> Value<'_> {
        match self.odd_numbers.get(node.a as usize) {
            Some(&(value, start, len)) => Value::Number(Number {
                text: self.owned(start, len),
                value,
            }),
            None => Value::Null,
        }
    }
}

/// The items or entries of a collection.
fn part<'t, T>(all: &'t [T], node: &Node) -> &'t [T] {
    let start = node.a as usize;
    all.get(start..start + node.b as usize).unwrap_or_default()
}

/// Reads bytes as UTF-8 YAML text.
///
/// # Errors
/// An `unsafe-yaml` finding where the bytes are too many, are UTF-16, or stop being UTF-8. The
/// last has the span of the replacement character at that place in the text that
/// [`String::from_utf8_lossy`] makes of the bytes: show it with that text.
#[allow(clippy::result_large_err)] // Once a file, and rare.
pub fn decode(file: FileId, bytes: &[u8]) -> Result<&str, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(file, bytes.len()));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(
            refused(file, Span::new(0, 0), "the file is UTF-16").with_help("save it as UTF-8")
        );
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        let byte = bytes.get(start).copied().unwrap_or_default();
        let span = Span::new(start, start + char::REPLACEMENT_CHARACTER.len_utf8());
        refused(
            file,
            span,
            format!("the byte 0x{byte:02x} is not UTF-8 here"),
        )
        .with_help("save the file as UTF-8")
    })
}

/// Reads `text`. Diagnostics carry the rules `yaml-syntax`, `duplicate-key` and `unsafe-yaml`.
#[must_use]
pub fn parse(file: FileId, text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    build::parse(file, text)
}

fn refused(file: FileId, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(UNSAFE, Location { file, span }, message)
}

fn too_large(file: FileId, len: usize) -> Diagnostic {
    let mib = MAX_BYTES >> 20;
    refused(
        file,
        Span::new(0, 0),
        format!("the file has {len} bytes, more than the {mib} MiB that are read"),
    )
    .with_help("split it: flags may lie in any number of files")
}
