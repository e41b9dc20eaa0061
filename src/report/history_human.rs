//! The history for people: one block a commit.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::plan_human::{Paint, fields};
use super::{History, time};
use crate::plan::FieldChange;
use crate::report::text::visible;
use crate::store::HistoryEntry;

/// So many flags of one commit are shown.
const SHOWN: usize = 10;
/// Digits of a git commit that are shown.
const SHORT: usize = 12;

/// Writes the entries, newest first.
pub fn history(out: &mut dyn Write, history: &History<'_>, color: bool) -> io::Result<()> {
    let paint = Paint { color };
    let bold = paint.style(Style::new().bold());
    writeln!(
        out,
        "{bold}{}{bold:#} on {} (prefix {})\n",
        visible(history.environment),
        visible(&history.store.url),
        visible(&history.store.prefix)
    )?;
    for entry in history.entries {
        block(out, history, entry, paint)?;
    }
    if history.entries.is_empty() {
        writeln!(out, "No commits that match.")?;
    }
    Ok(())
}

fn block(
    out: &mut dyn Write,
    history: &History<'_>,
    entry: &HistoryEntry,
    paint: Paint,
) -> io::Result<()> {
    let (yellow, dim) = (paint.style(AnsiColor::Yellow.on_default()), paint.dim());
    let mut line = format!("{}  {}", time(entry.at), entry.source);
    if let Some(actor) = &entry.actor {
        line += &format!(" by {actor}");
    }
    if let Some(commit) = &entry.commit {
        line += &format!(" from {}", short(commit));
    }
    writeln!(
        out,
        "{yellow}generation {}{yellow:#}  {}",
        entry.generation,
        visible(&line)
    )?;
    if let Some(reason) = &entry.reason {
        writeln!(out, "    {dim}reason:{dim:#} {}", visible(reason))?;
    }
    let records: Vec<_> = history.records(entry).collect();
    for (flag, before, after) in records.iter().take(SHOWN) {
        let change = match (before, after) {
            (None, Some(_)) => "created",
            (Some(_), None) => "deleted",
            (None, None) => "no longer managed",
            (Some(before), Some(after)) if before == after => "managed from here on",
            (Some(_), Some(_)) => "",
        };
        writeln!(
            out,
            "  {}{}{change}",
            visible(flag),
            if change.is_empty() { "" } else { "  " }
        )?;
        if before.is_some() && after.is_some() {
            let changes = FieldChange::between(before.map(str::as_bytes), after.map(str::as_bytes));
            fields(out, &changes, paint)?;
        }
        if let Some(note) = entry.notes.get(*flag) {
            for line in note.lines() {
                writeln!(out, "      {dim}note:{dim:#} {}", visible(line))?;
            }
        }
    }
    if let Some(more) = records.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more flags; `--format json` has them all")?;
    }
    writeln!(out)
}

/// A git commit, abbreviated; what is said behind it stays.
fn short(commit: &str) -> String {
    let (hash, rest) = commit.split_once('-').unwrap_or((commit, ""));
    let hash = hash.get(..SHORT).unwrap_or(hash);
    match rest {
        "" => hash.to_owned(),
        rest => format!("{hash}-{rest}"),
    }
}
