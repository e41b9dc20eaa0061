//! Whether a change has made things better.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, FileId, Location, Severity};
use crate::rules::Checked;

/// What makes two findings the same one, wherever it stands by now: rule, flag, and the message
/// without figures, in which lines and counts may be.
pub type Key = (&'static str, String, String);

pub fn key(found: &Diagnostic) -> Key {
    let flag = found.flag.as_deref().unwrap_or_default().to_owned();
    let mut message = String::with_capacity(found.message.len());
    for c in found.message.chars() {
        match c {
            '0'..='9' if message.ends_with('0') => {}
            '0'..='9' => message.push('0'),
            c => message.push(c),
        }
    }
    (found.rule, flag, message)
}

/// The findings among `after` that were not there `before`.
#[must_use]
pub fn fresh<'d>(before: &[Diagnostic], after: &'d [Diagnostic]) -> Vec<&'d Diagnostic> {
    let mut known: HashMap<Key, usize> = HashMap::new();
    for found in before {
        *known.entry(key(found)).or_default() += 1;
    }
    let mut fresh = Vec::new();
    for found in after {
        match known.get_mut(&key(found)) {
            Some(number) if *number > 0 => *number -= 1,
            _ => fresh.push(found),
        }
    }
    fresh
}

/// What was found in the files that a change is about, and in the set as a whole.
pub struct Sight<'a> {
    pub checked: Vec<&'a Checked>,
    pub across: &'a [Diagnostic],
}

impl Sight<'_> {
    fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        let own = self.checked.iter().flat_map(|file| &file.diagnostics);
        own.chain(self.across)
    }

    /// How often each finding is there.
    fn count(&self, counts: impl Fn(&Diagnostic) -> bool) -> HashMap<Key, usize> {
        let mut all = HashMap::new();
        for found in self.findings().filter(|found| counts(found)) {
            *all.entry(key(found)).or_default() += 1;
        }
        all
    }

    fn flags(&self) -> HashMap<&str, usize> {
        let mut all = HashMap::new();
        for flag in self.checked.iter().flat_map(|file| file.roster.members()) {
            *all.entry(flag.key()).or_default() += 1;
        }
        all
    }
}

fn is_error(found: &Diagnostic) -> bool {
    found.severity == Severity::Error
}

/// Where the last edit of each file ends, in the text with all of them made.
pub type Reach = HashMap<FileId, u32>;

