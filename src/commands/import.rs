//! `hoist import`

use std::collections::HashSet;

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, count, print};
use crate::cli::{Global, Import as Args, ImportFormat};
use crate::config::Environment;
use crate::diagnostic::{FileId, Severity};
use crate::exchange::{Draft, Imported, Loss, flag_file, key_like};
use crate::model::{Flag, is_key};
use crate::record::Spec;
use crate::report;
use crate::report::exchange::{Import, Kept, Lost};
use crate::rules::{self, Levels, Settings};
use crate::source;

mod origin;
mod targets;

use origin::{Found, Origin};
use targets::Existing;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let environment = workspace.environment()?;
    let existing = existing(&workspace)?;
    let targets = targets::Targets::new(&workspace, args)?;
    let origin = Origin::read(&workspace, environment, args)?;
    let several = origin.is_store && workspace.config.environments.len() > 1;
    let mut work = Work {
        args,
        environment,
        settings: Settings {
            levels: Levels::default(),
            ..workspace.lint_settings()
        },
        lost: Vec::new(),
        kept: Vec::new(),
        drafts: Vec::new(),
        keys: HashSet::new(),
    };
    for found in &origin.found {
        work.take(found, &existing, &targets);
    }
    let files = targets.files(&work.drafts, &existing)?;
    let done = Import {
        origin: &origin.name,
        lost: &work.lost,
        kept: &work.kept,
        files: &files,
        flags: work.drafts.len(),
        dry_run: args.dry_run,
        only_of: several.then_some(environment.name.as_str()),
    };
    let is_json = args.format == ImportFormat::Json;
    if !is_json {
        report::exchange::losses(
            &work.lost,
            &work.kept,
            colors.stderr,
            &mut std::io::stderr().lock(),
        )
        .map_err(Failure::output)?;
    }
    if args.strict && !work.lost.is_empty() {
        let losses = count(work.lost.len(), "thing");
        return Err(Failure::refused(format!(
            "{losses} cannot be carried over as it is; nothing was written"
        ))
        .hint("leave out `--strict` to import the rest; what is lost is listed above"));
    }
    if !args.dry_run {
        targets::write(&files, &existing)?;
    }
    print(|out| match args.format {
        ImportFormat::Json => report::write_json(out, &report::exchange::json(&done)),
        ImportFormat::Human => report::exchange::human(&done, global.quiet, out),
    })?;
    Ok(Ending::Done)
}

/// The flags that are there already. A file that cannot be read might hold any.
fn existing(workspace: &Workspace<'_>) -> Result<Existing, Failure> {
    let settings = workspace.lint_settings();
    let mut flag_set = FlagSet::read(workspace, &[], &settings, rules::check_file);
    let missing = |error: &source::Error| matches!(error, source::Error::Missing(_));
    flag_set.found.unread.retain(|error| !missing(error));
    match flag_set.failure() {
        Some(failure) => Err(failure),
        None => Ok(Existing::new(&flag_set)),
    }
}

/// Everything that was found, on its way into files.
struct Work<'a> {
    args: &'a Args,
    environment: &'a Environment,
    /// What counts as an error, whatever hoist.toml makes of warnings.
    settings: Settings,
    lost: Vec<Lost>,
    kept: Vec<Kept>,
    drafts: Vec<Draft>,
    /// Of the drafts.
    keys: HashSet<String>,
}

impl Work<'_> {
    fn take(&mut self, found: &Found, existing: &Existing, targets: &targets::Targets) {
        let mut imported = Imported::default();
        // Flags of which there is no more to say.
        let mut gone = HashSet::new();
        for draft in &found.imported.flags {
            let key = draft.key.as_str();
            let Some(draft) = self.with_key(draft.clone(), &mut imported) else {
                continue;
            };
            if self.keys.contains(&draft.key) {
                let reason = format!("there is another flag `{}` before it", draft.key);
                imported.leave_out(key, &draft.path, reason);
                continue;
            }
            if let Some((file, line)) = existing.keeps(&draft.key, targets) {
                gone.insert(key);
                self.kept.push(Kept {
                    flag: draft.key,
                    file,
                    line,
                });
                continue;
            }
            match self.read_back(&draft) {
                Err(reason) => imported.leave_out(key, &draft.path, reason),
                Ok(flag) => {
                    self.compare(found, &flag, &draft, &mut imported);
                    self.keys.insert(draft.key.clone());
                    self.drafts.push(draft);
                }
            }
        }
        let losses: Vec<&Loss> = found
            .imported
            .losses
            .iter()
            .chain(&imported.losses)
            .collect();
        let left_out = losses.iter().filter(|loss| loss.left_out);
        gone.extend(left_out.filter_map(|loss| loss.flag.as_deref()));
        let counts = |loss: &&&Loss| match &loss.flag {
            Some(flag) => loss.left_out || !gone.contains(flag.as_str()),
            None => true,
        };
        // In the order in which they stand in the file.
        let lost = losses.iter().filter(counts).map(|loss| found.place(loss));
        let mut lost: Vec<Lost> = lost.collect();
        lost.sort_by_key(|lost| lost.line);
        self.lost.extend(lost);
    }

    /// The draft under a key that hoist allows.
    fn with_key(&self, mut draft: Draft, imported: &mut Imported) -> Option<Draft> {
        if is_key(&draft.key) {
            return Some(draft);
        }
        let similar = key_like(&draft.key);
        match similar {
            Some(similar) if self.args.rename => {
                let reason = format!("it is called `{similar}` here: code has to ask for that");
                imported.lose(&draft.key, draft.path.clone(), reason);
                draft.key = similar;
                Some(draft)
            }
            similar => {
                let mut reason =
                    "a key has small letters, digits, `_`, `.` and `-`, a letter first".to_owned();
                if let Some(similar) = similar {
                    reason += &format!("; `--rename` makes it `{similar}`");
                }
                imported.leave_out(&draft.key, draft.path, reason);
                None
            }
        }
    }

    /// The flag as hoist reads what is to be written; or what is wrong with that.
    fn read_back(&self, draft: &Draft) -> Result<Flag, String> {
        let text = flag_file([draft]);
        let checked = rules::check_file(FileId::default(), text.as_bytes(), &self.settings);
        if let Some(error) = checked
            .diagnostics
            .iter()
            .find(|found| found.severity == Severity::Error)
        {
            return Err(error.message.clone());
        }
        let mut flags = checked.flags.into_iter();
        let flag = flags.next().filter(|flag| flag.complete);
        flag.ok_or_else(|| "it cannot be written as a flag".into())
    }

    /// What of a record would be another one by the next apply.
    fn compare(&self, found: &Found, flag: &Flag, draft: &Draft, imported: &mut Imported) {
        let Some(record) = found.records.get(&draft.key) else {
            return;
        };
        let wanted = Spec::of(flag, &self.environment.name);
        if record.has_spec(&wanted.digest()) {
            return;
        }
        let (live, wanted) = (record.spec.as_json(), wanted.as_json().clone());
        for (field, value) in live
            .iter()
            .filter(|(field, value)| wanted.get(*field) != Some(value))
        {
            let becomes = wanted
                .get(field)
                .map_or("nothing".to_owned(), ToString::to_string);
            let reason = format!("{value} becomes {becomes}, so an apply needs `--adopt`");
            imported.lose(&draft.key, format!("{}.{field}", draft.path), reason);
        }
    }
}
