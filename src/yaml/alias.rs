//! Anchors and aliases, within bounds.

use std::collections::HashMap;

use super::build::{Builder, Stop, narrow};
use super::{INCOMPLETE, Kind, MAX_DEPTH, NodeId};
use crate::diagnostic::Span;

/// What aliases may add to the nodes of a file, unless the file itself has a tenth of it.
const SHARED_NODES: u64 = 600_000;
/// What aliases may add to the bytes of a file.
const SHARED_BYTES: u64 = 64 << 20;

/// What an alias stands for, and what it would cost to write it out.
struct Anchor {
    node: NodeId,
    open: bool,
    nodes: u64,
    bytes: u64,
    height: usize,
}

/// The anchors of a document, and what the aliases of the file have added up to.
#[derive(Default)]
pub(super) struct Anchors<'s> {
    list: Vec<Anchor>,
    /// Of each name, the last one so far.
    names: HashMap<&'s str, usize>,
    nodes: u64,
    bytes: u64,
    reported: bool,
}

impl Anchors<'_> {
    /// Forgets the names: they reach no further than their document.
    pub fn clear(&mut self) {
        self.list.clear();
        self.names.clear();
    }

    fn get(&self, name: &str) -> Option<&Anchor> {
        self.list.get(*self.names.get(name)?)
    }
}

impl Builder<'_> {
    pub fn anchor(&mut self, at: Span) {
        let Some(name) = self.tree.slice(at).strip_prefix('&') else {
            return;
        };
        let node = NodeId(narrow(self.tree.nodes.len().saturating_sub(1)));
        let span = self.tree.span(node);
        let index = self.anchors.list.len();
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
            anchor.nodes = u64::from(node.0) + self.anchors.nodes;
            anchor.bytes = u64::from(span.start) + self.anchors.bytes;
        }
        self.anchors.list.push(anchor);
        self.anchors.names.insert(name, index);
    }

    pub fn close_anchor(&mut self, index: usize, height: usize) {
        let nodes = self.tree.nodes.len() as u64 + self.anchors.nodes;
        if let Some(anchor) = self.anchors.list.get_mut(index) {
            let end = u64::from(self.tree.span(anchor.node).end) + self.anchors.bytes;
            anchor.open = false;
            anchor.nodes = nodes.saturating_sub(anchor.nodes);
            anchor.bytes = end.saturating_sub(anchor.bytes);
            anchor.height = height;
        }
    }

    pub fn alias(&mut self, at: Span) -> Result<(), Stop> {
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
        let Some(anchor) = self.anchors.get(name) else {
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
        let nodes = self.anchors.nodes.saturating_add(anchor.nodes);
        let bytes = self.anchors.bytes.saturating_add(anchor.bytes);
        if nodes > SHARED_NODES.max(10 * self.tree.nodes.len() as u64) || bytes > SHARED_BYTES {
            if !self.anchors.reported {
                self.anchors.reported = true;
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
        let resolved = (anchor.node, anchor.height);
        (self.anchors.nodes, self.anchors.bytes) = (nodes, bytes);
        Some(resolved)
    }
}
