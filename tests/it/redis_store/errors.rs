//! What a server refuses, and what stands where no server is.

use std::time::Duration;

use hoist::store::{Error, Options, open};

use super::{refused, small_and_large, store};
use crate::support::commits::{apply, commit, create};
use crate::support::proxy::parrot;
use crate::support::redis::{RedisServer, free_port};

/// The error of a first read.
fn read_error(url: &str) -> Error {
    let options = Options {
        timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let mut store = match open(url, "ff", &options) {
        Ok(store) => store,
        Err(error) => return error,
    };
    store.read().expect_err("nothing to read there")
}

macro_rules! assert_error {
    ($error:expr, $pattern:pat) => {
        let error: Error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
        let advised = error.hint().is_some() || matches!(error, Error::Refused { .. });
        assert!(advised, "no hint for {error:?}");
    };
}

#[test]
fn a_server_out_of_memory_writes_nothing() {
    let server = RedisServer::with(&["maxmemory-policy noeviction"]);
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let mut store = store(&server.unix_url());
    for writes in small_and_large() {
        assert_error!(
            refused(&server, &mut *store, writes),
            Error::OutOfMemory { .. }
        );
    }
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    apply(&mut *store, vec![create("a", "1")]);
}

#[test]
fn a_replica_is_read_and_not_written() {
    let primary = RedisServer::with(&["repl-diskless-sync-delay 0"]);
    let replica = RedisServer::start();
    replica.run::<()>(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]);
    // Ready once it has something from the primary.
    primary.run::<()>(&["SET", "other", "1"]);
    while replica.run::<usize>(&["DBSIZE"]) == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    primary.run::<()>(&["DEL", "other"]);
    while replica.run::<usize>(&["DBSIZE"]) > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut store = store(&replica.unix_url());
    for writes in small_and_large() {
        assert_error!(
            refused(&replica, &mut *store, writes),
            Error::ReadOnly { .. }
        );
    }
}

#[test]
fn a_server_that_cannot_save_writes_nothing() {
    let server = RedisServer::with(&["save 3600 1000000"]);
    let folder: Vec<String> = server.run(&["CONFIG", "GET", "dir"]);
    // A folder where its dump should be.
    std::fs::create_dir_all(format!("{}/dump.rdb/x", folder[1])).expect("a folder");
    server.run::<()>(&["BGSAVE"]);
    let failed = || {
        let info: String = server.run(&["INFO", "persistence"]);
        info.contains("rdb_last_bgsave_status:err")
    };
    while !failed() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut store = store(&server.unix_url());
    for writes in small_and_large() {
        assert_error!(
            refused(&server, &mut *store, writes),
            Error::CannotPersist { .. }
        );
    }
}

#[test]
fn rights_that_are_missing_are_named() {
    let server = RedisServer::start();
    let url = format!("redis://ada:pw@127.0.0.1:{}", server.port);
    let user = [
        "ACL", "SETUSER", "ada", "reset", "on", ">pw", "~*", "&*", "+@all",
    ];
    for lacking in [
        "-mset",
        "-hset",
        "-xadd",
        "-publish",
        "resetchannels",
        "-multi",
    ] {
        server.run::<()>(&[&user[..], &[lacking]].concat());
        let mut store = store(&url);
        for writes in small_and_large() {
            let error = refused(&server, &mut *store, writes);
            assert_error!(error, Error::NoPermission { .. });
        }
    }
    for lacking in ["-unlink", "-hdel", "-eval"] {
        server.run::<()>(&[&user[..], &[lacking]].concat());
        let [_, large] = small_and_large();
        let error = refused(&server, &mut *store(&url), large);
        assert_error!(error, Error::NoPermission { .. });
    }
    for lacking in ["-scan", "-time", "-hgetall"] {
        server.run::<()>(&[&user[..], &[lacking]].concat());
        assert_error!(read_error(&url), Error::NoPermission { .. });
    }
    server.run::<()>(&[
        "ACL", "SETUSER", "ada", "reset", "on", ">pw", "~ff:*", "+@all",
    ]);
    assert_error!(read_error(&url), Error::NoPermission { .. });
}

