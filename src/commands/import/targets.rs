//! Where flags go, and what is there already.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::cli::Import as Args;
use crate::commands::Failure;
use crate::commands::flagset::FlagSet;
use crate::commands::workspace::Workspace;
use crate::exchange::{Draft, flag_file};
use crate::report::exchange::Written;
use crate::source::{self, display_name};
use crate::yaml::MAX_BYTES;

/// The flags of the flag set, by key.
pub(super) struct Existing {
    flags: BTreeMap<String, At>,
    /// Where files may be replaced.
    roots: Vec<PathBuf>,
}

struct At {
    path: PathBuf,
    /// As people see it.
    name: String,
    line: u32,
}

impl Existing {
    pub(super) fn new(flag_set: &FlagSet) -> Self {
        let found = &flag_set.found;
        let flags = flag_set.flags().filter_map(|flag| {
            let at = At {
                path: real(found.paths.get(flag.file.0 as usize)?),
                name: found.files.name(flag.file).to_owned(),
                line: flag.line,
            };
            Some((flag.key.value.to_string(), at))
        });
        Self {
            flags: flags.collect(),
            roots: flag_set.directories.clone(),
        }
    }

    /// File and line of a flag that is not written anew.
    pub(super) fn keeps(&self, key: &str, targets: &Targets) -> Option<(String, u32)> {
        let at = self.flags.get(key)?;
        let replaced = targets.overwrite && real(&targets.path_of(key)) == at.path;
        (!replaced).then(|| (at.name.clone(), at.line))
    }

    /// Flags of a file.
    fn of<'e>(&'e self, path: &'e Path) -> impl Iterator<Item = &'e str> {
        let there = self.flags.iter().filter(move |(_, at)| at.path == path);
        there.map(|(key, _)| key.as_str())
    }
}

/// Where flags are written.
pub(super) struct Targets {
    /// One file for all.
    into: Option<PathBuf>,
    directory: PathBuf,
    here: PathBuf,
    overwrite: bool,
}

impl Targets {
    /// # Errors
    /// Where the one file would not be read as a flag file.
    pub(super) fn new(workspace: &Workspace<'_>, args: &Args) -> Result<Self, Failure> {
        let directory = workspace.flags_directory();
        let into = args.into.as_ref().map(|file| workspace.here.join(file));
        if let Some(into) = &into {
            let extension = into.extension().and_then(|extension| extension.to_str());
            let is_yaml = matches!(extension, Some("yaml" | "yml"));
            let below = plain(into)
                .strip_prefix(plain(&directory))
                .map(Path::to_owned);
            let hidden = |part: &std::ffi::OsStr| part.to_string_lossy().starts_with('.');
            let is_read = below.is_ok_and(|below| !below.iter().any(hidden));
            if !is_yaml || !is_read {
                let name = display_name(into, &workspace.here);
                let directory = display_name(&directory, &workspace.here);
                return Err(
                    Failure::impossible(format!("`{name}` would be read by nobody")).hint(format!(
                        "flag files end in .yaml or .yml and lie below `{directory}`"
                    )),
                );
            }
        }
        Ok(Self {
            into,
            directory,
            here: workspace.here.clone(),
            overwrite: args.overwrite,
        })
    }

    fn path_of(&self, key: &str) -> PathBuf {
        let own = || self.directory.join(format!("{key}.yaml"));
        self.into.clone().unwrap_or_else(own)
    }

    /// The files with the flags of `drafts`, by name.
    ///
    /// # Errors
    /// Where something is there that is to stay.
    pub(super) fn files(
        &self,
        drafts: &[Draft],
        existing: &Existing,
    ) -> Result<Vec<Written>, Failure> {
        let mut by_path: BTreeMap<PathBuf, Vec<&Draft>> = BTreeMap::new();
        for draft in drafts {
            by_path
                .entry(self.path_of(&draft.key))
                .or_default()
                .push(draft);
        }
        let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
        let there: Vec<&PathBuf> = by_path.keys().filter(|path| is_there(path)).collect();
        if !self.overwrite && !there.is_empty() {
            let names: Vec<String> = there
                .iter()
                .map(|path| display_name(path, &self.here))
                .collect();
            return Err(Failure::refused(format!("there is already {}", names.join(", "))).hint(
                "nothing was written: name another file with `--into FILE`, or pass `--overwrite`",
            ));
        }
        for path in there {
            let path_there = real(path);
            let written = by_path.get(path).map(Vec::as_slice).unwrap_or_default();
            let mut others = existing.of(&path_there);
            if let Some(lost) = others.find(|key| written.iter().all(|draft| draft.key != **key)) {
                let name = display_name(path, &self.here);
                return Err(Failure::refused(format!(
                    "`{name}` holds `{lost}` too, which would be lost"
                ))
                .hint("nothing was written: name another file with `--into FILE`"));
            }
        }
        let file = |(path, drafts): (PathBuf, Vec<&Draft>)| Written {
            name: display_name(&path, &self.here),
            flags: drafts.iter().map(|draft| draft.key.clone()).collect(),
            text: flag_file(drafts),
            path,
        };
        let files: Vec<Written> = by_path.into_iter().map(file).collect();
        match files.iter().find(|file| file.text.len() > MAX_BYTES) {
            None => Ok(files),
            Some(file) => Err(Failure::impossible(format!(
                "`{}` would be larger than a flag file may be",
                file.name
            ))
            .hint("leave out `--into`: then each flag has a file of its own")),
        }
    }
}

/// Writes the files, the first that fails being the last.
pub(super) fn write(files: &[Written], existing: &Existing) -> Result<(), Failure> {
    for (at, file) in files.iter().enumerate() {
        let (path, name) = (&file.path, &file.name);
        let result = match fs::read(path) {
            Ok(before) => {
                source::replace(path, name, &existing.roots, &before, file.text.as_bytes())
            }
            Err(_) => source::create(path, name, file.text.as_bytes()),
        };
        if let Err(error) = result {
            let failure = Failure::impossible(error.to_string());
            return Err(match at {
                0 => failure.hint("nothing was written"),
                at => failure.hint(format!(
                    "{at} of {} files were written; run it again once this is mended: flags that are there stay",
                    files.len()
                )),
            });
        }
    }
    Ok(())
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| plain(path))
}

/// The path without `.` and `..`, with links followed in the part of it that exists.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    let there = plain.ancestors().find(|part| part.exists());
    let rest = there.and_then(|there| {
        Some((
            fs::canonicalize(there).ok()?,
            plain.strip_prefix(there).ok()?,
        ))
    });
    match rest {
        Some((there, rest)) if rest.as_os_str().is_empty() => there,
        Some((there, rest)) => there.join(rest),
        None => plain,
    }
}
