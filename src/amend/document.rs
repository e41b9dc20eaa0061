//! A flag file in which things are looked up to be changed.

use std::ops::Range;

use super::{Refusal, Splice, layout, line_of};
use crate::diagnostic::{FileId, LineIndex, Span};
use crate::model::{self, Flag};
use crate::rules::without_entry;
use crate::yaml::{self, Entry, NodeId, Tree, Value};

/// A text, as it is now.
pub(super) struct Document<'s> {
    pub text: &'s str,
    pub tree: Tree<'s>,
}

impl<'s> Document<'s> {
    pub(super) fn read(text: &'s str) -> Self {
        // What is wrong with the text is for the linter to say.
        let (tree, _) = yaml::parse(FileId::default(), text);
        Self { text, tree }
    }

    /// Every flag, as far as it can be read.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let lines = LineIndex::new(self.text);
        let documents = self.tree.documents().iter();
        documents
            .flat_map(|document| model::flags(FileId::default(), &self.tree, &lines, *document))
            .collect()
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self, node: NodeId) -> &[Entry] {
        match self.tree.value(node) {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn entry(&self, node: NodeId, name: &str) -> Option<Entry> {
        let mut entries = self.entries(node).iter();
        entries
            .find(|entry| self.tree.key_text(entry.key) == Some(name))
            .copied()
    }

    /// The maps of flags, with their documents: a file has one, unless it has several documents.
    pub(super) fn flag_maps(&self) -> impl Iterator<Item = (NodeId, Entry)> {
        let documents = self.tree.documents().iter();
        documents.filter_map(|document| Some((*document, self.entry(*document, "flags")?)))
    }

    /// A flag, and the map that it stands in.
    pub(super) fn flag(&self, key: &str) -> Result<(Entry, Entry), Refusal> {
        let mut maps = self.flag_maps();
        let found = maps.find_map(|(_, map)| Some((map, self.entry(map.value, key)?)));
        let (map, flag) = found.ok_or_else(|| Refusal::NoFlag(key.to_owned()))?;
        self.own(map.value, flag)?;
        Ok((map, flag))
    }

    /// Refuses an entry that was merged into its map from elsewhere.
    pub(super) fn own(&self, map: NodeId, entry: Entry) -> Result<(), Refusal> {
        let (map, key) = (self.tree.span(map), self.tree.span(entry.key));
        if map.contains(key) {
            return Ok(());
        }
        Err(Refusal::Merged {
            line: line_of(self.text, map.start as usize),
        })
    }

    /// Refuses a change of what an alias makes part of something else, and of what an alias has a part
    /// of.
    pub(super) fn unshared(&self, range: &Range<usize>) -> Result<(), Refusal> {
        let touches = |target: Span| {
            let target = target.range();
            target.start < range.end && range.start < target.end
        };
        match self.tree.alias_targets().any(touches) {
            false => Ok(()),
            true => Err(self.shared(range.start)),
        }
    }

    /// Refuses to add to a map that an alias makes part of something else.
    pub(super) fn unshared_map(&self, map: NodeId) -> Result<(), Refusal> {
        let map = self.tree.span(map);
        match self.tree.alias_targets().any(|target| target.contains(map)) {
            false => Ok(()),
            true => Err(self.shared(map.range().start)),
        }
    }

    /// What an alias or `<<` brings cannot be changed here.
    pub(super) fn merged(&self, node: NodeId) -> Refusal {
        Refusal::Merged {
            line: line_of(self.text, self.tree.span(node).range().start),
        }
    }

    /// The entries that are written in the map itself, in file order.
    pub(super) fn own_entries(&self, map: NodeId) -> Vec<Entry> {
        let entries = self.entries(map).iter().copied();
        entries
            .filter(|entry| self.own(map, *entry).is_ok())
            .collect()
    }

    /// An entry between braces, with the comma in front of it or behind.
    fn between_commas(&self, map: NodeId, whole: &Range<usize>) -> Option<Range<usize>> {
        let own = self.own_entries(map);
        let at = own.iter().position(|entry| self.whole(*entry) == *whole)?;
        let is_comma = |gap: &Range<usize>| self.text.get(gap.clone()).map(str::trim) == Some(",");
        let before = at.checked_sub(1).and_then(|at| own.get(at));
        let before = before.map(|before| self.whole(*before).end..whole.start);
        let behind = own.get(at + 1);
        let behind = behind.map(|behind| whole.end..self.whole(*behind).start);
        match (before.filter(is_comma), behind.filter(is_comma)) {
            (Some(gap), _) => Some(gap.start..whole.end),
            (None, Some(gap)) if at == 0 => Some(whole.start..gap.end),
            _ => None,
        }
    }

    /// What is to go behind the last entry of a map between braces.
    pub(super) fn insert_flow(&self, map: NodeId, entry: &str) -> Result<Splice, Refusal> {
        self.unshared_map(map)?;
        let (at, text) = match self.own_entries(map).last() {
            Some(last) => (self.whole(*last).end, format!(", {entry}")),
            None => (self.range(map).start + 1, format!(" {entry} ")),
        };
        Ok(Splice {
            range: at..at,
            text,
        })
    }

    fn shared(&self, at: usize) -> Refusal {
        Refusal::Shared {
            line: line_of(self.text, at),
        }
    }

    /// Puts `lines` below the line that `end`, the end of a node, is on.
    pub(super) fn below(&self, end: usize, lines: &[String]) -> Splice {
        let line_break = self.line_break();
        let before = self.text.get(..end).unwrap_or_default();
        // The text of a block scalar ends with its last line.
        if before.ends_with(['\n', '\r']) {
            let lines = lines.iter().map(|line| format!("{line}{line_break}"));
            return Splice {
                range: end..end,
                text: lines.collect(),
            };
        }
        let at = line_end(self.text, end);
        let lines = lines.iter().map(|line| format!("{line_break}{line}"));
        Splice {
            range: at..at,
            text: lines.collect(),
        }
    }

    /// Where a node is written, the first dash of a list among it: the span of a list that is indented
    /// no further than its key begins behind that.
    pub(super) fn range(&self, node: NodeId) -> Range<usize> {
        let range = self.tree.span(node).range();
        let Value::Sequence([first, ..]) = self.tree.value(node) else {
            return range;
        };
        let before = self.text.get(..range.start).unwrap_or_default();
        let before = before.trim_end_matches([' ', '\t']);
        if self.tree.span(*first).range().start == range.start && before.ends_with('-') {
            return before.len() - 1..range.end;
        }
        range
    }

    pub(super) fn written(&self, node: NodeId) -> &'s str {
        self.text.get(self.range(node)).unwrap_or_default()
    }

    /// Whether a collection is written between braces or brackets.
    pub(super) fn is_flow(&self, node: NodeId) -> bool {
        self.written(node).starts_with(['{', '['])
    }

    pub(super) fn is_alias(&self, node: NodeId) -> bool {
        self.written(node).starts_with('*')
    }

    pub(super) fn whole(&self, entry: Entry) -> Range<usize> {
        self.tree
            .span(entry.key)
            .to(self.tree.span(entry.value))
            .range()
    }

    /// Bytes between the beginning of its line and `at`.
    pub(super) fn column(&self, at: usize) -> usize {
        at - line_start(self.text, at)
    }

    /// How lines end here: as the first one does.
    pub(super) fn line_break(&self) -> &'static str {
        line_break(self.text)
    }

    /// What takes an entry out of its map, in which there are others.
    pub(super) fn take_out(&self, map: NodeId, entry: Entry) -> Result<Splice, Refusal> {
        self.own(map, entry)?;
        let whole = self.whole(entry);
        let edit = without_entry(&self.tree, self.tree.span(entry.key));
        let range = match edit {
            Some(edit) => edit.span.range(),
            // What looks like a comment may be part of a text.
            None if self.is_flow(map) => self
                .between_commas(map, &whole)
                .ok_or_else(|| layout(self.text, whole.start))?,
            None => lines(self.text, &whole).ok_or_else(|| layout(self.text, whole.start))?,
        };
        self.unshared(&range)?;
        Ok(Splice {
            range,
            text: String::new(),
        })
    }
}

