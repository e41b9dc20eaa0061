//! A quick reader for files that hold nothing unusual.
//!
//! Most files are block mappings and lists of scalars on one line each, with a short `[a, b]` or
//! `{a: 1}` here and there. For these a look at each byte is enough, while a parser of all of YAML,
//! with tokens and events, takes most of the time that checking a file takes. This reader knows no
//! more than that, and gives up at the first sign of anything else: the parser then reads the text
//! from its start. So it never has to explain a mistake, and what YAML means stays the parser's to
//! say: whatever this reader takes, it makes the same tree of, node by node. Tests and fuzzing hold
//! it to that (`build::quickly`). It looks at each byte a few times at most, whatever the text is.

mod scalar;

use std::borrow::Cow;

use granit_parser::{ScalarStyle, StructureStyle};

use super::Kind;
use super::build::{Builder, narrow};
use crate::diagnostic::Span;
use scalar::Scalar;

/// Bytes of the longest key that is read here. The parser takes keys of up to 1,024 characters.
pub(super) const MAX_KEY: usize = 1_000;

struct Quick<'b, 's> {
    to: &'b mut Builder<'s>,
    text: &'s str,
    /// A `key:` or a `-` at the end of a line waits for what the next lines hold.
    awaiting: bool,
}

/// Reads the whole text, or gives up; what the builder holds is then worth nothing.
pub(super) fn read(to: &mut Builder<'_>) -> Option<()> {
    let text = to.tree.text;
    // Comments are collected where this word stands.
    if !is_simple(text) || text.contains("hoist-ignore") {
        return None;
    }
    let mut quick = Quick {
        to,
        text,
        awaiting: false,
    };
    quick.document()
}

/// Whether the text is lines of characters that stand for themselves: no tab, no other line end
/// than a line feed, nothing that cannot be printed.
fn is_simple(text: &str) -> bool {
    let ascii = |byte: u8| matches!(byte, b'\n' | b' '..=b'~');
    // Without a way out in between, so that many bytes are looked at at once.
    let all_ascii = text.bytes().fold(true, |all, byte| all & ascii(byte));
    all_ascii
        || text.chars().all(|c| match c {
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
            c => matches!(c, '\n' | ' '..='~' | '\u{a0}'..),
        })
}

