//! Scalars and tags.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Tag};

use super::build::{Builder, Stop, narrow};
use super::scalar::{self, Scalar};
use super::{Kind, NodeId, PLAIN};
use crate::diagnostic::Span;

impl<'s> Builder<'s> {
    pub fn scalar(
        &mut self,
        value: Cow<'s, str>,
        style: ScalarStyle,
        at: Span,
    ) -> Result<NodeId, Stop> {
        if style != ScalarStyle::Plain {
            return self.string(&value, style, at);
        }
        if at.start == at.end {
            return self.missing(at);
        }
        let id = match scalar::resolve(&value) {
            Scalar::String => {
                if *value == *"<<"
                    && self.at_key()
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.merge = true;
                }
                self.string(&value, style, at)?
            }
            other => {
                if self.at_key()
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.odd_key = true;
                }
                self.typed(other, &value, at)?
            }
        };
        self.mark(id, PLAIN);
        Ok(id)
    }

    /// A string: a range of the text if the text holds it as it is.
    fn string(&mut self, value: &str, style: ScalarStyle, at: Span) -> Result<NodeId, Stop> {
        let written = self.tree.slice(at);
        // Mostly it is the very same text, so that no byte has to be looked at.
        let same = |text: &str| std::ptr::eq(text, value) || text == value;
        match style {
            ScalarStyle::Plain if same(written) => self.add(at, Kind::Plain, 0, 0),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
                if same(self.tree.unquoted(at)) =>
            {
                self.add(at, Kind::Quoted, 0, 0)
            }
            _ => {
                let (start, len) = self.own(value);
                let at = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => self.trim_block(at),
                    _ => at,
                };
                self.add(at, Kind::Owned, start, len)
            }
        }
    }

    fn own(&mut self, value: &str) -> (u32, u32) {
        let start = narrow(self.tree.owned.len());
        self.tree.owned.push_str(value);
        (start, narrow(value.len()))
    }

    /// A scalar that is not a string.
    fn typed(&mut self, scalar: Scalar, value: &str, at: Span) -> Result<NodeId, Stop> {
        match scalar {
            Scalar::Bool(true) => self.add(at, Kind::True, 0, 0),
            Scalar::Bool(false) => self.add(at, Kind::False, 0, 0),
            Scalar::Number(number) if self.tree.slice(at) == value => {
                let bits = number.to_bits();
                #[allow(clippy::cast_possible_truncation)]
                // The two halves, put together on reading.
                self.add(at, Kind::Number, bits as u32, (bits >> 32) as u32)
            }
            Scalar::Number(number) => {
                let (start, len) = self.own(value);
                self.tree.odd_numbers.push((number, start, len));
                let index = narrow(self.tree.odd_numbers.len() - 1);
                self.add(at, Kind::OddNumber, index, 0)
            }
            Scalar::Null | Scalar::String => self.add(at, Kind::Null, 0, 0),
        }
    }

    /// Null where nothing is written. The parser places a missing value before the colon.
    fn missing(&mut self, at: Span) -> Result<NodeId, Stop> {
        let mut place = at.start;
        if let Some(frame) = self.frames.last_mut()
            && frame.kind == Kind::Mapping
        {
            if (self.pending.len() - frame.base).is_multiple_of(2) {
                frame.odd_key = true;
            } else if let Some(key) = self.pending.last() {
                place = place.max(self.tree.behind_colon(self.tree.span(*key).end));
            }
        }
        self.add(
            Span {
                start: place,
                end: place,
            },
            Kind::Null,
            0,
            0,
        )
    }

    pub fn tagged_scalar(
        &mut self,
        value: Cow<'s, str>,
        style: ScalarStyle,
        at: Span,
        tag: &Tag,
        span: &granit_parser::Span,
    ) -> Result<NodeId, Stop> {
        if self.at_key()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.odd_key = true;
        }
        let wanted = match (tag.core_suffix(), tag.parts()) {
            (Some("null"), _) if scalar::is_null(&value) => Some(Scalar::Null),
            (Some("bool"), _) => scalar::boolean(&value).map(Scalar::Bool),
            (Some("int"), _) if scalar::is_integer(&value) => {
                scalar::number(&value).map(Scalar::Number)
            }
            (Some("float"), _) => scalar::number(&value).map(Scalar::Number),
            (Some("str"), _) | (None, ("" | "!", "" | "!")) => Some(Scalar::String),
            _ => None,
        };
        match wanted {
            Some(Scalar::String) => self.string(&value, style, at),
            Some(scalar) => self.typed(scalar, &value, at),
            None => {
                self.report_tag(tag, span, "a scalar that it does not describe");
                self.scalar(value, style, at)
            }
        }
    }

    pub fn collection_tag(&mut self, tag: Option<&Tag>, wanted: &str, span: &granit_parser::Span) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(wanted)
            && !matches!(tag.parts(), ("" | "!", "" | "!"))
        {
            let what = if wanted == "map" {
                "a mapping"
            } else {
                "a sequence"
            };
            self.report_tag(tag, span, what);
        }
    }

    fn report_tag(&mut self, tag: &Tag, span: &granit_parser::Span, on: &str) {
        let at = span
            .tag_span()
            .map_or_else(|| self.span(span), |tag| self.span(&tag));
        let written = self.tree.slice(at);
        if tag.core_suffix().is_some() {
            let message = format!("tag `{written}` stands on {on}");
            self.report.refused(
                at,
                message,
                Some("remove the tag, or write a value of that type"),
            );
        } else {
            let message = format!("tag `{written}` is not supported");
            self.report.refused(
                at,
                message,
                Some("remove it: the value is read as if it had no tag"),
            );
        }
    }

    /// The span of a block scalar without the blank and comment lines that follow it.
    fn trim_block(&self, at: Span) -> Span {
        let text = self
            .tree
            .slice(at)
            .trim_end_matches(['\n', '\r', ' ', '\t']);
        Span {
            start: at.start,
            end: at.start + narrow(text.len()),
        }
    }
}
