//! Names that are nearly alike, found without comparing each with each.
//!
//! Two words that are at most two edits apart become the same word if at most two letters are
//! deleted from each. So the words with letters deleted are listed for one side, by a hash of them,
//! and looked up for the other: work in proportion to the number of words, for words of bounded
//! length.

use std::collections::HashSet;

/// The most used names are compared with, and no more than these: nobody mistypes names that a
/// program makes by the thousand.
const MOST_NAMES: usize = 5_000;
/// Names that are looked at for one: past that they are made to be alike.
const MOST_CANDIDATES: usize = 64;
/// Shortest words, in letters, in which one edit and two are taken for a slip.
const ONE_EDIT: usize = 5;
const TWO_EDITS: usize = 8;
/// Longest name in which two edits are looked for, and longest that is looked at, in bytes: the list
/// grows with the square of the length.
const LONGEST_FOR_TWO: usize = 24;
const LONGEST: usize = 64;

/// A name that another one was probably meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness<'n> {
    pub name: &'n str,
    /// How many flags use it.
    pub flags: u32,
    /// 0 where case and separators differ alone.
    pub edits: usize,
}

/// Names in use, to be searched for those that are nearly like another.
pub struct Neighbours<'n> {
    names: Vec<Name<'n>>,
    /// Hash of a word with letters deleted, and the index of the name; sorted.
    shortened: Vec<(u32, u32)>,
    /// Digits of the names.
    numbers: HashSet<Box<[u8]>>,
}

struct Name<'n> {
    name: &'n str,
    flags: u32,
    folded: Vec<u8>,
}

impl<'n> Neighbours<'n> {
    pub fn new(mut used: Vec<(&'n str, u32)>) -> Self {
        used.sort_unstable_by(|(name, flags), (other, most)| most.cmp(flags).then(name.cmp(other)));
        used.truncate(MOST_NAMES);
        let names: Vec<Name<'n>> = used
            .into_iter()
            .map(|(name, flags)| Name {
                name,
                flags,
                folded: fold(name),
            })
            .filter(|name| (ONE_EDIT..=LONGEST).contains(&name.folded.len()))
            .collect();
        let mut shortened = Vec::new();
        for (at, name) in (0..).zip(&names) {
            each_shortened(&name.folded, |hash| shortened.push((hash, at)));
        }
        shortened.sort_unstable();
        shortened.dedup();
        let numbers = names.iter().map(|name| digits(&name.folded)).collect();
        Self {
            names,
            shortened,
            numbers,
        }
    }

    /// The name that `wrong` was probably meant to be: the nearest, and of those the most used.
    pub fn nearest(&self, wrong: &str) -> Option<Likeness<'n>> {
        let folded = fold(wrong);
        let number = digits(&folded);
        if !(ONE_EDIT..=LONGEST).contains(&folded.len()) || !self.numbers.contains(&number) {
            return None;
        }
        let mut seen: Vec<u32> = Vec::new();
        let mut nearest: Option<Likeness<'n>> = None;
        each_shortened(&folded, |hash| {
            let from = self.shortened.partition_point(|(known, _)| *known < hash);
            let same = self
                .shortened
                .iter()
                .skip(from)
                .take_while(|(known, _)| *known == hash);
            for (_, at) in same {
                if seen.len() >= MOST_CANDIDATES || seen.contains(at) {
                    continue;
                }
                seen.push(*at);
                let name = self.names.get(*at as usize);
                let found = name.filter(|name| digits(&name.folded) == number);
                let found = found.and_then(|name| likeness(wrong, &folded, name));
                // Names are by use, so the lower index is used more.
                let rank = |of: &Likeness<'_>| (of.edits, u32::MAX - of.flags, of.name.len());
                if let Some(found) = found
                    && nearest
                        .as_ref()
                        .is_none_or(|nearest| rank(&found) < rank(nearest))
                {
                    nearest = Some(found);
                }
            }
        });
        nearest
    }
}

/// Small letters and digits; what stands between words is left out.
fn fold(name: &str) -> Vec<u8> {
    let bytes = name
        .bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    bytes.map(|byte| byte.to_ascii_lowercase()).collect()
}

fn digits(folded: &[u8]) -> Box<[u8]> {
    folded.iter().copied().filter(u8::is_ascii_digit).collect()
}

/// Hashes of the word and of all that is left of it with one letter or two deleted; two in words in
/// which two edits are a slip.
fn each_shortened(word: &[u8], mut each: impl FnMut(u32)) {
    let none = word.len();
    each(hash(word, none, none));
    let two = (TWO_EDITS..=LONGEST_FOR_TWO).contains(&word.len());
    for first in 0..word.len() {
        each(hash(word, first, none));
        if two {
            for second in first + 1..word.len() {
                each(hash(word, first, second));
            }
        }
    }
}

