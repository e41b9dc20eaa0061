//! How far tests go that could go on for hours.

/// Whether everything is tried, instead of a part that takes seconds.
pub fn is_full() -> bool {
    std::env::var_os("HOIST_TEST_FULL").is_some_and(|value| !value.is_empty())
}
