//! What the arguments of `hoist diff` stand for.

use crate::commands::Failure;
use crate::git::{self, Repository, Revision};

/// The two states that are compared.
#[derive(Debug)]
pub struct Revisions {
    pub base: Revision,
    /// `None` for the work tree.
    pub head: Option<Revision>,
}

/// The arguments taken apart: `A B`, `A..B`, `A...B`, each without B too.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    base: &'a str,
    head: Option<&'a str>,
    /// Whether the base is where `head` left `base`.
    merge_base: bool,
}

impl Revisions {
    pub fn resolve(
        repository: &Repository,
        base: &str,
        head: Option<&str>,
    ) -> Result<Self, Failure> {
        let asked = Asked::read(base, head)?;
        if asked.head.is_none() && !repository.has_work_tree() {
            return Err(
                Failure::impossible("a bare repository has no work tree to compare with")
                    .hint("name two revisions: `hoist diff main feature`"),
            );
        }
        // Two runs of git take as long as one.
        let resolve = |name| repository.resolve(name);
        let (base, head) = rayon::join(|| resolve(asked.base), || asked.head.map(resolve));
        let mut revisions = Self {
            base: base?,
            head: head.transpose()?,
        };
        if asked.merge_base {
            let found = repository.merge_base(&revisions.base, &revisions.current(repository)?)?;
            let name = format!("{}...", revisions.base.name);
            revisions.base = Revision { name, ..found };
        }
        Ok(revisions)
    }

    /// The commit that is looked at, or that the work tree has come from.
    fn current(&self, repository: &Repository) -> Result<Revision, git::Error> {
        match &self.head {
            Some(head) => Ok(head.clone()),
            None => repository.resolve("HEAD"),
        }
    }

    /// The commits whose history counts.
    pub fn tips(&self, repository: &Repository) -> Result<Vec<Revision>, git::Error> {
        let mut tips = vec![self.base.clone(), self.current(repository)?];
        tips.dedup_by(|a, b| a.id == b.id);
        Ok(tips)
    }
}

impl<'a> Asked<'a> {
    fn read(base: &'a str, head: Option<&'a str>) -> Result<Self, Failure> {
        let Some((from, to)) = base.split_once("..") else {
            let merge_base = false;
            return Ok(Self {
                base,
                head,
                merge_base,
            });
        };
        let (to, merge_base) = match to.strip_prefix('.') {
            Some(to) => (to, true),
            None => (to, false),
        };
        let to = Some(to).filter(|to| !to.is_empty());
        if let (Some(to), Some(head)) = (to, head) {
            return Err(Failure::impossible(format!(
                "`{base}` names a second revision, `{to}`, and `{head}` is one too many"
            ))
            .hint(format!(
                "write `hoist diff {base}`, or `hoist diff {from} {head}`"
            )));
        }
        Ok(Self {
            base: if from.is_empty() { "HEAD" } else { from },
            head: to.or(head),
            merge_base,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_taken_apart() {
        for (base, head, expected) in [
            ("main", None, ("main", None, false)),
            ("main", Some("v2"), ("main", Some("v2"), false)),
            ("main..v2", None, ("main", Some("v2"), false)),
            ("main...v2", None, ("main", Some("v2"), true)),
            ("main...", None, ("main", None, true)),
            ("main...", Some("v2"), ("main", Some("v2"), true)),
            ("..v2", None, ("HEAD", Some("v2"), false)),
            // A variable that is not set names nothing.
            ("", None, ("", None, false)),
        ] {
            let asked = Asked::read(base, head).unwrap();
            assert_eq!((asked.base, asked.head, asked.merge_base), expected);
        }
        assert!(Asked::read("main..v2", Some("v3")).is_err());
    }
}
