//! What is known of a flag's past: from the commits of a repository, or from a store.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::search::Sighting;
use crate::model::Expiry;

/// What rules may know of a flag besides its two states. Whatever was not asked for is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// How the key went when it last did.
    pub removed: Option<Removal>,
    /// Each date of expiry that a later one took the place of, with that later one; earliest first,
    /// each pair once.
    pub postponed: Vec<(Date, Date)>,
    /// Where code names the key, if that was looked for.
    pub references: Option<References>,
}

/// How a key went.
#[derive(Clone, Debug, PartialEq)]
pub enum Removal {
    Commit(Commit),
    /// A commit of a store.
    Generation {
        generation: u64,
        /// Seconds since the epoch.
        at: f64,
    },
}

/// A commit of git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// In hexadecimal.
    pub id: String,
    /// Seconds since the epoch.
    pub time: i64,
    /// First line of its message.
    pub subject: String,
}

/// Places in code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// The first ones, as `src/search.py:12`.
    pub places: Vec<String>,
    pub count: usize,
}

/// Collects what commits tell of flags, given the newest first.
#[derive(Debug, Default)]
pub struct History {
    by_key: HashMap<String, Past>,
}

impl History {
    /// Takes what one commit did to the flags that are searched for: what each of its parents had in
    /// the files that it touched, and what those files have now.
    ///
    /// A merge did what is so in none of its parents.
    pub fn add(&mut self, commit: &Commit, parents: &[Vec<Sighting>], now: &[Sighting]) {
        let Some((first, others)) = parents.split_first() else {
            return;
        };
        for was in first {
            let find = |sightings: &[Sighting]| {
                let found = sightings.iter().find(|sighting| sighting.key == was.key);
                found.map(|sighting| sighting.expires)
            };
            let elsewhere: Option<Vec<_>> = others.iter().map(|parent| find(parent)).collect();
            let Some(elsewhere) = elsewhere else { continue };
            let past = self.by_key.entry(was.key.to_string()).or_default();
            match find(now) {
                Some(is) => {
                    let was = elsewhere.into_iter().fold(was.expires, later);
                    past.add_move(was, is);
                }
                None => {
                    past.removed
                        .get_or_insert_with(|| Removal::Commit(commit.clone()));
                }
            }
        }
    }

    /// What is known of a flag.
    pub fn take(&mut self, key: &str) -> Past {
        self.by_key.remove(key).unwrap_or_default()
    }
}

/// Never is later than any date, and so is what could not be read: nothing is said of a move from it.
fn later(one: Option<Expiry>, other: Option<Expiry>) -> Option<Expiry> {
    match (one?, other?) {
        (Expiry::On(one), Expiry::On(other)) => Some(Expiry::On(one.max(other))),
        _ => Some(Expiry::Never),
    }
}

impl Past {
    /// Notes that a date of expiry made way for another, if that is later.
    pub fn add_move(&mut self, from: Option<Expiry>, to: Option<Expiry>) {
        if let (Some(Expiry::On(from)), Some(Expiry::On(to))) = (from, to)
            && from < to
            && !self.postponed.contains(&(from, to))
        {
            self.postponed.push((from, to));
            self.postponed.sort_unstable();
        }
    }
}

impl Removal {
    /// "on 2026-09-14, in commit 1a2b3c4d5e6f (Remove the old search)"
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Commit(commit) => {
                let id = commit.id.get(..12).unwrap_or(&commit.id);
                let subject = match commit.subject.trim() {
                    "" => String::new(),
                    subject => format!(" ({})", cut(subject)),
                };
                format!("{}in commit {id}{subject}", on(commit.time))
            }
            Self::Generation { generation, at } => {
                // A time that no clock shows is told without its day.
                format!("{}at generation {generation} of the store", on(*at as i64))
            }
        }
    }
}

/// "on 2026-09-14, ", in UTC.
fn on(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map(|time| time.strftime("on %Y-%m-%d, ").to_string())
        .unwrap_or_default()
}

fn cut(subject: &str) -> String {
    const LONGEST: usize = 60;
    match subject.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", subject.get(..end).unwrap_or_default().trim_end()),
        None => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn commit(id: &str) -> Commit {
        Commit {
            id: id.into(),
            time: 1_789_344_000,
            subject: "Remove it".into(),
        }
    }

    fn seen(key: &str, month: i8) -> Sighting {
        Sighting {
            key: key.into(),
            expires: Some(Expiry::On(date(2026, month, 1))),
        }
    }

    #[test]
    fn the_last_removal_counts_and_a_move_is_none() {
        let mut history = History::default();
        let (old, other) = ([seen("old", 1)], [seen("other", 1)]);
        // To another file.
        let both = [&old[..], &other].concat();
        history.add(&commit("6"), std::slice::from_ref(&both), &both);
        // Another parent had removed it before.
        history.add(&commit("5"), &[old.to_vec(), Vec::new()], &[]);
        history.add(&commit("4"), &[old.to_vec()], &[]);
        history.add(&commit("3"), &[Vec::new()], &old);
        history.add(&commit("2"), &[old.to_vec()], &other);
        let removed = |history: &mut History, key| history.take(key).removed;
        let gone = removed(&mut history, "old").unwrap();
        assert_eq!(gone, Removal::Commit(commit("4")));
        assert_eq!(removed(&mut history, "other"), None);
        assert_eq!(gone.in_words(), "on 2026-09-14, in commit 4 (Remove it)");
    }

    #[test]
    fn only_later_dates_are_postponements() {
        let mut history = History::default();
        for (was, is) in [(3, 6), (6, 2), (1, 3), (1, 3)] {
            history.add(&commit("1"), &[vec![seen("a", was)]], &[seen("a", is)]);
        }
        // What a merge takes from one of its parents was a move there.
        history.add(
            &commit("2"),
            &[vec![seen("a", 2)], vec![seen("a", 8)]],
            &[seen("a", 8)],
        );
        let month = |month| date(2026, month, 1);
        assert_eq!(
            history.take("a").postponed,
            [(month(1), month(3)), (month(3), month(6))]
        );
    }

    #[test]
    fn times_and_texts_of_others_are_kept_in_bounds() {
        let gone = Removal::Generation {
            generation: 7,
            at: f64::INFINITY,
        };
        assert_eq!(gone.in_words(), "at generation 7 of the store");
        let long = Removal::Commit(Commit {
            subject: "ä".repeat(1000),
            ..commit(&"a".repeat(40))
        });
        assert_eq!(long.in_words().chars().count(), 101);
    }
}
