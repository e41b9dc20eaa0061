//! What a user got wrong, as values: where it is, what is wrong, and what to write instead.
//!
//! Pure. Positions are byte offsets; lines and columns are derived by [`LineIndex`] where they
//! are shown.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::secret;

/// A half-open range of bytes in one file. Files are at most 8 MiB, so 32 bits are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// A span over `start..end`, in bytes.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: clamp(start),
            end: clamp(end),
        }
    }

    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether all of `other` lies within.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// Names a file in [`Files`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub file: FileId,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warning,
    Error,
}

impl Severity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Another place that belongs to a finding, such as the first of two equal keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub message: String,
    pub location: Location,
}

/// Text to put in the place of a span of the diagnostic's own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A change that mends the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Imperative: "replace `percentge` with `percentage`".
    pub title: String,
    /// Disjoint, in order.
    pub edits: Vec<Edit>,
    /// True where it changes nothing that was meant, so that it can be made without being looked at.
    pub safe: bool,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Id of the rule that found it.
    pub rule: &'static str,
    pub severity: Severity,
    /// One sentence without a full stop, with the figures in it.
    pub message: String,
    /// The smallest place that is wrong.
    pub location: Location,
    /// Key of the flag it belongs to, where it belongs to one.
    pub flag: Option<Box<str>>,
    /// What to write instead.
    pub help: Option<String>,
    pub related: Vec<Related>,
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error at `location`; the other fields are filled in by the `with_` methods.
    #[must_use]
    pub fn new(rule: &'static str, location: Location, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Error,
            message: message.into(),
            location,
            flag: None,
            help: None,
            related: Vec::new(),
            fix: None,
        }
    }

    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    #[must_use]
    pub fn with_flag(mut self, flag: &str) -> Self {
        self.flag = Some(flag.into());
        self
    }

    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn with_related(mut self, location: Location, message: impl Into<String>) -> Self {
        self.relate(location, message);
        self
    }

    /// Adds another place that belongs to the finding.
    pub fn relate(&mut self, location: Location, message: impl Into<String>) {
        self.related.push(Related {
            message: message.into(),
            location,
        });
    }

    /// Adds a safe fix.
    #[must_use]
    pub fn with_fix(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix {
            title: title.into(),
            edits,
            safe: true,
        });
        self
    }

    /// True for the last of so many findings that others of its kind were left out.
    #[must_use]
    pub fn stands_for_more(&self) -> bool {
        self.message
            .trim_end_matches(')')
            .ends_with("are not shown")
    }
}

/// A file that diagnostics point into.
#[derive(Clone, Debug)]
pub struct File {
    /// As shown to people: relative to the directory hoist runs in, with `/`.
    pub name: String,
    /// Kept only where it is to be shown: a hundred thousand flags are not held in memory for it.
    text: Option<Arc<str>>,
}

/// The files of one run, by [`FileId`]. Their texts are there to be shown, and for nothing else:
/// what looks like a secret in them is blotted out, byte for byte.
#[derive(Clone, Debug, Default)]
pub struct Files(pub Vec<File>);

impl Files {
    /// Adds a file and gives its id.
    pub fn add(&mut self, name: impl Into<String>, text: Option<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(File {
            name: name.into(),
            text: None,
        });
        if let Some(text) = text {
            self.show(id, text);
        }
        id
    }

    /// Keeps the text of a file, to be shown.
    pub fn show(&mut self, id: FileId, text: Arc<str>) {
        if let Some(file) = self.0.get_mut(id.0 as usize) {
            let masked = match secret::mask(&text) {
                Cow::Borrowed(_) => None,
                Cow::Owned(masked) => Some(masked.into()),
            };
            file.text = Some(masked.unwrap_or(text));
        }
    }

    /// Forgets the text of a file.
    pub fn hide(&mut self, id: FileId) {
        if let Some(file) = self.0.get_mut(id.0 as usize) {
            file.text = None;
        }
    }

    /// Lets another file have the place of one.
    pub fn rename(&mut self, id: FileId, name: &str) {
        self.hide(id);
        if let Some(file) = self.0.get_mut(id.0 as usize) {
            name.clone_into(&mut file.name);
        }
    }

    #[must_use]
    pub fn name(&self, id: FileId) -> &str {
        self.0.get(id.0 as usize).map_or("", |file| &file.name)
    }

    #[must_use]
    pub fn text(&self, id: FileId) -> Option<&str> {
        self.0.get(id.0 as usize)?.text.as_deref()
    }
}

