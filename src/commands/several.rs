//! One piece of work in several environments: some at once, since most of it is waiting for stores, and
//! told in their order. One that fails does not stop the others.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_json::{Map, Value, json};

use super::{Colors, Ending, Failure, count, print};
use crate::cli::{Cli, Command, RolloutCommand};
use crate::config::Environment;
use crate::report;
use crate::report::text::visible;

/// So many environments are worked on at once.
const AT_ONCE: usize = 8;

/// What came of the work in one environment.
pub(super) struct Came {
    /// What the command prints for it, for people.
    pub text: Vec<u8>,
    /// The same for programs.
    pub json: Value,
    /// Which of the [`Kind`]s it is, by name.
    pub kind: &'static str,
    /// The same in words, for the summary.
    pub said: String,
    /// How a run for this environment alone ends; why, where it was not done.
    pub ended: Result<Ending, Failure>,
}

/// A way for the work to end, as the summary counts it: in JSON, and in words.
pub(super) type Kind = (&'static str, &'static str);

/// How it ends where there is nothing to show.
const FAILED: Kind = ("failed", "failed");

/// Refuses several environments for a command that works on one.
pub(super) fn refuse(cli: &Cli) -> Result<(), Failure> {
    let global = &cli.global;
    if !global.names_several() || takes_several(&cli.command) {
        return Ok(());
    }
    let said = match &global.env {
        Some(names) => format!("`{names}` names"),
        None => "`--all-envs` means".to_owned(),
    };
    Err(Failure::impossible(format!(
        "this command works on one environment, and {said} several"
    ))
    .hint("name one with `--env`; `plan`, `apply`, `history`, `rollout status` and `doctor` take several"))
}

/// Whether a command works on several environments, or on none at all.
fn takes_several(command: &Command) -> bool {
    match command {
        Command::Plan(_) | Command::Apply(_) | Command::History(_) | Command::Diff(_) => true,
        Command::Rollout(args) => matches!(args.command, RolloutCommand::Status(_)),
        Command::Lint(_) | Command::Test(_) | Command::Init(_) | Command::Doctor(_) => true,
        Command::Promote(_) | Command::New(_) | Command::Remove(_) => true,
        Command::Schema | Command::Completions { .. } => true,
        _ => false,
    }
}

/// How what comes of it is shown.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub json: bool,
    pub colors: Colors,
    /// The ways to end that the summary counts, besides [`FAILED`].
    pub kinds: &'a [Kind],
}

/// Does `work` in each environment, and shows what came of it: each as soon as those before it are
/// shown, and a summary. The command ends like the environment in which it ended worst.
pub(super) fn run(
    environments: &[&Environment],
    look: Look<'_>,
    work: impl Fn(&Environment) -> Result<Came, Failure> + Sync,
) -> Result<Ending, Failure> {
    let mut told = Told {
        look,
        environments: Vec::new(),
        entries: Vec::new(),
        worst: Ending::Done,
        unprinted: None,
    };
    let next = AtomicUsize::new(0);
    let (results, arrived) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(environments.len()) {
            let (results, next, work) = (results.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(environment) = environments.get(at) else {
                        return;
                    };
                    if results.send((at, work(environment))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let mut waiting = BTreeMap::new();
        for (at, came) in arrived {
            waiting.insert(at, came);
            while let Some(came) = waiting.remove(&told.environments.len()) {
                if let Some(environment) = environments.get(told.environments.len()) {
                    told.take(&environment.name, came);
                }
            }
        }
    });
    told.finish()
}

/// What was told so far.
struct Told<'a> {
    look: Look<'a>,
    /// Name, how it ended, and that in words.
    environments: Vec<(String, &'static str, String)>,
    /// For programs.
    entries: Vec<Value>,
    worst: Ending,
    /// What stood in the way of printing, which stops no work.
    unprinted: Option<Failure>,
}

impl Told<'_> {
    fn take(&mut self, name: &str, came: Result<Came, Failure>) {
        let came = came.unwrap_or_else(|failure| Came {
            text: Vec::new(),
            json: json!({"environment": name, "failed": failure.json()}),
            kind: FAILED.0,
            said: match failure.ending {
                Ending::Refused => format!("refused: {}", failure.message()),
                _ => format!("failed: {}", failure.message()),
            },
            ended: Err(failure),
        });
        if !self.look.json && !came.text.is_empty() {
            let first = self.environments.is_empty();
            let printed = print(|out| {
                if !first {
                    writeln!(out)?;
                }
                out.write_all(&came.text)
            });
            self.unprinted = self.unprinted.take().or(printed.err());
        }
        let ending = came.ended.unwrap_or_else(|failure| {
            let failure = failure.within(name);
            // Nobody to tell is no reason to fail.
            let _ = failure.print(&mut io::stderr().lock(), self.look.colors.stderr);
            failure.ending
        });
        self.worst = self.worst.worse(ending);
        self.entries.push(came.json);
        self.environments
            .push((name.to_owned(), came.kind, came.said));
    }

    fn finish(self) -> Result<Ending, Failure> {
        if self.look.json {
            let document = json!({
                "version": 1,
                "environments": self.entries,
                "summary": self.counts(),
            });
            print(|out| report::write_json(out, &document))?;
        } else {
            print(|out| out.write_all(self.summary().as_bytes()))?;
        }
        match self.unprinted {
            Some(failure) => Err(failure),
            None => Ok(self.worst),
        }
    }

    fn kinds(&self) -> impl Iterator<Item = (Kind, usize)> {
        let kinds = self.look.kinds.iter().chain([&FAILED]);
        kinds.map(|kind| {
            let all = self.environments.iter();
            (*kind, all.filter(|(_, ended, _)| *ended == kind.0).count())
        })
    }

    fn counts(&self) -> Value {
        let mut counts = Map::new();
        counts.insert("environments".into(), self.environments.len().into());
        for ((kind, _), number) in self.kinds() {
            counts.insert(kind.into(), number.into());
        }
        counts.insert("exit_code".into(), self.worst.code().into());
        counts.into()
    }

    /// A line for each environment, and one for all.
    fn summary(&self) -> String {
        let names: Vec<String> = self
            .environments
            .iter()
            .map(|(name, ..)| visible(name))
            .collect();
        let widest = names.iter().map(|name| name.chars().count()).max();
        let width = widest.unwrap_or(0).min(40);
        let shown = self.kinds().filter(|(_, number)| *number > 0);
        let counted: Vec<String> = shown
            .map(|((_, words), number)| format!("{number} {words}"))
            .collect();
        let mut text = format!(
            "\n{}: {}\n",
            count(self.environments.len(), "environment"),
            counted.join(", ")
        );
        for (name, (_, _, said)) in names.iter().zip(&self.environments) {
            text += &format!("  {name:<width$}  {}\n", visible(said));
        }
        text
    }
}
