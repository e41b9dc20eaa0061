//! Everything that is tested from outside, in one binary: it links once.

mod layers;
mod lint_cases;
mod python;
mod readme;
mod redis_store;
mod sqlite_store;
mod stores;
mod support;
