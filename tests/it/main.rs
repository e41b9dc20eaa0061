//! Everything that is tested from outside, in one binary: it links once.

mod lint_cases;
mod redis_store;
mod sqlite_store;
mod stores;
mod support;