/// The line break that a text uses.
pub(super) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// Where the line of `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind(['\n', '\r']).map_or(0, |end| end + 1)
}

/// Where the line of `at` ends, in front of its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find(['\n', '\r']).map_or(text.len(), |end| at + end)
}

/// Behind the line break at `at`, if there is one.
pub(super) fn behind_break(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let length = if rest.starts_with("\r\n") { 2 } else { 1 };
    (at + length).min(text.len())
}

/// The lines that `what` is on, those comments above that silence rules for it, and the line break
/// behind; `None` where something else begins on its first line.
pub(super) fn lines(text: &str, what: &Range<usize>) -> Option<Range<usize>> {
    let mut start = line_start(text, what.start);
    if !text.get(start..what.start)?.trim().is_empty() {
        return None;
    }
    while let Some(above) = line_above(text, start) {
        let line = text.get(above.clone())?.trim();
        if !(line.starts_with('#') && is_directive(line)) {
            break;
        }
        start = above.start;
    }
    // The text of a block scalar ends with its last line.
    let ended = text.get(..what.end)?.ends_with(['\n', '\r']) && what.end > what.start;
    let end = if ended {
        what.end
    } else {
        behind_break(text, line_end(text, what.end))
    };
    Some(start..end)
}

/// The line in front of the one that begins at `start`, with its line break.
pub(super) fn line_above(text: &str, start: usize) -> Option<Range<usize>> {
    let before = text.get(..start)?;
    let bare = before.strip_suffix('\n').unwrap_or(before);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    (start > 0).then(|| line_start(text, bare.len())..start)
}

/// Whether a comment silences a rule for its line or the next one.
pub(super) fn is_directive(comment: &str) -> bool {
    comment.contains("hoist-ignore") && !comment.contains("hoist-ignore-file")
}

/// What looks like a comment in a piece of a text.
pub(super) fn comments(piece: &str) -> impl Iterator<Item = String> {
    piece.lines().filter_map(|line| {
        let mut marks = line.match_indices('#').map(|(at, _)| at);
        let at = marks.find(|at| {
            line.get(..*at)
                .is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
        })?;
        Some(line.get(at..)?.trim_end().to_owned())
    })
}
