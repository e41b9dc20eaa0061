//! A flag, taken out of a flag file.

use std::ops::Range;

use super::document::{Document, behind_break, comments, line_above, line_start};
use super::insert::{end_with_comments, is_modeline, with_comments_above};
use super::{Draft, Refusal, Splice, layout, others_are_the_same};
use crate::yaml::{Entry, Value};

/// Takes a flag out, with the comments that belong to it: those within, and those directly above. An
/// empty line next to it goes too where it stood between flags. `None` where nothing is left of the
/// file but what editors read; one with other text or comments keeps an empty map of flags.
///
/// # Errors
/// Where that cannot be done without touching anything else.
pub fn remove(text: &str, key: &str) -> Result<Option<String>, Refusal> {
    let document = Document::read(text);
    let (flags, flag) = document.flag(key)?;
    let map = flags.value;
    let only = document.entries(map).len() == 1;
    let mut splices = Vec::new();
    if document.is_flow(map) {
        if only {
            let range = document.range(map);
            document.unshared(&range)?;
            splices.push(Splice {
                range,
                text: "{}".to_owned(),
            });
        } else {
            splices.push(document.take_out(map, flag)?);
        }
    } else {
        let range = own_lines(&document, flags, flag)?;
        document.unshared(&range)?;
        splices.push(Splice {
            range,
            text: String::new(),
        });
        if only {
            let key = document.tree.span(flags.key).range();
            let rest = text.get(key.end..).unwrap_or_default();
            let colon = rest.find(':').ok_or_else(|| layout(text, key.start))?;
            let at = key.end + colon + 1;
            splices.push(Splice {
                range: at..at,
                text: " {}".to_owned(),
            });
        }
    }
    let mut draft = Draft::new(text);
    draft.splice(splices)?;
    if others_are_the_same(&draft.text, text, key) != Some(0) {
        return Err(layout(text, document.whole(flag).start));
    }
    Ok(Some(draft.text).filter(|left| !only || says_something(left)))
}

/// Whether there is anything in a text besides an empty map of flags, and what editors read.
fn says_something(text: &str) -> bool {
    let document = Document::read(text);
    let [root] = document.tree.documents() else {
        return true;
    };
    let alone = match document.tree.value(*root) {
        Value::Mapping([entry]) => document.entries(entry.value).is_empty(),
        _ => false,
    };
    !alone || comments(text).any(|comment| !is_modeline(&comment))
}

/// The lines of a flag, and an empty one that would be left over.
fn own_lines(document: &Document<'_>, flags: Entry, flag: Entry) -> Result<Range<usize>, Refusal> {
    let text = document.text;
    let whole = document.whole(flag);
    let first = line_start(text, whole.start);
    let indent = text.get(first..whole.start).unwrap_or("?");
    if !indent.trim().is_empty() {
        return Err(layout(text, whole.start));
    }
    let mut start = with_comments_above(text, first, indent.len());
    let end = end_with_comments(text, whole.end, indent.len());
    let mut end = behind_break(text, end);
    let is_empty = |line: Range<usize>| {
        text.get(line)
            .is_some_and(|line| !line.is_empty() && line.trim().is_empty())
    };
    let empty_above = line_above(text, start).filter(|line| is_empty(line.clone()));
    let own = document.own_entries(flags.value);
    let is_last = own.last().map(|last| last.key) == Some(flag.key);
    let is_first = own.first().map(|first| first.key) == Some(flag.key);
    match empty_above {
        Some(line) if is_last && own.len() > 1 => start = line.start,
        empty_above => {
            let below = end..behind_break(text, super::document::line_end(text, end));
            if !is_last && (is_first || empty_above.is_some()) && is_empty(below.clone()) {
                end = below.end;
            }
        }
    }
    if end == text.len() && !text.ends_with(['\n', '\r']) {
        // The line in front of it becomes the last one, without a line break like this one.
        let before = text.get(..start).unwrap_or_default();
        let bare = before.strip_suffix('\n').unwrap_or(before);
        start = bare.strip_suffix('\r').unwrap_or(bare).len();
    }
    Ok(start..end)
}
