//! `hoist lint`

use std::io::{self, IsTerminal, Write};

use super::flagset::{FlagSet, check_and_forget};
use super::mend::{self, Outcome};
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, width};
use crate::cli::{Global, Lint, LintFormat};
use crate::report::mended::Taken;
use crate::rules::{self, LevelError, RULES, Rule, Settings};
use crate::yaml::MAX_BYTES;
use crate::{report, source};

pub(super) fn run(global: &Global, args: &Lint, colors: Colors) -> Result<Ending, Failure> {
    if let Some(rule) = &args.explain {
        return explain(rule.as_deref());
    }
    refuse_nonsense(args)?;
    let workspace = Workspace::open(global)?;
    let settings = settings(&workspace, args)?;
    let stdin = is_stdin(args);
    let mut flag_set = match stdin {
        true => read_stdin(&workspace, args, &settings)?,
        false => FlagSet::read(&workspace, &args.paths, &settings, check_and_forget),
    };
    let unread = flag_set.failure();
    if flag_set.is_empty()
        && let Some(failure) = unread
    {
        return Err(failure);
    }
    let mut mended = Outcome::default();
    // Levels and limits that were misread decide what there is to mend.
    let misread = args.fix && workspace.mistakes.is_some();
    if args.fix && !misread {
        mended = mend::mend(&mut flag_set, &settings, check_and_forget);
        if !args.dry_run && !stdin {
            mended.write(&mut flag_set, &settings, check_and_forget);
        }
    }
    flag_set.conclude(&workspace, &settings);
    let show = Show {
        workspace: &workspace,
        args,
        colors,
    };
    show.all(&flag_set, &mended, stdin)?;
    if misread {
        let message = "nothing was mended, since hoist.toml has mistakes";
        return Err(Failure::findings(message).hint("mend them first"));
    }
    let failures = [flag_set.failure(), mended.failure()];
    if let Some(failure) = failures.into_iter().flatten().reduce(Failure::and) {
        return Err(failure);
    }
    let found = flag_set.report();
    let bad = found.errors() > 0 || (args.deny_warnings && found.warnings() > 0);
    Ok(if bad { Ending::No } else { Ending::Done })
}

/// Options that do not go together in a way that the parser of arguments cannot tell.
fn refuse_nonsense(args: &Lint) -> Result<(), Failure> {
    let dash = args.paths.iter().any(|path| path.as_os_str() == "-");
    if dash && args.paths.len() > 1 {
        return Err(
            Failure::impossible("standard input is checked by itself").hint("pass `-` alone")
        );
    }
    if args.stdin_filename.is_some() && !dash {
        return Err(Failure::impossible(
            "`--stdin-filename` names what is read from standard input",
        )
        .hint("pass `-` for it"));
    }
    let prints = args.dry_run || (args.fix && dash);
    if prints && args.format != LintFormat::Human {
        let what = if args.dry_run { "a diff" } else { "the text" };
        return Err(Failure::impossible(format!("`--fix` prints {what} here"))
            .hint("leave `--format` out, or check in a run of its own"));
    }
    Ok(())
}

fn is_stdin(args: &Lint) -> bool {
    matches!(&args.paths[..], [path] if path.as_os_str() == "-")
}

/// One text, checked by itself: an editor has it before any file does.
fn read_stdin(
    workspace: &Workspace<'_>,
    args: &Lint,
    settings: &Settings,
) -> Result<FlagSet, Failure> {
    let bytes = source::read_stdin()
        .map_err(|error| Failure::impossible("cannot read standard input").because(error))?;
    if args.fix && bytes.len() > MAX_BYTES {
        // No more of it was read, and what is printed stands for all of it.
        let message = format!("standard input has more than {} MiB", MAX_BYTES >> 20);
        return Err(
            Failure::impossible(message).hint("split it: flags may lie in any number of files")
        );
    }
    let name = match &args.stdin_filename {
        Some(path) => source::display_name(path, &workspace.here),
        None => "<stdin>".to_owned(),
    };
    Ok(FlagSet::of_text(&name, bytes, settings, check_and_forget))
}

/// Prints what was found, and what was mended.
struct Show<'a> {
    workspace: &'a Workspace<'a>,
    args: &'a Lint,
    colors: Colors,
}

