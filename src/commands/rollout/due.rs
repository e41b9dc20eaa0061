//! `hoist rollout advance --due`: what time, and a gate, have decided.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use super::gate::{Gate, Question, Verdict};
use super::lookout::{Due, Lookout, look};
use super::moves::{HELD, advance, flags, hold, looked_at, notes, seen};
use super::{hold, lost};
use crate::cli::{Advance as Args, Global, OperatorFormat};
use crate::commands::absence::Absence;
use crate::commands::commit::actor;
use crate::commands::kill;
use crate::commands::signals::Interrupt;
use crate::commands::site::{Done, Site, Why, once_each};
use crate::commands::{Colors, Ending, Failure, count, print, print_operated};
use crate::plan::guard::frozen;
use crate::report::operated::{self, GateAnswer, Line, Outcome};
use crate::report::words;

/// Gates that run at the same time.
const GATES: usize = 8;

/// Characters of a gate's output that become the reason of a stop.
const REASON: usize = 200;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let mut runner = Runner {
        site: Site::open(global, None, colors)?,
        flags: once_each(&args.flags),
        args,
        colors,
        interrupt: Interrupt::listen()?,
        lookout: Lookout::default(),
        noted: HashSet::new(),
    };
    match args.every {
        Some(every) => runner.go_on(every, global.quiet),
        None => runner.once(),
    }
}

struct Runner<'a> {
    site: Site,
    /// Only these; all where there are none.
    flags: Vec<String>,
    args: &'a Args,
    colors: Colors,
    interrupt: Interrupt,
    lookout: Lookout,
    /// Holds that the history is known to have.
    noted: HashSet<Held>,
}

/// A flag at a stage, and the bits of when that began.
type Held = (String, usize, Option<u64>);

/// A gate's answer about a rollout.
type Answered = (Due, Option<(Verdict, GateAnswer)>);

/// What one round has done.
struct Round {
    done: Done,
    /// Flags that a gate stopped.
    stopped: usize,
    /// Gates that gave no answer.
    silent: usize,
    /// Rollouts whose record is none any more.
    lost: usize,
    /// The next rollout that is due, and in how many seconds.
    next: Option<(String, f64)>,
    /// Why it did not come to its end.
    failure: Option<Failure>,
}

