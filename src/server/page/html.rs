//! Writing HTML in which nothing but what is written here is markup.

use std::fmt::{self, Display, Write};

use crate::report::text::visible;

/// A page in the making.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup, as it stands in this program.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, which can be anything.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to memory has no way to fail.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// An attribute ` name="value"` of a tag that is being written; the value can be anything.
    pub fn attribute(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// `<tag class="class">text</tag>`.
    pub fn element(
        &mut self,
        tag: &'static str,
        class: &'static str,
        text: impl Display,
    ) -> &mut Self {
        self.raw("<").raw(tag);
        if !class.is_empty() {
            self.attribute("class", class);
        }
        self.raw(">").text(text).raw("</").raw(tag).raw(">")
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// Writes text out so that it is neither markup nor the end of an attribute, and so that nothing in it
/// turns around what stands beside it.
struct Escaped<'h>(&'h mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in visible(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Text as a part of a path or a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_text_is_text() {
        let mut html = Html::default();
        html.raw("<p").attribute("title", "\"><script>").raw(">");
        html.text("</p>'&\u{202e}\u{0}").raw("</p>");
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;/p&gt;&#39;&amp;\\u{202e}\\u{0}</p>"
        );
        assert_eq!(encoded("a/b ü?&"), "a%2Fb%20%C3%BC%3F%26");
    }
}
