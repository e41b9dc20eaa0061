//! The content of blobs, many at once.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{ChildStderr, ChildStdout, Command, Stdio};

use super::run::{failed, start, write_lines};
use super::{Error, Repository};
use crate::yaml::MAX_BYTES;

/// One blob.
#[derive(Debug)]
pub struct Blob {
    /// Place in the list that was asked for.
    pub index: usize,
    /// All of it, or one byte more than a flag file may have.
    pub bytes: Vec<u8>,
}

pub(super) const CAT_FILE: [&str; 3] = ["cat-file", "--batch", "--buffer"];

impl Repository {
    /// Reads blobs by their ids and gives `take` each, in order.
    ///
    /// # Errors
    /// Where one of them is not there, or no blob.
    pub fn blobs(&self, ids: &[&str], mut take: impl FnMut(Blob)) -> Result<(), Error> {
        let mut missing = Vec::new();
        self.batch(ids, |index, bytes| match bytes {
            Some(bytes) => take(Blob { index, bytes }),
            None => missing.push(index),
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        // A partial clone gets what it lacks from its remote, all of it in one go.
        let wanted: Vec<&str> = missing
            .iter()
            .filter_map(|index| ids.get(*index).copied())
            .collect();
        let lacking = |id: &str| Error::Missing { id: id.to_owned() };
        let first = wanted.first().copied().unwrap_or_default();
        let remote = self.promisor().ok_or_else(|| lacking(first))?;
        self.fetch(&remote, &wanted)?;
        let mut still = None;
        self.batch(&wanted, |at, bytes| {
            match (missing.get(at).copied(), bytes) {
                (Some(index), Some(bytes)) => take(Blob { index, bytes }),
                _ => still = wanted.get(at).copied(),
            }
        })?;
        still.map_or(Ok(()), |id| Err(lacking(id)))
    }

    /// A call that is told ids line by line.
    pub(super) fn cat_file(&self) -> Command {
        let mut command = self.git.command(&CAT_FILE);
        // Else a partial clone fetches one by one.
        command.env("GIT_NO_LAZY_FETCH", "1").stdin(Stdio::piped());
        command
    }

    /// Reads blobs; `None` for one that is not there.
    fn batch(
        &self,
        ids: &[&str],
        mut take: impl FnMut(usize, Option<Vec<u8>>),
    ) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut child = start(&mut self.cat_file())?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stderr = child.stderr.take();
        let (read, said) = std::thread::scope(|scope| {
            scope.spawn(move || write_lines(stdin, ids));
            let listener = scope.spawn(move || drain(stderr));
            let read = read_all(stdout, ids.len(), &mut take);
            (read, listener.join().unwrap_or_default())
        });
        let status = child.wait().map_err(Error::NoGit)?;
        match read {
            Ok(()) if status.success() => Ok(()),
            _ => Err(failed(&CAT_FILE, &said)),
        }
    }

    /// The remote that a partial clone gets its objects from.
    fn promisor(&self) -> Option<String> {
        let found = self.git.read(&[
            "config",
            "--type=bool",
            "--get-regexp",
            r"^remote\..*\.promisor$",
        ]);
        let text = String::from_utf8(found.ok()?).ok()?;
        text.lines().find_map(|line| {
            let name = line.strip_suffix(" true")?;
            let name = name.strip_prefix("remote.")?.strip_suffix(".promisor")?;
            Some(name.to_owned())
        })
    }

    /// As git itself fetches what a partial clone lacks.
    fn fetch(&self, remote: &str, ids: &[&str]) -> Result<(), Error> {
        let args = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--recurse-submodules=no",
            "--filter=blob:none",
            "--stdin",
            "--",
            remote,
        ];
        self.git.tell(&args, ids).map(drop)
    }
}

/// Gives `take` the answers. Dropping the output, at whatever end, ends git, and git the writer.
fn read_all(
    stdout: Option<ChildStdout>,
    count: usize,
    take: &mut impl FnMut(usize, Option<Vec<u8>>),
) -> io::Result<()> {
    let stdout = stdout.ok_or(io::ErrorKind::BrokenPipe)?;
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    for index in 0..count {
        take(index, blob(&mut stdout)?.1);
    }
    Ok(())
}

/// Reads to the end, so that nobody waits to write, and keeps the beginning.
pub(super) fn drain(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut stderr) = stderr {
        let _ = stderr.by_ref().take(1 << 12).read_to_end(&mut kept);
        let _ = io::copy(&mut stderr, &mut io::sink());
    }
    kept
}

/// One answer of `cat-file --batch`: `id type size`, the bytes, and a line break; or `id missing`.
/// Gives the id and the bytes.
pub(super) fn blob(stdout: &mut BufReader<ChildStdout>) -> io::Result<(String, Option<Vec<u8>>)> {
    let mut head = String::new();
    stdout.read_line(&mut head)?;
    let mut words = head.split_ascii_whitespace();
    let id = words.next().unwrap_or_default().to_owned();
    let (kind, size) = (words.next(), words.next());
    let size = match (kind, size.map(str::parse::<u64>)) {
        (Some("missing"), None) => return Ok((id, None)),
        (Some("blob"), Some(Ok(size))) => size,
        _ => return Err(io::Error::other("no blob")),
    };
    let kept = size.min(MAX_BYTES as u64 + 1);
    let mut bytes = Vec::with_capacity(usize::try_from(kept).unwrap_or(0) + 1);
    stdout.take(kept).read_to_end(&mut bytes)?;
    // What is left of it, and the line break.
    let rest = size - kept + 1;
    if io::copy(&mut stdout.take(rest), &mut io::sink())? != rest {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((id, Some(bytes)))
}
