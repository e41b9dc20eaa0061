//! Everything that is tested from outside, in one binary.

mod lint_cases;
