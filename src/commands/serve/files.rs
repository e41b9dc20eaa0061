//! Flags straight from the flag files.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::super::flagset::FlagSet;
use super::super::workspace::Workspace;
use super::super::{Colors, Failure, count};
use super::tell;
use crate::cli::Global;
use crate::client::{Builder, Client, Feed};
use crate::config::Environment;
use crate::eval::Malformed;
use crate::record::{Record, Spec};
use crate::server::Changes;

/// Editors save in several steps: so long after the last one, files are read.
const SETTLED: Duration = Duration::from_millis(30);
/// And so long after the first one, whatever still goes on.
const LATEST: Duration = Duration::from_millis(500);

/// What serves flag files.
pub(super) struct Served {
    pub client: Client,
    /// Files are watched as long as this is kept.
    pub watch: Option<RecommendedWatcher>,
}

/// A client that answers as the flag files say, and goes on doing so where `watch` is set.
pub(super) fn serve(
    workspace: &Workspace<'_>,
    environment: &Environment,
    watch: bool,
    changes: &Changes,
    colors: Colors,
) -> Result<Served, Failure> {
    let (client, feed) = Builder::new("").on_change(changes.teller()).fed();
    // Watched before they are read, so that nothing falls between.
    let (watch, changed) = match watch {
        true => {
            let (watcher, changed) = watcher(&workspace.flags_directory(), &workspace.root)?;
            (Some(watcher), Some(changed))
        }
        false => (None, None),
    };
    read(workspace, environment, &feed)?;
    if let Some(changed) = changed {
        let (global, name) = (workspace.global.clone(), environment.name.clone());
        thread::spawn(move || follow(&changed, &global, &name, &feed, colors));
    }
    Ok(Served { client, watch })
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

/// Something that sends a word whenever a file below `flags` or a file of `root` has changed.
fn watcher(flags: &Path, root: &Path) -> Result<(RecommendedWatcher, Receiver<()>), Failure> {
    let cannot = |error: notify::Error| {
        Failure::impossible("cannot watch the flag files")
            .because(error)
            .hint("without `--watch` they are read once")
    };
    let (sender, changed) = channel();
    let ours = flags.to_owned();
    let mut watcher =
        notify::recommended_watcher(move |event| hear(event, &ours, &sender)).map_err(cannot)?;
    watcher
        .watch(flags, RecursiveMode::Recursive)
        .map_err(cannot)?;
    // hoist.toml: a file that is replaced as a whole is only seen through its folder.
    watcher
        .watch(root, RecursiveMode::NonRecursive)
        .map_err(cannot)?;
    Ok((watcher, changed))
}

fn hear(event: notify::Result<notify::Event>, flags: &Path, sender: &Sender<()>) {
    let is_ours = |path: &PathBuf| {
        path.starts_with(flags) || path.file_name().is_some_and(|name| name == "hoist.toml")
    };
    let is_change = event.is_ok_and(|event| {
        // Reading is no change, and we read ourselves.
        !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(is_ours)
    });
    if is_change {
        // Nobody listens any more where this fails.
        let _ = sender.send(());
    }
}

/// Reads the files anew after every change, until nobody watches them any more.
fn follow(changed: &Receiver<()>, global: &Global, environment: &str, feed: &Feed, colors: Colors) {
    while changed.recv().is_ok() {
        let began = Instant::now();
        while began.elapsed() < LATEST {
            match changed.recv_timeout(SETTLED) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if let Err(failure) = again(global, environment, feed, colors) {
            let _ = failure.print(&mut std::io::stderr().lock(), colors.stderr);
            feed.fail("the flag files cannot be read");
        }
    }
}

fn again(global: &Global, environment: &str, feed: &Feed, colors: Colors) -> Result<(), Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environment = workspace.config.environment(Some(environment))?;
    read(&workspace, environment, feed)
}
