//! What looks like a key, a token or a password, and text in which it cannot be read.
//!
//! Pure, and below everything that shows text: [`crate::diagnostic::Files`] keeps no text that has
//! not been through [`mask`].

mod find;
mod runs;
mod shapes;

use std::borrow::Cow;
use std::ops::Range;

pub use find::find;

/// Something that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What it is taken for, with its article: "a GitHub token".
    pub kind: &'static str,
    /// Where it is told of, in bytes of the text.
    pub place: Range<usize>,
    /// What nobody may read. Begins within `place`, behind what is the same in every secret of the
    /// kind, and may go on behind it.
    pub hidden: Range<usize>,
    /// True where nothing but its looks says what it is: an id of a user may look the same.
    pub by_looks: bool,
}

impl Secret {
    /// Behind all that belongs to it.
    #[must_use]
    pub fn end(&self) -> usize {
        self.place.end.max(self.hidden.end)
    }
}

/// `text` with every secret in it blotted out. Every character keeps its length in bytes and line
/// breaks stay, so that spans, lines and columns stay what they are.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let secrets = find(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut shown = 0;
    for Secret { hidden, .. } in &secrets {
        let start = hidden.start.max(shown);
        masked.push_str(text.get(shown..start).unwrap_or_default());
        let hidden = text.get(start..hidden.end).unwrap_or_default();
        masked.extend(hidden.chars().map(blot));
        shown = start + hidden.len();
    }
    masked.push_str(text.get(shown..).unwrap_or_default());
    Cow::Owned(masked)
}

/// What stands for `c`, and is as long. White space stays, line breaks among it.
#[must_use]
pub fn blot(c: char) -> char {
    match c.len_utf8() {
        1 if c.is_ascii_whitespace() => c,
        1 => '*',
        2 => '·',
        3 => '•',
        _ => '\u{1f7c4}',
    }
}

#[cfg(test)]
mod tests;
