//! Changes that people ask for, made in the text of a flag file: a flag promoted from one environment to
//! another, put in, taken out. Texts in, texts out.
//!
//! As with fixes, nothing is printed anew from the tree: bytes are spliced, and all that is not meant
//! stays what it is. What comes out is read again, and given back only if it says what was wanted and
//! the same as before of everything else.

mod document;
mod flag;
mod insert;
mod promote;
mod remove;
mod render;
#[cfg(test)]
mod tests;

use crate::diagnostic::LineIndex;
use crate::model::Flag;
use crate::record::Spec;

pub use flag::{NewFlag, Shape};
pub use insert::{file_of, insert};
pub use promote::promote;
pub use remove::remove;

/// A text with a change made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    pub text: String,
    /// Comments that went together with what they stood in, each from `#` to the end of its line.
    pub lost: Vec<String>,
}

/// Why a text is left as it is: a person has to make the change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("an alias makes what stands on line {line} part of something else too")]
    Shared { line: u32 },
    #[error("what would have to change comes to line {line} by `<<` or an alias")]
    Merged { line: u32 },
    #[error("line {line} is laid out in a way that cannot be changed without losing something")]
    Layout { line: u32 },
    #[error("the file has no flag `{0}`")]
    NoFlag(String),
}

/// A change that has gone well so far.
#[derive(Debug)]
struct Draft {
    text: String,
    lost: Vec<String>,
}

/// Text to put in the place of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Splice {
    range: std::ops::Range<usize>,
    text: String,
}

impl Draft {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            lost: Vec::new(),
        }
    }

    /// Makes splices, which lie apart from each other.
    fn splice(&mut self, mut splices: Vec<Splice>) -> Result<(), Refusal> {
        splices.sort_by_key(|splice| splice.range.start);
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for Splice { range, text: new } in &splices {
            let (kept, old) = (
                self.text.get(done..range.start),
                self.text.get(range.clone()),
            );
            let (Some(kept), Some(old)) = (kept, old) else {
                return Err(layout(&self.text, range.start));
            };
            self.lost.extend(document::comments(old));
            text.push_str(kept);
            text.push_str(new);
            done = range.end;
        }
        text.push_str(self.text.get(done..).unwrap_or_default());
        self.text = text;
        Ok(())
    }

    fn finish(self) -> Amended {
        Amended {
            text: self.text,
            lost: self.lost,
        }
    }
}

/// How many flags called `key` are in `after`, if all others say there what they say in `before`, in the
/// same words and order.
fn others_are_the_same(after: &str, before: &str, key: &str) -> Option<usize> {
    let flags = |text: &str| document::Document::read(text).flags();
    let is_other = |flag: &&Flag| *flag.key.value != *key;
    let (old, new) = (flags(before), flags(after));
    let mut others = new.iter().filter(is_other);
    for old in old.iter().filter(is_other) {
        let new = others.next()?;
        let words = |text: &str, flag: &Flag| text.get(flag.span.range()).map(str::to_owned);
        let mut names = vec![""];
        names.extend(old.overrides().map(|over| &*over.environment.value));
        let is_same = old.key.value == new.key.value
            && old.complete == new.complete
            && words(before, old) == words(after, new)
            && names
                .iter()
                .all(|name| Spec::of(old, name) == Spec::of(new, name));
        if !is_same {
            return None;
        }
    }
    let found = new.iter().filter(|flag| !is_other(flag)).count();
    others.next().is_none().then_some(found)
}

fn line_of(text: &str, at: usize) -> u32 {
    LineIndex::new(text).line(u32::try_from(at).unwrap_or(u32::MAX))
}

fn layout(text: &str, at: usize) -> Refusal {
    Refusal::Layout {
        line: line_of(text, at),
    }
}
