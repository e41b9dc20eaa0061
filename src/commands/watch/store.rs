//! Bringing the store into step, and keeping it there.

use std::time::Instant;

use super::exec::Occasion;
use super::link::{End, Link, Pushed, Rivalry};
use super::screen::last_sync;
use super::set::{Set, Verdict};
use super::{HEARTBEAT, ROUNDS, SHARE, Watch};
use crate::commands::Failure;
use crate::commands::commit::{Landed, actor, fresh_id};
use crate::commands::workspace::Workspace;
use crate::config::Environment;
use crate::report::watch::{Event, Synced};
use crate::store::WatchClaim;
use crate::watch::Touched;

/// The environment's store, not yet spoken to.
pub(super) fn open(workspace: &Workspace<'_>, environment: &Environment) -> Result<Link, Failure> {
    let claim = WatchClaim {
        id: fresh_id(),
        actor: actor(),
        directory: workspace.root.display().to_string(),
        process: std::process::id(),
    };
    Ok(Link::new(workspace.open_store(environment)?, claim))
}

impl Watch<'_> {
    /// Makes what can be made of the files as they are. `began` is when it was time to look at them.
    pub(super) fn conclude(&mut self, began: Instant) -> Result<(), Failure> {
        let is_news = std::mem::take(&mut self.is_news);
        let Verdict { mut held, is_blind } = self.set.judge();
        let goes_on = !is_blind && (held.is_empty() || self.args.partial);
        if goes_on {
            let flags = self.set.advance(&mut held);
            self.link.expect(flags);
            self.is_ready = true;
        }
        self.held = held;
        self.status.errors = self.set.errors();
        self.status.held = self.set.names(&self.held);
        if goes_on {
            self.push(began, is_news)?;
        }
        self.show_findings(is_news)
    }

    /// Shows what was found, and what holds things up.
    fn show_findings(&mut self, is_news: bool) -> Result<(), Failure> {
        if let Some(failure) = Failure::unread(self.set.unread()) {
            self.fail(&failure)?;
        }
        if !is_news {
            return Ok(());
        }
        let found = self.set.findings();
        let held = self.set.names(&self.held);
        if found.is_empty() && held.is_empty() {
            return Ok(());
        }
        self.screen.show(&Event::Found {
            findings: self.set.report(&found),
            held: &held,
            partial: self.args.partial,
        })
    }

    /// Makes the store agree with the last good state of the files. `is_saved` where that has changed.
    pub(super) fn push(&mut self, began: Instant, is_saved: bool) -> Result<(), Failure> {
        if !self.is_ready || self.away.next().is_some_and(|next| next > Instant::now()) {
            // It is tried again when its time has come.
            return Ok(());
        }
        // Nobody knows which flags a file has that never was good.
        let prune = self.environment.prune && !self.set.is_unknown(&self.held);
        let pushed = match self.link.push(&self.set, &self.environment, prune) {
            Ok(pushed) => pushed,
            Err(failure) => return self.lose(failure),
        };
        self.regain()?;
        self.tell_foreign(&pushed)?;
        self.report(&pushed, began, is_saved)
    }

    fn report(&mut self, pushed: &Pushed, began: Instant, is_saved: bool) -> Result<(), Failure> {
        let plan = &pushed.plan;
        let mut synced = Synced {
            plan,
            generation: plan.store.generation,
            took: began.elapsed(),
            replicas: None,
        };
        self.status.live = plan.wanted;
        self.status.stopped = self.link.stopped;
        self.status.refused = matches!(pushed.end, End::Refused(_));
        match &pushed.end {
            End::Refused(refusals) => {
                let said: String = refusals
                    .iter()
                    .map(|refusal| refusal.message.as_str())
                    .collect();
                if is_saved || said != self.said {
                    self.said = said;
                    self.screen.show(&Event::Refused { plan, refusals })?;
                }
            }
            End::Nothing => {
                self.said.clear();
                if is_saved {
                    self.screen.show(&Event::Synced(synced))?;
                }
            }
            End::Written(landed) => {
                (synced.generation, synced.replicas) = (landed.generation, landed.replicas);
                self.written(synced, landed)?;
            }
        }
        self.status.generation = Some(synced.generation);
        Ok(())
    }

    /// Says what was written, to whoever is to know.
    fn written(&mut self, synced: Synced<'_>, landed: &Landed) -> Result<(), Failure> {
        let changes = &synced.plan.changes;
        self.said.clear();
        self.screen.show(&Event::Synced(synced))?;
        self.screen.ring();
        self.status.last = Some(last_sync(changes.len(), synced.took));
        if let Some(shortfall) = landed.shortfall() {
            self.note(&shortfall)?;
        }
        if let Some(runner) = &self.runner {
            runner.run(Occasion {
                generation: landed.generation,
                flags: changes
                    .iter()
                    .map(|change| change.flag().to_owned())
                    .collect(),
                environment: self.environment.name.clone(),
                prefix: self.environment.prefix.clone(),
            });
        }
        Ok(())
    }

    fn tell_foreign(&mut self, pushed: &Pushed) -> Result<(), Failure> {
        for entry in &pushed.foreign {
            self.screen.show(&Event::Foreign {
                generation: entry.generation,
                commit: Some(entry),
            })?;
        }
        if let Some(generation) = pushed.unexplained {
            self.screen.show(&Event::Foreign {
                generation,
                commit: None,
            })?;
        }
        Ok(())
    }

    /// The store could not be reached, or did not let itself be written. At the beginning that ends the
    /// program, unless it may pass.
    fn lose(&mut self, failure: Failure) -> Result<(), Failure> {
        self.link.forget();
        let is_beginning = self.status.generation.is_none() && !self.away.is_on();
        if is_beginning && !failure.may_pass() {
            return Err(failure);
        }
        self.status.generation = self.status.generation.filter(|_| !failure.may_pass());
        let text = in_lines(&failure);
        if self.away.begin(Instant::now()) {
            self.said.clone_from(&text);
            self.screen.show(&Event::Away { message: &text })?;
        }
        Ok(())
    }

    fn regain(&mut self) -> Result<(), Failure> {
        match self.away.end(Instant::now()) {
            Some(after) => self.screen.show(&Event::Back { after }),
            None => Ok(()),
        }
    }

    /// Shows a failure, once.
    pub(super) fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        let message = in_lines(failure);
        if message == self.said {
            return Ok(());
        }
        self.said.clone_from(&message);
        self.screen.show(&Event::Failed { message: &message })
    }

    /// Looks whether somebody else has committed, and says that this watcher is here.
    pub(super) fn beat(&mut self) -> Result<(), Failure> {
        self.next_beat = Instant::now() + HEARTBEAT;
        if self.away.is_on() || !self.is_ready {
            return Ok(());
        }
        match self.link.has_moved() {
            Ok(false) => self.claim(),
            Ok(true) => {
                self.link.forget();
                self.push(Instant::now(), false)
            }
            Err(error) => self.lose(error.into()),
        }
    }

    pub(super) fn claim(&mut self) -> Result<(), Failure> {
        if self.away.is_on() || !self.is_ready {
            return Ok(());
        }
        match self.link.claim() {
            Ok(Rivalry::New(claim)) => self.screen.show(&Event::Rival(&claim)),
            Ok(Rivalry::Over) => self.screen.show(&Event::RivalGone),
            Ok(Rivalry::AsBefore) => Ok(()),
            Err(error) => self.lose(error.into()),
        }
    }

    /// Looks at all files, whatever was told of them.
    pub(super) fn look_again(&mut self) {
        if self.set.look(&Touched::everything()) {
            self.is_news = true;
            self.debounce.touch(Instant::now());
        }
    }

    /// Looks at all files and at the whole store: for events that got lost, records that somebody has
    /// changed past hoist, and another day.
    pub(super) fn round(&mut self, began: Instant) -> Result<(), Failure> {
        let is_another_day =
            self.workspace.lint_settings().context.today != self.set.settings.context.today;
        if is_another_day {
            self.set = Set::read(&self.workspace, &self.environment);
            (self.is_ready, self.is_news) = (false, true);
            self.link.forget();
            self.conclude(began)?;
        } else {
            self.look_again();
            if !self.away.is_on() {
                self.link.forget();
                self.push(Instant::now(), false)?;
            }
        }
        let now = Instant::now();
        let pause = SHARE * now.saturating_duration_since(began);
        self.next_round = now + pause.clamp(ROUNDS.0, ROUNDS.1);
        Ok(())
    }
}

/// A failure with its reasons and what to do about it.
fn in_lines(failure: &Failure) -> String {
    let mut text = Vec::new();
    // A vector takes all.
    let _ = failure.print(&mut text, false);
    String::from_utf8_lossy(&text).trim_end().to_owned()
}
