//! Flags that are due for removal, for an issue or a comment.

use super::markdown::{Bounded, code, message, text};
use super::stale::{Item, Stale};
use super::text::visible;

/// The whole document, in bytes: hosts refuse more than 65,536 characters.
const LIMIT: usize = 64_000;
/// What ends the document, in bytes.
const TAIL: usize = 2_000;
/// A piece of text longer than this, in characters, is cut.
const LONGEST: usize = 300;
/// So many notes are shown.
const NOTES: usize = 4;

/// The flags as a Markdown document, ending in a line break.
#[must_use]
pub fn document(stale: &Stale<'_>) -> String {
    let mut out = Bounded::new(LIMIT);
    out.push(&format!("### {}\n\n", text(&stale.summary())), 0);
    if let Some(store) = stale.store {
        let name = store
            .environment
            .as_deref()
            .map(|name| format!("{} on ", code(&cut(name))));
        let of = format!(
            "{}{}, generation {}\n\n",
            name.unwrap_or_default(),
            code(&cut(&store.info.url)),
            store.store.generation
        );
        out.push(&of, 0);
    }
    if !stale.items.is_empty() {
        let head = "| | flag | owner, age | why | next |\n| --- | --- | --- | --- | --- |\n";
        out.push(head, 0);
        let rows = (1..)
            .zip(stale.items)
            .map(|(number, item)| row(number, item, stale));
        let left_out = out.push_all(rows, LIMIT - TAIL);
        more(&mut out, left_out, "more flags");
    }
    for note in stale.notes.iter().take(NOTES) {
        out.push(&format!("\n{}.\n", message(&cut(note))), 0);
    }
    more(
        &mut out,
        stale.notes.len().saturating_sub(NOTES),
        "more notes",
    );
    out.finish()
}

fn more(out: &mut Bounded, left_out: usize, what: &str) {
    if left_out > 0 {
        out.push(&format!("\n… and {left_out} {what}\n"), 0);
    }
}

fn row(number: usize, item: &Item, stale: &Stale<'_>) -> String {
    let flag = code(&cut(&item.due.known.flag));
    let source = item.source.as_ref().map(|source| {
        let place = format!("{}:{}", source.file, source.line);
        format!("<br>{}", code(&cut(&place)))
    });
    let reasons = item.due.reasons.iter();
    let mut why: Vec<String> = reasons
        .map(|reason| message(&cut(&stale.evidence(reason))))
        .collect();
    why.extend(
        item.code()
            .map(|places| format!("in code at {}", text(&cut(&places)))),
    );
    format!(
        "| {number} | {flag}{} | {} | {} | {} |\n",
        source.unwrap_or_default(),
        text(&cut(&item.about())),
        why.join("<br>"),
        message(&cut(&item.next()))
    )
}

fn cut(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
