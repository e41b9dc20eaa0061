//! Edits that take something out of a file and leave the rest as it is, byte for byte.
//!
//! No comment is lost: one behind what goes stays in its place, except a `hoist-ignore`, which would
//! count for another line then. Where something cannot be taken out cleanly there is no edit, and a
//! person has to do it.

use std::ops::Range;

use crate::diagnostic::{Edit, Span};
use crate::yaml::{Entry, NodeId, Tree, Value};

/// Longest map that is searched from end to end, which one with merges can take.
const MOST_SEARCHED: usize = 10_000;

/// What is to go.
#[derive(Clone, Copy)]
enum Child {
    /// The entry of a map whose key stands there.
    Entry(Span),
    /// The item of a list that stands there.
    Item(Span),
}

/// A child of a collection, and what stands next to it.
struct Place {
    parent: Span,
    before: Option<Span>,
    child: Span,
    after: Option<Span>,
}

/// Takes out the entry of a map whose key stands at `key`. `None` for the only entry.
pub fn without_entry(tree: &Tree<'_>, key: Span) -> Option<Edit> {
    without(tree, Child::Entry(key))
}

/// Takes out the item of a list that stands at `item`. `None` for the only item.
pub fn without_item(tree: &Tree<'_>, item: Span) -> Option<Edit> {
    without(tree, Child::Item(item))
}

fn without(tree: &Tree<'_>, child: Child) -> Option<Edit> {
    let place = locate(tree, child)?;
    let text = tree.text();
    let written = text.get(place.child.range())?;
    if has_comment(written) || has_anchor(written) {
        return None;
    }
    let parent = text.get(place.parent.range())?;
    // What a merge brings would show where the entry is gone.
    if matches!(child, Child::Entry(_)) && parent.contains("<<") {
        return None;
    }
    let range = if parent.starts_with(['{', '[']) {
        in_flow(text, &place)
    } else {
        in_block(text, &place, matches!(child, Child::Item(_)))
    }?;
    Some(Edit {
        span: Span::new(range.start, range.end),
        text: String::new(),
    })
}

/// Finds a child that is not the only one in its collection.
fn locate(tree: &Tree<'_>, child: Child) -> Option<Place> {
    let (Child::Entry(wanted) | Child::Item(wanted)) = child;
    let covers = |node: NodeId| {
        let span = tree.span(node);
        (span.start..=span.end).contains(&wanted.start)
    };
    let documents = tree.documents();
    let behind = documents.partition_point(|document| tree.span(*document).start <= wanted.start);
    let mut node = *documents.get(behind.checked_sub(1)?)?;
    while covers(node) {
        let (spans, inner) = match tree.value(node) {
            Value::Mapping(entries) => {
                let whole = |entry: &Entry| tree.span(entry.key).to(tree.span(entry.value));
                let at = position(entries, wanted.start, whole)?;
                let entry = entries.get(at)?;
                let found = matches!(child, Child::Entry(key) if tree.span(entry.key) == key);
                let around = |found: bool| found.then(|| around(entries, at, whole));
                (around(found), entry.value)
            }
            Value::Sequence(items) => {
                let whole = |item: &NodeId| tree.span(*item);
                let at = position(items, wanted.start, whole)?;
                let item = *items.get(at)?;
                let found = matches!(child, Child::Item(span) if tree.span(item) == span);
                (found.then(|| around(items, at, whole)), item)
            }
            _ => return None,
        };
        if let Some([before, child, after]) = spans {
            let is_only = before.is_none() && after.is_none();
            return (!is_only && tree.is_complete(node)).then_some(Place {
                parent: tree.span(node),
                before,
                child: child?,
                after,
            });
        }
        node = inner;
    }
    None
}

/// Which of the children the byte at `offset` is in.
fn position<T>(children: &[T], offset: u32, whole: impl Fn(&T) -> Span) -> Option<usize> {
    let holds = |child: &T| {
        let span = whole(child);
        span.start == offset || span.range().contains(&(offset as usize))
    };
    let behind = children.partition_point(|child| whole(child).start <= offset);
    let nearest = behind.checked_sub(1);
    let found = nearest.filter(|at| children.get(*at).is_some_and(holds));
    // What was merged in stands elsewhere in the file, behind the map's own entries in the tree.
    let few = children.get(..children.len().min(MOST_SEARCHED))?;
    found.or_else(|| few.iter().position(holds))
}

fn around<T>(children: &[T], at: usize, whole: impl Fn(&T) -> Span) -> [Option<Span>; 3] {
    let span = |at: usize| children.get(at).map(&whole);
    [at.checked_sub(1).and_then(span), span(at), span(at + 1)]
}

