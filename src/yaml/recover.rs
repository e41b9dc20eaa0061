//! Reading on behind a syntax error.
//!
//! The parser gives up at the first error in a document. Here the text is then read on from the
//! next line on which a flag begins, as a fragment of its own whose entries go into the mapping
//! that was open there. A quote or bracket that is never closed swallows the flags behind it; the
//! reading then goes on at the first of those, in front of the place where the parser noticed.

use granit_parser::{BorrowedInput, ErrorKind, Event, Options, Parser, StructureStyle};

use super::build::{Builder, Frame, Stop, StopKind, narrow};
use super::message::{self, Scene};
use super::text;
use super::{Entry, INCOMPLETE, Kind, MAX_DEPTH, PLAIN, Value};
use crate::diagnostic::Span;

/// Syntax errors reported per file; what follows the last is not read.
const MAX_ERRORS: usize = 100;
/// Bytes that may be read again behind errors, on top of four times the text.
const EXTRA_WORK: usize = 16 << 20;
/// Comment lines in a row between a key and its value, where comments are collected at all. The
/// parser holds half a kilobyte for each.
const MAX_COMMENTS: usize = 100_000;
/// The key of the root mapping that holds the flags.
const FLAGS: &str = "flags";

/// Where reading goes on: the first byte of a line.
#[derive(Clone, Copy)]
struct Resume {
    at: usize,
    how: How,
}

/// What the text from there on is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// A document.
    Document,
    /// The mapping that is the document's root.
    Root,
    /// More entries of the mapping that is this many frames deep.
    Adopt(usize),
    /// More entries of the flags' mapping, which had ended.
    Reopen,
    /// The flags' mapping, of which nothing could be read yet.
    Under,
}

/// A column, and what a key in it means.
type Level = (usize, How);

/// How often and how expensively reading went wrong so far.
#[derive(Default)]
pub(super) struct Damage {
    errors: usize,
    bytes: usize,
}

impl<'s> Builder<'s> {
    /// Reads the whole text.
    pub fn read(&mut self) {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            emit_comments: self.tree.text.contains("hoist-ignore"),
            max_buffered_comment_events: MAX_COMMENTS,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let mut next = Some(Resume {
            at: 0,
            how: How::Document,
        });
        while let Some(resume) = next {
            next = match self.fragment(resume, &options) {
                Ok(()) => None,
                Err(stop) => self.recover(stop, resume.how),
            };
        }
        self.finish_document();
        self.put_comments_in_order();
    }

    fn put_comments_in_order(&mut self) {
        let comments = &mut self.tree.comments;
        comments.sort_by_key(|comment| comment.span.start);
        comments.dedup_by_key(|comment| comment.span.start);
    }

