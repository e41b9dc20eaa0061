//! Puts a new text in the place of a file, all of it or nothing.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Why a file was not written. It is what it was before.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("`{0}` was changed meanwhile, so it is left as it is now")]
    Changed(String),
    #[error("`{0}` may only be read")]
    ReadOnly(String),
    #[error("`{0}` is a link that leads out of the flags directory, so it is left as it is")]
    Outside(String),
    #[error("there is a `{0}` already")]
    Exists(String),
    #[error("cannot write `{file}`: {cause}")]
    Failed { file: String, cause: io::Error },
}

/// Writes `after` to the file at `path`, shown as `name`, which held `before` when it was read. The
/// file keeps its permissions and its owner. A link stays a link: what it leads to is written, if that
/// is below one of the `roots`.
///
/// Whoever reads the file sees the old text or the new one. A change that somebody makes within the
/// moment between the last look and the renaming is lost.
pub fn replace(
    path: &Path,
    name: &str,
    roots: &[PathBuf],
    before: &[u8],
    after: &[u8],
) -> Result<(), WriteError> {
    let failed = |cause| failed(name, cause);
    let target = fs::canonicalize(path).map_err(failed)?;
    let is_link = fs::symlink_metadata(path).map_err(failed)?.is_symlink();
    let mut roots = roots.iter().filter_map(|root| fs::canonicalize(root).ok());
    if is_link && !roots.any(|root| target.starts_with(root)) {
        return Err(WriteError::Outside(name.to_owned()));
    }
    let metadata = fs::metadata(&target).map_err(failed)?;
    // Renaming would get past the protection of the file itself.
    if metadata.permissions().readonly() {
        return Err(WriteError::ReadOnly(name.to_owned()));
    }
    OpenOptions::new()
        .write(true)
        .open(&target)
        .map_err(failed)?;

    let new = temporary(&target);
    let written = write_beside(&new, &metadata, after).map_err(failed);
    let written = written.and_then(|()| {
        if fs::read(&target).map_err(failed)? != before {
            return Err(WriteError::Changed(name.to_owned()));
        }
        fs::rename(&new, &target).map_err(failed)
    });
    if written.is_err() {
        // Nothing more can be done about it.
        let _ = fs::remove_file(&new);
    }
    written
}

fn failed(name: &str, cause: io::Error) -> WriteError {
    match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            WriteError::ReadOnly(name.to_owned())
        }
        io::ErrorKind::AlreadyExists => WriteError::Exists(name.to_owned()),
        _ => WriteError::Failed {
            file: name.to_owned(),
            cause,
        },
    }
}

/// Makes a file at `path`, shown as `name`, and the folders that it lies in. Nobody sees it half
/// written, and nothing that is there is written over.
///
/// # Errors
/// Where there is something, or nothing can be written.
pub fn create(path: &Path, name: &str, text: &[u8]) -> Result<(), WriteError> {
    let failed = |cause| failed(name, cause);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let new = temporary(path);
    let written = File::create_new(&new).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    // A second name for the same file is refused where there is one already; renaming is not.
    let linked = written.map(|()| fs::hard_link(&new, path));
    // Nothing more can be done about it.
    let _ = fs::remove_file(&new);
    match linked.map_err(failed)? {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
            // Not every file system has such names.
            let file = File::create_new(path);
            file.and_then(|mut file| file.write_all(text))
                .map_err(failed)
        }
        linked => linked.map_err(failed),
    }
}

/// Removes the file at `path`, shown as `name`, which held `before` when it was read.
///
/// # Errors
/// Where it was changed since, or cannot be removed.
pub fn remove(path: &Path, name: &str, before: &[u8]) -> Result<(), WriteError> {
    let failed = |cause| failed(name, cause);
    if fs::read(path).map_err(failed)? != before {
        return Err(WriteError::Changed(name.to_owned()));
    }
    fs::remove_file(path).map_err(failed)
}

/// Beside the file, hidden, and not a flag file to anyone.
fn temporary(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let short = name
        .get(..name.floor_char_boundary(100))
        .unwrap_or_default();
    target.with_file_name(format!(".{short}.{}.hoist-tmp", Uuid::new_v4().simple()))
}

