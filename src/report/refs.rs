//! Where code refers to flags, for people and for programs.

use std::io::{self, Write};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::Value;

use super::operated::painted;
use super::text::visible;
use super::{Lint, count};
use crate::plan::Source;

/// What a finding about code is reported as.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub id: &'static str,
    /// One line, no full stop.
    pub summary: &'static str,
    pub docs: &'static str,
}

pub static UNKNOWN_KEY: About = About {
    id: "unknown-key",
    summary: "Code asks for a flag that there is not",
    docs: "A client answers a key that no flag has with the caller's default, and nobody notices. Mostly the key is \
           misspelt, or the flag was removed before the code. A comment `hoist-ignore: unknown-key` in the line \
           says that it is meant.",
};

pub static UNUSED_FLAG: About = About {
    id: "unused-flag",
    summary: "No code refers to a flag",
    docs: "A flag that no code asks for decides nothing: it was left behind when the code went, or the code calls \
           it by a name that hoist does not know, which `[refs]` in hoist.toml can say.",
};

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Refs<'a> {
    /// Where code was looked for.
    pub directories: &'a [String],
    /// Number of files that were looked through.
    pub searched: usize,
    /// By key.
    pub flags: &'a [Named],
    /// By file, and by place in it.
    pub calls: &'a [Call],
    pub show_uses: bool,
    pub show_unused: bool,
    pub show_unknown: bool,
    /// What is to be shown of unused flags and unknown keys, as findings.
    pub lint: Lint<'a>,
}

/// A flag, and where code names it.
#[derive(Clone, Debug)]
pub struct Named {
    pub flag: String,
    pub source: Source,
    pub places: Vec<Place>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Place {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
    /// `quoted`, `pattern`, or the name of an alias.
    #[serde(rename = "as")]
    pub form: &'static str,
}

/// A call with a key that no flag has.
#[derive(Clone, Debug)]
pub struct Call {
    pub key: String,
    /// The flag that may be meant.
    pub meant: Option<String>,
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
}

impl Refs<'_> {
    /// How many flags no code refers to.
    #[must_use]
    pub fn unused(&self) -> usize {
        self.never().count()
    }

    fn never(&self) -> impl Iterator<Item = &Named> {
        self.flags.iter().filter(|named| named.places.is_empty())
    }

    fn references(&self) -> usize {
        self.flags.iter().map(|named| named.places.len()).sum()
    }
}

/// Writes every flag with its places, what is unused and unknown, and a line that sums it up.
pub fn human(out: &mut dyn Write, refs: &Refs<'_>, color: bool) -> io::Result<()> {
    let bold = painted(color, Style::new().bold());
    let dim = painted(color, Style::new().dimmed());
    let yellow = painted(color, AnsiColor::Yellow.on_default().bold());
    if refs.show_uses {
        for named in refs.flags.iter().filter(|named| !named.places.is_empty()) {
            head(out, named, "", bold, dim)?;
            for place in &named.places {
                write!(
                    out,
                    "    {}:{}:{}",
                    visible(&place.file),
                    place.line,
                    place.column
                )?;
                match place.form {
                    "quoted" => writeln!(out)?,
                    form => writeln!(out, "  {dim}{form}{dim:#}")?,
                }
            }
            writeln!(out)?;
        }
    }
    if refs.show_unused && refs.unused() > 0 {
        writeln!(out, "{yellow}Never referred to:{yellow:#}")?;
        for named in refs.never() {
            head(out, named, "    ", bold, dim)?;
        }
        writeln!(out)?;
    }
    if refs.show_unknown && !refs.calls.is_empty() {
        writeln!(out, "{yellow}Keys that no flag has:{yellow:#}")?;
        for call in refs.calls {
            let (file, key) = (visible(&call.file), visible(&call.key));
            write!(
                out,
                "    {file}:{}:{}  {bold}{key}{bold:#}",
                call.line, call.column
            )?;
            match &call.meant {
                Some(meant) => writeln!(out, "  did you mean `{}`?", visible(meant))?,
                None => writeln!(out)?,
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(refs))
}

fn head(
    out: &mut dyn Write,
    named: &Named,
    indent: &str,
    bold: Style,
    dim: Style,
) -> io::Result<()> {
    let (flag, file) = (visible(&named.flag), visible(&named.source.file));
    let line = named.source.line;
    writeln!(
        out,
        "{indent}{bold}{flag}{bold:#}  {dim}{file}:{line}{dim:#}"
    )
}

/// `Searched 214 files below src and web: 12 flags referred to in 40 places, 2 never; 1 unknown key`.
fn summary(refs: &Refs<'_>) -> String {
    let never = refs.unused();
    let mut said = format!(
        "Searched {} below {}: {} referred to in {}",
        count(refs.searched, "file"),
        visible(&refs.directories.join(", ")),
        count(refs.flags.len() - never, "flag"),
        count(refs.references(), "place"),
    );
    if never > 0 {
        said += &format!(", {never} never");
    }
    if !refs.calls.is_empty() {
        said += &format!("; {} with an unknown key", count(refs.calls.len(), "call"));
    }
    said
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    directories: &'a [String],
    files: usize,
    flags: Vec<FlagDocument<'a>>,
    unknown: Vec<CallDocument<'a>>,
    summary: Summary,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread<'a>>,
}

#[derive(Serialize)]
struct FlagDocument<'a> {
    flag: &'a str,
    source: &'a Source,
    count: usize,
    places: &'a [Place],
}

#[derive(Serialize)]
struct CallDocument<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
    file: &'a str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Summary {
    flags: usize,
    references: usize,
    unused: usize,
    unknown: usize,
}

#[derive(Serialize)]
struct Unread<'a> {
    file: &'a str,
    message: String,
}

/// The same as a JSON value.
#[must_use]
pub fn json(refs: &Refs<'_>) -> Value {
    let is_shown = |named: &&Named| match named.places.is_empty() {
        true => refs.show_unused,
        false => refs.show_uses,
    };
    let calls = refs.calls.iter().filter(|_| refs.show_unknown);
    let unread = refs.lint.unread.iter().map(|error| Unread {
        file: error.name(),
        message: error.to_string(),
    });
    let document = Document {
        version: 1,
        directories: refs.directories,
        files: refs.searched,
        flags: refs
            .flags
            .iter()
            .filter(is_shown)
            .map(flag_document)
            .collect(),
        unknown: calls.map(call_document).collect(),
        summary: Summary {
            flags: refs.flags.len(),
            references: refs.references(),
            unused: refs.unused(),
            unknown: refs.calls.len(),
        },
        unread: unread.collect(),
    };
    // Plain data with string keys always has a JSON form.
    serde_json::to_value(document).unwrap_or_default()
}

fn flag_document(named: &Named) -> FlagDocument<'_> {
    FlagDocument {
        flag: &named.flag,
        source: &named.source,
        count: named.places.len(),
        places: &named.places,
    }
}

fn call_document(call: &Call) -> CallDocument<'_> {
    CallDocument {
        key: &call.key,
        suggestion: call.meant.as_deref(),
        file: &call.file,
        line: call.line,
        column: call.column,
    }
}
