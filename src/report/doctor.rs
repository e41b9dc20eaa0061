//! What a store suffers from, for people and for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::Value;

use super::operated::{header, painted};
use super::text::visible;
use crate::doctor::{Finding, Fix, Level, Place};
use crate::plan::StoreRef;
use crate::store::Info;

/// Levels, the worst first, and what they are called in a sum.
const LEVELS: [(Level, &str); 5] = [
    (Level::Error, "error"),
    (Level::Warning, "warning"),
    (Level::Unknown, "not known"),
    (Level::Note, "note"),
    (Level::Ok, "fine"),
];

/// Commands of one finding that people are shown.
const SHOWN: usize = 5;

/// What was found in one store.
#[derive(Clone, Copy, Debug)]
pub struct Checkup<'a> {
    /// None where a store was named and no environment.
    pub environment: Option<&'a str>,
    pub info: &'a Info,
    pub store: &'a StoreRef,
    /// Whether what the store holds could be read; else its generation is not known.
    pub is_read: bool,
    /// In the order of the checks.
    pub findings: &'a [Finding],
}

impl Checkup<'_> {
    fn count(&self, level: Level) -> usize {
        let found = self.findings.iter();
        found.filter(|finding| finding.level == level).count()
    }

    /// `1 error, 2 warnings, 1 not known, 9 fine`
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = LEVELS.map(|(level, word)| (self.count(level), level, word));
        let parts = counts.iter().filter(|(count, ..)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, level, word)| {
                let takes_plural = matches!(level, Level::Error | Level::Warning | Level::Note);
                let plural = if takes_plural && *count != 1 { "s" } else { "" };
                format!("{count} {word}{plural}")
            })
            .collect();
        parts.join(", ")
    }
}

/// Writes a line a check, what mends it below, and a line that sums them up.
pub fn human(out: &mut dyn Write, checkup: &Checkup<'_>, color: bool) -> io::Result<()> {
    let Checkup {
        environment,
        info,
        store,
        ..
    } = checkup;
    if checkup.is_read {
        header(out, *environment, info, store, color)?;
    } else {
        let bold = painted(color, Style::new().bold());
        if let Some(environment) = environment {
            write!(out, "{bold}{}{bold:#} on ", visible(environment))?;
        }
        let (url, prefix) = (visible(&info.url), visible(&store.prefix));
        writeln!(out, "{url} (prefix {prefix}, cannot be read)")?;
    }
    writeln!(out)?;
    let names = checkup.findings.iter().map(|finding| finding.check.len());
    let width = names.max().unwrap_or_default();
    for finding in checkup.findings {
        block(out, finding, width, color)?;
    }
    writeln!(out, "\n{}", checkup.summary())
}

fn block(out: &mut dyn Write, finding: &Finding, width: usize, color: bool) -> io::Result<()> {
    let (sign, style) = sign(finding.level);
    let style = painted(color, style);
    let (bold, dim) = (
        painted(color, Style::new().bold()),
        painted(color, Style::new().dimmed()),
    );
    let check = finding.check;
    writeln!(
        out,
        "  {style}{sign}{style:#} {bold}{check:<width$}{bold:#}  {}",
        visible(&finding.found)
    )?;
    let indent = width + 6;
    if let Some(advice) = &finding.advice {
        writeln!(out, "{:indent$}{dim}{}{dim:#}", "", visible(advice))?;
    }
    for fix in finding.fixes.iter().take(SHOWN) {
        let prompt = match fix.place {
            Place::Redis => "redis>",
            Place::Shell => "$",
        };
        writeln!(out, "{:indent$}{prompt} {}", "", visible(&fix.command))?;
    }
    match finding.fixes.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(
            out,
            "{:indent$}{dim}and {more} more like it: `--format json` has them{dim:#}",
            ""
        ),
    }
}

fn sign(level: Level) -> (char, Style) {
    let bold = |color: AnsiColor| color.on_default().bold();
    match level {
        Level::Error => ('✗', bold(AnsiColor::Red)),
        Level::Warning => ('!', bold(AnsiColor::Yellow)),
        Level::Unknown => ('?', bold(AnsiColor::Cyan)),
        Level::Note => ('·', Style::new().dimmed()),
        Level::Ok => ('✓', bold(AnsiColor::Green)),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    environment: Option<&'a str>,
    store: StoreDocument<'a>,
    findings: Vec<FindingDocument<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct StoreDocument<'a> {
    kind: &'a str,
    lineage: Option<&'a str>,
    prefix: &'a str,
    generation: Option<u64>,
}

#[derive(Serialize)]
struct FindingDocument<'a> {
    check: &'a str,
    severity: Level,
    found: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    fixes: &'a [Fix],
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    unknown: usize,
    notes: usize,
    ok: usize,
}

/// The same as a JSON value.
#[must_use]
pub fn json(checkup: &Checkup<'_>) -> Value {
    let store = checkup.store;
    let findings = checkup.findings.iter().map(|finding| FindingDocument {
        check: finding.check,
        severity: finding.level,
        found: &finding.found,
        advice: finding.advice.as_deref(),
        fixes: &finding.fixes,
    });
    let document = Document {
        version: 1,
        environment: checkup.environment,
        store: StoreDocument {
            kind: &store.kind,
            lineage: store.lineage.as_deref(),
            prefix: &store.prefix,
            generation: checkup.is_read.then_some(store.generation),
        },
        findings: findings.collect(),
        summary: Summary {
            errors: checkup.count(Level::Error),
            warnings: checkup.count(Level::Warning),
            unknown: checkup.count(Level::Unknown),
            notes: checkup.count(Level::Note),
            ok: checkup.count(Level::Ok),
        },
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}