#[test]
fn damaged_bookkeeping_is_refused() {
    for key in [
        "hoist:{ff}",
        "hoist:{ff}:specs",
        "hoist:{ff}:removed",
        "hoist:{ff}:stops",
        "hoist:{ff}:history",
    ] {
        let server = RedisServer::start();
        let mut store = store(&server.unix_url());
        let on = store.read().expect("a read");
        server.run::<()>(&["SET", key, "1"]);
        if key.ends_with("history") {
            assert_error!(store.history(1).expect_err(key), Error::Bookkeeping { .. });
        } else {
            assert_error!(store.read().expect_err(key), Error::Bookkeeping { .. });
            let named = store.read_flags(&["a"]);
            assert_error!(named.expect_err(key), Error::Bookkeeping { .. });
        }
        for writes in small_and_large() {
            let error = store.commit(&commit(&on, writes)).expect_err(key);
            assert!(error.to_string().contains(key), "{error}");
            assert_error!(error, Error::Bookkeeping { .. });
            assert_eq!(server.run::<Vec<String>>(&["KEYS", "*"]), [key]);
        }
    }
}

#[test]
fn a_generation_that_is_no_number_is_refused() {
    let server = RedisServer::start();
    let mut store = store(&server.unix_url());
    apply(&mut *store, vec![create("a", "1")]);
    let on = store.read().expect("a read");
    for damage in ["seven", "-1", ""] {
        server.run::<()>(&["HSET", "hoist:{ff}", "generation", damage]);
        assert_error!(store.read().expect_err(damage), Error::Bookkeeping { .. });
        let next = commit(&on, vec![create("b", "1")]);
        assert_error!(
            store.commit(&next).expect_err(damage),
            Error::Bookkeeping { .. }
        );
    }
    server.run::<()>(&["HDEL", "hoist:{ff}", "generation"]);
    assert_error!(store.read().expect_err("none"), Error::Bookkeeping { .. });
}

#[test]
fn prefixes_that_differ_by_braces_only_are_refused() {
    let server = RedisServer::start();
    let mut plain = store(&server.unix_url());
    let mut tagged = open(&server.unix_url(), "{ff}", &Options::default()).expect("a fine prefix");
    let on = tagged.read().expect("a read");
    apply(&mut *plain, vec![create("a", "1")]);
    assert_error!(tagged.read().expect_err("taken"), Error::PrefixTaken { .. });
    for writes in small_and_large() {
        let next = commit(&on, writes);
        assert_error!(
            tagged.commit(&next).expect_err("taken"),
            Error::PrefixTaken { .. }
        );
    }
}

#[test]
fn a_login_that_fails_says_so() {
    let server = RedisServer::with(&["requirepass sesame"]);
    let (port, socket) = (server.port, server.socket());
    let socket = socket.display();
    for url in [
        format!("redis://127.0.0.1:{port}"),
        format!("redis://:wrong@127.0.0.1:{port}"),
        format!("redis://nobody:sesame@127.0.0.1:{port}"),
        format!("redis://:wrong@127.0.0.1:{port}/3"),
        format!("redis+unix://{socket}?pass=wrong"),
    ] {
        assert_error!(read_error(&url), Error::Login { .. });
    }
    let open_server = RedisServer::start();
    let url = format!("redis://:sesame@127.0.0.1:{}", open_server.port);
    assert_error!(read_error(&url), Error::Login { .. });
}

#[test]
fn a_database_that_does_not_exist_is_named() {
    let server = RedisServer::start();
    let url = format!("{}/99", server.tcp_url());
    assert_error!(read_error(&url), Error::NoDatabase { .. });
    let url = format!("{}?db=99", server.unix_url());
    assert_error!(read_error(&url), Error::NoDatabase { .. });
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    for url in [
        format!("redis://127.0.0.1:{}", free_port()),
        format!("rediss://127.0.0.1:{}", free_port()),
        "redis://no-such-host.invalid".to_owned(),
        "redis+unix:///no/such/socket".to_owned(),
        format!("redis://127.0.0.1:{}", parrot(Some(""))),
    ] {
        let error = read_error(&url);
        assert!(error.to_string().contains(&url), "{error}");
        assert_error!(error, Error::Unreachable { .. });
    }
    let silent = format!("redis://127.0.0.1:{}", parrot(None));
    assert_error!(read_error(&silent), Error::Timeout { .. });
}

#[test]
fn no_tls_is_an_error_of_tls() {
    let server = RedisServer::start();
    let url = format!("rediss://127.0.0.1:{}", server.port);
    assert_error!(read_error(&url), Error::Tls { .. });
}

