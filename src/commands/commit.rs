//! Who commits, and what a commit is called.

use std::path::Path;
use std::process::{Command, Stdio};

use uuid::Uuid;

/// A name for a commit, or a lineage, that nobody else has.
pub(super) fn fresh_id() -> String {
    Uuid::new_v4().to_string()
}

/// The commit that is checked out, `-dirty` where files differ from it; none outside git.
pub(super) fn git_commit(root: &Path) -> Option<String> {
    let output = Command::new("git")
        .args([
            "describe",
            "--always",
            "--abbrev=40",
            "--dirty",
            "--exclude=*",
        ])
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// Who runs this: as CI systems say, else the user of this machine.
pub(super) fn actor() -> Option<String> {
    [
        "HOIST_ACTOR",
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
        "USER",
        "USERNAME",
    ]
    .iter()
    .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
