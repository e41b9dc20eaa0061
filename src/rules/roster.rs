//! What of flags is compared with other flags.
//!
//! A hundred thousand of them are held at once, so that what a file has lies in a few flat lists, and
//! nothing is copied to look at it.

use crate::diagnostic::{FileId, Location, Span};
use crate::model::{Field, Flag};

use super::all_settings;

/// The flags of one file, as far as others are compared with them.
#[derive(Debug, Default)]
pub struct Roster {
    file: FileId,
    /// Keys and names of groups, one behind the other.
    text: Box<str>,
    rows: Box<[Row]>,
    /// One flag's behind the other's.
    groups: Box<[Group]>,
}

#[derive(Debug)]
struct Row {
    key: Part,
    key_span: Span,
    /// Key to the end of the last field.
    span: Span,
    /// Which of the groups are its own.
    groups: Part,
    salt: Option<Box<Field<Box<str>>>>,
    has_variants: bool,
}

#[derive(Debug)]
struct Group {
    name: Part,
    span: Span,
}

/// A part of a list or of a text.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    end: u32,
}

impl Part {
    /// A file has at most 8 MiB, and what aliases repeat is bounded too.
    fn new(start: usize, end: usize) -> Self {
        let narrow = |value| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Roster {
    /// Of the flags of `file`, in file order.
    #[must_use]
    pub fn new(file: FileId, flags: &[Flag]) -> Self {
        let mut text = String::new();
        let mut groups = Vec::new();
        let mut rows = Vec::with_capacity(flags.len());
        for flag in flags {
            let key = put(&mut text, &flag.key.value);
            let first = groups.len();
            let lists = all_settings(flag).filter_map(|settings| settings.allowed_groups.as_ref());
            groups.extend(lists.flat_map(|list| &list.value).map(|group| Group {
                name: put(&mut text, &group.value),
                span: group.span,
            }));
            rows.push(Row {
                key,
                key_span: flag.key.span,
                span: flag.span,
                groups: Part::new(first, groups.len()),
                salt: flag.salt.clone(),
                has_variants: all_settings(flag).any(|settings| settings.variants.is_some()),
            });
        }
        Self {
            file,
            text: text.into(),
            rows: rows.into(),
            groups: groups.into(),
        }
    }

    /// How many flags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// In file order.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.rows.iter().map(|row| Member { roster: self, row })
    }

    fn text(&self, part: Part) -> &str {
        self.text.get(part.range()).unwrap_or_default()
    }
}

/// Adds `more`, and gives where it stands.
fn put(text: &mut String, more: &str) -> Part {
    let start = text.len();
    text.push_str(more);
    Part::new(start, text.len())
}

/// A flag of a [`Roster`].
#[derive(Clone, Copy, Debug)]
pub struct Member<'r> {
    roster: &'r Roster,
    row: &'r Row,
}

impl<'r> Member<'r> {
    #[must_use]
    pub fn file(self) -> FileId {
        self.roster.file
    }

    #[must_use]
    pub fn key(self) -> &'r str {
        self.roster.text(self.row.key)
    }

    #[must_use]
    pub fn key_span(self) -> Span {
        self.row.key_span
    }

    /// Key to the end of the last field.
    #[must_use]
    pub fn span(self) -> Span {
        self.row.span
    }

    #[must_use]
    pub fn at(self, span: Span) -> Location {
        Location {
            file: self.roster.file,
            span,
        }
    }

    /// What is written as its salt, and where.
    #[must_use]
    pub fn salt(self) -> Option<(&'r str, Span)> {
        let salt = self.row.salt.as_ref();
        salt.map(|salt| (&*salt.value, salt.span))
    }

    /// Whether variants are written for it or for one of its environments.
    #[must_use]
    pub fn has_variants(self) -> bool {
        self.row.has_variants
    }

    /// The groups that it is on for, with their places: its own, then those of its environments.
    pub fn groups(self) -> impl Iterator<Item = (&'r str, Span)> {
        let own = self.roster.groups.get(self.row.groups.range());
        let own = own.unwrap_or_default().iter();
        own.map(move |group| (self.roster.text(group.name), group.span))
    }

    /// Whether the two are one flag in one place.
    #[must_use]
    pub fn is(self, other: Self) -> bool {
        std::ptr::eq(self.row, other.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::LineIndex;
    use crate::{model, yaml};

    #[test]
    fn a_roster_has_what_flags_are_compared_by() {
        let text = "\
flags:
  new_search:
    salt: old_search
    allowed_groups: [employees, beta]
    environments:
      staging: { allowed_groups: [testers], variants: { a: 50, b: 50 } }
  new_layout: {}
";
        let file = FileId(3);
        let (tree, _) = yaml::parse(file, text);
        let flags = model::flags(file, &tree, &LineIndex::new(text), tree.documents()[0]);
        let roster = Roster::new(file, &flags);
        assert_eq!((roster.len(), roster.is_empty()), (2, false));
        let members: Vec<Member<'_>> = roster.members().collect();
        let (one, two) = (members[0], members[1]);
        let written = |span: Span| &text[span.range()];
        assert_eq!((one.key(), two.key()), ("new_search", "new_layout"));
        assert_eq!(written(one.key_span()), "new_search");
        assert_eq!((one.span(), two.span()), (flags[0].span, flags[1].span));
        assert_eq!((one.file(), one.at(one.span()).file), (file, file));
        let (salt, place) = one.salt().unwrap();
        assert_eq!((salt, written(place)), ("old_search", "old_search"));
        assert!(one.has_variants() && !two.has_variants() && two.salt().is_none());
        let groups: Vec<&str> = one.groups().map(|(name, _)| name).collect();
        assert_eq!(groups, ["employees", "beta", "testers"]);
        assert!(one.groups().all(|(name, span)| written(span) == name));
        assert_eq!(two.groups().count(), 0);
        assert!(one.is(members[0]) && !one.is(two));
    }
}
