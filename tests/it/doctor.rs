//! `hoist doctor`: what can lose flags is made true on a real server, is found, and is gone once the
//! commands that it prints have been run.

mod file;
mod rights;
mod servers;

use std::fs;

use hoist::store::rights::{FOR_THE_DOCTOR, Role, allowing};
use redis::Connection;
use serde_json::{Value, json};

use crate::support::cluster::wait_until;
use crate::support::program::{Project, Run};
use crate::support::redis::RedisServer;

const FLAGS: &str = "\
flags:
  checkout:
    description: Second version of the checkout
    owner: checkout
    expires: never
    enabled: true
    rollout: [{ percentage: 1, duration: 1h }, { percentage: 100 }]
  search: { description: The new ranking, owner: search, expires: never, enabled: true }
";

/// A server that nothing is wrong with, a user who may do what it takes, and flags that were applied.
struct World {
    server: RedisServer,
    project: Project,
    url: String,
}

impl World {
    fn new(configuration: &[&str]) -> Self {
        let lines = [&["appendonly yes"], configuration].concat();
        let server = RedisServer::with(&lines);
        let project = Project::with_flags(FLAGS);
        let world = Self {
            url: format!("redis://hoist:pw@127.0.0.1:{}", server.port),
            server,
            project,
        };
        world.make_user(&format!("{} {}", least(), allowing(&FOR_THE_DOCTOR)));
        world
            .project
            .expect(0, &["apply", "-q", "--store", &world.url]);
        world
    }

    fn make_user(&self, rules: &str) {
        self.run(&format!("ACL SETUSER hoist reset on >pw {rules}"));
    }

    /// A line as `redis-cli` takes it, as somebody who may do everything.
    fn run(&self, line: &str) {
        run(&mut self.server.connect(), line);
    }

    fn doctor(&self, code: i32) -> Vec<Value> {
        findings(&self.project, &["--store", &self.url], code)
    }

    /// What the doctor says besides of what is fine and that there are no replicas.
    #[track_caller]
    fn trouble(&self, code: i32) -> Vec<Value> {
        let mut findings = self.doctor(code);
        findings.retain(|finding| finding["severity"] != "ok" && finding["check"] != "replicas");
        findings
    }

    /// The one trouble that there is.
    #[track_caller]
    fn the_trouble(&self, code: i32) -> Value {
        let mut trouble = self.trouble(code);
        assert_eq!(trouble.len(), 1, "{trouble:#?}");
        trouble.remove(0)
    }

    /// Runs what mends it.
    fn mend(&self, finding: &Value) {
        for fix in fixes(finding) {
            match fix.0.as_str() {
                "redis" => self.run(&fix.1),
                _ => self.shell(&fix.1),
            }
        }
    }

    fn shell(&self, line: &str) {
        let words = words(line);
        // The password is not shown.
        let words = words.iter().map(|word| word.replace("***", "pw"));
        let words: Vec<String> = words.collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words[0], "hoist");
        self.project.expect(0, &words[1..]);
    }

    /// Makes something true, sees it reported like this, mends it as is said, and sees that it is gone.
    #[track_caller]
    fn is_found_and_mended(&self, lines: &[&str], check: &str, level: &str, found: &str) {
        for line in lines {
            self.run(line);
        }
        let trouble = self.the_trouble(i32::from(level == "error"));
        assert_eq!(
            (&trouble["check"], &trouble["severity"]),
            (&json!(check), &json!(level))
        );
        let said = trouble["found"].as_str().expect("a text");
        assert!(said.contains(found), "{trouble:#?}");
        self.mend(&trouble);
        let left = self.trouble(0);
        assert!(left.is_empty(), "{trouble:#?}: {left:#?}");
    }
}

fn least() -> String {
    Role::Sync.rules("ff").expect("a fine prefix")
}

fn run(connection: &mut Connection, line: &str) {
    let words = words(line);
    let (name, rest) = words.split_first().expect("a command");
    let answer = redis::cmd(name).arg(rest).query::<redis::Value>(connection);
    answer.unwrap_or_else(|error| panic!("{line}: {error}"));
}

/// A command line in words, of which some are in quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn fixes(finding: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let fixes = finding["fixes"].as_array().expect("a list");
    fixes
        .iter()
        .map(|fix| (text(&fix["in"]), text(&fix["command"])))
        .collect()
}

#[track_caller]
fn findings(project: &Project, more: &[&str], code: i32) -> Vec<Value> {
    let run = project.expect(code, &[&["doctor", "--format", "json"], more].concat());
    run.json()["findings"].as_array().expect("a list").clone()
}

