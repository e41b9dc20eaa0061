//! Watching, for people: a line for each sync, and what it did.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::text::visible;
use super::watch::{Event, Synced};
use super::{count, human, plan_human, words};
use crate::plan::Action;
use crate::plan::guard::Refusal;
use crate::store::{HistoryEntry, WatchClaim};

/// So many changes of one sync are shown.
const SHOWN: usize = 10;
/// What further lines of an event begin with: as wide as the time and what follows it.
const INDENT: &str = "          ";

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// `14:03:07`.
    pub time: &'a str,
    pub color: bool,
    /// The terminal's, in columns.
    pub width: usize,
}

/// Writes one event.
///
/// # Errors
/// What `out` fails with.
pub fn event(out: &mut dyn Write, event: &Event<'_>, form: Form<'_>) -> io::Result<()> {
    let line = |out: &mut dyn Write, color, text: &str| {
        let style = paint(form, color);
        writeln!(out, "{}  {style}{text}{style:#}", form.time)
    };
    match event {
        Event::Watching {
            environment,
            store,
            flags,
        } => {
            let text = format!(
                "watching {} for {} on {} (prefix {})",
                visible(flags),
                visible(environment),
                visible(&store.url),
                visible(&store.prefix)
            );
            line(out, None, &text)
        }
        Event::Synced(synced) => sync(out, synced, form),
        Event::Found {
            findings,
            held,
            partial,
        } => {
            human::findings(findings, form.color, form.width, out)?;
            match held {
                [] => Ok(()),
                held => line(out, Some(AnsiColor::BrightRed), &held_up(held, *partial)),
            }
        }
        Event::Refused { plan, refusals } => {
            refused(out, refusals, form)?;
            changes(out, plan.changes.iter(), form)
        }
        Event::Failed { message } => {
            let (first, more) = message.split_once('\n').unwrap_or((message, ""));
            line(out, Some(AnsiColor::BrightRed), &visible(first))?;
            lines(out, more)
        }
        Event::Away { message } => {
            line(
                out,
                Some(AnsiColor::BrightRed),
                "the store is away; trying again until it is back",
            )?;
            lines(out, message)
        }
        Event::Back { after } => {
            let text = format!(
                "the store is back after {}",
                words::duration(after.as_secs_f64())
            );
            line(out, Some(AnsiColor::BrightGreen), &text)
        }
        Event::Foreign { generation, commit } => line(out, None, &foreign(*generation, *commit)),
        Event::Rival(claim) => line(out, Some(AnsiColor::Yellow), &rival(claim)),
        Event::RivalGone => line(
            out,
            None,
            "the other `hoist watch` is no longer at work here",
        ),
        Event::Note { message } => line(out, Some(AnsiColor::Yellow), &visible(message)),
        Event::Ran { exit, output } => ran(out, *exit, output, form),
        Event::Stopped => line(out, None, "stopped watching"),
    }
}

fn paint(form: Form<'_>, color: Option<AnsiColor>) -> Style {
    match color {
        Some(color) if form.color => color.on_default(),
        _ => Style::new(),
    }
}

/// `generation 8: 1 created, 2 updated in 3.2 ms`, and what that is.
fn sync(out: &mut dyn Write, synced: &Synced<'_>, form: Form<'_>) -> io::Result<()> {
    let dim = if form.color {
        Style::new().dimmed()
    } else {
        Style::new()
    };
    let took = took(synced.took);
    if synced.plan.is_empty() {
        return writeln!(
            out,
            "{}  nothing to change: {} live, generation {} {dim}({took}){dim:#}",
            form.time,
            count(synced.plan.wanted, "flag"),
            synced.generation,
        );
    }
    let replicas = synced.replicas.map_or(String::new(), |replicas| {
        format!(", on {}", count(replicas, "replica"))
    });
    let style = paint(form, Some(AnsiColor::BrightGreen));
    writeln!(
        out,
        "{}  {style}generation {}{style:#}: {}{replicas} {dim}({took}){dim:#}",
        form.time,
        synced.generation,
        tally(synced),
    )?;
    changes(out, synced.plan.changes.iter(), form)
}