    fn fragment(&mut self, resume: Resume, options: &Options) -> Result<(), Stop> {
        let text = self.tree.text.get(resume.at..).unwrap_or_default();
        self.base = resume.at;
        self.last_end = narrow(resume.at);
        let mut parser = Parser::new_from_str_with_options(text, options.clone());
        if resume.how != How::Document {
            self.begin(&mut parser, resume.how)?;
        }
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| self.stop(&error))?;
            self.event(event, &span)?;
        }
        Ok(())
    }

    /// Reads up to the mapping that a fragment consists of.
    fn begin<I: BorrowedInput<'s>>(
        &mut self,
        parser: &mut Parser<'s, I>,
        how: How,
    ) -> Result<(), Stop> {
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| self.stop(&error))?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::Comment(..) => self.event(event, &span)?,
                Event::MappingStart(StructureStyle::Block, ..) => {
                    if !matches!(how, How::Adopt(_) | How::Reopen) {
                        self.event(event, &span)?;
                        self.taint();
                    }
                    return Ok(());
                }
                _ => {
                    let at = self.base + span.start.byte_offset().unwrap_or_default();
                    let kind = StopKind::Parser(ErrorKind::SimpleKeyExpected);
                    return Err(Stop { at, kind });
                }
            }
        }
        Ok(())
    }

    fn taint(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.incomplete = true;
        }
    }

    fn stop(&self, error: &granit_parser::ScanError) -> Stop {
        Stop {
            at: self.base + error.marker().byte_offset().unwrap_or_default(),
            kind: StopKind::Parser(error.kind().clone()),
        }
    }

    /// Reports why reading stopped, closes what is open, and finds the place to go on from.
    fn recover(&mut self, stop: Stop, how: How) -> Option<Resume> {
        let text = self.tree.text;
        let at = text.floor_char_boundary(stop.at);
        if let Some(resume) = self.dedent(at, &stop.kind, how) {
            return Some(resume);
        }
        let swallower = self.take_swallower(at, &stop.kind);
        let (token, value) = match swallower {
            Some(span) => (span.start as usize, false),
            None => text::next_token(text, self.last_end as usize, at),
        };
        let flow = self
            .frames
            .iter()
            .find(|frame| frame.style == StructureStyle::Flow);
        let flow = flow.map(|frame| self.tree.span(frame.node).start as usize);
        let start = flow.map_or(token, |flow| flow.min(token));
        let resume = self.search(text::next_line(text, start));
        let swallowed = resume.is_some_and(|resume| resume.at <= at);
        let limit = resume.map_or(text.len(), |resume| resume.at);
        let scene = Scene {
            at,
            token,
            value,
            swallower,
            swallowed,
            quote: message::quote(text, &stop.kind, token, at),
            flow: flow.and_then(|flow| text::unclosed_bracket(text, flow, limit)),
            in_flow: flow.is_some(),
        };
        if swallowed {
            self.report.forget(limit);
        }
        let go_on = self.report_stop(&stop.kind, &scene, resume);
        let column = token - text::line_start(text, token);
        self.mark_last(column);
        self.unwind(
            resume.filter(|_| go_on),
            if swallowed { limit } else { text.len() },
        );
        resume.filter(|_| go_on)
    }

    /// Counts and reports an error. False where there were too many to go on.
    fn report_stop(&mut self, kind: &StopKind, scene: &Scene, resume: Option<Resume>) -> bool {
        self.broken = true;
        let text = self.tree.text;
        let document = resume.filter(|resume| resume.how == How::Document);
        // How far the parser has looked.
        let seen = match kind {
            StopKind::Parser(
                ErrorKind::UnclosedQuotedScalar | ErrorKind::UnclosedFlowCollection { .. },
            ) => document.map_or(text.len(), |resume| resume.at),
            _ => scene.at,
        };
        self.damage.errors += 1;
        self.damage.bytes += seen.saturating_sub(self.base);
        let (rule, span, message, help) = message::explain(text, kind, scene);
        self.report.add(rule, span, message, help.as_deref());
        if self.damage.errors < MAX_ERRORS && self.damage.bytes <= 4 * text.len() + EXTRA_WORK {
            return !matches!(kind, StopKind::TooManyNodes);
        }
        self.report.syntax(
            Span {
                start: span.end,
                end: span.end,
            },
            format!(
                "the rest of this file is not read: it has {} syntax errors so far",
                self.damage.errors
            ),
            None,
        );
        false
    }

    /// A fragment of flags ends where a key stands in the root mapping's column: no error.
    fn dedent(&self, at: usize, kind: &StopKind, how: How) -> Option<Resume> {
        let text = self.tree.text;
        let [root] = self.frames.as_slice() else {
            return None;
        };
        let line = text::line_start(text, at);
        let ended = matches!(kind, StopKind::Parser(ErrorKind::ExpectedDocumentStart))
            && how != How::Document
            && at - line == root.column
            && text::key_like(text, at);
        ended.then_some(Resume {
            at: line,
            how: How::Adopt(1),
        })
    }

    /// Takes back the plain scalar that ran on into the error at `at`, and gives its span.
    fn take_swallower(&mut self, at: usize, kind: &StopKind) -> Option<Span> {
        let StopKind::Parser(
            ErrorKind::MappingValueNotAllowed
            | ErrorKind::InvalidColonPlacement
            | ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator,
        ) = kind
        else {
            return None;
        };
        let node = self.tree.node(self.pending.last().copied().or(self.root)?);
        let span = node.span;
        let gap = self.tree.text.get(span.end as usize..at)?;
        if node.flags & PLAIN == 0 || !gap.trim_start_matches([' ', '\t']).is_empty() {
            return None;
        }
        if self.pending.pop().is_none() {
            self.root = None;
        }
        Some(span)
    }

    /// The next line from `from` on at which reading can go on.
    fn search(&self, from: usize) -> Option<Resume> {
        let text = self.tree.text;
        let (root, flags) = self.levels();
        let mut line = from;
        while line < text.len() {
            if text::document_marker(text, line) {
                return Some(Resume {
                    at: line,
                    how: How::Document,
                });
            }
            let indent = text::indentation(text, line);
            let level = [flags, root]
                .into_iter()
                .flatten()
                .find(|(column, _)| *column == indent);
            if let Some((_, how)) = level
                && text::key_like(text, line + indent)
            {
                return Some(Resume { at: line, how });
            }
            line = text::next_line(text, line);
        }
        None
    }

    /// The columns of the root mapping's keys and of the flags' keys, with what a key there means.
    fn levels(&self) -> (Option<Level>, Option<Level>) {
        let block =
            |frame: &&Frame| frame.kind == Kind::Mapping && frame.style == StructureStyle::Block;
        let Some(root) = self.frames.first() else {
            return (self.root.is_none().then_some((0, How::Root)), None);
        };
        if !block(&root) {
            return (None, None);
        }
        let flags = match self.frames.get(1) {
            Some(flags) if self.is_flags(root.base, flags.base) => Some(flags)
                .filter(block)
                .map(|flags| (flags.column, How::Adopt(2))),
            Some(_) => None,
            None => self.closed_flags(root),
        };
        (Some((root.column, How::Adopt(1))), flags)
    }

    /// Whether `flags` is the last key among the root's children, `from..to` in the pending list.
    fn is_flags(&self, from: usize, to: usize) -> bool {
        let key = match (to - from) % 2 {
            1 => to.checked_sub(1),
            _ => to.checked_sub(2),
        };
        key.filter(|key| *key >= from)
            .and_then(|key| self.pending.get(key))
            .is_some_and(|key| self.tree.value(*key) == Value::String(FLAGS))
    }

    /// The flags' level where the root mapping alone is open: their mapping has just ended, or
    /// has not begun.
    fn closed_flags(&self, root: &Frame) -> Option<Level> {
        let text = self.tree.text;
        let children = self.pending.get(root.base..)?;
        if !self.is_flags(root.base, self.pending.len()) {
            return None;
        }
        let last = *children.last()?;
        let span = self.tree.span(last);
        let (place, how) = if children.len().is_multiple_of(2) {
            let node = self.tree.node(last);
            let block = !self.tree.slice(span).starts_with('{');
            let ended_last = node.a as usize + node.b as usize == self.tree.entries.len();
            if node.kind != Kind::Mapping || !block || !ended_last {
                return None;
            }
            (span.start as usize, How::Reopen)
        } else {
            let behind = self.tree.behind_colon(span.end) as usize;
            (text::skip_blank(text, behind), How::Under)
        };
        let column = place - text::line_start(text, place);
        let indented = text::indentation(text, place - column) == column;
        (indented && column > root.column).then_some((column, how))
    }

    /// An error in a line that is indented deeper than the keys beside it breaks the value before.
    fn mark_last(&mut self, column: usize) {
        let last = match self.frames.last() {
            None => self.root,
            Some(frame) => {
                let children = self.pending.get(frame.base..).unwrap_or_default();
                let inside = column > frame.column || frame.style == StructureStyle::Flow;
                children
                    .last()
                    .copied()
                    .filter(|_| inside && children.len().is_multiple_of(2))
            }
        };
        if let Some(last) = last {
            self.mark(last, INCOMPLETE);
        }
        self.taint();
    }

    /// Closes what cannot be read on, without what begins at or behind `limit`.
    fn unwind(&mut self, resume: Option<Resume>, limit: usize) {
        let how = resume.map_or(How::Document, |resume| resume.how);
        let keep = match how {
            How::Document | How::Root => 0,
            How::Adopt(frames) => frames,
            How::Reopen | How::Under => 1,
        };
        while self.frames.len() > keep {
            self.abandon(limit);
        }
        match how {
            How::Document => self.finish_document(),
            How::Adopt(_) => self.fill(),
            How::Reopen => self.reopen(),
            How::Root | How::Under => {}
        }
        self.taint();
    }

    /// Closes the innermost collection where it stands.
    fn abandon(&mut self, limit: usize) {
        let Some(frame) = self.frames.last() else {
            return;
        };
        let (base, span) = (frame.base, self.tree.span(frame.node));
        if span.start as usize >= limit {
            self.pending.truncate(base);
            self.frames.pop();
            return;
        }
        while self.pending.len() > base
            && let Some(last) = self.pending.last()
            && self.tree.span(*last).start as usize >= limit
        {
            self.pending.pop();
        }
        self.fill();
        self.taint();
        let last = self.pending.get(base..).and_then(<[_]>::last);
        let end = last.map_or(span.end, |last| self.tree.span(*last).end);
        self.close(end.max(span.end));
    }

    /// Gives a key that has no value an unknown one.
    fn fill(&mut self) {
        if let Some(frame) = self.frames.last()
            && frame.kind == Kind::Mapping
            && !(self.pending.len() - frame.base).is_multiple_of(2)
            && let Some(key) = self.pending.last()
        {
            let place = self.tree.behind_colon(self.tree.span(*key).end);
            let span = Span {
                start: place,
                end: place,
            };
            match self.add(span, Kind::Null, 0, 0) {
                Ok(id) => {
                    self.mark(id, INCOMPLETE);
                    self.attach(id, 0);
                }
                Err(_) => {
                    self.pending.pop();
                }
            }
        }
    }

    /// Takes the flags' mapping, the last value of the root mapping, as not ended yet.
    fn reopen(&mut self) {
        let Some(id) = self.pending.pop() else {
            return;
        };
        let node = *self.tree.node(id);
        let base = self.pending.len();
        let entries: Vec<Entry> = self.tree.entries.drain(node.a as usize..).collect();
        let ids = entries
            .into_iter()
            .flat_map(|entry| [entry.key, entry.value]);
        self.pending.extend(ids);
        let start = node.span.start as usize;
        let column = start - text::line_start(self.tree.text, start);
        self.frames.push(Frame::new(
            id,
            Kind::Mapping,
            StructureStyle::Block,
            base,
            column,
        ));
    }
}
