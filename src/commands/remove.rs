//! `hoist remove`

use std::io;

use super::amending::Amending;
use super::promote::refused;
use super::site::once_each;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Global, OperatorFormat, Remove as Args};
use crate::report::authored::{self, References, Removed};
use crate::{amend, report, source};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let mut amending = Amending::open(&workspace)?;
    let keys = once_each(&args.flags);
    // Before anything is taken out, while all of them have their lines.
    let places: Vec<_> = keys
        .iter()
        .map(|key| Ok(amending.source(amending.flag(key)?)))
        .collect::<Result<_, Failure>>()?;
    let mut removed = Vec::new();
    for (key, source) in keys.iter().zip(places) {
        let file_removed = take_out(&mut amending, key)?;
        removed.push(Removed {
            flag: key.clone(),
            source,
            file_removed,
            references: None,
        });
    }
    let found = amending.judge(colors)?;
    look_for_references(&workspace, args, &mut removed)?;
    let diff = args.dry_run.then(|| amending.diff_text());
    if !args.dry_run {
        amending.write()?;
    }
    if !found.is_empty() && !global.quiet {
        amending.show(&found, colors)?;
    }
    if args.format == OperatorFormat::Json {
        let json = authored::removed_json(&removed, !args.dry_run, &found, diff.as_deref());
        print(|out| report::write_json(out, &json))?;
        return Ok(Ending::Done);
    }
    if args.dry_run {
        print(|out| amending.diff(colors, out))?;
        authored::references(&mut io::stderr().lock(), &removed).map_err(Failure::output)?;
        return Ok(Ending::Done);
    }
    print(|out| {
        authored::removed_human(out, &removed)?;
        if !global.quiet {
            writeln!(
                out,
                "\nNext: `hoist plan` shows what an apply deletes from a store."
            )?;
        }
        Ok(())
    })?;
    Ok(Ending::Done)
}

/// Takes one flag out of the text of its file. True where nothing is left of the file.
fn take_out(amending: &mut Amending, key: &str) -> Result<bool, Failure> {
    let flag = amending.flag(key)?;
    let (file, place) = (flag.file, amending.place(flag));
    let text = amending.text(file)?;
    let left = amend::remove(&text, key);
    let mut left = left.map_err(|refusal| refused(&refusal, key, &place))?;
    if left.is_none() && amending.is_link(file) {
        // What the link leads to may be a file of others.
        left = Some("flags: {}\n".to_owned());
    }
    let file_removed = left.is_none();
    amending.change(file, left)?;
    Ok(file_removed)
}

fn look_for_references(
    workspace: &Workspace<'_>,
    args: &Args,
    removed: &mut [Removed],
) -> Result<(), Failure> {
    if args.src.is_empty() {
        return Ok(());
    }
    let roots: Vec<_> = args
        .src
        .iter()
        .map(|directory| workspace.here.join(directory))
        .collect();
    let keys: Vec<&str> = removed.iter().map(|removed| &*removed.flag).collect();
    let flags = workspace.flags_directory();
    let mut found = source::references(&roots, &flags, &keys, &workspace.here)?;
    for removed in removed {
        let named = found.remove(&removed.flag).unwrap_or_default();
        removed.references = Some(References {
            count: named.count,
            places: named.places,
        });
    }
    Ok(())
}
