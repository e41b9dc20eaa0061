//! `hoist refs`

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, print};
use crate::cli::{Global, Refs as Args, RefsFormat};
use crate::diagnostic::{Diagnostic, Files, Location, Severity, Span, did_you_mean};
use crate::model::Flag;
use crate::plan::Source;
use crate::report::refs::{self, Call, Named, Place, Refs};
use crate::report::{self, Lint};
use crate::source::{self, CodeSearch, Searched};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let roots = roots(&workspace, &args.src)?;
    let mut flag_set = FlagSet::load(&workspace)?;
    flag_set.refuse_errors(true, colors, "searched for")?;
    let flags = sorted(&flag_set);
    let keys: Vec<&str> = flags.iter().map(|flag| &*flag.key.value).collect();
    let chosen = chosen(&keys, &args.flags)?;
    let searched = search(&workspace, &roots, &keys)?;
    let is_chosen = |index: usize| chosen.is_empty() || chosen.contains(&index);
    let named = (0..).zip(&flags).filter(|(index, _)| is_chosen(*index));
    let named: Vec<Named> = named
        .map(|(index, flag)| named_flag(flag, &flag_set, &searched, index))
        .collect();
    let calls = if args.flags.is_empty() {
        calls(&searched, &keys)
    } else {
        Vec::new()
    };
    let everything = !args.unused && !args.unknown;
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    if everything || args.unused {
        let unused = flags.iter().zip(&searched.uses).enumerate();
        let unused = unused.filter(|(index, (_, uses))| uses.is_empty() && is_chosen(*index));
        diagnostics.extend(unused.map(|(_, (flag, _))| unused_flag(flag, args.deny_unused)));
    }
    let mut files = std::mem::take(&mut flag_set.found);
    files.load_texts(&diagnostics);
    let mut files = files.files;
    if everything || args.unknown {
        diagnostics.extend(unknown_keys(
            &searched,
            &calls,
            &mut files,
            args.deny_unknown,
        ));
    }
    let refs = Refs {
        directories: &roots
            .iter()
            .map(|root| source::display_name(root, &workspace.here))
            .collect::<Vec<_>>(),
        searched: searched.searched,
        flags: &named,
        calls: &calls,
        show_uses: everything,
        show_unused: everything || args.unused,
        show_unknown: (everything || args.unknown) && args.flags.is_empty(),
        lint: Lint {
            files: &files,
            checked: searched.searched,
            flags: named.len(),
            diagnostics: &diagnostics,
            unread: &searched.unread,
        },
    };
    show(&refs, args.format, &workspace, colors)?;
    if let Some(failure) = Failure::unread(&searched.unread) {
        return Err(failure);
    }
    let bad = (args.deny_unused && refs.unused() > 0) || (args.deny_unknown && !calls.is_empty());
    Ok(if bad { Ending::No } else { Ending::Done })
}

fn show(
    refs: &Refs<'_>,
    format: RefsFormat,
    workspace: &Workspace<'_>,
    colors: Colors,
) -> Result<(), Failure> {
    let root = workspace.repository();
    print(|out| match format {
        RefsFormat::Human => refs::human(out, refs, colors.stdout),
        RefsFormat::Json => report::write_json(out, &refs::json(refs)),
        RefsFormat::Sarif => report::sarif::refs(&refs.lint, &root, out),
        RefsFormat::Github => report::github::lint(&refs.lint, &root, out),
    })
}

