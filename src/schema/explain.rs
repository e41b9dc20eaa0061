//! The validator's errors as diagnostics: one for each mistake, where it was made.

use std::collections::HashSet;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as JsonValue;

use super::place::Place;
use super::{LIMIT, RULE, UNKNOWN, words};
use crate::diagnostic::{Diagnostic, Edit, FileId, Location, Severity, Span, did_you_mean};
use crate::yaml::{NodeId, Tree, Value};

/// Names longer than this, in bytes, are not compared with the known ones.
const COMPARED: usize = 64;

pub(super) struct Explainer<'t> {
    file: FileId,
    tree: &'t Tree<'t>,
    document: NodeId,
    schema: &'static JsonValue,
    found: Vec<Diagnostic>,
    /// Values that have their diagnostic: a second constraint on the same value, or the same node
    /// reached through an alias, adds nothing.
    values: HashSet<Span>,
    others: HashSet<(Span, String)>,
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
            found: Vec::new(),
            values: HashSet::new(),
            others: HashSet::new(),
        }
    }

    pub(super) fn mistakes(&mut self, errors: &[ValidationError<'_>]) {
        for error in errors {
            if let Some(place) = Place::find(self.tree, self.document, error.instance_path().as_str())
            {
                self.mistake(&place, error, errors);
            }
        }
    }

    fn mistake(
        &mut self,
        place: &Place<'t>,
        error: &ValidationError<'_>,
        errors: &[ValidationError<'_>],
    ) {
        let schema_path = error.schema_path().as_str();
        match error.kind() {
            // Fields that exclude each other, and values of mixed types: rules report these.
            Kind::FalseSchema | Kind::AnyOf { .. } => {}
            Kind::AdditionalProperties { unexpected } => {
                let known = self.known_fields(schema_path);
                for name in unexpected {
                    self.unknown_field(place, name, &known);
                }
            }
            Kind::PropertyNames { error } => self.bad_key(place, error),
            Kind::Required { property } => {
                let property = property.as_str().unwrap_or_default();
                match dependent(schema_path) {
                    Some(field) => self.lone_field(place, field, property),
                    None => self.missing_field(place, property, errors),
                }
            }
            kind => {
                if self.values.insert(self.tree.span(place.node)) {
                    let diagnostic = self.bad_value(place, kind, schema_path);
                    self.add(place, diagnostic);
                }
            }
        }
    }

    /// Numbers that other readers of YAML take for other numbers.
    pub(super) fn ambiguous_numbers(&mut self, nodes: &[NodeId]) {
        for node in nodes {
            let Value::Number(number) = self.tree.value(*node) else {
                continue;
            };
            let message = format!(
                "{} is {} in YAML 1.2 and may be another number to other readers",
                words::quote(number.text),
                number.value,
            );
            let span = self.tree.span(*node);
            let mut diagnostic = self
                .diagnostic(RULE, span, message)
                .with_severity(Severity::Warning)
                .with_help(format!("write `{}`", number.value));
            let own = self.tree.text().get(span.range()) == Some(number.text);
            if own && number.value.is_finite() {
                diagnostic = replace(diagnostic, span, &number.value.to_string());
            }
            diagnostic.flag = self.flag_around(span).map(Into::into);
            self.push(diagnostic);
        }
    }

    /// The diagnostics in the order of the file.
    pub(super) fn finish(mut self, cut_short: bool) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| diagnostic.location.span);
        if cut_short || self.found.len() > LIMIT {
            self.found.truncate(LIMIT);
            let span = Span::default();
            let message = format!("more than {LIMIT} mistakes in one document: some are not shown");
            self.found.push(self.diagnostic(RULE, span, message));
        }
        self.found
    }

    /// Key of the flag whose lines hold `span`.
    fn flag_around(&self, span: Span) -> Option<&'t str> {
        let root = Place::find(self.tree, self.document, "/flags")?;
        let Value::Mapping(entries) = self.tree.value(root.node) else {
            return None;
        };
        let around = |entry: &&crate::yaml::Entry| {
            let flag = self.tree.span(entry.key).to(self.tree.span(entry.value));
            flag.start <= span.start && span.end <= flag.end
        };
        self.tree.key_text(entries.iter().find(around)?.key)
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

    fn known_fields(&self, schema_path: &str) -> Vec<&'static str> {
        let fields = self.subschema(schema_path).and_then(|schema| schema.get("properties"));
        fields.and_then(JsonValue::as_object).into_iter().flatten().map(|(name, _)| &**name).collect()
    }

    fn unknown_field(&mut self, place: &Place<'t>, name: &str, known: &[&'static str]) {
        let Some(key) = place.key(name) else {
            return;
        };
        // Without `flags` everything at the top is a flag gone astray: that is said once.
        if place.is_root() && place.key("flags").is_none() && suggestion(place, name, known).is_none() {
            return;
        }
        let span = self.tree.span(key);
        let message = format!("unknown field {}", words::quote(name));
        let diagnostic = self.diagnostic(UNKNOWN, span, message);
        let diagnostic = match suggestion(place, name, known) {
            Some(field) => {
                let title = format!("replace {} with `{field}`", words::quote(name));
                let edit = Edit {
                    span,
                    text: field.to_owned(),
                };
                diagnostic
                    .with_help(format!("did you mean `{field}`?"))
                    .with_fix(title, vec![edit])
            }
            None => diagnostic.with_help(elsewhere(place, name).unwrap_or_else(|| {
                format!("the fields here are {}", words::listed(known.iter().copied()))
            })),
        };
        let flag = place.flag();
        let diagnostic = flag.into_iter().fold(diagnostic, Diagnostic::with_flag);
        self.push(diagnostic);
    }

    /// A flag's key or a variant's name in a form that is not allowed.
    fn bad_key(&mut self, place: &Place<'t>, error: &ValidationError<'_>) {
        let instance = error.instance();
        let name = instance.as_str().unwrap_or_default();
        let Some(key) = place.key(name) else {
            return;
        };
        let written = self.tree.key_text(key).unwrap_or_default();
        let shown = words::quote(written);
        let subject = match place.name() {
            "flags" => "flag key",
            "variants" => "variant name",
            _ => "environment name",
        };
        let flag_key = subject == "flag key";
        let message = match error.kind() {
            _ if written.is_empty() => format!("the {subject} is empty"),
            Kind::MaxLength { limit } => format!(
                "the {subject} {shown} has {} characters; it may have at most {limit}",
                written.chars().count(),
            ),
            _ => format!("the {subject} {shown} {}", flaw(written, flag_key)),
        };
        let (allowed, near) = if flag_key {
            ("lower-case letters, digits, `_`, `.` and `-`, starting with a letter", words::snake_case(written))
        } else {
            ("letters, digits, `_`, `.` and `-`, starting with a letter or a digit", words::variant_name(written))
        };
        let help = match near.filter(|near| near != written) {
            Some(near) => format!("write it with {allowed}, such as `{near}`"),
            None => format!("write it with {allowed}"),
        };
        let mut diagnostic = self.diagnostic(RULE, self.tree.span(key), message).with_help(help);
        let flag = place.flag().or(flag_key.then_some(written).filter(|key| !key.is_empty()));
        diagnostic.flag = flag.map(Into::into);
        self.push(diagnostic);
    }

    fn missing_field(&mut self, place: &Place<'t>, property: &str, errors: &[ValidationError<'_>]) {
        if self.is_misspelt(place, property, errors) {
            return;
        }
        let (message, help) = if place.is_root() {
            ("the file has no `flags`".to_owned(), "put the flags below `flags:`".to_owned())
        } else {
            let owner = match (place.is_element(), place.name()) {
                (true, "rollout") => "the stage".to_owned(),
                (true, _) => "the test".to_owned(),
                (false, name) => format!("the variant {}", words::quote(name)),
            };
            (format!("{owner} has no `{property}`"), format!("add `{property}`"))
        };
        let diagnostic = self.diagnostic(RULE, place.owner_span(), message).with_help(help);
        self.add(place, diagnostic);
    }

    /// Whether an unknown field beside it stands for the field that is missing.
    fn is_misspelt(&self, place: &Place<'t>, property: &str, errors: &[ValidationError<'_>]) -> bool {
        let Value::Mapping(entries) = self.tree.value(place.node) else {
            return false;
        };
        let known = errors.iter().find_map(|error| match error.kind() {
            Kind::Required { property: missing } if missing.as_str() == Some(property) => {
                Some(self.known_fields(error.schema_path().as_str()))
            }
            _ => None,
        });
        let known = known.unwrap_or_default();
        entries.iter().filter_map(|entry| self.tree.key_text(entry.key)).any(|name| {
            !known.contains(&name) && suggestion(place, name, &known) == Some(property)
        })
    }

    /// `field` makes sense beside `needed` alone, which is not there.
    fn lone_field(&mut self, place: &Place<'t>, field: &str, needed: &str) {
        let Some(key) = place.key(field) else {
            return;
        };
        let message = format!("`{field}` without `{needed}`: the flag is no experiment");
        let diagnostic = self
            .diagnostic(RULE, self.tree.span(key), message)
            .with_help(format!("add `{needed}` or leave out `{field}`"));
        self.add(place, diagnostic);
    }

    fn bad_value(&self, place: &Place<'t>, kind: &Kind, schema_path: &str) -> Diagnostic {
        let subject = Subject::of(place);
        let source = place.source();
        let value = self.tree.value(place.node);
        let noun = words::noun(self.tree, place.node, source);
        let number = match value {
            Value::Number(number) => words::quote(number.text),
            _ => String::new(),
        };
        let draft = |message: String| self.diagnostic(RULE, place.span(), message);
        match kind {
            Kind::Type { .. } if value == Value::Null => {
                draft(subject.empty()).with_help(subject.fill_in())
            }
            Kind::Type { kind } => {
                let expected = expected(kind, schema_path);
                let message = format!("{} {noun}, not {expected}", subject.is());
                mistyped(draft(message), place, expected, self.subschema(schema_path))
            }
            Kind::Minimum { .. } | Kind::Maximum { .. } if schema_path.starts_with("/$defs/json/") => {
                draft(format!("{} {number}, which JSON cannot hold", subject.is()))
            }
            Kind::Minimum { .. } | Kind::Maximum { .. } => {
                draft(format!("{} {number}; it must be between 0 and 100", subject.is()))
            }
            Kind::MultipleOf { .. } => {
                let rounded = match value {
                    Value::Number(number) => (number.value * 1000.0).round() / 1000.0,
                    _ => 0.0,
                };
                draft(format!("{} {number}; it may have at most 3 decimals", subject.is()))
                    .with_help(format!("write `{rounded}`"))
            }
            Kind::MinItems { .. } => draft(format!("{} an empty list", subject.is()))
                .with_help("add a stage, such as `{ percentage: 1, duration: 2h }`"),
            Kind::MinProperties { .. } => draft(format!("{} empty", subject.is()))
                .with_help("add variants, such as `{ control: 50, treatment: 50 }`"),
            Kind::Pattern { .. } | Kind::Format { .. } => {
                malformed(draft, place, &subject, schema_path)
            }
            _ => draft(format!("{} {noun}", subject.is())).with_help(subject.fill_in()),
        }
    }
}

