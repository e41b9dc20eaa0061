//! Which flag files a commit has.

use std::collections::{HashMap, HashSet};

use super::{Error, Repository, Revision};

/// A flag file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagFile {
    /// From the top of the repository, with `/`; not always UTF-8.
    pub path: Vec<u8>,
    /// Id of its content.
    pub blob: String,
}

/// The flags directory as a commit has it.
#[derive(Debug, Default)]
pub struct Tree {
    /// By name.
    pub files: Vec<FlagFile>,
    /// Links that lead out of the directory, or to nothing.
    pub astray: Vec<Vec<u8>>,
    /// Whether the commit has such a directory.
    pub found: bool,
}

struct Entry<'o> {
    mode: &'o str,
    id: &'o str,
    path: &'o [u8],
}

impl Repository {
    /// Lists the flag files of a commit. Hidden files and folders are left out, as they are in the
    /// work tree.
    ///
    /// # Errors
    /// Where git cannot list it.
    pub fn tree(&self, commit: &Revision) -> Result<Tree, Error> {
        let mut command = self
            .git
            .command(&["ls-tree", "-r", "-z", "--full-tree", &commit.id]);
        if !self.flags.is_empty() {
            command.arg("--").arg(super::os_string(&self.flags));
        }
        let output = command.output().map_err(Error::NoGit)?;
        if !output.status.success() {
            return Err(super::run::failed(&["ls-tree"], &output.stderr));
        }
        let entries = entries(&output.stdout).ok_or(Error::Garbled { command: "ls-tree" })?;
        self.flag_files(&entries)
    }

    fn flag_files(&self, entries: &[Entry<'_>]) -> Result<Tree, Error> {
        let mut tree = Tree {
            found: entries.iter().any(|entry| is_file(entry.mode)),
            ..Tree::default()
        };
        let is_flag_file = |path: &[u8]| is_flag_file(path, &self.flags);
        let mut links = Vec::new();
        for entry in entries.iter().filter(|entry| is_flag_file(entry.path)) {
            match entry.mode {
                "120000" => links.push(entry),
                mode if is_file(mode) => tree.files.push(file(entry.path, entry.id)),
                _ => {}
            }
        }
        if !links.is_empty() {
            self.follow(&links, entries, &mut tree)?;
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// Adds what `links` lead to, unless it is there under its own name.
    fn follow(
        &self,
        links: &[&Entry<'_>],
        entries: &[Entry<'_>],
        tree: &mut Tree,
    ) -> Result<(), Error> {
        let by_path: HashMap<&[u8], &Entry<'_>> =
            entries.iter().map(|entry| (entry.path, entry)).collect();
        let mut seen: HashSet<Vec<u8>> = tree.files.iter().map(|file| file.path.clone()).collect();
        let ids: Vec<&str> = links.iter().map(|link| link.id).collect();
        let mut targets = vec![Vec::new(); links.len()];
        self.blobs(&ids, |blob| {
            if let Some(target) = targets.get_mut(blob.index) {
                *target = blob.bytes;
            }
        })?;
        for (link, target) in links.iter().zip(&targets) {
            let target = leads_to(link.path, target);
            let entry = target.as_ref().and_then(|target| by_path.get(&target[..]));
            match entry.filter(|entry| is_file(entry.mode)) {
                Some(entry) if seen.insert(entry.path.to_owned()) => {
                    tree.files.push(file(link.path, entry.id));
                }
                Some(_) => {}
                None => tree.astray.push(link.path.to_owned()),
            }
        }
        Ok(())
    }
}

fn file(path: &[u8], id: &str) -> FlagFile {
    FlagFile {
        path: path.to_owned(),
        blob: id.to_owned(),
    }
}

fn is_file(mode: &str) -> bool {
    mode.starts_with("100")
}

/// `mode type id\tpath`, each ending in a NUL.
fn entries(output: &[u8]) -> Option<Vec<Entry<'_>>> {
    let records = output.split(|byte| *byte == 0);
    records
        .filter(|record| !record.is_empty())
        .map(entry)
        .collect()
}

fn entry(record: &[u8]) -> Option<Entry<'_>> {
    let tab = record.iter().position(|byte| *byte == b'\t')?;
    let (head, path) = (record.get(..tab)?, record.get(tab + 1..)?);
    let mut words = std::str::from_utf8(head).ok()?.split(' ');
    let (mode, _, id) = (words.next()?, words.next()?, words.next()?);
    Some(Entry { mode, id, path })
}

/// Whether `path` is a flag file in the directory `flags`, and not hidden in it; or `flags` itself.
pub(super) fn is_flag_file(path: &[u8], flags: &[u8]) -> bool {
    if path == flags {
        return true;
    }
    let inside = match flags {
        b"" => Some(path),
        flags => path
            .strip_prefix(flags)
            .and_then(|rest| rest.strip_prefix(b"/")),
    };
    inside.is_some_and(|inside| {
        let hidden = inside
            .split(|byte| *byte == b'/')
            .any(|part| part.starts_with(b"."));
        !hidden && (inside.ends_with(b".yaml") || inside.ends_with(b".yml"))
    })
}

/// The path in the repository that a link at `path` leads to; `None` where it leads out of it.
fn leads_to(path: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if target.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    parts.pop();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join(&b"/"[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_files_are_told_from_others() {
        for (path, flags, is) in [
            ("flags/a.yaml", "flags", true),
            ("flags/b/c.yml", "flags", true),
            ("flags", "flags", true),
            ("flags.yaml", "flags", false),
            ("flagship/a.yaml", "flags", false),
            ("flags/.a.yaml", "flags", false),
            ("flags/.b/a.yaml", "flags", false),
            ("flags/a.json", "flags", false),
            ("a.yaml", "", true),
            ("a/b.yaml", "", true),
            (".github/b.yaml", "", false),
        ] {
            assert_eq!(
                is_flag_file(path.as_bytes(), flags.as_bytes()),
                is,
                "{path}"
            );
        }
    }

    #[test]
    fn links_are_followed_within_the_repository() {
        for (path, target, leads) in [
            ("flags/a.yaml", "b.yaml", Some("flags/b.yaml")),
            ("flags/a.yaml", "./.data/b.yaml", Some("flags/.data/b.yaml")),
            ("flags/x/a.yaml", "../b.yaml", Some("flags/b.yaml")),
            ("flags/a.yaml", "../../b.yaml", None),
            ("flags/a.yaml", "/etc/passwd", None),
        ] {
            let found = leads_to(path.as_bytes(), target.as_bytes());
            assert_eq!(found.as_deref(), leads.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn names_may_hold_anything() {
        let output =
            b"100644 blob 0123\tflags/a\n\t\xff.yaml\x00120000 blob 4567\tflags/b.yaml\x00";
        let entries = entries(output).unwrap();
        assert_eq!(entries[0].path, b"flags/a\n\t\xff.yaml");
        assert_eq!((entries[1].mode, entries[1].id), ("120000", "4567"));
        assert!(super::entries(b"no tab\0").is_none());
    }
}
