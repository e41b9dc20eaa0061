//! `hoist rollout status`

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use rayon::prelude::*;

use super::{hold, lost};
use crate::cli::{Global, OperatorFormat, RolloutStatus as Args};
use crate::commands::absence::Absence;
use crate::commands::several::{self, Came, Kind};
use crate::commands::signals::Interrupt;
use crate::commands::site::{Site, once_each};
use crate::commands::workspace::Workspace;
use crate::commands::{Colors, Ending, Failure, count, print};
use crate::operate::{Rollout, reminded};
use crate::plan::{Snapshot, Stored};
use crate::record::Record;
use crate::report::rollouts::{Lost, Rollouts, Shown};
use crate::report::{rollouts, write_json};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let flags = once_each(&args.flags);
    if global.names_several() {
        return in_several(global, &flags, args, colors);
    }
    let mut site = Site::for_reading(global, colors)?;
    if args.watch {
        return watch(&mut site, &flags, args, colors);
    }
    let rollouts = look(&mut site, &flags)?;
    print(|out| write(out, &rollouts, args.format, colors, false))?;
    Ok(Ending::Done)
}

/// How looks at several environments are counted.
const READ: Kind = ("read", "read");

fn in_several(
    global: &Global,
    flags: &[String],
    args: &Args,
    colors: Colors,
) -> Result<Ending, Failure> {
    if args.watch {
        return Err(Failure::impossible("`--watch` shows one environment")
            .hint("name one with `--env`, and watch the others beside it"));
    }
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environments = workspace.several()?.unwrap_or_default();
    let how = several::Look {
        json: args.format == OperatorFormat::Json,
        markdown: false,
        colors,
        kinds: &[READ],
    };
    several::run(&environments, how, |environment| {
        // What is said meanwhile would get between what is shown of others.
        let global = Global {
            quiet: true,
            verbose: false,
            ..global.for_environment(&environment.name)
        };
        let mut site = Site::for_reading(&global, colors)?;
        let rollouts = look(&mut site, flags)?;
        let mut text = Vec::new();
        rollouts::human(&mut text, &rollouts, colors.stdout).map_err(Failure::output)?;
        Ok(Came {
            text,
            json: rollouts::json(&rollouts),
            kind: READ.0,
            said: format!("{} shown", count(rollouts.flags.len(), "flag")),
            ended: Ok(Ending::Done),
        })
    })
}

/// Reads the store.
fn look<'s>(site: &'s mut Site, flags: &[String]) -> Result<Rollouts<'s>, Failure> {
    let names: Vec<&str> = flags.iter().map(String::as_str).collect();
    let snapshot = if names.is_empty() {
        site.store.read()?
    } else {
        let snapshot = site.store.read_flags(&names)?;
        site.check_names(&snapshot, &names)?;
        snapshot
    };
    let store = site.store_ref(&snapshot);
    let now = snapshot.now;
    let lost = lost::find(&snapshot, site.store.as_mut());
    let mut shown = if names.is_empty() {
        all(&snapshot, &lost)
    } else {
        let named = names.iter().map(|flag| show(&snapshot, &lost, flag));
        named.collect()
    };
    let due = shown.iter().filter_map(|shown| {
        let rollout = shown.rollout.as_ref().filter(|rollout| rollout.is_due(now));
        Some((shown.flag.as_str(), rollout?))
    });
    let mut held = hold::find(site.store.as_mut(), due)?;
    for shown in &mut shown {
        shown.hold = held.remove(&shown.flag);
    }
    shown.sort_by(|a, b| a.flag.cmp(&b.flag));
    Ok(Rollouts {
        environment: site.environment.as_deref(),
        info: site.store.info(),
        store,
        now,
        flags: shown,
    })
}

/// Every rollout, those that are lost among them, and everything that is stopped.
fn all(snapshot: &Snapshot, lost: &BTreeMap<String, Lost>) -> Vec<Shown> {
    let live = snapshot
        .records
        .par_iter()
        .map(|(flag, _)| show(snapshot, lost, flag))
        .filter(|shown| shown.rollout.is_some() || shown.stop.is_some() || shown.lost.is_some());
    // What is lost without a trace is not stopped.
    let stopped = snapshot.stops.par_iter().map(|(flag, _)| flag);
    let gone = stopped
        .chain(lost.par_iter().map(|(flag, _)| flag))
        .filter(|flag| !snapshot.records.contains_key(*flag))
        .map(|flag| show(snapshot, lost, flag));
    live.chain(gone).collect()
}

