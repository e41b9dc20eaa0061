//! One file of code, looked through once for everything.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::calls::{self, Position, is_key_byte, is_quote};
use super::forms::{Alias, CodePattern};
use super::{Form, Place};

/// Texts of so many bytes in all are searched for by a table: 5,000 keys with every alias.
const LARGEST_TABLE: usize = 1 << 20;
/// Silences what is found of unknown keys in its line.
const IGNORE: &str = "hoist-ignore:";
pub const UNKNOWN: &str = "unknown-key";

/// What one text that is searched for means.
#[derive(Clone, Copy, Debug)]
enum Needle {
    Key(usize),
    Alias(usize, Alias),
    /// What a pattern has before the key.
    Pattern(usize),
    Call(Position),
}

/// Finds all of it at once.
pub struct Finder<'a> {
    /// None where there is too much to search for; then nothing is found.
    automaton: Option<AhoCorasick>,
    needles: Vec<Needle>,
    keys: HashMap<&'a str, usize>,
    patterns: &'a [CodePattern],
}

/// What a file has, by place.
#[derive(Debug, Default)]
pub struct Hits {
    pub uses: Vec<Hit>,
    pub strays: Vec<(Place, String)>,
}

#[derive(Debug)]
pub struct Hit {
    pub key: usize,
    pub place: Place,
    pub form: Form,
}

/// The same before its line is known.
enum Found<'b> {
    Use(usize, Form),
    Stray(&'b str),
}

impl<'a> Finder<'a> {
    pub fn new(keys: &'a [&'a str], aliases: &[Alias], patterns: &'a [CodePattern]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        let mut needles: Vec<Needle> = Vec::new();
        let mut add = |text: String, needle| {
            texts.push(text);
            needles.push(needle);
        };
        for (index, key) in keys.iter().enumerate() {
            add((*key).to_owned(), Needle::Key(index));
            for alias in aliases {
                if let Some(name) = alias.of(key) {
                    add(name, Needle::Alias(index, *alias));
                }
            }
        }
        for (index, pattern) in patterns.iter().enumerate() {
            add(pattern.before.clone(), Needle::Pattern(index));
        }
        for (name, position) in calls::names() {
            add(name, Needle::Call(position));
        }
        Self {
            automaton: automaton(&texts),
            needles,
            keys: keys
                .iter()
                .enumerate()
                .map(|(index, key)| (*key, index))
                .collect(),
            patterns,
        }
    }

    /// What `bytes` have.
    pub fn hits(&self, bytes: &[u8]) -> Hits {
        let Some(automaton) = &self.automaton else {
            return Hits::default();
        };
        let mut found: Vec<(usize, Found<'_>)> = Vec::new();
        // One key may be the beginning of another, and a quote may end one and begin the next.
        for matched in automaton.find_overlapping_iter(bytes) {
            let (start, end) = (matched.start(), matched.end());
            let needle = self.needles.get(matched.pattern().as_usize());
            found.extend(needle.and_then(|needle| self.judge(*needle, bytes, start, end)));
        }
        placed(bytes, found)
    }

    /// Whether what stands around a match makes it a use of a flag.
    fn judge<'b>(
        &self,
        needle: Needle,
        bytes: &'b [u8],
        start: usize,
        end: usize,
    ) -> Option<(usize, Found<'b>)> {
        match needle {
            Needle::Key(key) => {
                is_quoted(bytes, start, end).then_some((start, Found::Use(key, Form::Quoted)))
            }
            Needle::Alias(key, alias) => {
                let is_name =
                    !is_word_at(bytes, start.checked_sub(1)) && !is_word_at(bytes, Some(end));
                let is_name = is_name && !is_quoted(bytes, start, end);
                is_name.then_some((start, Found::Use(key, Form::Alias(alias))))
            }
            Needle::Pattern(index) => self.pattern(self.patterns.get(index)?, bytes, start, end),
            Needle::Call(_) if is_word_at(bytes, start.checked_sub(1)) => None,
            Needle::Call(position) => {
                let (at, key) = calls::key_at(bytes, end, position)?;
                let is_stray = !self.keys.contains_key(key);
                is_stray.then_some((at, Found::Stray(key)))
            }
        }
    }

    /// The key behind what a pattern begins with: the longest that a flag has, or else the longest there
    /// is.
    fn pattern<'b>(
        &self,
        pattern: &CodePattern,
        bytes: &'b [u8],
        start: usize,
        end: usize,
    ) -> Option<(usize, Found<'b>)> {
        let begins_in_a_word = pattern.before.bytes().next().is_some_and(is_word)
            && is_word_at(bytes, start.checked_sub(1));
        if begins_in_a_word {
            return None;
        }
        let rest = bytes.get(end..)?;
        let longest = rest.iter().take_while(|byte| is_key_byte(**byte)).count();
        let mut unknown = None;
        for length in (1..=longest.min(128)).rev() {
            let (key, behind) = rest.split_at(length);
            let follows = match pattern.after.is_empty() {
                true => !behind.first().copied().is_some_and(is_word),
                false => behind.starts_with(pattern.after.as_bytes()),
            };
            let Some(key) = std::str::from_utf8(key).ok().filter(|_| follows) else {
                continue;
            };
            if let Some(index) = self.keys.get(key) {
                return Some((end, Found::Use(*index, Form::Pattern)));
            }
            // `flags.new_search.enabled` asks for what comes first.
            if pattern.after.is_empty() || unknown.is_none() {
                unknown = Some(key);
            }
        }
        let unknown = unknown.filter(|key| key.starts_with(|c: char| c.is_ascii_alphabetic()));
        Some((end, Found::Stray(unknown?)))
    }
}

