//! `lint --fix`, for people: what was mended, or would be.

use std::io::{self, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::fix::{Left, Mended, Told};
use crate::secret;

use super::count;
use super::root::Root;
use super::text::visible;

/// A file, its name as people see it.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub mended: Mended,
}

/// Writes a line for every fix that was made and for every one that was not. `fixed` is how the first
/// line begins: "Fixed".
///
/// # Errors
/// What `out` fails with.
pub fn list(files: &[File], fixed: &str, out: &mut dyn Write) -> io::Result<()> {
    let made: usize = files.iter().map(|file| file.mended.made.len()).sum();
    let left: usize = files.iter().map(|file| file.mended.left.len()).sum();
    if made > 0 {
        let changed = files.iter().filter(|file| !file.mended.made.is_empty());
        let changed = count(changed.count(), "file");
        writeln!(out, "{fixed} {} in {changed}:", count(made, "finding"))?;
    }
    for file in files {
        for fix in &file.mended.made {
            writeln!(out, "  {}", line(&file.name, fix))?;
        }
    }
    if left > 0 {
        let findings = count(left, "finding");
        writeln!(out, "Left {findings}, since the fix would do harm:")?;
    }
    for file in files {
        for Left { fix, harm } in &file.mended.left {
            writeln!(out, "  {}", line(&file.name, fix))?;
            writeln!(out, "    would bring: {}", visible(harm))?;
        }
    }
    if made + left > 0 {
        writeln!(out)?;
    }
    Ok(())
}

/// ``flags/a.yaml:6:14: write `true` (schema)``
fn line(name: &str, fix: &Told) -> String {
    let Told { rule, title, at } = fix;
    let (name, title) = (visible(name), visible(title));
    format!("{name}:{}:{}: {title} ({rule})", at.line, at.column)
}

/// How a diff is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    pub color: bool,
    /// What a terminal would act upon is written out; a program gets every byte as it is.
    pub terminal: bool,
}

/// What can take a diff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// `git apply` and `patch -p1`.
    #[default]
    Plainly,
    /// `git apply --unidiff-zero` and `patch -p1`: a secret stands behind a change, so that there is no
    /// line to show there.
    WithoutContext,
    /// Nothing: a secret stands in a line that changes.
    Never,
}

/// Lines around a change, at most.
const CONTEXT: usize = 3;

/// Writes what has changed as a unified diff, names from `root` on. What looks like a secret is blotted
/// out where it stands in a line that changes, and left out around it; the answer is what can take that.
///
/// # Errors
/// What `out` fails with.
pub fn diff(files: &[File], root: &Root, look: Look, out: &mut dyn Write) -> io::Result<Taken> {
    let mut taken = Taken::default();
    for file in files {
        taken = taken.max(one(file, root, look, out)?);
    }
    Ok(taken)
}

/// A line of one text or of both, by its number from 0.
struct Line {
    tag: ChangeTag,
    old: Option<usize>,
    new: Option<usize>,
}

/// A text by lines, as it is and as it is shown.
struct Lines<'t> {
    raw: Vec<&'t str>,
    shown: Vec<&'t str>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str, masked: &'t str) -> Self {
        // Nothing but a line feed ends a line to the programs that read diffs.
        Self {
            raw: text.split_inclusive('\n').collect(),
            shown: masked.split_inclusive('\n').collect(),
        }
    }

    fn shown(&self, line: usize) -> &'t str {
        self.shown.get(line).copied().unwrap_or_default()
    }

    fn is_secret(&self, line: usize) -> bool {
        self.raw.get(line) != self.shown.get(line)
    }
}

fn one(file: &File, root: &Root, look: Look, out: &mut dyn Write) -> io::Result<Taken> {
    let (before, after) = (&file.mended.before, &file.mended.text);
    let name = root.name(&file.name);
    texts(&name, Some(before), Some(after), look, out)
}

/// Writes how the text of one file has changed. `None` is for a file that is not there.
///
/// # Errors
/// What `out` fails with.
pub fn unified(
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    texts(name, before, after, look, out).map(drop)
}

