//! Servers that stand together, and failovers among them.

use hoist::client::State;
use hoist::store::TlsFiles;

use super::{flip, listening, ready, soon, store};
use crate::support::cluster::{Cluster, wait_until};
use crate::support::sentinel::Watched;
use crate::support::tls::{Certificates, tls_port};

#[test]
fn a_cluster() {
    let url = Cluster::shared().url(&[2, 1, 0]);
    let mut writer = store(&url, "{client}");
    flip(&mut *writer, &[("a", false)]);
    let client = ready(listening(&url, "{client}"));
    flip(&mut *writer, &[("a", true)]);
    soon(&client, "a", true);
}

#[test]
fn a_primary_behind_sentinels_that_dies() {
    let mut watched = Watched::start(1, 3);
    let url = watched.url();
    let mut writer = store(&url, "ff");
    flip(&mut *writer, &[("a", false)]);
    let client = ready(listening(&url, "ff"));
    flip(&mut *writer, &[("a", true)]);
    soon(&client, "a", true);
    watched.servers[0].kill();
    wait_until("it is noticed", || client.state() != State::Ready);
    soon(&client, "a", true);
    wait_until("the replica has taken over", || {
        client.state() == State::Ready
    });
    flip(&mut *store(&url, "ff"), &[("a", false)]);
    soon(&client, "a", false);
}

#[test]
fn a_server_behind_tls() {
    let certificates = Certificates::new();
    let server = certificates.serve("server", true, &[]);
    flip(&mut *store(&server.unix_url(), "ff"), &[("a", false)]);
    let url = format!("rediss://localhost:{}", tls_port(&server));
    let client = ready(listening(&url, "ff").tls(TlsFiles {
        ca: Some(certificates.path("ca.pem")),
        cert: Some(certificates.path("client.pem")),
        key: Some(certificates.path("client.key")),
    }));
    flip(&mut *store(&server.unix_url(), "ff"), &[("a", true)]);
    soon(&client, "a", true);
}
