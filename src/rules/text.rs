//! A file as those rules see it that look at its whole text, comments included.

use crate::diagnostic::{FileId, Location, Span};
use crate::model::Flag;

/// The text of one file, and the flags in it.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub file: FileId,
    pub text: &'a str,
    /// In file order.
    pub flags: &'a [Flag],
}

impl<'a> Text<'a> {
    /// The flag that begins last at or before `offset`, and what stands around it as far as the
    /// next flag: the comments behind its last value are behind its span.
    pub fn flag_around(&self, offset: usize) -> Option<&'a Flag> {
        let behind = self
            .flags
            .partition_point(|flag| flag.span.start as usize <= offset);
        self.flags.get(behind.checked_sub(1)?)
    }

    pub fn at(&self, span: Span) -> Location {
        Location {
            file: self.file,
            span,
        }
    }
}