impl<'s> Quick<'_, 's> {
    fn document(&mut self) -> Option<()> {
        let mut line = 0;
        let mut begun = false;
        while line < self.text.len() {
            let at = self.skip_spaces(line);
            line = match self.byte(at) {
                b'\n' | b'#' => self.next_line(at),
                // Where the document begins.
                b'-' if !begun && self.text.get(line..line + 3) == Some("---") => {
                    self.end_line(line + 3)?
                }
                _ => self.line(at, at - line)?,
            };
            begun |= self.byte(at) != b'\n' && self.byte(at) != b'#';
        }
        if begun && self.to.frames.is_empty() {
            // A document of nothing.
            return None;
        }
        while !self.to.frames.is_empty() {
            self.close_block()?;
        }
        self.to.finish_document();
        Some(())
    }

    /// The byte at `at`; the text ends with a line feed.
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    fn skip_spaces(&self, mut at: usize) -> usize {
        while self.byte(at) == b' ' {
            at += 1;
        }
        at
    }

    fn next_line(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest);
        at + end.unwrap_or(rest.len()) + 1
    }

    /// Whether white space stands at `at`, as behind a `-` or a `:` that is not part of a scalar.
    fn is_gap(&self, at: usize) -> bool {
        matches!(self.byte(at), b' ' | b'\n')
    }

    fn is_dash(&self, at: usize) -> bool {
        self.byte(at) == b'-' && self.is_gap(at + 1)
    }

    fn is_colon(&self, at: usize) -> bool {
        self.byte(at) == b':' && self.is_gap(at + 1)
    }

    /// Whether nothing but a comment follows behind the white space before `at`.
    fn is_line_end(&self, at: usize) -> bool {
        match self.byte(at) {
            b'\n' => true,
            b'#' => self.is_gap(at - 1),
            _ => false,
        }
    }

    /// Reads a line whose first character stands at `at`, and on to where its last value ends. Gives
    /// the line behind that.
    fn line(&mut self, mut at: usize, mut column: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        if column == 0 && (rest.starts_with(b"---") || rest.starts_with(b"...")) {
            return None;
        }
        let mut dash = self.is_dash(at);
        let mut fresh = self.dedent(column, dash)?;
        while dash {
            let item = self.skip_spaces(at + 1);
            if fresh {
                // In the column of its key a list begins, to the parser, with its first item.
                let frame = self.to.frames.last();
                let level = frame.is_some_and(|frame| frame.column == column);
                if level && self.is_line_end(item) {
                    return None;
                }
                self.open(Kind::Sequence, if level { item } else { at }, column)?;
            }
            if self.is_line_end(item) {
                self.awaiting = true;
                return Some(self.next_line(item));
            }
            column += item - at;
            at = item;
            fresh = true;
            dash = self.is_dash(at);
        }
        self.awaiting = false;
        if matches!(self.byte(at), b'[' | b'{' | b'|' | b'>') {
            return self.value(at, fresh);
        }
        let first = self.scalar(at, false)?;
        let colon = self.skip_spaces(first.end);
        if !self.is_colon(colon) {
            return self.lone(&first, fresh);
        }
        if fresh {
            self.open(Kind::Mapping, at, column)?;
        }
        let value = self.key(&first)?;
        let value = self.skip_spaces(value);
        if self.is_line_end(value) {
            self.awaiting = true;
            return Some(self.next_line(value));
        }
        self.value(value, true)
    }

    /// Closes the collections that end before a line in `column`. True where a node is to begin
    /// there, false where the innermost collection goes on.
    fn dedent(&mut self, column: usize, dash: bool) -> Option<bool> {
        loop {
            let Some(frame) = self.to.frames.last() else {
                // Behind the root nothing may follow.
                return self.to.root.is_none().then_some(true);
            };
            let list = frame.kind == Kind::Sequence;
            if self.awaiting {
                // A list may stand in the column of the key that it belongs to.
                if column > frame.column || (column == frame.column && dash && !list) {
                    return Some(true);
                }
            } else if column > frame.column {
                return None;
            } else if column == frame.column && dash == list {
                return Some(false);
            }
            if self.awaiting && column == frame.column && !list && !dash {
                self.missing()?;
                return Some(false);
            }
            self.close_block()?;
        }
    }

    /// Gives the key that waits for a value none.
    fn missing(&mut self) -> Option<()> {
        self.awaiting = false;
        let key = self.to.pending.last().filter(|_| self.in_mapping())?;
        let end = self.to.tree.span(*key).end;
        let place = Span { start: end, end };
        let none = self.to.scalar(Cow::Borrowed(""), ScalarStyle::Plain, place);
        self.to.attach(none.ok()?, 0);
        Some(())
    }

    fn in_mapping(&self) -> bool {
        let frame = self.to.frames.last();
        frame.is_some_and(|frame| frame.kind == Kind::Mapping)
    }

    fn close_block(&mut self) -> Option<()> {
        if self.awaiting {
            self.missing()?;
        }
        self.to.close(0);
        Some(())
    }

    fn open(&mut self, kind: Kind, at: usize, column: usize) -> Option<()> {
        self.awaiting = false;
        self.begin(kind, StructureStyle::Block, at, column)
    }

    fn begin(&mut self, kind: Kind, style: StructureStyle, at: usize, column: usize) -> Option<()> {
        let place = Span::new(at, at + 1);
        self.to.open(kind, style, place, column).ok()
    }

    /// A key, and the place behind its colon.
    fn key(&mut self, key: &Scalar<'s>) -> Option<usize> {
        let colon = self.skip_spaces(key.end);
        let merge = key.style == ScalarStyle::Plain && key.value == "<<";
        if merge || !self.is_colon(colon) || colon - key.start > MAX_KEY {
            return None;
        }
        self.add(key)?;
        Some(colon + 1)
    }

    /// A scalar behind a dash, or on a line of its own.
    fn lone(&mut self, scalar: &Scalar<'s>, fresh: bool) -> Option<usize> {
        if !fresh || self.to.frames.is_empty() {
            return None;
        }
        self.add(scalar)?;
        self.end_line(scalar.end)
    }

    /// A value, and the rest of its line.
    fn value(&mut self, at: usize, fresh: bool) -> Option<usize> {
        if matches!(self.byte(at), b'[' | b'{') {
            let column = self.to.frames.last().filter(|_| fresh)?.column;
            let end = self.flow(at, column)?;
            return self.end_line(end);
        }
        if matches!(self.byte(at), b'|' | b'>') {
            return self.lines(at, fresh);
        }
        let scalar = self.scalar(at, false)?;
        self.lone(&scalar, fresh)
    }

    /// The next line, where nothing but a comment stands on this one from `at` on.
    fn end_line(&self, at: usize) -> Option<usize> {
        let end = self.skip_spaces(at);
        self.is_line_end(end).then(|| self.next_line(end))
    }

    /// A collection in brackets, within a block in `column`. Gives the place behind it.
    fn flow(&mut self, open: usize, column: usize) -> Option<usize> {
        let (kind, close) = match self.byte(open) {
            b'{' => (Kind::Mapping, b'}'),
            _ => (Kind::Sequence, b']'),
        };
        self.begin(kind, StructureStyle::Flow, open, column)?;
        let mut at = self.skip_flow(open + 1, column)?;
        while self.byte(at) != close {
            if kind == Kind::Mapping {
                let key = self.scalar(at, true)?;
                let value = self.key(&key)?;
                at = self.skip_flow(value, column)?;
            }
            let end = if matches!(self.byte(at), b'[' | b'{') {
                self.flow(at, column)?
            } else {
                let scalar = self.scalar(at, true)?;
                self.add(&scalar)?;
                scalar.end
            };
            at = self.skip_flow(end, column)?;
            match self.byte(at) {
                b',' => at = self.skip_flow(at + 1, column)?,
                byte if byte == close => {}
                _ => return None,
            }
        }
        self.to.close(narrow(at + 1));
        Some(at + 1)
    }

    /// White space, line ends and comments within brackets. What follows on another line has to be
    /// indented deeper than the block that the brackets stand in.
    fn skip_flow(&self, at: usize, column: usize) -> Option<usize> {
        let mut at = self.skip_spaces(at);
        while self.is_line_end(at) {
            let line = self.next_line(at);
            if line >= self.text.len() {
                return None;
            }
            at = self.skip_spaces(line);
            match self.byte(at) {
                b'\n' | b'#' => {}
                _ if at - line > column => return Some(at),
                _ => return None,
            }
        }
        Some(at)
    }
}
