//! `hoist lint`

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, width};
use crate::cli::{Global, Lint, LintFormat};
use crate::report;
use crate::rules::{self, LevelError, RULES, Rule, Settings};

pub(super) fn run(global: &Global, args: &Lint, colors: Colors) -> Result<Ending, Failure> {
    if let Some(rule) = &args.explain {
        return explain(rule.as_deref());
    }
    let workspace = Workspace::open(global)?;
    let settings = settings(&workspace, args)?;
    let flag_set = FlagSet::lint(&workspace, &args.paths, &settings)?;
    show(&workspace, &flag_set, args, colors)?;
    if let Some(failure) = flag_set.failure() {
        return Err(failure);
    }
    let found = flag_set.report();
    let bad = found.errors() > 0 || (args.deny_warnings && found.warnings() > 0);
    Ok(if bad { Ending::No } else { Ending::Done })
}

/// Prints what was found.
fn show(
    workspace: &Workspace<'_>,
    flag_set: &FlagSet,
    args: &Lint,
    colors: Colors,
) -> Result<(), Failure> {
    let found = flag_set.report();
    let root = workspace.repository();
    print(|out| match args.format {
        LintFormat::Human if workspace.global.quiet => {
            report::human::findings(&found, colors.stdout, width(), out)
        }
        LintFormat::Human => report::human::lint(&found, colors.stdout, width(), out),
        LintFormat::Json => report::json::lint(&found, out),
        LintFormat::Sarif => report::sarif::lint(&found, &root, out),
        LintFormat::Github => report::github::lint(&found, &root, out),
        LintFormat::Junit => report::junit::lint(&found, args.deny_warnings, &root, out),
    })
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
