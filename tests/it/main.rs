//! Everything that is tested from outside, in one binary: it links once.

mod cli;
mod convergence;
mod json_shapes;
mod lint_cases;
mod program;
mod redis_cli;
mod redis_store;
mod sqlite_store;
mod stores;
mod support;
