//! What a change does to those that lists name.

use std::collections::BTreeSet;
use std::fmt;

use crate::eval::{Answer, Evaluator, Malformed};
use crate::model::Percent;
use crate::record::Record;

/// So many names are written out.
const SHOWN: usize = 5;

/// What becomes of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Same,
    Gained,
    Lost,
    /// Another variant or value.
    Moved,
}

impl Effect {
    /// On `user`, a member of `groups`, where `before` makes way for `after`; `None` where there
    /// is no record.
    #[must_use]
    pub fn on(
        user: &str,
        groups: &[&str],
        before: Option<&Evaluator>,
        after: Option<&Evaluator>,
    ) -> Self {
        let before = before.map(|side| side.evaluate(Some(user), groups));
        let after = after.map(|side| side.evaluate(Some(user), groups));
        let has = |answer: &Option<Answer<'_>>| answer.as_ref().is_some_and(Answer::takes_part);
        match (has(&before), has(&after)) {
            (false, true) => Self::Gained,
            (true, false) => Self::Lost,
            _ if differs(before.as_ref(), after.as_ref()) => Self::Moved,
            _ => Self::Same,
        }
    }
}

fn differs(before: Option<&Answer<'_>>, after: Option<&Answer<'_>>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let renamed = before.variant().is_some() && after.variant().is_some();
    (renamed && before.variant() != after.variant()) || before.value() != after.value()
}

/// What a change does to real people, one after the other.
#[derive(Clone, Debug)]
pub struct People {
    before: Option<Evaluator>,
    after: Option<Evaluator>,
    pub gained: Group,
    pub lost: Group,
    /// Get another variant or value.
    pub moved: Group,
}

/// People to whom the same happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub count: u64,
    /// The first of them, and no more than are shown.
    pub users: Vec<String>,
}

impl Group {
    /// So many are named.
    pub const NAMED: usize = 10;

    fn add(&mut self, user: &str) {
        self.count += 1;
        if self.users.len() < Self::NAMED {
            self.users.push(user.to_owned());
        }
    }
}

/// `ana, bo and 7 more`.
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(self.users.iter().map(String::as_str), self.count))
    }
}

impl People {
    /// For a flag whose record `before` makes way for `after`; `None` where there is no record.
    ///
    /// # Errors
    /// Where one of them cannot be evaluated.
    pub fn new(
        flag: &str,
        before: Option<&Record>,
        after: Option<&Record>,
    ) -> Result<Self, Malformed> {
        let evaluator = |record: Option<&Record>| {
            let evaluator = record.map(|record| Evaluator::new(flag, record));
            evaluator.transpose()
        };
        Ok(Self {
            before: evaluator(before)?,
            after: evaluator(after)?,
            gained: Group::default(),
            lost: Group::default(),
            moved: Group::default(),
        })
    }

    /// Counts what happens to `user`, a member of `groups`, and gives it.
    pub fn add(&mut self, user: &str, groups: &[&str]) -> Effect {
        let effect = Effect::on(user, groups, self.before.as_ref(), self.after.as_ref());
        match effect {
            Effect::Same => {}
            Effect::Gained => self.gained.add(user),
            Effect::Lost => self.lost.add(user),
            Effect::Moved => self.moved.add(user),
        }
        effect
    }

    /// Whether anything happened to anyone.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.gained.count + self.lost.count + self.moved.count == 0
    }
}

/// `2 gain it (ana, bo), 1 loses it (cy)`; nothing where nothing happened to anyone.
impl fmt::Display for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (&self.gained, "gains it", "gain it"),
            (&self.lost, "loses it", "lose it"),
            (&self.moved, "gets something else", "get something else"),
        ];
        let mut before = "";
        for (group, one, many) in parts.iter().filter(|(group, ..)| group.count > 0) {
            let verb = if group.count == 1 { one } else { many };
            write!(f, "{before}{} {verb} ({group})", group.count)?;
            before = ", ";
        }
        Ok(())
    }
}

/// What becomes of the users and groups that the lists of either record name; nothing where it is
/// nothing, or where a record cannot be evaluated.
#[must_use]
pub fn notes(flag: &str, before: Option<&Record>, after: Option<&Record>) -> Vec<String> {
    let Ok(mut people) = People::new(flag, before, after) else {
        return Vec::new();
    };
    let sides = [&people.before, &people.after];
    let named = sides.into_iter().flatten().flat_map(Evaluator::named_users);
    let users: BTreeSet<String> = named.map(str::to_owned).collect();
    for user in &users {
        people.add(user, &[]);
    }
    let users = (!people.is_none()).then(|| format!("of the users that lists name, {people}"));
    let groups = groups(people.before.as_ref(), people.after.as_ref());
    users.into_iter().chain(groups).collect()
}

/// Who is in a group is not known here, only what the group has to do with the flag.
fn groups(before: Option<&Evaluator>, after: Option<&Evaluator>) -> Vec<String> {
    let named = |side: Option<&Evaluator>| -> Vec<String> {
        side.filter(|side| side.is_enabled())
            .map_or_else(Vec::new, |side| {
                side.named_groups().into_iter().map(str::to_owned).collect()
            })
    };
    let everyone = |side: Option<&Evaluator>| {
        side.is_some_and(|side| {
            side.is_enabled() && side.share() == Percent::HUNDRED && side.control().is_none()
        })
    };
    let nobody = |side: Option<&Evaluator>| side.is_none_or(|side| !side.is_enabled());
    let (old, new) = (named(before), named(after));
    let mut notes = Vec::new();
    let added: Vec<&str> = only(&new, &old);
    if !added.is_empty() && !everyone(before) {
        notes.push(format!("{} gain it whatever their bucket", members(&added)));
    }
    let removed: Vec<&str> = only(&old, &new);
    if !removed.is_empty() && nobody(after) {
        notes.push(format!("{} lose it", members(&removed)));
    } else if !removed.is_empty() && !everyone(after) {
        notes.push(format!(
            "{} keep it by their bucket alone",
            members(&removed)
        ));
    }
    notes
}

fn only<'a>(these: &'a [String], those: &[String]) -> Vec<&'a str> {
    let these = these.iter().filter(|group| !those.contains(group));
    these.map(String::as_str).collect()
}

fn members(groups: &[&str]) -> String {
    let word = if groups.len() == 1 { "group" } else { "groups" };
    let listed = list(groups.iter().copied(), groups.len() as u64);
    format!("members of {word} {listed}")
}

/// The first few, and how many more of `count`.
fn list<'a>(names: impl IntoIterator<Item = &'a str>, count: u64) -> String {
    let shown: Vec<&str> = names.into_iter().take(SHOWN).collect();
    let shown = shown.join(", ");
    match count.saturating_sub(SHOWN as u64) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