/// The field in a path such as `…/dependentRequired/control`.
fn dependent(schema_path: &str) -> Option<&str> {
    let (rest, field) = schema_path.rsplit_once('/')?;
    if let Some(field) = schema_path.split("/dependentRequired/").nth(1) {
        return field.split('/').next();
    }
    rest.ends_with("/dependentRequired").then_some(field)
}

/// The field that `name` most likely stands for, unless that is there already.
fn suggestion(place: &Place<'_>, name: &str, known: &[&'static str]) -> Option<&'static str> {
    if name.len() > COMPARED {
        return None;
    }
    let free = known.iter().copied().filter(|field| place.key(field).is_none());
    did_you_mean(name, free)
}

/// Where a field belongs that is known, but not here.
fn elsewhere(place: &Place<'_>, name: &str) -> Option<String> {
    match (place.parent(), place.name(), name) {
        (_, "rollout", _) | (_, "tests", _) => None,
        ("environments", _, "description" | "owner" | "created" | "expires" | "tags" | "salt" | "tests") => {
            Some(format!("`{name}` is the same in every environment: write it on the flag"))
        }
        (_, _, "duration") => Some("a duration belongs to a stage of `rollout`".to_owned()),
        _ => None,
    }
}

/// What is wrong with the characters of a key.
fn flaw(key: &str, lower: bool) -> String {
    let allowed = |char: char| {
        char.is_ascii_lowercase()
            || char.is_ascii_digit()
            || matches!(char, '_' | '.' | '-')
            || (!lower && char.is_ascii_uppercase())
    };
    match key.chars().find(|char| !allowed(*char)) {
        Some(' ') => "has a space in it".to_owned(),
        Some(char) if char.is_ascii_uppercase() => {
            format!("has the upper-case letter {}", words::quote(&char.to_string()))
        }
        Some(char) => format!("has the character {}", words::quote(&char.to_string())),
        None => {
            let first: String = key.chars().take(1).collect();
            format!("starts with {}", words::quote(&first))
        }
    }
}

