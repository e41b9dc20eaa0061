//! Who may ask.

use std::io::{BufReader, Write};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{EVALUATE, FLAGS, serve};
use crate::support::cluster::wait_until;
use crate::support::http::{Events, answer, ask, connect, request};
use crate::support::program::Project;
use crate::support::tls::Certificates;

const TOKEN: &str = "first-token-of-ours";
const ANA: &str = r#"{"context":{"targetingKey":"ana"}}"#;

#[test]
fn only_who_shows_a_token_is_answered() {
    let project = Project::with_flags(FLAGS);
    project.write("tokens", format!("# ours\n{TOKEN}\n"));
    let served = serve(&project, &["--files", "--tokens", "tokens"]);
    let open = format!("{EVALUATE}/open");
    let bearer = format!("Bearer {TOKEN}");
    for (method, path) in [
        ("POST", open.as_str()),
        ("POST", EVALUATE),
        ("GET", "/ofrep/v1/events"),
        ("GET", "/ofrep/v1/events?ticket=00"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
    ] {
        for headers in [&[][..], &[("authorization", "Bearer first-token-of-our")]] {
            let answer = ask(served.port, method, path, headers, ANA);
            assert_eq!(answer.status, 401, "{method} {path}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            assert!(!answer.body.contains("open"), "{answer:#?}");
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    for header in [("authorization", bearer.as_str()), ("x-api-key", TOKEN)] {
        assert_eq!(ask(served.port, "POST", &open, &[header], ANA).status, 200);
    }
    // A browser opens an event stream with what stands in the URL.
    let bulk = ask(
        served.port,
        "POST",
        EVALUATE,
        &[("authorization", &bearer)],
        ANA,
    );
    let stream = bulk.json()["eventStreams"][0]["endpoint"]["requestUri"].clone();
    let stream = stream.as_str().expect("a path").to_owned();
    assert!(stream.starts_with("/ofrep/v1/events?ticket=") && !stream.contains(TOKEN));
    Events::open(served.port, &stream, &[]);

    project.write("tokens", "second-token-of-ours\n");
    let asked = |token: &str| {
        let bearer = format!("Bearer {token}");
        ask(
            served.port,
            "POST",
            &open,
            &[("authorization", &bearer)],
            ANA,
        )
        .status
    };
    served.signal("HUP");
    wait_until("the new one counts", || {
        asked("second-token-of-ours") == 200
    });
    assert_eq!(asked(TOKEN), 401);
    assert_eq!(
        ask(served.port, "GET", &stream, &[], "").status,
        401,
        "its ticket is gone too"
    );
    project.write("tokens", "");
    served.signal("HUP");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(
        asked("second-token-of-ours"),
        200,
        "an empty file lets nobody in, and changes nothing"
    );
}

#[test]
fn scripts_of_named_sites_may_ask() {
    let project = Project::with_flags(FLAGS);
    let served = serve(
        &project,
        &["--files", "--cors-origin", "https://app.example"],
    );
    let allowed = "access-control-allow-origin";
    for (origin, known) in [
        ("https://app.example", true),
        ("https://evil.example", false),
    ] {
        let preflight = ask(
            served.port,
            "OPTIONS",
            EVALUATE,
            &[
                ("origin", origin),
                ("access-control-request-method", "POST"),
                (
                    "access-control-request-headers",
                    "content-type,if-none-match",
                ),
            ],
            "",
        );
        assert_eq!(preflight.status, 204);
        assert_eq!(
            preflight.headers.contains_key(allowed),
            known,
            "{preflight:#?}"
        );
        let answer = ask(served.port, "POST", EVALUATE, &[("origin", origin)], ANA);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("vary"), "origin");
        assert_eq!(answer.headers.contains_key(allowed), known, "{answer:#?}");
        if known {
            assert_eq!(answer.header(allowed), origin);
            assert!(
                answer
                    .header("access-control-expose-headers")
                    .contains("etag")
            );
            let sent = preflight.header("access-control-allow-headers");
            assert!(sent.contains("content-type") && sent.contains("if-none-match"));
            assert!(
                preflight
                    .header("access-control-allow-methods")
                    .contains("POST")
            );
        }
    }
    let plain = serve(&project, &["--files"]);
    let answer = ask(
        plain.port,
        "POST",
        EVALUATE,
        &[("origin", "https://app.example")],
        ANA,
    );
    assert!(!answer.headers.contains_key(allowed));
}

#[test]
fn behind_tls() {
    let certificates = Certificates::new();
    let project = Project::with_flags(FLAGS);
    let path = |name: &str| certificates.path(name).display().to_string();
    let (cert, key) = (path("server.pem"), path("server.key"));
    let served = serve(
        &project,
        &["--files", "--tls-cert", &cert, "--tls-key", &key],
    );
    assert!(served.said.contains("https://127.0.0.1:"));
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(certificates.path("ca.pem")).expect("PEM");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut stream = StreamOwned::new(session, connect(served.port));
    let text = request("POST", &format!("{EVALUATE}/open"), &[], ANA);
    stream.write_all(text.as_bytes()).expect("a request");
    let answer = answer(&mut BufReader::new(stream)).expect("an answer");
    assert_eq!(
        (answer.status, answer.json()["value"].clone()),
        (200, true.into())
    );
    // Without TLS nothing is answered, and nobody else is in the way.
    let mut plain = connect(served.port);
    plain.write_all(text.as_bytes()).expect("a request");
    let mut said = String::new();
    let _ = std::io::Read::read_to_string(&mut plain, &mut said);
    assert!(!said.contains("200"));
}
