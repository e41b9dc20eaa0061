//! Servers behind TLS, and whom to trust there.

use std::path::PathBuf;

use hoist::store::{Error, Options, TlsFiles, open};

use super::{FLAGS, assert_whole, count, within, words};
use crate::support::cluster::{Cluster, Plan, wait_until};
use crate::support::program::Project;
use crate::support::redis::RedisServer;
use crate::support::tls::{Certificates, tls_port};

fn url(host: &str, server: &RedisServer) -> String {
    format!("rediss://{host}:{}", tls_port(server))
}

/// Trusts the authority `ca.pem` and shows the certificate `client`, if any, with its key.
fn options(certificates: &Certificates, client: Option<(&str, &str)>) -> Options {
    let file = |name: &str| Some(PathBuf::from(name));
    Options {
        base: certificates.folder().to_owned(),
        tls: TlsFiles {
            ca: file("ca.pem"),
            cert: client.and_then(|(cert, _)| file(cert)),
            key: client.and_then(|(_, key)| file(key)),
        },
        ..within(5000)
    }
}

#[track_caller]
fn refused(url: &str, options: &Options, expected: &[&str]) {
    let mut store = open(url, "{ff}", options).expect("a fine URL");
    let error = store.read().expect_err("a refusal");
    let is_about_tls = matches!(error, Error::Tls { .. } | Error::Certificate { .. });
    assert!(is_about_tls, "{error:?}");
    let words = words(&error);
    for expected in expected {
        assert!(words.contains(expected), "no `{expected}` in: {words}");
    }
}

#[track_caller]
fn accepted(url: &str, options: &Options) {
    let mut store = open(url, "{ff}", options).expect("a fine URL");
    count(&mut *store).expect("a commit");
    let now = store.read().expect("a read").generation;
    assert_whole(&mut *store, now);
}

#[test]
fn only_the_right_name_by_a_trusted_authority_will_do() {
    let certificates = Certificates::new();
    let server = certificates.serve("server", false, &[]);
    let ours = options(&certificates, None);
    for host in ["localhost", "127.0.0.1"] {
        accepted(&url(host, &server), &ours);
    }
    let authority = |ca: &str| {
        let mut options = ours.clone();
        options.tls.ca = Some(ca.into());
        options
    };
    refused(
        &url("localhost", &server),
        &authority("other-ca.pem"),
        &["an authority that is not trusted here", "--ca-file"],
    );
    // An authority that signs for itself is no server, even if it is trusted.
    let itself = certificates.serve("ca", false, &[]);
    refused(
        &url("localhost", &itself),
        &ours,
        &["cannot stand for a server"],
    );
    let elsewhere = certificates.serve("elsewhere", false, &[]);
    refused(
        &url("localhost", &elsewhere),
        &ours,
        &[
            "for `elsewhere.example`, not for `localhost`",
            "connect by a name",
        ],
    );
    let silent = RedisServer::start();
    let plain = format!("rediss://localhost:{}", silent.port);
    let hasty = Options {
        timeout: within(300).timeout,
        connect_timeout: within(300).timeout,
        ..ours
    };
    refused(&plain, &hasty, &["speak TLS on this port"]);
}

#[test]
fn a_plain_url_to_a_port_with_tls_gets_a_hint() {
    let certificates = Certificates::new();
    let server = certificates.serve("server", false, &[]);
    let plain = url("localhost", &server).replace("rediss", "redis");
    let error = super::read_error(&plain);
    assert!(words(&error).contains("rediss://"), "{error:?}");
}

#[test]
fn clients_show_certificates() {
    let certificates = Certificates::new();
    let server = certificates.serve("server", true, &[]);
    let url = url("localhost", &server);
    let with = |cert, key| options(&certificates, Some((cert, key)));
    accepted(&url, &with("client.pem", "client.key"));
    let hint = "--cert FILE --key FILE";
    refused(
        &url,
        &options(&certificates, None),
        &["it wants a client certificate", hint],
    );
    refused(
        &url,
        &with("stranger.pem", "stranger.key"),
        &["it refuses: ", hint],
    );
    refused(
        &url,
        &with("client.pem", "stranger.key"),
        &["stranger.key", "it is not the key of"],
    );
    refused(
        &url,
        &with("client.pem", "locked.key"),
        &["locked.key", "protected by a password", "openssl pkey"],
    );
}

