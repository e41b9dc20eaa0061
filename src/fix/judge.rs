//! Whether a change has made things better.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Severity};
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

    fn errors(&self) -> usize {
        self.findings().filter(|found| is_error(found)).count()
    }

    fn flags(&self) -> HashMap<&str, usize> {
        let mut all = HashMap::new();
        for flag in self.checked.iter().flat_map(|file| &file.flags) {
            *all.entry(&*flag.key.value).or_default() += 1;
        }
        all
    }
}

fn is_error(found: &Diagnostic) -> bool {
    found.severity == Severity::Error
}

/// `after` is better than `before` where what was `fixed` is gone, no error has come, and no flag has
/// gone. The error says what is worse.
pub fn judge(before: &Sight<'_>, after: &Sight<'_>, fixed: &[&Diagnostic]) -> Result<(), String> {
    let (was, is) = (before.count(is_error), after.count(is_error));
    let fresh = after
        .findings()
        .filter(|found| is_error(found))
        .find(|found| {
            let key = key(found);
            is.get(&key) > was.get(&key)
        });
    // Where findings were left out, one that was there may show only now.
    let is_whole = !before.findings().any(Diagnostic::stands_for_more);
    match fresh {
        Some(found) if is_whole || after.errors() >= before.errors() => {
            return Err(found.message.clone());
        }
        _ => {}
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
    use crate::diagnostic::Location;

    fn found(message: &str) -> Diagnostic {
        Diagnostic::new("schema", Location::default(), message).with_flag("a")
    }

    fn verdict(before: &[&str], after: &[&str], fixed: &str) -> Result<(), String> {
        let sight = |messages: &[&str]| -> Vec<Diagnostic> {
            messages.iter().map(|message| found(message)).collect()
        };
        let (before, after) = (sight(before), sight(after));
        let sight = |across| Sight {
            checked: Vec::new(),
            across,
        };
        judge(&sight(&before), &sight(&after), &[&found(fixed)])
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
    fn where_findings_were_left_out_their_number_counts() {
        let many = "more than 1000 mistakes in one document: some are not shown";
        assert_eq!(verdict(&["x", "y", many], &["z"], "x"), Ok(()));
        assert_eq!(verdict(&["x", many], &["z", many], "x"), Err("z".into()));
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
        let lost = judge(&sight(&both), &sight(&one), &[]);
        assert_eq!(lost, Err("the flag `b` missing".into()));
        assert_eq!(judge(&sight(&one), &sight(&both), &[]), Ok(()));
    }
}
