//! The validator's errors as diagnostics: one for each mistake, where it was made.

use std::collections::HashSet;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as JsonValue;

use super::place::{Keys, Place, Role};
use super::view::key_name;
use super::{AMBIGUOUS, LIMIT, RULE, UNKNOWN, key, value, words};
use crate::diagnostic::{Diagnostic, Edit, FileId, Location, Severity, Span};
use crate::yaml::{NodeId, Tree, Value};

/// Names of fields that one message lists.
const BROUGHT: usize = 5;

/// Collects the diagnostics of one document.
pub(super) struct Explainer<'t> {
    file: FileId,
    tree: &'t Tree<'t>,
    document: NodeId,
    schema: &'static JsonValue,
    keys: Keys<'t>,
    found: Vec<Diagnostic>,
    /// Values and keys that have their diagnostic: a second constraint on them, or the same node
    /// reached through an alias, adds nothing.
    values: HashSet<Span>,
    others: HashSet<(Span, String)>,
    /// Unknown fields that a `<<` has brought in.
    merged: Vec<Merged<'t>>,
    /// Those of them that were noted: `<<` and the field's key.
    brought: HashSet<(Span, Span)>,
    /// Keys of unknown fields where they are written.
    unknown: HashSet<Span>,
}

/// Fields that a mapping does not know and has through a `<<`.
struct Merged<'t> {
    /// Where `<<` stands.
    span: Span,
    flag: Option<&'t str>,
    role: Role,
    /// Their names, and where their keys stand.
    fields: Vec<(&'t str, Span)>,
}

impl<'t> Explainer<'t> {
    pub(super) fn new(
        file: FileId,
        tree: &'t Tree<'t>,
        document: NodeId,
        schema: &'static JsonValue,
    ) -> Self {
        Self {
            file,
            tree,
            document,
            schema,
            keys: Keys::new(tree),
            found: Vec::new(),
            values: HashSet::new(),
            others: HashSet::new(),
            merged: Vec::new(),
            brought: HashSet::new(),
            unknown: HashSet::new(),
        }
    }

    /// What one error of the validator stands for.
    pub(super) fn mistake(&mut self, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str();
        let Some(place) = Place::find(&mut self.keys, self.document, pointer) else {
            return;
        };
        let schema_path = error.schema_path().as_str();
        match error.kind() {
            // The reader has said that something is missing here.
            kind if is_about_absence(kind, &place) && !self.tree.is_complete(place.node) => {}
            // Fields that exclude each other, and values of mixed types: rules report these.
            Kind::FalseSchema | Kind::AnyOf { .. } => {}
            Kind::AdditionalProperties { .. } => self.unknown_fields(&place, schema_path),
            Kind::PropertyNames { error } => self.bad_key(&place, error),
            Kind::Required { property } => {
                let property = property.as_str().unwrap_or_default();
                if schema_path.ends_with("/dependentRequired") {
                    self.lone_fields(&place, property, schema_path);
                } else {
                    self.missing_field(&place, property, schema_path);
                }
            }
            kind => self.bad_value(&place, kind, schema_path),
        }
    }

    /// Numbers that readers of YAML disagree about.
    pub(super) fn ambiguous_numbers(&mut self, nodes: &[NodeId]) {
        let flags = self.flags();
        for node in nodes.iter().take(LIMIT) {
            let Value::Number(number) = self.tree.value(*node) else {
                continue;
            };
            let (shown, meant) = (words::quote(number.text), number.value.to_string());
            let span = self.tree.span(*node);
            let message =
                format!("{shown} is {meant} in YAML 1.2 and another value to some readers");
            let mut diagnostic = self
                .diagnostic(AMBIGUOUS, span, message)
                .with_severity(Severity::Warning)
                .with_help(format!("write `{meant}`"));
            if self.tree.text().get(span.range()) == Some(number.text) {
                diagnostic = replace(diagnostic, span, meant);
            }
            let before = flags.partition_point(|(flag, _)| flag.start <= span.start);
            let around = before.checked_sub(1).and_then(|at| flags.get(at));
            diagnostic.flag = around
                .filter(|(flag, _)| span.end <= flag.end)
                .map(|(_, key)| (*key).into());
            self.push(diagnostic);
        }
    }

    /// The diagnostics in the order of the file.
    pub(super) fn finish(mut self, cut_short: bool) -> Vec<Diagnostic> {
        self.merged_fields();
        self.found
            .sort_by_key(|diagnostic| diagnostic.location.span);
        if cut_short || self.found.len() > LIMIT {
            self.found.truncate(LIMIT);
            let message = format!("more than {LIMIT} mistakes in one document: some are not shown");
            let last = self.found.last().map(|last| last.location.span);
            self.found
                .push(self.diagnostic(RULE, last.unwrap_or_default(), message));
        }
        self.found
    }

