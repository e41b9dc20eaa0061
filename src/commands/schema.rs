//! `hoist schema`

use super::{Ending, Failure, print};

pub(super) fn run() -> Result<Ending, Failure> {
    print(|out| out.write_all(crate::schema::SCHEMA.as_bytes()))?;
    Ok(Ending::Done)
}
