//! Flags that are due for removal, for people: a block a flag, in the order in which to remove them.

use std::io::{self, Write};

use anstyle::Style;

use super::operated::{header, painted};
use super::stale::Stale;
use super::text::visible;

/// Writes every flag with its reasons, and a line that sums them up.
pub fn write(out: &mut dyn Write, stale: &Stale<'_>, color: bool) -> io::Result<()> {
    let bold = painted(color, Style::new().bold());
    let dim = painted(color, Style::new().dimmed());
    if let Some(store) = stale.store {
        header(
            out,
            store.environment.as_deref(),
            &store.info,
            &store.store,
            color,
        )?;
        writeln!(out)?;
    }
    for (number, item) in (1..).zip(stale.items) {
        let flag = visible(&item.due.known.flag);
        write!(
            out,
            "{number:>3}. {bold}{flag}{bold:#}  {}",
            visible(&item.about())
        )?;
        match &item.source {
            Some(source) => {
                let file = visible(&source.file);
                writeln!(out, "  {dim}{file}:{}{dim:#}", source.line)?;
            }
            None => writeln!(out)?,
        }
        for reason in &item.due.reasons {
            writeln!(out, "     {}", visible(&stale.evidence(reason)))?;
        }
        if let Some(code) = item.code() {
            writeln!(out, "     in code at {}", visible(&code))?;
        }
        writeln!(out, "     {dim}next:{dim:#} {}\n", visible(&item.next()))?;
    }
    for note in stale.notes {
        writeln!(out, "{dim}note:{dim:#} {}", visible(note))?;
    }
    writeln!(out, "{}", stale.summary())
}
