//! A new flag, put into a flag file.

use super::document::{Document, line_above, line_end, line_start};
use super::flag::{Field, NewFlag};
use super::{Amended, Draft, Refusal, Splice, layout, others_are_the_same};
use crate::yaml::{Entry, NodeId, Value};

/// Puts a flag in: at its place where the flags of the file are sorted, else behind the last. It is
/// indented as they are, with an empty line between where they have one.
///
/// # Errors
/// Where that cannot be done without touching anything else.
pub fn insert(text: &str, flag: &NewFlag) -> Result<Amended, Refusal> {
    let document = Document::read(text);
    let fields = flag.fields();
    let splices = splices(&document, &flag.key, &fields)?;
    let mut draft = Draft::new(text);
    draft.splice(splices)?;
    if others_are_the_same(&draft.text, text, &flag.key) == Some(1) {
        Ok(draft.finish())
    } else {
        Err(layout(text, text.len()))
    }
}

/// A file with nothing but this flag, below `head`: lines, each with its line break.
#[must_use]
pub fn file_of(flag: &NewFlag, head: &str) -> String {
    let lines = lines(&flag.key, &flag.fields(), Style::NEW);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{head}flags:\n{lines}")
}

/// How flags are written in a file.
#[derive(Clone, Copy)]
struct Style {
    /// Spaces in front of a key.
    indent: usize,
    /// Spaces more in front of its fields.
    step: usize,
    /// An empty line stands between flags.
    is_spaced: bool,
}

impl Style {
    const NEW: Self = Self {
        indent: 2,
        step: 2,
        is_spaced: true,
    };
}

fn lines(key: &str, fields: &[Field], style: Style) -> Vec<String> {
    let mut lines = vec![format!("{}{key}:", " ".repeat(style.indent))];
    let (indent, step) = (style.indent + style.step, style.step);
    lines.extend(fields.iter().flat_map(|field| field.block(indent, step)));
    lines
}

fn splices(document: &Document<'_>, key: &str, fields: &[Field]) -> Result<Vec<Splice>, Refusal> {
    let text = document.text;
    let Some((root, flags)) = document.flag_maps().next() else {
        return fresh(document, key, fields);
    };
    document.own(root, flags)?;
    let map = flags.value;
    document.unshared_map(map)?;
    if document.is_alias(map) {
        return Err(document.merged(map));
    }
    let own = document.own_entries(map);
    match document.tree.value(map) {
        // Nothing yet.
        Value::Mapping([]) | Value::Null => {
            let range = document.range(map);
            let colon = text
                .get(..range.start)
                .map_or(0, |before| before.trim_end().len());
            let end = line_end(text, range.end);
            let added = lines(key, fields, Style::NEW);
            Ok(vec![
                Splice {
                    range: colon..range.end,
                    text: String::new(),
                },
                document.below(end, &added),
            ])
        }
        Value::Mapping(_) if document.is_flow(map) => {
            let fields: Vec<String> = fields.iter().map(Field::flow).collect();
            let entry = format!("{key}: {{ {} }}", fields.join(", "));
            Ok(vec![document.insert_flow(map, &entry)?])
        }
        Value::Mapping(_) if !own.is_empty() => {
            let style = style(document, flags, &own);
            Ok(vec![in_block(document, &own, key, fields, style)?])
        }
        _ => Err(layout(text, document.range(map).start)),
    }
}

/// The beginning of a flag set in a file that has nothing but comments.
fn fresh(document: &Document<'_>, key: &str, fields: &[Field]) -> Result<Vec<Splice>, Refusal> {
    let text = document.text;
    if !document.tree.documents().is_empty() {
        return Err(layout(text, 0));
    }
    let line_break = document.line_break();
    let needs_break = !text.is_empty() && !text.ends_with(['\n', '\r', '\u{feff}']);
    let mut added = vec!["flags:".to_owned()];
    added.extend(lines(key, fields, Style::NEW));
    let added: String = added
        .iter()
        .map(|line| format!("{line}{line_break}"))
        .collect();
    Ok(vec![Splice {
        range: text.len()..text.len(),
        text: format!("{}{added}", if needs_break { line_break } else { "" }),
    }])
}

