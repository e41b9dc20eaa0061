//! What is shown while files are watched: lines as they come, and on a terminal the present state below
//! them.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Zoned;

use crate::cli::{Global, Watch, WatchFormat};
use crate::commands::{Colors, Failure, width};
use crate::report::text::visible;
use crate::report::watch::Event;
use crate::report::{watch_human, watch_json};

/// Where events are shown.
pub(super) struct Screen {
    format: WatchFormat,
    bell: bool,
    color: bool,
    quiet: bool,
    /// None where there is no terminal that shows both outputs.
    status: Option<ProgressBar>,
    /// What it shows.
    drawn: String,
    /// Whether nobody reads what is written any more.
    pub is_closed: bool,
}

/// The present state.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Environment and store.
    pub place: String,
    /// None while the store is away.
    pub generation: Option<u64>,
    pub errors: usize,
    pub held: Vec<String>,
    /// Why the last plan was not carried out.
    pub refused: bool,
    pub live: usize,
    pub stopped: usize,
    /// When, and what.
    pub last: Option<String>,
}

impl Screen {
    pub(super) fn new(global: &Global, args: &Watch, colors: Colors) -> Self {
        let terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
        let shown = terminals && args.format == WatchFormat::Human && !global.quiet;
        Self {
            format: args.format,
            bell: args.bell,
            color: colors.stdout,
            quiet: global.quiet,
            status: shown.then(status_bar),
            drawn: String::new(),
            is_closed: false,
        }
    }

    /// Shows something that happened.
    pub(super) fn show(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        if self.quiet && self.format == WatchFormat::Human && is_chatter(event) {
            return Ok(());
        }
        let now = Zoned::now();
        let written = match self.format {
            WatchFormat::Human => {
                let mut text = Vec::new();
                let time = now.strftime("%H:%M:%S").to_string();
                let form = watch_human::Form {
                    time: &time,
                    color: self.color,
                    width: width(),
                };
                watch_human::event(&mut text, event, form).map_err(Failure::output)?;
                self.write(&text)
            }
            WatchFormat::Json => {
                let at = now.timestamp().as_duration().as_secs_f64();
                // A terminal shows no status beside this, and nothing has to be moved for it.
                let mut out = BufWriter::new(io::stdout().lock());
                watch_json::write(&mut out, event, at).and_then(|()| out.flush())
            }
        };
        self.took(written)
    }

    /// Above the status, where there is one.
    fn write(&self, text: &[u8]) -> io::Result<()> {
        let write = || {
            let mut out = io::stdout().lock();
            out.write_all(text)?;
            out.flush()
        };
        match &self.status {
            Some(status) => status.suspend(write),
            None => write(),
        }
    }

    fn took(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            // Nobody watches the watcher: that is its end, not a failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            result => result.map_err(Failure::output),
        }
    }

    /// Says with the terminal's bell that a sync is done.
    pub(super) fn ring(&self) {
        if self.bell && self.format == WatchFormat::Human {
            // To standard error: what programs read has no bells in it.
            let _ = io::stderr().write_all(b"\x07");
        }
    }

    /// Draws the present state, where it is another.
    pub(super) fn draw(&mut self, status: &Status) {
        let Some(bar) = &self.status else {
            return;
        };
        let text = status.text();
        if text != self.drawn {
            bar.set_message(text.clone());
            bar.tick();
            self.drawn = text;
        }
    }

    /// Leaves the terminal as it was.
    pub(super) fn clear(&mut self) {
        if let Some(bar) = self.status.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What `--quiet` leaves out.
fn is_chatter(event: &Event<'_>) -> bool {
    match event {
        Event::Watching { .. } | Event::Stopped => true,
        Event::Synced(synced) => synced.plan.is_empty(),
        _ => false,
    }
}

fn status_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

impl Status {
    /// A line each: where, errors now, flags live, last sync.
    fn text(&self) -> String {
        let store = match self.generation {
            Some(generation) => format!("generation {generation}"),
            None => "away".to_owned(),
        };
        let errors = match (self.errors, self.held.first()) {
            (0, _) if self.refused => "none, but the plan is refused".to_owned(),
            (0, _) => "none".to_owned(),
            (errors, None) => errors.to_string(),
            (errors, Some(file)) => match self.held.len() {
                1 => format!("{errors} in {}", visible(file)),
                more => format!("{errors} in {} and {} more", visible(file), more - 1),
            },
        };
        let stopped = match self.stopped {
            0 => String::new(),
            stopped => format!(", {stopped} stopped"),
        };
        let last = self.last.as_deref().unwrap_or("none yet");
        format!(
            "\n  store   {}, {store}\n  errors  {errors}\n  flags   {} live{stopped}\n  synced  {last}",
            visible(&self.place),
            self.live
        )
    }
}

/// `14:03:07, 3 flags in 4.2 ms`.
pub(super) fn last_sync(flags: usize, took: Duration) -> String {
    format!(
        "{}, {} in {}",
        Zoned::now().strftime("%H:%M:%S"),
        crate::commands::count(flags, "flag"),
        watch_human::took(took)
    )
}
