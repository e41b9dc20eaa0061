//! A comment taken apart.

use crate::rules::Rule;

/// What a comment asks for; the list of names, and where it begins in the comment.
pub(super) enum Directive<'t> {
    Line(&'t str, usize),
    File(&'t str, usize),
    /// It means to silence something and does not: why.
    Nothing(&'static str),
}

/// Takes a comment apart, from its `#` on.
pub(super) fn directive(comment: &str) -> Option<Directive<'_>> {
    let words = comment.trim_start_matches('#').trim_start();
    let rest = words.strip_prefix("hoist-ignore")?;
    let (rest, for_file) = match rest.strip_prefix("-file") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let Some(list) = rest.strip_prefix(':') else {
        // A sentence about these comments is none of them.
        let named = rest
            .strip_prefix([' ', '\t'])
            .and_then(|list| names(list).next());
        let is_rule = named.is_some_and(|(name, _)| Rule::find(name).is_some());
        return is_rule.then_some(Directive::Nothing("has no colon before its list"));
    };
    let at = comment.len() - list.len();
    Some(match for_file {
        true => Directive::File(list, at),
        false => Directive::Line(list, at),
    })
}

/// Names with commas between them, each with its place; the first gap without a comma ends the list.
pub(super) fn names(list: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let text = rest.take()?.trim_start();
        let at = list.len() - text.len();
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .unwrap_or(text.len());
        let (name, behind) = text.split_at(end);
        rest = behind.trim_start().strip_prefix(',');
        Some((name, at))
    })
}
