//! Where code names flags: their keys between quotes, what hoist.toml says they are called besides, and
//! calls of clients whose key no flag has.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Error;

mod calls;
mod forms;
mod scan;
#[cfg(test)]
mod tests;
mod walk;

pub use forms::{Alias, CodePattern};
use scan::Finder;

/// What is searched for, and where.
#[derive(Clone, Copy, Debug)]
pub struct CodeSearch<'a> {
    /// Directories or files.
    pub roots: &'a [PathBuf],
    /// A directory that is passed over: that of the flag files.
    pub except: &'a Path,
    /// Names of files are shown relative to this one.
    pub here: &'a Path,
    pub keys: &'a [&'a str],
    /// What keys are called in code, besides their names between quotes.
    pub aliases: &'a [Alias],
    pub patterns: &'a [CodePattern],
}

/// What was found.
#[derive(Debug, Default)]
pub struct Searched {
    /// Files with something in them, by name as people see it.
    pub files: Vec<CodeFile>,
    /// How many files were looked through.
    pub searched: usize,
    /// For each key, in the order in which they were given: by file, and by place in it.
    pub uses: Vec<Vec<Use>>,
    /// By file, and by place in it.
    pub strays: Vec<Stray>,
    /// What could not be listed or read.
    pub unread: Vec<Error>,
}

/// A file of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFile {
    /// As people see it.
    pub name: String,
    pub path: PathBuf,
}

/// A place that names a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Index into [`Searched::files`].
    pub file: usize,
    pub place: Place,
    pub form: Form,
}

/// Where in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// In bytes, from 0.
    pub offset: usize,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// How a flag is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By its key between quotes.
    Quoted,
    Alias(Alias),
    /// As a pattern of hoist.toml has it.
    Pattern,
}

impl Form {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Alias(alias) => alias.as_str(),
            Self::Pattern => "pattern",
        }
    }
}

/// A key that code asks a client for, and that no flag has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Index into [`Searched::files`].
    pub file: usize,
    pub place: Place,
    pub key: String,
}

/// Looks through all code below the roots, several files at once. Hidden files, those that git ignores
/// or an `.ignore` file names, those without text, those past 8 MiB and the directory `except` are passed
/// over.
///
/// # Errors
/// Where there is no such root.
pub fn search(search: &CodeSearch<'_>) -> Result<Searched, Error> {
    let finder = Finder::new(search.keys, search.aliases, search.patterns);
    let walked = walk::files(search, &finder)?;
    let mut searched = Searched {
        searched: walked.looked_at,
        uses: vec![Vec::new(); search.keys.len()],
        unread: walked.unread,
        ..Searched::default()
    };
    for (file, hits) in walked.files {
        let index = searched.files.len();
        searched.files.push(file);
        for hit in hits.uses {
            if let Some(uses) = searched.uses.get_mut(hit.key) {
                uses.push(Use {
                    file: index,
                    place: hit.place,
                    form: hit.form,
                });
            }
        }
        let strays = hits.strays.into_iter().map(|(place, key)| Stray {
            file: index,
            place,
            key,
        });
        searched.strays.extend(strays);
    }
    Ok(searched)
}

/// Where a key is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The first few, by file and line: `src/search.py:12`.
    pub places: Vec<String>,
    pub count: usize,
}

/// So many places are kept of a key.
const KEPT: usize = 3;

impl Searched {
    /// The key at `index`, in short.
    #[must_use]
    pub fn named(&self, index: usize) -> Named {
        let uses = self.uses.get(index).map_or(&[][..], Vec::as_slice);
        let place = |found: &Use| {
            let file = self.files.get(found.file).map_or("", |file| &file.name);
            format!("{file}:{}", found.place.line)
        };
        Named {
            places: uses.iter().take(KEPT).map(place).collect(),
            count: uses.len(),
        }
    }
}

/// Where the code below `roots` names each of `keys` between quotes; keys that it does not name are left
/// out.
///
/// # Errors
/// Where there is no such directory, or it cannot be listed.
pub fn references(
    roots: &[PathBuf],
    except: &Path,
    keys: &[&str],
    here: &Path,
) -> Result<HashMap<String, Named>, Error> {
    let searched = search(&CodeSearch {
        roots,
        except,
        here,
        keys,
        aliases: &[],
        patterns: &[],
    })?;
    let named = keys.iter().enumerate().filter_map(|(index, key)| {
        let named = searched.named(index);
        (named.count > 0).then(|| ((*key).to_owned(), named))
    });
    let named = named.collect();
    let unlisted = |error: &Error| matches!(error, Error::Unlistable { .. });
    match searched.unread.into_iter().find(unlisted) {
        Some(error) => Err(error),
        None => Ok(named),
    }
}
