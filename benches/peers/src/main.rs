//! Evaluation of the same flags for the same users by hoist, by crates of peers, and by the least
//! that it can take: a look-up in a hash map and one MurmurHash3 of the same key.
//!
//! Everything that can be made once is made once: engines from their own JSON, and the context of
//! each user. Contenders run in turn, many times, and medians are compared; allocations are counted
//! in a pass of their own. Each contender is first held to the right shares.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

mod contenders;

const USERS: usize = 2_000;
/// How many of them the list of one of the rounds names.
const LISTED: usize = 1_000;
/// The same for a short list.
const FEW: usize = 10;
/// Flags besides those that are asked for.
const OTHERS: usize = 100;
const ROUNDS: usize = 31;
/// How long a contender runs at a time.
const TURN: Duration = Duration::from_millis(10);

/// What is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// On for a quarter of the users.
    Rollout,
    /// Three variants, of 34, 33 and 33 percent.
    Experiment,
    /// On for every second user, by a list.
    List,
}

impl Work {
    const ALL: [Self; 3] = [Self::Rollout, Self::Experiment, Self::List];

    pub fn flag(self) -> &'static str {
        match self {
            Self::Rollout => "new_search",
            Self::Experiment => "pricing_page",
            Self::List => "beta_programme",
        }
    }

    /// Shares of users with outcome 0, 1 and 2, in percent.
    fn shares(self) -> [f64; 3] {
        match self {
            Self::Rollout => [75.0, 25.0, 0.0],
            Self::Experiment => [34.0, 33.0, 33.0],
            Self::List => [50.0, 50.0, 0.0],
        }
    }
}

/// An engine with its flags, and the contexts of all users.
pub trait Contender {
    fn name(&self) -> &'static str;
    /// 0 for false and 1 for true, or the index of the variant.
    fn outcome(&self, work: Work, user: usize) -> usize;
    /// Evaluates for all users.
    fn run(&self, work: Work);
}

fn main() {
    let (many, few) = (Asked::new(LISTED), Asked::new(FEW));
    let rounds = [
        ("25 % rollout", Work::Rollout, &many),
        ("three-way experiment", Work::Experiment, &many),
        ("1,000-user list", Work::List, &many),
        ("10-user list", Work::List, &few),
    ];
    println!(
        "{USERS} users, {} flags, medians of {ROUNDS} turns each\n",
        OTHERS + Work::ALL.len()
    );
    println!("| what | who | ns | ratio to bare | allocations |");
    println!("| --- | --- | --- | --- | --- |");
    for (title, work, asked) in rounds {
        for contender in &asked.contenders {
            check(contender.as_ref(), work, &asked.listed, &asked.users);
        }
        let times = measure(&asked.contenders, work);
        let bare = times[0];
        for (contender, time) in asked.contenders.iter().zip(times) {
            println!(
                "| {title} | {} | {time:.1} | {:.2} | {} |",
                contender.name(),
                time / bare,
                allocations(contender.as_ref(), work)
            );
        }
    }
}

/// Who is asked for, and those who are to answer.
struct Asked {
    users: Vec<String>,
    /// Every second of the users.
    listed: Vec<String>,
    contenders: Vec<Box<dyn Contender>>,
}

impl Asked {
    /// With so many users in the list. Whatever its length, it names half of those who are asked for, so
    /// that a short list is not faster for naming hardly anybody.
    fn new(listed: usize) -> Self {
        let users: Vec<String> = (0..USERS)
            .map(|number| format!("user-{}", number % (2 * listed)))
            .collect();
        let listed: Vec<String> = users.iter().step_by(2).take(listed).cloned().collect();
        let names: Vec<&str> = listed.iter().map(String::as_str).collect();
        let contenders = contenders::all(&users, &names);
        Self {
            users,
            listed,
            contenders,
        }
    }
}

/// Median nanoseconds of one evaluation by each contender.
fn measure(contenders: &[Box<dyn Contender>], work: Work) -> Vec<f64> {
    let passes: Vec<u32> = contenders
        .iter()
        .map(|contender| {
            contender.run(work);
            let start = Instant::now();
            contender.run(work);
            let pass = start.elapsed().max(Duration::from_nanos(1));
            (TURN.as_nanos() / pass.as_nanos()).clamp(1, 1_000_000) as u32
        })
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for (at, contender) in contenders.iter().enumerate() {
            let start = Instant::now();
            for _ in 0..passes[at] {
                contender.run(work);
            }
            let evaluations = f64::from(passes[at]) * USERS as f64;
            times[at].push(start.elapsed().as_nanos() as f64 / evaluations);
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
        .collect()
}

/// That it does the work: shares are about right, and lists exactly.
fn check(contender: &dyn Contender, work: Work, listed: &[String], users: &[String]) {
    let mut counts = [0_usize; 3];
    for (index, user) in users.iter().enumerate() {
        let outcome = contender.outcome(work, index);
        counts[outcome] += 1;
        if work == Work::List && contender.name() != contenders::BARE {
            let is_listed = index % 2 == 0;
            assert_eq!(is_listed, listed.contains(user));
            assert_eq!(outcome == 1, is_listed, "{} for {user}", contender.name());
        }
    }
    if contender.name() == contenders::BARE {
        return;
    }
    for (count, share) in counts.iter().zip(work.shares()) {
        let found = 100.0 * *count as f64 / users.len() as f64;
        assert!(
            (found - share).abs() < 4.0,
            "{} gives {found} % instead of {share} % for {work:?}",
            contender.name()
        );
    }
}

/// Allocations of one evaluation.
fn allocations(contender: &dyn Contender, work: Work) -> u64 {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    contender.run(work);
    COUNTING.store(false, Ordering::Relaxed);
    (ALLOCATIONS.load(Ordering::Relaxed) - before) / USERS as u64
}

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Ordering::Relaxed) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Evaluates for every context, and keeps the compiler from leaving it out.
pub fn each<C, T>(contexts: &[C], evaluate: impl Fn(&C) -> T) {
    for context in contexts {
        black_box(evaluate(black_box(context)));
    }
}

/// A map of flags as an application would keep it.
pub type Flags<T, S> = HashMap<String, T, S>;

/// `make` called for every flag that is asked for, and `other` for as many more as there are.
pub fn flags<T, S: BuildHasher + Default>(
    make: impl Fn(Work) -> T,
    other: impl Fn(&str) -> T,
) -> Flags<T, S> {
    let asked = Work::ALL
        .into_iter()
        .map(|work| (work.flag().to_owned(), make(work)));
    let others = (0..OTHERS).map(|number| {
        let key = format!("flag_{number}");
        let flag = other(&key);
        (key, flag)
    });
    asked.chain(others).collect()
}