fn show(snapshot: &Snapshot, lost: &BTreeMap<String, Lost>, flag: &str) -> Shown {
    let noted = snapshot.stops.get(flag);
    let record = match snapshot.records.get(flag) {
        Some(Stored::Value(bytes)) => Record::parse(bytes).ok(),
        Some(Stored::OtherType(_)) | None => None,
    };
    let record = record.map(|record| reminded(record, noted, snapshot.now));
    Shown {
        flag: flag.to_owned(),
        managed: snapshot.specs.contains_key(flag),
        rollout: record.as_ref().and_then(Rollout::of),
        stop: match &record {
            Some(record) => record.stop(),
            None => noted.cloned(),
        },
        lost: lost.get(flag).cloned(),
        hold: None,
        record,
    }
}

fn write(
    out: &mut dyn Write,
    rollouts: &Rollouts<'_>,
    format: OperatorFormat,
    colors: Colors,
    on_one_line: bool,
) -> io::Result<()> {
    match format {
        OperatorFormat::Human => rollouts::human(out, rollouts, colors.stdout),
        OperatorFormat::Json if on_one_line => writeln!(out, "{}", rollouts::json(rollouts)),
        OperatorFormat::Json => write_json(out, &rollouts::json(rollouts)),
    }
}

/// Shows it again and again: in place on a terminal, else one below the other.
fn watch(
    site: &mut Site,
    flags: &[String],
    args: &Args,
    colors: Colors,
) -> Result<Ending, Failure> {
    let interrupt = Interrupt::listen()?;
    let mut absence = Absence::default();
    let in_place = args.format == OperatorFormat::Human && io::stdout().is_terminal();
    let mut screen = Screen::open(in_place).map_err(Failure::output)?;
    loop {
        let wait = match look(site, flags) {
            Ok(rollouts) => {
                if absence.is_on() {
                    screen.leave();
                    absence.end();
                }
                let mut frame = Vec::new();
                write(&mut frame, &rollouts, args.format, colors, true).map_err(Failure::output)?;
                match screen.show(&frame) {
                    // Whoever reads it has seen enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        return Ok(Ending::Done);
                    }
                    shown => shown.map_err(Failure::output)?,
                }
                args.interval
            }
            Err(failure) => {
                if !absence.is_on() {
                    screen.leave();
                }
                absence.begin(failure, colors)?.max(args.interval)
            }
        };
        if interrupt.wait(wait) {
            return Ok(Ending::Done);
        }
    }
}

/// A second screen of the terminal, on which frames replace each other; the last one stays behind on
/// the first when it is left. Without a terminal, frames follow each other.
struct Screen {
    in_place: bool,
    is_open: bool,
    last: Vec<u8>,
}

/// To the second screen, without a cursor and without breaking long lines; and back.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &[u8] = b"\x1b[?7h\x1b[?25h\x1b[?1049l";

impl Screen {
    fn open(in_place: bool) -> io::Result<Self> {
        Ok(Self {
            in_place,
            is_open: false,
            last: Vec::new(),
        })
    }

    fn show(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.in_place {
            out.write_all(frame)?;
            return out.flush();
        }
        if !self.is_open {
            out.write_all(ENTER)?;
            self.is_open = true;
        }
        out.write_all(b"\x1b[H")?;
        // A line that grew shorter leaves no rest behind; what does not fit is not shown.
        let room = terminal_size::terminal_size().map_or(usize::MAX, |(_, rows)| rows.0.into());
        for (number, line) in frame.split(|byte| *byte == b'\n').take(room).enumerate() {
            if number > 0 {
                out.write_all(b"\r\n")?;
            }
            out.write_all(line)?;
            out.write_all(b"\x1b[K")?;
        }
        out.write_all(b"\x1b[J")?;
        self.last = frame.to_vec();
        out.flush()
    }

    /// Back to the first screen, with the last frame on it.
    fn leave(&mut self) {
        if self.is_open {
            self.is_open = false;
            let mut out = io::stdout().lock();
            let _ = out.write_all(LEAVE);
            let _ = out.write_all(&self.last);
            let _ = out.flush();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}
