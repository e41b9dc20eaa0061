//! A server that refuses, is slow, or dies, under the program itself: old state or new state, the exit
//! code and the message that are due, and a second run that puts right what is left.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Instant;

use redis::Connection;

use super::flags;
use crate::support::cluster::{try_run, wait_until};
use crate::support::dump::{Dump, Saved};
use crate::support::extent::is_full;
use crate::support::program::{Project, Run};
use crate::support::redis::RedisServer;

/// A project, and a server that holds what an earlier apply has left.
struct World {
    server: RedisServer,
    project: Project,
    url: String,
    start: Saved,
    old: Dump,
    new: Dump,
}

impl World {
    fn new(configuration: &[&str], count: usize) -> Self {
        let server = RedisServer::with(configuration);
        let project = Project::new();
        let url = server.tcp_url();
        let mut direct = server.connect();
        project.write("flags/flags.yaml", flags(count, 1));
        project.expect(0, &["apply", "-q", "--store", &url]);
        project.write("flags/flags.yaml", flags(count, 2));
        let mut world = Self {
            start: Saved::of(&mut direct),
            old: now(&mut direct),
            new: Dump::default(),
            server,
            project,
            url,
        };
        world.converge();
        world.new = now(&mut direct);
        world.start.put_back(&mut direct);
        world
    }

    fn arguments(&self) -> [&str; 8] {
        let url = self.url.as_str();
        let most = "999";
        let timeout = "0.4";
        [
            "apply",
            "-q",
            "--allow-deletes",
            most,
            "--timeout",
            timeout,
            "--store",
            url,
        ]
    }

    fn apply(&self) -> Run {
        self.project.run(&self.arguments())
    }

    /// One more run, which nothing disturbs; nothing is left to do after it.
    fn converge(&self) {
        let apply = [
            "apply",
            "-q",
            "--allow-deletes",
            "999",
            "--store",
            &self.url,
        ];
        self.project.expect(0, &apply);
        let plan = ["plan", "-q", "--exit-code", "--store", &self.url];
        self.project.expect(0, &plan);
    }

    /// Whether the server holds what it was to hold; else it holds what it held.
    #[track_caller]
    fn is_new(&self) -> bool {
        let now = now(&mut self.server.connect());
        assert!(now == self.old || now == self.new, "torn: {now:#?}");
        now == self.new
    }
}

fn now(connection: &mut Connection) -> Dump {
    Dump::of(connection).without_fence().without_times()
}

fn run(connection: &mut Connection, line: &str) {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().expect("a command"));
    // An empty word is a word.
    command.arg(words.map(|word| word.trim_matches('"')).collect::<Vec<_>>());
    let done = command.query::<redis::Value>(connection);
    done.unwrap_or_else(|error| panic!("{line}: {error}"));
}

/// What goes wrong with a server: how it comes and how it goes, and what is to be said meanwhile.
const TROUBLES: [(&[&str], &[&str], &[&str]); 7] = [
    (
        &["CONFIG SET maxmemory 1"],
        &["CONFIG SET maxmemory 0"],
        &["is out of memory", "nothing was written; raise `maxmemory`"],
    ),
    (
        &["REPLICAOF 127.0.0.1 1"],
        &["REPLICAOF NO ONE"],
        &["takes no writes", "connect to the primary"],
    ),
    (
        &["CONFIG SET requirepass sesame"],
        &["CONFIG SET requirepass \"\""],
        &[
            "does not accept the user or the password",
            "check user and password",
        ],
    ),
    (
        &["ACL SETUSER default -mset"],
        &["ACL SETUSER default +@all"],
        &[
            "does not allow hoist to do this",
            "run the 'mset' command",
            "ACL SETUSER default ~ff:*",
        ],
    ),
    (
        &["ACL SETUSER default resetkeys ~other"],
        &["ACL SETUSER default allkeys"],
        &[
            "does not allow hoist to do this",
            "~hoist:{ff} ~hoist:{ff}:*",
        ],
    ),
    (
        &["RENAME hoist:{ff}:specs spare", "SET hoist:{ff}:specs x"],
        &["UNLINK hoist:{ff}:specs", "RENAME spare hoist:{ff}:specs"],
        &[
            "bookkeeping",
            "is damaged: hoist:{ff}:specs",
            "restore it from a backup",
        ],
    ),
    (
        // It passes by itself.
        &["CLIENT PAUSE 1500 ALL"],
        &[],
        &[
            "did not answer within 0.4 s",
            "if the server is only slow, run the command again",
        ],
    ),
];

