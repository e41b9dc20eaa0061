//! Text to a tree in which every node knows its bytes.
//!
//! Pure, and never fails: what cannot be read becomes a [`Diagnostic`] and whatever could be read
//! stays in the tree, so that one broken flag hides nothing about the others.

use crate::diagnostic::{Diagnostic, FileId, Span};

/// Files larger than this are refused, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// Collections nested deeper than this are refused.
pub const MAX_DEPTH: usize = 64;

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
    pub text: &'t str,
    pub value: f64,
}

/// What a node holds, aliases and merges already followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'t> {
    Null,
    Bool(bool),
    Number(Number<'t>),
    String(&'t str),
    Sequence(&'t [NodeId]),
    /// In file order, keys unique (the first of two equal keys stays; the diagnostic tells);
    /// entries merged in by `<<` come after the map's own.
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

/// The nodes of every document of one file.
pub struct Tree<'s> {
    text: &'s str,
}

impl<'s> Tree<'s> {
    /// The documents' root nodes. Empty documents are left out.
    #[must_use]
    pub fn documents(&self) -> &[NodeId] {
        todo!()
    }

    #[must_use]
    pub fn value(&self, _node: NodeId) -> Value<'_> {
        todo!()
    }

    /// Where the node is written. For an alias that is the alias, for its children the place where
    /// the anchor stands. A missing value is an empty span behind the colon.
    #[must_use]
    pub fn span(&self, _node: NodeId) -> Span {
        todo!()
    }

    /// False where part of what is below the node could not be read (a syntax error inside, a
    /// duplicated key, a refused alias): good for linting, never to be applied.
    #[must_use]
    pub fn is_complete(&self, _node: NodeId) -> bool {
        todo!()
    }

    #[must_use]
    pub fn comments(&self) -> &[Comment] {
        todo!()
    }

    #[must_use]
    pub fn text(&self) -> &'s str {
        self.text
    }
}

/// Reads bytes as UTF-8 YAML text, or says at which place they are not (`unsafe-yaml`).
pub fn decode(_file: FileId, _bytes: &[u8]) -> Result<&str, Diagnostic> {
    todo!()
}

/// Reads `text`. Diagnostics carry the rules `yaml-syntax`, `duplicate-key` and `unsafe-yaml`.
#[must_use]
pub fn parse(_file: FileId, _text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    todo!()
}