impl Runner<'_> {
    fn once(&mut self) -> Result<Ending, Failure> {
        let round = self.round()?;
        let mut advice = Vec::new();
        if round.done.lines.is_empty() && round.failure.is_none() {
            advice.push(match &round.next {
                Some((flag, seconds)) => format!(
                    "Nothing is due; the next is {flag} in {}.",
                    words::duration(*seconds)
                ),
                None => "Nothing is due, and no rollout is running.".to_owned(),
            });
        }
        let operated = self.site.operated(&round.done, advice);
        print_operated(&operated, self.args.format, self.colors)?;
        if let Some(failure) = round.failure {
            return Err(failure);
        }
        if round.silent > 0 {
            let (gates, flags) = match round.silent {
                1 => ("a gate", "its flag was"),
                _ => ("gates", "their flags were"),
            };
            return Err(
                Failure::impossible(format!("{gates} gave no answer; {flags} held")).hint(
                    "a gate answers with its exit code: 0 to go on, 1 to hold, 2 to stop the flag",
                ),
            );
        }
        if round.lost > 0 {
            return Err(Failure::refused(format!(
                "{} cannot be moved: what the store holds is no rollout any more",
                count(round.lost, "flag")
            ))
            .hint("`hoist plan` shows what has changed, and `hoist apply` puts back what was replaced or deleted; a key that nobody can read has to be deleted first"));
        }
        let ending = round.done.ending()?;
        Ok(if round.stopped > 0 {
            Ending::No
        } else {
            ending
        })
    }

    /// Round after round, until somebody asks it to end.
    fn go_on(&mut self, every: Duration, quiet: bool) -> Result<Ending, Failure> {
        if !quiet {
            let _ = writeln!(
                io::stderr(),
                "Moving what is due in {}, every {}; Ctrl-C ends it.",
                self.site.store.info().url,
                every_words(every)
            );
        }
        let mut absence = Absence::default();
        let mut held = HashMap::new();
        loop {
            let failure = match self.round() {
                Ok(mut round) => {
                    only_news(&mut round.done.lines, &mut held);
                    self.report(&round)?;
                    if let Err(failure) = round.done.ending() {
                        // Nobody to tell is no reason to give up.
                        let _ = failure.print(&mut io::stderr().lock(), self.colors.stderr);
                    }
                    round.failure
                }
                Err(failure) => Some(failure),
            };
            let wait = match failure {
                Some(failure) => absence.begin(failure, self.colors)?,
                None => {
                    absence.end();
                    every
                }
            };
            if self.interrupt.wait(wait) {
                return Ok(Ending::Done);
            }
        }
    }

    /// What one round of many has done; nothing where that is nothing.
    fn report(&self, round: &Round) -> Result<(), Failure> {
        let done = &round.done;
        if done.lines.is_empty() {
            return Ok(());
        }
        let operated = self.site.operated(done, Vec::new());
        print(|out| match self.args.format {
            OperatorFormat::Human => {
                operated::header(
                    out,
                    operated.environment,
                    operated.info,
                    &operated.store,
                    self.colors.stdout,
                )?;
                operated::lines(out, operated.flags, self.colors.stdout)
            }
            OperatorFormat::Json => writeln!(out, "{}", operated::json(&operated)),
        })
    }

    /// Looks for what is due, asks the gate about each, and moves or stops them.
    fn round(&mut self) -> Result<Round, Failure> {
        let names: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let (snapshot, lost) = if names.is_empty() {
            self.lookout.read(self.site.store.as_mut())?
        } else {
            let snapshot = self.site.store.read_flags(&names)?;
            self.site.check_names(&snapshot, &names)?;
            let lost = lost::find(&snapshot, self.site.store.as_mut());
            (snapshot, lost)
        };
        let (due, waiting) = look(&snapshot);
        let next = waiting.into_iter().min_by(|(_, a), (_, b)| a.total_cmp(b));
        let mut round = Round {
            done: Done {
                lines: Vec::new(),
                landed: None,
                store: self.site.store_ref(&snapshot),
            },
            stopped: 0,
            silent: 0,
            lost: lost.len(),
            next,
            failure: None,
        };
        let freeze = frozen(&self.site.policy, snapshot.now).filter(|_| !self.args.ignore_freeze);
        if let Some(freeze) = freeze {
            let held = |due: &Due| {
                let said = format!("held: {}", freeze.message);
                looked_at(due.flag.clone(), Outcome::Held, said)
            };
            round.done.lines = due.iter().map(held).collect();
        } else if self.args.dry_run {
            let would = |due: &Due| {
                let said = words::progress(&due.rollout, snapshot.now);
                looked_at(due.flag.clone(), Outcome::Due, said)
            };
            round.done.lines = due.iter().map(would).collect();
        } else if !due.is_empty() {
            let answered = self.ask(due, snapshot.now);
            // What was written by then is told all the same.
            round.failure = self.carry_out(answered, &mut round).err();
        }
        let lost = lost.into_iter();
        let lost = lost.map(|(flag, lost)| looked_at(flag, Outcome::Held, lost.said()));
        round.done.lines.extend(lost);
        round.done.lines.sort_by(|a, b| a.flag.cmp(&b.flag));
        Ok(round)
    }

    /// Asks the gate about each flag, some at a time.
    fn ask(&self, due: Vec<Due>, now: f64) -> Vec<Answered> {
        let Some(command) = &self.args.gate else {
            return due.into_iter().map(|due| (due, None)).collect();
        };
        let gate = Gate {
            command,
            timeout: self.args.gate_timeout,
        };
        let environment = self.site.environment.as_deref().unwrap_or_default();
        let interrupt = &self.interrupt;
        let ask = |due: &Due| {
            let question = Question {
                flag: &due.flag,
                environment,
                rollout: &due.rollout,
                now,
            };
            (due.clone(), Some(gate.ask(&question, interrupt)))
        };
        let at_once = |chunk: &[Due]| -> Vec<Answered> {
            thread::scope(|scope| {
                let threads: Vec<_> = chunk.iter().map(|due| scope.spawn(|| ask(due))).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                    .collect()
            })
        };
        due.chunks(GATES).flat_map(at_once).collect()
    }

    /// First stops what is to be stopped, then moves what is to be moved: each in one commit.
    fn carry_out(&mut self, answered: Vec<Answered>, round: &mut Round) -> Result<(), Failure> {
        let (mut stopped, mut moved, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let mut answers = HashMap::new();
        for (due, answer) in answered {
            match &answer {
                None | Some((Verdict::Advance, _)) => moved.push(due.clone()),
                Some((Verdict::Kill, _)) => stopped.push(due.clone()),
                Some((Verdict::Hold, _)) => held.push(due.clone()),
                Some((Verdict::Silent(why), answer)) => {
                    let mut line =
                        looked_at(due.flag.clone(), Outcome::Held, format!("held: {why}"));
                    line.gate = Some(answer.clone());
                    round.done.lines.push(line);
                    round.silent += 1;
                }
            }
            if let Some((_, answer)) = answer {
                answers.insert(due.flag, answer);
            }
        }
        if !stopped.is_empty() {
            round.stopped = stopped.len();
            let done = self.stop(&stopped, &answers)?;
            round.take(done, &answers);
        }
        if !moved.is_empty() {
            let done = self.advance(&moved, &answers)?;
            round.take(done, &answers);
        }
        self.hold(held, &answers, round)
    }

    /// Notes in the history what is held for the first time at its stage.
    fn hold(
        &mut self,
        held: Vec<Due>,
        answers: &HashMap<String, GateAnswer>,
        round: &mut Round,
    ) -> Result<(), Failure> {
        let unknown = held.iter().filter(|due| !self.noted.contains(&due.held()));
        let unknown = unknown.map(|due| (due.flag.as_str(), &due.rollout));
        let found = hold::find(self.site.store.as_mut(), unknown)?;
        let (new, old): (Vec<Due>, Vec<Due>) = held
            .into_iter()
            .partition(|due| !self.noted.contains(&due.held()) && !found.contains_key(&due.flag));
        self.noted = old.iter().map(Due::held).collect();
        for due in old {
            let mut line = looked_at(due.flag, Outcome::Held, HELD.to_owned());
            line.gate = answers.get(&line.flag).cloned();
            round.done.lines.push(line);
        }
        if new.is_empty() {
            return Ok(());
        }
        let why = Why {
            source: hold::SOURCE,
            reason: Some("a gate said so"),
            notes: notes(&new, answers),
        };
        let seen = seen(&new);
        let done = self.site.carry_out(&flags(&new), &why, |subject| {
            Ok(hold(subject, seen.get(subject.flag).copied()))
        })?;
        self.noted.extend(new.iter().map(Due::held));
        round.take(done, answers);
        Ok(())
    }

    fn stop(
        &mut self,
        due: &[Due],
        answers: &HashMap<String, GateAnswer>,
    ) -> Result<Done, Failure> {
        let actor = actor();
        let why = Why {
            source: "kill",
            reason: Some("a gate said so"),
            notes: notes(due, answers),
        };
        let reason = |flag: &str| {
            let output = answers.get(flag).map_or("", |answer| &answer.output);
            let last = output.lines().rev().find(|line| !line.trim().is_empty());
            let last: String = last
                .unwrap_or("it ended with 2")
                .chars()
                .take(REASON)
                .collect();
            format!("the gate: {}", last.trim())
        };
        self.site.carry_out(&flags(due), &why, |subject| {
            Ok(kill::stop(subject, &reason(subject.flag), actor.as_deref()))
        })
    }

    fn advance(
        &mut self,
        due: &[Due],
        answers: &HashMap<String, GateAnswer>,
    ) -> Result<Done, Failure> {
        let seen = seen(due);
        let why = Why {
            source: "advance",
            reason: self.args.reason.as_deref().or(Some("its time was up")),
            notes: notes(due, answers),
        };
        self.site.carry_out(&flags(due), &why, |subject| {
            Ok(advance(subject, seen.get(subject.flag).copied()))
        })
    }
}

impl Due {
    fn held(&self) -> Held {
        let since = self.rollout.since.map(f64::to_bits);
        (self.flag.clone(), self.rollout.stage, since)
    }
}

impl Round {
    fn take(&mut self, done: Done, answers: &HashMap<String, GateAnswer>) {
        self.done.store = done.store;
        // What replicas have of a later commit they have of an earlier one, too.
        self.done.landed = done.landed.or(self.done.landed.take());
        self.done
            .lines
            .extend(done.lines.into_iter().map(|line| Line {
                gate: answers.get(&line.flag).cloned(),
                ..line
            }));
    }
}

/// Leaves out what was said of held flags the round before.
fn only_news(lines: &mut Vec<Line>, held: &mut HashMap<String, Line>) {
    let before = std::mem::take(held);
    lines.retain(|line| {
        if line.outcome == Outcome::Held {
            held.insert(line.flag.clone(), line.clone());
        }
        before.get(&line.flag) != Some(line)
    });
}

fn every_words(every: Duration) -> String {
    if every.as_secs() == 0 {
        format!("{} ms", every.as_millis())
    } else {
        words::duration(every.as_secs_f64())
    }
}
