//! What keys of flags are made of.

use std::hash::{Hash, Hasher};

/// What stands between the words of a key.
pub const SEPARATORS: [char; 3] = ['_', '-', '.'];

/// The words of a key.
pub fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split(SEPARATORS).filter(|word| !word.is_empty())
}

/// A key that equals every other that differs from it in case or separators only. Nothing is copied.
#[derive(Clone, Copy)]
pub struct Folded<'k>(pub &'k str);

impl Folded<'_> {
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let bytes = self.0.bytes();
        bytes
            .filter(|byte| !SEPARATORS.contains(&char::from(*byte)))
            .map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Folded<'_> {}

impl Hash for Folded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A hasher takes many bytes at once as fast as one.
        let mut some = [0; 64];
        let mut bytes = self.bytes();
        loop {
            let mut length = 0;
            for (to, byte) in some.iter_mut().zip(&mut bytes) {
                *to = byte;
                length += 1;
            }
            state.write(some.get(..length).unwrap_or_default());
            if length < some.len() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn case_and_separators_are_set_aside() {
        let long = "a_long_key.".repeat(20);
        let other = "ALongKey".repeat(20);
        for (one, two, same) in [
            ("new_search", "new-search", true),
            ("new_search", "newSearch", true),
            ("new.search", "_new__search-", true),
            ("new_search", "new_searches", false),
            ("", "_", true),
            (long.as_str(), other.as_str(), true),
        ] {
            assert_eq!(Folded(one) == Folded(two), same, "{one} {two}");
            let set = HashSet::from([Folded(one)]);
            assert_eq!(set.contains(&Folded(two)), same, "{one} {two}");
        }
    }

    #[test]
    fn a_key_is_made_of_words() {
        let all: Vec<&str> = words("ops.new_search--v2_").collect();
        assert_eq!(all, ["ops", "new", "search", "v2"]);
    }
}