fn texts(
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<Taken> {
    let side = |letter: &str, text: Option<&str>| match text {
        Some(_) => format!("{letter}/{}", visible(name)),
        None => "/dev/null".to_owned(),
    };
    let (old_name, new_name) = (side("a", before), side("b", after));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let masked = (secret::mask(before), secret::mask(after));
    let (before, after) = (Lines::new(before, &masked.0), Lines::new(after, &masked.1));
    let diff = TextDiff::from_slices(&before.raw, &after.raw);
    let lines: Vec<Line> = diff
        .iter_all_changes()
        .map(|change| Line {
            tag: change.tag(),
            old: change.old_index(),
            new: change.new_index(),
        })
        .collect();
    let is_secret = |line: &Line| {
        line.old.is_some_and(|at| before.is_secret(at))
            || line.new.is_some_and(|at| after.is_secret(at))
    };
    let bold = look.style(Style::new().bold());
    let dim = look.style(AnsiColor::Cyan.on_default());
    let mut taken = Taken::default();
    for (number, hunk) in hunks(&lines, is_secret).into_iter().enumerate() {
        if number == 0 {
            writeln!(
                out,
                "{bold}--- {old_name}{bold:#}\n{bold}+++ {new_name}{bold:#}"
            )?;
        }
        let behind = lines.len() - hunk.end;
        let lines_of = &lines[hunk.clone()];
        let ends_changed = lines_of
            .last()
            .is_some_and(|line| line.tag != ChangeTag::Equal);
        if lines_of.iter().any(is_secret) {
            taken = Taken::Never;
        } else if ends_changed && behind > 0 {
            taken = taken.max(Taken::WithoutContext);
        }
        let old = range(&lines, &hunk, |line| line.old);
        let new = range(&lines, &hunk, |line| line.new);
        writeln!(out, "{dim}@@ -{old} +{new} @@{dim:#}")?;
        for line in lines_of {
            let text = match (line.new, line.old) {
                (Some(at), _) => after.shown(at),
                (None, Some(at)) => before.shown(at),
                (None, None) => continue,
            };
            look.change(line.tag, text, out)?;
        }
    }
    Ok(taken)
}

/// The changes with the lines around them, none of which has a secret.
fn hunks(lines: &[Line], is_secret: impl Fn(&Line) -> bool) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    let is_context = |line: &&Line| line.tag == ChangeTag::Equal && !is_secret(line);
    for (at, line) in lines.iter().enumerate() {
        if line.tag == ChangeTag::Equal {
            continue;
        }
        let around = |lines: &mut dyn Iterator<Item = &Line>| {
            lines.take(CONTEXT).take_while(is_context).count()
        };
        let start = at - around(&mut lines.iter().take(at).rev());
        let end = at + 1 + around(&mut lines.iter().skip(at + 1));
        match hunks.last_mut().filter(|last| start <= last.end) {
            Some(last) => last.end = last.end.max(end),
            None => hunks.push(start..end),
        }
    }
    hunks
}

/// `first,count` of the lines of a hunk in one of the texts; of none, the line before them.
fn range(lines: &[Line], hunk: &Range<usize>, number: impl Fn(&Line) -> Option<usize>) -> String {
    let numbers = |part: Range<usize>| lines[part].iter().filter_map(&number);
    let count = numbers(hunk.clone()).count();
    let first = match numbers(hunk.clone()).next() {
        Some(first) => first + 1,
        None => numbers(0..hunk.start)
            .next_back()
            .map_or(0, |last| last + 1),
    };
    match count {
        1 => first.to_string(),
        count => format!("{first},{count}"),
    }
}

