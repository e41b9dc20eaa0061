//! flagd's flag definitions: <https://flagd.dev/schema/v0/flags.json>.
//!
//! flagd's `fractional` takes the bucket `(murmur3_x86_32(text) * sum of weights) >> 32`, which with
//! weights that sum to 100,000 is the bucket of this program. So both give everyone the same.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{head, write};