/// How the flags are written that there are.
fn style(document: &Document<'_>, flags: Entry, own: &[Entry]) -> Style {
    let column = |node: NodeId| document.column(document.tree.span(node).range().start);
    let indent = own.first().map_or(2, |entry| column(entry.key));
    let block = own
        .iter()
        .filter(|entry| !document.is_flow(entry.value) && !document.is_alias(entry.value));
    let steps = block.filter_map(|entry| {
        let field = document.own_entries(entry.value).first().copied()?;
        column(field.key)
            .checked_sub(indent)
            .filter(|step| *step > 0)
    });
    let step = { steps }.next();
    let outer = indent.saturating_sub(column(flags.key));
    let gaps: Vec<bool> = own
        .windows(2)
        .filter_map(|pair| {
            let [one, next] = pair else { return None };
            let gap = document.whole(*one).end..document.whole(*next).start;
            Some(has_empty_line(document.text.get(gap)?))
        })
        .collect();
    let is_long = |entry: &Entry| {
        let written = document.text.get(document.whole(*entry));
        written.is_some_and(|text| text.trim_end().contains('\n'))
    };
    let is_spaced = match gaps.len() {
        0 => own.iter().any(is_long),
        gaps_there => 2 * gaps.iter().filter(|spaced| **spaced).count() > gaps_there,
    };
    Style {
        indent,
        step: step.unwrap_or(if outer > 0 { outer } else { 2 }),
        is_spaced,
    }
}

fn has_empty_line(gap: &str) -> bool {
    let lines: Vec<&str> = gap.split('\n').collect();
    // The first and the last are parts of lines with something on them.
    let inner = lines.get(1..lines.len().saturating_sub(1));
    inner.is_some_and(|lines| lines.iter().any(|line| line.trim().is_empty()))
}

fn in_block(
    document: &Document<'_>,
    own: &[Entry],
    key: &str,
    fields: &[Field],
    style: Style,
) -> Result<Splice, Refusal> {
    let text = document.text;
    let keys: Vec<&str> = own
        .iter()
        .filter_map(|entry| document.tree.key_text(entry.key))
        .collect();
    let next = keys.iter().position(|other| *other > key);
    let next = next.filter(|_| keys.is_sorted()).and_then(|at| own.get(at));
    let mut added = lines(key, fields, style);
    let line_break = document.line_break();
    if let Some(next) = next {
        let start = document.whole(*next).start;
        let at = with_comments_above(text, line_start(text, start), style.indent);
        if text
            .get(line_start(text, start)..start)
            .is_none_or(|pad| !pad.trim().is_empty())
        {
            return Err(layout(text, start));
        }
        // Where there is no empty line in front of the next flag, none belongs between.
        let above = line_above(text, at).and_then(|above| text.get(above));
        let is_first = own.first().map(|first| first.key) == Some(next.key);
        if style.is_spaced && (is_first || above.is_some_and(|line| line.trim().is_empty())) {
            added.push(String::new());
        }
        return Ok(Splice {
            range: at..at,
            text: added
                .iter()
                .map(|line| format!("{line}{line_break}"))
                .collect(),
        });
    }
    let last = own.last().map_or(0, |entry| document.whole(*entry).end);
    let at = end_with_comments(text, last, style.indent);
    if style.is_spaced {
        added.insert(0, String::new());
    }
    Ok(Splice {
        range: at..at,
        text: added
            .iter()
            .map(|line| format!("{line_break}{line}"))
            .collect(),
    })
}

/// Where the lines begin that belong to what begins on the line at `start`: comments directly above it,
/// indented no further.
pub(super) fn with_comments_above(text: &str, mut start: usize, indent: usize) -> usize {
    while let Some(above) = line_above(text, start) {
        let line = text.get(above.clone()).unwrap_or_default();
        let bare = line.trim();
        let depth = line.len() - line.trim_start().len();
        let is_of_file = bare.contains("hoist-ignore-file") || is_modeline(bare);
        if !bare.starts_with('#') || depth > indent || is_of_file {
            break;
        }
        start = above.start;
    }
    start
}

/// The end of the last line, in front of its line break, that belongs to what ends at `end`: with
/// comments directly below it that are indented further than `indent`.
pub(super) fn end_with_comments(text: &str, end: usize, indent: usize) -> usize {
    let before = text.get(..end).unwrap_or_default();
    // The text of a block scalar ends with its last line, the line break among it.
    let inner = before.strip_suffix('\n').unwrap_or(before);
    let inner = inner.strip_suffix('\r').unwrap_or(inner);
    let mut end = line_end(text, inner.len());
    loop {
        let rest = text.get(end..).unwrap_or_default();
        let below = rest.strip_prefix('\r').unwrap_or(rest);
        let Some(below) = below.strip_prefix('\n') else {
            return end;
        };
        let line = below.lines().next().unwrap_or_default();
        let depth = line.len() - line.trim_start().len();
        if !line.trim_start().starts_with('#') || depth <= indent {
            return end;
        }
        end = line_end(text, text.len() - below.len());
    }
}

/// What editors read, and nobody else.
pub(super) fn is_modeline(comment: &str) -> bool {
    comment.contains("yaml-language-server:")
}
