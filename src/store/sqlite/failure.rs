//! SQLite's errors in hoist's words.

use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE as IOERR_SHMSIZE;

use crate::store::Error;

/// What a failed statement means for the file `shown`, whose locks were waited for `within`.
pub(super) fn explain(error: &rusqlite::Error, shown: &str, within: Duration) -> Error {
    let (store, reason) = (shown.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        _ if is_lock(error) => Error::Locked {
            store,
            after: within,
        },
        Some(ErrorCode::NotADatabase) => Error::NotSqlite { store, reason },
        Some(ErrorCode::ReadOnly) => Error::FileReadOnly { store, reason },
        Some(ErrorCode::DiskFull) => Error::DiskFull { store, reason },
        // The file that readers share could not be made longer.
        Some(ErrorCode::SystemIoFailure)
            if error.sqlite_error().map(|error| error.extended_code) == Some(IOERR_SHMSIZE) =>
        {
            Error::DiskFull { store, reason }
        }
        Some(ErrorCode::SystemIoFailure) => Error::DiskFails { store, reason },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Error::File { store, reason },
        Some(ErrorCode::DatabaseCorrupt) => Error::Bookkeeping {
            store,
            key: "the file itself".to_owned(),
            reason,
        },
        _ => Error::Refused { store, reason },
    }
}

/// Whether another process stands in the way, for now.
pub(super) fn is_lock(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// What SQLite would only call "unable to open database file".
pub(super) fn look_at(path: &Path, shown: &str) -> Result<(), Error> {
    let refuse = |reason: String| Error::File {
        store: shown.to_owned(),
        reason,
    };
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(refuse("it is a folder".to_owned())),
        Ok(_) => std::fs::File::open(path)
            .map(drop)
            .map_err(|error| refuse(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refuse(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_kinds() {
        let explained = |code| {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            explain(&error, "sqlite:x.db", Duration::from_secs(1))
        };
        use rusqlite::ffi;
        assert!(matches!(explained(ffi::SQLITE_BUSY), Error::Locked { .. }));
        assert!(matches!(
            explained(ffi::SQLITE_READONLY),
            Error::FileReadOnly { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_FULL),
            Error::DiskFull { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_NOTADB),
            Error::NotSqlite { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_CANTOPEN),
            Error::File { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_CORRUPT),
            Error::Bookkeeping { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_IOERR_READ),
            Error::DiskFails { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_IOERR_SHMSIZE),
            Error::DiskFull { .. }
        ));
        assert!(matches!(
            explained(ffi::SQLITE_TOOBIG),
            Error::Refused { .. }
        ));
    }
}