/// The bytes to delete for a child between braces or brackets.
fn in_flow(text: &str, place: &Place) -> Option<Range<usize>> {
    let child = place.child.range();
    let is_gap = |range: &Range<usize>| {
        let gap = text.get(range.clone()).unwrap_or("?");
        gap.chars().filter(|c| *c == ',').count() == 1
            && gap.chars().all(|c| c == ',' || c.is_ascii_whitespace())
    };
    let rest = text.get(child.end..)?;
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let comma = rest.get(blank..)?.starts_with(',');
    let starts_line = starts_line(text, child.start).is_some();
    if starts_line
        && comma
        && let Some(lines) = lines(text, child.start..child.end + blank + 1)
    {
        return Some(lines);
    }
    let with_gap_before = place.before.map(|before| before.range().end..child.start);
    if let Some(gap) = with_gap_before.filter(is_gap) {
        return Some(gap.start..child.end);
    }
    // An anchor or a tag would be left for the next child.
    let before = text.get(..child.start)?.trim_end_matches([' ', '\t']);
    if !before.ends_with(['[', '{', ',', '\n', '\r']) {
        return None;
    }
    let with_gap_behind = place.after.map(|after| child.end..after.range().start);
    if let Some(gap) = with_gap_behind.filter(is_gap) {
        return Some(child.start..gap.end);
    }
    lines(text, child).filter(|_| starts_line && place.after.is_none())
}

/// The bytes to delete for a child that has lines of its own, or shares its first with the dashes of
/// lists around it.
fn in_block(text: &str, place: &Place, is_item: bool) -> Option<Range<usize>> {
    let start = |child: Span| {
        let start = child.range().start;
        if is_item {
            dash(text, start)
        } else {
            Some(start)
        }
    };
    let child = start(place.child)?..place.child.range().end;
    if starts_line(text, child.start).is_some() {
        return lines(text, child);
    }
    // The first child behind a dash: the next one takes its place.
    let prefix = text.get(..child.start)?;
    let indent = prefix.trim_end_matches([' ', '\t', '-']);
    let next = start(place.after?)?;
    let gap = text.get(child.end..next)?;
    let clean = place.before.is_none()
        && (indent.is_empty() || indent.ends_with(['\n', '\r']))
        && gap.chars().all(|c| c.is_ascii_whitespace());
    clean.then_some(child.start..next)
}

/// The dash of the list item that starts at `item`.
fn dash(text: &str, item: usize) -> Option<usize> {
    let before = text
        .get(..item)?
        .trim_end_matches(|c: char| c.is_ascii_whitespace());
    before.ends_with('-').then(|| before.len() - 1)
}

/// Where the line of `at` begins, if there is nothing but white space before `at`.
fn starts_line(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?.trim_end_matches([' ', '\t']);
    (before.is_empty() || before.ends_with(['\n', '\r'])).then_some(before.len())
}

/// The lines that `what` is on, if there is nothing else on them: a comment stays, and an empty line
/// does not.
fn lines(text: &str, what: Range<usize>) -> Option<Range<usize>> {
    let first = starts_line(text, what.start)?;
    if is_ignored(text.get(..first)?) {
        return None;
    }
    // The text of a block scalar ends with its last line.
    if text.get(..what.end)?.ends_with(['\n', '\r']) {
        return Some(first..what.end);
    }
    let rest = text.get(what.end..)?;
    let behind = rest.trim_start_matches([' ', '\t']);
    if behind.starts_with('#') && behind.len() < rest.len() {
        let end = behind.find(['\n', '\r']).unwrap_or(behind.len());
        if !is_directive(behind.get(..end)?) {
            return Some(what.start..text.len() - behind.len());
        }
        let end = text.len() - behind.len() + end;
        return Some(with_break(text, first..end));
    }
    let ends = behind.is_empty() || behind.starts_with(['\n', '\r']);
    ends.then(|| with_break(text, first..text.len() - behind.len()))
}

/// Lines together with the line break behind them or, at the end of a text without one, the line
/// break before them.
fn with_break(text: &str, lines: Range<usize>) -> Range<usize> {
    let behind = text.get(lines.end..).unwrap_or_default();
    let before = text.get(..lines.start).unwrap_or_default();
    if behind.is_empty() {
        lines.start - line_break(before.ends_with("\r\n"), !before.is_empty())..lines.end
    } else {
        lines.start..lines.end + line_break(behind.starts_with("\r\n"), true)
    }
}

fn line_break(is_pair: bool, is_one: bool) -> usize {
    if is_pair { 2 } else { usize::from(is_one) }
}

/// Whether one of the comment lines at the end of `text` is meant for the line that follows.
fn is_ignored(text: &str) -> bool {
    let lines = text.lines().rev();
    lines
        .take_while(|line| line.trim_start().starts_with('#'))
        .any(is_directive)
}

/// Whether a comment is for its line or the next one only.
fn is_directive(comment: &str) -> bool {
    comment.contains("hoist-ignore") && !comment.contains("hoist-ignore-file")
}

/// Whether there may be a comment in `text`.
fn has_comment(text: &str) -> bool {
    let mut marks = text.match_indices('#');
    marks.any(|(at, _)| {
        text.get(..at)
            .is_none_or(|text| text.ends_with(char::is_whitespace))
    })
}

/// Whether there may be an anchor in `text`, which an alias elsewhere would miss.
fn has_anchor(text: &str) -> bool {
    let mut marks = text.match_indices('&');
    let begins = |text: &str| {
        text.is_empty() || text.ends_with(|c: char| c.is_whitespace() || "[{,:-?".contains(c))
    };
    marks.any(|(at, _)| text.get(..at).is_none_or(begins))
}

#[cfg(test)]
mod tests;
