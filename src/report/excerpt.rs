//! The lines of a file that a finding is shown in.
//!
//! A window of a few lines, without line breaks of the file's own kinds and with very long lines cut,
//! so that showing a finding costs the same in every file.

use std::borrow::Cow;
use std::ops::Range;

use crate::diagnostic::{LineIndex, Span};

/// Longer lines, in bytes, are cut: a file written by a program may be one line.
const LONGEST: usize = 400;
/// What a cut line keeps before the place that is shown, in bytes.
const BEFORE: usize = 60;

/// Lines as shown, and where in them the file's bytes are.
pub struct Window {
    /// Number of the first line, from 1.
    pub first: u32,
    /// The lines, with `\n` between them.
    pub text: String,
    /// True where a line is not whole, so that columns cannot be counted in it.
    pub cut: bool,
    lines: Vec<Line>,
}

struct Line {
    /// Bytes of the file that are shown.
    file: Range<usize>,
    /// Where they begin in the window's text.
    at: usize,
}

impl Window {
    /// The lines from the first that one of `spans` starts on to the last. Of a long line the part
    /// is shown where the first of them starts.
    pub fn new(text: &str, index: &LineIndex, spans: &[Span]) -> Self {
        let line_of = |span: &Span| index.line(span.start.min(length(text)));
        let first = spans.iter().map(line_of).min().unwrap_or(1);
        let last = spans.iter().map(line_of).max().unwrap_or(first);
        let mut window = Self {
            first,
            text: String::new(),
            cut: false,
            lines: Vec::new(),
        };
        for line in first..=last {
            let range = content(text, index.line_range(text, line));
            let focus = spans.iter().find(|span| line_of(span) == line);
            window.push(text, range, focus.map(|span| span.start as usize));
        }
        window
    }

    fn push(&mut self, text: &str, line: Range<usize>, focus: Option<usize>) {
        if !self.lines.is_empty() {
            self.text.push('\n');
        }
        let shown = if line.len() > LONGEST {
            let start = focus
                .unwrap_or(line.start)
                .saturating_sub(BEFORE)
                .max(line.start);
            let end = start.saturating_add(LONGEST).min(line.end);
            floor(text, start)..floor(text, end)
        } else {
            line.clone()
        };
        self.cut |= shown != line;
        if shown.start > line.start {
            self.text.push('…');
        }
        let at = self.text.len();
        self.text
            .push_str(&printable(text.get(shown.clone()).unwrap_or_default()));
        if shown.end < line.end {
            self.text.push('…');
        }
        self.lines.push(Line { file: shown, at });
    }

    /// Where the part of `span` that lies on its first line is in the window's text; `None` where
    /// that line, or that part of it, is not shown.
    pub fn find(&self, text: &str, span: Span) -> Option<Range<usize>> {
        // A mark at the beginning is not shown: what stands there stands behind it.
        let mark = text.strip_prefix('\u{feff}');
        let mark = mark.map_or(0, |rest| text.len() - rest.len());
        let start = floor(text, span.start as usize).max(mark);
        let line = self
            .lines
            .partition_point(|line| line.file.start <= start)
            .checked_sub(1)?;
        let line = self.lines.get(line)?;
        // A line break belongs to its line.
        if start > line.file.end + 2 {
            return None;
        }
        let start = start.min(line.file.end);
        let end = floor(text, span.end as usize).clamp(start, line.file.end);
        let width = |to: usize| {
            text.get(line.file.start..to)
                .map_or(0, |part| printable(part).len())
        };
        Some(line.at + width(start)..line.at + width(end))
    }
}

/// A line without its line break and without a byte order mark.
fn content(text: &str, line: Range<usize>) -> Range<usize> {
    let whole = text.get(line.clone()).unwrap_or_default();
    let trimmed = whole.trim_end_matches(['\r', '\n']);
    let mark = if line.start == 0 && trimmed.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    line.start + mark..line.start + trimmed.len()
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// The nearest place at or before `offset` that is not inside a character.
fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

/// `text` without the control characters that the renderer lets through: a file must not move the
/// cursor of the terminal it is shown on.
pub fn printable(text: &str) -> Cow<'_, str> {
    let breaks = |c: char| {
        matches!(
            c,
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\n' | '\r'
        )
    };
    if text.contains(breaks) {
        text.replace(breaks, "\u{fffd}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(text: &str, span: Span) -> (Window, Option<Range<usize>>) {
        let window = Window::new(text, &LineIndex::new(text), &[span]);
        let found = window.find(text, span);
        (window, found)
    }

    #[test]
    fn a_long_line_is_cut_around_its_place() {
        let text = format!("a: 1\n{}here{}\n", "ä".repeat(5000), "ö".repeat(5000));
        let span = Span::new(5 + 10_000, 5 + 10_004);
        let (window, found) = window(&text, span);
        assert_eq!(&window.text[found.unwrap()], "here");
        assert!(
            window.cut && window.text.len() < LONGEST + 10,
            "{}",
            window.text
        );
        assert!(window.text.starts_with('…') && window.text.ends_with('…'));
        assert_eq!(window.first, 2);
    }

    #[test]
    fn line_breaks_marks_and_control_characters_stay_outside() {
        let (shown, found) = window("\u{feff}a: 1\r\nb: 2\r\n", Span::new(3, 20));
        assert_eq!((shown.text.as_str(), found), ("a: 1", Some(0..4)));
        let (shown, found) = window("\u{feff}a: 1\n", Span::new(0, 4));
        assert_eq!((shown.text.as_str(), found), ("a: 1", Some(0..1)));
        assert_eq!(window("\u{feff}", Span::new(0, 0)).1, Some(0..0));
        let (shown, found) = window("a: \u{9b}x\n", Span::new(5, 6));
        assert_eq!(&shown.text[found.unwrap()], "x");
        assert_eq!(shown.text, "a: \u{fffd}x");
    }

    proptest! {
        /// Any span of any text is found, inside the text, at character boundaries, on one line.
        #[test]
        fn every_span_can_be_shown(
            text in "[a\u{e9}\u{1f600}\u{feff}\u{9b}\t\r\n]{0,40}|[a\u{e9}]{300,500}",
            start in 0_usize..600,
            length in 0_usize..600,
        ) {
            let (window, found) = window(&text, Span::new(start, start + length));
            let shown = found.and_then(|range| window.text.get(range));
            prop_assert!(shown.is_some_and(|shown| !shown.contains('\n')));
        }
    }
}
