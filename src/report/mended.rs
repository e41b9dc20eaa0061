//! `lint --fix`, for people: what was mended, or would be.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::fix::{Left, Mended, Told};
use crate::secret;

use super::count;
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

/// Writes what has changed as a unified diff, which `git apply` and `patch -p1` take. What looks like a
/// secret is blotted out: a change beside one has to be made by `--fix` itself.
///
/// # Errors
/// What `out` fails with.
pub fn diff(files: &[File], look: Look, out: &mut dyn Write) -> io::Result<()> {
    files.iter().try_for_each(|file| one(file, look, out))
}

fn one(file: &File, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let (before, after) = (&file.mended.before, &file.mended.text);
    unified(&file.name, Some(before), Some(after), look, out)
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
    let side = |letter: &str, text: Option<&str>| match text {
        Some(_) => format!("{letter}/{}", visible(name)),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (side("a", before), side("b", after));
    let (before, after) = (
        secret::mask(before.unwrap_or_default()),
        secret::mask(after.unwrap_or_default()),
    );
    // Nothing but a line feed ends a line to the programs that read diffs.
    let lines = |text| -> Vec<&str> { str::split_inclusive(text, '\n').collect() };
    let (before, after) = (lines(&before), lines(&after));
    let diff = TextDiff::from_slices(&before, &after);
    let bold = look.style(Style::new().bold());
    let dim = look.style(AnsiColor::Cyan.on_default());
    for (number, hunk) in diff
        .unified_diff()
        .context_radius(3)
        .iter_hunks()
        .enumerate()
    {
        if number == 0 {
            writeln!(out, "{bold}--- {old}{bold:#}\n{bold}+++ {new}{bold:#}")?;
        }
        writeln!(out, "{dim}{}{dim:#}", hunk.header())?;
        for change in hunk.iter_changes() {
            look.change(change.tag(), change.value(), out)?;
        }
    }
    Ok(())
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
        diff(&[file], look, &mut out).unwrap();
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
