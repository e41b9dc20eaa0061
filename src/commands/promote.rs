//! `hoist promote`

use std::io::{self, Write};

use super::amending::Amending;
use super::flagset::FlagSet;
use super::plan::Planned;
use super::site::once_each;
use super::test;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::amend::{self, Refusal};
use crate::cli::{Global, OperatorFormat, Promote as Args};
use crate::config::{Environment, EnvironmentError};
use crate::plan::FieldChange;
use crate::record::{Record, Spec};
use crate::report;
use crate::report::promoted::{self, Promoted, Promotion};
use crate::secret;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let from = environment(&workspace, "--from", &args.from)?;
    let to = environment(&workspace, "--to", &args.to)?;
    if from.name == to.name {
        return Err(
            Failure::impossible(format!("`--from` and `--to` are both `{}`", to.name))
                .hint("name two environments"),
        );
    }
    let mut amending = Amending::open(&workspace)?;
    let mut flags = Vec::new();
    for key in once_each(&args.flags) {
        flags.push(promote(&mut amending, &key, from, to, colors)?);
    }
    let found = amending.judge(colors)?;
    let diff = args.dry_run.then(|| amending.diff_text());
    let written = !args.dry_run && !amending.is_empty();
    if written {
        amending.write()?;
    }
    let promotion = Promotion {
        from: &from.name,
        to: &to.name,
        written,
        flags: &flags,
        found: &found,
        diff: diff.as_deref(),
    };
    if !found.is_empty() && !global.quiet {
        amending.show(&found, colors)?;
    }
    if args.dry_run {
        print(|out| match args.format {
            OperatorFormat::Human => amending.diff(colors, out),
            OperatorFormat::Json => {
                report::write_json(out, &promoted::json(&promotion, None, None))
            }
        })?;
        return Ok(Ending::Done);
    }
    let told = show(&workspace, &promotion, to, args.format, colors);
    told.map_err(|failure| match written {
        true => failure.hint("the files are written: only the report is missing"),
        false => failure,
    })?;
    Ok(Ending::Done)
}

/// An environment that an option names.
fn environment<'w>(
    workspace: &'w Workspace<'_>,
    option: &str,
    name: &str,
) -> Result<&'w Environment, Failure> {
    let found = workspace.config.environment(Some(name));
    found.map_err(|error| {
        let hint = match &error {
            EnvironmentError::Unknown {
                suggestion: Some(meant),
                ..
            } => format!("did you mean `{option} {meant}`?"),
            _ => format!("pass one of them with `{option}`"),
        };
        Failure::impossible(error.to_string()).hint(hint)
    })
}

/// Promotes one flag in the text of its file.
fn promote(
    amending: &mut Amending,
    key: &str,
    from: &Environment,
    to: &Environment,
    colors: Colors,
) -> Result<Promoted, Failure> {
    amending.refuse_errors(key, colors)?;
    let flag = amending.flag(key)?;
    let (file, place) = (flag.file, amending.place(flag));
    let source = amending.source(flag);
    let record =
        |environment: &Environment| Record::of_spec(&Spec::of(flag, &environment.name)).to_bytes();
    let fields = FieldChange::between(Some(&record(to)), Some(&record(from)));
    let text = amending.text(file)?;
    let amended = amend::promote(&text, key, &from.name, &to.name);
    let amended = amended.map_err(|refusal| refused(&refusal, key, &place))?;
    let is_changed = amended.text != text;
    if is_changed {
        amending.change(file, Some(amended.text))?;
    }
    Ok(Promoted {
        flag: key.to_owned(),
        source,
        outcome: if is_changed { "promoted" } else { "unchanged" },
        fields: if is_changed { fields } else { Vec::new() },
        lost_comments: amended
            .lost
            .iter()
            .map(|comment| secret::mask(comment).into_owned())
            .collect(),
    })
}

/// Why the text of a flag is left to people.
pub(super) fn refused(refusal: &Refusal, key: &str, place: &str) -> Failure {
    Failure::impossible(format!("`{key}` at {place} is not changed: {refusal}"))
        .hint("nothing was written; make this change by hand")
}

/// Shows what was done, and the plan that it leads to. Where there can be none, that is said; what was
/// written stands.
fn show(
    workspace: &Workspace<'_>,
    promotion: &Promotion<'_>,
    to: &Environment,
    format: OperatorFormat,
    colors: Colors,
) -> Result<(), Failure> {
    if format == OperatorFormat::Human {
        print(|out| {
            promoted::human(out, promotion, colors.stdout)?;
            writeln!(out)
        })?;
    }
    let planned = plan(workspace, to, colors);
    match (format, &planned) {
        (OperatorFormat::Human, Ok((planned, failed))) => {
            print(|out| planned.human(out, failed.as_deref(), to, colors))
        }
        (OperatorFormat::Human, Err(_)) => Ok(()),
        (OperatorFormat::Json, planned) => {
            let plan = planned.as_ref().ok().map(|(planned, _)| planned.json());
            let unplanned = planned.as_ref().err().map(Failure::json);
            let json = promoted::json(promotion, plan, unplanned);
            print(|out| report::write_json(out, &json))
        }
    }?;
    if let Err(failure) = planned {
        let stands = match promotion.written {
            true => "what was written stands, but ",
            false => "",
        };
        let mut stderr = io::stderr().lock();
        // Nobody to tell is no reason to fail.
        let _ = failure.print(&mut stderr, colors.stderr);
        let _ = writeln!(
            stderr,
            "warning: {stands}what an apply to `{}` would change is not known",
            to.name
        );
    }
    Ok(())
}

/// What an apply of the files as they are now would do, and which tests would stop it.
fn plan(
    workspace: &Workspace<'_>,
    to: &Environment,
    colors: Colors,
) -> Result<(Planned, Option<String>), Failure> {
    let mut flag_set = FlagSet::load(workspace)?;
    flag_set.refuse_errors(true, colors, "planned")?;
    let failed = test::check(&mut flag_set, true, colors)?;
    let mut store = workspace.open_store(to)?;
    let settings = workspace.lint_settings();
    let planned = Planned::new(&flag_set, to, store.as_mut(), &settings)?;
    Ok((planned, failed))
}
