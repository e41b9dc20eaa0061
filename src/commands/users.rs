//! Files of users: one id a line, or CSV with groups. Read as they come, so that a list may be
//! longer than memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::Failure;
use super::progress::Progress;
use crate::impact::{Effect, People};
use crate::plan::{Change, Plan};
use crate::report::Affected;

/// Bytes read at once, and between two steps of the bar.
const CHUNK: usize = 64 * 1024;

/// Calls `each` with every user in `file` and the user's groups, and gives their number. `-` is
/// standard input. Blank lines are nobody, and spaces around ids and groups do not count.
pub(super) fn each(
    file: &Path,
    quiet: bool,
    mut each: impl FnMut(&str, &[&str]),
) -> Result<u64, Failure> {
    let name = shown(file);
    let unreadable = |error: &dyn std::error::Error| {
        Failure::impossible(format!("cannot read the users in {name}"))
            .because(io::Error::other(error.to_string()))
            .hint("it has one id a line, or is CSV with the columns `user` and `groups`")
    };
    let (source, size): (Box<dyn Read>, u64) = if file == Path::new("-") {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = File::open(file).map_err(|error| unreadable(&error))?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        (Box::new(file), size)
    };
    let progress = Progress::bytes("reading users", size, quiet);
    let counted = Counted {
        source,
        progress: &progress,
    };
    let mut reader = BufReader::with_capacity(CHUNK, counted);
    let mut first = String::new();
    reader
        .read_line(&mut first)
        .map_err(|error| unreadable(&error))?;
    let columns = Columns::of(&first, file);
    let first = first.strip_prefix('\u{feff}').unwrap_or(&first).to_owned();
    let mut users = 0;
    let mut each = |user: &str, groups: &[&str]| {
        let user = user.trim();
        if !user.is_empty() {
            users += 1;
            each(user, groups);
        }
    };
    match columns {
        Some(columns) => records(Cursor::new(first).chain(reader), columns, &mut each)
            .map_err(|error| unreadable(&error))?,
        None => {
            let mut line = first;
            while !line.is_empty() {
                each(&line, &[]);
                line.clear();
                reader
                    .read_line(&mut line)
                    .map_err(|error| unreadable(&error))?;
            }
        }
    }
    if users == 0 {
        return Err(Failure::impossible(format!("there is nobody in {name}"))
            .hint("it has one id a line, or is CSV with the columns `user` and `groups`"));
    }
    Ok(users)
}

/// What `plan` does to the users in `file`.
pub(super) fn affected(file: &Path, quiet: bool, plan: &Plan) -> Result<Affected, Failure> {
    let mut changes: Vec<Option<People>> = plan.changes.iter().map(Change::people).collect();
    let (users, affected) = count(file, quiet, &mut changes)?;
    Ok(Affected {
        list: shown(file),
        users,
        affected,
        changes,
    })
}

/// Counts what each of `changes` does to the users in `file`. Gives their number, and how many of
/// them anything happens to.
pub(super) fn count(
    file: &Path,
    quiet: bool,
    changes: &mut [Option<People>],
) -> Result<(u64, u64), Failure> {
    let mut affected = 0;
    let users = each(file, quiet, |user, groups| {
        let mut same = true;
        for change in changes.iter_mut().flatten() {
            same &= change.add(user, groups) == Effect::Same;
        }
        affected += u64::from(!same);
    })?;
    Ok((users, affected))
}

/// A file of users as people see it.
pub(super) fn shown(file: &Path) -> String {
    if file == Path::new("-") {
        "standard input".into()
    } else {
        format!("`{}`", file.display())
    }
}

/// Where a CSV file has what.
struct Columns {
    user: usize,
    groups: usize,
    /// Whether the first line names the columns.
    header: bool,
}

impl Columns {
    /// By the first line; `None` where the file is a plain list. Ids may have commas, so a file is
    /// CSV only if its name says so or its first line names both columns.
    fn of(first: &str, file: &Path) -> Option<Self> {
        let cells: Vec<String> = first
            .trim_start_matches('\u{feff}')
            .split(',')
            .map(|cell| cell.trim().trim_matches('"').to_lowercase())
            .collect();
        let place = |name: &str| cells.iter().position(|cell| cell == name);
        let named = file
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        match (place("user"), place("groups")) {
            (Some(user), Some(groups)) => Some(Self {
                user,
                groups,
                header: true,
            }),
            (Some(user), None) if named => Some(Self {
                user,
                groups: usize::MAX,
                header: true,
            }),
            _ => named.then_some(Self {
                user: 0,
                groups: 1,
                header: false,
            }),
        }
    }
}

fn records(
    source: impl Read,
    columns: Columns,
    each: &mut impl FnMut(&str, &[&str]),
) -> Result<(), csv::Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(columns.header)
        .flexible(true)
        .from_reader(source);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let groups = record.get(columns.groups).unwrap_or_default();
        let groups: Vec<&str> = groups
            .split([';', ',', '|'])
            .map(str::trim)
            .filter(|group| !group.is_empty())
            .collect();
        each(record.get(columns.user).unwrap_or_default(), &groups);
    }
    Ok(())
}

/// Tells a bar what was read.
struct Counted<'p> {
    source: Box<dyn Read>,
    progress: &'p Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `user:group+group` for each user.
    fn read(name: &str, content: impl AsRef<[u8]>) -> Result<Vec<String>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let mut users = Vec::new();
        let count = each(&file, true, |user, groups| {
            users.push(format!("{user}:{}", groups.join("+")));
        })?;
        assert_eq!(count, users.len() as u64);
        Ok(users)
    }

    #[test]
    fn every_form_is_read() {
        let cases: &[(&str, &str, &[&str])] = &[
            (
                "a.txt",
                "ana\nbo\r\n\n  cy \ndan",
                &["ana:", "bo:", "cy:", "dan:"],
            ),
            ("a.txt", "\u{feff}ana\n", &["ana:"]),
            // Ids may have commas.
            ("a.txt", "ana,x\nuser,y\n", &["ana,x:", "user,y:"]),
            ("a.txt", "user\n", &["user:"]),
            ("a.csv", "user\nana\n", &["ana:"]),
            ("a.CSV", "ana\nbo,staff\n", &["ana:", "bo:staff"]),
            (
                "a.txt",
                "\u{feff}plan,Groups,\"User\"\npro,staff; beta,ana\nfree,,\"b,o\"\n",
                &["ana:staff+beta", "b,o:"],
            ),
            (
                "a.csv",
                "user,groups\nana,\"staff,beta\"\nbo\n,x\n",
                &["ana:staff+beta", "bo:"],
            ),
        ];
        for (name, content, expected) in cases {
            assert_eq!(read(name, content).unwrap(), *expected, "{content:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_a_failure() {
        for (name, content) in [
            ("a.txt", &b""[..]),
            ("a.txt", b"\n\n"),
            ("a.txt", b"ana\n\xff\xfe\n"),
            ("a.csv", b"user,groups\n\xff\xfe,x\n"),
        ] {
            read(name, content).unwrap_err();
        }
        each(Path::new("/nonexistent/list"), true, |_, _| {}).unwrap_err();
    }
}
