//! Users of a Redis with as few rights as there can be: what they need works, and nothing else does.
//! SECURITY.md says what these rights are.

use std::collections::BTreeSet;
use std::time::Duration;

use hoist::plan::{Expect, RecordWrite, SpecWrite, StopWrite, Write};
use hoist::store::rights::{
    BEHIND_SENTINELS, FOR_THE_DOCTOR, ON_A_CLUSTER, ON_SENTINELS, Role, WITH_REPLICAS, allowing,
};
use hoist::store::{Error, Options, Store, listen as hear, open};
use redis::{Connection, RedisResult};

use crate::support::commits::{apply, commit, create, delete, stop, update, value, write};
use crate::support::program::Project;
use crate::support::redis::RedisServer;
use crate::support::sentinel::Watched;

const USER: &str = "least";

/// Makes the user anew, with these rules of an ACL and without the command `lacking`.
fn make_user(server: &RedisServer, rules: &str, lacking: Option<&str>) {
    let mut words = vec!["ACL", "SETUSER", USER, "reset", "on", ">pw"];
    words.extend(rules.split(' '));
    let lacking = lacking.map(|command| format!("-{command}"));
    words.extend(lacking.as_deref());
    server.run::<()>(&words);
}

fn rules(role: Role) -> String {
    role.rules("ff").expect("a fine prefix")
}

/// In another database than the first, so that one has to be chosen.
fn url(server: &RedisServer) -> String {
    format!("redis://{USER}:pw@127.0.0.1:{}/1", server.port)
}

fn store(server: &RedisServer, watch_up_to: usize) -> Box<dyn Store> {
    let options = Options {
        watch_up_to,
        ..Options::default()
    };
    open(&url(server), "ff", &options).expect("a fine URL")
}

/// What a sync does, small and large.
fn sync(server: &RedisServer) -> Result<(), Error> {
    server.run::<()>(&["FLUSHALL"]);
    for watch_up_to in [500, 0] {
        let mut store = store(server, watch_up_to);
        for writes in [
            vec![create("a", "1"), create("b", "1")],
            vec![update("a", "1", "2"), delete("b", "1")],
            vec![delete("a", "2")],
        ] {
            let on = store.read()?;
            store.commit(&commit(&on, writes))?;
        }
        store.history(10)?;
    }
    fill(server);
    store(server, 500).read()?;
    Ok(())
}

/// More keys than one command lists.
fn fill(server: &RedisServer) {
    let mut connection = server.connect();
    raw(&mut connection, "SELECT 1").expect("a database");
    let keys = (0..3000).map(|number| format!("ff:many{number} 1"));
    let keys: Vec<String> = keys.collect();
    raw(&mut connection, &format!("MSET {}", keys.join(" "))).expect("keys");
}

/// What an operator does to a flag that is there, and to one that is not.
fn operate(server: &RedisServer) -> Result<(), Error> {
    let mut store = store(server, 500);
    let set = |from: &str, to: &str, stop: StopWrite| Write {
        stop,
        ..write(
            "a",
            value(from),
            RecordWrite::Set(to.to_owned().into()),
            SpecWrite::Keep,
        )
    };
    for writes in [
        vec![set("1", "2", StopWrite::Set(stop()))],
        vec![set("2", "1", StopWrite::Clear)],
    ] {
        let on = store.read_flags(&["a"])?;
        store.commit(&commit(&on, writes))?;
    }
    let on = store.read_flags(&["a"])?;
    // Somebody has created it since, as it were.
    let absent = write("a", Expect::Absent, RecordWrite::Keep, SpecWrite::Keep);
    store.commit(&commit(&on, vec![absent]))?;
    store.history(1)?;
    Ok(())
}

