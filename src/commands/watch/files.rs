//! What is watched of the files, and what becomes of a change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::set::Set;
use super::{Message, SECOND_LOOK, Watch, existing, refuse_protected, store};
use crate::cli::Watch as Args;
use crate::commands::Failure;
use crate::commands::workspace::Workspace;
use crate::config;
use crate::report::watch::Event;
use crate::schema::SCHEMA;
use crate::watch::{Touched, Watcher};

/// How long git may keep its lock before it counts as left behind.
const GIT_PATIENCE: Duration = Duration::from_secs(5);
/// Of more files than these nothing is read before it is quiet: they are checked out, or made.
const MOST_AHEAD: usize = 16;
/// Where `hoist init` puts the schema.
const SCHEMA_FILE: &str = "schema/flags.schema.json";

/// Where everything lies that is watched.
#[derive(Debug)]
pub(super) struct Places {
    pub flags: PathBuf,
    /// hoist.toml, or where it would be.
    config: PathBuf,
    /// The repository's copy of the schema, or where it would be.
    schema: PathBuf,
    /// Where git says that it is at work.
    git_lock: Option<PathBuf>,
    /// Since when it does.
    locked: Option<Instant>,
}

impl Places {
    pub(super) fn of(workspace: &Workspace<'_>) -> Self {
        let root = &workspace.root;
        Self {
            flags: workspace.flags_directory(),
            config: workspace
                .config_file
                .clone()
                .unwrap_or_else(|| root.join(config::FILE_NAME)),
            schema: root.join(SCHEMA_FILE),
            git_lock: git_directory(root).map(|git| git.join("index.lock")),
            locked: None,
        }
    }

    /// The folders besides that of the flags in which something may happen.
    fn folders(&self) -> Vec<PathBuf> {
        let folders = [self.config.parent(), self.schema.parent()];
        folders.into_iter().flatten().map(Path::to_owned).collect()
    }

    /// What of `touched` matters here.
    pub(super) fn relevant(&self, mut touched: Touched) -> Touched {
        let matters = |path: &PathBuf| {
            path.starts_with(&self.flags)
                || self.flags.starts_with(path)
                || *path == self.config
                || self.schema.starts_with(path)
        };
        touched.paths.retain(|path| matters(path));
        touched
    }

    /// Whether git is changing files at this moment: what is half done is not applied.
    fn git_is_busy(&mut self, now: Instant) -> bool {
        let is_locked = self.git_lock.as_ref().is_some_and(|lock| lock.exists());
        if !is_locked {
            self.locked = None;
            return false;
        }
        let since = *self.locked.get_or_insert(now);
        now.saturating_duration_since(since) < GIT_PATIENCE
    }
}

/// The directory in which git keeps its index, for a work tree of its own too.
fn git_directory(root: &Path) -> Option<PathBuf> {
    let (folder, git) = root
        .ancestors()
        .find_map(|folder| Some((folder, existing(folder, ".git")?)))?;
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(git).ok()?;
    Some(folder.join(text.trim().strip_prefix("gitdir: ")?))
}

/// The repository's copy of the schema, as it was last looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Schema {
    text: Option<String>,
}

impl Schema {
    pub(super) fn read(places: &Places) -> Self {
        Self {
            text: fs::read_to_string(&places.schema).ok(),
        }
    }

    /// Whether it is there, and not what hoist checks by.
    fn is_another(&self) -> bool {
        self.text
            .as_ref()
            .is_some_and(|text| text.trim() != SCHEMA.trim())
    }
}

/// Has the events of files sent, where there are any.
pub(super) fn listen(
    args: &Args,
    places: &Places,
    send: &Sender<Message>,
) -> Result<Option<Watcher>, Failure> {
    if args.poll.is_some() {
        return Ok(None);
    }
    let send = send.clone();
    let tell = move |touched| {
        let _ = send.send(Message::Touched(touched, Instant::now()));
    };
    let watcher = Watcher::start(&places.flags, places.folders(), tell).map_err(|error| {
        Failure::impossible("cannot listen to changes of the flag files")
            .because(error)
            .hint("`--poll` does without the system's events")
    })?;
    Ok(Some(watcher))
}

