use crate::model::{self, Flag};

use super::keys::words;
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "undescriptive-key",
    level: Level::Warning,
    fixed: false,
    summary: "A flag's key does not say what the flag is for",
    docs: "\
A key stands in code, logs and dashboards, without the description beside it. `flag_123`, `test`, `tmp` or
`new_flag` says nothing there: whoever meets it, perhaps at night, has to look up what it turns on before
touching it. Name what the flag switches.

A key draws this where it is made of filler words, with nothing but numbers and single letters beside them;
one word that means something is enough. Applications that ask for a flag by its old key do not find it under a new one, so mend it
while it is new.",
    bad: "\
flags:
  new_flag_2:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
    percentage: 10
",
    good: "\
flags:
  new_search:
    description: Route search traffic to the new ranking service
    owner: search-team
    expires: 2027-03-31
    enabled: true
    percentage: 10
",
    check: Check::Flag(check),
};

/// Words that say nothing about what a flag is for, in order.
const FILLERS: &[&str] = &[
    "ab",
    "abtest",
    "an",
    "asdf",
    "bar",
    "baz",
    "bug",
    "bugfix",
    "changeme",
    "dummy",
    "enable",
    "enabled",
    "example",
    "exp",
    "experiment",
    "experiments",
    "feat",
    "feature",
    "features",
    "final",
    "fix",
    "fixme",
    "flag",
    "flags",
    "foo",
    "hotfix",
    "is",
    "issue",
    "misc",
    "my",
    "new",
    "of",
    "off",
    "old",
    "on",
    "placeholder",
    "qux",
    "rollout",
    "sample",
    "some",
    "something",
    "stuff",
    "switch",
    "task",
    "temp",
    "temporary",
    "test",
    "testing",
    "tests",
    "the",
    "thing",
    "things",
    "ticket",
    "tmp",
    "todo",
    "toggle",
    "toggles",
    "unnamed",
    "untitled",
    "use",
    "variant",
    "wip",
    "xxx",
    "xyz",
];

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    let key = &flag.key;
    // A key that cannot be one at all has been told of.
    if model::is_key(&key.value) && says_nothing(&key.value) {
        let message = format!(
            "key {} does not say what the flag is for",
            quote(&key.value)
        );
        findings.report(flag, key.span, message).help =
            Some("name what it switches, such as `search_ranking` or `checkout_v2`".to_owned());
    }
}

fn says_nothing(key: &str) -> bool {
    words(key).all(|word| is_mark(word) || is_filler(word)) && words(key).any(is_filler)
}

/// A number, a version or a letter.
fn is_mark(word: &str) -> bool {
    let digits = word.strip_prefix('v').unwrap_or(word);
    word.len() == 1 || digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `word` is a filler, or several of them in one; digits at its end are set aside.
fn is_filler(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    FILLERS.binary_search(&word).is_ok() || is_made_of_fillers(word)
}

fn is_made_of_fillers(word: &str) -> bool {
    // Where in the word one may end, since some fillers begin with others. Keys are no longer.
    let mut ends = [false; 129];
    ends[0] = true;
    for start in 0..word.len().min(128) {
        let (true, Some(rest)) = (ends[start], word.get(start..)) else {
            continue;
        };
        // Short ones begin too many words.
        let long = FILLERS.iter().filter(|filler| filler.len() > 2);
        for filler in long.filter(|filler| rest.starts_with(**filler)) {
            if let Some(end) = ends.get_mut(start + filler.len()) {
                *end = true;
            }
        }
    }
    !word.is_empty() && ends.get(word.len()) == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_are_in_order() {
        assert!(FILLERS.is_sorted());
    }

    #[test]
    fn a_key_of_fillers_says_nothing() {
        for key in [
            "flag_123",
            "flag123",
            "test",
            "tmp",
            "new_flag",
            "newflag",
            "my-new-feature",
            "test2",
            "enable_feature",
            "foobar",
            "abtest_1",
            "ticket_4711",
            "new_test_flag",
            "temp.fix.2",
            "test_a",
            "new_v2",
        ] {
            assert!(says_nothing(key), "{key}");
        }
        for key in [
            "new_search",
            "test_mode",
            "checkout_v2",
            "flagship_store",
            "bars",
            "experimental",
            "testimonials",
            "newsletter",
            "tempo",
            "expo",
            "fixtures",
            "ui",
            "use_s3",
            "a",
            "v2",
            "no_flag",
            "toggles_page",
            "switchover",
            "oldenburg",
        ] {
            assert!(!says_nothing(key), "{key}");
        }
    }

    /// `something` is `some` and `thing` too: not all the ways to split a word are gone through.
    #[test]
    fn a_long_word_takes_little() {
        assert!(is_filler(&"something".repeat(14)));
        assert!(!is_filler(&format!("{}q", "something".repeat(14))));
        assert!(!is_filler(&"something".repeat(100_000)));
    }
}