    /// Where each flag is written, in file order, and its key.
    fn flags(&mut self) -> Vec<(Span, &'t str)> {
        let root = self.keys.find(self.document, "flags");
        let Some(Value::Mapping(entries)) = root.map(|root| self.tree.value(root.value)) else {
            return Vec::new();
        };
        let tree = self.tree;
        let mut flags: Vec<_> = entries
            .iter()
            .filter_map(|entry| {
                let span = tree.span(entry.key).to(tree.span(entry.value));
                Some((span, tree.key_text(entry.key)?))
            })
            .collect();
        flags.sort_unstable();
        flags
    }

    fn diagnostic(&self, rule: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let location = Location {
            file: self.file,
            span,
        };
        Diagnostic::new(rule, location, message)
    }

    fn add(&mut self, place: &Place<'t>, mut diagnostic: Diagnostic) {
        diagnostic.flag = place.flag().map(Into::into);
        self.push(diagnostic);
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        let identity = (diagnostic.location.span, diagnostic.message.clone());
        if self.found.len() <= LIMIT && self.others.insert(identity) {
            self.found.push(diagnostic);
        }
    }

    /// The subschema that holds the keyword at `schema_path`.
    fn subschema(&self, schema_path: &str) -> Option<&'static JsonValue> {
        let (parent, _) = schema_path.rsplit_once('/')?;
        self.schema.pointer(parent)
    }

    /// The fields that the subschema knows.
    fn known_fields(&self, schema_path: &str) -> Vec<&'static str> {
        let properties = self
            .subschema(schema_path)
            .and_then(|schema| schema.get("properties"));
        let fields = properties
            .and_then(JsonValue::as_object)
            .into_iter()
            .flatten();
        fields.map(|(name, _)| name.as_str()).collect()
    }

    /// Those of them that are not there yet.
    fn free_fields(&mut self, place: &Place<'t>, known: &[&'static str]) -> Vec<&'static str> {
        let free = |field: &&str| self.keys.find(place.node, field).is_none();
        known.iter().copied().filter(free).collect()
    }

    fn unknown_fields(&mut self, place: &Place<'t>, schema_path: &str) {
        let Value::Mapping(entries) = self.tree.value(place.node) else {
            return;
        };
        let known = self.known_fields(schema_path);
        let free = self.free_fields(place, &known);
        // Without `flags` everything at the top is a flag gone astray: that is said once.
        let astray = place.role() == Role::Root && free.contains(&"flags");
        let merged = self.tree.merged_into(place.node);
        for entry in entries {
            let name = self.tree.key_text(entry.key).unwrap_or_default();
            if known.contains(&name) || self.found.len() > LIMIT {
                continue;
            }
            let meant = key::suggestion(name, &free);
            // One that is misspelt is to be mended where it is written.
            if let (Some(merge), None) = (merged.get(&entry.key), meant) {
                self.brought_in(place, *merge, name, entry.key);
                continue;
            }
            if astray && meant.is_none() {
                continue;
            }
            self.unknown.insert(self.tree.span(entry.key));
            let (shown, span) = (words::quote(name), self.tree.span(entry.key));
            let diagnostic = self.diagnostic(UNKNOWN, span, format!("unknown field {shown}"));
            let diagnostic = match meant {
                Some(field) => {
                    let text = field.to_owned();
                    diagnostic
                        .with_help(format!("did you mean `{field}`?"))
                        .with_fix(
                            format!("replace {shown} with `{field}`"),
                            vec![Edit { span, text }],
                        )
                }
                None => diagnostic.with_help(self.where_to(place, name, &known)),
            };
            self.add(place, diagnostic);
        }
    }

    /// Notes an unknown field that `merge`, a `<<`, has brought in.
    fn brought_in(&mut self, place: &Place<'t>, merge: NodeId, name: &'t str, key: NodeId) {
        let (span, field) = (self.tree.span(merge), (name, self.tree.span(key)));
        // The same mapping may be reached through aliases, too.
        if self.merged.len() > LIMIT || !self.brought.insert((span, field.1)) {
            return;
        }
        match self.merged.last_mut().filter(|last| last.span == span) {
            Some(last) => last.fields.push(field),
            None => self.merged.push(Merged {
                span,
                flag: place.flag(),
                role: place.role(),
                fields: vec![field],
            }),
        }
    }

    /// Reports what each `<<` has brought in. A field that is unknown where it is written was told of
    /// there.
    fn merged_fields(&mut self) {
        for merged in std::mem::take(&mut self.merged) {
            let mut fields = merged.fields;
            fields.retain(|(_, key)| !self.unknown.contains(key));
            let Some((_, first)) = fields.first() else {
                continue;
            };
            let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            let shown = names.iter().take(BROUGHT).map(|name| words::quote(name));
            let more = match names.len().saturating_sub(BROUGHT) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let plural = if names.len() == 1 { "" } else { "s" };
            let shown = shown.collect::<Vec<_>>().join(", ");
            let message = format!("`<<` brings in the unknown field{plural} {shown}{more}");
            let help = match merged.role {
                Role::Environment => {
                    "write here what differs from the flag, or merge a mapping that has nothing else"
                }
                _ => "write the fields that are meant, or merge a mapping that has nothing else",
            };
            let place = Location {
                file: self.file,
                span: *first,
            };
            let mut diagnostic = self
                .diagnostic(UNKNOWN, merged.span, message)
                .with_help(help)
                .with_related(place, "from here");
            diagnostic.flag = merged.flag.map(Into::into);
            self.push(diagnostic);
        }
    }

    /// Where a field belongs that is not allowed here, or what is allowed.
    fn where_to(&self, place: &Place<'t>, name: &str, known: &[&'static str]) -> String {
        let on_flag = self.schema.pointer("/$defs/flag/properties");
        let on_flag = on_flag.is_some_and(|fields| fields.get(name).is_some());
        match place.role() {
            Role::Flag | Role::Environment if name == "duration" => {
                "a duration belongs to a stage of `rollout`".to_owned()
            }
            Role::Environment if on_flag => {
                format!("`{name}` is the same in every environment: write it on the flag")
            }
            _ => match key::suggestion(name, known) {
                Some(field) => format!("`{field}` is there already: take this one out"),
                None => format!("the fields here are {}", words::listed(known)),
            },
        }
    }

    fn bad_key(&mut self, place: &Place<'t>, error: &ValidationError<'_>) {
        let instance = error.instance();
        let Some(entry) = self
            .keys
            .find(place.node, instance.as_str().unwrap_or_default())
        else {
            return;
        };
        let span = self.tree.span(entry.key);
        if !self.values.insert(span) {
            return;
        }
        let written = self.tree.key_text(entry.key).unwrap_or_default();
        let (message, help) = key::explain(place.role(), written, error.kind());
        let mut diagnostic = self.diagnostic(RULE, span, message).with_help(help);
        let own = key_name(self.tree, entry.key);
        let own = (place.role() == Role::Flags && !own.is_empty()).then_some(own);
        diagnostic.flag = place.flag().or(own).map(Into::into);
        self.push(diagnostic);
    }

    fn missing_field(&mut self, place: &Place<'t>, property: &str, schema_path: &str) {
        let known = self.known_fields(schema_path);
        let free = self.free_fields(place, &known);
        let Value::Mapping(entries) = self.tree.value(place.node) else {
            return;
        };
        // An unknown field that stands for it has been reported already.
        let names = entries
            .iter()
            .filter_map(|entry| self.tree.key_text(entry.key));
        let mut unknown = names.filter(|name| !known.contains(name));
        if unknown.any(|name| key::suggestion(name, &free) == Some(property)) {
            return;
        }
        let owner = match place.role() {
            Role::Root => "the file".to_owned(),
            Role::Stage => "the stage".to_owned(),
            Role::Test => "the test".to_owned(),
            _ => format!("the variant {}", words::quote(place.name())),
        };
        let help = match place.role() {
            Role::Root => value::FLAGS.to_owned(),
            _ => format!("add `{property}`"),
        };
        let message = format!("{owner} has no `{property}`");
        let diagnostic = self
            .diagnostic(RULE, place.owner_span(), message)
            .with_help(help);
        self.add(place, diagnostic);
    }

    /// Fields that make sense beside `needed` alone, which is not there.
    fn lone_fields(&mut self, place: &Place<'t>, needed: &str, schema_path: &str) {
        let dependents = self
            .schema
            .pointer(schema_path)
            .and_then(JsonValue::as_object);
        for (field, _) in dependents.into_iter().flatten() {
            if let Some(entry) = self.keys.find(place.node, field) {
                let message = format!("`{field}` without `{needed}`: the flag is no experiment");
                let diagnostic = self
                    .diagnostic(RULE, self.tree.span(entry.key), message)
                    .with_help(format!("add `{needed}` or leave out `{field}`"));
                self.add(place, diagnostic);
            }
        }
    }

    fn bad_value(&mut self, place: &Place<'t>, kind: &Kind, schema_path: &str) {
        let span = self.tree.span(place.node);
        if !self.values.insert(span) {
            return;
        }
        let advice = value::explain(place, kind, schema_path, self.subschema(schema_path));
        let mut diagnostic = self.diagnostic(RULE, place.span(), advice.message);
        diagnostic.help = advice.help;
        if let Some(text) = advice.replacement {
            diagnostic = replace(diagnostic, span, text);
        }
        self.add(place, diagnostic);
    }
}

/// Whether an error may come of nothing but a part that could not be read.
fn is_about_absence(kind: &Kind, place: &Place<'_>) -> bool {
    match kind {
        Kind::Required { .. } | Kind::MinItems { .. } | Kind::MinProperties { .. } => true,
        Kind::Type { .. } => place.tree.value(place.node) == Value::Null,
        _ => false,
    }
}

fn replace(diagnostic: Diagnostic, span: Span, text: String) -> Diagnostic {
    diagnostic.with_fix(
        format!("write {}", words::quote(&text)),
        vec![Edit { span, text }],
    )
}