/// What does not change from run to run: neither how much is used nor which version it is.
fn steady(run: &Run, server: &RedisServer) -> String {
    let shown = run.shown().replace(&server.port.to_string(), "PORT");
    let is_figure = |c: char| c.is_ascii_digit() || c == '.';
    let lines = shown.lines().map(|line| {
        let Some(at) = ["MiB", "Redis "].iter().find_map(|word| line.find(word)) else {
            return line.to_owned();
        };
        let from = line[..at].rfind("  ").unwrap_or(0);
        let mut steady = line[..from].to_owned();
        for c in line[from..].chars() {
            match is_figure(c) {
                true if steady.ends_with('N') => {}
                true => steady.push('N'),
                false => steady.push(c),
            }
        }
        steady
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_store_that_is_well() {
    let world = World::new(&[]);
    assert_eq!(world.trouble(0), Vec::<Value>::new());
    let run = world.project.expect(0, &["doctor", "--store", &world.url]);
    insta::assert_snapshot!("well", steady(&run, &world.server));
    // To look changes nothing.
    let before: Vec<String> = world.server.run(&["KEYS", "*"]);
    world.doctor(0);
    let after: Vec<String> = world.server.run(&["KEYS", "*"]);
    assert_eq!(before.len(), after.len());
    world
        .project
        .expect(0, &["plan", "-q", "--exit-code", "--store", &world.url]);
}

#[test]
fn a_store_that_is_ill() {
    let world = World::new(&[]);
    for line in [
        "CONFIG SET maxmemory-policy allkeys-lru",
        "CONFIG SET maxmemory 500mb",
        "CONFIG SET appendonly no",
        "EXPIRE ff:search 1000",
        "DEL ff:checkout",
        "SET ff:theirs hello",
        "ACL SETUSER hoist -config|get -copy +flushall ~*",
    ] {
        world.run(line);
    }
    let args = ["doctor", "--color", "always", "--store", &world.url];
    let run = world.project.expect(1, &args);
    insta::assert_snapshot!("ill", steady(&run, &world.server).replace('\u{1b}', "␛"));
}

#[test]
fn settings_are_found_and_mended() {
    let world = World::new(&[]);
    world.is_found_and_mended(
        &[
            "CONFIG SET maxmemory 400mb",
            "CONFIG SET maxmemory-policy allkeys-lru",
        ],
        "eviction",
        "error",
        "allkeys-lru: any flag may be deleted once 400 MiB are used",
    );
    world.is_found_and_mended(
        &[
            "CONFIG SET maxmemory 0",
            "CONFIG SET maxmemory-policy allkeys-random",
        ],
        "eviction",
        "warning",
        "as soon as `maxmemory` is set",
    );
    let used: String = world.server.run(&["INFO", "memory"]);
    let used = used
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used: u64 = used.expect("a line").trim().parse().expect("a number");
    world.is_found_and_mended(
        &[&format!("CONFIG SET maxmemory {used}")],
        "memory",
        "error",
        "commits are refused",
    );
    world.is_found_and_mended(
        &["CONFIG SET appendfsync no"],
        "persistence",
        "warning",
        "appendfsync no",
    );
    world.is_found_and_mended(
        &["CONFIG SET appendonly no", "CONFIG SET save \"\""],
        "persistence",
        "error",
        "nothing is kept on a disk",
    );
    world.is_found_and_mended(
        &["CONFIG SET appendonly no", "CONFIG SET save \"3600 1\""],
        "persistence",
        "warning",
        "only snapshots are kept",
    );
    // What was mended stays so over a restart.
    assert_ne!(world.server.configured("maxmemory "), "");
}

#[test]
fn a_disk_that_fails_is_found() {
    let world = World::new(&["stop-writes-on-bgsave-error no"]);
    let folder: Vec<String> = world.server.run(&["CONFIG", "GET", "dir"]);
    let dump = format!("{}/dump.rdb", folder[1]);
    // A folder where its snapshot should be.
    fs::create_dir_all(format!("{dump}/x")).expect("a folder");
    world.run("BGSAVE");
    let saved = |status: &str| {
        let info: String = world.server.run(&["INFO", "persistence"]);
        info.contains(&format!("rdb_last_bgsave_status:{status}"))
            && info.contains("rdb_bgsave_in_progress:0")
    };
    wait_until("it fails", || saved("err"));
    let trouble = world.the_trouble(1);
    assert_eq!(
        trouble["found"],
        "the last snapshot could not be written to the disk"
    );
    fs::remove_dir_all(&dump).expect("a folder that is gone");
    world.mend(&trouble);
    wait_until("it goes well", || saved("ok"));
    assert_eq!(world.trouble(0), Vec::<Value>::new());
}

#[test]
fn keys_and_records_are_found_and_mended() {
    let world = World::new(&[]);
    world.is_found_and_mended(
        &["EXPIRE ff:search 5000", "EXPIRE hoist:{ff}:history 9000"],
        "expiry",
        "error",
        "2 of 7 keys are deleted by time, the first in 83 min: `ff:search`, `hoist:{ff}:history`",
    );
    world.is_found_and_mended(
        &["DEL ff:search"],
        "records",
        "error",
        "1 flag has lost its record: `search`",
    );
    world.is_found_and_mended(
        &["SET ff:search nonsense"],
        "records",
        "error",
        "1 flag has a record that makes no sense: `search`",
    );
    world.is_found_and_mended(
        &["DEL ff:search", "RPUSH ff:search x"],
        "records",
        "error",
        "1 flag is no value that a client can read: `search`",
    );
    world.is_found_and_mended(
        &[r#"SET ff:search {"type":"boolean","enabled":false}"#
            .replace('"', "'")
            .as_str()],
        "records",
        "error",
        "makes no sense",
    );
    world.is_found_and_mended(
        &["HSET hoist:{ff}:specs search nonsense"],
        "records",
        "error",
        "a digest in the bookkeeping that hoist does not make",
    );
    world.is_found_and_mended(
        &["SET hoist:{ff}:gate shut"],
        "bookkeeping",
        "warning",
        "1 key of a transaction was left behind",
    );
    world.run("XTRIM hoist:{ff}:history MAXLEN 0");
    let trouble = world.the_trouble(0);
    assert_eq!(
        (&trouble["check"], &trouble["severity"]),
        (&json!("history"), &json!("warning"))
    );
    world.run("SET ff:theirs {}");
    world.run("SET ff:search {}");
    let trouble = world.trouble(0);
    let checks: Vec<_> = trouble.iter().map(|finding| &finding["check"]).collect();
    assert_eq!(checks, ["history", "records", "foreign"]);
    assert!(
        trouble[1]["found"]
            .as_str()
            .expect("a text")
            .contains("not as it was applied")
    );
    world.run("HSET hoist:{ff} buckets crc32");
    let trouble = world.trouble(1);
    assert!(trouble.iter().any(|finding| finding["check"] == "buckets"));
}

#[test]
fn bookkeeping_that_cannot_be_read_is_a_finding() {
    let world = World::new(&[]);
    world.run("HSET hoist:{ff} generation seven");
    let trouble = world.the_trouble(1);
    assert_eq!(trouble["check"], "bookkeeping");
    assert!(
        trouble["found"]
            .as_str()
            .expect("a text")
            .contains("not a number")
    );
    let run = world.project.expect(1, &["doctor", "--store", &world.url]);
    assert!(
        run.stdout.contains("(prefix ff, cannot be read)"),
        "{run:#?}"
    );
    let json = ["doctor", "--format", "json", "--store", &world.url];
    assert_eq!(
        world.project.expect(1, &json).json()["store"]["generation"],
        Value::Null
    );
}

#[test]
fn commands_that_were_taken_away_are_no_trouble() {
    let world = World::new(&["rename-command CONFIG \"\"", "rename-command FLUSHALL \"\""]);
    // What INFO says is enough.
    assert_eq!(world.trouble(0), Vec::<Value>::new());
    let server = RedisServer::with(&["rename-command CONFIG \"\""]);
    let found = findings(&world.project, &["--store", &server.tcp_url()], 0);
    let found = found
        .iter()
        .find(|finding| finding["check"] == "persistence");
    let found = found.expect("a finding");
    assert_eq!(
        (&found["severity"], fixes(found).len()),
        (&json!("unknown"), 0)
    );
    let said = found["found"].as_str().expect("a text");
    assert!(
        said.starts_with("it is not told: ERR unknown command"),
        "{found:#?}"
    );
}

#[test]
fn a_store_that_cannot_be_reached_is_none_to_judge() {
    let project = Project::with_flags(FLAGS);
    let run = project.expect(2, &["doctor", "--store", "redis://127.0.0.1:1"]);
    assert!(run.stderr.contains("cannot connect"), "{run:#?}");
    let server = RedisServer::with(&["requirepass sesame"]);
    let url = format!("redis://127.0.0.1:{}", server.port);
    project.expect(2, &["doctor", "--store", &url]);
}

#[test]
fn several_environments_are_looked_at() {
    let project = Project::with_flags(FLAGS);
    let server = RedisServer::start();
    let config = format!(
        "[environments.well]\nstore = \"sqlite:well.db\"\n[environments.ill]\nstore = \"{}\"\n\
         [environments.gone]\nstore = \"redis://127.0.0.1:1\"\n",
        server.tcp_url()
    );
    project.write("hoist.toml", config);
    project.expect(0, &["apply", "-q", "--env", "well,ill"]);
    let run = project.expect(1, &["doctor", "--env", "well,ill"]);
    assert!(run.stdout.contains("  well  9 fine\n"), "{run:#?}");
    assert!(
        run.stdout.contains("  ill   1 error, 1 warning, 1 note, "),
        "{run:#?}"
    );
    let run = project.expect(2, &["doctor", "--all-envs", "--format", "json"]);
    let all = run.json();
    crate::json_shapes::check_several("doctor", &all);
    let well = &all["environments"][0];
    assert_eq!(
        (&well["environment"], &well["summary"]["ok"]),
        (&json!("well"), &json!(9))
    );
}
