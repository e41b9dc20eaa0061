//! Faults on real servers and real files: whatever breaks, a store holds what it held before or what
//! it was to hold, and the next run puts it right.

mod cuts;
mod disk;
mod program;
mod server;

use std::fmt::Write as _;

/// A flag file with `count` flags of all kinds. `version` makes a difference to most of them, and
/// each has a few that the other has not.
fn flags(count: usize, version: usize) -> String {
    let mut text = "flags:\n".to_owned();
    for number in 0..count {
        let changed = if number % 4 == 3 { 0 } else { version };
        let key = if number % 7 == 6 {
            format!("v{version}_{number}")
        } else {
            format!("f{number}")
        };
        let _ = write!(
            text,
            "  {key}:\n    description: Flag {number} in form {changed}\n    owner: web\n    \
             expires: never\n    enabled: true\n"
        );
        text += match number % 3 {
            0 => "    percentage: 12.5\n",
            1 => "    rollout: [{ percentage: 1, duration: 2h }, { percentage: 100 }]\n",
            _ => "    variants: { control: 50, other: 50 }\n",
        };
    }
    text
}
