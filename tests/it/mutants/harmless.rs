//! Changes that break nothing: they must draw nothing.

use super::site::{Edit, FlagSites, Place, Site};
use super::{Mutant, Origin};

/// The same flag, written in another way.
pub fn all(origin: &Origin<'_>, flag: &FlagSites) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |way: &str, site: &Site, edit: Edit| {
        mutants.push(origin.mutant("harmless", way, site, edit, &[], Place::New(0)));
    };
    for site in &flag.sites {
        let value = &origin.text[site.value.clone()];
        for other in spellings(site, value) {
            add(&other, site, site.replaced(origin.text, &other));
        }
        if site.key.is_some() && !site.path.is_empty() {
            let name = format!("\"{}\"", site.name);
            add("a key in quotes", site, site.renamed(&name));
        }
    }
    for field in flag.fields() {
        let start = field.start();
        let text = "# A comment, with hoist and ignore in it.\n    ".to_owned();
        let range = start..start;
        add("a comment above", field, Edit { range, text });
        if let Some(edit) = field.removed()
            && field.name == "tags"
        {
            add("not there", field, edit);
        }
        if matches!(field.name.as_str(), "tags" | "tests") {
            add("[]", field, field.replaced(origin.text, "[]"));
        }
    }
    mutants
}

/// Other ways to write the same value.
fn spellings(site: &Site, value: &str) -> Vec<String> {
    let is_number = value.parse::<f64>().is_ok();
    let is_word = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    match value {
        "true" => vec!["True".into(), "TRUE".into()],
        "false" => vec!["False".into(), "FALSE".into()],
        _ if is_number && value.contains('.') => vec![format!("{value}0"), format!("+{value}")],
        _ if is_number => vec![
            format!("{value}."),
            format!("{value}.0"),
            format!("{value}e0"),
            format!("{value}.000"),
        ],
        _ if is_word && !site.pattern.ends_with("/value") => {
            vec![format!("'{value}'"), format!("\"{value}\"")]
        }
        _ => Vec::new(),
    }
}

/// The same file, in another form.
pub fn of_file(origin: &Origin<'_>) -> Vec<Mutant> {
    let text = origin.text;
    [
        ("line breaks of Windows", text.replace('\n', "\r\n")),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a document's marks", format!("---\n{text}...\n")),
        ("blanks at the ends of lines", text.replace('\n', "  \n")),
        ("empty lines", text.replace('\n', "\n\n")),
        ("no line break at the end", text.trim_end().to_owned()),
        ("an empty document", format!("{text}---\n")),
    ]
    .map(|(way, changed)| {
        let edit = Edit {
            range: 0..text.len(),
            text: changed,
        };
        let file = origin.flags[0].whole();
        origin.mutant("harmless", way, file, edit, &[], Place::New(0))
    })
    .into()
}
