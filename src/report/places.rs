//! Lines and columns of many findings, with each file looked through once.

use std::collections::HashMap;

use crate::diagnostic::{FileId, Files, LineIndex, Location, Position};

/// The files of a run with the lines of those that were asked for.
pub struct Places<'a> {
    files: &'a Files,
    read: HashMap<FileId, Lines<'a>>,
}

/// A file's text and its lines.
pub struct Lines<'a> {
    pub text: &'a str,
    pub index: LineIndex,
    /// The last starts that were asked for: findings come in order, as do the places that they refer
    /// to, and a file may be one line of megabytes, whose columns are not counted from its beginning
    /// each time.
    last: [(u32, Position); 2],
}

impl<'a> Places<'a> {
    pub fn new(files: &'a Files) -> Self {
        Self {
            files,
            read: HashMap::new(),
        }
    }

    pub fn name(&self, file: FileId) -> &'a str {
        self.files.name(file)
    }

    /// `None` where the text is not at hand.
    pub fn lines(&mut self, file: FileId) -> Option<&mut Lines<'a>> {
        let text = self.files.text(file)?;
        Some(self.read.entry(file).or_insert_with(|| Lines {
            text,
            index: LineIndex::new(text),
            last: [(0, Position { line: 1, column: 1 }); 2],
        }))
    }

    /// First position, and the position behind the last; the very first of the file for both where
    /// the text is not at hand.
    pub fn range(&mut self, location: Location) -> (Position, Position) {
        let start = Position { line: 1, column: 1 };
        match self.lines(location.file) {
            Some(lines) => {
                let start = lines.start(location.span.start);
                (
                    start,
                    lines.end(location.span.start, start, location.span.end),
                )
            }
            None => (start, start),
        }
    }
}

impl Lines<'_> {
    /// Position of a finding's first byte.
    pub fn start(&mut self, offset: u32) -> Position {
        let [one, other] = self.last;
        // The nearest before the offset goes on to it; one that lies behind stays for what comes.
        let nearest = match (one.0 <= offset, other.0 <= offset) {
            (true, true) => usize::from(other.0 > one.0),
            (false, true) => 1,
            _ => 0,
        };
        let (from, position) = if nearest == 0 { one } else { other };
        let found = if from <= offset {
            self.end(from, position, offset)
        } else {
            self.index.position(self.text, offset)
        };
        if let Some(last) = self.last.get_mut(nearest) {
            *last = (offset, found);
        }
        found
    }

    /// Position of `offset`, which is not before `from`, whose position is `start`.
    fn end(&self, from: u32, start: Position, offset: u32) -> Position {
        let between = self.text.get(from as usize..offset as usize);
        match between {
            Some(between) if self.index.line(offset) == start.line => {
                let columns = between.chars().filter(|c| *c != '\u{feff}').count();
                Position {
                    line: start.line,
                    column: start
                        .column
                        .saturating_add(u32::try_from(columns).unwrap_or(u32::MAX)),
                }
            }
            _ => self.index.position(self.text, offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is asked for and in whatever order, the answer is the line index's own.
        #[test]
        fn positions_are_those_of_the_index(
            text in "[a\u{e9}\u{1f600}\u{feff}\r\n]{0,30}",
            offsets in prop::collection::vec((0_usize..60, 0_usize..60), 1..8),
        ) {
            let mut files = Files::default();
            let file = files.add("a.yaml", Some(text.as_str().into()));
            let index = LineIndex::new(&text);
            let mut places = Places::new(&files);
            for (start, length) in offsets {
                let span = Span::new(start, start + length);
                let expected = (
                    index.position(&text, span.start),
                    index.position(&text, span.end),
                );
                prop_assert_eq!(places.range(Location { file, span }), expected);
            }
        }
    }
}
