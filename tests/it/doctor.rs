//! `hoist doctor`: what can lose flags is made true on a real server, is found, and is gone once the
//! commands that it prints have been run.

use std::fs;

use hoist::store::rights::{FOR_THE_DOCTOR, Role, allowing};
use redis::Connection;
use serde_json::{Value, json};

use crate::support::cluster::{Cluster, wait_until};
use crate::support::program::{Project, Run};
use crate::support::redis::RedisServer;
use crate::support::sentinel::Watched;

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
        findings.retain(|finding| finding["level"] != "ok" && finding["check"] != "replicas");
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
            (&trouble["check"], &trouble["level"]),
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
        (&trouble["check"], &trouble["level"]),
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
fn rights_are_found_and_mended() {
    let world = World::new(&[]);
    let more = allowing(&FOR_THE_DOCTOR);
    // Each right by itself: a trouble that the printed command ends.
    for lacking in Role::Sync.commands() {
        world.make_user(&format!("{} {more} -{lacking}", least()));
        let trouble = world.trouble(1);
        let rights = trouble.iter().find(|finding| finding["check"] == "rights");
        let rights = rights.unwrap_or_else(|| panic!("{lacking}: {trouble:#?}"));
        assert_eq!(rights["level"], "error");
        assert!(
            rights["found"]
                .as_str()
                .expect("a text")
                .contains(&format!("+{lacking}")),
            "{rights:#?}"
        );
        world.mend(rights);
        assert_eq!(world.trouble(0), Vec::<Value>::new(), "{lacking}");
    }
    // Keys and the channel.
    for (rules, lacks) in [
        (least().replace("~ff:* ", ""), "~ff:*"),
        (
            least().replace("&hoist:{ff}:changes ", "resetchannels "),
            "&hoist:{ff}:changes",
        ),
    ] {
        world.make_user(&format!("{rules} {more}"));
        let trouble = world.trouble(1);
        let rights = trouble.iter().find(|finding| finding["check"] == "rights");
        let rights = rights.unwrap_or_else(|| panic!("{lacks}: {trouble:#?}"));
        assert!(
            rights["found"].as_str().expect("a text").contains(lacks),
            "{rights:#?}"
        );
        world.mend(rights);
        assert_eq!(world.trouble(0), Vec::<Value>::new(), "{lacks}");
    }
    // Roles with less are no trouble.
    for (role, besides, found) in [
        (Role::Operator, "", "may stop, restore and move flags"),
        (Role::Operator, "+scan", "may stop, restore and move flags"),
        (
            Role::Viewer,
            "",
            "may look at everything, and write nothing",
        ),
    ] {
        let rules = role.rules("ff").expect("a fine prefix");
        world.make_user(&format!("{rules} {more} {besides}"));
        let trouble = world.trouble(0);
        let rights = trouble.iter().find(|finding| finding["check"] == "rights");
        let rights = rights.unwrap_or_else(|| panic!("{role:?}: {trouble:#?}"));
        assert_eq!(rights["level"], "note");
        assert!(
            rights["found"].as_str().expect("a text").contains(found),
            "{rights:#?}"
        );
    }
}

#[test]
fn too_many_rights_are_found_and_mended() {
    let world = World::new(&[]);
    world.make_user("+@all ~* &*");
    let trouble = world.the_trouble(0);
    assert_eq!(
        trouble["found"],
        "`hoist` may do far more than hoist needs: `FLUSHALL`, `CONFIG SET`, `ACL`, `keys of others`"
    );
    world.mend(&trouble);
    // What only the doctor takes is gone, too, and it says so.
    let trouble = world.trouble(0);
    assert!(
        trouble.iter().all(|finding| finding["level"] == "unknown"),
        "{trouble:#?}"
    );
    // The default user gets one of hoist's own.
    let open = world.server.tcp_url();
    let trouble = findings(&world.project, &["--store", &open], 0);
    let rights = trouble
        .iter()
        .find(|finding| finding["check"] == "rights")
        .expect("a finding");
    let (_, command) = fixes(rights).remove(0);
    world.run("ACL DELUSER hoist");
    world.run(&command.replace("PASSWORD", "pw"));
    world
        .project
        .expect(0, &["plan", "-q", "--exit-code", "--store", &world.url]);
}

