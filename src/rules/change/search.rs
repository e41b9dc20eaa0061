//! Looks for flags in earlier contents of flag files: thousands of them, most of which have nothing
//! of what is searched for.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use crate::diagnostic::{FileId, LineIndex};
use crate::model::{self, Expiry, Flag};
use crate::yaml;

/// A flag that was there.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    pub key: Arc<str>,
    pub expires: Option<Expiry>,
}

/// Escapes by which a double-quoted key may hide from a search for its letters.
const ESCAPES: [&str; 3] = ["\\x", "\\u", "\\U"];

/// Some keys to look for.
///
/// A content is parsed only where a key stands in it as one, and not again where the lines of that
/// flag are the same as in a content that was.
#[derive(Debug)]
pub struct Search {
    keys: Vec<Arc<str>>,
    /// The escapes, and behind them the keys.
    finder: Option<AhoCorasick>,
    /// By the lines of a flag, and the line at the margin above them.
    known: HashMap<Vec<u8>, Option<Sighting>>,
}

/// What the text alone tells of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// The lines that are the flag's, if it is one, as they are looked up in what is known.
    Lines(Vec<u8>),
    /// It takes a parser to tell.
    Unclear,
}

impl Search {
    /// A search for no keys finds nothing.
    #[must_use]
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        let keys: Vec<Arc<str>> = keys.into_iter().map(Arc::from).collect();
        let patterns = ESCAPES.into_iter().chain(keys.iter().map(|key| &**key));
        Self {
            finder: AhoCorasick::new(patterns).ok(),
            keys,
            known: HashMap::new(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The flags that `bytes`, the content of a flag file, has of those that are searched for.
    pub fn look(&mut self, bytes: &[u8]) -> Vec<Sighting> {
        let places = self.places(bytes);
        let mut sightings = Vec::new();
        for place in &places {
            match place {
                Place::Nowhere => {}
                Place::Lines(lines) => match self.known.get(lines) {
                    Some(known) => sightings.extend(known.clone()),
                    None => return self.parse(bytes, places),
                },
                Place::Unclear => return self.parse(bytes, places),
            }
        }
        sightings
    }

    /// Where each key may stand, in their order.
    fn places(&self, bytes: &[u8]) -> Vec<Place> {
        let Some(finder) = &self.finder else {
            return vec![Place::Unclear; self.keys.len()];
        };
        let mut places = vec![Place::Nowhere; self.keys.len()];
        // What is merged into a map stands elsewhere.
        let mut unclear = None;
        for found in finder.find_overlapping_iter(bytes) {
            let Some(index) = found.pattern().as_usize().checked_sub(ESCAPES.len()) else {
                if escapes_a_key(bytes, found.end()) {
                    return vec![Place::Unclear; self.keys.len()];
                }
                continue;
            };
            let (Some(place), Some(found)) = (
                places.get_mut(index),
                place(bytes, found.start(), found.end()),
            ) else {
                continue;
            };
            let merges = || bytes.windows(2).any(|pair| pair == b"<<");
            let only = *place == Place::Nowhere && !*unclear.get_or_insert_with(merges);
            *place = if only { found } else { Place::Unclear };
        }
        places
    }

    fn parse(&mut self, bytes: &[u8], places: Vec<Place>) -> Vec<Sighting> {
        let flags = flags(bytes);
        let sightings: Vec<Option<Sighting>> = self
            .keys
            .iter()
            .map(|key| {
                let flag = flags.iter().find(|flag| *flag.key.value == **key)?;
                Some(Sighting {
                    key: Arc::clone(key),
                    expires: flag.expires.as_ref().map(|field| field.value),
                })
            })
            .collect();
        for (place, sighting) in places.into_iter().zip(&sightings) {
            if let Place::Lines(lines) = place {
                self.known.insert(lines, sighting.clone());
            }
        }
        sightings.into_iter().flatten().collect()
    }
}

/// Every flag of a file, without a word on what is wrong with it.
pub(super) fn flags(bytes: &[u8]) -> Vec<Flag> {
    let file = FileId::default();
    let Ok(text) = yaml::decode(file, bytes) else {
        return Vec::new();
    };
    let (tree, _) = yaml::parse(file, text);
    let lines = LineIndex::new(text);
    let documents = tree.documents().iter();
    documents
        .flat_map(|document| model::flags(file, &tree, &lines, *document))
        .collect()
}

/// Whether the letters of `key` stand in `text` as a word.
#[must_use]
pub fn names(text: &str, key: &str) -> bool {
    let bytes = text.as_bytes();
    let mut places = text.match_indices(key);
    places.any(|(at, _)| is_word(bytes, at, at + key.len()))
}

/// Whether what stands at `start..end` is not part of a longer key.
fn is_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    !before.is_some_and(is_key) && !bytes.get(end).is_some_and(is_key)
}

/// What a key's letters at `start..end` amount to; `None` where they are surely no key.
fn place(bytes: &[u8], start: usize, end: usize) -> Option<Place> {
    let (before, after) = (bytes.get(..start)?, bytes.get(end..)?);
    if !is_word(bytes, start, end) {
        return None;
    }
    let line = start_of_line(before);
    let prefix = before.get(line..)?;
    if prefix.trim_ascii_start().starts_with(b"#") {
        return None;
    }
    let after = after.strip_prefix(b"\"").unwrap_or(after);
    let after = after.strip_prefix(b"'").unwrap_or(after);
    let behind = after.iter().find(|byte| !b" \t".contains(byte));
    let alone = prefix.trim_ascii().is_empty() && behind.is_none_or(|byte| b"\r\n#".contains(byte));
    if behind != Some(&b':') {
        // It may still be a key, in ways that hardly anybody writes.
        let odd = alone || prefix.iter().any(|byte| b"&?".contains(byte));
        return odd.then_some(Place::Unclear);
    }
    let indent = prefix.len();
    if prefix.iter().any(|byte| *byte != b' ') {
        return Some(Place::Unclear);
    }
    let lines = own_lines(bytes.get(line..)?, indent);
    if lines.contains(&b'*') {
        return Some(Place::Unclear);
    }
    let mut known = margin_above(before).to_owned();
    known.push(0);
    known.extend(lines);
    Some(Place::Lines(known))
}

/// Where the line begins that `before` ends within.
fn start_of_line(before: &[u8]) -> usize {
    let ends = before.iter().rposition(|byte| b"\r\n".contains(byte));
    ends.map_or(0, |at| at + 1)
}

/// The first line of `bytes`, which is indented by so many spaces, and those below that belong to it.
fn own_lines(bytes: &[u8], indent: usize) -> &[u8] {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_start();
        let depth = line.len() - text.len();
        if end > 0 && depth <= indent && !text.is_empty() && !text.starts_with(b"#") {
            break;
        }
        end += line.len();
    }
    bytes.get(..end).unwrap_or(bytes)
}

