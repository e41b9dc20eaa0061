//! Commits that are waited for until they are safe.