/// What somebody does who looks at everything.
fn look(server: &RedisServer) -> Result<(), Error> {
    // A key of another type is asked for its type.
    fill(server);
    let mut other = server.connect();
    raw(&mut other, "SELECT 1").expect("a database");
    raw(&mut other, "RPUSH ff:listed x").expect("a list");
    let mut store = store(server, 500);
    store.read()?;
    store.read_flags(&["a"])?;
    store.history(1)?;
    // As a server of flags does.
    let mut ears = hear(&url(server), "ff", &Options::default()).expect("a fine URL");
    ears.begin()?;
    ears.check()?;
    listen(&mut connection(server)).map_err(no_permission)
}

/// What an application does, over a connection of its own.
fn read(server: &RedisServer) -> Result<(), Error> {
    let mut connection = connection(server);
    let mut run = |words: &str| raw(&mut connection, words).map_err(no_permission);
    run("SELECT 1")?;
    run("GET ff:a")?;
    run("MGET ff:a ff:b")?;
    listen(&mut connection).map_err(no_permission)
}

fn listen(connection: &mut Connection) -> RedisResult<()> {
    raw(connection, "PING")?;
    raw(connection, "SUBSCRIBE hoist:{ff}:changes")?;
    raw(connection, "UNSUBSCRIBE hoist:{ff}:changes")
}

fn connection(server: &RedisServer) -> Connection {
    let url = url(server);
    let client = redis::Client::open(url.trim_end_matches("/1")).expect("a fine URL");
    client.get_connection().expect("a connection")
}

fn raw(connection: &mut Connection, words: &str) -> RedisResult<()> {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().expect("a command"));
    command.arg(words.collect::<Vec<_>>());
    command.query::<redis::Value>(connection).map(drop)
}

#[track_caller]
fn no_permission(error: redis::RedisError) -> Error {
    assert_eq!(error.code(), Some("NOPERM"), "{error}");
    Error::NoPermission {
        store: String::new(),
        reason: error.to_string(),
        fix: String::new(),
    }
}

/// A server with a flag in each database.
fn server() -> RedisServer {
    let server = RedisServer::start();
    for url in [server.tcp_url(), format!("{}/1", server.tcp_url())] {
        let mut store = open(&url, "ff", &Options::default()).expect("a fine URL");
        apply(&mut *store, vec![create("a", "1")]);
    }
    server
}

/// `work` goes with all rights of the role, and with none of them missing.
fn needs_each(role: Role, work: fn(&RedisServer) -> Result<(), Error>) {
    let server = server();
    let rules = rules(role);
    let work = |lacking: Option<&str>| {
        make_user(&server, &rules, lacking);
        work(&server)
    };
    work(None).unwrap_or_else(|error| panic!("{role:?}: {error:?}"));
    for command in role.commands() {
        let refused = work(Some(command));
        let is_refused = matches!(refused, Err(Error::NoPermission { .. }));
        assert!(is_refused, "{role:?} without {command}: {refused:?}");
    }
    work(None).unwrap_or_else(|error| panic!("{role:?}: {error:?}"));
}

#[test]
fn a_sync_needs_each_of_its_rights() {
    needs_each(Role::Sync, sync);
}

#[test]
fn an_operator_needs_each_of_those_rights() {
    needs_each(Role::Operator, operate);
}

#[test]
fn a_viewer_needs_each_of_those_rights() {
    needs_each(Role::Viewer, look);
}

#[test]
fn an_application_needs_each_of_those_rights() {
    needs_each(Role::Reader, read);
}

