//! Everything that is tested from outside, in one binary.

mod cli;
mod lint_cases;
mod program;
mod redis_store;
mod sqlite_store;
mod stores;
mod support;
