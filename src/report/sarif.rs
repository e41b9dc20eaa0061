//! `lint --format sarif`: SARIF 2.1.0, as code scanning services read it.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use crate::diagnostic::{Diagnostic, Fix, Location, Severity};
use crate::rules::{self, Level, RULES, Rule};
use crate::source;

use super::places::Places;
use super::refs::{About, UNKNOWN_KEY, UNUSED_FLAG};
use super::root::encode;
use super::{Lint, Root};
use fingerprint::Fingerprints;
use shape::{
    Artifact, ArtifactChange, Configuration, Content, Descriptor, Driver, Found, Help, Invocation,
    Log, Logical, Notification, Physical, Place, Region, Repair, Replacement, RuleProperties, Run,
    Text, Tool, UriBase,
};

mod fingerprint;
mod shape;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Where there is more about hoist: its repository, once it is published with one.
const HOME: &str = if env!("CARGO_PKG_REPOSITORY").is_empty() {
    "urn:hoist:lint"
} else {
    env!("CARGO_PKG_REPOSITORY")
};
/// Stands for the root of the repository.
const BASE: &str = "%SRCROOT%";

/// Writes the whole run as one JSON object and a line break. Names of files start at `root`.
///
/// # Errors
/// What `out` fails with.
pub fn lint(lint: &Lint<'_>, root: &Root, out: &mut dyn Write) -> io::Result<()> {
    let rules = RULES.iter().copied().chain([&rules::CONFIG]);
    write(lint, root, rules.map(descriptor).collect(), out)
}

/// The same of what `hoist refs` found.
///
/// # Errors
/// What `out` fails with.
pub fn refs(lint: &Lint<'_>, root: &Root, out: &mut dyn Write) -> io::Result<()> {
    let rules = [&UNKNOWN_KEY, &UNUSED_FLAG];
    write(lint, root, rules.map(about).into(), out)
}

/// `rules` is everything that a finding may come from. Results name a rule by its place in this list.
fn write(
    lint: &Lint<'_>,
    root: &Root,
    rules: Vec<Descriptor>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = Results {
        rules: rules.iter().map(|rule| rule.id).collect(),
        places: Places::new(lint.files),
        fingerprints: Fingerprints::default(),
        root,
    };
    let sorted = lint.sorted();
    let results = sorted.into_iter().map(|found| writer.result(found, lint));
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: driver(rules),
            },
            invocations: [invocation(lint.unread, root)],
            original_uri_base_ids: BTreeMap::from([(BASE, base(root))]),
            column_kind: "unicodeCodePoints",
            results: results.collect(),
        }],
    };
    let mut out = BufWriter::new(out);
    serde_json::to_writer(&mut out, &log)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn driver(rules: Vec<Descriptor>) -> Driver {
    let version = env!("CARGO_PKG_VERSION");
    Driver {
        name: "hoist",
        full_name: format!("hoist {version}"),
        version,
        semantic_version: version,
        information_uri: HOME,
        short_description: Text::new(concat!(env!("CARGO_PKG_DESCRIPTION"), ".")),
        rules,
    }
}

fn descriptor(rule: &'static Rule) -> Descriptor {
    let level = match rule.level {
        Level::Error => "error",
        // The level that a rule which is off would have.
        Level::Warning | Level::Off => "warning",
    };
    let kind = match rule.level {
        Level::Error => "correctness",
        Level::Warning | Level::Off => "maintainability",
    };
    Descriptor {
        id: rule.id,
        name: rule.id.contains('-').then(|| pascal_case(rule.id)),
        short_description: Text::new(format!("{}.", rule.summary)),
        full_description: Text::new(one_line(rule.docs)),
        help: Help {
            text: rules::explain(rule),
            markdown: rules::markdown(rule),
        },
        default_configuration: Configuration {
            enabled: rule.level != Level::Off,
            level,
        },
        properties: RuleProperties {
            precision: "very-high",
            severity: level,
            tags: vec!["feature-flags", kind],
        },
    }
}

fn about(about: &'static About) -> Descriptor {
    Descriptor {
        id: about.id,
        name: Some(pascal_case(about.id)),
        short_description: Text::new(format!("{}.", about.summary)),
        full_description: Text::new(about.docs),
        help: Help {
            text: about.docs.to_owned(),
            markdown: about.docs.to_owned(),
        },
        default_configuration: Configuration {
            enabled: true,
            level: "warning",
        },
        properties: RuleProperties {
            precision: "high",
            severity: "warning",
            tags: vec!["feature-flags", "maintainability"],
        },
    }
}

