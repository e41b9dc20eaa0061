//! `hoist completions`

use clap_complete::Shell;

use super::{Ending, Failure, print};

pub(super) fn run(shell: Shell) -> Result<Ending, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "hoist", &mut script);
    print(|out| out.write_all(&script))?;
    Ok(Ending::Done)
}