fn write_beside(new: &Path, metadata: &Metadata, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(new)?;
    file.write_all(text)?;
    keep_owner(&file, metadata)?;
    // After the owner, since a change of owner may take permissions away.
    file.set_permissions(metadata.permissions())?;
    file.sync_all()
}

#[cfg(unix)]
fn keep_owner(file: &File, metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (metadata.uid(), metadata.gid()) {
        return Ok(());
    }
    fchown(file, Some(metadata.uid()), Some(metadata.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    /// What is in a folder, hidden files too.
    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "old").unwrap();
        folder
    }

    #[test]
    fn a_file_gets_its_text_and_keeps_the_rest() {
        let folder = folder();
        let roots = [folder.path().to_owned()];
        let path = folder.path().join("a.yaml");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&path).unwrap();
        replace(&path, "a.yaml", &roots, b"old", b"new").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!((after.mode(), after.uid()), (before.mode(), before.uid()));
        assert_eq!(names(folder.path()), ["a.yaml"]);
    }

    #[test]
    fn what_somebody_else_wrote_is_kept() {
        let folder = folder();
        let roots = [folder.path().to_owned()];
        let path = folder.path().join("a.yaml");
        fs::write(&path, "theirs").unwrap();
        let refused = replace(&path, "a.yaml", &roots, b"old", b"new").unwrap_err();
        assert!(matches!(refused, WriteError::Changed(_)), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["a.yaml"]);
    }

    #[test]
    fn a_file_that_may_only_be_read_is_not_written() {
        let folder = folder();
        let roots = [folder.path().to_owned()];
        let path = folder.path().join("a.yaml");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        let refused = replace(&path, "a.yaml", &roots, b"old", b"new").unwrap_err();
        assert_eq!(refused.to_string(), "`a.yaml` may only be read");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.yaml"]);
    }

    #[test]
    fn a_link_stays_a_link_and_leads_no_further_than_it_may() {
        let elsewhere = folder();
        let folder = folder();
        let roots = [folder.path().to_owned()];
        let link = folder.path().join("link.yaml");
        symlink("a.yaml", &link).unwrap();
        replace(&link, "link.yaml", &roots, b"old", b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(folder.path().join("a.yaml")).unwrap(), b"new");

        let out = folder.path().join("out.yaml");
        symlink(elsewhere.path().join("a.yaml"), &out).unwrap();
        let refused = replace(&out, "out.yaml", &roots, b"old", b"new").unwrap_err();
        assert!(matches!(refused, WriteError::Outside(_)), "{refused}");
        assert_eq!(fs::read(elsewhere.path().join("a.yaml")).unwrap(), b"old");
        // A file that is named lies where it lies.
        let file = elsewhere.path().join("a.yaml");
        replace(&file, "a.yaml", &roots, b"old", b"new").unwrap();
    }

    #[test]
    fn files_are_made_and_removed_and_nothing_else_is_touched() {
        let folder = folder();
        let path = folder.path().join("new/b.yaml");
        create(&path, "new/b.yaml", b"text").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"text");
        assert_eq!(names(path.parent().unwrap()), ["b.yaml"]);
        let refused = create(&path, "new/b.yaml", b"other").unwrap_err();
        assert_eq!(refused.to_string(), "there is a `new/b.yaml` already");
        let refused = remove(&path, "new/b.yaml", b"other").unwrap_err();
        assert!(matches!(refused, WriteError::Changed(_)), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"text");
        remove(&path, "new/b.yaml", b"text").unwrap();
        assert!(names(path.parent().unwrap()).is_empty());
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_again() {
        let folder = folder();
        let roots = [folder.path().to_owned()];
        let path = folder.path().join("b.yaml");
        let refused = replace(&path, "b.yaml", &roots, b"old", b"new").unwrap_err();
        assert!(refused.to_string().starts_with("cannot write `b.yaml`: "));
        assert_eq!(names(folder.path()), ["a.yaml"]);
    }
}
