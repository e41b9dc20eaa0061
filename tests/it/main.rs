//! Everything that is tested from outside, in one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_cases;