#[test]
fn what_may_not_be_looked_at_is_said() {
    let world = World::new(&[]);
    world.make_user(&least());
    let trouble = world.trouble(0);
    for (check, right) in [
        ("server", "+info"),
        ("eviction", "+info"),
        ("memory", "+info"),
        ("expiry", "+pttl"),
        ("persistence", "+info"),
    ] {
        let finding = trouble.iter().find(|finding| finding["check"] == check);
        let finding = finding.unwrap_or_else(|| panic!("{check}: {trouble:#?}"));
        assert_eq!(finding["level"], "unknown");
        assert_eq!(fixes(finding)[0].1, format!("ACL SETUSER hoist {right}"));
        world.mend(finding);
    }
    // What INFO says is enough here.
    assert_eq!(world.trouble(0), Vec::<Value>::new());
    world.run("CONFIG SET appendonly no");
    let trouble = world.the_trouble(0);
    assert_eq!(trouble["level"], "unknown");
    assert_eq!(fixes(&trouble)[0].1, "ACL SETUSER hoist +config|get");
    world.mend(&trouble);
    assert_eq!(
        world.the_trouble(1)["found"],
        "nothing is kept on a disk: a restart loses all flags, stops and the history"
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
fn replicas_are_looked_at() {
    let world = World::new(&["repl-diskless-sync-delay 0"]);
    let of = |url: &str, code: i32, more: &[&str]| {
        let all = findings(&world.project, &[&["--store", url], more].concat(), code);
        let found = all.iter().find(|finding| finding["check"] == "replicas");
        let found = found.expect("a finding");
        let text = |name: &str| found[name].as_str().expect("a text").to_owned();
        (text("level"), text("found"))
    };
    let (level, found) = of(&world.url, 0, &[]);
    assert_eq!((level.as_str(), &found[..4]), ("note", "none"));
    let (level, found) = of(&world.url, 1, &["--wait-replicas", "1"]);
    assert_eq!(level, "error");
    assert!(
        found.contains("waits for 1 replica, and 0 of them are there"),
        "{found}"
    );

    let follow = format!("replicaof 127.0.0.1 {}", world.server.port);
    let mut replica = RedisServer::with(&[&follow]);
    wait_until("it follows", || {
        let state: String = world.server.run(&["INFO", "replication"]);
        state.contains("state=online")
    });
    // To wait takes a right that this user has not.
    of(&world.url, 1, &["--wait-replicas", "1"]);
    world.run("ACL SETUSER hoist +wait");
    let (level, found) = of(&world.url, 0, &["--wait-replicas", "1"]);
    assert_eq!(
        (level.as_str(), found.as_str()),
        ("ok", "1 replica, not behind")
    );

    let all = findings(&world.project, &["--store", &replica.tcp_url()], 1);
    let server = all
        .iter()
        .find(|finding| finding["check"] == "server")
        .expect("a finding");
    assert!(
        server["found"]
            .as_str()
            .expect("a text")
            .contains("is a replica of 127.0.0.1:"),
        "{server:#?}"
    );
    let primary = world.server.port;
    replica.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let all = findings(&world.project, &["--store", &replica.tcp_url()], 1);
    let link = all
        .iter()
        .find(|finding| finding["check"] == "replicas")
        .expect("a finding");
    assert!(
        link["found"]
            .as_str()
            .expect("a text")
            .contains("has been down"),
        "{link:#?}"
    );
    replica.run::<()>(&["REPLICAOF", "127.0.0.1", &primary.to_string()]);
    replica.kill();
}

#[test]
fn behind_sentinels_and_in_a_cluster_too() {
    let project = Project::with_flags(FLAGS);
    let watched = Watched::shared();
    let url = watched.url() + "/2";
    let first = findings(&project, &["--store", &url], 1);
    let bookkeeping = first
        .iter()
        .find(|finding| finding["check"] == "bookkeeping");
    assert_eq!(
        bookkeeping.expect("a finding")["found"],
        "hoist has never written here"
    );
    let replicas = first.iter().find(|finding| finding["check"] == "replicas");
    assert_eq!(replicas.expect("a finding")["level"], "warning");
    project.expect(0, &["apply", "-q", "--store", &url]);
    let second = findings(&project, &["--store", &url], 1);
    let bookkeeping = second
        .iter()
        .find(|finding| finding["check"] == "bookkeeping");
    assert_eq!(bookkeeping.expect("a finding")["level"], "ok");

    let cluster = Cluster::shared();
    let url = cluster.url(&[0]);
    let found = findings(&project, &["--store", &url, "--prefix", "{doctor}"], 1);
    let server = found
        .iter()
        .find(|finding| finding["check"] == "server")
        .expect("a finding");
    let owner = &cluster.nodes[cluster.owner("{doctor}")];
    let at = format!(" at 127.0.0.1:{}, a primary", owner.port);
    assert!(
        server["found"].as_str().expect("a text").ends_with(&at),
        "{server:#?}"
    );
    assert_eq!(
        owner.run::<Vec<String>>(&["KEYS", "*{doctor}*"]),
        Vec::<String>::new()
    );
}

#[test]
fn a_file_is_looked_at() {
    let project = Project::with_flags(FLAGS);
    let first = findings(&project, &[], 0);
    assert_eq!(
        first[0]["found"].as_str().map(|found| &found[..14]),
        Some("there is no `/")
    );
    project.expect(0, &["apply", "-q"]);
    let run = project.expect(0, &["doctor"]);
    let folder = project.folder().display().to_string();
    insta::assert_snapshot!("file", run.shown().replace(&folder, "FOLDER"));

    let path = project.path(".hoist/flags.db");
    let sqlite = |sql: &str| {
        let connection = rusqlite::Connection::open(&path).expect("the file");
        connection.execute_batch(sql).expect(sql);
    };
    let trouble = |code: i32| {
        let mut all = findings(&project, &[], code);
        all.retain(|finding| finding["level"] != "ok");
        all
    };
    sqlite("PRAGMA journal_mode=delete");
    let found = trouble(0);
    assert_eq!((found.len(), &found[0]["check"]), (1, &json!("journal")));
    let (_, command) = fixes(&found[0]).remove(0);
    let pragma = command.split('\'').nth(1).expect("a pragma");
    sqlite(pragma);
    assert_eq!(trouble(0), Vec::<Value>::new());

    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("its permissions");
    let found = trouble(0);
    assert_eq!(
        (found.len(), &found[0]["check"]),
        (1, &json!("permissions"))
    );
    let (_, command) = fixes(&found[0]).remove(0);
    let done = std::process::Command::new("sh")
        .args(["-c", &command])
        .status();
    assert!(done.expect("a shell").success());
    assert_eq!(trouble(0), Vec::<Value>::new());

    sqlite("DELETE FROM records WHERE key = 'search'");
    let found = trouble(1);
    assert_eq!((found.len(), &found[0]["check"]), (1, &json!("records")));
    project.expect(0, &["apply", "-q"]);
    assert_eq!(trouble(0), Vec::<Value>::new());

    // The last page is overwritten.
    let mut bytes = fs::read(&path).expect("the file");
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xA5);
    fs::write(&path, bytes).expect("the file");
    let found = trouble(1);
    assert!(
        found.iter().any(|finding| finding["check"] == "integrity"),
        "{found:#?}"
    );
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
