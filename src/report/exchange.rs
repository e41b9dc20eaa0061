//! What was carried over from other systems, and to them.

use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::Value;

use super::text::visible;
use crate::exchange::Loss;
use crate::secret;

/// Something that could not be carried over, with its place.
#[derive(Clone, Debug)]
pub struct Lost {
    pub loss: Loss,
    /// A file, or the prefix of a store.
    pub file: String,
    /// In the file, from 1.
    pub line: Option<u32>,
}

/// A flag that stays as it is, and where it stands.
#[derive(Clone, Debug)]
pub struct Kept {
    pub flag: String,
    pub file: String,
    pub line: u32,
}

/// A file that was written, or would be.
#[derive(Clone, Debug)]
pub struct Written {
    pub path: PathBuf,
    /// As people see it.
    pub name: String,
    pub flags: Vec<String>,
    pub text: String,
}

/// What `hoist import` has done.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    pub origin: &'a str,
    pub lost: &'a [Lost],
    pub kept: &'a [Kept],
    pub files: &'a [Written],
    /// How many flags the files have.
    pub flags: usize,
    pub dry_run: bool,
    /// The environment whose settings they are, where there are others.
    pub only_of: Option<&'a str>,
}

/// One line for each thing that is lost, or left as it is.
pub fn losses(lost: &[Lost], kept: &[Kept], color: bool, out: &mut dyn Write) -> io::Result<()> {
    let paint = |style: Style| if color { style } else { Style::new() };
    let yellow = paint(AnsiColor::BrightYellow.on_default().bold());
    let cyan = paint(AnsiColor::BrightCyan.on_default().bold());
    for lost in lost {
        let word = if lost.loss.left_out {
            "left out"
        } else {
            "lost"
        };
        write!(out, "{yellow}{word}{yellow:#}: {}", visible(&lost.file))?;
        if let Some(line) = lost.line {
            write!(out, ":{line}")?;
        }
        if let Some(part) = lost.part() {
            write!(out, ": {}", visible(&part))?;
        }
        writeln!(out, ": {}", visible(&lost.loss.reason))?;
    }
    for kept in kept {
        writeln!(
            out,
            "{cyan}kept{cyan:#}: {}:{}: `{}` is there already",
            visible(&kept.file),
            kept.line,
            visible(&kept.flag)
        )?;
    }
    Ok(())
}

impl Lost {
    /// Flag and path, as far as they say more than each other.
    fn part(&self) -> Option<String> {
        let path = &self.loss.path;
        match &self.loss.flag {
            None => (!path.is_empty()).then(|| path.clone()),
            Some(flag) if path.split(['.', '[']).any(|part| part == flag) || path == flag => {
                Some(path.clone())
            }
            Some(flag) if path.is_empty() => Some(flag.clone()),
            Some(flag) => Some(format!("{flag}: {path}")),
        }
    }
}

/// The files that were written, or their texts in a dry run, and a summary.
pub fn human(done: &Import<'_>, quiet: bool, out: &mut dyn Write) -> io::Result<()> {
    for (at, file) in done.files.iter().enumerate() {
        if done.dry_run {
            let gap = if at > 0 { "\n" } else { "" };
            let text = secret::mask(&file.text);
            write!(out, "{gap}# {}\n{text}", visible(&file.name))?;
        } else {
            writeln!(out, "wrote {}", visible(&file.name))?;
        }
    }
    if quiet {
        return Ok(());
    }
    let left_out = done.left_out();
    let flags = |number: usize| format!("{number} flag{}", if number == 1 { "" } else { "s" });
    let verb = if done.dry_run {
        "would be imported"
    } else {
        "imported"
    };
    let gap = if done.files.is_empty() { "" } else { "\n" };
    let was = match (done.dry_run, done.flags) {
        (true, _) => "",
        (false, 1) => "was ",
        (false, _) => "were ",
    };
    write!(
        out,
        "{gap}{} {was}{verb} from {}",
        flags(done.flags),
        visible(done.origin)
    )?;
    let things = done.lost.len() - left_out;
    let lost = format!("{things} thing{} lost", if things == 1 { "" } else { "s" });
    for (number, words) in [
        (
            done.kept.len(),
            format!("{} there already", done.kept.len()),
        ),
        (left_out, format!("{left_out} left out")),
        (things, lost),
    ] {
        if number > 0 {
            write!(out, "; {words}")?;
        }
    }
    writeln!(out, ".")?;
    if let Some(environment) = done.only_of.filter(|_| done.flags > 0) {
        writeln!(
            out,
            "Every environment gets what `{environment}` has, until a flag says otherwise under `environments`."
        )?;
    }
    if done.flags > 0 && !done.dry_run {
        writeln!(
            out,
            "Next: `hoist lint` checks them, `hoist plan` shows what an apply would change."
        )?;
    }
    Ok(())
}

impl Import<'_> {
    fn left_out(&self) -> usize {
        self.lost.iter().filter(|lost| lost.loss.left_out).count()
    }
}

#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    from: &'a str,
    dry_run: bool,
    files: Vec<FileJson<'a>>,
    kept: Vec<KeptJson<'a>>,
    lost: Vec<LostJson<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct FileJson<'a> {
    file: &'a str,
    flags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
struct KeptJson<'a> {
    flag: &'a str,
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct LostJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'a str>,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    path: &'a str,
    reason: String,
    left_out: bool,
}

#[derive(Serialize)]
struct Summary {
    imported: usize,
    kept: usize,
    left_out: usize,
    lost: usize,
}

/// For programs.
#[must_use]
pub fn json(done: &Import<'_>) -> Value {
    let files = done.files.iter().map(|file| FileJson {
        file: &file.name,
        flags: &file.flags,
        text: done.dry_run.then(|| secret::mask(&file.text).into_owned()),
    });
    let lost = done.lost.iter().map(|lost| LostJson {
        flag: lost.loss.flag.as_deref(),
        file: &lost.file,
        line: lost.line,
        path: &lost.loss.path,
        reason: secret::mask(&lost.loss.reason).into_owned(),
        left_out: lost.loss.left_out,
    });
    let left_out = done.left_out();
    let json = Json {
        version: 1,
        from: done.origin,
        dry_run: done.dry_run,
        files: files.collect(),
        kept: done
            .kept
            .iter()
            .map(|kept| KeptJson {
                flag: &kept.flag,
                file: &kept.file,
                line: kept.line,
            })
            .collect(),
        lost: lost.collect(),
        summary: Summary {
            imported: done.flags,
            kept: done.kept.len(),
            left_out,
            lost: done.lost.len() - left_out,
        },
    };
    // JSON in memory has no way to fail.
    serde_json::to_value(json).unwrap_or_default()
}
