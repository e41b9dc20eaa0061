//! Reads git by running the `git` program: revisions, trees, blobs, history. Nothing is checked out,
//! and neither the index nor the work tree is written to.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::did_you_mean;

mod error;
mod history;
mod objects;
mod run;
mod tree;

pub use error::Error;
pub use history::{Changed, Commit, Scope};
pub use objects::Blob;
pub use tree::{FlagFile, Tree};

use run::{Git, first_line};

/// So many names of branches and tags are looked through for the one that was meant.
const MOST_REFS: usize = 10_000;

/// A repository, and where in it the flag files lie.
#[derive(Debug)]
pub struct Repository {
    git: Git,
    /// Top of the work tree; `None` in a bare repository.
    top: Option<PathBuf>,
    /// The flags directory within a tree, with `/`; empty for the root of the tree.
    flags: Vec<u8>,
    shallow: bool,
}

/// A commit, and what it was asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// As the user wrote it.
    pub name: String,
    /// Object id, in hexadecimal.
    pub id: String,
}

impl Repository {
    /// The repository that holds the directory `flags`, which need not be there now. `here` is where
    /// the program was started: a `GIT_DIR` in the environment, as hooks have it, speaks of that
    /// place.
    ///
    /// # Errors
    /// Where there is no repository, or git cannot be run.
    pub fn open(flags: &Path, here: &Path) -> Result<Self, Error> {
        let start = if std::env::var_os("GIT_DIR").is_some() {
            here.to_owned()
        } else {
            nearest_directory(flags).unwrap_or_else(|| here.to_owned())
        };
        let git = Git::new(start);
        let layout = Layout::read(&git).map_err(|error| error.outside_of(&git))?;
        let flags = match &layout.top {
            Some(top) => within(flags, top)?,
            None if layout.bare => within(flags, here)?,
            // Within `.git`.
            None => {
                let directory = git.directory().to_owned();
                return Err(Error::NoRepository { directory });
            }
        };
        Ok(Self {
            git,
            top: layout.top,
            flags,
            shallow: layout.shallow,
        })
    }

    /// Whether there are files beside what git keeps.
    #[must_use]
    pub fn has_work_tree(&self) -> bool {
        self.top.is_some()
    }

    /// Whether history is cut off.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Where a file of a tree lies, or would lie, in the work tree.
    #[must_use]
    pub fn path(&self, file: &[u8]) -> PathBuf {
        let file = PathBuf::from(os_string(file));
        self.top.as_ref().map_or(file.clone(), |top| top.join(file))
    }

    /// A path below the flags directory of the work tree, as a tree has it.
    #[must_use]
    pub fn within_flags(&self, path: &Path) -> Vec<u8> {
        let below = path
            .components()
            .map(|part| part.as_os_str().as_encoded_bytes());
        let flags = Some(&self.flags[..]).filter(|flags| !flags.is_empty());
        let parts: Vec<&[u8]> = flags.into_iter().chain(below).collect();
        parts.join(&b"/"[..])
    }