/// The last line of `before` that begins at the margin and is no comment.
fn margin_above(before: &[u8]) -> &[u8] {
    let mut lines = before.rsplit(|byte| *byte == b'\n');
    lines
        .find(|line| line.first().is_some_and(|byte| !b" \t\r#".contains(byte)))
        .unwrap_or_default()
}

/// Whether an escape that ends at `end` is part of what may be a key.
fn escapes_a_key(bytes: &[u8], end: usize) -> bool {
    let Some((before, after)) = bytes.split_at_checked(end) else {
        return false;
    };
    let line = before.get(start_of_line(before)..).unwrap_or_default();
    let rest = after.split(|byte| *byte == b'\n').next();
    let rest = rest.unwrap_or_default();
    let quoted = rest.iter().position(|byte| *byte == b'"');
    let behind = quoted.and_then(|at| rest.get(at + 1..));
    let is_key = behind.is_some_and(|behind| behind.trim_ascii_start().starts_with(b":"));
    is_key || line.trim_ascii_start().starts_with(b"?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(text: &str) -> Vec<String> {
        let mut search = Search::new(["old", "old_search"]);
        // What is known does not change what is found.
        let first = search.look(text.as_bytes());
        assert_eq!(search.look(text.as_bytes()), first, "{text}");
        first.iter().map(|seen| seen.key.to_string()).collect()
    }

    #[test]
    fn keys_are_found_however_they_are_written() {
        for (text, keys) in [
            ("flags:\n  old:\n    enabled: true\n", &["old"][..]),
            ("flags:\r\n  old:\r\n    enabled: true\r\n", &["old"]),
            ("flags: { old: {}, old_search: {} }", &["old", "old_search"]),
            ("flags:\n  \"old\" : {}\n", &["old"]),
            ("flags:\n  'old_search': {}\n", &["old_search"]),
            ("flags:\n  \"\\x6fld\": {}\n", &["old"]),
            ("flags:\n  ? old\n  : {}\n", &["old"]),
            ("flags:\n  ? |-\n    old\n  : {}\n", &["old"]),
            ("x: &x\n  old: {}\nflags:\n  <<: *x\n", &["old"]),
            ("x: &x old\nflags:\n  *x : {}\n", &["old"]),
            ("flags: {}\n---\nflags:\n  old: {}\n", &["old"]),
            ("flags:\n  older: {}\n  the.old: {}\n", &[]),
            ("flags:\n  new:\n    description: like old\n", &[]),
            ("flags:\n  # old: gone\n  new: {} # old: gone\n", &[]),
            ("flags:\n  new:\n    forced: { old: [] }\n", &[]),
            ("flags:\n  new:\n    description: |\n      old:\n", &[]),
            ("other:\n  old: {}\n", &[]),
            ("flags: [", &[]),
        ] {
            assert_eq!(seen(text), keys, "{text}");
        }
    }

    #[test]
    fn what_is_known_is_of_one_place() {
        let mut search = Search::new(["old"]);
        assert_eq!(search.look(b"flags:\n  old: {}\n").len(), 1);
        assert_eq!(search.look(b"other:\n  old: {}\n").len(), 0);
        assert_eq!(search.look(b"flags:\n  a: {}\n  old: {}\n").len(), 1);
    }

    #[test]
    fn dates_come_with_the_keys() {
        let mut search = Search::new(["old"]);
        let expires = |search: &mut Search, text: &str| search.look(text.as_bytes())[0].expires;
        let on = |day| Some(Expiry::On(jiff::civil::date(2026, 12, day)));
        for (text, expected) in [
            ("flags:\n  old:\n    expires: 2026-12-01\n", on(1)),
            ("flags:\n  old:\n    expires: 2026-12-02\n", on(2)),
            ("flags:\n  old:\n    expires: never\n", Some(Expiry::Never)),
            ("flags:\n  old: {}\n", None),
            ("d: &d 2026-12-03\nflags:\n  old:\n    expires: *d\n", on(3)),
            ("d: &d 2026-12-04\nflags:\n  old:\n    expires: *d\n", on(4)),
        ] {
            assert_eq!(expires(&mut search, text), expected, "{text}");
        }
    }

    proptest! {
        /// The shortcuts find what parsing every text finds.
        #[test]
        fn the_parser_agrees(
            texts in prop::collection::vec(
                prop::collection::vec(
                    prop_oneof![
                        Just("flags:\n"), Just("other:\n"), Just("---\n"), Just("  old:\n"),
                        Just("  old_search: {}\n"), Just("    description: |\n"), Just("      old:\n"),
                        Just("    expires: 2026-12-01\n"), Just("    expires: 2026-12-02\n"),
                        Just("  new: &a\n"), Just("    <<: *a\n"), Just("  <<: { old: {} }\n"),
                        Just("# old: x\n"), Just("\n"), Just("    old: 1\n"), Just("  ? old\n"), Just("  : {}\n"),
                        Just("  \"old\": {}\n"), Just("flags: { old: {} }\n"), Just("    x: \"\n"),
                    ],
                    0..8,
                ),
                1..6,
            ),
        ) {
            let mut search = Search::new(["old", "old_search"]);
            for text in texts.iter().map(|lines| lines.concat()) {
                let parsed = Search::new(["old", "old_search"])
                    .parse(text.as_bytes(), vec![Place::Unclear; 2]);
                prop_assert_eq!(search.look(text.as_bytes()), parsed, "{}", text);
            }
        }
    }
}
