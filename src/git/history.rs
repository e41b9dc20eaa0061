//! What commits did to flag files, with the contents they did it to.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::{ChildStdin, ChildStdout};

use super::objects::{CAT_FILE, blob, drain};
use super::run::{failed, start};
use super::tree::is_flag_file;
use super::{Error, Repository};

/// A commit that touched flag files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// In hexadecimal.
    pub id: String,
    /// When it was committed, in seconds since the epoch.
    pub time: i64,
    /// First line of its message.
    pub subject: String,
    pub files: Vec<Changed>,
}

/// One flag file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Id of the content before, for each parent; `None` where that had no such file. Files of a
    /// merge count only where they differ from all its parents.
    pub before: Vec<Option<String>>,
    /// Id of the content after; `None` where the file is gone.
    pub after: Option<String>,
}

impl Commit {
    /// Ids of the contents that it replaced or removed.
    pub fn before(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter();
        files.flat_map(|file| file.before.iter().flatten().map(String::as_str))
    }

    /// Ids of the contents that it wrote.
    pub fn after(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter();
        files.filter_map(|file| file.after.as_deref())
    }
}

const LOG: [&str; 10] = [
    "log",
    "--topo-order",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    // Of a merge, what differs from all its parents.
    "-c",
    "--no-mailmap",
    // Whatever `diff.orderFile` says.
    "-O/dev/null",
    "--encoding=UTF-8",
];
/// Tells the head of a commit from what it changed.
const MARK: &str = "commit ";

/// Which commits, and what of them.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Whatever leads up to the tips.
    All,
    /// What leads up to the tips and touched one of these files of a tree.
    Files(&'a [Vec<u8>]),
    /// The tips themselves.
    Tips,
}

impl Repository {
    /// The commits that touched flag files and lead up to `tips`, a child always before its parents.
    /// Each content that one of them replaced or removed is given to `take` once, with its id, while
    /// the commits are still being read.
    ///
    /// # Errors
    /// Where git cannot tell, or a content is not there.
    pub fn history(
        &self,
        tips: &[&str],
        scope: Scope<'_>,
        mut take: impl FnMut(&str, &[u8]),
    ) -> Result<Vec<Commit>, Error> {
        let mut log = start(&mut self.log(tips, scope))?;
        let mut contents = start(&mut self.cat_file())?;
        let (commits, missing, said) = std::thread::scope(|scope| {
            let (fields, ids) = (log.stdout.take(), contents.stdin.take());
            let commits = scope.spawn(move || read_log(fields, ids, &self.flags));
            let (of_log, of_contents) = (log.stderr.take(), contents.stderr.take());
            let of_log = scope.spawn(move || drain(of_log));
            let of_contents = scope.spawn(move || drain(of_contents));
            let missing = read_contents(contents.stdout.take(), &mut take);
            let join = |said: std::thread::ScopedJoinHandle<'_, Vec<u8>>| said.join();
            let said = [of_log, of_contents].map(|said| join(said).unwrap_or_default());
            // A reader that panicked has read no log.
            let commits = commits.join().unwrap_or(Ok(None));
            (commits, missing, said)
        });
        let [of_log, of_contents] = &said;
        for (mut child, args, said) in [
            (log, &LOG[..], of_log),
            (contents, &CAT_FILE[..], of_contents),
        ] {
            if !child.wait().map_err(Error::NoGit)?.success() {
                return Err(failed(args, said));
            }
        }
        let missing = missing.map_err(|_| failed(&CAT_FILE, of_contents))?;
        // A partial clone has to get them first.
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        self.blobs(&missing, |blob| {
            if let Some(id) = missing.get(blob.index) {
                take(id, &blob.bytes);
            }
        })?;
        let commits = commits.map_err(|_| failed(&LOG, of_log))?;
        commits.ok_or(Error::Garbled { command: "log" })
    }

    fn log(&self, tips: &[&str], scope: Scope<'_>) -> std::process::Command {
        let mut command = self.git.command(&LOG);
        command.arg(format!("--format={MARK}%H %ct %s"));
        if matches!(scope, Scope::Tips) {
            command.arg("--no-walk=unsorted");
        }
        command.arg("--end-of-options").args(tips).arg("--");
        let flags = std::slice::from_ref(&self.flags);
        let paths = match scope {
            Scope::Files(files) => files,
            Scope::All | Scope::Tips => flags,
        };
        for file in paths.iter().filter(|path| !path.is_empty()) {
            let mut path = std::ffi::OsString::from(":(top,literal)");
            path.push(super::os_string(file));
            command.arg(path);
        }
        command
    }
}

/// Reads the log to its end, and asks for each content as it is named. `None` where it is no log.
fn read_log(
    log: Option<ChildStdout>,
    ids: Option<ChildStdin>,
    flags: &[u8],
) -> io::Result<Option<Vec<Commit>>> {
    let mut log = BufReader::new(log.ok_or(io::ErrorKind::BrokenPipe)?);
    let mut ids = BufWriter::new(ids.ok_or(io::ErrorKind::BrokenPipe)?);
    let mut asked: HashSet<String> = HashSet::new();
    let mut reader = Reader::new(flags);
    let mut field = Vec::new();
    while log.read_until(0, &mut field)? > 0 {
        let text = field.strip_suffix(b"\0").unwrap_or(&field);
        let Some(changed) = reader.take(text) else {
            return Ok(None);
        };
        for id in changed
            .iter()
            .flat_map(|changed| changed.before.iter().flatten())
        {
            if asked.insert(id.clone()) {
                // Where nobody listens any more, the other side says why.
                let _ = writeln!(ids, "{id}");
            }
        }
        field.clear();
    }
    ids.flush()?;
    Ok(reader.finish())
}

