use crate::model::{self, Flag};

use super::keys::SEPARATORS;
use super::wording::quote;
use super::{Check, Context, Findings, Level, Rule};

pub static RULE: Rule = Rule {
    id: "negative-key",
    level: Level::Warning,
    fixed: false,
    summary: "A flag's key is a negation: to turn it on is to turn something off",
    docs: "\
With `disable_cache` at 10 percent, who has the cache? Off means on, `!disabled` stands in the code, and an
emergency stop, which turns a flag off, turns the thing on. Name what the flag gives when it is on, and write
`enabled`, percentages and stages the other way round.

A key draws this with a word such as `disable` or `disabled` anywhere, or with `no`, `not`, `without` or `dont` at
its beginning or behind a dot. Some names are none: `not_found_page`, `no_code_editor`.",
    bad: "\
flags:
  disable_search_cache:
    description: Ask the ranking service every time
    owner: search-team
    expires: 2027-03-31
    enabled: false
",
    good: "\
flags:
  search_cache:
    description: Keep answers of the ranking service for a minute
    owner: search-team
    expires: 2027-03-31
    enabled: true
",
    check: Check::Flag(check),
};

/// Negations wherever they stand.
const ANYWHERE: [&str; 4] = ["disable", "disabled", "disables", "disabling"];
/// Negations of what follows.
const FIRST: [&str; 4] = ["dont", "no", "not", "without"];
/// What is no negation, since it is a name.
const NAMES: [[&str; 2]; 5] = [
    ["no", "code"],
    ["no", "reply"],
    ["no", "show"],
    ["not", "found"],
    ["not", "modified"],
];

fn check(flag: &Flag, _: &Context, findings: &mut Findings<'_>) {
    let key = &*flag.key.value;
    // A key that cannot be one at all has been told of.
    let Some(word) = negation(key).filter(|_| model::is_key(key)) else {
        return;
    };
    let message = format!("key {} has {} in it: on means off", quote(key), quote(word));
    let found = findings.report(flag, flag.key.span, message);
    let name = match positive(key, word) {
        Some(name) => format!(", such as {},", quote(&name)),
        None => String::new(),
    };
    found.help = Some(format!(
        "name it for what it gives when it is on{name} and turn `enabled` and the percentages round"
    ));
}

/// The word of `key`, a part of it, that turns its meaning round.
fn negation(key: &str) -> Option<&str> {
    key.split('.').find_map(|part| {
        let mut words = part.split(SEPARATORS).filter(|word| !word.is_empty());
        let (first, second) = (words.next()?, words.next());
        let is_name = second.is_some_and(|second| NAMES.contains(&[first, second]));
        if second.is_some() && FIRST.contains(&first) && !is_name {
            return Some(first);
        }
        let mut words = [Some(first), second].into_iter().flatten().chain(words);
        words.find(|word| ANYWHERE.contains(word))
    })
}

/// `key` without `word`, which is a part of it, if a key remains.
fn positive(key: &str, word: &str) -> Option<String> {
    let start = word.as_ptr().addr().checked_sub(key.as_ptr().addr())?;
    let before = key.get(..start)?;
    let behind = key.get(start + word.len()..)?;
    let name = match behind.strip_prefix(SEPARATORS) {
        Some(behind) => format!("{before}{behind}"),
        None => before.trim_end_matches(SEPARATORS).to_owned(),
    };
    model::is_key(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negation_is_a_word_of_its_own() {
        for (key, word, name) in [
            ("disable_cache", "disable", Some("cache")),
            ("no_cache", "no", Some("cache")),
            ("not-cached", "not", Some("cached")),
            ("without_sidebar", "without", Some("sidebar")),
            ("dont_cache", "dont", Some("cache")),
            ("search.no_cache", "no", Some("search.cache")),
            ("search.disable", "disable", Some("search")),
            ("checkout_disabled", "disabled", Some("checkout")),
            ("checkout_disabled_v2", "disabled", Some("checkout_v2")),
            ("disable", "disable", None),
            ("disable_2fa", "disable", None),
        ] {
            assert_eq!(negation(key), Some(word), "{key}");
            assert_eq!(positive(key, word_in(key, word)).as_deref(), name, "{key}");
        }
        for key in [
            "notes",
            "notifications",
            "nostalgia",
            "no",
            "not_found_page",
            "no_code_editor",
            "show_no_results",
            "say_not",
            "disability_support",
            "enable_cache",
            "",
        ] {
            assert_eq!(negation(key), None, "{key}");
        }
    }

    fn word_in<'k>(key: &'k str, word: &str) -> &'k str {
        let start = key.find(word).unwrap();
        &key[start..start + word.len()]
    }
}
