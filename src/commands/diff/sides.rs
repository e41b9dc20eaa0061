//! Both states of the flag files, as far as they differ.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::revisions::Revisions;
use crate::commands::Failure;
use crate::commands::workspace::Workspace;
use crate::diagnostic::{Diagnostic, FileId, Files, LineIndex, Location, Severity};
use crate::git::{Repository, Revision, Tree};
use crate::plan::Source;
use crate::plan::diff::{FlagChange, State};
use crate::rules::change::keys;
use crate::rules::{self, Check, Checked, Rule, Settings, Suppressions};
use crate::source;

/// Files that are the same on both sides are not parsed: what is in them is no change.
#[derive(Debug, Default)]
pub struct Sides {
    files: Files,
    /// By path.
    old: Vec<File>,
    new: Vec<File>,
    /// Flags in files that are the same on both sides.
    pub untouched: usize,
    /// How many files there are on the new side.
    pub checked: usize,
    /// Errors in the files of the new side that are not the same on the old one.
    pub errors: Vec<Diagnostic>,
    pub notes: Vec<String>,
}

/// A file that was read and checked.
#[derive(Debug)]
struct File {
    /// Within the repository.
    path: Vec<u8>,
    bytes: Bytes,
    checked: Checked,
    /// The text of a file that could not be read whole.
    broken: Option<String>,
}

type Bytes = Arc<[u8]>;

/// One side before anything is parsed.
#[derive(Debug, Default)]
struct Listing {
    /// Content by path within the repository.
    contents: BTreeMap<Vec<u8>, Bytes>,
    /// Files that are not read, and why.
    refused: Vec<(String, Diagnostic)>,
}

impl Sides {
    pub fn load(
        repository: &Repository,
        workspace: &Workspace<'_>,
        revisions: &Revisions,
    ) -> Result<Self, Failure> {
        let mut sides = Self::default();
        let trees: Vec<(&Revision, Tree)> = [Some(&revisions.base), revisions.head.as_ref()]
            .into_par_iter()
            .flatten()
            .map(|revision| Ok((revision, repository.tree(revision)?)))
            .collect::<Result<_, Failure>>()?;
        let is_nowhere = trees.iter().all(|(_, tree)| !tree.found);
        if is_nowhere && (revisions.head.is_some() || !workspace.flags_directory().is_dir()) {
            return Err(Failure::impossible(format!(
                "there is no directory `{}` on either side",
                repository.flags()
            ))
            .hint("run it where hoist.toml is, or name that place with `-C DIR`"));
        }
        for (revision, tree) in trees.iter().filter(|(_, tree)| !tree.found) {
            sides.notes.push(format!(
                "there is no directory `{}` at {}",
                repository.flags(),
                revision.name
            ));
            debug_assert!(tree.files.is_empty(), "{revision:?}");
        }
        let name = |path: &[u8]| source::display_name(&repository.path(path), &workspace.here);
        let mut listings = committed(repository, &trees, &name)?.into_iter();
        let old = listings.next().unwrap_or_default();
        let new = match listings.next() {
            Some(listing) => listing,
            None => in_work_tree(repository, workspace)?,
        };
        let base = &revisions.base.name;
        let old_name = |path: &[u8]| format!("{base}:{}", name(path));
        sides.read(old, new, &workspace.lint_settings(), old_name, name);
        sides.note_broken();
        Ok(sides)
    }

