//! Which file a new flag belongs into.

use std::path::{Component, Path, PathBuf};

use crate::commands::Failure;
use crate::commands::amending::Amending;
use crate::commands::workspace::Workspace;
use crate::diagnostic::FileId;

/// A file that was named: it has to lie where flag files are looked for.
pub(super) fn named(workspace: &Workspace<'_>, file: &Path) -> Result<PathBuf, Failure> {
    let path = plain(&workspace.here.join(file));
    let flags = plain(&workspace.flags_directory());
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new(""));
    let inside = path.strip_prefix(&flags).is_ok() || real(folder).starts_with(real(&flags));
    // Reached by a link, it is hidden by its own name alone.
    let own = Path::new(path.file_name().unwrap_or_default());
    let below = path.strip_prefix(&flags).unwrap_or(own);
    let hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
    let is_yaml = matches!(
        path.extension().and_then(|extension| extension.to_str()),
        Some("yaml" | "yml")
    );
    let wrong = if !inside {
        "is not below the flags directory"
    } else if !is_yaml {
        "does not end in .yaml or .yml"
    } else if below.components().any(hidden) {
        "is hidden"
    } else {
        return Ok(path);
    };
    Err(Failure::impossible(format!(
        "`{}` {wrong}: no flag is read from it",
        file.display()
    ))
    .hint(format!(
        "name a file such as `{}`",
        workspace.config.flags.join("search.yaml").display()
    )))
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The file of the flag set at `path`.
pub(super) fn file_at(amending: &Amending, path: &Path) -> Option<FileId> {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let wanted = real(path);
    let mut paths = amending.flag_set.found.paths.iter();
    let at = paths.position(|path| real(path) == wanted)?;
    Some(FileId(u32::try_from(at).ok()?))
}

/// The file where flags of the same family are; else the only one with several flags.
pub(super) fn choose(amending: &Amending, key: &str) -> Option<FileId> {
    let files: Vec<(FileId, Vec<&str>)> = amending
        .flag_set
        .checked
        .iter()
        .map(|checked| {
            let keys = checked.flags.iter().map(|flag| &*flag.key.value);
            (checked.file, keys.collect())
        })
        .collect();
    best(&files, key)
}

fn best<F: Copy>(files: &[(F, Vec<&str>)], key: &str) -> Option<F> {
    for prefix in prefixes(key) {
        let family = |keys: &[&str]| keys.iter().filter(|key| key.starts_with(prefix)).count();
        let mut most = None;
        for (file, keys) in files {
            let count = family(keys);
            // Of two with as many, the first by name.
            if count > most.map_or(0, |(count, _)| count) {
                most = Some((count, *file));
            }
        }
        if let Some((_, file)) = most {
            return Some(file);
        }
    }
    let mut grouped = files.iter().filter(|(_, keys)| keys.len() > 1);
    match (grouped.next(), grouped.next()) {
        (Some((file, _)), None) => Some(*file),
        _ => None,
    }
}

/// What families a key may be of, the closest first: `payments.card_`, `payments.`.
fn prefixes(key: &str) -> impl Iterator<Item = &str> {
    let ends = key.rmatch_indices(['.', '_']).map(|(at, _)| at + 1);
    ends.filter_map(|end| key.get(..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_goes_to_its_family() {
        let files = [
            (1, vec!["checkout_v2"]),
            (2, vec!["payments.a", "payments.card_new", "search_x"]),
            (3, vec!["payments.card_a", "payments.card_b"]),
            (4, vec!["search_a", "search_b"]),
        ];
        for (key, file) in [
            ("payments.x", Some(2)),
            ("payments.card_x", Some(3)),
            ("payments.cash_x", Some(2)),
            ("search_x2", Some(4)),
            ("checkout_v3", Some(1)),
            // Several files have several flags.
            ("other", None),
            ("payment", None),
        ] {
            assert_eq!(best(&files, key), file, "{key}");
        }
        assert_eq!(best(&files[..2], "other"), Some(2));
        assert_eq!(best(&files[..1], "other"), None);
        assert_eq!(best::<u8>(&[], "other"), None);
    }

    #[test]
    fn paths_are_made_plain() {
        assert_eq!(plain(Path::new("/a/./b/../c")), Path::new("/a/c"));
    }
}
