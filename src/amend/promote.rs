//! One environment's settings of a flag, given to another.

use super::document::Document;
use super::render::{block, flow};
use super::{Amended, Draft, Refusal, Splice, layout};
use crate::diagnostic::Span;
use crate::model::{Field, Flag, OVERRIDE_FIELDS, Override, Settings, Spanned};
use crate::record::Spec;
use crate::yaml::{Entry, NodeId, Value};

/// Has `key` resolve in the environment `to` as it does in `from`, by what stands under its
/// `environments` alone. Fields that say there what holds anyway are left out. Where it does so
/// already the text stays what it is.
///
/// # Errors
/// Where that cannot be done without touching anything else.
pub fn promote(text: &str, key: &str, from: &str, to: &str) -> Result<Amended, Refusal> {
    let document = Document::read(text);
    let flags = document.flags();
    let flag = find(&flags, key)?;
    let wanted = spec(flag, from);
    let mut draft = Draft::new(text);
    if same(&spec(flag, to), &wanted) {
        return Ok(draft.finish());
    }
    let over = |name| override_of(flag, name);
    let kept = needed(flag, over(from), &wanted);
    let work = Work { key, from, to };
    match over(to) {
        _ if kept.is_empty() => work.take_out(&mut draft)?,
        None => work.put_in(&mut draft, &kept)?,
        Some(there) => {
            if !work.write_over(&mut draft, &kept)? {
                for field in &kept {
                    work.set(&mut draft, field)?;
                }
                for field in set_fields(&there.settings) {
                    if !kept.contains(&field) {
                        work.drop(&mut draft, field)?;
                    }
                }
            }
        }
    }
    if says(&draft.text, text, &flags, &work, &wanted) {
        Ok(draft.finish())
    } else {
        Err(layout(text, flag.key.span.start as usize))
    }
}

fn find<'f>(flags: &'f [Flag], key: &str) -> Result<&'f Flag, Refusal> {
    let mut found = flags.iter().filter(|flag| *flag.key.value == *key);
    found.next().ok_or_else(|| Refusal::NoFlag(key.to_owned()))
}

fn override_of<'f>(flag: &'f Flag, environment: &str) -> Option<&'f Override> {
    flag.overrides()
        .find(|over| *over.environment.value == *environment)
}

/// What holds in an environment; in none of them for an empty name.
fn spec(flag: &Flag, environment: &str) -> Spec {
    Spec::of(flag, environment)
}

/// Whether two specs decide the same. The order of names in a list decides nothing.
#[must_use]
fn same(one: &Spec, other: &Spec) -> bool {
    let sorted = |spec: &Spec| {
        let mut fields = spec.as_json().clone();
        let sort = |list: &mut serde_json::Value| {
            if let Some(list) = list.as_array_mut() {
                list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                list.dedup();
            }
        };
        for name in ["allowed_users", "allowed_groups"] {
            fields.get_mut(name).map(sort);
        }
        if let Some(forced) = fields.get_mut("forced").and_then(|f| f.as_object_mut()) {
            forced.values_mut().for_each(sort);
        }
        // Of variants the order counts.
        serde_json::Value::from(fields).to_string()
    };
    one == other || sorted(one) == sorted(other)
}

/// The fields that settings have.
fn set_fields(settings: &Settings) -> Vec<&'static str> {
    let set = [
        settings.enabled.is_some(),
        settings.percentage.is_some(),
        settings.rollout.is_some(),
        settings.variants.is_some(),
        settings.control.is_some(),
        settings.forced.is_some(),
        settings.allowed_users.is_some(),
        settings.allowed_groups.is_some(),
    ];
    let all = OVERRIDE_FIELDS.into_iter().zip(set);
    all.filter(|(_, set)| *set).map(|(name, _)| name).collect()
}

fn without(settings: &Settings, field: &str) -> Settings {
    let mut less = settings.clone();
    match field {
        "enabled" => less.enabled = None,
        "percentage" => less.percentage = None,
        "rollout" => less.rollout = None,
        "variants" => less.variants = None,
        "control" => less.control = None,
        "forced" => less.forced = None,
        "allowed_users" => less.allowed_users = None,
        _ => less.allowed_groups = None,
    }
    less
}

