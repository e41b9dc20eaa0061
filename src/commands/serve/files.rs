//! Flags straight from the flag files.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::super::flagset::FlagSet;
use super::super::workspace::Workspace;
use super::super::{Colors, Failure, count};
use super::tell;
use crate::cli::Global;
use crate::client::{Builder, Client, Feed};
use crate::config::{self, Environment};
use crate::eval::Malformed;
use crate::record::{Record, Spec};
use crate::server::Changes;
use crate::watch::{Debounce, Touched, Watcher};

/// How often flags are confirmed while no file changes.
const CONFIRMED_EVERY: Duration = Duration::from_secs(10);

/// Editors save in several steps: files are read once nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(30);

/// A client that answers as the flag files say, and goes on doing so where `watch` is set.
pub(super) fn serve(
    workspace: &Workspace<'_>,
    environment: &Environment,
    watch: bool,
    changes: &Changes,
    colors: Colors,
) -> Result<Client, Failure> {
    let (client, feed) = Builder::new("").on_change(changes.teller()).fed();
    // Watched before they are read, so that nothing falls between.
    let watch = watch.then(|| Watch::start(workspace)).transpose()?;
    read(workspace, environment, &feed)?;
    if let Some(watch) = watch {
        let (global, name) = (workspace.global.clone(), environment.name.clone());
        thread::Builder::new()
            .name("hoist-files".to_owned())
            .spawn(move || watch.follow(&feed, || again(&global, &name, &feed, colors)))
            .map_err(|error| Failure::impossible("cannot watch the flag files").because(error))?;
    }
    Ok(client)
}

/// Reads all flag files. A flag with errors in it costs that flag only.
fn read(workspace: &Workspace<'_>, environment: &Environment, feed: &Feed) -> Result<(), Failure> {
    let flag_set = FlagSet::load(workspace)?;
    let errors = flag_set.report().errors();
    if errors > 0 {
        tell(&format!(
            "{} in the flag files, which `hoist lint` shows: flags with one cannot be evaluated",
            count(errors, "error")
        ));
    }
    feed.set(flag_set.flags().map(|flag| {
        let broken = !flag.complete || flag_set.has_errors(flag);
        let record = match broken {
            true => Err(Malformed::Unsound),
            false => Ok(Record::of_spec(&Spec::of(flag, &environment.name))),
        };
        (flag.key.value.to_string(), record)
    }));
    Ok(())
}

/// The flag files and hoist.toml, watched.
struct Watch {
    watcher: Watcher,
    events: Receiver<Touched>,
    flags: PathBuf,
    config: PathBuf,
}

impl Watch {
    fn start(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        let flags = workspace.flags_directory();
        let config = workspace.config_file.clone();
        let config = config.unwrap_or_else(|| workspace.root.join(config::FILE_NAME));
        let folder = config.parent().map(|folder| folder.to_owned());
        let (sender, events) = channel();
        // Nobody listens any more where it cannot be told.
        let tell = move |touched| drop(sender.send(touched));
        let watcher = Watcher::start(&flags, folder.into_iter().collect(), tell);
        let watcher = watcher.map_err(|error| {
            Failure::impossible("cannot watch the flag files")
                .because(error)
                .hint("without `--watch` they are read once")
        })?;
        Ok(Self {
            watcher,
            events,
            flags,
            config,
        })
    }

    /// Calls `changed`, which says whether all went well, after every change, until nobody watches any
    /// more.
    fn follow(mut self, feed: &Feed, changed: impl Fn() -> bool) {
        let mut debounce = Debounce::new(QUIET);
        let mut is_fine = true;
        loop {
            let due = debounce.due().filter(|_| debounce.is_waiting());
            let wait = due.map_or(CONFIRMED_EVERY, |due| {
                due.saturating_duration_since(Instant::now())
            });
            match self.events.recv_timeout(wait) {
                Ok(touched) => {
                    if self.matters(touched) {
                        debounce.touch(Instant::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) if due.is_none() => {
                    if is_fine {
                        feed.confirm();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    debounce.settle();
                    if let Err(error) = self.watcher.renew() {
                        tell(&format!("cannot watch the flag files: {error}"));
                    }
                    is_fine = changed();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn matters(&self, touched: Touched) -> bool {
        let touched = self.watcher.named(touched);
        let is_ours = |path: &PathBuf| {
            path.starts_with(&self.flags) || self.flags.starts_with(path) || *path == self.config
        };
        touched.everything || touched.failure.is_some() || touched.paths.iter().any(is_ours)
    }
}

/// Reads everything anew. What cannot be read stays as it was, and the answer is false.
fn again(global: &Global, environment: &str, feed: &Feed, colors: Colors) -> bool {
    let read = || {
        let workspace = Workspace::open(global)?;
        workspace.refuse_mistakes(colors)?;
        read(
            &workspace,
            workspace.config.environment(Some(environment))?,
            feed,
        )
    };
    if let Err(failure) = read() {
        // Nobody to tell is no reason to fail.
        let _ = failure.print(&mut std::io::stderr().lock(), colors.stderr);
        feed.fail("the flag files cannot be read");
        return false;
    }
    true
}
