//! `hoist diff`

use std::path::Path;

use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print, users, width};
use crate::cli::{Diff as Args, DiffFormat, Global};
use crate::config::FILE_NAME;
use crate::diagnostic::Diagnostic;
use crate::git::{Repository, Revision};
use crate::impact::People;
use crate::plan::diff;
use crate::report::diff::{Change, Diff, Side};
use crate::report::markdown::Links;
use crate::report::{self, Affected, Lint};
use crate::rules::change::check_change;

mod past;
mod revisions;
mod sides;

use past::Pasts;
use revisions::Revisions;
use sides::Sides;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let mut workspace = Workspace::open(global)?;
    let (repository, revisions) = open(&mut workspace, args)?;
    workspace.refuse_mistakes(colors)?;
    let environments = environments(&workspace)?;
    let sides = Sides::load(&repository, &workspace, &revisions)?;
    let compared = diff::compare(&sides.before(), &sides.after(), &environments);
    let mut pasts = Pasts::gather(
        &compared.changes,
        &sides,
        &repository,
        &revisions,
        &workspace,
        args,
    )?;
    let settings = workspace.lint_settings();
    let suppressions = sides.suppressions();
    let mut changes: Vec<Change<'_>> = compared
        .changes
        .into_iter()
        .map(|change| {
            let past = pasts.take(change.key);
            let silent = change.new.and_then(|flag| suppressions.get(&flag.file));
            let groups = change.groups(&past);
            Change {
                source: sides.source(&change),
                risks: check_change(&groups, environments.len(), &settings, silent.copied()),
                people: Vec::new(),
                change,
            }
        })
        .collect();
    let list = args.users.as_deref();
    let affected = list
        .map(|file| count_people(&mut changes, file, global.quiet))
        .transpose()?;
    let risks = changes.iter().flat_map(|change| &change.risks);
    let diagnostics: Vec<Diagnostic> = sides.errors.iter().chain(risks).cloned().collect();
    let notes: Vec<String> = sides.notes.iter().chain(&pasts.notes).cloned().collect();
    let side = |revision: Option<&Revision>| Side {
        revision: revision.map(|revision| revision.name.clone()),
        commit: revision.map(|revision| revision.id.clone()),
    };
    let diff = Diff {
        base: &side(Some(&revisions.base)),
        head: &side(revisions.head.as_ref()),
        environments: &environments,
        changes: &changes,
        unchanged: compared.unchanged + sides.untouched,
        skipped: &compared.skipped,
        notes: &notes,
        affected: affected.as_ref(),
        errors: &sides.errors,
        lint: Lint {
            files: &sides.files(&diagnostics),
            checked: sides.checked,
            flags: sides.after().flags.len() + sides.untouched,
            diagnostics: &diagnostics,
            unread: &[],
        },
    };
    let links = workspace.links(args.links.as_deref());
    show(&diff, args.format, &links, colors)?;
    let bad = diff.lint.errors() > 0
        || (args.deny_warnings && diff.lint.warnings() > 0)
        || (args.exit_code && !changes.is_empty());
    Ok(if bad { Ending::No } else { Ending::Done })
}

/// The repository that the flags directory lies in, and the two states in it. A bare repository has
/// its configuration where it has its flags.
fn open(workspace: &mut Workspace<'_>, args: &Args) -> Result<(Repository, Revisions), Failure> {
    let open =
        |workspace: &Workspace<'_>| Repository::open(&workspace.flags_directory(), &workspace.here);
    let repository = open(workspace)?;
    let revisions = Revisions::resolve(&repository, &args.base, args.head.as_deref())?;
    if let Some(head) = revisions.head.as_ref().filter(|_| !workspace.has_config)
        && !repository.has_work_tree()
        && let Some(text) = repository.file(head, FILE_NAME)?
    {
        workspace.take_config(FILE_NAME, &text);
        return Ok((open(workspace)?, revisions));
    }
    Ok((repository, revisions))
}

/// Counts what each part of each change does to the users in `file`.
fn count_people(changes: &mut [Change<'_>], file: &Path, quiet: bool) -> Result<Affected, Failure> {
    let people = |change: &Change<'_>| -> Vec<Option<People>> {
        let (key, parts) = (change.change.key, change.change.parts.iter());
        parts
            .map(|part| People::new(key, part.before.as_ref(), part.after.as_ref()).ok())
            .collect()
    };
    let mut all: Vec<Option<People>> = changes.iter().flat_map(people).collect();
    let (users, affected) = users::count(file, quiet, &mut all)?;
    let mut all = all.into_iter();
    for change in changes {
        change.people = all.by_ref().take(change.change.parts.len()).collect();
    }
    Ok(Affected {
        list: users::shown(file),
        users,
        affected,
        changes: Vec::new(),
    })
}

/// Those that were asked for, or all that there are.
fn environments(workspace: &Workspace<'_>) -> Result<Vec<String>, Failure> {
    let config = &workspace.config;
    if let Some(several) = workspace.chosen()? {
        return Ok(several.iter().map(|one| one.name.clone()).collect());
    }
    Ok(match &workspace.global.env {
        Some(name) => vec![config.environment(Some(name))?.name.clone()],
        None => config.environments.keys().cloned().collect(),
    })
}

fn show(diff: &Diff<'_>, format: DiffFormat, links: &Links, colors: Colors) -> Result<(), Failure> {
    print(|out| match format {
        DiffFormat::Human => report::diff_human::diff(out, diff, colors.stdout, width()),
        DiffFormat::Json => report::write_json(out, &report::diff_json::value(diff)),
        DiffFormat::Markdown => write!(out, "{}", report::diff_markdown::document(diff, links)),
    })
}
