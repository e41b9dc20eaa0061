//! The text of hoist.toml into a valid configuration, one table at a time.

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Config, Environment, HISTORY_KEEP, RULE, mask_secrets};
use crate::diagnostic::{Diagnostic, Edit, FileId, Location, Span, did_you_mean};
use crate::plan::guard::Policy;
use crate::store::TlsFiles;

mod guards;
mod lint;
mod refs;

type Entry<'t> = (&'t Spanned<DeString<'t>>, &'t Spanned<DeValue<'t>>);

struct Reader {
    file: FileId,
    diagnostics: Vec<Diagnostic>,
}

pub(super) fn config(file: FileId, text: &str) -> (Config, Vec<Diagnostic>) {
    let mut reader = Reader {
        file,
        diagnostics: Vec::new(),
    };
    let mut config = Config::default();
    let (table, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    let mut lines = HashSet::new();
    // Where a table ends that stands twice: what is in it is the same mistake.
    let mut twice = 0;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        // What follows on the same line is mostly the same mistake, seen from further on.
        let line = text.get(..span.start).unwrap_or(text).matches('\n').count();
        let begins = text
            .get(..span.start)
            .map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
        let is_header = is_header(text.get(begins..).unwrap_or_default());
        if !lines.insert(line) || (span.start < twice && !is_header) {
            continue;
        }
        if is_header && error.message() == "duplicate key" {
            twice = table_end(text, begins);
        }
        reader.report(span, format!("this is not TOML: {}", error.message()));
    }
    let mut mistakes = std::mem::take(&mut reader.diagnostics);
    config.is_sound = mistakes.is_empty();
    for (key, value) in table.get_ref() {
        let before = reader.diagnostics.len();
        match key.get_ref().as_ref() {
            "flags" => {
                if let Some(flags) = reader.string(key, value) {
                    config.flags = flags.into();
                }
            }
            "environments" => reader.environments((key, value), &mut config),
            "lint" => reader.lint((key, value), &mut config),
            "refs" => reader.refs((key, value), &mut config),
            _ => reader.unknown(key, &["flags", "environments", "lint", "refs"]),
        }
        let matters = !matches!(key.get_ref().as_ref(), "flags" | "lint" | "refs");
        config.is_sound &= !matters || reader.diagnostics.len() == before;
    }
    // From the first thing that is no TOML on, what was read is partly the parser's guess.
    let broken = mistakes
        .first()
        .map_or(u32::MAX, |found| found.location.span.start);
    let sound = |found: &Diagnostic| found.location.span.end < broken;
    mistakes.extend(reader.diagnostics.into_iter().filter(sound));
    mistakes.sort_by_key(|found| found.location.span);
    (config, mistakes)
}

/// Whether a line begins a table.
fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Where the table ends whose first line begins at `start`: at the next one.
fn table_end(text: &str, start: usize) -> usize {
    let mut at = start;
    for line in text.get(start..).unwrap_or_default().split_inclusive('\n') {
        if at > start && is_header(line) {
            break;
        }
        at += line.len();
    }
    at
}

