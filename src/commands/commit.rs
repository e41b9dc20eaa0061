//! Who commits, and what a commit is called.

use uuid::Uuid;

/// A name for a commit, or a lineage, that nobody else has.
pub(super) fn fresh_id() -> String {
    Uuid::new_v4().to_string()
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