/// Directories of code, each once: those of the command line, or else of hoist.toml.
pub(super) fn given_roots(workspace: &Workspace<'_>, src: &[PathBuf]) -> Vec<PathBuf> {
    let (start, paths) = match src {
        [] => (&workspace.root, workspace.config.refs.src.as_slice()),
        src => (&workspace.here, src),
    };
    let mut roots: Vec<PathBuf> = Vec::new();
    for root in paths.iter().map(|path| start.join(path)) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

fn roots(workspace: &Workspace<'_>, src: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let roots = given_roots(workspace, src);
    if roots.is_empty() {
        return Err(Failure::impossible("which code is to be looked through?")
            .hint("pass `--src DIR`, or set `src` under `[refs]` in hoist.toml"));
    }
    Ok(roots)
}

/// Looks through the code for `keys`.
pub(super) fn search(
    workspace: &Workspace<'_>,
    roots: &[PathBuf],
    keys: &[&str],
) -> Result<Searched, Failure> {
    let refs = &workspace.config.refs;
    let searched = source::search(&CodeSearch {
        roots,
        except: &workspace.flags_directory(),
        here: &workspace.here,
        keys,
        aliases: &refs.aliases,
        patterns: &refs.patterns,
    });
    searched.map_err(|error| match error {
        source::Error::Missing(_) => Failure::impossible(error.to_string())
            .hint("`--src DIR`, or `src` under `[refs]` in hoist.toml, says where the code is"),
        error => error.into(),
    })
}

/// By key.
fn sorted(flag_set: &FlagSet) -> Vec<Flag> {
    let mut flags: Vec<Flag> = flag_set.flags().cloned().collect();
    flags.sort_by(|one, other| one.key.value.cmp(&other.key.value));
    flags
}

/// Places of the named flags among all.
fn chosen(keys: &[&str], names: &[String]) -> Result<Vec<usize>, Failure> {
    let index = |name: &String| {
        keys.iter().position(|key| key == name).ok_or_else(|| {
            let failure = Failure::impossible(format!("there is no flag `{name}`"));
            failure.hint(match did_you_mean(name, keys.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the flag files have {} others", keys.len()),
            })
        })
    };
    names.iter().map(index).collect()
}

fn named_flag(flag: &Flag, flag_set: &FlagSet, searched: &Searched, index: usize) -> Named {
    let uses = searched.uses.get(index).map_or(&[][..], Vec::as_slice);
    Named {
        flag: flag.key.value.to_string(),
        source: Source {
            file: flag_set.found.files.name(flag.file).into(),
            line: flag.line,
        },
        places: uses
            .iter()
            .map(|found| Place {
                file: file_name(searched, found.file),
                line: found.place.line,
                column: found.place.column,
                form: found.form.as_str(),
            })
            .collect(),
    }
}

fn file_name(searched: &Searched, file: usize) -> Arc<str> {
    let file = searched.files.get(file);
    file.map_or("", |file| file.name.as_str()).into()
}

/// Calls with a key that no flag has, and what may be meant.
fn calls(searched: &Searched, keys: &[&str]) -> Vec<Call> {
    let mut meant: HashMap<&str, Option<&str>> = HashMap::new();
    let strays = searched.strays.iter();
    strays
        .map(|stray| {
            let suggest = || did_you_mean(&stray.key, keys.iter().copied());
            let meant = meant.entry(&stray.key).or_insert_with(suggest);
            Call {
                key: stray.key.clone(),
                meant: meant.map(str::to_owned),
                file: file_name(searched, stray.file),
                line: stray.place.line,
                column: stray.place.column,
            }
        })
        .collect()
}

fn severity(denied: bool) -> Severity {
    if denied {
        Severity::Error
    } else {
        Severity::Warning
    }
}

fn unused_flag(flag: &Flag, denied: bool) -> Diagnostic {
    let key = &flag.key.value;
    let mut found = Diagnostic::new(
        refs::UNUSED_FLAG.id,
        flag.at(flag.key.span),
        format!("no code refers to flag `{key}`"),
    )
    .with_help("remove it, or say in `[refs]` of hoist.toml how code names it")
    .with_severity(severity(denied));
    found.flag = Some(key.to_string().into());
    found
}

/// The calls as findings. The files that they stand in join `files`.
fn unknown_keys(
    searched: &Searched,
    calls: &[Call],
    files: &mut Files,
    denied: bool,
) -> Vec<Diagnostic> {
    let mut ids = HashMap::new();
    let mut found = Vec::with_capacity(calls.len());
    for (stray, call) in searched.strays.iter().zip(calls) {
        let file = *ids.entry(stray.file).or_insert_with(|| {
            let file = searched.files.get(stray.file);
            // It was read a moment ago; without its text it is shown by name only.
            let bytes = file.and_then(|file| source::read_bounded(&file.path).ok());
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            files.add(&*call.file, text.map(Arc::from))
        });
        let (start, end) = (stray.place.offset, stray.place.offset + stray.key.len());
        let location = Location {
            file,
            span: Span::new(start, end),
        };
        let message = format!("no flag has the key `{}`", stray.key);
        let help = match &call.meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write a flag of this key, or remove the call".to_owned(),
        };
        found.push(
            Diagnostic::new(refs::UNKNOWN_KEY.id, location, message)
                .with_help(help)
                .with_severity(severity(denied)),
        );
    }
    found
}