/// How a sentence about a value begins.
struct Subject<'t> {
    name: String,
    place: &'t str,
    element: bool,
}

impl<'t> Subject<'t> {
    fn of(place: &Place<'t>) -> Self {
        let name = match (place.parent(), place.is_element()) {
            _ if place.is_root() => "the file".to_owned(),
            ("flags", false) => format!("the flag {}", words::quote(place.name())),
            ("variants", false) => format!("the weight of {}", words::quote(place.name())),
            ("environments", false) => format!("the environment {}", words::quote(place.name())),
            _ => words::quote(place.name()),
        };
        Self {
            name,
            place: place.name(),
            element: place.is_element(),
        }
    }

    fn is(&self) -> String {
        let verb = if self.element { "holds" } else { "is" };
        format!("{} {verb}", self.name)
    }

    fn empty(&self) -> String {
        let lacks = if self.element { "has an element without a value" } else { "has no value" };
        format!("{} {lacks}", self.name)
    }

    fn fill_in(&self) -> String {
        if self.element {
            "write a value or take the element out".to_owned()
        } else {
            format!("write a value or leave out {}", words::quote(self.place))
        }
    }
}

/// The type that was wanted, in the words of the format rather than of JSON.
fn expected(kind: &TypeKind, schema_path: &str) -> &'static str {
    use jsonschema::JsonType;
    let definition = schema_path.trim_end_matches("/type").rsplit('/').next();
    match (definition, kind) {
        (Some("date" | "created"), _) => "a date",
        (Some("expires"), _) => "a date or `never`",
        (Some("duration"), _) => "a duration",
        (Some("rollout"), _) => "a list of stages",
        (Some("tests"), _) => "a list of tests",
        (Some("variant"), _) => "a number",
        (Some("value" | "expect"), _) => "a boolean, a string, a number or a mapping",
        (_, TypeKind::Single(JsonType::Boolean)) => "a boolean",
        (_, TypeKind::Single(JsonType::Number | JsonType::Integer)) => "a number",
        (_, TypeKind::Single(JsonType::String)) => "a string",
        (_, TypeKind::Single(JsonType::Array)) => "a list of strings",
        _ => "a mapping",
    }
}

