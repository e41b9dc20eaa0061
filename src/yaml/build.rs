//! Parser events to the arena.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, StructureStyle};

use super::alias::Anchors;
use super::quick;
use super::recover::Damage;
use super::report::Report;
use super::{
    Comment, Entry, INCOMPLETE, Kind, MAX_BYTES, MAX_DEPTH, Node, NodeId, Tree, too_large,
};
use crate::diagnostic::{Diagnostic, FileId, Span};

/// Nodes in one file; no honest file of 8 MiB has as many.
pub(super) const MAX_NODES: usize = 4_000_000;

/// Where and why reading stopped.
pub(super) struct Stop {
    pub at: usize,
    pub kind: StopKind,
}

pub(super) enum StopKind {
    Parser(ErrorKind),
    TooDeep,
    TooManyNodes,
}

/// A collection that is being read.
pub(super) struct Frame {
    pub node: NodeId,
    /// Where its children begin in [`Builder::pending`]. A mapping's are key, value, key, value.
    pub base: usize,
    pub kind: Kind,
    pub style: StructureStyle,
    /// Of the first character, from 0.
    pub column: usize,
    /// Levels of collections below.
    pub height: usize,
    pub incomplete: bool,
    /// A key is `<<`.
    pub merge: bool,
    /// A key is not simply a string.
    pub odd_key: bool,
    /// Index of its anchor in [`Anchors`].
    pub anchor: Option<usize>,
}

impl Frame {
    pub fn new(
        node: NodeId,
        kind: Kind,
        style: StructureStyle,
        base: usize,
        column: usize,
    ) -> Self {
        Self {
            node,
            base,
            kind,
            style,
            column,
            height: 0,
            incomplete: false,
            merge: false,
            odd_key: false,
            anchor: None,
        }
    }
}

/// The tree that is being read, and what is open in it.
pub(super) struct Builder<'s> {
    pub tree: Tree<'s>,
    pub report: Report,
    pub frames: Vec<Frame>,
    /// Children of the frames, the innermost frame's last.
    pub pending: Vec<NodeId>,
    pub root: Option<NodeId>,
    /// Where the text that the parser sees begins.
    pub base: usize,
    /// Where the last node or bracket that was read ends.
    pub last_end: u32,
    /// A syntax error stands in this document.
    pub broken: bool,
    pub damage: Damage,
    /// Entries looked at for merges so far.
    pub merged: usize,
    pub merge_reported: bool,
    pub anchors: Anchors<'s>,
}

pub(super) fn parse(file: FileId, text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    if text.len() > MAX_BYTES {
        let mut builder = Builder::new(file, text);
        builder.report.push(too_large(file, text.len()));
        return builder.finish();
    }
    quickly(file, text).unwrap_or_else(|| thoroughly(file, text))
}

/// Reads a text that holds nothing unusual.
pub(super) fn quickly(file: FileId, text: &str) -> Option<(Tree<'_>, Vec<Diagnostic>)> {
    let mut builder = Builder::new(file, text);
    quick::read(&mut builder)?;
    let read = builder.finish();
    #[cfg(any(test, fuzzing))]
    assert_eq!(read, thoroughly(file, text), "two readers of {text:?}");
    Some(read)
}

/// Reads any text, with the parser.
pub(super) fn thoroughly(file: FileId, text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    let mut builder = Builder::new(file, text);
    builder.read();
    builder.finish()
}

impl<'s> Builder<'s> {
    fn new(file: FileId, text: &'s str) -> Self {
        Self {
            tree: Tree {
                text,
                nodes: Vec::with_capacity(text.len().min(MAX_BYTES) / 12),
                items: Vec::new(),
                entries: Vec::with_capacity(text.len().min(MAX_BYTES) / 32),
                owned: String::new(),
                odd_numbers: Vec::new(),
                documents: Vec::new(),
                comments: Vec::new(),
                repeated: Vec::new(),
                merges: HashMap::new(),
            },
            report: Report::new(file),
            frames: Vec::new(),
            pending: Vec::new(),
            root: None,
            merge_reported: false,
            base: 0,
            last_end: 0,
            broken: false,
            damage: Damage::default(),
            merged: 0,
            anchors: Anchors::default(),
        }
    }

    fn finish(self) -> (Tree<'s>, Vec<Diagnostic>) {
        (self.tree, self.report.finish())
    }