#[test]
fn a_server_that_refuses_holds_what_it_held() {
    let world = World::new(&[], 40);
    for (comes, goes, said) in TROUBLES {
        // Connected before, and with all rights.
        let mut direct = world.server.connect();
        world.start.put_back(&mut direct);
        comes.iter().for_each(|line| run(&mut direct, line));
        let refused = world.apply();
        assert_eq!(refused.code, 2, "{comes:?}: {refused:#?}");
        for words in said {
            assert!(
                refused.stderr.contains(words),
                "{comes:?}: {words}: {refused:#?}"
            );
        }
        goes.iter().for_each(|line| run(&mut direct, line));
        assert!(!world.is_new(), "{comes:?}");
        world.converge();
        assert!(world.is_new(), "{comes:?}: a second run");
    }
}

#[test]
fn a_server_that_is_slow_to_write_leaves_it_open() {
    let world = World::new(&[], 40);
    let mut direct = world.server.connect();
    world.start.put_back(&mut direct);
    run(&mut direct, "CLIENT PAUSE 1500 WRITE");
    let unsure = world.apply();
    assert_eq!(unsure.code, 2, "{unsure:#?}");
    assert!(unsure.stderr.contains("was on its way"), "{unsure:#?}");
    assert!(
        unsure.stderr.contains("run the command again"),
        "{unsure:#?}"
    );
    // Whatever becomes of it.
    world.is_new();
    world.converge();
    assert!(world.is_new());
}

#[test]
fn a_server_that_is_still_loading_is_waited_for_and_then_named() {
    let mut world = World::new(
        &[
            "rdbcompression no",
            "key-load-delay 30000",
            "loading-process-events-interval-bytes 1024",
        ],
        40,
    );
    world.server.run::<()>(&["SAVE"]);
    world.server.kill();
    world.server.begin_again();
    let refused = world.apply();
    assert_eq!(refused.code, 2, "{refused:#?}");
    for words in [
        "is still loading its data",
        "wait until the server has started",
    ] {
        assert!(refused.stderr.contains(words), "{refused:#?}");
    }
    wait_until_loaded(&world.server);
    assert!(!world.is_new());
    world.converge();
    assert!(world.is_new());
}

#[test]
fn a_server_that_is_killed_comes_back_with_one_state_or_the_other() {
    let (flags, kills) = if is_full() { (2000, 30) } else { (300, 6) };
    let mut world = World::new(&["appendonly yes", "appendfsync always"], flags);
    let began = Instant::now();
    assert_eq!(world.project.run(&words(&world.arguments())).code, 0);
    let takes = began.elapsed();
    let mut ended = BTreeMap::<_, usize>::new();
    for number in 0..kills {
        world.start.put_back(&mut world.server.connect());
        let mut command = world.project.command(&world.arguments());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("hoist to run");
        std::thread::sleep(takes.mul_f64(f64::from(number) / f64::from(kills)));
        world.server.kill();
        let run = Run::new(child.wait_with_output().expect("its end"));
        world.server.start_again();
        wait_until_loaded(&world.server);
        let is_new = world.is_new();
        let said = run.stderr.lines().next().unwrap_or_default();
        let kind = match run.code {
            // What is said to be committed was on the disk.
            0 => {
                assert!(is_new, "{run:#?}");
                "done"
            }
            2 if said.contains("was on its way") => "not known",
            2 => {
                assert!(!is_new, "{run:#?}");
                "not written"
            }
            _ => panic!("{run:#?}"),
        };
        assert!(run.code == 0 || run.stderr.contains("help: "), "{run:#?}");
        *ended.entry((kind, is_new)).or_default() += 1;
        world.converge();
        assert!(world.is_new(), "a second run");
    }
    eprintln!("server: {kills} kills: {ended:?}");
}

fn wait_until_loaded(server: &RedisServer) {
    wait_until("it has loaded", || {
        try_run::<usize>(server, &["DBSIZE"]).is_ok()
    });
}

/// With time enough to commit.
fn words<'w>(arguments: &[&'w str]) -> Vec<&'w str> {
    let longer = |word: &&'w str| if *word == "0.4" { "10" } else { *word };
    arguments.iter().map(longer).collect()
}
