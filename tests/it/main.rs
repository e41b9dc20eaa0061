//! All integration tests are one binary: it links once.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "clippy sees only the test functions themselves as tests, not their helpers"
)]

mod redis_store;
mod sqlite_store;
mod stores;
mod support;