impl Look {
    fn style(self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    fn change(self, tag: ChangeTag, line: &str, out: &mut dyn Write) -> io::Result<()> {
        let (sign, style) = match tag {
            ChangeTag::Delete => ('-', AnsiColor::Red.on_default()),
            ChangeTag::Insert => ('+', AnsiColor::Green.on_default()),
            ChangeTag::Equal => (' ', Style::new()),
        };
        let style = self.style(style);
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => (text, ""),
            None => (line, "\\ No newline at end of file\n"),
        };
        if self.terminal {
            let text = visible(text.strip_suffix('\r').unwrap_or(text));
            return write!(out, "{style}{sign}{text}{style:#}\n{end}");
        }
        write!(out, "{style}{sign}{text}{style:#}\n{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, Position};

    fn file(before: &str, after: &str) -> File {
        File {
            name: "flags/a.yaml".to_owned(),
            mended: Mended {
                file: FileId(0),
                before: before.to_owned(),
                text: after.to_owned(),
                made: Vec::new(),
                left: Vec::new(),
            },
        }
    }

    fn shown(file: File, look: Look) -> String {
        let mut out = Vec::new();
        diff(&[file], &Root::default(), look, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_diff_has_every_byte_for_programs() {
        let plain = shown(
            file("a: 1\r\nb: 2\r\n\tc\re: 5", "a: 1\r\nb: 3\r\n\tc\re: 5"),
            Look::default(),
        );
        assert_eq!(
            plain,
            "--- a/flags/a.yaml\n+++ b/flags/a.yaml\n@@ -1,3 +1,3 @@\n a: 1\r\n-b: 2\r\n+b: 3\r\n \
             \tc\re: 5\n\\ No newline at end of file\n"
        );
        assert_eq!(shown(file("a\n", "a\n"), Look::default()), "");
    }

    #[test]
    fn a_terminal_is_shown_nothing_that_it_would_act_upon() {
        let look = Look {
            terminal: true,
            color: false,
        };
        let shown = shown(file("a\u{1b}[2J\r\nb\n", "a\u{1b}[2J\r\nc\n"), look);
        assert!(shown.contains(" a\\u{1b}[2J\n-b\n+c\n"), "{shown}");
    }

    #[test]
    fn a_secret_is_blotted_out() {
        let token = format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6");
        let text = format!("u: {token}\ne: yes\n");
        let shown = shown(file(&text, &text.replace("yes", "true")), Look::default());
        assert!(
            shown.contains("+e: true\n") && !shown.contains(&token),
            "{shown}"
        );
    }

    #[test]
    fn lines_with_a_secret_are_left_out_around_a_change() {
        let token = format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6");
        let folded = format!("\"{}\\\n  {}\"", &token[..20], &token[20..]);
        for (before, after, taken, expected) in [
            (
                format!("a\nu: {token}\nb\nc: 1\nd\ne\nf\ng\n"),
                "c: 2",
                Taken::Plainly,
                "@@ -3,5 +3,5 @@\n b\n-c: 1\n+c: 2\n d\n e\n f\n",
            ),
            (
                format!("a\nc: 1\nu: {token}\nb\n"),
                "c: 2",
                Taken::WithoutContext,
                "@@ -1,2 +1,2 @@\n a\n-c: 1\n+c: 2\n",
            ),
            (
                format!("u: {token}\nc: 1\n"),
                "c: 2",
                Taken::Plainly,
                "@@ -2 +2 @@\n-c: 1\n+c: 2\n",
            ),
            (
                format!("c: 1 # {token}\n"),
                "c: 2",
                Taken::Never,
                "@@ -1 +1 @@\n-c: 1 # ghp_************************************\n",
            ),
            (
                format!("c: 1\na\nu: {folded}\n"),
                "c: 2",
                Taken::Plainly,
                "@@ -1,2 +1,2 @@\n-c: 1\n+c: 2\n a\n",
            ),
            (
                "c: 1\na\n".to_owned(),
                "",
                Taken::Plainly,
                "@@ -1,2 +1,2 @@\n-c: 1\n+\n a\n",
            ),
        ] {
            let mut out = Vec::new();
            let file = file(&before, &before.replace("c: 1", after));
            let found = diff(&[file], &Root::default(), Look::default(), &mut out).unwrap();
            let shown = String::from_utf8(out).unwrap();
            assert_eq!(found, taken, "{shown}");
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains(&token[20..]), "{shown}");
        }
    }

    #[test]
    fn every_fix_has_its_line() {
        let told = |line, title: &str| Told {
            rule: "schema",
            title: title.to_owned(),
            at: Position { line, column: 14 },
        };
        let mut file = file("", "");
        file.mended.made = vec![told(6, "write `true`"), told(8, "write `10`")];
        file.mended.left = vec![Left {
            fix: told(9, "write `\u{1b}`"),
            harm: "worse".to_owned(),
        }];
        let mut out = Vec::new();
        list(&[file], "Fixed", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Fixed 2 findings in 1 file:\n\
             \x20 flags/a.yaml:6:14: write `true` (schema)\n\
             \x20 flags/a.yaml:8:14: write `10` (schema)\n\
             Left 1 finding, since the fix would do harm:\n\
             \x20 flags/a.yaml:9:14: write `\\u{1b}` (schema)\n\
             \x20   would bring: worse\n\n"
        );
    }
}
