//! Runs of the characters that tokens are made of: letters, digits, `_` and `-`.

use std::ops::Range;

use super::shapes::Body;

/// Which bytes are of a run.
static OF_RUN: [bool; 256] = {
    let mut of_run = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        of_run[byte] = Body::Url.holds(byte as u8);
        byte += 1;
    }
    of_run
};

fn is_of_run(byte: u8) -> bool {
    OF_RUN[usize::from(byte)]
}

/// The first run from `at` on of `least` bytes or more. Where the last byte of as many is of
/// no run, none has begun before it: most bytes need no look.
pub(super) fn next_run(bytes: &[u8], mut at: usize, least: usize) -> Option<Range<usize>> {
    loop {
        let last = at + least - 1;
        if !is_of_run(*bytes.get(last)?) {
            at = last + 1;
            continue;
        }
        let before = bytes.get(at..last)?.iter().rev();
        let start = last - before.take_while(|byte| is_of_run(**byte)).count();
        let end = run_end(bytes, last);
        if end - start >= least {
            return Some(start..end);
        }
        at = end;
    }
}

/// Where the run ends that goes on at `at`.
pub(super) fn run_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_of_run(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEAST: usize = 10;

    proptest! {
        #[test]
        fn no_long_run_is_passed_over(text in "([a-z0-9_-]{0,24}[ .:\n]{0,2}){0,8}") {
            let bytes = text.as_bytes();
            let mut long = Vec::new();
            let mut at = 0;
            for run in text.split([' ', '.', ':', '\n']) {
                if run.len() >= LEAST {
                    long.push(at..at + run.len());
                }
                at += run.len() + 1;
            }
            let mut seen = Vec::new();
            while let Some(run) = next_run(bytes, seen.last().map_or(0, |run: &Range<usize>| run.end), LEAST) {
                seen.push(run);
            }
            prop_assert_eq!(seen, long);
        }
    }
}
