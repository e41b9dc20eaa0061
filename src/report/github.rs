//! `lint --format github`: workflow commands, which GitHub shows as annotations beside the lines of a
//! pull request.

use std::io::{self, BufWriter, Write};

use crate::diagnostic::{Diagnostic, Severity};

use super::places::Places;
use super::text::visible;
use super::{Lint, Root, tally};

/// Annotations of one level that GitHub shows of a step; the others stand in its log alone.
const SHOWN: usize = 10;

/// Writes a command for every finding, errors first, and one that sums up. Names of files start at
/// `root`.
///
/// # Errors
/// What `out` fails with.
pub fn lint(lint: &Lint<'_>, root: &Root, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for error in lint.unread {
        let file = root.name(error.name());
        let properties = [("file", file), ("title", "hoist".to_owned())];
        command("error", &properties, &visible(&error.to_string()), &mut out)?;
    }
    let mut sorted = lint.sorted();
    sorted.sort_by_key(|found| std::cmp::Reverse(found.severity));
    let mut places = Places::new(lint.files);
    for found in sorted {
        finding(found, root, &mut places, &mut out)?;
    }
    if lint.errors() > 0 || lint.warnings() > 0 {
        let mut sum = format!("hoist found {}", tally(lint));
        if lint.errors() > SHOWN || lint.warnings() > SHOWN {
            sum += &format!("; GitHub shows {SHOWN} of each, and the log has them all");
        }
        command("notice", &[("title", "hoist".to_owned())], &sum, &mut out)?;
    }
    out.flush()
}

fn finding(
    found: &Diagnostic,
    root: &Root,
    places: &mut Places<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let file = root.name(places.name(found.location.file));
    let (start, end) = places.range(found.location);
    let mut message = format!(
        "{}:{}:{}: {}",
        visible(&file),
        start.line,
        start.column,
        visible(&found.message)
    );
    if let Some(help) = &found.help {
        message += &format!("\nhelp: {}", visible(help));
    }
    for related in &found.related {
        let at = related.location;
        let file = root.name(places.name(at.file));
        let (start, _) = places.range(at);
        let (file, what) = (visible(&file), visible(&related.message));
        message += &format!("\nnote: {file}:{}:{}: {what}", start.line, start.column);
    }
    let mut properties = vec![
        ("file", file),
        ("line", start.line.to_string()),
        ("endLine", end.line.to_string()),
    ];
    // Columns of different lines are refused.
    if start.line == end.line {
        properties.push(("col", start.column.to_string()));
        properties.push(("endColumn", end.column.to_string()));
    }
    properties.push(("title", format!("hoist({})", found.rule)));
    let level = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    command(level, &properties, &message, out)
}

/// Writes `::name key=value,key=value::message`.
fn command(
    name: &str,
    properties: &[(&str, String)],
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let properties: Vec<_> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    writeln!(out, "::{name} {}::{}", properties.join(","), data(message))
}

/// The message of a command, on one line.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Files, Location, Span};

    fn written(diagnostics: &[Diagnostic], files: &Files) -> String {
        let found = Lint {
            files,
            checked: 1,
            flags: 1,
            diagnostics,
            unread: &[],
        };
        let mut out = Vec::new();
        lint(&found, &Root::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_commands_are_made_of_is_escaped() {
        let mut files = Files::default();
        let file = files.add("a,b:c%\n.yaml", Some("one\ntwo\n".into()));
        let at = |start, end| Location {
            file,
            span: Span::new(start, end),
        };
        let found = [
            Diagnostic::new("schema", at(1, 3), "100 % of it: a, b")
                .with_help("write\r\n::error::it"),
            Diagnostic::new("schema", at(1, 6), "two lines"),
        ];
        assert_eq!(
            written(&found, &files),
            "::error file=a%2Cb%3Ac%25%0A.yaml,line=1,endLine=1,col=2,endColumn=4,title=hoist(schema)\
             ::a,b:c%25\\u{a}.yaml:1:2: 100 %25 of it: a, b%0Ahelp: write\\u{d}\\u{a}::error::it\n\
             ::error file=a%2Cb%3Ac%25%0A.yaml,line=1,endLine=2,title=hoist(schema)\
             ::a,b:c%25\\u{a}.yaml:1:2: two lines\n\
             ::notice title=hoist::hoist found 2 errors\n"
        );
    }

    #[test]
    fn errors_come_first_and_many_are_counted() {
        let mut files = Files::default();
        files.add("a.yaml", None);
        let warning = Diagnostic::new("expired", Location::default(), "expired")
            .with_severity(Severity::Warning);
        let mut found = vec![warning; 11];
        found.push(Diagnostic::new("schema", Location::default(), "wrong"));
        let written = written(&found, &files);
        assert!(written.starts_with("::error "), "{written}");
        assert_eq!(written.matches("::warning ").count(), 11);
        let last = "::notice title=hoist::hoist found 1 error, 11 warnings; \
                    GitHub shows 10 of each, and the log has them all\n";
        assert!(written.ends_with(last), "{written}");
        assert_eq!(super::tests::written(&[], &files), "");
    }
}