#[test]
fn waiting_for_replicas_takes_a_right_more() {
    let server = server();
    let options = Options {
        wait_replicas: 1,
        timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let reason = |rules: &str| {
        make_user(&server, rules, None);
        let mut store = open(&url(&server), "ff", &options).expect("a fine URL");
        let on = store.read().expect("a read");
        let next = commit(
            &on,
            vec![write("a", Expect::Any, RecordWrite::Keep, SpecWrite::Keep)],
        );
        match store.commit(&next) {
            Err(Error::Replication { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    let rules = rules(Role::Sync);
    assert!(reason(&rules).contains("NOPERM"));
    let more = allowing(&WITH_REPLICAS);
    let enough = reason(&format!("{rules} {more}"));
    assert!(enough.starts_with("0 have it"), "{enough}");
}

#[test]
fn sentinels_take_few_rights_and_so_does_their_primary() {
    let watched = Watched::start(0, 1);
    let [primary, sentinel] = [&watched.servers[0], &watched.sentinels[0]];
    let make = |server: &RedisServer, rules: &str, lacking: &str| {
        make_user(server, rules, Some(lacking));
    };
    let read = |name: &str| {
        let url = format!(
            "redis+sentinel://{USER}:pw@127.0.0.1:{}/{name}?sentinel_user={USER}&sentinel_pass=pw",
            sentinel.port
        );
        let mut store = open(&url, "ff", &Options::default()).expect("a fine URL");
        store.read().map(drop)
    };
    let on_primary = format!("{} {}", rules(Role::Sync), allowing(&BEHIND_SENTINELS));
    let on_sentinel = allowing(&ON_SENTINELS);
    make(primary, &on_primary, "get");
    make(sentinel, &on_sentinel, "info");
    read("mymaster").expect("enough rights");
    let error = read("other").expect_err("no such primary");
    assert!(
        error.hint().is_some_and(|hint| hint.contains("`mymaster`")),
        "{error:?}"
    );

    make(sentinel, &on_sentinel, "sentinel|masters");
    let error = read("other").expect_err("no such primary");
    assert!(matches!(error, Error::Misfit { .. }), "{error:?}");
    read("mymaster").expect("enough rights");

    make(sentinel, &on_sentinel, "sentinel|get-master-addr-by-name");
    let error = read("mymaster").expect_err("too few rights");
    assert!(
        matches!(&error, Error::NoPermission { fix, .. } if fix.contains(&on_sentinel)),
        "{error:?}"
    );
    make(sentinel, &on_sentinel, "info");
    make(primary, &on_primary, "role");
    let error = read("mymaster").expect_err("too few rights");
    assert!(
        matches!(&error, Error::NoPermission { fix, .. } if fix.ends_with("+role`; stops, restores and rollouts alone take less (SECURITY.md)")),
        "{error:?}"
    );
}

#[test]
fn nobody_may_do_more_than_that() {
    let server = server();
    for role in Role::ALL {
        make_user(&server, &rules(role), None);
        let mut connection = connection(&server);
        let mut refused = |words: &str| {
            let error = raw(&mut connection, words).expect_err(words);
            assert_eq!(error.code(), Some("NOPERM"), "{role:?}: {words}: {error}");
        };
        for words in [
            // Others' keys and channels.
            "MGET other",
            "MGET fff:a",
            "MGET hoist:{other}:specs",
            "SUBSCRIBE other",
            "FLUSHALL",
            "CONFIG GET requirepass",
            "ACL LIST",
            "KEYS *",
            "DEL ff:a",
            "EXPIRE ff:a 1",
            "REPLICAOF NO ONE",
            "SHUTDOWN NOSAVE",
            "SCRIPT FLUSH",
            "CLIENT KILL TYPE normal",
        ] {
            refused(words);
        }
        let is_writer = matches!(role, Role::Sync | Role::Operator);
        if is_writer {
            refused("PUBLISH other x");
            refused("GET ff:a");
        } else {
            refused("MSET ff:a x");
            refused("SET ff:a x");
            refused("HSET hoist:{ff} generation 7");
            refused("PUBLISH hoist:{ff}:changes x");
            refused("MULTI");
        }
        if role != Role::Sync {
            refused("UNLINK ff:a");
            refused("EVAL x 0");
            refused("RENAME ff:a ff:b");
            refused("XTRIM hoist:{ff}:history MAXLEN 0");
        }
        if role == Role::Reader {
            refused("HGETALL hoist:{ff}");
            refused("SCAN 0");
        }
    }
}

/// SECURITY.md says the rules; `UPDATE_EXPECT=1` writes those of users anew.
#[test]
fn the_page_says_these_rights() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md");
    let page = std::fs::read_to_string(file).expect("the page");
    let users = [
        ("hoist", Role::Sync),
        ("hoist-operator", Role::Operator),
        ("hoist-viewer", Role::Viewer),
        ("app", Role::Reader),
    ];
    let mut said = BTreeSet::new();
    let expected: String = page
        .split_inclusive('\n')
        .map(|line| {
            let user = line
                .strip_prefix("ACL SETUSER ")
                .and_then(|rest| rest.split(' ').next());
            let role = user.and_then(|user| users.iter().find(|(name, _)| *name == user));
            let Some((user, role)) = role else {
                return line.to_owned();
            };
            said.insert(*user);
            format!("ACL SETUSER {user} on >PASSWORD {}\n", rules(*role))
        })
        .collect();
    assert_eq!(said.len(), users.len(), "SECURITY.md has all of them");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(file, &expected).expect("the page");
    } else {
        assert_eq!(page, expected, "SECURITY.md is out of date");
    }
    for more in [
        &BEHIND_SENTINELS[..],
        &ON_A_CLUSTER,
        &WITH_REPLICAS,
        &FOR_THE_DOCTOR,
        &ON_SENTINELS,
    ] {
        let rule = format!("| `{}` |\n", allowing(more).replace('|', "\\|"));
        assert!(expected.contains(&rule), "SECURITY.md does not say: {rule}");
    }
}

const FLAGS: &str = "\
flags:
  checkout:
    description: Second version of the checkout
    owner: checkout
    expires: never
    enabled: true
    rollout: [{ percentage: 1, duration: 1h }, { percentage: 100 }]
";

#[test]
fn the_program_does_what_a_user_may() {
    let server = RedisServer::start();
    let project = Project::with_flags(FLAGS);
    let url = url(&server);
    let run = |code, words: &[&str]| project.expect(code, &[words, &["--store", &url]].concat());
    make_user(&server, &rules(Role::Sync), None);
    run(0, &["apply", "-q"]);
    make_user(&server, &rules(Role::Operator), None);
    run(0, &["rollout", "advance", "checkout"]);
    run(0, &["kill", "checkout", "--reason", "errors"]);
    run(0, &["restore", "checkout", "--reason", "mended"]);
    run(2, &["rollout", "advance", "--due"]);
    let looking = format!("{} +dbsize +scan", rules(Role::Operator));
    make_user(&server, &looking, None);
    run(0, &["rollout", "advance", "--due"]);
    make_user(&server, &rules(Role::Operator), None);
    let refused = run(2, &["apply", "-q"]);
    insta::assert_snapshot!(
        "too_few_rights",
        refused.shown().replace(&server.port.to_string(), "PORT")
    );
    // What the message says is enough.
    let line = refused
        .stderr
        .split('`')
        .find(|part| part.starts_with("ACL "))
        .expect("a line");
    server.run::<()>(&line.split(' ').collect::<Vec<_>>());
    run(0, &["apply", "-q"]);
    make_user(&server, &rules(Role::Viewer), None);
    for words in [
        &["plan", "-q"][..],
        &["history"],
        &["rollout", "status"],
        &["eval", "checkout", "--live"],
    ] {
        run(0, words);
    }
    let client = hoist::Client::connect(&url).expect("a fine URL");
    client
        .wait_ready(Duration::from_secs(30))
        .expect("enough rights");
    run(2, &["kill", "checkout", "--reason", "errors"]);
    run(2, &["rollout", "advance", "checkout"]);
    make_user(&server, &rules(Role::Reader), None);
    run(2, &["plan", "-q"]);
    run(2, &["kill", "checkout", "--reason", "errors"]);
}