    /// The content of one file at its top; `None` where a commit has no such file.
    ///
    /// # Errors
    /// Where git cannot tell.
    pub fn file(&self, commit: &Revision, name: &str) -> Result<Option<String>, Error> {
        match self
            .git
            .read(&["cat-file", "blob", &format!("{}:{name}", commit.id)])
        {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(Error::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The flags directory within a tree, with `/`.
    #[must_use]
    pub fn flags(&self) -> String {
        String::from_utf8_lossy(&self.flags).into_owned()
    }

    /// The commit that `name` stands for: a branch, a tag, an id, `HEAD~2` …
    ///
    /// # Errors
    /// Where it stands for none.
    pub fn resolve(&self, name: &str) -> Result<Revision, Error> {
        let unknown = || self.unknown(name);
        if name.is_empty() || name.starts_with('-') || name.contains('\0') {
            return Err(unknown());
        }
        let verify = |what: &str| {
            let found =
                self.git
                    .read(&["rev-parse", "--verify", "--quiet", "--end-of-options", what])?;
            Ok(String::from_utf8_lossy(first_line(&found)).into_owned())
        };
        let id: Result<String, Error> = if name.starts_with(":/") {
            // Whatever follows is part of the text that is searched for.
            verify(name).and_then(|id| verify(&format!("{id}^{{commit}}")))
        } else {
            verify(&format!("{name}^{{commit}}"))
        };
        match id {
            Ok(id) if is_id(&id) => Ok(Revision {
                name: name.to_owned(),
                id,
            }),
            Ok(_) | Err(Error::Failed { .. }) => Err(unknown()),
            Err(error) => Err(error),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let refs = self
            .git
            .read(&["for-each-ref", "--format=%(refname:short)"])
            .unwrap_or_default();
        let refs = String::from_utf8_lossy(&refs);
        // Before the first commit `HEAD` itself stands for none.
        let known = || {
            let refs = refs.lines().take(MOST_REFS).chain(["HEAD"]);
            refs.filter(|known| *known != name)
        };
        // CI systems fetch `origin/main` without making a branch of it.
        let remote = known().find(|known| {
            known
                .split_once('/')
                .is_some_and(|(_, branch)| branch == name)
        });
        Error::UnknownRevision {
            name: name.to_owned(),
            suggestion: remote
                .or_else(|| did_you_mean(name, known()))
                .map(str::to_owned),
            shallow: self.shallow,
        }
    }

    /// Where the histories of two commits part.
    ///
    /// # Errors
    /// Where they have nothing in common.
    pub fn merge_base(&self, one: &Revision, other: &Revision) -> Result<Revision, Error> {
        match self.git.read(&["merge-base", &one.id, &other.id]) {
            Ok(found) => Ok(Revision {
                name: format!("{}...{}", one.name, other.name),
                id: String::from_utf8_lossy(first_line(&found)).into_owned(),
            }),
            Err(Error::Failed { said, .. }) if said.is_empty() => Err(Error::NoMergeBase {
                one: one.name.clone(),
                other: other.name.clone(),
                shallow: self.shallow,
            }),
            Err(error) => Err(error),
        }
    }
}

/// The commit that is checked out in `directory`, `-dirty` where files differ from it; none outside
/// git.
#[must_use]
pub fn describe(directory: &Path) -> Option<String> {
    let git = Git::new(directory.to_owned());
    let output = git.read(&[
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty",
        "--exclude=*",
    ]);
    let text = String::from_utf8(output.ok()?).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name of the user that git's configuration has for `directory`; none where it has none.
#[must_use]
pub fn user_name(directory: &Path) -> Option<String> {
    let git = Git::new(directory.to_owned());
    let output = git.read(&["config", "user.name"]).ok()?;
    let text = String::from_utf8(output).ok()?;
    let name = text.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// What kind of repository it is.
struct Layout {
    bare: bool,
    shallow: bool,
    top: Option<PathBuf>,
}

impl Layout {
    fn read(git: &Git) -> Result<Self, Error> {
        const KIND: [&str; 3] = [
            "rev-parse",
            "--is-bare-repository",
            "--is-shallow-repository",
        ];
        let whole = git.read(&[&KIND[..], &["--show-toplevel"]].concat());
        let is_true = |line: Option<&[u8]>| line == Some(b"true");
        let (answers, top) = match whole {
            // A name may hold anything, a line break too: it comes last.
            Ok(answers) => (answers, true),
            Err(Error::Failed { .. }) => (git.read(&KIND)?, false),
            Err(error) => return Err(error),
        };
        let mut lines = first_line(&answers).splitn(3, |byte| *byte == b'\n');
        let (bare, shallow) = (is_true(lines.next()), is_true(lines.next()));
        let top = lines.next().filter(|_| top);
        Ok(Self {
            bare,
            shallow,
            top: top.map(|top| PathBuf::from(os_string(top))),
        })
    }
}

/// SHA-1 or SHA-256.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The directory itself, or the nearest above it that is there.
fn nearest_directory(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find(|ancestor| ancestor.is_dir())
        .map(Path::to_owned)
}

/// The way from `top` to `path`, with `/`. Links on the way to what is there are followed, as git
/// does.
fn within(path: &Path, top: &Path) -> Result<Vec<u8>, Error> {
    let there = nearest_directory(path).unwrap_or_default();
    let rest = path.strip_prefix(&there).unwrap_or(Path::new(""));
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let full = real(&there).join(rest);
    let outside = || Error::Outside {
        directory: path.to_owned(),
        top: top.to_owned(),
    };
    let inside = full.strip_prefix(real(top)).map_err(|_| outside())?;
    let mut parts: Vec<&[u8]> = Vec::new();
    for component in inside.components() {
        match component {
            Component::Normal(part) => parts.push(part.as_encoded_bytes()),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    Ok(parts.join(&b"/"[..]))
}

/// A path as the operating system has it.
#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_owned())
}

/// A path as the operating system has it. Git's are UTF-8 here.
#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
