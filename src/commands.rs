//! One file a command: wiring, nothing else. What all of them share stands here: how a command
//! ends, and the way to the world.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Color, Command, Global, OperatorFormat};
use crate::report;
use crate::report::operated::{self, Operated};

mod absence;
mod amending;
mod apply;
mod commit;
mod completions;
mod diff;
mod doctor;
mod eval;
mod failure;
mod flagset;
mod history;
mod init;
mod kill;
mod lint;
mod mend;
mod new;
mod past;
mod plan;
mod progress;
mod promote;
mod remove;
mod restore;
mod rollback;
mod rollout;
mod schema;
#[cfg(feature = "serve")]
mod serve;
mod several;
mod shell;
mod signals;
mod site;
mod test;
mod users;
mod watch;
mod workspace;

pub use failure::{Ending, Failure};

/// Runs the program with the arguments that it was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(mut cli) => {
            fill_in(&mut cli.global, |name| std::env::var_os(name));
            cli
        }
        Err(error) => {
            // Help and version are answers; everything else is a mistake in the call.
            let code = if error.use_stderr() {
                Ending::Impossible
            } else {
                Ending::Done
            };
            let _ = error.print();
            return code.into();
        }
    };
    let colors = Colors::new(&cli.global);
    let result = run(&cli, colors);
    match result {
        Ok(ending) => ending.into(),
        Err(failure) => {
            let _ = failure.print(&mut io::stderr().lock(), colors.stderr);
            failure.ending.into()
        }
    }
}

/// Options that were not given, from environment variables. An empty variable counts as unset, since
/// that is what CI systems make of one that is missing; an option given as empty does not.
fn fill_in(global: &mut Global, variable: impl Fn(&str) -> Option<OsString>) {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    global.config = global
        .config
        .take()
        .or_else(|| variable("HOIST_CONFIG").map(PathBuf::from));
    if !global.all_envs {
        global.env = global.env.take().or_else(|| text("HOIST_ENV"));
    }
    global.store = global.store.take().or_else(|| text("HOIST_STORE"));
}

fn run(cli: &Cli, colors: Colors) -> Result<Ending, Failure> {
    if let Some(directory) = &cli.global.directory {
        std::env::set_current_dir(directory).map_err(|error| {
            Failure::impossible(format!("cannot work in `{}`", directory.display()))
                .because(error)
                .hint("`-C` takes a directory that exists")
        })?;
    }
    several::refuse(cli)?;
    match &cli.command {
        Command::Lint(args) => lint::run(&cli.global, args, colors),
        Command::Test(args) => test::run(&cli.global, args, colors),
        Command::Plan(args) => plan::run(&cli.global, args, colors),
        Command::Apply(args) => apply::run(&cli.global, args, colors),
        Command::Watch(args) => watch::run(&cli.global, args, colors),
        Command::History(args) => history::run(&cli.global, args, colors),
        Command::Rollback(args) => rollback::run(&cli.global, args, colors),
        Command::Eval(args) => eval::run(&cli.global, args, colors),
        Command::Rollout(args) => rollout::run(&cli.global, args, colors),
        Command::Kill(args) => kill::run(&cli.global, args, colors),
        Command::Restore(args) => restore::run(&cli.global, args, colors),
        Command::Diff(args) => diff::run(&cli.global, args, colors),
        Command::Promote(args) => promote::run(&cli.global, args, colors),
        Command::New(args) => new::run(&cli.global, args, colors),
        Command::Remove(args) => remove::run(&cli.global, args, colors),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(&cli.global, args, colors),
        Command::Doctor(args) => doctor::run(&cli.global, args, colors),
        Command::Init(_) => init::run(),
        Command::Schema => schema::run(),
        Command::Completions { shell } => completions::run(*shell),
    }
}

/// Whether to colour each of the two outputs.
#[derive(Clone, Copy, Debug)]
pub struct Colors {
    pub stdout: bool,
    pub stderr: bool,
}

impl Colors {
    fn new(global: &Global) -> Self {
        let wanted = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                terminal && !no_color && !dumb
            }
        };
        Self {
            stdout: wanted(io::stdout().is_terminal()),
            stderr: wanted(io::stderr().is_terminal()),
        }
    }
}

/// Standard output for results: buffered, and flushed before the command ends.
fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        // Whoever reads the output has seen enough, as in `hoist plan | head`. The exit code tells
        // how the command ended all the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Failure::output),
    }
}

/// Says what operators' commands have done. What is written stays written where that fails.
fn print_operated(
    operated: &Operated<'_>,
    format: OperatorFormat,
    colors: Colors,
) -> Result<(), Failure> {
    let printed = print(|out| match format {
        OperatorFormat::Human => operated::human(out, operated, colors.stdout),
        OperatorFormat::Json => report::write_json(out, &operated::json(operated)),
    });
    printed.map_err(|failure| match operated.committed {
        true => failure.hint(format!(
            "the commit went through, as generation {}: only its report is missing",
            operated.store.generation
        )),
        false => failure,
    })
}

/// Columns of the terminal, within reason.
fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(60, 140))
}

/// `1 error`, `2 errors`.
fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// The command line as clap knows it, for completions and the manual.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
