//! What commits did to flag files.

use super::tree::is_flag_file;
use super::{Error, Repository, Revision};

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

impl Repository {
    /// The commits that touched flag files and lead up to `tips`, a child always before its parents.
    ///
    /// # Errors
    /// Where git cannot tell.
    pub fn history(&self, tips: &[&Revision]) -> Result<Vec<Commit>, Error> {
        let mut command = self.git.command(&LOG);
        command.arg(format!("--format={MARK}%H %ct %s"));
        command.arg("--end-of-options");
        command.args(tips.iter().map(|tip| tip.id.as_str()));
        command.arg("--");
        if !self.flags.is_empty() {
            let mut path = std::ffi::OsString::from(":(top,literal)");
            path.push(super::os_string(&self.flags));
            command.arg(path);
        }
        let output = command.output().map_err(Error::NoGit)?;
        if !output.status.success() {
            return Err(super::run::failed(&LOG, &output.stderr));
        }
        parse(&output.stdout, &self.flags).ok_or(Error::Garbled { command: "log" })
    }
}

/// Heads and files, each ending in a NUL; a file is two of them, `:modes ids letters` and its path.
fn parse(output: &[u8], flags: &[u8]) -> Option<Vec<Commit>> {
    let mut commits: Vec<Commit> = Vec::new();
    let mut fields = output.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let field = field.trim_ascii_start();
        if field.is_empty() {
            continue;
        }
        if field.starts_with(b":") {
            let changed = changed(std::str::from_utf8(field).ok()?)?;
            let path = fields.next()?;
            if let Some(changed) = changed.filter(|_| is_flag_file(path, flags)) {
                commits.last_mut()?.files.push(changed);
            }
        } else {
            let head = field.strip_prefix(MARK.as_bytes())?;
            commits.push(commit(&String::from_utf8_lossy(head))?);
        }
    }
    Some(commits)
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
        ] {
            assert!(parse(output, b"").is_none(), "{output:?}");
        }
        assert_eq!(parse(b"", b""), Some(Vec::new()));
    }
}
