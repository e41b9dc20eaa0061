//! How a command ends: exit codes, and errors with what to do next, from one place.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::config::EnvironmentError;
use crate::plan::SavedPlanError;
use crate::plan::guard::Refusal;
use crate::report::text::visible;
use crate::source::WriteError;
use crate::{git, source, store};

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done, or clean.
    Done,
    /// The answer is no: findings, failed tests, changes under `--exit-code`.
    No,
    /// It could not be done: usage, unreadable input, a store out of reach.
    Impossible,
    /// A guard, a conflict, a stale plan.
    Refused,
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Impossible => 2,
            Self::Refused => 3,
        }
    }

    /// The worse of two: what could not be done is unknown, what was refused waits for a decision, and
    /// a no is at least an answer.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let badness = |ending| match ending {
            Self::Done => 0,
            Self::No => 1,
            Self::Refused => 2,
            Self::Impossible => 3,
        };
        if badness(other) > badness(self) {
            other
        } else {
            self
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending.code())
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    pub ending: Ending,
    /// What failed, with its reasons; more than one where several guards refuse.
    problems: Vec<Problem>,
    may_pass: bool,
}

#[derive(Debug)]
struct Problem {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    fn new(ending: Ending, message: impl Into<String>, hint: Option<String>) -> Self {
        let problem = Problem {
            message: message.into(),
            causes: Vec::new(),
            hint,
        };
        Self {
            ending,
            problems: vec![problem],
            may_pass: false,
        }
    }

    #[must_use]
    pub fn impossible(message: impl Into<String>) -> Self {
        Self::new(Ending::Impossible, message, None)
    }

    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Ending::Refused, message, None)
    }

    /// The answer is no.
    #[must_use]
    pub fn findings(message: impl Into<String>) -> Self {
        Self::new(Ending::No, message, None)
    }

    /// What guards refuse, all at once.
    #[must_use]
    pub fn guarded(refusals: Vec<Refusal>) -> Self {
        let problem = |refusal: Refusal| Problem {
            message: refusal.message,
            causes: Vec::new(),
            hint: Some(refusal.hint),
        };
        Self {
            ending: Ending::Refused,
            problems: refusals.into_iter().map(problem).collect(),
            may_pass: false,
        }
    }

    /// All that could not be read; `None` where everything could.
    #[must_use]
    pub fn unread(errors: &[source::Error]) -> Option<Self> {
        let problem = |(at, error): (usize, &source::Error)| {
            let hint = unread_hint(error);
            // Once for all that share it.
            let last = errors
                .get(at + 1)
                .is_none_or(|next| unread_hint(next) != hint);
            Problem {
                message: error.to_string(),
                causes: Vec::new(),
                hint: last.then(|| hint.to_owned()),
            }
        };
        (!errors.is_empty()).then(|| Self {
            ending: Ending::Impossible,
            problems: errors.iter().enumerate().map(problem).collect(),
            may_pass: false,
        })
    }

    /// All that could not be written; `None` where everything could.
    #[must_use]
    pub fn unwritten(errors: &[WriteError]) -> Option<Self> {
        let problem = |error: &WriteError| Problem {
            message: error.to_string(),
            causes: Vec::new(),
            hint: Some(unwritten_hint(error).to_owned()),
        };
        (!errors.is_empty()).then(|| Self {
            ending: Ending::Impossible,
            problems: errors.iter().map(problem).collect(),
            may_pass: false,
        })
    }

    /// Both of two failures.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.problems.extend(other.problems);
        self
    }

    /// Says that it may be over by itself after a while.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.may_pass = true;
        self
    }

    /// Whether it may be over by itself after a while.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// Says in which environment.
    #[must_use]
    pub fn within(mut self, environment: &str) -> Self {
        for problem in &mut self.problems {
            problem.message = format!("{environment}: {}", problem.message);
        }
        self
    }

    /// What failed first.
    #[must_use]
    pub fn message(&self) -> &str {
        self.problems.first().map_or("", |problem| &problem.message)
    }

    /// For programs: the exit code, and every problem.
    #[must_use]
    pub fn json(&self) -> Value {
        let problem = |problem: &Problem| {
            let mut json = json!({"message": problem.message, "because": problem.causes});
            if let Some(hint) = &problem.hint {
                json["help"] = hint.as_str().into();
            }
            json
        };
        let problems: Vec<Value> = self.problems.iter().map(problem).collect();
        json!({"exit_code": self.ending.code(), "problems": problems})
    }

    #[must_use]
    pub fn output(error: io::Error) -> Self {
        Self::impossible("cannot write the output").because(error)
    }

    /// Adds an error and everything behind it.
    #[must_use]
    pub fn because(mut self, error: impl StdError) -> Self {
        if let Some(problem) = self.problems.last_mut() {
            problem.causes.push(error.to_string());
            let mut source = error.source();
            while let Some(error) = source {
                problem.causes.push(error.to_string());
                source = error.source();
            }
        }
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(problem) = self.problems.last_mut() {
            problem.hint = Some(hint.into());
        }
        self
    }

    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let paint = |style: Style| if color { style } else { Style::new() };
        let red = paint(AnsiColor::BrightRed.on_default().bold());
        let cyan = paint(AnsiColor::BrightCyan.on_default().bold());
        let word = if self.ending == Ending::Refused {
            "refused"
        } else {
            "error"
        };
        for problem in &self.problems {
            writeln!(out, "{red}{word}{red:#}: {}", visible(&problem.message))?;
            for cause in &problem.causes {
                writeln!(out, "  because: {}", visible(cause))?;
            }
            if let Some(hint) = &problem.hint {
                writeln!(out, "   {cyan}help{cyan:#}: {}", visible(hint))?;
            }
        }
        Ok(())
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self {
            may_pass: error.may_pass(),
            ..Self::new(Ending::Impossible, error.to_string(), error.hint())
        }
    }
}

