//! An SQLite file.

use super::facts::File;
use super::words::{count, shell, size};
use super::{Finding, Level};

pub(super) fn examine(facts: &File) -> Vec<Finding> {
    match facts.size {
        Some(bytes) => vec![
            file(facts, bytes),
            integrity(facts),
            journal(facts),
            permissions(facts),
        ],
        None => vec![
            Finding::new(
                "file",
                Level::Note,
                format!("there is no `{}` yet", facts.path),
            )
            .advise("the first apply creates it"),
        ],
    }
}

fn file(facts: &File, bytes: u64) -> Finding {
    let size = size(bytes);
    if !facts.is_older {
        return Finding::new("file", Level::Ok, format!("{size} in `{}`", facts.path));
    }
    Finding::new("file", Level::Note, format!("{size}, of an older format")).advise(
        "the next commit brings it up to the present one, which older versions of hoist cannot read",
    )
}

fn integrity(facts: &File) -> Finding {
    let Some(first) = facts.damage.first() else {
        return Finding::new(
            "integrity",
            Level::Ok,
            "every page and every index is sound",
        );
    };
    let path = shell(&facts.path);
    let faults = count(facts.damage.len(), "fault");
    Finding::new("integrity", Level::Error, format!("{faults}: {first}"))
        .advise("put a backup in its place, or save into a new file what can still be read")
        .shell(format!(
            "sqlite3 {path} .recover | sqlite3 {path}.recovered"
        ))
}

fn journal(facts: &File) -> Finding {
    let journal = facts.journal.as_str();
    let (level, found) = match journal {
        "wal" => {
            let found = "it is written ahead: readers and a writer do not wait for each other";
            return Finding::new("journal", Level::Ok, found);
        }
        "" => return Finding::new("journal", Level::Unknown, "it cannot be asked for"),
        "off" | "memory" => (
            Level::Error,
            format!("{journal}: a commit that is interrupted destroys the file"),
        ),
        _ => (
            Level::Warning,
            format!("{journal} instead of wal: readers and a writer wait for each other"),
        ),
    };
    let path = shell(&facts.path);
    Finding::new("journal", level, found).shell(format!("sqlite3 {path} 'PRAGMA journal_mode=wal'"))
}

fn permissions(facts: &File) -> Finding {
    let path = shell(&facts.path);
    match &facts.unwritable {
        Some(reason) => Finding::new(
            "permissions",
            Level::Error,
            format!("it cannot be written: {reason}"),
        )
        .advise("SQLite keeps further files in its folder while it writes: that has to be writable, too")
        .shell(format!("chmod u+w {path}")),
        None if facts.is_open => Finding::new(
            "permissions",
            Level::Warning,
            "every user of this machine may change the flags in it",
        )
        .shell(format!("chmod o-w {path}")),
        None => Finding::new(
            "permissions",
            Level::Ok,
            "it can be written, and not by everybody",
        ),
    }
}