/// The fields of `over` that it takes to get `wanted` out of the flag.
fn needed(flag: &Flag, over: Option<&Override>, wanted: &Spec) -> Vec<&'static str> {
    let Some(over) = over else {
        return Vec::new();
    };
    let gives_wanted = |settings: &Settings| {
        let alone = Override {
            environment: Spanned {
                span: Span::default(),
                value: over.environment.value.clone(),
            },
            settings: settings.clone(),
        };
        let flag = Flag {
            environments: Some(Box::new(Field {
                key: Span::default(),
                span: Span::default(),
                value: vec![alone],
            })),
            ..flag.clone()
        };
        same(&spec(&flag, &over.environment.value), wanted)
    };
    let mut settings = over.settings.clone();
    for field in set_fields(&over.settings) {
        let less = without(&settings, field);
        if gives_wanted(&less) {
            settings = less;
        }
    }
    set_fields(&settings)
}

/// Whether `after` says of the flag what was wanted, and the same as `before` of all else.
fn says(after: &str, before: &str, flags: &[Flag], work: &Work<'_>, wanted: &Spec) -> bool {
    let document = Document::read(after);
    let now = document.flags();
    let text = |whole: &str, span: Span| whole.get(span.range()).map(str::to_owned);
    let kept = |old: &Flag, new: &Flag| {
        let mut names: Vec<&str> = vec![""];
        names.extend(
            old.overrides()
                .chain(new.overrides())
                .map(|over| &*over.environment.value),
        );
        let is_it = *old.key.value == *work.key;
        old.key.value == new.key.value
            && new.complete == old.complete
            && names
                .iter()
                .filter(|name| !is_it || **name != work.to)
                .all(|name| spec(old, name) == spec(new, name))
            && if is_it {
                let tests = |flag: &Flag| flag.tests.as_ref().map(|tests| tests.span);
                let old_tests = tests(old).and_then(|span| text(before, span));
                same(&spec(new, work.to), wanted)
                    && old_tests == tests(new).and_then(|span| text(after, span))
            } else {
                text(before, old.span) == text(after, new.span)
            }
    };
    flags.len() == now.len() && flags.iter().zip(&now).all(|(old, new)| kept(old, new))
}

/// What is promoted, and where to.
struct Work<'a> {
    key: &'a str,
    from: &'a str,
    to: &'a str,
}

/// The nodes around an environment's settings.
struct Around {
    flag: Entry,
    environments: Entry,
    /// Of the environment that is changed; `None` where it has no settings.
    to: Option<Entry>,
}