#[test]
fn a_cluster_behind_tls() {
    let certificates = Certificates::new();
    let lines = certificates.lines("server", true);
    let mut configuration: Vec<&str> = lines.iter().map(String::as_str).collect();
    configuration.extend(["tls-cluster yes", "tls-replication yes"]);
    let cluster = Cluster::start(Plan {
        primaries: 1,
        configuration: &configuration,
        ..Plan::default()
    });
    let options = options(&certificates, Some(("client.pem", "client.key")));
    let port = tls_port(&cluster.nodes[0]);
    accepted(&format!("rediss+cluster://localhost:{port}"), &options);
}

#[test]
fn sentinels_behind_tls() {
    let certificates = Certificates::new();
    let server = certificates.serve("server", true, &["tls-replication yes"]);
    let mut lines = certificates.lines("server", true);
    lines.push("tls-replication yes".to_owned());
    lines.push(format!(
        "sentinel monitor mymaster 127.0.0.1 {} 1",
        tls_port(&server)
    ));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let sentinel = RedisServer::sentinel(&lines);
    let url = format!(
        "rediss+sentinel://localhost:{}/mymaster",
        tls_port(&sentinel)
    );
    let ours = options(&certificates, Some(("client.pem", "client.key")));
    wait_until("the sentinel reaches the server", || {
        let state: Vec<String> = sentinel.run(&["SENTINEL", "MASTER", "mymaster"]);
        state.iter().any(|field| field == "master")
    });
    accepted(&url, &ours);
    refused(
        &url,
        &options(&certificates, None),
        &["it wants a client certificate"],
    );
}

#[test]
fn files_are_named_in_every_way() {
    let certificates = Certificates::new();
    let server = certificates.serve("server", true, &[]);
    let url = url("localhost", &server);
    let path = |name: &str| certificates.path(name).display().to_string();
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(path);
    let project = || Project::with_flags(FLAGS);

    let arguments = ["plan", "--store", &url];
    let named = ["--ca-file", &ca, "--cert", &cert, "--key", &key];
    project().expect(0, &[&arguments[..], &named].concat());

    let query = format!("{url}?ca_file={ca}&cert_file={cert}&key_file={key}");
    let run = project().expect(0, &["plan", "--store", &query]);
    assert!(run.stdout.contains(&format!("{url} ")), "{run:#?}");

    let from_environment = project()
        .env("HOIST_CA_FILE", &ca)
        .env("HOIST_CERT_FILE", &cert)
        .env("HOIST_KEY_FILE", &key);
    from_environment.expect(0, &arguments);

    let from_file = project().env("PKI", &path(""));
    from_file.write("pki/ca.pem", std::fs::read(&ca).expect("a file"));
    from_file.write(
        "hoist.toml",
        format!(
            "[environments.a]\nstore = '{url}'\nca_file = 'pki/ca.pem'\ncert_file = '${{PKI}}/client.pem'\n\
             key_file = '${{PKI}}/client.key'\n"
        ),
    );
    from_file.write("below/x", "");
    from_file.expect(0, &["plan"]);
    from_file.expect(0, &["plan", "-C", "below"]);

    let run = project().expect(2, &arguments);
    assert!(
        run.stderr.contains("not trusted here") || run.stderr.contains("no certificate authority"),
        "{run:#?}"
    );
}

#[test]
fn files_for_tls_without_tls_are_refused() {
    let server = RedisServer::start();
    let url = server.tcp_url();
    let project = Project::with_flags(FLAGS);
    let run = project.expect(2, &["plan", "--store", &url, "--ca-file", "ca.pem"]);
    assert!(run.stderr.contains("begins with rediss"), "{run:#?}");
    project.write(
        "hoist.toml",
        format!("[environments.a]\nstore = '{url}'\nca_file = 'ca.pem'\n"),
    );
    project.expect(2, &["plan"]);
    // What is set for other stores, or stands beside another, does not count.
    project.expect(0, &["plan", "--store", &url]);
    let elsewhere = Project::with_flags(FLAGS).env("HOIST_CA_FILE", "ca.pem");
    elsewhere.expect(0, &["plan", "--store", &url]);
    elsewhere.expect(0, &["plan"]);
}