/// Twice as fast as a table of transitions, which takes some 30 times the memory of what is searched for.
/// Where that is too much, it is left to choose.
fn automaton(texts: &[String]) -> Option<AhoCorasick> {
    let size: usize = texts.iter().map(String::len).sum();
    let table = (size <= LARGEST_TABLE).then_some(AhoCorasickKind::DFA);
    AhoCorasick::builder().kind(table).build(texts).ok()
}

/// Puts what was found in order, each once, and counts lines and columns.
fn placed(bytes: &[u8], mut found: Vec<(usize, Found<'_>)>) -> Hits {
    found.sort_by_key(|(offset, _)| *offset);
    let mut hits = Hits::default();
    let mut place = Place {
        offset: 0,
        line: 1,
        column: 1,
    };
    let mut line_start = 0;
    for (offset, what) in found {
        let between = bytes.get(place.offset..offset).unwrap_or_default();
        if let Some(last) = between.iter().rposition(|byte| *byte == b'\n') {
            let breaks = between.iter().filter(|byte| **byte == b'\n').count();
            place.line = place
                .line
                .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            line_start = place.offset + last + 1;
        }
        place.offset = offset;
        let before = bytes.get(line_start..offset).unwrap_or_default();
        // Every character but the first bytes of which there are more.
        let characters = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        place.column = u32::try_from(characters + 1).unwrap_or(u32::MAX);
        match what {
            Found::Use(key, form) => {
                let again = |hit: &Hit| hit.place.offset == offset && hit.key == key;
                if !hits.uses.last().is_some_and(again) {
                    hits.uses.push(Hit { key, place, form });
                }
            }
            Found::Stray(key) => {
                let again = hits
                    .strays
                    .last()
                    .is_some_and(|(last, _)| last.offset == offset);
                if !again && !is_silenced(bytes, line_start) {
                    hits.strays.push((place, key.to_owned()));
                }
            }
        }
    }
    hits
}

/// Whether the line says that its key is unknown on purpose.
fn is_silenced(bytes: &[u8], line_start: usize) -> bool {
    let line = bytes.get(line_start..).unwrap_or_default();
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.split_once(IGNORE).is_some_and(|(_, rules)| {
        let rules = rules.split("--").next().unwrap_or_default();
        rules.split([',', ' ']).any(|rule| rule.trim() == UNKNOWN)
    })
}

fn is_quoted(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    before.is_some_and(|quote| is_quote(*quote)) && before == bytes.get(end)
}

fn is_word_at(bytes: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| bytes.get(at))
        .copied()
        .is_some_and(is_word)
}

/// Bytes of names in code; of letters beyond ASCII too.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
