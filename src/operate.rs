//! What operators and time do to a flag between two commits of git. Pure: the clock is an argument.

mod stop;

pub use stop::{mark, reminded};
