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
use crate::report::text::visible;

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
    let columns = Columns::of(&first, file, &name)?;
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
        Some(columns) => {
            let mut quotes = Quotes::new(Cursor::new(first).chain(reader), columns.delimiter);
            records(&mut quotes, columns, &mut each).map_err(|error| unreadable(&error))?;
            if let Some(line) = quotes.open() {
                return Err(Failure::impossible(format!(
                    "line {line} of {name} begins a quote that never ends"
                ))
                .hint("close it, or double a `\"` that belongs to the text"));
            }
        }
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
    /// What stands between two cells.
    delimiter: u8,
}

impl Columns {
    /// By the first line, which names the columns; `None` where the file is a plain list. Ids may have
    /// commas, so a file is CSV only if its name says so or its first line names both columns. Some
    /// programs write `;` between cells.
    fn of(first: &str, file: &Path, name: &str) -> Result<Option<Self>, Failure> {
        let named = file
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let first = first.trim_start_matches('\u{feff}').trim();
        for delimiter in [b',', b';'] {
            let cells: Vec<String> = first
                .split(char::from(delimiter))
                .map(|cell| cell.trim().trim_matches('"').trim().to_lowercase())
                .collect();
            let place = |name: &str| cells.iter().position(|cell| cell == name);
            let (user, groups) = (place("user"), place("groups"));
            if let Some(user) = user.filter(|_| named || groups.is_some()) {
                return Ok(Some(Self {
                    user,
                    // Further right than any cell.
                    groups: groups.unwrap_or(usize::MAX),
                    delimiter,
                }));
            }
        }
        if !named || first.is_empty() {
            return Ok(None);
        }
        let cells: Vec<String> = first
            .split([',', ';'])
            .take(SHOWN)
            .map(|cell| format!("`{}`", cut(cell.trim().trim_matches('"'))))
            .collect();
        Err(Failure::impossible(format!(
            "no column `user` in {name}: its first line is {}",
            cells.join(", ")
        ))
        .hint("the first line of a CSV file names its columns, `user` and `groups`; a plain list of ids has another ending, such as `.txt`"))
    }
}

/// Cells of a first line that are shown, and characters of each.
const SHOWN: usize = 5;
const LONGEST: usize = 40;

fn cut(cell: &str) -> String {
    visible(cell).chars().take(LONGEST).collect()
}

fn records(
    source: impl Read,
    columns: Columns,
    each: &mut impl FnMut(&str, &[&str]),
) -> Result<(), csv::Error> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(columns.delimiter)
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

/// Watches for a quote that never ends: the rest of the file would be one cell.
struct Quotes<R> {
    source: R,
    delimiter: u8,
    state: Cell,
    /// Line that is read, and that in which the last quote began, from 1.
    line: u64,
    began: u64,
}

/// Where in a cell a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Start,
    Plain,
    Quoted,
    /// Behind a quote within a quoted cell: its end, or the first half of a doubled one.
    AfterQuote,
}

impl<R> Quotes<R> {
    fn new(source: R, delimiter: u8) -> Self {
        Self {
            source,
            delimiter,
            state: Cell::Start,
            line: 1,
            began: 1,
        }
    }

    /// The line in which the quote begins that is open still.
    fn open(&self) -> Option<u64> {
        (self.state == Cell::Quoted).then_some(self.began)
    }

    fn see(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\n');
        let ends = byte == self.delimiter || matches!(byte, b'\n' | b'\r');
        self.state = match (self.state, byte) {
            (Cell::Start, b'"') => {
                self.began = self.line;
                Cell::Quoted
            }
            (Cell::Quoted, b'"') => Cell::AfterQuote,
            (Cell::Quoted, _) | (Cell::AfterQuote, b'"') => Cell::Quoted,
            _ if ends => Cell::Start,
            _ => Cell::Plain,
        };
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        for byte in buffer.iter().take(read) {
            self.see(*byte);
        }
        Ok(read)
    }
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
            ("a.CSV", "USER,groups\nbo,staff\n", &["bo:staff"]),
            (
                "a.csv",
                "User;Groups\nana;\"x;y\"\nb,o;z\n",
                &["ana:x+y", "b,o:z"],
            ),
            ("a.txt", "user;groups\nana;x\n", &["ana:x"]),
            ("a.csv", "user,groups\n\"b\"\"o\",a\"b\n", &["b\"o:a\"b"]),
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
    fn a_csv_file_says_which_column_has_the_users() {
        for (content, message) in [
            ("id,groups\nana,grp\n", "no column `user` in `"),
            ("id,groups\nana,grp\n", "its first line is `id`, `groups`"),
            ("ana\nbo\n", "its first line is `ana`"),
            ("user,groups\nana,\"x\nbo,y\n", "line 2 of `"),
            ("user\n\"ana\n", "begins a quote that never ends"),
        ] {
            let failure = read("a.csv", content).unwrap_err();
            let mut said = Vec::new();
            failure.print(&mut said, false).unwrap();
            let said = String::from_utf8(said).unwrap();
            assert!(said.contains(message), "{said}");
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
