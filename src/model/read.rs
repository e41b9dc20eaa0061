//! Tree to flags: reads what is valid and leaves out what is not.
//!
//! Nothing is reported here. The schema is the contract and has said what is wrong; this reader
//! only notes, in [`Flag::complete`], that something is missing.

use jiff::civil::Date;

use super::scalar::{is_key, is_variant_name, parse_date, parse_duration, to_json};
use super::{
    Expiry, Field, Flag, FlagTest, Forced, Names, Override, Percent, Settings, Spanned, Stage,
    Variant,
};
use crate::diagnostic::{FileId, LineIndex};
use crate::yaml::{Entry, NodeId, Tree, Value};

/// Reads one field into the thing it belongs to.
type Put<T> = fn(&mut Reader<'_>, &mut T, Entry);

/// What a mapping may hold: each field's name, and how it is read.
type Fields<T, const N: usize> = [(&'static str, Put<T>); N];

/// Fields of a flag, without those that an environment may replace.
const FLAG: Fields<Flag, 8> = [
    ("description", |r, flag, at| {
        flag.description = r.field(at, Reader::text)
    }),
    ("owner", |r, flag, at| {
        flag.owner = r.field(at, Reader::text)
    }),
    ("created", |r, flag, at| {
        flag.created = r.field(at, Reader::date)
    }),
    ("expires", |r, flag, at| {
        flag.expires = r.field(at, Reader::expiry)
    }),
    ("tags", |r, flag, at| flag.tags = r.boxed(at, Reader::names)),
    ("salt", |r, flag, at| flag.salt = r.boxed(at, Reader::name)),
    ("environments", |r, flag, at| {
        flag.environments = r.boxed(at, Reader::overrides)
    }),
    ("tests", |r, flag, at| {
        flag.tests = r.boxed(at, Reader::tests)
    }),
];

/// Fields that a flag and an environment have in common.
const SETTINGS: Fields<Settings, 8> = [
    ("enabled", |r, to, at| {
        to.enabled = r.field(at, Reader::boolean)
    }),
    ("percentage", |r, to, at| {
        to.percentage = r.field(at, Reader::percent)
    }),
    ("rollout", |r, to, at| {
        to.rollout = r.boxed(at, Reader::stages)
    }),
    ("variants", |r, to, at| {
        to.variants = r.boxed(at, Reader::variants)
    }),
    ("control", |r, to, at| {
        to.control = r.boxed(at, Reader::name)
    }),
    ("forced", |r, to, at| {
        to.forced = r.boxed(at, Reader::forced)
    }),
    ("allowed_users", |r, to, at| {
        to.allowed_users = r.boxed(at, Reader::names)
    }),
    ("allowed_groups", |r, to, at| {
        to.allowed_groups = r.boxed(at, Reader::names)
    }),
];

const STAGE: Fields<StageParts, 2> = [
    ("percentage", |r, stage, at| {
        stage.percentage = r.spanned(at.value, Reader::percent)
    }),
    ("duration", |r, stage, at| {
        stage.duration = r.field(at, Reader::duration)
    }),
];

const VARIANT: Fields<VariantParts, 2> = [
    ("weight", |r, variant, at| {
        variant.weight = r.spanned(at.value, Reader::percent)
    }),
    ("value", |r, variant, at| {
        variant.value = r.spanned(at.value, Reader::scalar_or_object)
    }),
];

const TEST: Fields<TestParts, 5> = [
    ("user", |r, test, at| {
        test.user = r.spanned(at.value, Reader::name)
    }),
    ("groups", |r, test, at| {
        test.groups = r.some(at.value, Reader::names).unwrap_or_default()
    }),
    ("environment", |r, test, at| {
        test.environment = r.spanned(at.value, Reader::name)
    }),
    ("percentage", |r, test, at| {
        test.percentage = r.spanned(at.value, Reader::percent)
    }),
    ("expect", |r, test, at| {
        test.expect = r.spanned(at.value, Reader::scalar_or_object)
    }),
];

/// Names of the fields of a flag.
pub const FLAG_FIELDS: [&str; 16] = {
    let (own, shared) = (names(&FLAG), names(&SETTINGS));
    let mut all = [""; 16];
    let mut at = 0;
    while at < 8 {
        all[at] = own[at];
        all[at + 8] = shared[at];
        at += 1;
    }
    all
};
/// Names of the fields that an environment may replace.
pub const OVERRIDE_FIELDS: [&str; 8] = names(&SETTINGS);
/// Names of the fields of a rollout's stage.
pub const STAGE_FIELDS: [&str; 2] = names(&STAGE);
/// Names of the fields of a variant written out.
pub const VARIANT_FIELDS: [&str; 2] = names(&VARIANT);
/// Names of the fields of one of a flag's tests.
pub const TEST_FIELDS: [&str; 5] = names(&TEST);

const fn names<T, const N: usize>(fields: &Fields<T, N>) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = fields[at].0;
        at += 1;
    }
    names
}

#[derive(Default)]
struct StageParts {
    percentage: Option<Spanned<Percent>>,
    duration: Option<Field<u64>>,
}

#[derive(Default)]
struct VariantParts {
    weight: Option<Spanned<Percent>>,
    value: Option<Spanned<serde_json::Value>>,
}

#[derive(Default)]
struct TestParts {
    user: Option<Spanned<Box<str>>>,
    groups: Names,
    environment: Option<Spanned<Box<str>>>,
    percentage: Option<Spanned<Percent>>,
    expect: Option<Spanned<serde_json::Value>>,
}

/// The flags of one document, as far as they could be read. `lines` is the index of the tree's
/// text.
#[must_use]
pub fn flags(file: FileId, tree: &Tree<'_>, lines: &LineIndex, document: NodeId) -> Vec<Flag> {
    let Value::Mapping(entries) = tree.value(document) else {
        return Vec::new();
    };
    let root = entries
        .iter()
        .find(|entry| tree.key_text(entry.key) == Some("flags"));
    let Some(Value::Mapping(entries)) = root.map(|entry| tree.value(entry.value)) else {
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            let line = lines.line(tree.span(entry.key).start);
            flag(file, tree, line, *entry)
        })
        .collect()
}

