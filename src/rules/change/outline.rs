//! Which keys a flag file has, without parsing it: a diff has to know of flags in files that are the
//! same on both sides, and nothing more of them.

use crate::diagnostic::FileId;
use crate::yaml;

use super::search::flags;

/// The keys of every flag of a file, in file order. Files that are written in the usual way, a flag a
/// block, are gone through line by line; others are parsed.
#[must_use]
pub fn keys(bytes: &[u8]) -> Vec<Box<str>> {
    let text = yaml::decode(FileId::default(), bytes);
    let Ok(text) = text else {
        return Vec::new();
    };
    match by_line(text) {
        Some(keys) => keys.into_iter().map(Box::from).collect(),
        None => flags(bytes)
            .into_iter()
            .map(|flag| flag.key.value)
            .collect(),
    }
}

/// `None` where a line may mean something else than it seems to.
fn by_line(text: &str) -> Option<Vec<&str>> {
    let mut keys = Vec::new();
    let mut in_flags = false;
    let mut depth = None;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - content.len();
        match depth {
            _ if indent == 0 => {
                if in_flags || !without_comment(content.strip_prefix("flags:")?)?.is_empty() {
                    return None;
                }
                in_flags = true;
            }
            _ if !in_flags || content.contains(['\t', '\r']) => return None,
            Some(depth) if indent < depth => return None,
            Some(depth) if indent > depth => is_closed(content).then_some(())?,
            _ => {
                depth = Some(indent);
                keys.push(key(content)?);
            }
        }
    }
    Some(keys)
}

/// The key of a line that begins a flag.
fn key(content: &str) -> Option<&str> {
    let end = content.find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-'))?;
    let (key, rest) = content.split_at_checked(end)?;
    if !key.starts_with(|c: char| c.is_ascii_lowercase()) || key.len() > 128 {
        return None;
    }
    let value = without_comment(rest.strip_prefix(':')?)?;
    let whole = value.is_empty() || (value.starts_with('{') && value.ends_with('}'));
    (whole && is_closed(value)).then_some(key)
}

/// What stands between a colon and a comment, trimmed; `None` where no space follows the colon.
fn without_comment(rest: &str) -> Option<&str> {
    let value = rest.trim_start_matches(' ');
    if value.is_empty() {
        return Some("");
    }
    if value.len() == rest.len() {
        return None;
    }
    let end = if value.starts_with('#') {
        0
    } else {
        value.find(" #").unwrap_or(value.len())
    };
    value.get(..end).map(str::trim_end)
}

/// Whether nothing that begins in a line goes on in the next. Braces and quotes within a word count
/// as well, since it takes a parser to tell.
fn is_closed(content: &str) -> bool {
    let mut open = 0_i32;
    let mut quote = None;
    let mut before = ' ';
    for c in content.chars() {
        match quote {
            Some('"') if c == '\\' => return false,
            Some(begun) if begun == c => quote = None,
            Some(_) => {}
            None => match c {
                '{' | '[' => open += 1,
                '}' | ']' => open -= 1,
                // An apostrophe within a word is no quote.
                '"' | '\'' if " [{,:".contains(before) => quote = Some(c),
                _ => {}
            },
        }
        if open < 0 {
            return false;
        }
        before = c;
    }
    open == 0 && quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Vec<Box<str>> {
        flags(text.as_bytes())
            .into_iter()
            .map(|flag| flag.key.value)
            .collect()
    }

    #[test]
    fn usual_files_are_read_by_line() {
        for (text, expected) in [
            ("", Some(&[][..])),
            ("# only a comment\n", Some(&[])),
            ("flags:\n", Some(&[])),
            (
                "flags:\n  a:\n    enabled: true\n\n  b: {} # two\n",
                Some(&["a", "b"]),
            ),
            (
                "flags: # all\r\n  a.b-c:\r\n    description: it's\r\n",
                Some(&["a.b-c"]),
            ),
            (
                "flags:\n  a:\n    description: |\n      b:\n     c:\n",
                Some(&["a"]),
            ),
            ("flags:\n  a: { x: [1, 'b' ] }\n", Some(&["a"])),
            ("flags: {}\n", None),
            ("flags:\n  a: { x: 1,\n  b: 2 }\n", None),
            ("flags:\n  a:\n    description: \"x\n  b: y\"\n", None),
            ("flags:\n  a: &x {}\n", None),
            ("flags:\n  <<: *x\n", None),
            ("flags:\n  A: {}\n", None),
            ("flags:\n  a: {}\n---\nflags:\n  b: {}\n", None),
            ("flags:\n  a: {}\n b: {}\n", None),
            ("flags:\n\ta: {}\n", None),
        ] {
            assert_eq!(by_line(text).as_deref(), expected, "{text}");
            let keys: Vec<_> = keys(text.as_bytes());
            assert_eq!(keys, parsed(text), "{text}");
        }
    }

    proptest! {
        /// What goes by line is what the parser finds.
        #[test]
        fn the_parser_agrees(
            lines in prop::collection::vec(
                prop_oneof![
                    8 => "  [ab]:( \\{\\}| \\{ x: 1 \\}| #c)?\n",
                    4 => "    (enabled|description|rollout|a):( true| it's| 'a| \"b\"| \\[1| \\{x: 1\\}| \\|)?\n",
                    2 => "      (- x|b:|\\]|'|\"|\\})\n",
                    1 => "(#c|---|flags:|other:| c:|\t|  - x|  \\? a|  : b|   a:)\n",
                ],
                0..10,
            ),
        ) {
            let text = format!("flags:\n{}", lines.concat());
            if let Some(keys) = by_line(&text) {
                let (tree, found) = yaml::parse(FileId(0), &text);
                drop(tree);
                // A file with errors in it is parsed for what can be saved, in a way of its own.
                if found.is_empty() {
                    let keys: Vec<Box<str>> = keys.into_iter().map(Box::from).collect();
                    prop_assert_eq!(keys, parsed(&text), "{}", text);
                }
            }
        }
    }
}