#[test]
fn other_answers_are_told_apart() {
    let url = |answer| format!("redis://127.0.0.1:{}", parrot(Some(answer)));
    let http = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    assert_error!(read_error(&url(http)), Error::NotRedis { .. });
    let smtp = "220 mail ESMTP\r\n";
    assert_error!(read_error(&url(smtp)), Error::NotRedis { .. });
    // One refusal for the connection's name, and one for each command of a read.
    macro_rules! always {
        ($line:literal) => {
            url(concat!(
                $line, "\r\n", $line, "\r\n", $line, "\r\n", $line, "\r\n", $line, "\r\n", $line,
                "\r\n", $line, "\r\n"
            ))
        };
    }
    assert_error!(
        read_error(&always!("-LOADING Redis is loading")),
        Error::Loading { .. }
    );
    assert_error!(
        read_error(&always!("-MOVED 1 10.0.0.1:6379")),
        Error::Cluster { .. }
    );
    assert_error!(
        read_error(&always!("-CLUSTERDOWN down")),
        Error::Cluster { .. }
    );
    assert_error!(
        read_error(&always!("-ERR unknown command 'SCAN'")),
        Error::TooOld { .. }
    );
    assert_error!(
        read_error(&url("-DENIED Redis is running in protected mode\r\n")),
        Error::Refused { .. }
    );
    assert_error!(
        read_error(&always!("-ERR something else")),
        Error::Refused { .. }
    );
    assert_error!(read_error(&always!("+OK")), Error::NotRedis { .. });
}

#[test]
fn no_error_ever_shows_a_password() {
    let server = RedisServer::with(&["requirepass sesame"]);
    let (port, socket, closed) = (server.port, server.socket(), free_port());
    let socket = socket.display();
    let echo = parrot(Some(
        "-ERR unknown command 'AUTH', with args beginning with: 's3cr@t'\r\n",
    ));
    let not_redis = parrot(Some("s3cr@t s3cr%40t\r\n"));
    for url in [
        format!("redis://:s3cr%40t@127.0.0.1:{port}"),
        format!("redis://ada:s3cr%40t@127.0.0.1:{port}/2"),
        format!("redis://127.0.0.1:{port}/?pass=s3cr%40t"),
        format!("redis+unix://{socket}?user=ada&pass=s3cr%40t&db=1"),
        format!("redis+unix://{socket}?pass=s3cr%40t"),
        format!("redis://:s3cr%40t@127.0.0.1:{closed}"),
        format!("rediss://ada:s3cr%40t@127.0.0.1:{closed}"),
        format!("rediss://ada:s3cr%40t@127.0.0.1:{port}"),
        "redis://ada:s3cr%40t@no-such-host.invalid:6379/1".to_owned(),
        "redis+unix:///no/such/socket?pass=s3cr%40t".to_owned(),
        format!("redis://:s3cr%40t@127.0.0.1:{echo}"),
        format!("redis://:s3cr%40t@127.0.0.1:{not_redis}"),
        "redis://ada:s3cr@t@host:6379".to_owned(),
        "redis://ada:s3cr%40t@host/0#s3cr@t".to_owned(),
        "redis+sentinel://:s3cr%40t@host".to_owned(),
        format!(
            "redis+sentinel://:s3cr%40t@127.0.0.1:{closed},127.0.0.1:1/m?sentinel_pass=s3cr%40t"
        ),
        format!("rediss+cluster://ada:s3cr%40t@127.0.0.1:{closed},127.0.0.1:{port}"),
        format!("redis+cluster://:s3cr%40t@127.0.0.1:{echo},127.0.0.1:{not_redis}"),
        "redis+cluster://:s3cr%40t@h1,ada:s3cr@t@h2".to_owned(),
        "rdis://:s3cr%40t@host".to_owned(),
        "s3cr@t".to_owned(),
    ] {
        let error = read_error(&url);
        let texts = format!("{error} {error:?} {:?}", error.hint());
        for secret in ["s3cr%40t", "s3cr@t", "s3cr"] {
            assert!(!texts.contains(secret), "{url}: {texts}");
        }
    }
}

#[test]
fn an_unknown_kind_of_store_is_told_what_there_is() {
    for (url, similar) in [
        ("rdis://h", Some("redis")),
        ("redis+unx:///s", Some("redis+unix")),
        ("SQLite:x.db", None),
        ("sqlit:x.db", Some("sqlite")),
        ("http://h", None),
    ] {
        let Err(Error::UnknownScheme { similar: found, .. }) =
            open(url, "ff", &Options::default()).map(drop)
        else {
            panic!("{url} was opened");
        };
        assert_eq!(found, similar, "{url}");
    }
}