/// FNV-1a of the word without the letters at two places.
fn hash(word: &[u8], first: usize, second: usize) -> u32 {
    let letters = word.iter().enumerate();
    let left = letters.filter(|(at, _)| *at != first && *at != second);
    left.fold(0x811c_9dc5, |hash, (_, byte)| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Whether `wrong` is a slip for `name`.
fn likeness<'n>(wrong: &str, folded: &[u8], name: &Name<'n>) -> Option<Likeness<'n>> {
    let likeness = |edits| {
        Some(Likeness {
            name: name.name,
            flags: name.flags,
            edits,
        })
    };
    if folded == name.folded {
        return likeness(0);
    }
    let words = |text: &str| -> Vec<String> {
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (ours, theirs) = (words(wrong), words(name.name));
    // Between words, a slip makes one of two or two of one: then they are looked at as one.
    let edits = if ours.len() == theirs.len() {
        let pairs = ours.iter().zip(&theirs).filter(|(our, their)| our != their);
        pairs
            .map(|(our, their)| slip(our, their))
            .sum::<Option<usize>>()?
    } else {
        slip(&ours.concat(), &theirs.concat())?
    };
    (edits <= 2).then(|| likeness(edits)).flatten()
}

/// Edits between two words, if that few are a slip.
fn slip(our: &str, their: &str) -> Option<usize> {
    let letters = our.chars().count().min(their.chars().count());
    let edits = strsim::osa_distance(our, their);
    match edits {
        1 if letters >= ONE_EDIT => Some(1),
        // `internal` is no slip for `external`.
        2 if letters >= TWO_EDITS && our.chars().next() == their.chars().next() => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nearest(wrong: &str, used: &[(&'static str, u32)]) -> Option<(&'static str, usize)> {
        let found = Neighbours::new(used.to_vec()).nearest(wrong);
        found.map(|found| (found.name, found.edits))
    }

    #[test]
    fn slips_are_found() {
        for (wrong, name, edits) in [
            ("employes", "employees", 1),
            ("emlpoyes", "employees", 2),
            ("emplyoees", "employees", 1),
            ("Employees", "employees", 0),
            ("beta-testers", "beta_testers", 0),
            ("betatesters", "beta_testers", 0),
            ("beta_tetsers", "beta_testers", 1),
            ("employes_tesers", "employees_testers", 2),
            ("testers_12", "tesers_12", 1),
        ] {
            assert_eq!(nearest(wrong, &[(name, 3)]), Some((name, edits)), "{wrong}");
        }
    }

    #[test]
    fn names_of_one_kind_are_no_slips() {
        for (name, other) in [
            ("cohort_1", "cohort_2"),
            ("cohort_1", "cohort_11"),
            ("beta_eu", "beta_us"),
            ("tier_a", "tier_b"),
            ("internal", "external"),
            ("subscribed", "unsubscribed"),
            ("canary_east", "canary_west"),
            ("north", "south"),
            ("staff", "state"),
            ("gold", "bold"),
            ("user", "users"),
            ("employees", "customers"),
        ] {
            assert_eq!(nearest(name, &[(other, 9)]), None, "{name}");
            assert_eq!(nearest(other, &[(name, 9)]), None, "{other}");
        }
    }

    #[test]
    fn the_nearest_and_most_used_is_meant() {
        let used = [("testers", 2), ("testees", 9), ("tester", 3)];
        assert_eq!(nearest("testrs", &used), Some(("testers", 1)));
        assert_eq!(nearest("testews", &used), Some(("testees", 1)));
        assert_eq!(nearest("testers", &[]), None);
    }

    #[test]
    fn many_names_that_are_alike_take_linear_time() {
        let word = |mut number: usize| -> String {
            let mut word = "groupname".to_owned();
            for _ in 0..4 {
                word.push(char::from(b'a' + (number % 26) as u8));
                number /= 26;
            }
            word
        };
        let names: Vec<String> = (0..20_000).map(word).collect();
        let neighbours = Neighbours::new(names.iter().map(|name| (&**name, 2)).collect());
        let found = (20_000..21_000)
            .map(word)
            .filter(|name| neighbours.nearest(name).is_some());
        assert!(found.count() > 0);
    }

    proptest! {
        /// As comparing each with each would do.
        #[test]
        fn nothing_near_is_missed(
            names in prop::collection::vec("[abc]{4,10}(_[ab]{1,5})?", 1..8),
            wrong in "[abc]{4,10}(_[ab]{1,5})?",
        ) {
            let used: Vec<(&str, u32)> = names.iter().map(|name| (&**name, 2)).collect();
            let folded = fold(&wrong);
            let eligible = |folded: &[u8]| (ONE_EDIT..=LONGEST).contains(&folded.len());
            let each = used.iter().filter_map(|(name, flags)| {
                let name = Name { name, flags: *flags, folded: fold(name) };
                let both = eligible(&name.folded) && eligible(&folded);
                likeness(&wrong, &folded, &name).filter(|_| both)
            });
            let expected = each.map(|found| found.edits).min();
            let found = Neighbours::new(used.clone()).nearest(&wrong).map(|found| found.edits);
            prop_assert_eq!(found, expected);
        }
    }
}