    /// Parses what differs.
    fn read(
        &mut self,
        old: Listing,
        new: Listing,
        settings: &Settings,
        old_name: impl Fn(&[u8]) -> String,
        new_name: impl Fn(&[u8]) -> String,
    ) {
        self.checked = new.contents.len();
        for (name, mut refused) in new.refused {
            refused.location.file = self.files.add(name, None);
            self.errors.push(refused);
        }
        let (mut same, mut differ) = (Vec::new(), [Vec::new(), Vec::new()]);
        let [old_differs, new_differs] = &mut differ;
        let mut before = old.contents;
        for (path, bytes) in new.contents {
            match before.remove(&path) {
                Some(was) if was == bytes => same.push((path, bytes)),
                was => {
                    old_differs.extend(was.map(|was| (path.clone(), was)));
                    new_differs.push((path, bytes));
                }
            }
        }
        old_differs.extend(before);
        let [old_differs, new_differs] = differ;
        self.old = self.check(old_differs, settings, &old_name);
        self.new = self.check(new_differs, settings, &new_name);

        // A key that stands in a file that is the same as well is there twice on one side.
        let touched: HashSet<&str> = self
            .old
            .iter()
            .chain(&self.new)
            .flat_map(File::keys)
            .collect();
        let counted: Vec<_> = same
            .into_par_iter()
            .map(|(path, bytes)| {
                let keys = keys(&bytes);
                let twice = keys.iter().any(|key| touched.contains(&**key));
                (path, bytes, keys.len(), twice)
            })
            .collect();
        drop(touched);
        let mut twice = Vec::new();
        for (path, bytes, count, is_twice) in counted {
            if is_twice {
                twice.push((path, bytes));
            } else {
                self.untouched += count;
            }
        }
        let old = self.check(twice.clone(), settings, &old_name);
        let new = self.check(twice, settings, &new_name);
        self.old.extend(old);
        self.new.extend(new);
        for side in [&mut self.old, &mut self.new] {
            side.sort_by(|a, b| a.path.cmp(&b.path));
        }
        self.collect_errors(settings);
    }

    fn check(
        &mut self,
        contents: Vec<(Vec<u8>, Bytes)>,
        settings: &Settings,
        name: impl Fn(&[u8]) -> String,
    ) -> Vec<File> {
        let named: Vec<_> = contents
            .into_iter()
            .map(|(path, bytes)| (self.files.add(name(&path), None), path, bytes))
            .collect();
        named
            .into_par_iter()
            .map(|(file, path, bytes)| {
                let checked = rules::check_file(file, &bytes, settings);
                let broken =
                    is_broken(&checked).then(|| String::from_utf8_lossy(&bytes).into_owned());
                File {
                    path,
                    bytes,
                    checked,
                    broken,
                }
            })
            .collect()
    }

    /// What is wrong with the flag files of the new side, and would stop a sync.
    fn collect_errors(&mut self, settings: &Settings) {
        let checked: Vec<Checked> = self
            .new
            .iter_mut()
            .map(|file| std::mem::take(&mut file.checked))
            .collect();
        // Of the rules that look at all flags this one alone makes sense for some of them.
        let twice = rules::check_set(&checked, &self.files, settings).into_iter();
        self.errors
            .extend(twice.filter(|found| found.rule == "duplicate-flag"));
        for (file, checked) in self.new.iter_mut().zip(checked) {
            let errors = checked.diagnostics.iter();
            let errors = errors.filter(|found| found.severity == Severity::Error);
            self.errors.extend(errors.cloned());
            file.checked = checked;
        }
    }

    /// Says which files of the old side could not be read, since nobody asks for their errors.
    fn note_broken(&mut self) {
        for file in self.old.iter().filter(|file| file.broken.is_some()) {
            let mut found = file.checked.diagnostics.iter();
            let why = found.find(|found| found.severity == Severity::Error);
            let text = String::from_utf8_lossy(&file.bytes);
            let why = why.map_or_else(String::new, |why| {
                let line = LineIndex::new(&text).line(why.location.span.start);
                format!(", line {line}: {}", why.message)
            });
            let name = self.files.name(file.checked.file);
            self.notes
                .push(format!("`{name}` could not be read whole{why}"));
        }
    }

