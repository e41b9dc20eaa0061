//! `hoist new`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::amending::Amending;
use super::commit::actor;
use super::promote::refused;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::amend::{self, NewFlag};
use crate::cli::{Global, New as Args, OperatorFormat};
use crate::diagnostic::FileId;
use crate::git;
use crate::model::Expiry;
use crate::report;
use crate::report::authored::{self, Added};
use crate::rules::change::is_on;
use crate::{secret, source};

mod key;
mod place;
mod shape;

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let mut amending = Amending::open(&workspace)?;
    key::check(&args.flag, &amending)?;
    let notes = key::check_past(&args.flag, &workspace, args.reuse)?;
    let flag = flag(args, &workspace, &amending)?;
    let file = put_in(&mut amending, &workspace, args, &flag, colors)?;
    let found = amending.judge(colors)?;
    let written = amending.flag(&args.flag)?;
    let (source, span) = (amending.source(written), written.span);
    let text = amending.text(file)?;
    let text = lines_of(&text, span.range());
    let text = secret::mask(&text);
    let diff = args.dry_run.then(|| amending.diff_text());
    if !args.dry_run {
        amending.write()?;
    }
    if !global.quiet {
        for note in &notes {
            // Nobody to tell is no reason to fail.
            let _ = writeln!(io::stderr(), "note: {note}");
        }
        if !found.is_empty() {
            amending.show(&found, colors)?;
        }
    }
    let added = Added {
        flag: &args.flag,
        source: &source,
        text: &text,
        written: !args.dry_run,
        found: &found,
        notes: &notes,
        diff: diff.as_deref(),
    };
    print(|out| match args.format {
        OperatorFormat::Json => report::write_json(out, &authored::added_json(&added)),
        OperatorFormat::Human if args.dry_run => amending.diff(colors, out),
        OperatorFormat::Human => {
            authored::added_human(out, &added)?;
            if !global.quiet {
                next_steps(out, args)?;
            }
            Ok(())
        }
    })?;
    Ok(Ending::Done)
}

fn next_steps(out: &mut dyn Write, args: &Args) -> io::Result<()> {
    let described = match args.description {
        Some(_) => "",
        None => "say in `description` what it changes for users, ",
    };
    writeln!(
        out,
        "\nNext: {described}ask for `{}` in code, and turn it on with `enabled: true`; `hoist plan` shows what an apply would do.",
        args.flag
    )
}

/// The lines on which `range` is, without the line break behind.
fn lines_of(text: &str, range: std::ops::Range<usize>) -> String {
    let start = text
        .get(..range.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |end| end + 1);
    let lines = text.get(start..range.end).unwrap_or_default();
    lines.trim_end().to_owned()
}

/// What the flag is to say.
fn flag(args: &Args, workspace: &Workspace<'_>, amending: &Amending) -> Result<NewFlag, Failure> {
    let settings = &amending.settings;
    let limits = &settings.context.limits;
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let owner = given(&args.owner)
        .or_else(|| git::user_name(&workspace.root))
        .or_else(actor);
    if owner.is_none() && is_on(&settings.levels, "missing-owner") {
        return Err(Failure::impossible(
            "nobody knows who owns the flag: git has no user.name here",
        )
        .hint("pass `--owner NAME`, the team that decides about it"));
    }
    let is_experiment = args.experiment || !args.variants.is_empty();
    let days = match is_experiment {
        true => limits.max_experiment_days,
        false => limits.max_flag_age_days,
    };
    let today = settings.context.today;
    let expires = args.expiry(today, days);
    let lives = match expires {
        Expiry::On(date) => today.until(date).map_or(0, |span| span.get_days()),
        Expiry::Never => i32::MAX,
    };
    let shape = shape::of(args, limits, lives)?;
    Ok(NewFlag {
        key: args.flag.clone(),
        description: Some(given(&args.description).unwrap_or_else(|| key::in_words(&args.flag))),
        owner,
        created: today,
        expires,
        shape,
    })
}

/// Puts the flag into the file where it belongs.
fn put_in(
    amending: &mut Amending,
    workspace: &Workspace<'_>,
    args: &Args,
    flag: &NewFlag,
    colors: Colors,
) -> Result<FileId, Failure> {
    let path = match &args.file {
        Some(file) => place::named(workspace, file)?,
        None => match place::choose(amending, &args.flag) {
            Some(file) => return insert(amending, file, flag, colors),
            None => workspace
                .flags_directory()
                .join(format!("{}.yaml", args.flag)),
        },
    };
    if let Some(file) = place::file_at(amending, &path) {
        return insert(amending, file, flag, colors);
    }
    let name = source::display_name(&path, &workspace.here);
    let text = amend::file_of(flag, &modeline(workspace, &path));
    Ok(amending.create(path, &name, text))
}

fn insert(
    amending: &mut Amending,
    file: FileId,
    flag: &NewFlag,
    colors: Colors,
) -> Result<FileId, Failure> {
    amending.refuse_unread(file, colors)?;
    let text = amending.text(file)?;
    let amended = amend::insert(&text, flag);
    let name = amending.files().name(file).to_owned();
    let amended = amended.map_err(|refusal| refused(&refusal, &flag.key, &name))?;
    amending.change(file, Some(amended.text))?;
    Ok(file)
}

/// What tells editors of the schema, if it lies where `hoist init` puts it.
fn modeline(workspace: &Workspace<'_>, path: &Path) -> String {
    let schema: PathBuf = workspace.root.join("schema/flags.schema.json");
    let folder = path.parent().unwrap_or(Path::new(""));
    match pathdiff::diff_paths(&schema, folder).filter(|_| schema.is_file()) {
        Some(way) => {
            let way = way.to_string_lossy().replace('\\', "/");
            format!("# yaml-language-server: $schema={way}\n")
        }
        None => String::new(),
    }
}
