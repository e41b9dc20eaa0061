//! `hoist watch`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::signals::Interrupt;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure};
use crate::cli::{Global, Watch as Args};
use crate::config::Environment;
use crate::diagnostic::FileId;
use crate::report::watch::Event;
use crate::source;
use crate::watch::{Debounce, Touched, Watcher};

mod away;
mod exec;
mod files;
mod link;
mod screen;
mod set;
mod store;

use away::Away;
use exec::{Ran, Runner};
use files::{Places, Schema};
use link::Link;
use screen::{Screen, Status};
use set::Set;

/// How often the store's generation is looked at.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// When everything is looked at again after folders have come or gone: a system that tells of a folder may
/// not yet tell of what is in it.
const SECOND_LOOK: Duration = Duration::from_millis(250);
/// Everything is looked at again so rarely that this takes one part of so many of the time.
const SHARE: u32 = 2000;
/// But at most and at least so often.
const ROUNDS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(600));

/// So many parts of the debounce pass before what was touched is looked at ahead of its end.
const AHEAD: u32 = 4;

/// What the watcher is told of.
enum Message {
    /// And when.
    Touched(Touched, Instant),
    Ran(Ran),
    Stop,
}

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let interrupt = Interrupt::listen()?;
    let (send, receive) = channel();
    let stop = send.clone();
    interrupt.on_request(move || {
        let _ = stop.send(Message::Stop);
    })?;
    let mut watch = Watch::open(global, args, colors, send)?;
    watch.runner = args.exec.clone().map(|command| {
        let send = watch.send.clone();
        Runner::start(command, interrupt.clone(), move |ran| {
            let _ = send.send(Message::Ran(ran));
        })
    });
    let ended = watch.run(&receive, &interrupt);
    watch.end();
    ended.map(|()| Ending::Done)
}

/// Files, a store, and what is between them.
struct Watch<'a> {
    global: &'a Global,
    args: &'a Args,
    workspace: Workspace<'a>,
    environment: Environment,
    places: Places,
    schema: Schema,
    set: Set,
    link: Link,
    away: Away,
    screen: Screen,
    status: Status,
    runner: Option<Runner>,
    send: Sender<Message>,
    /// None where files are looked at again and again.
    watcher: Option<Watcher>,
    debounce: Debounce,
    touched: Touched,
    /// When to look, where that is put off.
    put_off: Option<Instant>,
    /// When to look ahead at what was touched.
    ahead: Option<Instant>,
    second_look: Option<Instant>,
    next_poll: Option<Instant>,
    next_beat: Instant,
    next_round: Instant,
    /// Whether files have changed since it was last said what became of that.
    is_news: bool,
    /// Files that are not applied as they are.
    held: BTreeSet<FileId>,
    /// Whether the files have been good since they were first read.
    is_ready: bool,
    /// What the last refusals and failures said: it is not said again and again.
    said: String,
}

impl<'a> Watch<'a> {
    fn open(
        global: &'a Global,
        args: &'a Args,
        colors: Colors,
        send: Sender<Message>,
    ) -> Result<Self, Failure> {
        let workspace = Workspace::open(global)?;
        workspace.refuse_mistakes(colors)?;
        let environment = workspace.environment()?.clone();
        refuse_protected(&environment)?;
        let link = store::open(&workspace, &environment)?;
        let places = Places::of(&workspace);
        let watcher = files::listen(args, &places, &send)?;
        // What is saved from here on is told of.
        let set = Set::read(&workspace, &environment);
        if let Some(failure) = Failure::unread(set.unread()) {
            return Err(failure);
        }
        let now = Instant::now();
        Ok(Self {
            global,
            args,
            schema: Schema::read(&places),
            workspace,
            environment,
            places,
            set,
            link,
            away: Away::default(),
            screen: Screen::new(global, args, colors),
            status: Status::default(),
            runner: None,
            send,
            watcher,
            debounce: Debounce::new(args.debounce),
            touched: Touched::default(),
            put_off: None,
            ahead: None,
            second_look: None,
            next_poll: args.poll.map(|poll| now + poll),
            next_beat: now + HEARTBEAT,
            next_round: now + ROUNDS.0,
            is_news: true,
            held: BTreeSet::new(),
            is_ready: false,
            said: String::new(),
        })
    }

