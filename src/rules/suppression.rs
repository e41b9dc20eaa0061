//! `# hoist-ignore: rule[, rule]` and `# hoist-ignore-file: rule[, rule]`.
//!
//! The first silences rules on its own line or, standing alone, on the next line that is not a
//! comment; the second on the whole file. What stands behind the list is a reason, for people.

use crate::diagnostic::{LineIndex, Span};
use crate::yaml::Comment;

use super::Rule;

/// Rules that say nothing where they start within a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The line, its line break included.
    pub span: Span,
    pub rules: Vec<&'static str>,
}

/// What the comments of one file silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressions {
    file: Vec<&'static str>,
    /// By place, one for each line.
    lines: Vec<Suppression>,
}

impl Suppressions {
    /// Reads the comments of `text`, given in order. Names that are not rules, and rules that
    /// cannot be silenced, are passed over.
    #[must_use]
    pub fn read(text: &str, lines: &LineIndex, comments: &[Comment]) -> Self {
        let mut suppressions = Self::default();
        // Comment lines that stand above one another share a target, so they are gone through from
        // the last to the first, each line being looked at once.
        let mut below: Option<(u32, u32)> = None;
        for comment in comments.iter().rev() {
            let line = lines.line(comment.span.start);
            let target = if comment.own_line {
                let target = target_below(text, lines, line, below);
                below = Some((line, target));
                target
            } else {
                line
            };
            match text.get(comment.span.range()).and_then(directive) {
                Some(Directive::File(list)) => add(&mut suppressions.file, list),
                Some(Directive::Line(list)) => {
                    suppressions.add_line(line_span(text, lines, target), list);
                }
                None => {}
            }
        }
        suppressions.lines.reverse();
        suppressions
    }

    /// True where a finding of `rule` that starts at `offset` is not to be shown.
    #[must_use]
    pub fn hide(&self, rule: &str, offset: u32) -> bool {
        if self.file.contains(&rule) {
            return true;
        }
        let behind = self.lines.partition_point(|line| line.span.start <= offset);
        behind
            .checked_sub(1)
            .and_then(|at| self.lines.get(at))
            .is_some_and(|line| offset < line.span.end && line.rules.contains(&rule))
    }

    /// Adds to the line at `span`. Lines come in falling order.
    fn add_line(&mut self, span: Span, list: &str) {
        match self.lines.last_mut() {
            Some(last) if last.span == span => add(&mut last.rules, list),
            _ => {
                let mut rules = Vec::new();
                add(&mut rules, list);
                if !rules.is_empty() {
                    self.lines.push(Suppression { span, rules });
                }
            }
        }
    }
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

enum Directive<'t> {
    Line(&'t str),
    File(&'t str),
}

/// Takes a comment apart, from its `#` on.
fn directive(comment: &str) -> Option<Directive<'_>> {
    let rest = comment
        .trim_start_matches('#')
        .trim_start()
        .strip_prefix("hoist-ignore")?;
    match rest.strip_prefix("-file") {
        Some(rest) => rest.strip_prefix(':').map(Directive::File),
        None => rest.strip_prefix(':').map(Directive::Line),
    }
}

/// Adds the rules that `list` begins with.
fn add(rules: &mut Vec<&'static str>, list: &str) {
    for rule in names(list).filter_map(Rule::find) {
        if !rule.fixed && !rules.contains(&rule.id) {
            rules.push(rule.id);
        }
    }
}

/// Names with commas between them; the first gap without a comma ends the list.
fn names(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let text = rest.take()?.trim_start();
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .unwrap_or(text.len());
        let (name, behind) = text.split_at(end);
        rest = behind.trim_start().strip_prefix(',');
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The comments of a text without strings: from `#` to the end of the line.
    fn comments(text: &str) -> Vec<Comment> {
        let lines = LineIndex::new(text);
        let mut found = Vec::new();
        for line in 1..=lines.lines() {
            let range = lines.line_range(text, line);
            let content = text[range.clone()].trim_end_matches(['\r', '\n']);
            if let Some(at) = content.find('#') {
                found.push(Comment {
                    span: Span::new(range.start + at, range.start + content.len()),
                    own_line: content[..at].trim().is_empty(),
                });
            }
        }
        found
    }

    /// Lines, from 1, on which `rule` is silent.
    fn silent(text: &str, rule: &str) -> Vec<u32> {
        let lines = LineIndex::new(text);
        let suppressions = Suppressions::read(text, &lines, &comments(text));
        (1..=lines.lines())
            .filter(|line| suppressions.hide(rule, lines.line_range(text, *line).start as u32))
            .collect()
    }

    #[test]
    fn a_comment_reaches_its_line_or_the_next() {
        let cases: &[(&str, &[u32])] = &[
            ("a: 1 # hoist-ignore: expired\nb: 2\n", &[1]),
            ("# hoist-ignore: expired\na: 1\nb: 2\n", &[2]),
            ("  # hoist-ignore: expired\r\na: 1\r\nb: 2\r\n", &[2]),
            (
                "a: 1\n# hoist-ignore: expired\n# why\n# hoist-ignore: missing-owner\nb: 2\nc: 3",
                &[5],
            ),
            ("# hoist-ignore: expired\n\na: 1\n", &[2]),
            ("a: 1\nb: # hoist-ignore: expired", &[2]),
            ("a: 1\n# hoist-ignore: expired", &[]),
            (
                "# hoist-ignore: expired\nb: # hoist-ignore: missing-owner\n",
                &[2],
            ),
            ("a: 1\nb: 2 # hoist-ignore-file: expired\nc: 3", &[1, 2, 3]),
        ];
        for (text, lines) in cases {
            assert_eq!(silent(text, "expired"), *lines, "{text}");
        }
    }

    #[test]
    fn the_list_ends_where_the_reason_begins() {
        let cases: &[(&str, &[&str])] = &[
            ("# hoist-ignore: expired", &["expired"]),
            (
                "#hoist-ignore:expired,missing-owner",
                &["expired", "missing-owner"],
            ),
            (
                "## hoist-ignore: expired , missing-owner -- until May",
                &["expired", "missing-owner"],
            ),
            ("# hoist-ignore: expired missing-owner", &["expired"]),
            (
                "# hoist-ignore: expired -- missing-owner, missing-expiry",
                &["expired"],
            ),
            ("# hoist-ignore: expired: gone soon", &["expired"]),
            ("# hoist-ignore: not-a-rule, expired", &["expired"]),
            ("# hoist-ignore: expired,expired,", &["expired"]),
            ("# hoist-ignore expired", &[]),
            ("# hoist-ignored: expired", &[]),
            ("# see hoist-ignore: expired", &[]),
            ("# hoist-ignore:", &[]),
            (
                "# hoist-ignore: schema, yaml-syntax, unsafe-yaml, duplicate-key, duplicate-flag",
                &[],
            ),
        ];
        for (comment, rules) in cases {
            let text = format!("{comment}\na: 1\n");
            let read = Suppressions::read(&text, &LineIndex::new(&text), &comments(&text));
            let found = read.lines.first().map_or(&[][..], |line| &line.rules);
            assert_eq!(found, *rules, "{comment}");
        }
    }

    #[test]
    fn many_comments_take_linear_time() {
        let text = "# hoist-ignore: expired\n".repeat(200_000) + "a: 1\n";
        assert_eq!(silent(&text, "expired"), [200_001]);
    }
}