    pub fn before(&self) -> State<'_> {
        state(&self.old)
    }

    pub fn after(&self) -> State<'_> {
        state(&self.new)
    }

    /// What comments silence on the new side.
    pub fn suppressions(&self) -> HashMap<FileId, &Suppressions> {
        let files = self.new.iter().map(|file| &file.checked);
        files
            .map(|checked| (checked.file, &checked.suppressions))
            .collect()
    }

    /// Where a flag stands, or stood.
    pub fn source(&self, change: &FlagChange<'_>) -> Option<Source> {
        let flag = change.new.or(change.old)?;
        Some(Source {
            file: self.files.name(flag.file).into(),
            line: flag.line,
        })
    }

    /// The files within the repository that a flag stands in, or stood in.
    pub fn paths(&self, change: &FlagChange<'_>) -> impl Iterator<Item = &[u8]> {
        let sides = [(&self.old, change.old), (&self.new, change.new)];
        sides.into_iter().filter_map(|(files, flag)| {
            let file = flag?.file;
            let file = files.iter().find(|side| side.checked.file == file)?;
            Some(&file.path[..])
        })
    }

    /// The files, with the texts that `diagnostics` point into.
    pub fn files(&self, diagnostics: &[Diagnostic]) -> Files {
        let mut files = self.files.clone();
        let texts: HashMap<FileId, &Bytes> = self
            .old
            .iter()
            .chain(&self.new)
            .map(|file| (file.checked.file, &file.bytes))
            .collect();
        let related = |found: &Diagnostic| -> Vec<FileId> {
            let places = found.related.iter().map(|related| related.location.file);
            places.chain([found.location.file]).collect()
        };
        for id in diagnostics.iter().flat_map(related) {
            if let Some(bytes) = texts.get(&id)
                && files.text(id).is_none()
            {
                files.show(id, String::from_utf8_lossy(bytes).into());
            }
        }
        files
    }
}

impl File {
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.checked.flags.iter().map(|flag| &*flag.key.value)
    }
}

fn state(files: &[File]) -> State<'_> {
    State {
        flags: files.iter().flat_map(|file| &file.checked.flags).collect(),
        broken: files
            .iter()
            .filter_map(|file| file.broken.as_deref())
            .collect(),
    }
}

/// Whether there may be more in a file than the flags that were read.
fn is_broken(checked: &Checked) -> bool {
    let unread = |found: &Diagnostic| {
        let rule = Rule::find(found.rule);
        found.severity == Severity::Error
            && rule.is_some_and(|rule| matches!(rule.check, Check::Reader))
    };
    checked.flags.iter().any(|flag| !flag.complete) || checked.diagnostics.iter().any(unread)
}

/// The flag files of commits. What is the same in both is read once.
fn committed(
    repository: &Repository,
    trees: &[(&Revision, Tree)],
    name: &impl Fn(&[u8]) -> String,
) -> Result<Vec<Listing>, Failure> {
    let files = || trees.iter().flat_map(|(_, tree)| &tree.files);
    let mut ids: Vec<&str> = files().map(|file| file.blob.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut blobs: HashMap<&str, Bytes> = HashMap::with_capacity(ids.len());
    repository.blobs(&ids, |blob| {
        if let Some(id) = ids.get(blob.index) {
            blobs.insert(id, blob.bytes.into());
        }
    })?;
    let listing = |tree: &Tree| Listing {
        contents: tree
            .files
            .iter()
            .filter_map(|file| Some((file.path.clone(), Arc::clone(blobs.get(&*file.blob)?))))
            .collect(),
        refused: tree
            .astray
            .iter()
            .map(|path| (name(path), astray()))
            .collect(),
    };
    Ok(trees.iter().map(|(_, tree)| listing(tree)).collect())
}

fn astray() -> Diagnostic {
    let message = "this link leads out of the flags directory, or to nothing";
    Diagnostic::new("unsafe-yaml", Location::default(), message)
        .with_help("put the file itself here: what is applied must be what was reviewed")
}

/// The flag files as they lie there now.
fn in_work_tree(repository: &Repository, workspace: &Workspace<'_>) -> Result<Listing, Failure> {
    let directory = workspace.flags_directory();
    let mut found = source::find(std::slice::from_ref(&directory), &workspace.here);
    let contents = found.read(|_, bytes| Bytes::from(bytes), || ());
    if let Some(failure) = Failure::unread(&found.unread) {
        return Err(failure);
    }
    let within = |path: &std::path::Path| {
        let rest = path.strip_prefix(&directory).unwrap_or(path);
        repository.within_flags(rest)
    };
    let paths = found.paths.iter().map(|path| within(path));
    let refused = std::mem::take(&mut found.diagnostics);
    Ok(Listing {
        contents: paths.zip(contents).collect(),
        refused: refused
            .into_iter()
            .map(|refused| (found.files.name(refused.location.file).to_owned(), refused))
            .collect(),
    })
}
