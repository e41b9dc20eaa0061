//! Findings for people: each with the lines it is about, then one line that sums up.

use std::io::{self, Write};

use annotate_snippets::renderer::{AnsiColor, Effects, Style};
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Message, Origin, Padding, Patch, Renderer, Snippet,
    normalize_untrusted_str,
};

use crate::diagnostic::{Diagnostic, Edit, Fix, Location, Related, Severity, Span};

use super::excerpt::{Window, printable};
use super::places::Places;
use super::{Lint, count};

/// Related places within that many lines of a finding are shown in the same excerpt.
const NEAR: u32 = 20;
/// No terminal is taken to be narrower than this.
const NARROWEST: usize = 40;

/// Writes every finding, and the summary. `width` is the terminal's, in columns.
///
/// # Errors
/// What `out` fails with.
pub fn lint(lint: &Lint<'_>, color: bool, width: usize, out: &mut dyn Write) -> io::Result<()> {
    findings(lint, color, width, out)?;
    summary(lint, color, out)
}

/// Writes every finding.
pub fn findings(lint: &Lint<'_>, color: bool, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(width.max(NARROWEST));
    let mut places = Places::new(lint.files);
    for found in lint.sorted() {
        let groups = groups(found, &mut places);
        writeln!(out, "{}\n", renderer.render(&groups))?;
    }
    Ok(())
}

/// "Checked 12 flags in 4 files: 1 error, 2 warnings".
fn summary(lint: &Lint<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = |of: AnsiColor| {
        if color {
            of.on_default().effects(Effects::BOLD)
        } else {
            Style::new()
        }
    };
    let (flags, files) = (count(lint.flags, "flag"), count(lint.checked, "file"));
    write!(out, "Checked {flags} in {files}: ")?;
    let counts = [
        (lint.errors(), "error", style(AnsiColor::BrightRed)),
        (lint.warnings(), "warning", style(AnsiColor::Yellow)),
    ];
    let mut between = "";
    for (number, word, style) in counts {
        if number > 0 {
            write!(out, "{between}{style}{}{style:#}", count(number, word))?;
            between = ", ";
        }
    }
    if !lint.unread.is_empty() {
        let style = style(AnsiColor::BrightRed);
        let unread = lint.unread.len();
        write!(out, "{between}{style}{unread} not read{style:#}")?;
        between = ", ";
    }
    if between.is_empty() {
        let style = style(AnsiColor::BrightGreen);
        write!(out, "{style}no problems{style:#}")?;
    }
    writeln!(out)
}

/// A finding as the renderer takes it.
fn groups<'a>(found: &'a Diagnostic, places: &mut Places<'a>) -> Vec<Group<'a>> {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .clone()
        .primary_title(printable(&found.message))
        .id(found.rule);
    let mut groups = vec![Group::with_title(title)];
    let mut notes = Vec::new();

    match primary(found, places) {
        Some(shown) => {
            let mut snippets = vec![shown.snippet];
            for related in shown.elsewhere {
                match other_place(related, places) {
                    Ok(snippet) => snippets.push(snippet),
                    Err(note) => notes.push(note),
                }
            }
            // The renderer counts columns in what it shows, so a cut line's place is told apart.
            if let Some(origin) = shown.origin {
                push(&mut groups, |group| group.element(origin));
                groups.push(Group::with_level(level));
            }
            let apart = groups.len() > 1 && (found.help.is_some() || !notes.is_empty());
            push(&mut groups, |group| group.elements(snippets));
            if apart {
                push(&mut groups, |group| group.element(Padding));
            }
        }
        None => {
            let path = path(places.name(found.location.file));
            push(&mut groups, |group| group.element(Origin::path(path)));
            notes.extend(found.related.iter().map(|related| note(related, places)));
        }
    }
    push(&mut groups, |group| group.elements(notes));
    let fix = found.fix.as_ref();
    let suggestion = fix.and_then(|fix| suggestion(fix, found.location, places));
    if let Some(help) = &found.help {
        // What the suggestion shows need not be said as well.
        let shown = suggestion.is_some()
            && (help.starts_with("did you mean") || fix.is_some_and(|fix| fix.title == *help));
        if !shown {
            push(&mut groups, |group| group.element(help_line(help)));
        }
    }
    match (suggestion, fix) {
        (Some(group), _) => groups.push(group),
        (None, Some(fix)) => push(&mut groups, |group| group.element(help_line(&fix.title))),
        (None, None) => {}
    }
    groups
}

/// Adds to the last group.
fn push<'a>(groups: &mut Vec<Group<'a>>, add: impl FnOnce(Group<'a>) -> Group<'a>) {
    if let Some(group) = groups.pop() {
        groups.push(add(group));
    }
}

