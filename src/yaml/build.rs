//! Parser events to the arena.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, ScalarStyle, StructureStyle, Tag};

use super::recover::Damage;
use super::report::Report;
use super::scalar::{self, Scalar};
use super::{
    Comment, Entry, INCOMPLETE, Kind, MAX_BYTES, MAX_DEPTH, Node, NodeId, PLAIN, Tree, too_large,
};
use crate::diagnostic::{Diagnostic, FileId, Span};

/// Nodes in one file; no honest file of 8 MiB has as many.
pub(super) const MAX_NODES: usize = 4_000_000;
/// What aliases may add to the nodes of a file, unless the file itself has a tenth of it.
const SHARED_NODES: u64 = 1_000_000;
/// What aliases may add to the bytes of a file.
const SHARED_BYTES: u64 = 64 << 20;

/// Why reading stopped at an event that the parser itself had no fault with.
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
    anchor: Option<usize>,
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

/// What an alias stands for, and what it would cost to write it out.
struct Anchor {
    node: NodeId,
    open: bool,
    nodes: u64,
    bytes: u64,
    height: usize,
}

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
    names: HashMap<&'s str, usize>,
    anchors: Vec<Anchor>,
    /// What aliases have added so far.
    shared_nodes: u64,
    shared_bytes: u64,
    bomb_reported: bool,
}

pub(super) fn parse(file: FileId, text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    let mut builder = Builder::new(file, text);
    if text.len() > MAX_BYTES {
        builder.report.push(too_large(file, text.len()));
    } else {
        builder.read();
    }
    (builder.tree, builder.report.finish())
}

