//! The program itself: cut off, killed, and run once more.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use redis::Connection;

use super::flags;
use crate::support::cutter::{Cut, Cutter, How, Way};
use crate::support::dump::{Dump, Saved};
use crate::support::extent::is_full;
use crate::support::program::{Project, Run};
use crate::support::redis::RedisServer;

/// A project, its store, and what an apply makes of it.
struct World {
    _server: RedisServer,
    direct: Connection,
    cutter: Cutter,
    project: Project,
    direct_url: String,
    start: Saved,
    old: Dump,
    new: Dump,
}

impl World {
    /// With so many flags; `from` is the version that the store holds before, if any.
    fn new(count: usize, from: Option<usize>) -> Self {
        let server = RedisServer::start();
        let project = Project::new();
        let direct_url = server.tcp_url();
        if let Some(version) = from {
            project.write("flags/flags.yaml", flags(count, version));
            project.expect(0, &["apply", "-q", "--store", &direct_url]);
        }
        project.write("flags/flags.yaml", flags(count, 2));
        let mut direct = server.connect();
        let mut world = Self {
            cutter: Cutter::start(server.port),
            start: Saved::of(&mut direct),
            old: Dump::of(&mut direct).without_times(),
            new: Dump::default(),
            _server: server,
            direct,
            project,
            direct_url,
        };
        world.converge();
        world.new = world.now();
        world.start.put_back(&mut world.direct);
        world
    }

    fn now(&mut self) -> Dump {
        Dump::of(&mut self.direct).without_fence().without_times()
    }

    /// The arguments of an apply through the proxy.
    fn arguments(&self) -> Vec<String> {
        let words = [
            "apply",
            "-q",
            "--timeout",
            "0.5",
            "--allow-deletes",
            "999",
            "--store",
        ];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.push(self.cutter.url());
        words
    }

    fn run(&self) -> Run {
        let arguments = self.arguments();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.project.run(&words)
    }

    /// What the store holds is what it held, or what it was to hold.
    #[track_caller]
    fn is_new(&mut self) -> bool {
        self.cutter.settle();
        let now = self.now();
        assert!(now == self.old || now == self.new, "torn: {now:#?}");
        now == self.new
    }

    /// One more run, which nothing disturbs; nothing is left to do after it.
    fn converge(&mut self) {
        let url = self.direct_url.clone();
        let apply = ["apply", "-q", "--allow-deletes", "999", "--store", &url];
        self.project.expect(0, &apply);
        self.project
            .expect(0, &["plan", "-q", "--exit-code", "--store", &url]);
    }

    fn back_to_start(&mut self, cut: Option<Cut>) {
        self.start.put_back(&mut self.direct);
        self.cutter.arm(cut);
    }
}

#[test]
fn an_apply_that_is_cut_off_says_what_is_so() {
    let mut world = World::new(20, Some(1));
    let mut ended = BTreeMap::<_, usize>::new();
    for way in [Way::ToServer, Way::ToClient] {
        world.back_to_start(None);
        assert_eq!(world.run().code, 0);
        let length = world.cutter.passed(way).len();
        let step = match (way, is_full()) {
            (_, true) => 13,
            (Way::ToServer, false) => 4621,
            (Way::ToClient, false) => 1249,
        };
        // Times are a few bytes longer or shorter in every run.
        let last = (length - 8..length).step_by(if is_full() { 1 } else { 5 });
        for after in (0..length).step_by(step).chain(last) {
            for heals in [true, false] {
                world.back_to_start(Some(Cut {
                    way,
                    after,
                    how: How::Close,
                    heals,
                }));
                let run = world.run();
                let is_new = world.is_new();
                let said = run.stderr.lines().next().unwrap_or_default();
                let kind = match run.code {
                    0 => {
                        assert!(is_new, "{way:?} {after}: {run:#?}");
                        "done"
                    }
                    2 if said.contains("was on its way") => {
                        assert!(run.stderr.contains("run the command again"), "{run:#?}");
                        "not known"
                    }
                    2 => {
                        assert!(!is_new, "{way:?} {after}: {run:#?}");
                        assert!(run.stderr.contains("help: "), "{run:#?}");
                        "not written"
                    }
                    _ => panic!("{way:?} {after}: {run:#?}"),
                };
                *ended.entry(kind).or_default() += 1;
                world.converge();
                assert!(world.is_new(), "{way:?} {after}: a second run");
            }
        }
    }
    eprintln!("program: cuts: {ended:?}");
    assert_eq!(ended.len(), 3, "{ended:?}");
}

#[test]
fn an_apply_that_is_killed_leaves_one_state_or_the_other() {
    let mut world = World::new(2000, Some(1));
    world.back_to_start(None);
    let began = Instant::now();
    assert_eq!(world.run().code, 0);
    let takes = began.elapsed();
    let lengths = [Way::ToServer, Way::ToClient].map(|way| (way, world.cutter.passed(way).len()));
    let kills = if is_full() { 100 } else { 3 };
    let mut written = 0;
    for number in 0..kills {
        // At some time, and at some byte.
        world.back_to_start(None);
        kill_after(&world, takes.mul_f64(f64::from(number) / f64::from(kills)));
        written += usize::from(world.is_new());
        world.converge();
        assert!(world.is_new());

        let (way, length) = lengths[number as usize % 2];
        let after = length * number as usize / kills as usize;
        world.back_to_start(Some(Cut {
            way,
            after,
            how: How::Stall,
            heals: true,
        }));
        kill_at_cut(&world);
        written += usize::from(world.is_new());
        world.converge();
        assert!(world.is_new());
    }
    eprintln!("program: {} kills, {written} after the commit", 2 * kills);
}

fn kill_after(world: &World, time: Duration) {
    let mut child = spawn(world);
    std::thread::sleep(time);
    child.kill().expect("a signal");
    child.wait().expect("its end");
}

fn kill_at_cut(world: &World) {
    let mut child = spawn(world);
    while !world.cutter.has_cut() && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("a signal");
    child.wait().expect("its end");
}

fn spawn(world: &World) -> std::process::Child {
    let arguments = world.arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = world.project.command(&words);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("hoist to run")
}
