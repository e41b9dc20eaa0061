//! Everything that is tested from outside, in one binary, so that it is linked once.

mod lint_cases;
mod stores;
mod support;
