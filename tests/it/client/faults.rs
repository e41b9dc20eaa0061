//! Stores that are away, and stores that say no.

use std::time::{Duration, SystemTime};

use hoist::client::{Client, Context, ErrorCode, State};

use super::{flip, listening, ready, soon, store};
use crate::support::cluster::wait_until;
use crate::support::commits::create;
use crate::support::proxy::parrot;
use crate::support::redis::{RedisServer, free_port};

#[test]
fn a_store_that_is_killed_and_returns() {
    let mut server = RedisServer::start();
    let url = server.unix_url();
    flip(&mut *store(&url, "ff"), &[("a", true)]);
    let client = ready(listening(&url, "ff"));
    let ana = Context::user("ana");
    server.stop();
    wait_until("it is noticed", || client.state() != State::Ready);
    let State::Stale { since, error } = client.state() else {
        panic!("{:?}", client.state());
    };
    assert!(since <= SystemTime::now() && !error.is_empty());
    let details = client.boolean_details("a", false, &ana);
    assert!(details.value && details.error.is_none(), "{details:?}");
    server.start_again();
    wait_until("it is back", || client.state() == State::Ready);
    flip(&mut *store(&url, "ff"), &[("a", false)]);
    soon(&client, "a", false);
}

#[test]
fn a_store_that_is_emptied() {
    let server = RedisServer::start();
    let url = server.unix_url();
    for number in 0..5 {
        flip(&mut *store(&url, "ff"), &[("a", number % 2 == 0)]);
    }
    let client = ready(listening(&url, "ff"));
    flip(&mut *store(&url, "ff"), &[("a", false), ("b", true)]);
    soon(&client, "b", true);
    // Its generations begin anew, below those that the client has seen.
    let () = server.run(&["flushall"]);
    flip(&mut *store(&url, "ff"), &[("a", true)]);
    soon(&client, "a", true);
    assert!(!client.is_enabled("b", &Context::user("ana")));
}

#[test]
fn a_store_that_comes_up_late() {
    let mut server = RedisServer::start();
    flip(&mut *store(&server.unix_url(), "ff"), &[("a", true)]);
    server.stop();
    let client = listening(&server.tcp_url(), "ff")
        .connect()
        .expect("a fine URL");
    let ana = Context::user("ana");
    wait_until("it has tried", || {
        matches!(client.state(), State::NotReady { error: Some(_) })
    });
    let details = client.boolean_details("a", false, &ana);
    assert_eq!(details.error, Some(ErrorCode::ProviderNotReady));
    let late = client
        .wait_ready(Duration::from_millis(1))
        .expect_err("late");
    assert!(late.to_string().contains("cannot connect"), "{late}");
    server.start_again();
    soon(&client, "a", true);
}

#[test]
fn connections_that_are_cut_again_and_again() {
    let server = RedisServer::start();
    let url = server.unix_url();
    let mut writer = store(&url, "ff");
    flip(&mut *writer, &[("a", false)]);
    let client = ready(listening(&url, "ff"));
    for n in 0..20 {
        for kind in ["pubsub", "normal"] {
            server.run::<()>(&["CLIENT", "KILL", "TYPE", kind]);
        }
        let on = n % 2 == 0;
        flip(&mut *writer, &[("a", on)]);
        soon(&client, "a", on);
    }
}

#[test]
fn passwords_are_not_told() {
    let server = RedisServer::with(&["requirepass hunter2"]);
    let url = server.tcp_url().replace("hunter2", "hunter3");
    let client = Client::connect(&url).expect("a fine URL");
    wait_until("it has tried", || {
        matches!(client.state(), State::NotReady { error: Some(_) })
    });
    let said = format!("{:?}", client.state());
    assert!(
        said.contains("does not accept") && !said.contains("hunter"),
        "{said}"
    );
    assert!(Client::connect("redsi://hunter2@localhost").is_err());
}

#[test]
fn somebody_who_may_not_listen_looks() {
    let server = RedisServer::start();
    let rules = "ACL SETUSER app on nopass ~ff:* ~hoist:{ff}* resetchannels +@read +time +hello +ping +select";
    server.run::<()>(&rules.split(' ').collect::<Vec<_>>());
    flip(&mut *store(&server.unix_url(), "ff"), &[("a", false)]);
    let url = format!("redis://app:x@127.0.0.1:{}", server.port);
    let client = ready(Client::builder(url).check_every(Duration::from_millis(20)));
    flip(&mut *store(&server.unix_url(), "ff"), &[("a", true)]);
    soon(&client, "a", true);
    assert_eq!(client.state(), State::Ready);
}

#[test]
fn users_in_other_buckets_are_refused() {
    let server = RedisServer::start();
    let url = server.unix_url();
    crate::support::commits::apply(&mut *store(&url, "ff"), vec![create("a", "{}")]);
    let client = listening(&url, "ff").connect().expect("a fine URL");
    wait_until("it is noticed", || match client.state() {
        State::NotReady { error: Some(error) } => error.contains("buckets by `formula`"),
        _ => false,
    });
    assert!(!client.flags().is_ready());
}

#[test]
fn nobody_waits_for_a_store_that_is_silent() {
    for port in [
        parrot(None),
        parrot(Some("HTTP/1.1 400\r\n\r\n")),
        free_port(),
    ] {
        let client = Client::builder(format!("redis://127.0.0.1:{port}"))
            .timeout(Duration::from_millis(50))
            .connect()
            .expect("a fine URL");
        wait_until("it has tried", || {
            matches!(client.state(), State::NotReady { error: Some(_) })
        });
        assert!(client.boolean("a", true, &Context::nobody()));
    }
}
