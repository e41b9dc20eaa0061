//! `hoist test`

use std::io::{self, Write};

use super::flagset::FlagSet;
use super::workspace::Workspace;
use super::{Colors, Ending, Failure, count, print, width};
use crate::cli::{Global, Test as Args, TestFormat};
use crate::report::{self, Tests};

pub(super) fn run(global: &Global, args: &Args, colors: Colors) -> Result<Ending, Failure> {
    let workspace = Workspace::open(global)?;
    workspace.refuse_mistakes(colors)?;
    let mut flag_set = FlagSet::load_from(&workspace, &args.paths)?;
    flag_set.refuse_errors(true, colors, "tested")?;
    let cases = flag_set.run_tests(true);
    let tests = Tests {
        files: &flag_set.found.files,
        cases: &cases,
    };
    print(|out| match args.format {
        TestFormat::Human if global.quiet => {
            report::tests_human::failures(&tests, colors.stdout, width(), out)
        }
        TestFormat::Human => {
            report::tests_human::tests(&tests, global.verbose, colors.stdout, width(), out)
        }
        TestFormat::Json => report::tests_json::tests(&tests, out),
        TestFormat::Junit => report::tests_junit::tests(&tests, out),
    })?;
    Ok(if tests.failed() > 0 {
        Ending::No
    } else {
        Ending::Done
    })
}

/// Runs the tests of a flag set that is to be applied, and says on standard error how they ended.
/// Gives what there is to say where some fail: "1 of 12 flag tests fails".
pub(super) fn check(
    flag_set: &mut FlagSet,
    quiet: bool,
    colors: Colors,
) -> Result<Option<String>, Failure> {
    let cases = flag_set.run_tests(false);
    let tests = Tests {
        files: &flag_set.found.files,
        cases: &cases,
    };
    let (all, failed) = (cases.len(), tests.failed());
    let mut stderr = io::stderr().lock();
    if failed > 0 {
        report::tests_human::failures(&tests, colors.stderr, width(), &mut stderr)
            .map_err(Failure::output)?;
        let verb = if failed == 1 { "fails" } else { "fail" };
        return Ok(Some(format!(
            "{failed} of {} {verb}",
            count(all, "flag test")
        )));
    }
    if all > 0 && !quiet {
        // Nobody to tell is no reason to fail.
        let _ = writeln!(stderr, "Ran {}: all passed", count(all, "flag test"));
    }
    Ok(None)
}

/// What to do about tests that fail.
pub(super) const HINT: &str =
    "mend the flag, or the test if it is the one that is wrong; `hoist test` runs them alone";
