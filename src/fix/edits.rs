//! Edits of one text.

use crate::diagnostic::{Diagnostic, Edit, Fix};

/// The fixes among `found` that can be made together, by place: of two that touch, the first.
pub fn apart<'a>(found: impl Iterator<Item = &'a Diagnostic>) -> Vec<(&'a Diagnostic, &'a Fix)> {
    let mut fixes: Vec<_> = found
        .filter_map(|found| Some((found, found.fix.as_ref()?)))
        .filter(|(_, fix)| fix.safe && !fix.edits.is_empty())
        .collect();
    fixes.sort_by_key(|(found, fix)| (fix.edits.first().map(|edit| edit.span), found.rule));
    let mut end = None;
    fixes.retain(|(_, fix)| {
        let spans = || fix.edits.iter().map(|edit| edit.span);
        // Where one edit ends and another begins, what comes out depends on their order.
        let behind = spans().all(|span| end.is_none_or(|end| span.start > end));
        if behind {
            end = spans().map(|span| span.end).max();
        }
        behind
    });
    fixes
}

/// The text with `edits` made, which may come in any order; `None` where two of them overlap, or one
/// has no place in the text.
pub fn made<'a>(text: &str, edits: impl Iterator<Item = &'a Edit>) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.collect();
    edits.sort_by_key(|edit| edit.span);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        let range = edit.span.range();
        out.push_str(text.get(done..range.start)?);
        text.get(range.clone())?;
        out.push_str(&edit.text);
        done = range.end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Location, Span};

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit {
            span: Span::new(start, end),
            text: text.to_owned(),
        }
    }

    #[test]
    fn edits_are_made_where_they_fit() {
        let cases: &[(&str, &[Edit], Option<&str>)] = &[
            ("abc", &[], Some("abc")),
            ("abc", &[edit(2, 3, "C"), edit(0, 1, "")], Some("bC")),
            ("abc", &[edit(1, 1, "-"), edit(3, 3, "!")], Some("a-bc!")),
            ("abc", &[edit(0, 2, ""), edit(1, 3, "")], None),
            ("abc", &[edit(2, 4, "")], None),
            ("aéc", &[edit(2, 3, "")], None),
            ("aéc", &[edit(1, 3, "e")], Some("aec")),
        ];
        for (text, edits, expected) in cases {
            assert_eq!(made(text, edits.iter()).as_deref(), *expected, "{edits:?}");
        }
    }

    #[test]
    fn of_fixes_that_touch_the_first_is_taken() {
        let found = |rule, edits: Vec<Edit>, safe| {
            let mut found =
                Diagnostic::new(rule, Location::default(), "wrong").with_fix("mend", edits);
            if let Some(fix) = &mut found.fix {
                fix.safe = safe;
            }
            found
        };
        let all = [
            found("later", vec![edit(8, 9, "")], true),
            found("touching", vec![edit(3, 4, "")], true),
            found("first", vec![edit(0, 1, ""), edit(2, 3, "")], true),
            found("between", vec![edit(1, 2, "")], true),
            found("unsafe", vec![edit(5, 6, "")], false),
            found("empty", vec![], true),
            Diagnostic::new("none", Location::default(), "wrong"),
        ];
        let rules: Vec<_> = apart(all.iter())
            .iter()
            .map(|(found, _)| found.rule)
            .collect();
        assert_eq!(rules, ["first", "later"]);
    }
}
