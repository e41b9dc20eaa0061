//! Whether a key may be taken.

use crate::commands::Failure;
use crate::commands::amending::Amending;
use crate::commands::past::Walk;
use crate::commands::workspace::Workspace;
use crate::git::{Error, Repository, Revision, Scope};
use crate::model::is_key;
use crate::rules::change::{Search, is_on};

/// Refuses a key that is none, is not in the style that hoist.toml asks for, or is there already.
pub(super) fn check(key: &str, amending: &Amending) -> Result<(), Failure> {
    if !is_key(key) {
        let failure = Failure::impossible(format!("`{key}` is no key of a flag"));
        return Err(failure.hint(match suggestion(key, '_') {
            Some(better) => format!("write `{better}`: {RULE}"),
            None => RULE.to_owned(),
        }));
    }
    if let Some(flag) = amending
        .flag_set
        .flags()
        .find(|flag| *flag.key.value == *key)
    {
        let place = amending.place(flag);
        return Err(
            Failure::refused(format!("there is a flag `{key}` already, at {place}"))
                .hint("nothing was written; change that one, or take another key"),
        );
    }
    let settings = &amending.settings;
    let style = settings.context.limits.key_style.as_ref();
    let Some(style) = style.filter(|_| is_on(&settings.levels, "key-style")) else {
        return Ok(());
    };
    if style.fits(key) {
        return Ok(());
    }
    let others = ['_', '-', '.'].map(|separator| suggestion(key, separator));
    let fitting = others.into_iter().flatten().find(|other| style.fits(other));
    let pattern = style.pattern();
    Err(Failure::refused(format!(
        "`{key}` is not in the style of keys that hoist.toml asks for, `{pattern}`"
    ))
    .hint(match fitting {
        Some(better) => format!("write `{better}`"),
        None => "nothing was written; take a key that matches the whole of it".to_owned(),
    }))
}

/// What keys are.
const RULE: &str =
    "small letters, digits, `_`, `.` and `-`, a letter first, at most 128 characters";

/// The key that is most like `text`, with its words apart by `separator`.
fn suggestion(text: &str, separator: char) -> Option<String> {
    let mut key = String::new();
    let mut after_small = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            // The hump of `newSearch`.
            if c.is_ascii_uppercase() && after_small {
                key.push(separator);
            }
            key.push(c.to_ascii_lowercase());
        } else if !key.is_empty() && !key.ends_with(separator) {
            key.push(separator);
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let key = key.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let key = key.trim_end_matches(separator);
    is_key(key).then(|| key.to_owned())
}

/// The words of a key: "New search".
pub(super) fn in_words(key: &str) -> String {
    let words = key.split(['_', '-', '.']).filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

/// Refuses a key that a flag had which is gone, unless it is to be used again: code, records and people
/// may still mean that one. Gives what cannot be known.
pub(super) fn check_past(
    key: &str,
    workspace: &Workspace<'_>,
    reuse: bool,
) -> Result<Vec<String>, Failure> {
    if reuse {
        return Ok(Vec::new());
    }
    let repository = match Repository::open(&workspace.flags_directory(), &workspace.here) {
        Ok(repository) => repository,
        // Nothing was ever there.
        Err(Error::NoRepository { .. } | Error::Outside { .. }) => return Ok(Vec::new()),
        Err(error) => {
            let known = format!("whether `{key}` was used before is not known: {error}");
            return Ok(vec![known]);
        }
    };
    let head = match repository.resolve("HEAD") {
        Ok(head) => head,
        // A repository without a commit.
        Err(Error::UnknownRevision { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    refuse_uncommitted(key, &repository, &head)?;
    let tips = std::slice::from_ref(&head);
    let mut walk = Walk::new(&repository, tips, [key], workspace.global.quiet);
    let commits = walk.commits(Scope::All)?;
    if let Some(removal) = walk.history(&commits).take(key).removed {
        return Err(Failure::refused(format!(
            "a flag `{key}` was there before, and was removed {}",
            removal.in_words()
        ))
        .hint(
            "nothing was written; code that still asks for that one would get this one: take a key that was never used, or pass `--reuse`",
        ));
    }
    Ok(match repository.is_shallow() {
        true => vec![format!(
            "this clone is shallow: whether `{key}` was used before its first commit is not known (`git fetch --unshallow`)"
        )],
        false => Vec::new(),
    })
}

/// Refuses a key that the last commit still has.
fn refuse_uncommitted(key: &str, repository: &Repository, head: &Revision) -> Result<(), Failure> {
    let tree = repository.tree(head)?;
    let ids: Vec<&str> = tree.files.iter().map(|file| &*file.blob).collect();
    let mut search = Search::new([key]);
    let mut found = None;
    repository.blobs(&ids, |blob| {
        if !search.look(&blob.bytes).is_empty() {
            found.get_or_insert(blob.index);
        }
    })?;
    let Some(file) = found.and_then(|at| tree.files.get(at)) else {
        return Ok(());
    };
    let file = String::from_utf8_lossy(&file.path).into_owned();
    Err(Failure::refused(format!(
        "the last commit has a flag `{key}`, in {file}: it was removed since, and that is not committed"
    ))
    .hint(format!(
        "nothing was written; `git checkout -- {file}` brings that one back, and `--reuse` writes another in its place"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_suggested() {
        for (text, key) in [
            ("NewSearch", Some("new_search")),
            ("newSearchV2", Some("new_search_v2")),
            ("new search!", Some("new_search")),
            ("2nd-try", Some("nd_try")),
            ("Größe", Some("gr_e")),
            ("HTTP", Some("http")),
            ("__a", Some("a")),
            ("42", None),
            ("", None),
        ] {
            assert_eq!(suggestion(text, '_').as_deref(), key, "{text}");
        }
        assert_eq!(suggestion("new_search", '-').as_deref(), Some("new-search"));
        assert_eq!(in_words("payments.new_provider"), "Payments new provider");
    }
}