/// The excerpt around a finding.
struct Primary<'a> {
    snippet: Snippet<'a, Annotation<'a>>,
    /// Where the excerpt cannot tell its place by itself.
    origin: Option<Origin<'a>>,
    /// Places that are not in it.
    elsewhere: Vec<&'a Related>,
}

fn primary<'a>(found: &'a Diagnostic, places: &mut Places<'a>) -> Option<Primary<'a>> {
    let Location { file, span } = found.location;
    let name = places.name(file);
    let lines = places.lines(file)?;
    let line = lines.index.line(span.start);
    let (near, mut elsewhere): (Vec<_>, Vec<_>) = found.related.iter().partition(|related| {
        let at = related.location;
        at.file == file && lines.index.line(at.span.start).abs_diff(line) <= NEAR
    });

    let mut spans = vec![span];
    spans.extend(near.iter().map(|related| related.location.span));
    let window = Window::new(lines.text, &lines.index, &spans);
    let mut annotations = vec![AnnotationKind::Primary.span(window.find(lines.text, span)?)];
    for related in near {
        match window.find(lines.text, related.location.span) {
            Some(range) => {
                let label = printable(&related.message);
                annotations.push(AnnotationKind::Context.span(range).label(label));
            }
            None => elsewhere.push(related),
        }
    }
    let origin = window.cut.then(|| {
        let at = lines.start(span.start);
        Origin::path(path(name))
            .line(at.line as usize)
            .char_column(at.column as usize)
    });
    let path = origin.is_none().then(|| path(name));
    Some(Primary {
        snippet: Snippet::source(window.text)
            .path(path)
            .line_start(window.first as usize)
            .annotations(annotations),
        origin,
        elsewhere,
    })
}

/// An excerpt of its own for a related place far away, or a note where there is none to show.
fn other_place<'a>(
    related: &'a Related,
    places: &mut Places<'a>,
) -> Result<Snippet<'a, Annotation<'a>>, Message<'a>> {
    let Location { file, span } = related.location;
    let name = places.name(file);
    let shown = places.lines(file).and_then(|lines| {
        let window = Window::new(lines.text, &lines.index, &[span]);
        let range = window.find(lines.text, span).filter(|_| !window.cut)?;
        let label = printable(&related.message);
        Some(
            Snippet::source(window.text)
                .path(path(name))
                .line_start(window.first as usize)
                .annotation(AnnotationKind::Context.span(range).label(label)),
        )
    });
    shown.ok_or_else(|| note(related, places))
}

fn note<'a>(related: &'a Related, places: &mut Places<'a>) -> Message<'a> {
    let Location { file, span } = related.location;
    let name = path(places.name(file));
    let text = match places.lines(file) {
        Some(lines) => {
            let at = lines.index.position(lines.text, span.start);
            format!("{}: {name}:{}:{}", related.message, at.line, at.column)
        }
        None => format!("{}: {name}", related.message),
    };
    Level::NOTE.message(trusted(&text))
}

fn help_line(help: &str) -> Message<'_> {
    Level::HELP.message(trusted(help))
}

/// The file as a fix would leave it. `None` where that cannot be shown: no text, cut lines, edits
/// far apart.
fn suggestion<'a>(fix: &'a Fix, location: Location, places: &mut Places<'a>) -> Option<Group<'a>> {
    let name = places.name(location.file);
    let lines = places.lines(location.file)?;
    let spans: Vec<Span> = fix.edits.iter().map(|edit| edit.span).collect();
    let first = spans
        .iter()
        .map(|span| lines.index.line(span.start))
        .min()?;
    let last = spans.iter().map(|span| lines.index.line(span.end)).max()?;
    if last - first > NEAR {
        return None;
    }
    let window = Window::new(lines.text, &lines.index, &spans);
    if window.cut {
        return None;
    }
    let patch = |edit: &'a Edit| {
        let on_one_line = lines.index.line(edit.span.start) == lines.index.line(edit.span.end);
        let range = window.find(lines.text, edit.span).filter(|_| on_one_line)?;
        Some(Patch::new(range, edit.text.as_str()))
    };
    let patches: Vec<Patch<'_>> = fix.edits.iter().map(patch).collect::<Option<_>>()?;
    let snippet = Snippet::source(window.text)
        .path(path(name))
        .line_start(window.first as usize)
        .patches(patches);
    Some(
        Level::HELP
            .secondary_title(trusted(&fix.title))
            .element(snippet),
    )
}

/// Text that the renderer would pass on as it is.
fn trusted(text: &str) -> String {
    normalize_untrusted_str(&printable(text))
}

/// A file's name may hold anything but a slash and a NUL.
fn path(name: &str) -> String {
    trusted(name)
}
