//! What the bytes around an error look like, without a parser.

/// The first byte of the line that holds `at`.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind(['\n', '\r']).map_or(0, |end| end + 1)
}

/// The first byte of the next line, or the end of the text.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
        return text.len();
    };
    let crlf = rest.get(end..end + 2) == Some(b"\r\n");
    at + end + 1 + usize::from(crlf)
}

/// What stands from `at` to the end of its line, white space at the end left out.
pub(super) fn rest_of_line(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim_end()
}

/// Spaces at the start of the line that begins at `line`.
pub(super) fn indentation(text: &str, line: usize) -> usize {
    let rest = text.as_bytes().get(line..).unwrap_or_default();
    rest.iter().take_while(|byte| **byte == b' ').count()
}

/// Whether a line is `---` or `...`, or starts with one of them and white space.
pub(super) fn document_marker(text: &str, line: usize) -> bool {
    let rest = text.get(line..).unwrap_or_default();
    (rest.starts_with("---") || rest.starts_with("..."))
        && !rest
            .get(3..)
            .is_some_and(|rest| rest.starts_with(|c: char| !c.is_ascii_whitespace()))
}

/// Whether a simple `key:` seems to stand at `at`, its colon perhaps too near to what follows.
pub(super) fn key_like(text: &str, at: usize) -> bool {
    let line = rest_of_line(text, at);
    let Some(first) = line.chars().next() else {
        return false;
    };
    if let quote @ ('"' | '\'') = first {
        let rest = line.get(1..).unwrap_or_default();
        return rest
            .find(quote)
            .and_then(|end| rest.get(end + 1..))
            .is_some_and(|rest| rest.trim_start().starts_with(':'));
    }
    if first.is_ascii_whitespace() || "#-?[]{},&*!|>%@`:".contains(first) {
        return false;
    }
    let word = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if word.starts_with(':') {
        return true;
    }
    let end = line.find(" #").unwrap_or(line.len());
    let line = line.get(..end).unwrap_or_default().trim_end();
    line.ends_with(':') || line.contains(": ") || line.contains(":\t")
}

/// The first byte from `at` on that is neither white space nor in a comment.
pub(super) fn skip_blank(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = at;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' if at == 0 || bytes.get(at - 1).is_some_and(u8::is_ascii_whitespace) => {
                at = next_line(text, at);
            }
            _ => break,
        }
    }
    at
}

/// The first token from `from` on that has not been read, at most `at`, and whether it is the
/// value behind a colon.
pub(super) fn next_token(text: &str, from: usize, at: usize) -> (usize, bool) {
    let token = skip_blank(text, from).min(at);
    let rest = text.as_bytes().get(token..).unwrap_or_default();
    let colon = rest.first() == Some(&b':') && rest.get(1).is_none_or(u8::is_ascii_whitespace);
    if colon && token < at {
        return (skip_blank(text, token + 1).min(at), true);
    }
    (token, false)
}

/// The bracket at or behind `open` that is not closed before `end`, if there is one.
pub(super) fn unclosed_bracket(text: &str, open: usize, end: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(..end)?;
    let mut opened: Vec<(usize, u8)> = Vec::new();
    let mut at = open;
    // Whether a quote or a comment may begin here.
    let mut fresh = true;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' => opened.push((at, b']')),
            b'{' => opened.push((at, b'}')),
            b']' | b'}' => match opened.pop() {
                Some((place, close)) if close != *byte => return Some(place),
                _ if opened.is_empty() => return None,
                _ => {}
            },
            b'"' | b'\'' if fresh => at = quote_end(bytes, at),
            b'#' if fresh => at = next_line(text, at) - 1,
            _ => {}
        }
        fresh = bytes
            .get(at)
            .is_some_and(|byte| b" \t\r\n[]{},:".contains(byte));
        at += 1;
    }
    opened.last().map(|(place, _)| *place)
}

/// The last byte of the quoted text that begins at `open`, or the end.
fn quote_end(bytes: &[u8], open: usize) -> usize {
    let quote = bytes.get(open).copied().unwrap_or_default();
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && quote == b'"' {
            at += 1;
        } else if *byte == quote {
            return at;
        }
        at += 1;
    }
    bytes.len()
}
