//! Why git could not tell what it was asked, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::run::Git;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot run the `git` program")]
    NoGit(#[source] io::Error),
    #[error("`{}` is not in the work tree of a git repository", .directory.display())]
    NoRepository { directory: PathBuf },
    #[error("the flags directory `{}` is not below `{}`", .directory.display(), .top.display())]
    Outside { directory: PathBuf, top: PathBuf },
    #[error("there is no revision `{name}`")]
    UnknownRevision {
        name: String,
        suggestion: Option<String>,
        shallow: bool,
    },
    #[error("`{one}` and `{other}` have no commit in common")]
    NoMergeBase {
        one: String,
        other: String,
        shallow: bool,
    },
    #[error("git has no object {id}")]
    Missing { id: String },
    #[error("`git {command}` failed{}", because(.said))]
    Failed { command: String, said: String },
    #[error("`git {command}` says something that hoist does not understand")]
    Garbled { command: &'static str },
}

fn because(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoGit(_) => "install git, or see that it is on the PATH".into(),
            Self::NoRepository { .. } => {
                "two states of the flags are compared through git: run it in a clone, or name one \
                 with `-C DIR`"
                    .into()
            }
            Self::Outside { .. } => {
                "`flags` in hoist.toml has to lead to a directory of the repository".into()
            }
            Self::UnknownRevision {
                suggestion: Some(meant),
                ..
            } => format!("did you mean `{meant}`?"),
            Self::UnknownRevision { shallow: true, .. } | Self::NoMergeBase { shallow: true, .. } => {
                "this clone is shallow: fetch all of it (`git fetch --unshallow`; in CI, `fetch-depth: 0`)"
                    .into()
            }
            Self::UnknownRevision { .. } => {
                "name a branch, a tag or a commit; `git fetch` brings in those of others".into()
            }
            Self::NoMergeBase { .. } => {
                "they do not come from one another: compare them directly, with two dots or as two \
                 arguments"
                    .into()
            }
            Self::Missing { .. } => {
                "the repository is not whole: `git fsck` says what is missing, a partial clone has \
                 to reach its remote"
                    .into()
            }
            Self::Failed { said, .. } if said.contains("dubious ownership") => {
                "the repository belongs to somebody else: allow it with \
                 `git config --global --add safe.directory DIR`"
                    .into()
            }
            Self::Failed { .. } => "run it by hand to see more".into(),
            Self::Garbled { .. } => "hoist works with git 2.30 or later: see `git --version`".into(),
        }
    }

    /// Git's own words for a directory that is in no repository are for those who know its layout.
    pub(super) fn outside_of(self, git: &Git) -> Self {
        match self {
            Self::Failed { said, .. } if said.contains("not a git repository") => {
                Self::NoRepository {
                    directory: git.directory().to_owned(),
                }
            }
            other => other,
        }
    }
}
