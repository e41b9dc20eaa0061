//! What the benchmarks share: flag sets made from a seed, and medians.

pub mod generate;

use std::time::{Duration, Instant};

/// Runs `a` and `b` in turn, `rounds` times after one round that is not counted, and gives the
/// times of each. Taking turns keeps a machine whose speed drifts from favouring one of them.
/// `before` each of them everything is made ready; that is not counted either, nor is how long it takes to
/// drop what they give.
pub fn in_turn<A, B>(
    rounds: usize,
    mut before: impl FnMut(),
    mut a: impl FnMut() -> A,
    mut b: impl FnMut() -> B,
) -> (Vec<Duration>, Vec<Duration>) {
    let mut times = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        before();
        let first = time(&mut a);
        before();
        let second = time(&mut b);
        if round > 0 {
            times.0.push(first);
            times.1.push(second);
        }
    }
    times
}

fn time<T>(work: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    drop(done);
    took
}

pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Prints the medians of two things measured in turn, and their ratio.
pub fn report(
    what: &str,
    (name, times): (&str, &[Duration]),
    (base, base_times): (&str, &[Duration]),
) {
    let (this, baseline) = (median(times), median(base_times));
    let ratio = this.as_secs_f64() / baseline.as_secs_f64();
    println!("{what}");
    println!("  {name:<28} {:>9.1} ms", this.as_secs_f64() * 1e3);
    println!("  {base:<28} {:>9.1} ms", baseline.as_secs_f64() * 1e3);
    println!("  ratio                        {ratio:>9.2}");
}