/// `after` is better than `before` where what was `fixed` is gone, no error has come, and no flag has
/// gone. The error says what is worse.
pub fn judge(
    before: &Sight<'_>,
    after: &Sight<'_>,
    fixed: &[&Diagnostic],
    reach: &Reach,
) -> Result<(), String> {
    // Where findings were left out, those behind the last one that was shown show only now.
    let is_whole = !before.findings().any(Diagnostic::stands_for_more);
    let counts = |found: &Diagnostic| {
        let Location { file, span } = found.location;
        let was_shown = || reach.get(&file).is_none_or(|end| span.start <= *end);
        is_error(found) && (is_whole || (!found.stands_for_more() && was_shown()))
    };
    let (was, is) = (before.count(is_error), after.count(counts));
    let fresh = after
        .findings()
        .filter(|found| counts(found))
        .find(|found| {
            let key = key(found);
            is.get(&key) > was.get(&key)
        });
    if let Some(found) = fresh {
        return Err(found.message.clone());
    }
    let (was, is) = (before.count(|_| true), after.count(|_| true));
    let mut gone: HashMap<Key, usize> = HashMap::new();
    for found in fixed {
        *gone.entry(key(found)).or_default() += 1;
    }
    let stays = |(key, number): (&Key, &usize)| {
        let left = is.get(key).copied().unwrap_or(0);
        is_whole && left + number > was.get(key).copied().unwrap_or(0)
    };
    if gone.iter().any(stays) {
        return Err("the same finding again".to_owned());
    }
    let flags = after.flags();
    match before
        .flags()
        .iter()
        .find(|(flag, number)| flags.get(*flag) < Some(number))
    {
        Some((flag, _)) => Err(format!("the flag `{flag}` missing")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    fn found(message: &str) -> Diagnostic {
        Diagnostic::new("schema", Location::default(), message).with_flag("a")
    }

    fn verdict(before: &[&str], after: &[&str], fixed: &str) -> Result<(), String> {
        let sight = |messages: &[&str]| -> Vec<Diagnostic> {
            let found = |(at, message): (usize, &&str)| Diagnostic {
                location: Location {
                    span: Span::new(at, at),
                    ..Location::default()
                },
                ..found(message)
            };
            messages.iter().enumerate().map(found).collect()
        };
        let (before, after) = (sight(before), sight(after));
        let sight = |across| Sight {
            checked: Vec::new(),
            across,
        };
        // All but the last finding stands where something was edited.
        let reach = HashMap::from([(FileId::default(), 2)]);
        judge(&sight(&before), &sight(&after), &[&found(fixed)], &reach)
    }

    #[test]
    fn figures_do_not_tell_findings_apart() {
        let message = |text: &str| key(&found(text)).2;
        assert_eq!(message("at line 12, of 3"), message("at line 9, of 40"));
        assert_eq!(message("12"), message("3"));
        assert_ne!(message("a1"), message("b1"));
        assert_ne!(message("a 1 1"), message("a 1"));
    }

    #[test]
    fn what_was_fixed_is_gone_and_nothing_has_come() {
        assert_eq!(verdict(&["x", "y"], &["y"], "x"), Ok(()));
        assert_eq!(verdict(&["x", "x"], &["x"], "x"), Ok(()));
        assert_eq!(verdict(&["x"], &["z"], "x"), Err("z".into()));
        assert_eq!(verdict(&["x", "z"], &["z", "z"], "x"), Err("z".into()));
        let again = Err("the same finding again".to_owned());
        assert_eq!(verdict(&["x", "y"], &["x"], "x"), again);
        assert_eq!(verdict(&["x"], &["x"], "x"), again);
    }

    #[test]
    fn what_is_new_is_told_as_often_as_it_is() {
        let all = |messages: &[&str]| -> Vec<Diagnostic> {
            messages.iter().map(|message| found(message)).collect()
        };
        let (before, after) = (all(&["x 1", "y"]), all(&["x 2", "x 3", "z", "y"]));
        let fresh = fresh(&before, &after);
        let fresh: Vec<&str> = fresh.iter().map(|found| &*found.message).collect();
        assert_eq!(fresh, ["x 3", "z"]);
    }

    #[test]
    fn where_findings_were_left_out_only_what_was_shown_counts() {
        let many = "more than 1000 mistakes in one document: some are not shown";
        let behind = ["y", "y", "y", "z", many];
        assert_eq!(verdict(&["x", "y", "y", "y", many], &behind, "x"), Ok(()));
        let harm = Err("z".into());
        assert_eq!(
            verdict(&["x", "y", "y", many], &["z", "y", "y", many], "x"),
            harm
        );
    }

    #[test]
    fn no_flag_is_lost() {
        let settings = crate::rules::Settings {
            context: crate::rules::Context::new(jiff::civil::date(2026, 11, 15)),
            levels: crate::rules::Levels::default(),
        };
        let check = |text: &str| {
            crate::rules::check_file(crate::diagnostic::FileId(0), text.as_bytes(), &settings)
        };
        let flag = |key: &str| format!("  {key}: {{ description: D, owner: o, expires: never }}\n");
        let (a, b) = (flag("a"), flag("b"));
        let (both, one) = (
            check(&format!("flags:\n{a}{b}")),
            check(&format!("flags:\n{a}")),
        );
        fn sight(checked: &Checked) -> Sight<'_> {
            Sight {
                checked: vec![checked],
                across: &[],
            }
        }
        let lost = judge(&sight(&both), &sight(&one), &[], &Reach::new());
        assert_eq!(lost, Err("the flag `b` missing".into()));
        assert_eq!(
            judge(&sight(&one), &sight(&both), &[], &Reach::new()),
            Ok(())
        );
    }
}
