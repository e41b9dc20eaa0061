//! Everything that is tested from outside, in one binary: it links once.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "clippy sees only the test functions themselves as tests, not their helpers"
)]

mod cli;
mod convergence;
mod layers;
mod lint_cases;
mod program;
mod python;
mod readme;
mod redis_cli;
mod redis_store;
mod sqlite_store;
mod stores;
mod support;
