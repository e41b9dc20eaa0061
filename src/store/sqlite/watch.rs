//! Who watches flag files for this store: a file beside it, which the watcher holds a lock on. The lock ends
//! with the process, however that ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::store::WatchClaim;

/// The locked file; or who has locked it. Neither where there is no folder for it yet.
pub(super) fn claim(
    database: &Path,
    prefix: &str,
    claim: &WatchClaim,
) -> io::Result<(Option<File>, Option<WatchClaim>)> {
    let path = beside(database, prefix);
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let mut file = match opened {
        Ok(file) => file,
        // Whoever may not write here does not write to the store either.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            return Ok((None, None));
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.write_all(&serde_json::to_vec(claim)?)?;
            Ok((Some(file), None))
        }
        Err(TryLockError::WouldBlock) => {
            // Whoever has it may not have written yet.
            let json = fs::read(&path).unwrap_or_default();
            Ok((
                None,
                Some(serde_json::from_slice(&json).unwrap_or_default()),
            ))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// `flags.db-watch-ff`: one for each prefix.
fn beside(database: &Path, prefix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-watch-");
    for byte in prefix.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            path.push(char::from(byte).to_string());
        } else {
            path.push(format!("%{byte:02X}"));
        }
    }
    path.into()
}
