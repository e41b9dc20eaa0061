//! Who last changed lines of a file, and when.

use std::path::Path;

use super::{Error, Repository};

/// One line, as git knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blamed {
    /// From 1.
    pub line: u32,
    /// Id of the commit that last changed it; `None` where it is not committed.
    pub commit: Option<String>,
    /// When that was committed, in seconds since the epoch.
    pub time: i64,
    /// History is cut off there: it may be older.
    pub boundary: bool,
}

impl Repository {
    /// Who last changed the lines of `ranges` (from and to, from 1) of a file in the work tree. White
    /// space does not count.
    ///
    /// # Errors
    /// Where git does not know the file, or cannot tell.
    pub fn blame(&self, file: &Path, ranges: &[(u32, u32)]) -> Result<Vec<Blamed>, Error> {
        let mut command = self.git.command(&["blame", "--line-porcelain", "-w"]);
        for (from, to) in ranges {
            command.arg(format!("-L{from},{to}"));
        }
        command.arg("--").arg(file);
        let output = super::run::finish(command.output(), &["blame"])?;
        parse(&output).ok_or(Error::Garbled { command: "blame" })
    }
}

/// A head for each line, facts about its commit, and the line itself behind a tab.
fn parse(output: &[u8]) -> Option<Vec<Blamed>> {
    let mut lines = Vec::new();
    let mut current: Option<Blamed> = None;
    for text in output
        .split(|byte| *byte == b'\n')
        .filter(|text| !text.is_empty())
    {
        if text.starts_with(b"\t") {
            lines.push(current.take()?);
            continue;
        }
        let text = String::from_utf8_lossy(text);
        match &mut current {
            None => current = Some(head(&text)?),
            Some(line) => match text.split_once(' ') {
                Some(("committer-time", time)) => line.time = time.parse().ok()?,
                None if text == "boundary" => line.boundary = true,
                _ => {}
            },
        }
    }
    current.is_none().then_some(lines)
}

/// Id, line in that commit, line now.
fn head(text: &str) -> Option<Blamed> {
    let mut words = text.split(' ');
    let (id, _, line) = (words.next()?, words.next()?, words.next()?);
    if !super::is_id(id) {
        return None;
    }
    let is_committed = id.bytes().any(|byte| byte != b'0');
    Some(Blamed {
        line: line.parse().ok()?,
        commit: is_committed.then(|| id.to_owned()),
        time: 0,
        boundary: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let (one, none) = ("a".repeat(40), "0".repeat(40));
        let output = format!(
            "{one} 3 5 1\nauthor Ana\ncommitter-time 12\nboundary\nsummary boundary of it\nfilename a\n\tenabled: true\n\
             {none} 6 6 1\ncommitter-time 99\nfilename a\n\t\n"
        );
        let parsed = parse(output.as_bytes()).unwrap();
        let expected = [
            Blamed {
                line: 5,
                commit: Some(one),
                time: 12,
                boundary: true,
            },
            Blamed {
                line: 6,
                commit: None,
                time: 99,
                boundary: false,
            },
        ];
        assert_eq!(parsed, expected);
        assert_eq!(parse(b""), Some(Vec::new()));
        for garbled in ["hello\n", "\tline\n", "abc 1 1\n\tx\n"] {
            assert_eq!(parse(garbled.as_bytes()), None, "{garbled}");
        }
        assert_eq!(parse(format!("{none} 1 1\n").as_bytes()), None);
    }
}