/// `variant-sum` as `VariantSum`, the form in which rules have names. A name that is the id has no place.
fn pascal_case(id: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    id.split('-').map(word).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn base(root: &Root) -> UriBase {
    UriBase {
        uri: root.uri(),
        description: Text::new("The root of the repository."),
    }
}

/// What could not be read makes the run a failed one: its results are not all there are.
fn invocation(unread: &[source::Error], root: &Root) -> Invocation {
    let notification = |error: &source::Error| Notification {
        level: "error",
        message: Text::new(sentence(&error.to_string())),
        locations: [Place {
            id: None,
            physical_location: Physical {
                artifact_location: artifact(error.name(), root),
                region: None,
            },
            logical_locations: Vec::new(),
            message: None,
        }],
    };
    Invocation {
        execution_successful: unread.is_empty(),
        tool_execution_notifications: unread.iter().map(notification).collect(),
    }
}

fn artifact(name: &str, root: &Root) -> Artifact {
    match root.inside(name) {
        Some(name) => Artifact {
            uri: encode(&name),
            uri_base_id: Some(BASE),
        },
        None => Artifact {
            uri: root.absolute_uri(name),
            uri_base_id: None,
        },
    }
}

/// What writing results takes.
struct Results<'a> {
    rules: Vec<&'static str>,
    places: Places<'a>,
    fingerprints: Fingerprints,
    root: &'a Root,
}

impl<'a> Results<'a> {
    fn result(&mut self, found: &'a Diagnostic, lint: &Lint<'a>) -> Found<'a> {
        let mut message = sentence(&found.message);
        if let Some(help) = &found.help {
            message = format!("{message} {}", sentence(help));
        }
        let name = lint.files.name(found.location.file);
        let fingerprint = self
            .fingerprints
            .next(found, &self.root.name(name), lint.files);
        let mut place = self.place(found.location);
        place.logical_locations = found
            .flag
            .iter()
            .map(|flag| Logical {
                fully_qualified_name: flag.to_string(),
                kind: "member",
            })
            .collect();
        let related = (1..).zip(&found.related).map(|(id, related)| Place {
            id: Some(id),
            message: Some(Text::new(sentence(&related.message))),
            ..self.place(related.location)
        });
        let related_locations = related.collect();
        let rule_index = self.index(found.rule);
        let fixes = found.fix.iter().map(|fix| self.fix(fix, found.location));
        Found {
            rule_id: found.rule,
            rule_index,
            level: match found.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: Text::new(message),
            locations: [place],
            fixes: fixes.collect(),
            related_locations,
            partial_fingerprints: BTreeMap::from([(fingerprint::NAME, fingerprint)]),
        }
    }

    fn index(&self, id: &str) -> usize {
        self.rules
            .iter()
            .position(|rule| *rule == id)
            .unwrap_or_default()
    }

    fn place(&mut self, location: Location) -> Place {
        Place {
            id: None,
            physical_location: Physical {
                artifact_location: self.artifact(location),
                region: Some(self.region(location)),
            },
            logical_locations: Vec::new(),
            message: None,
        }
    }

    fn artifact(&self, location: Location) -> Artifact {
        artifact(self.places.name(location.file), self.root)
    }

    fn region(&mut self, location: Location) -> Region {
        let (start, end) = self.places.range(location);
        let span = location.span;
        Region {
            start_line: start.line,
            start_column: start.column,
            end_line: end.line,
            end_column: end.column,
            byte_offset: span.start,
            byte_length: span.end - span.start,
        }
    }

    fn fix(&mut self, fix: &'a Fix, location: Location) -> Repair<'a> {
        let edits = fix.edits.iter().map(|edit| Replacement {
            deleted_region: self.region(Location {
                span: edit.span,
                ..location
            }),
            inserted_content: Content { text: &edit.text },
        });
        let replacements = edits.collect();
        Repair {
            description: Text::new(sentence(&fix.title)),
            artifact_changes: [ArtifactChange {
                artifact_location: self.artifact(location),
                replacements,
            }],
        }
    }
}

/// Text as a sentence of a message.
fn sentence(text: &str) -> String {
    // `[word](place)` would be taken for a link.
    let mut out = match text.contains("](") {
        true => text
            .replace('\\', "\\\\")
            .replace('[', "\\[")
            .replace(']', "\\]"),
        false => text.to_owned(),
    };
    if let Some(first) = out.get(..1) {
        out.replace_range(..1, &first.to_ascii_uppercase());
    }
    if !out.ends_with(['.', '?', '!']) {
        out.push('.');
    }
    out
}
