//! Scalars of the quick reader.

use std::borrow::Cow;

use granit_parser::ScalarStyle;

use super::super::build::narrow;
use super::Quick;
use crate::diagnostic::Span;

/// A scalar, and where it stands.
pub(super) struct Scalar<'s> {
    pub value: &'s str,
    pub style: ScalarStyle,
    pub start: usize,
    pub end: usize,
}

/// Bytes to stop at, by their value.
type Stops = [bool; 256];

/// Where a plain scalar may end: in blocks, and in brackets.
static MAY_END: Stops = stops(b"\n:#");
static MAY_END_IN_BRACKETS: Stops = stops(b"\n:#,[]{}");
/// Where a quoted scalar ends, or holds what is not read here.
static IN_DOUBLE_QUOTES: Stops = stops(b"\n\"\\");
static IN_SINGLE_QUOTES: Stops = stops(b"\n'");

const fn stops(bytes: &[u8]) -> Stops {
    let mut stops = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        stops[bytes[at] as usize] = true;
        at += 1;
    }
    stops
}

impl<'s> Quick<'_, 's> {
    /// The first place from `at` on to stop at, or the end.
    fn find(&self, at: usize, stops: &Stops) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let found = rest.iter().position(|byte| stops[usize::from(*byte)]);
        at + found.unwrap_or(rest.len())
    }

    pub fn add(&mut self, scalar: &Scalar<'s>) -> Option<()> {
        let place = Span {
            start: narrow(scalar.start),
            end: narrow(scalar.end),
        };
        let value = Cow::Borrowed(scalar.value);
        let id = self.to.scalar(value, scalar.style, place).ok()?;
        self.to.attach(id, 0);
        Some(())
    }

    /// A string of several lines, behind a `|` or `>` with or without a `-`. They are indented alike,
    /// but for `|`, where a line may begin and have empty lines before it.
    pub fn lines(&mut self, at: usize, fresh: bool) -> Option<usize> {
        let column = self.to.frames.last().filter(|_| fresh)?.column;
        let literal = self.byte(at) == b'|';
        let strip = self.byte(at + 1) == b'-';
        let mut line = self.end_line(at + 1 + usize::from(strip))?;
        let start = self.skip_spaces(line);
        let indent = start - line;
        let mut value = String::new();
        let mut end;
        loop {
            let first = line + indent;
            end = self.next_line(first) - 1;
            let text = self.text.get(first..end)?;
            if text.is_empty() || text.ends_with(' ') || (text.starts_with(' ') && !literal) {
                return None;
            }
            value.push_str(text);
            line = end + 1;
            let mut empty = 0;
            while line < self.text.len() && self.byte(line) == b'\n' {
                line += 1;
                empty += 1;
            }
            let next = self.skip_spaces(line);
            if self.byte(next) == b'\n' && next > line {
                // A line of spaces may be of the string.
                return None;
            }
            if next - line < indent {
                break;
            }
            match literal {
                true => value.extend(std::iter::repeat_n('\n', empty + 1)),
                false if empty == 0 => value.push(' '),
                false => return None,
            }
        }
        if !strip {
            value.push('\n');
        }
        let style = match literal {
            true => ScalarStyle::Literal,
            false => ScalarStyle::Folded,
        };
        let place = Span::new(start, end);
        let id = self.to.scalar(Cow::Owned(value), style, place).ok()?;
        self.to.attach(id, 0);
        (indent > column).then_some(line)
    }

    /// The scalar that begins at `at` and ends on the same line.
    pub fn scalar(&self, at: usize, flow: bool) -> Option<Scalar<'s>> {
        match self.byte(at) {
            b'"' => self.quoted(at, b'"', ScalarStyle::DoubleQuoted),
            b'\'' => self.quoted(at, b'\'', ScalarStyle::SingleQuoted),
            _ => self.plain(at, flow),
        }
    }

    /// A quoted scalar that holds neither an escape nor a quote.
    fn quoted(&self, start: usize, quote: u8, style: ScalarStyle) -> Option<Scalar<'s>> {
        let stops = match quote {
            b'"' => &IN_DOUBLE_QUOTES,
            _ => &IN_SINGLE_QUOTES,
        };
        let at = self.find(start + 1, stops);
        if self.byte(at) != quote {
            return None;
        }
        let end = at + 1;
        // A second quote stands for one.
        (self.byte(end) != quote).then_some(())?;
        Some(Scalar {
            value: self.text.get(start + 1..at)?,
            style,
            start,
            end,
        })
    }

    fn plain(&self, start: usize, flow: bool) -> Option<Scalar<'s>> {
        match self.byte(start) {
            b'-' if self.byte(start + 1).is_ascii_alphanumeric() => {}
            b'-' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!'
            | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' | b' ' | b'\n' => return None,
            _ => {}
        }
        let mut at = start;
        loop {
            at = self.find(at, if flow { &MAY_END_IN_BRACKETS } else { &MAY_END });
            let next = self.byte(at + 1);
            match self.byte(at) {
                b'#' if self.byte(at - 1) != b' ' => {}
                b':' if flow && matches!(next, b',' | b'[' | b']' | b'{' | b'}') => return None,
                b':' if !matches!(next, b' ' | b'\n') => {}
                _ => break,
            }
            at += 1;
        }
        let written = self.text.get(start..at)?.trim_end_matches(' ');
        let end = start + written.len();
        Some(Scalar {
            value: written,
            style: ScalarStyle::Plain,
            start,
            end,
        })
    }
}