/// Adds what to write to a diagnostic about a value of the wrong type.
fn mistyped(
    mut diagnostic: Diagnostic,
    place: &Place<'_>,
    expected: &str,
    schema: Option<&JsonValue>,
) -> Diagnostic {
    let span = place.tree.span(place.node);
    let source = place.source();
    let quoted = source.is_some_and(|source| source.starts_with(['"', '\'']));
    let plain = source.filter(|_| !quoted);
    match (expected, place.tree.value(place.node)) {
        ("a boolean", Value::String(text)) if words::boolean(text).is_some() => {
            let meant = if words::boolean(text) == Some(true) { "true" } else { "false" };
            let same = text == meant;
            if plain.is_some() && !same {
                diagnostic.message += &format!(": YAML 1.2 reads {} as a string", words::quote(text));
            }
            let help = if same { "remove the quotes".to_owned() } else { format!("write `{meant}`") };
            let diagnostic = diagnostic.with_help(help);
            if plain.is_some() || same { replace(diagnostic, span, meant) } else { diagnostic }
        }
        ("a boolean", _) => diagnostic.with_help("write `true` or `false`"),
        ("a number", Value::String(text)) => match words::number(text) {
            Some(meant) if quoted && text == meant => {
                replace(diagnostic.with_help("remove the quotes"), span, &meant)
            }
            Some(meant) => diagnostic.with_help(format!("write `{meant}`")),
            None => diagnostic,
        },
        ("a string", Value::Number(_) | Value::Bool(_)) => match plain {
            Some(plain) => {
                let meant = format!("\"{plain}\"");
                replace(diagnostic.with_help(format!("write `{meant}`")), span, &meant)
            }
            None => diagnostic.with_help("write it in quotes"),
        },
        ("a list of strings", Value::String(_)) => match source {
            Some(source) if !source.contains([',', '[', ']', '{', '}']) => {
                let meant = format!("[{source}]");
                replace(diagnostic.with_help(format!("write `{meant}`")), span, &meant)
            }
            _ => diagnostic.with_help("write each as `- ` on a line of its own"),
        },
        ("a duration", _) => diagnostic.with_help(DURATIONS),
        ("a date", _) => diagnostic.with_help(DATES),
        ("a date or `never`", _) => diagnostic.with_help(DATES_OR_NEVER),
        _ => {
            let example = schema.and_then(|schema| schema.pointer("/examples/0"));
            match example {
                Some(example) => diagnostic.with_help(format!("write it like `{example}`")),
                None => diagnostic,
            }
        }
    }
}

