//! Flags that were written into flag files or taken out of them, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::plan_json::{RiskDocument, risk};
use super::text::visible;
use crate::diagnostic::Diagnostic;
use crate::plan::Source;

/// A new flag.
#[derive(Clone, Copy, Debug)]
pub struct Added<'a> {
    pub flag: &'a str,
    pub source: &'a Source,
    /// Its lines, as they stand in the file.
    pub text: &'a str,
    pub written: bool,
    /// What a lint finds now and did not before.
    pub found: &'a [Diagnostic],
    /// What could not be known.
    pub notes: &'a [String],
    /// What would be written, where that was asked for instead.
    pub diff: Option<&'a str>,
}

#[derive(Serialize)]
struct AddedDocument<'a> {
    version: u32,
    written: bool,
    flag: &'a str,
    source: &'a Source,
    text: &'a str,
    findings: Vec<RiskDocument<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<&'a str>,
}

/// As JSON.
#[must_use]
pub fn added_json(added: &Added<'_>) -> Value {
    let document = AddedDocument {
        version: 1,
        written: added.written,
        flag: added.flag,
        source: added.source,
        text: added.text,
        findings: added.found.iter().map(risk).collect(),
        notes: added.notes,
        diff: added.diff,
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

/// Says where it is and what it says.
///
/// # Errors
/// What `out` fails with.
pub fn added_human(out: &mut dyn Write, added: &Added<'_>) -> io::Result<()> {
    let (flag, source) = (visible(added.flag), place(added.source));
    writeln!(out, "Wrote {flag} to {source}, off:\n")?;
    for line in added.text.lines() {
        writeln!(out, "{}", visible(line))?;
    }
    Ok(())
}

/// A flag that was taken out.
#[derive(Clone, Debug, Serialize)]
pub struct Removed {
    pub flag: String,
    /// Where it was.
    pub source: Source,
    /// Whether its file went with it.
    pub file_removed: bool,
    /// Where code names it, if that was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<References>,
}

/// Places in code.
#[derive(Clone, Debug, Default, Serialize)]
pub struct References {
    pub count: usize,
    /// The first ones: `src/search.py:12`.
    pub places: Vec<String>,
}

#[derive(Serialize)]
struct RemovedDocument<'a> {
    version: u32,
    written: bool,
    flags: &'a [Removed],
    findings: Vec<RiskDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<&'a str>,
}

/// As JSON.
#[must_use]
pub fn removed_json(
    flags: &[Removed],
    written: bool,
    found: &[Diagnostic],
    diff: Option<&str>,
) -> Value {
    let document = RemovedDocument {
        version: 1,
        written,
        flags,
        findings: found.iter().map(risk).collect(),
        diff,
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

/// A line for each flag, and for each that code still names.
///
/// # Errors
/// What `out` fails with.
pub fn removed_human(out: &mut dyn Write, flags: &[Removed]) -> io::Result<()> {
    for removed in flags {
        let (flag, source) = (visible(&removed.flag), place(&removed.source));
        let file = if removed.file_removed {
            ", and with it the file"
        } else {
            ""
        };
        writeln!(out, "Removed {flag} from {source}{file}")?;
    }
    references(out, flags)
}

/// Where code still names flags.
///
/// # Errors
/// What `out` fails with.
pub fn references(out: &mut dyn Write, flags: &[Removed]) -> io::Result<()> {
    for removed in flags {
        let Some(named) = removed.references.as_ref().filter(|named| named.count > 0) else {
            continue;
        };
        let places: Vec<String> = named.places.iter().map(|place| visible(place)).collect();
        let more = match named.count - places.len().min(named.count) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let flag = visible(&removed.flag);
        writeln!(out, "Code still names {flag}: {}{more}", places.join(", "))?;
    }
    Ok(())
}

fn place(source: &Source) -> String {
    format!("{}:{}", visible(&source.file), source.line)
}
