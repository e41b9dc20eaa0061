//! Users of a Redis with as few rights as there can be: what they need works, and nothing else does.

use hoist::plan::{Expect, RecordWrite, SpecWrite, StopWrite, Write};
use hoist::store::rights::Role;
use hoist::store::{Error, Options, Store, open};
use redis::RedisResult;

use crate::support::commits::{apply, commit, create, delete, stop, update, value, write};
use crate::support::program::Project;
use crate::support::redis::RedisServer;

const USER: &str = "least";

/// Makes the user anew, with what the role takes and without `lacking`.
fn make_user(server: &RedisServer, role: Role, lacking: Option<&str>) {
    let rules = role.rules("ff").expect("a fine prefix");
    let mut words = vec!["ACL", "SETUSER", USER, "reset", "on", ">pw"];
    words.extend(rules.split(' '));
    let lacking = lacking.map(|command| format!("-{command}"));
    words.extend(lacking.as_deref());
    server.run::<()>(&words);
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
    Ok(())
}

/// What an operator does to a flag that is there, and to one that is not.
fn operate(server: &RedisServer) -> Result<(), Error> {
    let mut store = store(server, 500);
    let set = |from: &str, to: &str, stop: StopWrite| Write {
        stop,
        ..write("a", value(from), RecordWrite::Set(to.into()), SpecWrite::Keep)
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

/// What an application does, over a connection of its own.
fn read(server: &RedisServer) -> RedisResult<()> {
    let mut connection = redis::Client::open(url(server).trim_end_matches("/1"))?.get_connection()?;
    let _: Option<String> = redis::cmd("GET").arg("ff:a").query(&mut connection)?;
    let _: Vec<Option<String>> = redis::cmd("MGET").arg(&["ff:a", "ff:b"]).query(&mut connection)?;
    let mut listener = connection.as_pubsub();
    listener.subscribe("hoist:{ff}:changes")?;
    listener.unsubscribe("hoist:{ff}:changes")
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

#[test]
fn a_sync_needs_each_of_its_rights() {
    let server = server();
    make_user(&server, Role::Sync, None);
    server.run::<()>(&["FLUSHALL"]);
    sync(&server).expect("enough rights");
    for command in Role::Sync.commands() {
        server.run::<()>(&["FLUSHALL"]);
        make_user(&server, Role::Sync, Some(command));
        let refused = sync(&server);
        assert!(matches!(refused, Err(Error::NoPermission { .. })), "{command}: {refused:?}");
    }
}

#[test]
fn an_operator_needs_each_of_those_rights() {
    let server = server();
    make_user(&server, Role::Operator, None);
    operate(&server).expect("enough rights");
    for command in Role::Operator.commands() {
        make_user(&server, Role::Operator, Some(command));
        let refused = operate(&server);
        assert!(matches!(refused, Err(Error::NoPermission { .. })), "{command}: {refused:?}");
        make_user(&server, Role::Operator, None);
        operate(&server).expect("all as it was");
    }
}

#[test]
fn an_application_needs_each_of_those_rights() {
    let server = server();
    make_user(&server, Role::Reader, None);
    read(&server).expect("enough rights");
    for command in Role::Reader.commands() {
        make_user(&server, Role::Reader, Some(command));
        assert!(read(&server).is_err(), "{command}");
    }
}

#[test]
fn nobody_may_do_more_than_that() {
    let server = server();
    for role in Role::ALL {
        make_user(&server, role, None);
        let url = url(&server);
        let client = redis::Client::open(url.trim_end_matches("/1")).expect("a fine URL");
        let mut connection = client.get_connection().expect("a connection");
        let mut refused = |words: &[&str]| {
            let mut command = redis::cmd(words[0]);
            let answer = command.arg(&words[1..]).query::<redis::Value>(&mut connection);
            let error = answer.expect_err(&words.join(" "));
            assert!(error.to_string().contains("NOPERM"), "{role:?}: {words:?}: {error}");
        };
        for words in [
            // Others' keys and channels.
            &["MGET", "other"][..],
            &["MGET", "fff:a"],
            &["MGET", "hoist:{other}:specs"],
            &["FLUSHALL"],
            &["CONFIG", "GET", "requirepass"],
            &["ACL", "LIST"],
            &["KEYS", "*"],
            &["DEL", "ff:a"],
            &["EXPIRE", "ff:a", "1"],
            &["SUBSCRIBE", "other"],
        ] {
            refused(words);
        }
        match role {
            Role::Sync => refused(&["PUBLISH", "other", "x"]),
            Role::Operator => {
                refused(&["UNLINK", "ff:a"]);
                refused(&["EVAL", "return 1", "0"]);
                refused(&["SCAN", "0"]);
            }
            Role::Reader => {
                refused(&["SET", "ff:a", "x"]);
                refused(&["MGET", "hoist:{ff}"]);
                refused(&["PUBLISH", "hoist:{ff}:changes", "x"]);
            }
        }
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
    make_user(&server, Role::Sync, None);
    run(0, &["apply", "-q"]);
    make_user(&server, Role::Operator, None);
    run(0, &["rollout", "advance", "checkout"]);
    run(0, &["kill", "checkout", "--reason", "errors"]);
    run(0, &["restore", "checkout", "--reason", "mended"]);
    let refused = run(2, &["apply", "-q"]);
    insta::assert_snapshot!("too_few_rights", refused.shown().replace(&server.port.to_string(), "PORT"));
    // What the message says is enough.
    let line = refused.stderr.split('`').find(|part| part.starts_with("ACL ")).expect("a line");
    server.run::<()>(&line.split(' ').collect::<Vec<_>>());
    run(0, &["apply", "-q"]);
    make_user(&server, Role::Reader, None);
    run(2, &["plan", "-q"]);
    run(2, &["kill", "checkout", "--reason", "errors"]);
}