impl<'s> Builder<'s> {
    fn new(file: FileId, text: &'s str) -> Self {
        Self {
            tree: Tree {
                text,
                nodes: Vec::with_capacity(text.len() / 12),
                items: Vec::new(),
                entries: Vec::with_capacity(text.len() / 32),
                owned: String::new(),
                odd_numbers: Vec::new(),
                documents: Vec::new(),
                comments: Vec::new(),
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
            names: HashMap::new(),
            anchors: Vec::new(),
            shared_nodes: 0,
            shared_bytes: 0,
            bomb_reported: false,
        }
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
    fn span(&self, span: &granit_parser::Span) -> Span {
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
    fn at_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| {
            frame.kind == Kind::Mapping && (self.pending.len() - frame.base).is_multiple_of(2)
        })
    }

    fn scalar(
        &mut self,
        value: Cow<'s, str>,
        style: ScalarStyle,
        at: Span,
    ) -> Result<NodeId, Stop> {
        if style != ScalarStyle::Plain {
            return self.string(&value, style, at);
        }
        if at.start == at.end {
            return self.missing(at);
        }
        let id = match scalar::resolve(&value) {
            Scalar::String => {
                if *value == *"<<"
                    && self.at_key()
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.merge = true;
                }
                self.string(&value, style, at)?
            }
            other => {
                if self.at_key()
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.odd_key = true;
                }
                self.typed(other, &value, at)?
            }
        };
        self.mark(id, PLAIN);
        Ok(id)
    }

    /// A string: a range of the text if the text holds it as it is.
    fn string(&mut self, value: &str, style: ScalarStyle, at: Span) -> Result<NodeId, Stop> {
        let written = self.tree.slice(at);
        let same = |text: &str| text.len() == value.len() && text == value;
        match style {
            ScalarStyle::Plain if same(written) => self.add(at, Kind::Plain, 0, 0),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
                if same(self.tree.unquoted(at)) =>
            {
                self.add(at, Kind::Quoted, 0, 0)
            }
            _ => {
                let (start, len) = self.own(value);
                let at = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => self.trim_block(at),
                    _ => at,
                };
                self.add(at, Kind::Owned, start, len)
            }
        }
    }

    fn own(&mut self, value: &str) -> (u32, u32) {
        let start = narrow(self.tree.owned.len());
        self.tree.owned.push_str(value);
        (start, narrow(value.len()))
    }

    /// A scalar that is not a string.
    fn typed(&mut self, scalar: Scalar, value: &str, at: Span) -> Result<NodeId, Stop> {
        match scalar {
            Scalar::Bool(true) => self.add(at, Kind::True, 0, 0),
            Scalar::Bool(false) => self.add(at, Kind::False, 0, 0),
            Scalar::Number(number) if self.tree.slice(at) == value => {
                let bits = number.to_bits();
                #[allow(clippy::cast_possible_truncation)]
                // The two halves, put together on reading.
                self.add(at, Kind::Number, bits as u32, (bits >> 32) as u32)
            }
            Scalar::Number(number) => {
                let (start, len) = self.own(value);
                self.tree.odd_numbers.push((number, start, len));
                let index = narrow(self.tree.odd_numbers.len() - 1);
                self.add(at, Kind::OddNumber, index, 0)
            }
            Scalar::Null | Scalar::String => self.add(at, Kind::Null, 0, 0),
        }
    }

    /// Null where nothing is written. The parser places a missing value before the colon.
    fn missing(&mut self, at: Span) -> Result<NodeId, Stop> {
        let mut place = at.start;
        if let Some(frame) = self.frames.last_mut()
            && frame.kind == Kind::Mapping
        {
            if (self.pending.len() - frame.base).is_multiple_of(2) {
                frame.odd_key = true;
            } else if let Some(key) = self.pending.last() {
                place = place.max(self.tree.behind_colon(self.tree.span(*key).end));
            }
        }
        self.add(
            Span {
                start: place,
                end: place,
            },
            Kind::Null,
            0,
            0,
        )
    }

    fn tagged_scalar(
        &mut self,
        value: Cow<'s, str>,
        style: ScalarStyle,
        at: Span,
        tag: &Tag,
        span: &granit_parser::Span,
    ) -> Result<NodeId, Stop> {
        if self.at_key()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.odd_key = true;
        }
        let wanted = match (tag.core_suffix(), tag.parts()) {
            (Some("null"), _) if scalar::is_null(&value) => Some(Scalar::Null),
            (Some("bool"), _) => scalar::boolean(&value).map(Scalar::Bool),
            (Some("int"), _) if scalar::is_integer(&value) => {
                scalar::number(&value).map(Scalar::Number)
            }
            (Some("float"), _) => scalar::number(&value).map(Scalar::Number),
            (Some("str"), _) | (None, ("" | "!", "" | "!")) => Some(Scalar::String),
            _ => None,
        };
        match wanted {
            Some(Scalar::String) => self.string(&value, style, at),
            Some(scalar) => self.typed(scalar, &value, at),
            None => {
                self.report_tag(tag, span, "a scalar that it does not describe");
                self.scalar(value, style, at)
            }
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, wanted: &str, span: &granit_parser::Span) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(wanted)
            && !matches!(tag.parts(), ("" | "!", "" | "!"))
        {
            let what = if wanted == "map" {
                "a mapping"
            } else {
                "a sequence"
            };
            self.report_tag(tag, span, what);
        }
    }

    fn report_tag(&mut self, tag: &Tag, span: &granit_parser::Span, on: &str) {
        let at = span
            .tag_span()
            .map_or_else(|| self.span(span), |tag| self.span(&tag));
        let written = self.tree.slice(at);
        if tag.core_suffix().is_some() {
            let message = format!("tag `{written}` stands on {on}");
            self.report.refused(
                at,
                message,
                Some("remove the tag, or write a value of that type"),
            );
        } else {
            let message = format!("tag `{written}` is not supported");
            self.report.refused(
                at,
                message,
                Some("remove it: the value is read as if it had no tag"),
            );
        }
    }

    fn open(
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
        self.names.clear();
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

    /// The span of a block scalar without the blank and comment lines that follow it.
    fn trim_block(&self, at: Span) -> Span {
        let text = self
            .tree
            .slice(at)
            .trim_end_matches(['\n', '\r', ' ', '\t']);
        Span {
            start: at.start,
            end: at.start + narrow(text.len()),
        }
    }

    fn anchor(&mut self, at: Span) {
        let Some(name) = self.tree.slice(at).strip_prefix('&') else {
            return;
        };
        let node = NodeId(narrow(self.tree.nodes.len().saturating_sub(1)));
        let span = self.tree.span(node);
        let index = self.anchors.len();
        let mut anchor = Anchor {
            node,
            open: false,
            nodes: 1,
            bytes: u64::from(span.end - span.start),
            height: 0,
        };
        if let Some(frame) = self.frames.last_mut()
            && frame.node == node
        {
            frame.anchor = Some(index);
            anchor.open = true;
            // Where the count stands now; the difference is taken when the collection ends.
            anchor.nodes = u64::from(node.0) + self.shared_nodes;
            anchor.bytes = u64::from(span.start) + self.shared_bytes;
        }
        self.anchors.push(anchor);
        self.names.insert(name, index);
    }

    fn close_anchor(&mut self, index: usize, height: usize) {
        let nodes = self.tree.nodes.len() as u64 + self.shared_nodes;
        if let Some(anchor) = self.anchors.get_mut(index) {
            let end = u64::from(self.tree.span(anchor.node).end) + self.shared_bytes;
            anchor.open = false;
            anchor.nodes = nodes.saturating_sub(anchor.nodes);
            anchor.bytes = end.saturating_sub(anchor.bytes);
            anchor.height = height;
        }
    }

    fn alias(&mut self, at: Span) -> Result<(), Stop> {
        if self.at_key()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.odd_key = true;
        }
        let (id, height) = match self.resolve_alias(at) {
            Some((target, height)) => {
                let id = self.add(at, Kind::Alias, target.0, 0)?;
                if !self.tree.is_complete(target) {
                    self.mark(id, INCOMPLETE);
                }
                (id, height)
            }
            None => {
                let id = self.add(at, Kind::Null, 0, 0)?;
                self.mark(id, INCOMPLETE);
                (id, 0)
            }
        };
        self.attach(id, height);
        Ok(())
    }

    /// The node that an alias stands for and its height, or `None` once it has been reported why
    /// it stands for nothing.
    fn resolve_alias(&mut self, at: Span) -> Option<(NodeId, usize)> {
        let written = self.tree.slice(at);
        let name = written.strip_prefix('*').unwrap_or(written);
        let Some(anchor) = self
            .names
            .get(name)
            .and_then(|index| self.anchors.get(*index))
        else {
            if self.broken {
                // The anchor may have stood in what could not be read.
                return None;
            }
            self.report.syntax(
                at,
                format!("no anchor `&{name}` stands before this alias"),
                Some("an anchor must come before its aliases, in the same document"),
            );
            return None;
        };
        if anchor.open {
            let message = format!("alias `*{name}` stands inside its own anchor");
            self.report.refused(at, message, None);
            return None;
        }
        if self.frames.len() + anchor.height > MAX_DEPTH {
            let message =
                format!("alias `*{name}` nests collections deeper than {MAX_DEPTH} levels");
            self.report
                .refused(at, message, Some("use fewer aliases inside aliases"));
            return None;
        }
        let nodes = self.shared_nodes.saturating_add(anchor.nodes);
        let bytes = self.shared_bytes.saturating_add(anchor.bytes);
        if nodes > SHARED_NODES.max(10 * self.tree.nodes.len() as u64) || bytes > SHARED_BYTES {
            if !self.bomb_reported {
                self.bomb_reported = true;
                let much = if bytes > SHARED_BYTES {
                    format!("{} MiB of text", bytes >> 20)
                } else {
                    format!("{nodes} values")
                };
                let message =
                    format!("with alias `*{name}` the aliases of this file stand for {much}");
                self.report
                    .refused(at, message, Some("use fewer aliases inside aliases"));
            }
            return None;
        }
        (self.shared_nodes, self.shared_bytes) = (nodes, bytes);
        Some((anchor.node, anchor.height))
    }
}

/// Counts and offsets of a file of at most 8 MiB; what grows past that is bounded as it grows.
pub(super) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