impl Watch<'_> {
    /// Looks at everything, and again when it has been quiet.
    pub(super) fn poll(&mut self, now: Instant) -> Result<(), Failure> {
        self.next_poll = self.args.poll.map(|poll| now + poll);
        let is_other_config = self.config_text() != self.workspace.config_text;
        let is_other_schema = Schema::read(&self.places) != self.schema;
        if self.set.look(&Touched::everything()) {
            self.is_news = true;
            self.debounce.touch(now);
        }
        // Once: it is looked at when it has been quiet.
        if (is_other_config || is_other_schema) && !self.debounce.is_waiting() {
            self.debounce.touch(now);
        }
        Ok(())
    }

    fn config_text(&self) -> Option<String> {
        fs::read_to_string(&self.places.config).ok()
    }

    /// Reads and checks what was touched while it is not yet sure that this is all. Nothing is made of it:
    /// what is the same when it has been quiet need not be checked again then.
    pub(super) fn look_ahead(&mut self) {
        let is_simple = self.args.poll.is_none() && self.set.unread().is_empty();
        let paths = &self.touched.paths;
        if !is_simple || self.touched.everything || paths.len() > MOST_AHEAD {
            return;
        }
        // What is gone may come back.
        let there = paths.iter().filter(|path| path.is_file());
        let touched = Touched {
            paths: there.cloned().collect(),
            ..Touched::default()
        };
        if self.set.look(&touched) {
            self.is_news = true;
            let flags = self.set.foretell();
            if self.is_ready && !self.away.is_on() {
                self.link.prepare(&flags);
            }
        }
    }

    /// It has been quiet since something was saved: takes it up, unless it looks half done.
    pub(super) fn look(&mut self, now: Instant) -> Result<(), Failure> {
        let quiet = self.args.debounce;
        if self.places.git_is_busy(now) {
            self.put_off = Some(now + quiet);
            return Ok(());
        }
        let mut touched = std::mem::take(&mut self.touched);
        if let Some(failure) = touched.failure.take() {
            let message = format!(
                "changes may go unnoticed: {failure}; `--poll` does without the system's events"
            );
            self.note(&message)?;
        }
        let folders = |path: &PathBuf| path.is_dir() || *path == self.places.flags;
        if touched.everything || touched.paths.iter().any(folders) {
            self.renew(now)?;
            // Whatever was there before the folder was watched.
            touched.everything = true;
        }
        // Without events, it is quiet when two looks show the same.
        touched.everything |= self.args.poll.is_some();
        let was_unread = !self.set.unread().is_empty();
        let has_changed = self.set.look(&touched);
        self.is_news |= has_changed || (was_unread && self.set.unread().is_empty());
        if self.args.poll.is_some() && has_changed {
            // It may be written right now.
            self.debounce.touch(now);
            self.put_off = Some(now + quiet);
            return Ok(());
        }
        let config = self.config_text();
        let is_other_config = config != self.workspace.config_text;
        let has_gone = self.set.has_gone() || (is_other_config && is_bare(config.as_deref()));
        if let Some(time) = self
            .debounce
            .gone_at()
            .filter(|time| has_gone && *time > now)
        {
            self.put_off = Some(time);
            return Ok(());
        }
        self.put_off = None;
        self.debounce.settle();
        if is_other_config {
            self.is_news |= self.reload(config)?;
        }
        self.look_at_schema()?;
        if self.set.unread().is_empty() {
            // What is unread the next time is news again.
            self.said.clear();
        }
        if self.is_news || !self.set.unread().is_empty() {
            self.conclude(now)?;
        }
        Ok(())
    }

    /// Watches folders that are new.
    fn renew(&mut self, now: Instant) -> Result<(), Failure> {
        let Some(watcher) = &mut self.watcher else {
            return Ok(());
        };
        self.second_look = Some(now + SECOND_LOOK);
        match watcher.renew() {
            Ok(()) => Ok(()),
            Err(error) => {
                let message = format!(
                    "changes may go unnoticed: {error}; `--poll` does without the system's events"
                );
                self.note(&message)
            }
        }
    }

    fn look_at_schema(&mut self) -> Result<(), Failure> {
        let schema = Schema::read(&self.places);
        if schema == self.schema {
            return Ok(());
        }
        self.schema = schema;
        if self.schema.is_another() {
            self.note(&format!(
                "{SCHEMA_FILE} is not the schema that this hoist checks by: `hoist schema > {SCHEMA_FILE}` puts it there"
            ))?;
        }
        Ok(())
    }

    /// Goes on with the hoist.toml that is there now, if it can be; whether it does.
    fn reload(&mut self, text: Option<String>) -> Result<bool, Failure> {
        // Whatever comes of it, it is not tried again until it changes.
        self.workspace.config_text.clone_from(&text);
        if text.is_none() {
            self.note("hoist.toml is gone: the last one counts until it is back")?;
            return Ok(false);
        }
        let workspace = match Workspace::open(self.global) {
            Ok(workspace) => workspace,
            Err(failure) => return self.keep_config(&failure),
        };
        if let Some((files, mistakes)) = &workspace.mistakes {
            let findings = crate::report::Lint {
                files,
                checked: 0,
                flags: 0,
                diagnostics: mistakes,
                unread: &[],
            };
            self.screen.show(&Event::Found {
                findings,
                held: &[],
                partial: self.args.partial,
            })?;
            self.note("hoist.toml has mistakes: the last good one counts")?;
            return Ok(false);
        }
        let environment = match workspace.environment() {
            Ok(environment) => environment.clone(),
            Err(failure) => return self.keep_config(&failure),
        };
        refuse_protected(&environment)?;
        let link = match store::open(&workspace, &environment) {
            Ok(link) => link,
            Err(failure) => return self.keep_config(&failure),
        };
        let mut places = super::Places::of(&workspace);
        places.locked = self.places.locked;
        let watcher = match listen(self.args, &places, &self.send) {
            Ok(watcher) => watcher,
            Err(failure) => return self.keep_config(&failure),
        };
        self.link.release();
        (self.link, self.places, self.watcher) = (link, places, watcher);
        self.set = Set::read(&workspace, &environment);
        (self.workspace, self.environment) = (workspace, environment);
        (self.is_ready, self.away) = (false, super::Away::default());
        self.said.clear();
        self.announce()?;
        Ok(true)
    }

    fn keep_config(&mut self, failure: &Failure) -> Result<bool, Failure> {
        self.fail(failure)?;
        self.note("the hoist.toml from before counts")?;
        Ok(false)
    }

    pub(super) fn note(&mut self, message: &str) -> Result<(), Failure> {
        self.screen.show(&Event::Note { message })
    }
}

/// Whether nothing stands in a hoist.toml: an editor may just be writing it.
fn is_bare(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}