/// `None` where the key is none at all, such as a list.
fn flag(file: FileId, tree: &Tree<'_>, line: u32, entry: Entry) -> Option<Flag> {
    let key = tree.key_text(entry.key)?;
    let mut reader = Reader {
        tree,
        complete: tree.is_complete(entry.value) && is_key(key),
    };
    let span = tree.span(entry.key);
    let mut flag = Flag {
        file,
        line,
        key: Spanned {
            span,
            value: key.into(),
        },
        span: span.to(tree.span(entry.value)),
        description: None,
        owner: None,
        created: None,
        expires: None,
        tags: None,
        salt: None,
        base: Settings::default(),
        environments: None,
        tests: None,
        complete: false,
    };
    reader.mapping(entry.value, |reader, name, entry| {
        reader.put(&FLAG, &mut flag, name, entry)
            || reader.put(&SETTINGS, &mut flag.base, name, entry)
    });
    flag.complete = reader.complete;
    Some(flag)
}

/// Reads the parts of one flag.
struct Reader<'t> {
    tree: &'t Tree<'t>,
    /// Stays true while everything that is there could be read.
    complete: bool,
}

impl Reader<'_> {
    /// What `read` gives; that it gives nothing is noted.
    fn some<T>(
        &mut self,
        node: NodeId,
        read: impl FnOnce(&mut Self, NodeId) -> Option<T>,
    ) -> Option<T> {
        let value = read(self, node);
        self.complete &= value.is_some();
        value
    }

    fn spanned<T>(
        &mut self,
        node: NodeId,
        read: impl FnOnce(&mut Self, NodeId) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let span = self.tree.span(node);
        let value = self.some(node, read)?;
        Some(Spanned { span, value })
    }

    fn field<T>(
        &mut self,
        entry: Entry,
        read: impl FnOnce(&mut Self, NodeId) -> Option<T>,
    ) -> Option<Field<T>> {
        let Spanned { span, value } = self.spanned(entry.value, read)?;
        let key = self.tree.span(entry.key);
        Some(Field { key, span, value })
    }

    fn boxed<T>(
        &mut self,
        entry: Entry,
        read: impl FnOnce(&mut Self, NodeId) -> Option<T>,
    ) -> Option<Box<Field<T>>> {
        self.field(entry, read).map(Box::new)
    }

    /// Reads `entry` into `to` where `fields` has a field called `name`, or gives false.
    fn put<T, const N: usize>(
        &mut self,
        fields: &Fields<T, N>,
        to: &mut T,
        name: &str,
        entry: Entry,
    ) -> bool {
        let found = fields.iter().find(|(field, _)| *field == name);
        if let Some((_, put)) = found {
            put(self, to, entry);
        }
        found.is_some()
    }

    /// Calls `each` with the text of every key; false from it, or a key without a text, is noted.
    /// `None` where the node is no mapping.
    fn mapping(
        &mut self,
        node: NodeId,
        mut each: impl FnMut(&mut Self, &str, Entry) -> bool,
    ) -> Option<()> {
        let tree = self.tree;
        let Value::Mapping(entries) = tree.value(node) else {
            self.complete = false;
            return None;
        };
        for entry in entries {
            let read = tree
                .key_text(entry.key)
                .is_some_and(|name| each(self, name, *entry));
            self.complete &= read;
        }
        Some(())
    }

    /// A list with room for what stands at each key of a mapping, and no more.
    fn one_each<T>(&self, node: NodeId) -> Vec<T> {
        match self.tree.value(node) {
            Value::Mapping(entries) => Vec::with_capacity(entries.len()),
            _ => Vec::new(),
        }
    }

    /// The elements that `each` can read; the others are noted.
    fn list<T>(
        &mut self,
        node: NodeId,
        mut each: impl FnMut(&mut Self, NodeId) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Sequence(nodes) = self.tree.value(node) else {
            return None;
        };
        let mut list = Vec::with_capacity(nodes.len());
        for node in nodes {
            list.extend(self.some(*node, &mut each));
        }
        Some(list)
    }

    fn boolean(&mut self, node: NodeId) -> Option<bool> {
        match self.tree.value(node) {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn percent(&mut self, node: NodeId) -> Option<Percent> {
        match self.tree.value(node) {
            Value::Number(number) => Percent::from_f64(number.value),
            _ => None,
        }
    }

    fn text(&mut self, node: NodeId) -> Option<Box<str>> {
        match self.tree.value(node) {
            Value::String(text) => Some(text.into()),
            _ => None,
        }
    }

    fn name(&mut self, node: NodeId) -> Option<Box<str>> {
        self.text(node).filter(|name| !name.is_empty())
    }

    fn names(&mut self, node: NodeId) -> Option<Names> {
        self.list(node, |reader, node| reader.spanned(node, Self::name))
    }

    fn date(&mut self, node: NodeId) -> Option<Date> {
        match self.tree.value(node) {
            Value::String(text) => parse_date(text),
            _ => None,
        }
    }

    fn expiry(&mut self, node: NodeId) -> Option<Expiry> {
        match self.tree.value(node) {
            Value::String("never") => Some(Expiry::Never),
            _ => self.date(node).map(Expiry::On),
        }
    }

    fn duration(&mut self, node: NodeId) -> Option<u64> {
        match self.tree.value(node) {
            Value::String(text) => parse_duration(text),
            _ => None,
        }
    }

    fn stages(&mut self, node: NodeId) -> Option<Vec<Stage>> {
        let mut number = 0;
        self.list(node, |reader, node| {
            number += 1;
            let mut parts = StageParts::default();
            reader.mapping(node, |reader, name, entry| {
                reader.put(&STAGE, &mut parts, name, entry)
            })?;
            Some(Stage {
                span: reader.tree.span(node),
                number,
                percentage: parts.percentage?,
                duration: parts.duration,
            })
        })
    }

    fn variants(&mut self, node: NodeId) -> Option<Vec<Variant>> {
        let mut variants = self.one_each(node);
        self.mapping(node, |reader, name, entry| {
            let Some(parts) = reader.variant(entry.value) else {
                return false;
            };
            let Some(weight) = parts.weight else {
                return false;
            };
            variants.push(Variant {
                name: reader.key(name, entry),
                weight,
                value: parts.value,
            });
            is_variant_name(name)
        })?;
        Some(variants)
    }

    /// A weight, or `{weight, value}`.
    fn variant(&mut self, node: NodeId) -> Option<VariantParts> {
        let mut parts = VariantParts::default();
        match self.tree.value(node) {
            Value::Number(_) => parts.weight = self.spanned(node, Self::percent),
            _ => self.mapping(node, |reader, name, entry| {
                reader.put(&VARIANT, &mut parts, name, entry)
            })?,
        }
        Some(parts)
    }

    fn forced(&mut self, node: NodeId) -> Option<Vec<Forced>> {
        let mut forced = self.one_each(node);
        self.mapping(node, |reader, name, entry| {
            let Some(users) = reader.names(entry.value) else {
                return false;
            };
            forced.push(Forced {
                variant: reader.key(name, entry),
                users,
            });
            true
        })?;
        Some(forced)
    }

    fn overrides(&mut self, node: NodeId) -> Option<Vec<Override>> {
        let mut overrides = self.one_each(node);
        self.mapping(node, |reader, name, entry| {
            let mut settings = Settings::default();
            let read = reader.mapping(entry.value, |reader, name, entry| {
                reader.put(&SETTINGS, &mut settings, name, entry)
            });
            overrides.push(Override {
                environment: reader.key(name, entry),
                settings,
            });
            read.is_some() && !name.is_empty()
        })?;
        Some(overrides)
    }

    fn tests(&mut self, node: NodeId) -> Option<Vec<FlagTest>> {
        self.list(node, |reader, node| {
            let mut parts = TestParts::default();
            reader.mapping(node, |reader, name, entry| {
                reader.put(&TEST, &mut parts, name, entry)
            })?;
            Some(FlagTest {
                span: reader.tree.span(node),
                user: parts.user,
                groups: parts.groups,
                environment: parts.environment,
                percentage: parts.percentage,
                expect: parts.expect?,
            })
        })
    }

    fn key(&self, name: &str, entry: Entry) -> Spanned<Box<str>> {
        Spanned {
            span: self.tree.span(entry.key),
            value: name.into(),
        }
    }

    /// Boolean, string, number or object: what a variant may stand for.
    fn scalar_or_object(&mut self, node: NodeId) -> Option<serde_json::Value> {
        match self.tree.value(node) {
            Value::Null | Value::Sequence(_) => None,
            _ => to_json(self.tree, node),
        }
    }
}
