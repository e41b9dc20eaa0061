//! `# hoist-ignore: rule[, rule]` and `# hoist-ignore-file: rule[, rule]`.
//!
//! The first silences rules on its own line or, standing alone, from there to the end of the next
//! line that is not a comment; the second in the whole file. What stands behind the list is a
//! reason, for people.

mod directive;

use crate::diagnostic::{Edit, LineIndex, Span, did_you_mean};
use crate::yaml::Comment;

use super::{RULES, Rule};
use directive::{Directive, directive, names};

/// What a name in a `hoist-ignore` comment amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A rule that is silenced, and whether that has hidden a finding of one file by itself.
    Rule { id: &'static str, used: bool },
    /// The same rule is silenced for the same lines by an earlier name.
    Again(&'static str),
    /// A rule that cannot be silenced.
    Fixed(&'static str),
    /// No rule: as written, cut to the length of a name, and what was probably meant.
    Unknown {
        name: Box<str>,
        meant: Option<&'static str>,
    },
    /// No list at all: what is wrong with the comment.
    Nothing(&'static str),
}

/// A name in a `hoist-ignore` comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    pub span: Span,
    pub named: Named,
    /// Which of the file's comments it stands in.
    comment: u32,
}

impl Ignore {
    /// Whether it silences that rule.
    #[must_use]
    pub fn names(&self, rule: &Rule) -> bool {
        matches!(self.named, Named::Rule { id, .. } if id == rule.id)
    }

    /// Whether nothing is lost without it: no name was meant that it is near to.
    #[must_use]
    pub fn is_to_go(&self) -> bool {
        match &self.named {
            Named::Rule { .. } | Named::Again(_) | Named::Fixed(_) => true,
            Named::Unknown { meant, .. } => meant.is_none(),
            Named::Nothing(_) => false,
        }
    }
}

/// A `hoist-ignore` comment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    /// What to delete for the comment to be gone: its line, if it has one of its own.
    span: Span,
    /// Index of its first name.
    first: u32,
}

/// Rules that say nothing where they start within some lines.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lines {
    /// Line breaks included.
    span: Span,
    /// Each with the index of its name.
    rules: Vec<(&'static str, u32)>,
}

/// What the comments of one file silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressions {
    file: Vec<(&'static str, u32)>,
    /// By place, apart from each other.
    lines: Vec<Lines>,
    /// By place.
    ignores: Vec<Ignore>,
    comments: Vec<Whole>,
    /// How many names are no rule's.
    unknown: usize,
}

impl Suppressions {
    /// Reads the comments of `text`, given in order.
    #[must_use]
    pub fn read(text: &str, lines: &LineIndex, comments: &[Comment]) -> Self {
        let mut suppressions = Self::default();
        let targets = targets(text, lines, comments);
        for (comment, target) in comments.iter().zip(targets) {
            let written = text.get(comment.span.range()).unwrap_or_default();
            let Some(directive) = directive(written) else {
                continue;
            };
            let start = comment.span.start as usize;
            let whole = whole(text, lines, comment);
            let first = suppressions.ignores.len();
            suppressions.comments.push(Whole {
                span: whole,
                first: u32::try_from(first).unwrap_or(u32::MAX),
            });
            match directive {
                Directive::File(list, at) => suppressions.add(list, start + at, None),
                Directive::Line(list, at) => {
                    let own = line_span(text, lines, lines.line(comment.span.start));
                    let target = line_span(text, lines, target);
                    suppressions.add(list, start + at, Some(own.to(target)));
                }
                Directive::Nothing(why) => {
                    suppressions.push(comment.span, Named::Nothing(why));
                }
            }
        }
        suppressions
    }

    /// The name that silences `rule` for a finding that starts at `offset`: one for its line rather
    /// than one for the whole file.
    #[must_use]
    pub fn find(&self, rule: &str, offset: u32) -> Option<usize> {
        let behind = self
            .lines
            .partition_point(|lines| lines.span.start <= offset);
        let nearest = behind.checked_sub(1).and_then(|at| self.lines.get(at));
        let here = nearest.filter(|lines| offset < lines.span.end);
        let here = here.map_or(&[][..], |lines| &lines.rules);
        let found = here.iter().chain(&self.file).find(|(id, _)| *id == rule);
        found.map(|(_, at)| *at as usize)
    }

    /// True where a finding of `rule` that starts at `offset` is not to be shown. The name that
    /// says so has then hidden something.
    pub fn hide(&mut self, rule: &str, offset: u32) -> bool {
        let found = self.find(rule, offset);
        let ignore = found.and_then(|at| self.ignores.get_mut(at));
        if let Some(Named::Rule { used, .. }) = ignore.map(|ignore| &mut ignore.named) {
            *used = true;
        }
        found.is_some()
    }

    /// Every name, by place.
    #[must_use]
    pub fn ignores(&self) -> &[Ignore] {
        &self.ignores
    }

    /// What takes out the name with the index `at`, given which names go: with its comma where
    /// another name of its comment stays, else with its comment, and then true.
    #[must_use]
    pub fn without(&self, at: usize, goes: impl Fn(usize) -> bool) -> Option<(Edit, bool)> {
        let comment = self.ignores.get(at)?.comment as usize;
        let whole = self.comments.get(comment)?;
        let next = self.comments.get(comment + 1);
        let end = next.map_or(self.ignores.len(), |next| next.first as usize);
        let names = whole.first as usize..end;
        let span = |at: usize| self.ignores.get(at).map(|ignore| ignore.span);
        let own = span(at)?;
        let is_whole = names.clone().all(&goes);
        let (start, end) = if is_whole {
            (whole.span.start, whole.span.end)
        } else if (names.start..at).any(|before| !goes(before)) {
            (span(at - 1)?.end, own.end)
        } else {
            (own.start, span(at + 1)?.start)
        };
        let edit = Edit {
            span: Span { start, end },
            text: String::new(),
        };
        Some((edit, is_whole))
    }

    /// Adds the names that `list`, which begins at `start`, begins with.
    fn add(&mut self, list: &str, start: usize, reach: Option<Span>) {
        let mut is_empty = true;
        let names = names(list).filter(|(name, _)| !name.is_empty());
        for (name, at) in names.take(MOST_NAMES) {
            is_empty = false;
            let span = Span::new(start + at, start + at + name.len());
            let named = match Rule::find(name) {
                None => self.unknown(name),
                Some(rule) if rule.fixed => Named::Fixed(rule.id),
                Some(rule) => self.silence(rule.id, reach),
            };
            self.push(span, named);
        }
        if is_empty {
            let span = Span::new(start.saturating_sub(1), start);
            self.push(span, Named::Nothing("names no rule"));
        }
    }

    fn unknown(&mut self, name: &str) -> Named {
        self.unknown += 1;
        let silent = RULES.iter().filter(|rule| !rule.fixed);
        let known = silent.map(|rule| rule.id);
        Named::Unknown {
            name: name.get(..LONGEST_NAME).unwrap_or(name).into(),
            meant: match self.unknown {
                0..=MOST_NAMES => did_you_mean(name, known),
                _ => None,
            },
        }
    }

    /// Silences a rule, by the name that is added next.
    fn silence(&mut self, id: &'static str, reach: Option<Span>) -> Named {
        let at = u32::try_from(self.ignores.len()).unwrap_or(u32::MAX);
        let rules = match reach {
            None => &mut self.file,
            Some(reach) => {
                // Comments above one another, and the one behind the line, share their target.
                let shares = |last: &&mut Lines| last.span.end == reach.end;
                if self.lines.last_mut().filter(shares).is_none() {
                    self.lines.push(Lines {
                        span: reach,
                        rules: Vec::new(),
                    });
                }
                match self.lines.last_mut() {
                    Some(last) => &mut last.rules,
                    None => return Named::Again(id),
                }
            }
        };
        if rules.iter().any(|(known, _)| *known == id) {
            return Named::Again(id);
        }
        rules.push((id, at));
        Named::Rule { id, used: false }
    }

    fn push(&mut self, span: Span, named: Named) {
        let comment = self.comments.len().saturating_sub(1);
        self.ignores.push(Ignore {
            span,
            named,
            comment: u32::try_from(comment).unwrap_or(u32::MAX),
        });
    }
}

/// Longest name that is kept to be shown, in bytes.
const LONGEST_NAME: usize = 128;

/// Names in one comment, and unknown names in one file that what was meant is looked for: past that
/// nobody is helped, and a hostile file would take long.
const MOST_NAMES: usize = 100;

/// The line that each comment is about: its own, or the first below it that is no comment.
fn targets(text: &str, lines: &LineIndex, comments: &[Comment]) -> Vec<u32> {
    // Comment lines that stand above one another share a target, so they are gone through from the
    // last to the first, each line being looked at once.
    let mut below: Option<(u32, u32)> = None;
    let mut targets = Vec::with_capacity(comments.len());
    for comment in comments.iter().rev() {
        let line = lines.line(comment.span.start);
        targets.push(if comment.own_line {
            let target = target_below(text, lines, line, below);
            below = Some((line, target));
            target
        } else {
            line
        });
    }
    targets.reverse();
    targets
}

/// The first line below `line` that is not a comment, given the target of the nearest known comment
/// line below.
fn target_below(text: &str, lines: &LineIndex, line: u32, below: Option<(u32, u32)>) -> u32 {
    let mut at = line + 1;
    while at <= lines.lines() {
        match below {
            Some((known, target)) if known == at => return target,
            _ => {}
        }
        let is_comment = text
            .get(lines.line_range(text, at))
            .is_some_and(|line| line.trim_start().starts_with('#'));
        if !is_comment {
            break;
        }
        at += 1;
    }
    at
}

/// The bytes of a line. The last one reaches past the end, where an empty value would stand.
fn line_span(text: &str, lines: &LineIndex, line: u32) -> Span {
    if line > lines.lines() {
        return Span::new(text.len() + 1, text.len() + 1);
    }
    let range = lines.line_range(text, line);
    let end = if line == lines.lines() {
        range.end + 1
    } else {
        range.end
    };
    Span::new(range.start, end)
}

/// What goes with a comment: its line, or the blanks before it.
fn whole(text: &str, lines: &LineIndex, comment: &Comment) -> Span {
    let range = comment.span.range();
    if comment.own_line {
        let line = lines.line_range(text, lines.line(comment.span.start));
        return Span::new(line.start, line.end);
    }
    let before = text.get(..range.start).unwrap_or_default();
    Span::new(before.trim_end_matches([' ', '\t']).len(), range.end)
}

#[cfg(test)]
mod tests;