    /// Takes in one event; `Err` where reading cannot go on.
    pub fn event(&mut self, event: Event<'s>, span: &granit_parser::Span) -> Result<(), Stop> {
        let at = self.span(span);
        if !matches!(event, Event::Comment(..) | Event::Anchor(..)) {
            self.last_end = at.end;
        }
        match event {
            Event::Scalar(value, style, _, tag) => {
                let id = match tag {
                    None => self.scalar(value, style, at)?,
                    Some(tag) => self.tagged_scalar(value, style, at, &tag, span)?,
                };
                self.attach(id, 0);
            }
            Event::MappingStart(style, _, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                self.open(Kind::Mapping, style, at, span.start.col())?;
            }
            Event::SequenceStart(style, _, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                self.open(Kind::Sequence, style, at, span.start.col())?;
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(at.end),
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.alias(at)?,
            Event::Anchor(..) => self.anchor(at),
            Event::Comment(..) => self.comment(at),
            Event::DocumentStart(..) | Event::StreamEnd => self.finish_document(),
            _ => {}
        }
        Ok(())
    }

    /// The parser's span as one of this file, kept within the text.
    pub fn span(&self, span: &granit_parser::Span) -> Span {
        let place =
            |mark: &granit_parser::Marker| self.base + mark.byte_offset().unwrap_or_default();
        Span::new(place(&span.start), place(&span.end))
    }

    pub fn add(&mut self, span: Span, kind: Kind, a: u32, b: u32) -> Result<NodeId, Stop> {
        if self.tree.nodes.len() >= MAX_NODES {
            return Err(Stop {
                at: span.start as usize,
                kind: StopKind::TooManyNodes,
            });
        }
        let id = NodeId(narrow(self.tree.nodes.len()));
        self.tree.nodes.push(Node {
            span,
            a,
            b,
            kind,
            flags: 0,
        });
        Ok(id)
    }

    pub fn mark(&mut self, id: NodeId, flag: u8) {
        if let Some(node) = self.tree.nodes.get_mut(id.0 as usize) {
            node.flags |= flag;
        }
    }

    /// Whether the next node is the key of a mapping's entry.
    pub fn at_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| {
            frame.kind == Kind::Mapping && (self.pending.len() - frame.base).is_multiple_of(2)
        })
    }

    pub fn open(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        at: Span,
        column: usize,
    ) -> Result<(), Stop> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(Stop {
                at: at.start as usize,
                kind: StopKind::TooDeep,
            });
        }
        if self.at_key()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.odd_key = true;
        }
        let node = self.add(at, kind, 0, 0)?;
        let base = self.pending.len();
        self.frames
            .push(Frame::new(node, kind, style, base, column));
        Ok(())
    }

    /// Ends the innermost collection; `end` is where a flow collection's bracket ends.
    pub fn close(&mut self, end: u32) {
        let Some(mut frame) = self.frames.pop() else {
            return;
        };
        let last = self
            .pending
            .get(frame.base..)
            .and_then(<[_]>::last)
            .copied();
        let (a, b) = match frame.kind {
            Kind::Mapping => self.close_mapping(&mut frame),
            _ => {
                let a = self.tree.items.len();
                self.tree.items.extend(self.pending.drain(frame.base..));
                (a, self.tree.items.len() - a)
            }
        };
        self.pending.truncate(frame.base);
        let end = match (frame.style, last) {
            (StructureStyle::Flow, _) => end,
            (StructureStyle::Block, Some(last)) => self.tree.span(last).end,
            (StructureStyle::Block, None) => 0,
        };
        if let Some(node) = self.tree.nodes.get_mut(frame.node.0 as usize) {
            (node.a, node.b) = (narrow(a), narrow(b));
            node.span.end = node.span.start.max(end);
            if frame.incomplete {
                node.flags |= INCOMPLETE;
            }
        }
        if let Some(index) = frame.anchor {
            self.close_anchor(index, frame.height + 1);
        }
        self.attach(frame.node, frame.height + 1);
    }

    fn close_mapping(&mut self, frame: &mut Frame) -> (usize, usize) {
        let first = self.tree.entries.len();
        let pairs = self.pending.get(frame.base..).unwrap_or_default();
        self.tree
            .entries
            .extend(pairs.chunks_exact(2).map(|pair| Entry {
                key: pair[0],
                value: pair[1],
            }));
        self.tidy(frame, first);
        (first, self.tree.entries.len() - first)
    }

    /// Hands a finished node to the collection that it stands in.
    pub fn attach(&mut self, id: NodeId, height: usize) {
        match self.frames.last_mut() {
            Some(frame) => {
                self.pending.push(id);
                frame.height = frame.height.max(height);
                frame.incomplete |= !self.tree.is_complete(id);
            }
            None => self.root = Some(id),
        }
    }

    pub fn finish_document(&mut self) {
        while let Some(frame) = self.frames.last() {
            let end = self.tree.span(frame.node).end;
            self.close(end);
        }
        self.broken = false;
        self.anchors.clear();
        if let Some(root) = self.root.take() {
            let node = self.tree.node(root);
            if node.kind != Kind::Null || node.span.start != node.span.end {
                self.tree.documents.push(root);
            }
        }
    }

    fn comment(&mut self, span: Span) {
        let before = self
            .tree
            .text
            .get(..span.start as usize)
            .unwrap_or_default();
        let own_line = before
            .trim_end_matches([' ', '\t', '\u{feff}'])
            .chars()
            .next_back()
            .is_none_or(|c| matches!(c, '\n' | '\r'));
        self.tree.comments.push(Comment { span, own_line });
    }
}

/// Counts and offsets of a file of at most 8 MiB; what grows past that is bounded as it grows.
pub(super) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