    fn run(&mut self, receive: &Receiver<Message>, interrupt: &Interrupt) -> Result<(), Failure> {
        self.announce()?;
        let began = Instant::now();
        self.conclude(began)?;
        self.claim()?;
        while !interrupt.is_asked() && !self.screen.is_closed {
            self.screen.draw(&self.status);
            let wait = self.next_wake().saturating_duration_since(Instant::now());
            match receive.recv_timeout(wait) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.take(message)?,
                Err(RecvTimeoutError::Timeout) => {}
            }
            // Whatever has come by now is one.
            while let Ok(message) = receive.try_recv() {
                self.take(message)?;
            }
            self.work()?;
        }
        Ok(())
    }

    /// Says what is watched.
    fn announce(&mut self) -> Result<(), Failure> {
        let flags = source::display_name(&self.places.flags, &self.workspace.here);
        let info = self.link.store.info();
        self.status.place = format!("{} on {}", self.environment.name, info.url);
        self.screen.show(&Event::Watching {
            environment: &self.environment.name,
            store: info,
            flags: &flags,
        })
    }

    fn take(&mut self, message: Message) -> Result<(), Failure> {
        match message {
            Message::Stop => Ok(()),
            Message::Ran(ran) => self.screen.show(&Event::Ran {
                exit: ran.exit,
                output: &ran.output,
            }),
            Message::Touched(touched, time) => {
                let touched = match &self.watcher {
                    Some(watcher) => watcher.named(touched),
                    None => touched,
                };
                let touched = self.places.relevant(touched);
                if !touched.is_empty() {
                    self.debounce.touch(time);
                    self.touched.merge(touched);
                    self.ahead = Some(time + self.args.debounce / AHEAD);
                }
                Ok(())
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let files = self.put_off.max(self.debounce.due());
        let others = [
            self.ahead,
            self.second_look,
            self.next_poll,
            self.away.next(),
        ];
        let times = others.into_iter().flatten().chain(files);
        let regular = self.next_beat.min(self.next_round);
        times.min().map_or(regular, |time| time.min(regular))
    }

    /// Does everything that is due.
    fn work(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        if is_due(self.next_poll) {
            self.poll(now)?;
        }
        if is_due(self.second_look) {
            self.second_look = None;
            self.look_again();
        }
        if is_due(self.put_off.max(self.debounce.due())) {
            self.ahead = None;
            self.look(now)?;
        } else if is_due(self.ahead) {
            self.ahead = None;
            self.look_ahead();
        }
        if is_due(self.away.next()) {
            self.push(now, false)?;
        } else if self.next_beat <= now {
            self.beat()?;
        }
        if self.next_round <= now {
            self.round(now)?;
        }
        Ok(())
    }

    /// Ends: nothing is under way any more.
    fn end(&mut self) {
        if let Some(runner) = self.runner.take() {
            runner.end();
        }
        self.link.release();
        self.screen.clear();
        // Nobody to tell is no reason to fail.
        let _ = self.screen.show(&Event::Stopped);
    }
}

/// Refuses an environment that is no place for whatever is just being typed.
fn refuse_protected(environment: &Environment) -> Result<(), Failure> {
    if !environment.protected_environment {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "environment `{}` is protected, and `hoist watch` applies every save",
        environment.name
    ))
    .hint("watch another with `--env NAME`; `hoist apply` is for this one"))
}

/// Where `name` lies, if it does.
fn existing(folder: &Path, name: &str) -> Option<PathBuf> {
    Some(folder.join(name)).filter(|path| path.exists())
}
