//! Markdown that holds text of others: nothing in it may become a link, a mention, a heading, HTML,
//! or the end of the table it stands in.

use super::Root;
use super::root::encode;
use super::text::visible;

/// Text in a paragraph or a cell. What would mean something to Markdown means itself.
#[must_use]
pub fn text(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    if begins_a_list(&text) {
        out.push_str("&#8203;");
    }
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Hosts make mentions and references of these, and links of bare addresses, wherever
            // they stand and however they are escaped. A space of no width keeps them apart.
            '@' | '#' => {
                out.push(c);
                out.push_str("&#8203;");
            }
            '/' if before == '/' => out.push_str("&#8203;/"),
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("&#8203;."),
            // `GH-12` is another way to write `#12`.
            '-' if is_reference(&text, at) => out.push_str("-&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Whether the sign at this place is that of `GH-12`.
fn is_reference(text: &str, at: usize) -> bool {
    let (before, behind) = text.split_at(at);
    let number = behind.as_bytes().get(1);
    let letters = before
        .len()
        .checked_sub(2)
        .and_then(|start| before.get(start..));
    letters.is_some_and(|letters| letters.eq_ignore_ascii_case("gh"))
        && number.is_some_and(u8::is_ascii_digit)
}

/// Whether a paragraph that begins so would be a list: `- a`, `1. a`.
fn begins_a_list(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = number.len() < text.len() && number.starts_with(['.', ')']);
    numbered || text.starts_with(['-', '+'])
}

/// A message: names between backticks are code, and the rest is text.
#[must_use]
pub fn message(message: &str) -> String {
    let parts = message.split('`').enumerate();
    // A name may hold a backtick itself; then parts change places, and each is harmless still.
    let last = message.matches('`').count();
    parts
        .map(|(at, part)| match at % 2 {
            1 if at == last => format!("\\`{}", text(part)),
            1 => code(part),
            _ => text(part),
        })
        .collect()
}

/// The same as code, for a cell of a table, or elsewhere.
#[must_use]
pub fn code(text: &str) -> String {
    let text = visible(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Lines as a block of code in `language`. They are made visible by whoever wrote them.
#[must_use]
pub fn block(language: &str, lines: &str) -> String {
    let fence = "`".repeat(longest_run(lines).max(2) + 1);
    format!("{fence}{language}\n{lines}{fence}\n")
}

/// Leads from a comment to the lines of files.
#[derive(Clone, Debug, Default)]
pub struct Links {
    base: Option<String>,
    root: Root,
}

impl Links {
    /// `base` is what the path of a file from the root of the repository follows, such as
    /// `https://github.com/OWNER/REPO/blob/COMMIT`; without one nothing is a link. One that is no web
    /// address counts as none.
    #[must_use]
    pub fn new(base: Option<&str>, root: Root) -> Self {
        let is_harmless = |base: &&str| {
            let scheme = base.starts_with("https://") || base.starts_with("http://");
            let odd = |c: char| c.is_whitespace() || c.is_control() || "()<>[]\"`|\\".contains(c);
            scheme && !base.contains(odd)
        };
        let base = base.filter(is_harmless);
        Self {
            base: base.map(|base| base.trim_end_matches('/').to_owned()),
            root,
        }
    }

    /// A line of a file, which is named as findings have it.
    #[must_use]
    pub fn place(&self, file: &str, line: u32) -> String {
        const LONGEST: usize = 300;
        let shown = format!("{file}:{line}");
        let start = shown.chars().count().saturating_sub(LONGEST);
        let shown = code(&shown.chars().skip(start).collect::<String>());
        match (&self.base, self.root.inside(file)) {
            (Some(base), Some(path)) if path.len() <= LONGEST => {
                format!("[{shown}]({base}/{}#L{line})", encode(&path))
            }
            _ => shown,
        }
    }
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A document that stays below a number of bytes.
pub struct Bounded {
    text: String,
    limit: usize,
}

impl Bounded {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            text: String::new(),
            limit,
        }
    }

    /// Adds a piece if it fits, with room for `reserve` bytes more behind it; false where it does not.
    pub fn push(&mut self, piece: &str, reserve: usize) -> bool {
        let fits = self.text.len() + piece.len() + reserve <= self.limit;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }

    /// Adds as many of `pieces` as fit into the first `until` bytes of the document, in order, and
    /// says how many were left out.
    pub fn push_all(&mut self, pieces: impl IntoIterator<Item = String>, until: usize) -> usize {
        let reserve = self.limit.saturating_sub(until);
        let mut left_out = 0;
        for piece in pieces {
            if left_out > 0 || !self.push(&piece, reserve) {
                left_out += 1;
            }
        }
        left_out
    }

    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_means_anything() {
        for (from, to) in [
            ("plain words, 10 → 25", "plain words, 10 → 25"),
            ("a|b", "a\\|b"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("@ana #12", "@&#8203;ana #&#8203;12"),
            ("https://x.y", "https:/&#8203;/x.y"),
            ("www.x.y", "www&#8203;.x.y"),
            ("[a](b)", "\\[a\\](b)"),
            ("`*_~$", "\\`\\*\\_\\~\\$"),
            ("a\nb\u{202e}", "a\\\\u{a}b\\\\u{202e}"),
            ("- a", "&#8203;- a"),
            ("1. a", "&#8203;1. a"),
            ("gh-12 high-1 GH-x", "gh-&#8203;12 high-&#8203;1 GH-x"),
            ("&amp;", "&amp;amp;"),
        ] {
            assert_eq!(text(from), to);
        }
    }

    #[test]
    fn names_in_messages_are_code() {
        for (from, to) in [
            ("keep `a_b`, not `c`", "keep `a_b`, not `c`"),
            ("a_b `c`", "a\\_b `c`"),
            ("odd ` one_two", "odd \\` one\\_two"),
            ("`@ana` and @bo", "`@ana` and @&#8203;bo"),
        ] {
            assert_eq!(message(from), to);
        }
    }

    #[test]
    fn code_is_fenced_by_more_than_it_has() {
        for (from, to) in [
            ("a", "`a`"),
            ("a`b", "``a`b``"),
            ("`a", "`` `a ``"),
            ("a|b", "`a\\|b`"),
            ("", "`  `"),
        ] {
            assert_eq!(code(from), to);
        }
        assert_eq!(block("diff", "+ ```\n"), "````diff\n+ ```\n````\n");
        assert_eq!(block("diff", "+ a\n"), "```diff\n+ a\n```\n");
    }

    #[test]
    fn links_lead_to_lines() {
        use std::path::Path;
        let root = || Root::new(Path::new("/repo"), Path::new("/repo/app"));
        let links = |base| Links::new(Some(base), root());
        let at = "https://example.com/o/r/blob/abc/";
        for (links, file, to) in [
            (
                links(at),
                "flags/a (1).yaml",
                "[`flags/a (1).yaml:7`](https://example.com/o/r/blob/abc/app/flags/a%20%281%29.yaml#L7)",
            ),
            (links(at), "../../other.yaml", "`../../other.yaml:7`"),
            (links("javascript:alert(1)"), "a.yaml", "`a.yaml:7`"),
            (links("https://a) [b](c"), "a.yaml", "`a.yaml:7`"),
            (Links::default(), "a.yaml", "`a.yaml:7`"),
        ] {
            assert_eq!(links.place(file, 7), to);
        }
    }

    #[test]
    fn a_document_ends_in_time() {
        let mut document = Bounded::new(10);
        assert!(document.push("abc", 0));
        let pieces = ["de", "fg", "h"].map(str::to_owned);
        assert_eq!(document.push_all(pieces, 6), 2);
        assert!(!document.push("123456", 0));
        assert!(document.push("12345", 0));
        assert_eq!(document.finish(), "abcde12345");
    }
}
