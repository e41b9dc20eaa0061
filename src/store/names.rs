//! The names of keys: records below the prefix, bookkeeping beside it.

use super::Error;
use crate::doctor::quoted;

/// How many hashes the bookkeeping has.
pub(super) const HASHES: usize = 4;

/// How many of them a large commit writes in place.
pub(super) const IN_PLACE: usize = 3;

/// Every name that one environment uses in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub prefix: String,
    pub meta: String,
    pub specs: String,
    pub removed: String,
    pub stops: String,
    pub history: String,
    pub changes: String,
    /// Who watches.
    pub watch: String,
    /// Exists only within a transaction.
    pub gate: String,
    /// Copies of the hashes [`Self::in_place`]. They exist only within a transaction.
    pub before: [String; IN_PLACE],
}

impl Names {
    /// The bookkeeping of `ff` and of `{ff}` both lies at `hoist:{ff}`: the braces are a hash tag, so
    /// that records and bookkeeping share a slot of a cluster. Which of the two prefixes is the
    /// store's own stands in the bookkeeping.
    pub fn new(prefix: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Prefix {
            prefix: prefix.to_owned(),
            reason: reason.to_owned(),
        };
        if prefix.is_empty() {
            return Err(refuse("it is empty"));
        }
        if prefix.chars().any(char::is_control) {
            return Err(refuse("it holds a control character"));
        }
        if prefix == "hoist" || prefix.starts_with("hoist:") {
            return Err(refuse("hoist keeps its own bookkeeping below `hoist:`"));
        }
        let meta = format!("hoist:{{{}}}", hash_tag(prefix).unwrap_or(prefix));
        Ok(Self {
            prefix: prefix.to_owned(),
            specs: format!("{meta}:specs"),
            removed: format!("{meta}:removed"),
            stops: format!("{meta}:stops"),
            history: format!("{meta}:history"),
            changes: format!("{meta}:changes"),
            watch: format!("{meta}:watch"),
            gate: format!("{meta}:gate"),
            before: ["meta", "removed", "stops"].map(|hash| format!("{meta}:before:{hash}")),
            meta,
        })
    }

    /// The hashes of the bookkeeping.
    pub fn hashes(&self) -> [&str; HASHES] {
        [&self.meta, &self.specs, &self.removed, &self.stops]
    }

    /// The hashes that a large commit writes field by field, in the order of [`Self::before`].
    pub fn in_place(&self) -> [&str; IN_PLACE] {
        [&self.meta, &self.removed, &self.stops]
    }

    /// Where the commit of this id lays the specs aside as they are to be.
    pub fn aside(&self, id: &str) -> String {
        format!("{}:{id}", self.specs)
    }

    /// All keys of the bookkeeping that may stand beside the records.
    pub fn kept(&self) -> [&str; HASHES + 2] {
        let [meta, specs, removed, stops] = self.hashes();
        [meta, specs, removed, stops, &self.history, &self.watch]
    }

    /// The key of a flag's record.
    pub fn record(&self, flag: &str) -> String {
        format!("{}:{flag}", self.prefix)
    }

    /// The flag whose record would stand at `key`; `None` where no flag's could.
    pub fn flag<'k>(&self, key: &'k str) -> Option<&'k str> {
        let flag = key.strip_prefix(&self.prefix)?.strip_prefix(':')?;
        (!flag.is_empty() && !flag.contains(':')).then_some(flag)
    }

    /// Whether the prefix is a hash tag and nothing else, so that everything lies in one slot.
    pub fn is_hash_tag(&self) -> bool {
        hash_tag(&self.prefix).is_some()
    }

    /// A pattern that matches every key below the prefix, and nothing else.
    pub fn pattern(&self) -> String {
        literally(&self.prefix) + ":*"
    }

    /// The rule of an ACL for the records, as a word of a command line.
    pub fn record_rule(&self) -> String {
        quoted(&format!("~{}", self.pattern()))
    }

    /// The rules for all keys.
    pub fn key_rules(&self) -> [String; 3] {
        let meta = literally(&self.meta);
        let kept = [format!("~{meta}"), format!("~{meta}:*")];
        let [meta, rest] = kept.map(|rule| quoted(&rule));
        [self.record_rule(), meta, rest]
    }

    /// The rule for the channel.
    pub fn channel_rule(&self) -> String {
        quoted(&format!("&{}", literally(&self.changes)))
    }
}

/// A pattern that matches `text` and nothing else.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// What stands between the braces of a prefix that is a hash tag and nothing else.
fn hash_tag(prefix: &str) -> Option<&str> {
    let tag = prefix.strip_prefix('{')?.strip_suffix('}')?;
    (!tag.is_empty() && !tag.contains(['{', '}'])).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookkeeping_stands_beside_the_prefix() {
        for (prefix, meta) in [
            ("ff", "hoist:{ff}"),
            ("{ff}", "hoist:{ff}"),
            ("a:b", "hoist:{a:b}"),
            ("{ff}x", "hoist:{{ff}x}"),
            ("{}", "hoist:{{}}"),
        ] {
            let names = Names::new(prefix).expect("a fine prefix");
            assert_eq!(names.meta, meta, "{prefix}");
            assert_eq!(names.changes, format!("{meta}:changes"));
            for key in names.hashes().into_iter().chain([names.history.as_str()]) {
                assert_eq!(names.flag(key), None, "{key} is not a record of {prefix}");
            }
        }
    }

    #[test]
    fn a_prefix_that_would_mix_records_with_bookkeeping_is_refused() {
        for prefix in ["", "hoist", "hoist:{ff}", "a\nb"] {
            assert!(Names::new(prefix).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn a_key_with_a_further_colon_is_no_flag() {
        let names = Names::new("ff").expect("a fine prefix");
        for (key, flag) in [
            ("ff:a", Some("a")),
            ("ff:Odd Name", Some("Odd Name")),
            ("ff:a:b", None),
            ("ff:", None),
            ("ff", None),
            ("fff:a", None),
        ] {
            assert_eq!(names.flag(key), flag, "{key}");
        }
    }

    #[test]
    fn a_pattern_takes_the_prefix_literally() {
        let names = Names::new(r"f*[a]?\").expect("a fine prefix");
        assert_eq!(names.pattern(), r"f\*\[a\]\?\\:*");
    }
}