impl Show<'_> {
    fn all(&self, flag_set: &FlagSet, mended: &Outcome, stdin: bool) -> Result<(), Failure> {
        let args = self.args;
        let files = mended.files();
        if args.fix && (args.dry_run || stdin) {
            // What is printed is for another program; what people are told goes beside it.
            let color = self.colors.stderr;
            let fixed = if args.dry_run { "Would fix" } else { "Fixed" };
            self.aside(|out| {
                report::mended::list(files, fixed, out)?;
                self.human(flag_set, color, out)
            })?;
            let look = report::mended::Look {
                color: self.colors.stdout,
                terminal: io::stdout().is_terminal(),
            };
            if !args.dry_run {
                return print(|out| out.write_all(mended.text(flag_set)));
            }
            let root = self.workspace.repository();
            let mut taken = Taken::default();
            print(|out| {
                taken = report::mended::diff(files, &root, look, out)?;
                Ok(())
            })?;
            return self.aside(|out| match taken {
                Taken::Plainly => Ok(()),
                Taken::WithoutContext => writeln!(
                    out,
                    "A secret stands behind a change and is left out: `git apply --unidiff-zero` takes this diff."
                ),
                Taken::Never => writeln!(
                    out,
                    "A secret stands in a line that changes and is blotted out: nothing takes this diff, and `--fix` makes the change."
                ),
            });
        }
        if args.format == LintFormat::Human {
            return print(|out| {
                report::mended::list(files, "Fixed", out)?;
                self.human(flag_set, self.colors.stdout, out)
            });
        }
        self.aside(|out| report::mended::list(files, "Fixed", out))?;
        let found = flag_set.report();
        let root = self.workspace.repository();
        print(|out| match args.format {
            LintFormat::Human => Ok(()),
            LintFormat::Json => report::json::lint(&found, out),
            LintFormat::Sarif => report::sarif::lint(&found, &root, out),
            LintFormat::Github => report::github::lint(&found, &root, out),
            LintFormat::Junit => report::junit::lint(&found, args.deny_warnings, &root, out),
        })
    }

    fn human(&self, flag_set: &FlagSet, color: bool, out: &mut dyn Write) -> io::Result<()> {
        let found = flag_set.report();
        if self.workspace.global.quiet {
            report::human::findings(&found, color, width(), out)
        } else {
            report::human::lint(&found, color, width(), out)
        }
    }

    /// To standard error, unless only results are wanted.
    fn aside(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        if self.workspace.global.quiet {
            return Ok(());
        }
        write(&mut io::stderr().lock()).map_err(Failure::output)
    }
}

/// The settings of hoist.toml, and what the command line has to say about rules.
fn settings(workspace: &Workspace<'_>, args: &Lint) -> Result<Settings, Failure> {
    let mut settings = workspace.lint_settings();
    let names = |list: &[String]| -> Vec<String> {
        let names = list.iter().map(|name| name.trim().to_owned());
        names.filter(|name| !name.is_empty()).collect()
    };
    let refused = |option: &str, error: LevelError| {
        let failure = Failure::impossible(format!("{option}: {error}"));
        match error {
            LevelError::UnknownRule { .. } => {
                failure.hint("`hoist lint --explain` lists the rules")
            }
            LevelError::Fixed { .. } => failure,
        }
    };
    let (select, ignore) = (names(&args.select), names(&args.ignore));
    if !args.select.is_empty() {
        let selected = settings.levels.select(&select);
        selected.map_err(|error| refused("--select", error))?;
        let mut rules = select.iter().filter_map(|name| Rule::find(name));
        if let Some(rule) = rules.find(|rule| rule.is_about_change()) {
            let message = format!("--select: `{}` is about what changes", rule.id);
            return Err(Failure::impossible(message).hint("`hoist diff` looks for it"));
        }
    }
    for name in ignore {
        let ignored = settings.levels.set(&name, rules::Level::Off);
        ignored.map_err(|error| refused("--ignore", error))?;
    }
    Ok(settings)
}

fn explain(id: Option<&str>) -> Result<Ending, Failure> {
    let Some(id) = id else {
        print(|out| {
            let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
            RULES.iter().copied().try_for_each(|rule| {
                let (id, level) = (rule.id, rule.level.as_str());
                writeln!(out, "{id:<width$}  {level:<7}  {}", rule.summary)
            })
        })?;
        return Ok(Ending::Done);
    };
    let named = Rule::find(id).or((id == rules::CONFIG.id).then_some(&rules::CONFIG));
    let rule = named.ok_or_else(|| {
        let hint = match Rule::suggest(id) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`hoist lint --explain` lists the rules".to_owned(),
        };
        Failure::impossible(format!("there is no rule `{id}`")).hint(hint)
    })?;
    print(|out| write!(out, "{}", rules::explain(rule)))?;
    Ok(Ending::Done)
}