/// Gives `take` what is there, and returns the ids of what is not.
fn read_contents(
    stdout: Option<ChildStdout>,
    take: &mut impl FnMut(&str, &[u8]),
) -> io::Result<Vec<String>> {
    let stdout = stdout.ok_or(io::ErrorKind::BrokenPipe)?;
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let mut missing = Vec::new();
    while !stdout.fill_buf()?.is_empty() {
        match blob(&mut stdout)? {
            (id, Some(bytes)) => take(&id, &bytes),
            (id, None) => missing.push(id),
        }
    }
    Ok(missing)
}

/// Takes a log apart, field by field: heads, and files of two fields each, `:modes ids letters` and
/// their path.
struct Reader<'f> {
    flags: &'f [u8],
    commits: Vec<Commit>,
    /// A file whose path comes next; `None` within for one that is no file.
    pending: Option<Option<Changed>>,
}

impl<'f> Reader<'f> {
    fn new(flags: &'f [u8]) -> Self {
        Self {
            flags,
            commits: Vec::new(),
            pending: None,
        }
    }

    /// Takes one field. Gives the flag file that it ends, if it does; `None` where the field makes no
    /// sense.
    fn take(&mut self, field: &[u8]) -> Option<Option<&Changed>> {
        if let Some(pending) = self.pending.take() {
            let Some(changed) = pending.filter(|_| is_flag_file(field, self.flags)) else {
                return Some(None);
            };
            let files = &mut self.commits.last_mut()?.files;
            files.push(changed);
            return Some(files.last());
        }
        let field = field.trim_ascii_start();
        if field.starts_with(b":") {
            self.pending = Some(changed(std::str::from_utf8(field).ok()?)?);
        } else if !field.is_empty() {
            let head = field.strip_prefix(MARK.as_bytes())?;
            self.commits.push(commit(&String::from_utf8_lossy(head))?);
        }
        Some(None)
    }

    fn finish(self) -> Option<Vec<Commit>> {
        self.pending.is_none().then_some(self.commits)
    }
}

fn commit(head: &str) -> Option<Commit> {
    let (id, rest) = head.split_once(' ')?;
    let (time, subject) = rest.split_once(' ')?;
    Some(Commit {
        id: id.to_owned(),
        time: time.parse().ok()?,
        subject: subject.to_owned(),
        files: Vec::new(),
    })
}

/// `:100644 100644 id id M`; a merge has a colon, a mode and an id more for each further parent.
/// Links and submodules are no flag files.
fn changed(field: &str) -> Option<Option<Changed>> {
    let text = field.trim_start_matches(':');
    let parents = field.len() - text.len();
    let words: Vec<&str> = text.split(' ').collect();
    let (modes, ids) = (words.get(..=parents)?, words.get(parents + 1..)?);
    let mut sides = modes.iter().zip(ids);
    let content = |(mode, id): (&&str, &&str)| mode.starts_with("100").then(|| (*id).to_owned());
    let before: Vec<Option<String>> = sides.by_ref().take(parents).map(content).collect();
    let after = content(sides.next()?);
    let is_file = after.is_some() || before.iter().any(Option::is_some);
    Some(is_file.then_some(Changed { before, after }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(output: &[u8], flags: &[u8]) -> Option<Vec<Commit>> {
        let mut reader = Reader::new(flags);
        let output = output.strip_suffix(b"\0").unwrap_or(output);
        for field in output.split(|byte| *byte == 0) {
            reader.take(field)?;
        }
        reader.finish()
    }

    #[test]
    fn commits_and_files_are_told_apart() {
        let output = b"commit aa 12 Remove: it\0\n:100644 000000 11 00 D\0flags/a.yaml\0\
            :000000 100644 00 22 A\0flags/commit x\ny.yaml\0:100644 100644 33 44 M\0flags/b.txt\0\0\
            commit bb 13 \0\n::100644 000000 100644 55 00 66 MM\0flags/a.yaml\0";
        let commits = parse(output, b"flags").unwrap();
        assert_eq!(commits.len(), 2);
        assert_eq!(
            (commits[0].subject.as_str(), commits[0].time),
            ("Remove: it", 12)
        );
        let changed = |before: &[Option<&str>], after: Option<&str>| Changed {
            before: before.iter().map(|id| id.map(str::to_owned)).collect(),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            commits[0].files,
            [changed(&[Some("11")], None), changed(&[None], Some("22"))]
        );
        assert_eq!(commits[1].files, [changed(&[Some("55"), None], Some("66"))]);
    }

    #[test]
    fn what_is_no_log_is_refused() {
        for output in [
            &b"hello\0"[..],
            b":100644 000000 11 00 D\0a.yaml\0",
            b"commit aa\0",
            b"commit aa 12 x\0:100644 000000 11 00 D\0",
        ] {
            assert!(parse(output, b"").is_none(), "{output:?}");
        }
        assert_eq!(parse(b"", b""), Some(Vec::new()));
    }
}