/// `1 created, 2 updated`.
fn tally(synced: &Synced<'_>) -> String {
    let counts = Action::ALL
        .iter()
        .map(|action| (synced.plan.count(*action), done(*action)));
    let counts = counts.filter(|(count, _)| *count > 0);
    let words: Vec<_> = counts
        .map(|(count, done)| format!("{count} {done}"))
        .collect();
    words.join(", ")
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Adopt => "adopted",
        Action::Conflict => "taken over",
        Action::Update => "updated",
        Action::Drift => "put right",
        Action::Delete => "deleted",
        Action::Forget => "forgotten",
    }
}

fn changes<'c>(
    out: &mut dyn Write,
    changes: impl ExactSizeIterator<Item = &'c crate::plan::Change>,
    form: Form<'_>,
) -> io::Result<()> {
    let more = changes.len().saturating_sub(SHOWN);
    for change in changes.take(SHOWN) {
        writeln!(out, "{INDENT}{}", plan_human::line(change, form.color))?;
        for note in change.notes.iter().chain(&change.blocked) {
            writeln!(out, "{INDENT}  note: {}", visible(note))?;
        }
    }
    if more > 0 {
        writeln!(out, "{INDENT}… and {more} more")?;
    }
    Ok(())
}

fn held_up(held: &[String], partial: bool) -> String {
    let first: Vec<_> = held.iter().take(5).map(|file| visible(file)).collect();
    let mut files = first.join(", ");
    match held.len().saturating_sub(first.len()) {
        0 => {}
        more => files += &format!(" and {more} more"),
    }
    if partial {
        format!("held back: {files}; what these files had before stays in the store")
    } else {
        format!("held up by {files}: the store keeps the last good state")
    }
}

fn refused(out: &mut dyn Write, refusals: &[Refusal], form: Form<'_>) -> io::Result<()> {
    let red = paint(form, Some(AnsiColor::BrightRed));
    for refusal in refusals {
        writeln!(
            out,
            "{}  {red}refused{red:#}: {}",
            form.time,
            visible(&refusal.message)
        )?;
        writeln!(out, "{INDENT}help: {}", visible(&refusal.hint))?;
    }
    writeln!(
        out,
        "{INDENT}the store keeps the last good state; to pass a switch, run `hoist apply` once: this goes on after it"
    )
}

fn foreign(generation: u64, commit: Option<&HistoryEntry>) -> String {
    let Some(commit) = commit else {
        return format!("the store is at generation {generation}, by somebody else");
    };
    let mut text = format!(
        "generation {} is by {} ({})",
        commit.generation,
        visible(commit.actor.as_deref().unwrap_or("somebody else")),
        visible(&commit.source)
    );
    if let Some(reason) = &commit.reason {
        text += &format!(": {}", visible(reason));
    }
    let flags: Vec<_> = commit
        .records
        .keys()
        .take(5)
        .map(|flag| visible(flag))
        .collect();
    if !flags.is_empty() {
        let more = commit.records.len() - flags.len();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        text += &format!(" [{}{more}]", flags.join(", "));
    }
    text
}

fn rival(claim: &WatchClaim) -> String {
    format!(
        "another `hoist watch` is at work on this store, or was until just now: by {} in {} (process {}); what both \
         save they both apply, the last one wins",
        visible(claim.actor.as_deref().unwrap_or("somebody")),
        visible(&claim.directory),
        claim.process
    )
}

fn ran(out: &mut dyn Write, exit: Option<i32>, output: &str, form: Form<'_>) -> io::Result<()> {
    match exit {
        Some(0) if output.is_empty() => return Ok(()),
        Some(0) => {}
        Some(code) => writeln!(out, "{}  the command ended with {code}", form.time)?,
        None => writeln!(out, "{}  the command did not end by itself", form.time)?,
    }
    lines(out, output)
}

/// Each line by itself, so that it can be read, and fit for a terminal.
fn lines(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in text.lines() {
        writeln!(out, "{INDENT}{}", visible(line))?;
    }
    Ok(())
}

/// `3.2 ms`, `1.25 s`.
#[must_use]
pub fn took(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}