impl Reader {
    fn report(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        let location = Location {
            file: self.file,
            span: Span::new(span.start, span.end),
        };
        self.diagnostics.push(Diagnostic::new(
            RULE,
            location,
            mask_secrets(&message.into()),
        ));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn unknown(&mut self, key: &Spanned<DeString<'_>>, known: &[&str]) {
        let name = key.get_ref();
        let found = self.report(key.span(), format!("there is no setting `{name}` here"));
        if let Some(meant) = did_you_mean(name, known.iter().copied()) {
            let edit = Edit {
                span: Span::new(key.span().start, key.span().end),
                text: meant.to_owned(),
            };
            *found = found
                .clone()
                .with_help(format!("did you mean `{meant}`?"))
                .with_fix(format!("replace `{name}` with `{meant}`"), vec![edit]);
        } else {
            found.help = Some(format!("known settings: {}", known.join(", ")));
        }
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.report(
            value.span(),
            format!("`{key}` is {found}; it must be {wanted}"),
        );
    }

    fn string(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                self.report(value.span(), format!("`{}` is empty", key.get_ref()));
                None
            }
            DeValue::String(text) => Some(text.clone().into_owned()),
            _ => {
                self.wrong_type(key.get_ref(), value, "a string");
                None
            }
        }
    }

    fn boolean(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(key.get_ref(), value, "true or false");
        }
        boolean
    }

    /// A number of at least `least` and at most `most`.
    fn number(&mut self, (key, value): Entry<'_>, least: f64, most: f64) -> Option<f64> {
        let number: Option<f64> = match value.get_ref() {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .map(|n| n as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => {
                self.wrong_type(key.get_ref(), value, "a number");
                return None;
            }
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!("`{}` must be between {least} and {most}", key.get_ref());
            self.report(value.span(), message);
        }
        number
    }

    /// A number without a fraction.
    fn whole(&mut self, entry: Entry<'_>, least: u32, most: u32) -> Option<u32> {
        let number = self.number(entry, least.into(), most.into())?;
        if number.fract() != 0.0 {
            let (key, value) = entry;
            let message = format!("`{}` must be a whole number", key.get_ref());
            self.report(value.span(), message);
            return None;
        }
        // In range, so the cast loses nothing.
        Some(number as u32)
    }

    fn table<'t>(&mut self, (key, value): Entry<'t>) -> Option<&'t DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(key.get_ref(), value, "a table");
        }
        table
    }

    fn environments(&mut self, entry: Entry<'_>, config: &mut Config) {
        let Some(table) = self.table(entry) else {
            return;
        };
        if !table.is_empty() {
            config.environments.clear();
        }
        // The parser keeps tables sorted by name; people expect their own order.
        let mut entries: Vec<Entry<'_>> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            if let Some(environment) = self.environment((key, value)) {
                config
                    .environments
                    .insert(environment.name.clone(), environment);
            }
        }
    }

    fn environment(&mut self, (key, value): Entry<'_>) -> Option<Environment> {
        let name = key.get_ref().clone().into_owned();
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if !name.chars().all(plain) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.report(
                key.span(),
                format!("`{name}` is no name for an environment"),
            )
            .help = Some("use small letters, digits, `-` and `_`, a letter first".into());
        }
        let table = self.table((key, value))?;
        const KNOWN: [&str; 13] = [
            "store",
            "prefix",
            "prune",
            "watch_prune",
            "protected_environment",
            "wait_replicas",
            "ca_file",
            "cert_file",
            "key_file",
            "protected",
            "max_moved",
            "freeze",
            "history_keep",
        ];
        let mut history_keep = HISTORY_KEEP;
        let mut policy = Policy::default();
        let (mut store, mut prefix, mut prune) = (None, "ff".to_owned(), true);
        let (mut watch_prune, mut protected_environment) = (false, false);
        let (mut wait_replicas, mut tls) = (0, TlsFiles::default());
        let mut is_misspelt = false;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "store" => store = Some(self.string(key, value).unwrap_or_default()),
                "prefix" => prefix = self.prefix(key, value).unwrap_or(prefix),
                "prune" => prune = self.boolean(key, value).unwrap_or(prune),
                "watch_prune" => watch_prune = self.boolean(key, value).unwrap_or_default(),
                "protected_environment" => {
                    // One that is misread is better left alone.
                    protected_environment = self.boolean(key, value).unwrap_or(true);
                }
                "wait_replicas" => {
                    let number = self.whole((key, value), 0, 1000);
                    wait_replicas = number.map_or(0, |number| number as usize);
                }
                "ca_file" => tls.ca = self.string(key, value).map(PathBuf::from),
                "cert_file" => tls.cert = self.string(key, value).map(PathBuf::from),
                "key_file" => tls.key = self.string(key, value).map(PathBuf::from),
                "protected" => policy.protected = self.patterns(key, value),
                "max_moved" => policy.max_moved = self.percent((key, value)),
                "freeze" => policy.freeze = self.freezes(key, value),
                "history_keep" => {
                    let number = self.whole((key, value), 1, 1_000_000);
                    history_keep = number.map_or(HISTORY_KEEP, |number| number as usize);
                }
                name => {
                    is_misspelt |= did_you_mean(name, KNOWN) == Some("store");
                    self.unknown(key, &KNOWN);
                }
            }
        }
        if store.is_none() && !is_misspelt {
            self.report(key.span(), format!("environment `{name}` has no `store`"))
                .help =
                Some("say where its records live: store = \"redis://localhost:6379\"".into());
        }
        Some(Environment {
            name,
            store: store.unwrap_or_default(),
            prefix,
            prune,
            watch_prune,
            protected_environment,
            wait_replicas,
            tls,
            policy,
            history_keep,
        })
    }

    fn prefix(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<String> {
        let prefix = self.string(key, value)?;
        if let Err(problem) = check_prefix(&prefix) {
            self.report(value.span(), format!("`prefix` {problem}"));
            return None;
        }
        Some(prefix)
    }
}

/// What is wrong with a key prefix.
pub(super) fn check_prefix(prefix: &str) -> Result<(), &'static str> {
    let inner = prefix
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(prefix);
    if inner.is_empty() {
        Err("is empty")
    } else if inner.contains(['{', '}']) {
        Err("may have braces only around all of it, as in \"{ff}\"")
    } else if inner.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Err("has white space in it")
    } else if inner.starts_with(':') || inner.ends_with(':') {
        Err("needs no colon at its ends: hoist puts one between prefix and flag")
    } else {
        Ok(())
    }
}
