//! What operators and time do to a flag between two commits of git: stops, and the stages of a
//! rollout. Pure: the clock is an argument, in seconds since the epoch.

mod draft;
mod rollout;
mod stop;
#[cfg(test)]
mod tests;

pub use draft::Draft;
pub use rollout::{
    Hold, Pause, Rollout, Stage, StageName, State, Unfit, advance, next_stage, pause, resume,
};
pub use stop::{kill, mark, reminded, restore, says};