const DURATIONS: &str = "write it like `30m`, `2h`, `7d` or `1w`";
const DATES: &str = "write it as YYYY-MM-DD";
const DATES_OR_NEVER: &str = "write it as YYYY-MM-DD, or `never`";

/// A string that is no duration or no date.
fn malformed(
    draft: impl FnOnce(String) -> Diagnostic,
    place: &Place<'_>,
    subject: &Subject<'_>,
    schema_path: &str,
) -> Diagnostic {
    let Value::String(text) = place.tree.value(place.node) else {
        return draft(format!("{} in the wrong form", subject.is()));
    };
    let shown = words::quote(text);
    if schema_path.contains("/duration/") {
        let diagnostic = draft(format!("{} {shown}, which is not a duration", subject.is()));
        return match words::duration(text) {
            Some(meant) => diagnostic.with_help(format!("write `{meant}`")),
            None => diagnostic.with_help(DURATIONS),
        };
    }
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let flaw = if shaped { "which the calendar does not have" } else { "which is not a date" };
    let help = if place.name() == "expires" { DATES_OR_NEVER } else { DATES };
    draft(format!("{} {shown}, {flaw}", subject.is())).with_help(help)
}

fn replace(diagnostic: Diagnostic, span: Span, text: &str) -> Diagnostic {
    let edit = Edit {
        span,
        text: text.to_owned(),
    };
    diagnostic.with_fix(format!("write {}", words::quote(text)), vec![edit])
}
