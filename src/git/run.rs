//! The `git` program, run so that neither configuration nor environment changes what it says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::Error;

/// Set for every call, over whatever the user has set.
const CONFIGURATION: [&str; 5] = [
    "core.quotePath=false",
    // Would run a program of the repository's choice.
    "core.fsmonitor=false",
    "log.showSignature=false",
    "log.showRoot=true",
    "diff.relative=false",
];

/// Settings that would change what paths mean.
const UNSET: [&str; 5] = [
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
];

/// A directory that git is run in.
#[derive(Debug)]
pub struct Git {
    directory: PathBuf,
}

impl Git {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A call, not yet made.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.directory).arg("--no-pager");
        for setting in CONFIGURATION {
            command.args(["-c", setting]);
        }
        for variable in UNSET {
            command.env_remove(variable);
        }
        command
            .args(args)
            .env("GIT_OPTIONAL_LOCKS", "0")
            // A lazy fetch must not wait for a password that nobody is asked for.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What git prints.
    pub fn read(&self, args: &[&str]) -> Result<Vec<u8>, Error> {
        finish(self.command(args).output(), args)
    }

    /// The same for a call whose standard input is `lines`.
    pub fn tell(&self, args: &[&str], lines: &[&str]) -> Result<Vec<u8>, Error> {
        let mut child = start(self.command(args).stdin(Stdio::piped()))?;
        std::thread::scope(|scope| {
            let stdin = child.stdin.take();
            scope.spawn(move || write_lines(stdin, lines));
            finish(child.wait_with_output(), args)
        })
    }
}

/// Starts a call that is talked to while it runs.
pub fn start(command: &mut Command) -> Result<Child, Error> {
    command.spawn().map_err(Error::NoGit)
}

/// Writes until git stops listening, which its exit code explains.
pub fn write_lines(stdin: Option<impl Write>, lines: &[&str]) {
    let Some(stdin) = stdin else { return };
    let mut stdin = io::BufWriter::new(stdin);
    for line in lines {
        if writeln!(stdin, "{line}").is_err() {
            return;
        }
    }
    let _ = stdin.flush();
}

pub fn finish(output: io::Result<Output>, args: &[&str]) -> Result<Vec<u8>, Error> {
    let output = output.map_err(Error::NoGit)?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed(args, &output.stderr))
    }
}

pub fn failed(args: &[&str], stderr: &[u8]) -> Error {
    let said = String::from_utf8_lossy(stderr);
    let lines = said
        .lines()
        .map(|line| line.trim_start_matches("fatal: ").trim())
        .filter(|line| !line.is_empty());
    Error::Failed {
        command: args.first().copied().unwrap_or_default().to_owned(),
        said: lines.take(3).collect::<Vec<_>>().join("; "),
    }
}

/// Without the line break behind it.
pub fn first_line(output: &[u8]) -> &[u8] {
    output.strip_suffix(b"\n").unwrap_or(output)
}