/// A position as people count: lines and columns from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// Turns byte offsets of one text into lines and columns. A line ends at `\n`, `\r\n` or a
/// lone `\r`, as YAML has it.
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// Byte offset of each line's first byte.
    starts: Vec<u32>,
    /// How many characters begin before each multiple of [`STEP`] bytes, where a line is longer than
    /// that: else thousands of findings in one line would each be counted to from its beginning.
    marks: Vec<u32>,
}

/// Bytes from one mark to the next.
const STEP: usize = 1 << 12;

/// How many characters begin in `range`, byte order marks left out.
fn characters(bytes: &[u8], range: Range<usize>) -> u32 {
    let begins = |at: &usize| match bytes.get(*at) {
        Some(0xef) => !bytes[*at..].starts_with("\u{feff}".as_bytes()),
        Some(byte) => byte & 0xc0 != 0x80,
        None => false,
    };
    u32::try_from(range.filter(begins).count()).unwrap_or(u32::MAX)
}

impl LineIndex {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes.get(at..at + 2) != Some(b"\r\n") {
                starts.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
            }
        }
        let longest = starts.windows(2).map(|pair| (pair[1] - pair[0]) as usize);
        let last = bytes.len() - starts.last().map_or(0, |start| *start as usize);
        let mut marks = Vec::new();
        if longest.max().unwrap_or(0).max(last) > STEP {
            let mut before = 0;
            for start in (0..=bytes.len()).step_by(STEP) {
                marks.push(before);
                before += characters(bytes, start..(start + STEP).min(bytes.len()));
            }
        }
        Self { starts, marks }
    }

    /// How many characters begin before `end`: in the text, or from `start` where there are no marks.
    fn characters_before(&self, bytes: &[u8], start: usize, end: usize) -> u32 {
        match self.marks.get(end / STEP) {
            Some(before) => before + characters(bytes, end - end % STEP..end),
            None => characters(bytes, start..end),
        }
    }

    /// The line, from 1, that holds the byte at `offset`.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// Line and column of `offset` in `text`, which must be the text that the index was made from.
    /// An offset past the end, or inside a character, is moved back to the nearest place there is.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let mut end = (offset as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.line(u32::try_from(end).unwrap_or(u32::MAX));
        let start = self.starts[line as usize - 1] as usize;
        let before = |at| self.characters_before(text.as_bytes(), start, at);
        Position {
            line,
            column: before(end) - before(start) + 1,
        }
    }

    /// Bytes of `line` (from 1) in `text`, its line break included.
    #[must_use]
    pub fn line_range(&self, text: &str, line: u32) -> Range<usize> {
        let at = (line.max(1) as usize - 1).min(self.starts.len() - 1);
        let end = self
            .starts
            .get(at + 1)
            .map_or(text.len(), |end| *end as usize);
        self.starts[at] as usize..end
    }

    #[must_use]
    pub fn lines(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }
}

/// Words longer than this, in bytes, are compared with nothing: that takes the product of two lengths.
const LONGEST_WORD: usize = 128;

/// The known word that `wrong` most likely stands for, if one is near enough to suggest.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > LONGEST_WORD {
        return None;
    }
    let folded = fold(wrong);
    known
        .into_iter()
        .filter(|word| word.len() <= LONGEST_WORD)
        .map(|word| (strsim::damerau_levenshtein(&folded, &fold(word)), word))
        .filter(|(distance, word)| {
            let length = word.chars().count();
            // Of a word of two letters, one is half of it.
            *distance <= length.max(3) / 3 && 2 * distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Case and the usual separators set aside: `allowedUsers` and `allowed-users` are near.
fn fold(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_however_long_the_line() {
        for filling in ["x", "é", "猫", "😀", "\u{feff}"] {
            for count in [0, 3, 4095, 4096, 4097, 20_000] {
                let text = format!("a\n\u{feff}{}|\r\nz", filling.repeat(count));
                let index = LineIndex::new(&text);
                let shown = if filling == "\u{feff}" { 0 } else { count };
                let mark = text.find('|').unwrap_or_default();
                for (at, line, column) in [
                    (mark, 2, shown + 1),
                    (mark + 1, 2, shown + 2),
                    (text.len(), 3, 2),
                    (text.len() + 9, 3, 2),
                    (0, 1, 1),
                ] {
                    let found = index.position(&text, u32::try_from(at).unwrap_or(u32::MAX));
                    let column = u32::try_from(column).unwrap_or(u32::MAX);
                    assert_eq!(
                        found,
                        Position { line, column },
                        "{count} of {filling}, at {at}"
                    );
                }
            }
        }
    }
}
