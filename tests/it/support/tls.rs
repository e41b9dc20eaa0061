//! Certificates, made anew for each test, and servers that use them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::redis::{FREE_PORT, RedisServer};

/// A folder of certificates and keys, all made by the authority `ca.pem` unless they say otherwise:
///
/// - `server.pem` for localhost and 127.0.0.1, `elsewhere.pem` for another host;
/// - `client.pem` for clients, with `client.key` and, behind a password, `locked.key`;
/// - `other-ca.pem`, an authority that nobody trusts, and `stranger.pem` for clients by it.
pub struct Certificates(TempDir);

impl Certificates {
    pub fn new() -> Self {
        let certificates = Self(tempfile::tempdir().expect("a folder"));
        certificates.authority("ca");
        certificates.authority("other-ca");
        certificates.issue("ca", "server", "DNS:localhost,IP:127.0.0.1");
        certificates.issue("ca", "elsewhere", "DNS:elsewhere.example");
        certificates.issue("ca", "client", "DNS:client");
        certificates.issue("other-ca", "stranger", "DNS:stranger");
        certificates.openssl(
            "pkcs8 -topk8 -in client.key -out locked.key -passout pass:sesame -v2 aes-256-cbc",
        );
        certificates
    }

    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN={name} \
             -keyout {name}.key -out {name}.pem"
        ));
    }

    fn issue(&self, authority: &str, name: &str, names: &str) {
        let extensions = format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n");
        std::fs::write(self.path("extensions"), extensions).expect("a file");
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key \
             -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 30 \
             -extfile extensions -out {name}.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap_or_else(|error| {
                panic!("these tests need `openssl` in the PATH (apt install openssl): {error}")
            });
        assert!(output.status.success(), "openssl {arguments}: {output:?}");
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Lines of configuration for a server with this certificate. It asks clients for one, or not.
    pub fn lines(&self, certificate: &str, asks_clients: bool) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        vec![
            format!("tls-port {FREE_PORT}"),
            format!("tls-cert-file {}", path(&format!("{certificate}.pem"))),
            format!("tls-key-file {}", path(&format!("{certificate}.key"))),
            format!("tls-ca-cert-file {}", path("ca.pem")),
            format!(
                "tls-auth-clients {}",
                if asks_clients { "yes" } else { "no" }
            ),
        ]
    }

    /// A server with this certificate, and further lines of configuration.
    pub fn serve(&self, certificate: &str, asks_clients: bool, further: &[&str]) -> RedisServer {
        let lines = self.lines(certificate, asks_clients);
        let lines: Vec<&str> = lines
            .iter()
            .map(String::as_str)
            .chain(further.iter().copied())
            .collect();
        RedisServer::with(&lines)
    }
}

/// The port at which a server speaks TLS.
pub fn tls_port(server: &RedisServer) -> u16 {
    server.configured("tls-port ").parse().expect("a port")
}
