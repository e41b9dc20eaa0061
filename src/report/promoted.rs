//! What was promoted from one environment to another, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::plan_human::{Paint, fields};
use super::plan_json::{RiskDocument, risk};
use super::text::visible;
use crate::diagnostic::Diagnostic;
use crate::plan::{FieldChange, Source};

/// What a command did.
#[derive(Clone, Copy, Debug)]
pub struct Promotion<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub written: bool,
    pub flags: &'a [Promoted],
    /// What a lint finds now and did not before.
    pub found: &'a [Diagnostic],
    /// What would be written, where that was asked for instead.
    pub diff: Option<&'a str>,
}

/// What became of one flag.
#[derive(Clone, Debug, Serialize)]
pub struct Promoted {
    pub flag: String,
    pub source: Source,
    /// `promoted`, or `unchanged` where the two were the same already.
    pub outcome: &'static str,
    /// What differs in the environment that got the settings.
    pub fields: Vec<FieldChange>,
    /// Comments that went with what they stood in.
    pub lost_comments: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    from: &'a str,
    to: &'a str,
    written: bool,
    flags: &'a [Promoted],
    findings: Vec<RiskDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<&'a str>,
    plan: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unplanned: Option<Value>,
}

/// As JSON, with the plan that it leads to or why there is none.
#[must_use]
pub fn json(promotion: &Promotion<'_>, plan: Option<Value>, unplanned: Option<Value>) -> Value {
    let document = Document {
        version: 1,
        from: promotion.from,
        to: promotion.to,
        written: promotion.written,
        flags: promotion.flags,
        findings: promotion.found.iter().map(risk).collect(),
        diff: promotion.diff,
        plan,
        unplanned,
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

/// Writes a block for each flag.
///
/// # Errors
/// What `out` fails with.
pub fn human(out: &mut dyn Write, promotion: &Promotion<'_>, color: bool) -> io::Result<()> {
    let (from, to) = (visible(promotion.from), visible(promotion.to));
    for flag in promotion.flags {
        let (name, file) = (visible(&flag.flag), visible(&flag.source.file));
        let file = format!("{file}:{}", flag.source.line);
        if flag.outcome != "promoted" {
            writeln!(out, "{name} is in {to} as it is in {from} already  {file}")?;
            continue;
        }
        writeln!(out, "{name} promoted from {from} to {to}  {file}")?;
        fields(out, &flag.fields, Paint { color })?;
        for comment in &flag.lost_comments {
            writeln!(
                out,
                "      a comment went with what it stood in: {}",
                visible(comment)
            )?;
        }
    }
    Ok(())
}