impl From<git::Error> for Failure {
    fn from(error: git::Error) -> Self {
        let failure = Self::impossible(error.to_string());
        match std::error::Error::source(&error) {
            Some(cause) => failure.because(cause),
            None => failure,
        }
        .hint(error.hint())
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        Self::new(Ending::Impossible, error.to_string(), Some(error.hint()))
    }
}

/// What to do about something that could not be read.
fn unread_hint(error: &source::Error) -> &'static str {
    match error {
        source::Error::Missing(_) => {
            "say where the flag files are: `-C DIR`, `flags` in hoist.toml, or paths after `hoist lint`; \
             `hoist init` starts a flag set"
        }
        source::Error::Unreadable { .. } | source::Error::Unlistable { .. } => {
            "nothing is planned unless every flag file can be read: check that it is a file, and its permissions"
        }
    }
}

impl From<source::Error> for Failure {
    fn from(error: source::Error) -> Self {
        let hint = unread_hint(&error);
        Self::new(Ending::Impossible, error.to_string(), Some(hint.into()))
    }
}

/// What to do about something that could not be written.
fn unwritten_hint(error: &WriteError) -> &'static str {
    match error {
        WriteError::Changed(_) => "run it again",
        WriteError::ReadOnly(_) => {
            "make the file and its folder writable, or pass `--dry-run` to see the changes only"
        }
        WriteError::Outside(_) => "name the file that the link leads to",
        WriteError::Exists(_) => "nothing is written over; run it again",
        WriteError::Failed { .. } => "the file is what it was before",
    }
}

impl From<SavedPlanError> for Failure {
    fn from(error: SavedPlanError) -> Self {
        let ending = match error {
            SavedPlanError::Unreadable(_) | SavedPlanError::Version(_) => Ending::Impossible,
            _ => Ending::Refused,
        };
        let hint = "make a new plan with `hoist plan --out FILE`, review it, and apply that";
        Self::new(
            ending,
            format!("the saved plan is not applied: {error}"),
            Some(hint.into()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, io};

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        let failure = Failure::impossible("a\u{1b}[2J")
            .because(io::Error::other("b\u{7}\nc"))
            .hint("d\u{202e}");
        let mut out = Vec::new();
        failure.print(&mut out, false).expect("a vector takes all");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "error: a\\u{1b}[2J\n  because: b\\u{7}\\u{a}c\n   help: d\\u{202e}\n"
        );
    }
}