impl Work<'_> {
    fn around(&self, document: &Document<'_>) -> Result<Around, Refusal> {
        let (_, flag) = document.flag(self.key)?;
        let no_place = || layout(document.text, document.whole(flag).start);
        let environments = document
            .entry(flag.value, "environments")
            .ok_or_else(no_place)?;
        document.own(flag.value, environments)?;
        let to = document.entry(environments.value, self.to);
        if let Some(to) = to {
            document.own(environments.value, to)?;
        }
        if document.is_alias(flag.value) || document.is_alias(environments.value) {
            return Err(document.merged(environments.key));
        }
        Ok(Around {
            flag,
            environments,
            to,
        })
    }

    /// A field of the environment that is promoted from.
    fn source(&self, document: &Document<'_>, field: &str) -> Option<(NodeId, Entry)> {
        let (_, flag) = document.flag(self.key).ok()?;
        let environments = document.entry(flag.value, "environments")?;
        let from = document.entry(environments.value, self.from)?;
        Some((from.value, document.entry(from.value, field)?))
    }

    /// Takes the environment out, and `environments` if nothing else is there.
    fn take_out(&self, draft: &mut Draft) -> Result<(), Refusal> {
        let text = draft.text.clone();
        let document = Document::read(&text);
        let around = self.around(&document)?;
        let Some(to) = around.to else {
            return Ok(());
        };
        let several = |map: NodeId| document.entries(map).len() > 1;
        let splice = if several(around.environments.value) {
            document.take_out(around.environments.value, to)?
        } else if several(around.flag.value) {
            document.take_out(around.flag.value, around.environments)?
        } else {
            let range = document.tree.span(around.flag.value).range();
            document.unshared(&range)?;
            Splice {
                range,
                text: "{}".to_owned(),
            }
        };
        draft.splice(vec![splice])
    }

    /// Settings between braces.
    fn braced(&self, document: &Document<'_>, fields: &[&'static str]) -> String {
        let fields = fields.iter().filter_map(|field| {
            let (_, entry) = self.source(document, field)?;
            Some(format!("{field}: {}", flow(document, entry.value)))
        });
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
    }

    /// Puts the environment in, behind the others and in the style of the one it is promoted from.
    fn put_in(&self, draft: &mut Draft, fields: &[&'static str]) -> Result<(), Refusal> {
        let text = draft.text.clone();
        let document = Document::read(&text);
        let around = self.around(&document)?;
        let map = around.environments.value;
        let from = document.entry(map, self.from).map(|from| from.value);
        let in_block = from.is_some_and(|from| !document.is_flow(from) && !document.is_alias(from));
        let lines = |indent: usize, step: usize| -> Vec<String> {
            if !in_block || step == 0 {
                let braced = self.braced(&document, fields);
                return vec![format!("{}{}: {braced}", " ".repeat(indent), self.to)];
            }
            let mut lines = vec![format!("{}{}:", " ".repeat(indent), self.to)];
            for field in fields {
                if let Some((_, entry)) = self.source(&document, field) {
                    lines.extend(field_lines(&document, entry, indent + step, step));
                }
            }
            lines
        };
        let splice = if document.is_flow(map) {
            let braced = self.braced(&document, fields);
            document.insert_flow(map, &format!("{}: {braced}", self.to))?
        } else {
            let key = |entry: Entry| document.tree.span(entry.key).range().start;
            let first = document.own_entries(map).first().copied();
            let indent = first.map_or(0, |first| document.column(key(first)));
            let inner = from.and_then(|from| document.own_entries(from).first().copied());
            let step = inner.map_or(0, |inner| {
                document.column(key(inner)).saturating_sub(indent)
            });
            insert_block(&document, map, &lines(indent, step))?
        };
        draft.splice(vec![splice])
    }

    /// Writes all settings in the place of what is none that could be changed one by one: an alias, or
    /// an empty map. False where it is one.
    fn write_over(&self, draft: &mut Draft, fields: &[&'static str]) -> Result<bool, Refusal> {
        let text = draft.text.clone();
        let document = Document::read(&text);
        let Some(to) = self.around(&document)?.to else {
            return Ok(false);
        };
        if !document.is_alias(to.value) && !document.entries(to.value).is_empty() {
            return Ok(false);
        }
        let range = document.tree.span(to.value).range();
        document.unshared(&range)?;
        let text = self.braced(&document, fields);
        draft.splice(vec![Splice { range, text }])?;
        Ok(true)
    }

    /// Gives the environment one field as the other has it.
    fn set(&self, draft: &mut Draft, field: &str) -> Result<(), Refusal> {
        let text = draft.text.clone();
        let document = Document::read(&text);
        let around = self.around(&document)?;
        let (Some(to), Some((_, source))) = (around.to, self.source(&document, field)) else {
            return Ok(());
        };
        if let Some(there) = document.entry(to.value, field) {
            document.own(to.value, there)?;
            let splices = replaced(&document, there.value, source.value)?;
            return draft.splice(splices);
        }
        let splice = if document.is_flow(to.value) {
            let text = format!("{field}: {}", flow(&document, source.value));
            document.insert_flow(to.value, &text)?
        } else {
            let key = |entry: Entry| document.tree.span(entry.key).range().start;
            let first = document.own_entries(to.value).first().copied();
            let indent = first.map_or(0, |first| document.column(key(first)));
            let step = indent.saturating_sub(document.column(key(to))).max(1);
            let lines = field_lines(&document, source, indent, step);
            insert_block(&document, to.value, &lines)?
        };
        draft.splice(vec![splice])
    }

    fn drop(&self, draft: &mut Draft, field: &str) -> Result<(), Refusal> {
        let text = draft.text.clone();
        let document = Document::read(&text);
        let Some(to) = self.around(&document)?.to else {
            return Ok(());
        };
        let Some(there) = document.entry(to.value, field) else {
            return Ok(());
        };
        let splice = document.take_out(to.value, there)?;
        draft.splice(vec![splice])
    }
}

/// A field and its value, the value on lines of its own where it was so.
fn field_lines(document: &Document<'_>, entry: Entry, indent: usize, step: usize) -> Vec<String> {
    let key = document.tree.key_text(entry.key).unwrap_or_default();
    let pad = " ".repeat(indent);
    if !is_block(document, entry.value) {
        return vec![format!("{pad}{key}: {}", flow(document, entry.value))];
    }
    let mut lines = vec![format!("{pad}{key}:")];
    lines.extend(block(document, entry.value, indent + step));
    lines
}

/// Whether a value is a collection with a line for each of its parts.
fn is_block(document: &Document<'_>, node: NodeId) -> bool {
    let is_collection = match document.tree.value(node) {
        Value::Mapping(entries) => !entries.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        _ => false,
    };
    is_collection && !document.is_flow(node) && !document.is_alias(node)
}

/// What is to go on lines behind the last entry of a map.
fn insert_block(document: &Document<'_>, map: NodeId, lines: &[String]) -> Result<Splice, Refusal> {
    let start = document.tree.span(map).range().start;
    let own = document.own_entries(map);
    let last = own.iter().map(|entry| document.whole(*entry).end);
    let end = last.max().ok_or_else(|| layout(document.text, start))?;
    document.unshared_map(map)?;
    Ok(document.below(end, lines))
}

/// What makes `old` say what `new` says: parts that agree stay as they are, with their comments.
fn replaced(document: &Document<'_>, old: NodeId, new: NodeId) -> Result<Vec<Splice>, Refusal> {
    let tree = &document.tree;
    if document.is_alias(old) {
        return over(document, old, new);
    }
    match (tree.value(old), tree.value(new)) {
        (Value::Mapping(there), Value::Mapping(here))
            if there.len() == here.len()
                && there
                    .iter()
                    .zip(here)
                    .all(|(a, b)| tree.key_text(a.key) == tree.key_text(b.key)) =>
        {
            let mut splices = Vec::new();
            for (there, here) in there.iter().zip(here) {
                document.own(old, *there)?;
                splices.extend(replaced(document, there.value, here.value)?);
            }
            Ok(splices)
        }
        (Value::Sequence(there), Value::Sequence(here)) if there.len() == here.len() => {
            let mut splices = Vec::new();
            for (there, here) in there.iter().zip(here) {
                splices.extend(replaced(document, *there, *here)?);
            }
            Ok(splices)
        }
        (Value::Number(a), Value::Number(b)) if a.value.to_bits() == b.value.to_bits() => {
            Ok(Vec::new())
        }
        (a, b) if a == b && !is_collection(a) => Ok(Vec::new()),
        _ => over(document, old, new),
    }
}

fn is_collection(value: Value<'_>) -> bool {
    matches!(value, Value::Sequence(_) | Value::Mapping(_))
}

/// `new`, written in the place of `old` and in its style.
fn over(document: &Document<'_>, old: NodeId, new: NodeId) -> Result<Vec<Splice>, Refusal> {
    let range = document.range(old);
    document.unshared(&range)?;
    let fills = match document.tree.value(new) {
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(entries) => !entries.is_empty(),
        _ => false,
    };
    let text = if is_block(document, old) && fills {
        let column = document.column(range.start);
        let lines = block(document, new, column);
        let text = lines.join(document.line_break());
        // The first line has its indentation already.
        text.get(column..).unwrap_or_default().to_owned()
    } else {
        flow(document, new)
    };
    Ok(vec![Splice { range, text }])
}
