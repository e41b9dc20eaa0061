//! Whom to trust, and who we are: certificates from PEM files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::store::{Error, Options};

const BOTH: &str = "a client certificate needs its key, and a key its certificate";

/// PEM files for TLS. Paths are relative to [`Options::base`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Authorities to trust, instead of those that the system trusts.
    pub ca: Option<PathBuf>,
    /// Our own certificate, followed by those between it and its authority.
    pub cert: Option<PathBuf>,
    /// The key of `cert`, without a password.
    pub key: Option<PathBuf>,
}

impl TlsFiles {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These files, and those of `others` where there are none here. A certificate and its key stay
    /// together.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        let (cert, key) = if self.cert.is_some() || self.key.is_some() {
            (self.cert, self.key)
        } else {
            (others.cert, others.key)
        };
        Self {
            ca: self.ca.or(others.ca),
            cert,
            key,
        }
    }
}

/// Reads the files.
pub(super) fn config(files: &TlsFiles, options: &Options) -> Result<Arc<ClientConfig>, Error> {
    let identity = match (&files.cert, &files.key) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            let (cert, key) = (options.base.join(cert), options.base.join(key));
            Some((certificates(&cert)?, private_key(&key)?, cert, key))
        }
        (Some(alone), None) | (None, Some(alone)) => return Err(unusable(alone, BOTH)),
    };
    let roots = match &files.ca {
        Some(file) => authorities(&options.base.join(file))?,
        None => system_authorities()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::NoAuthorities {
            reason: error.to_string(),
        })?
        .with_root_certificates(roots);
    let config =
        match identity {
            None => builder.with_no_client_auth(),
            Some((chain, secret, cert, key)) => builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => {
                        unusable(&key, format!("it is not the key of `{}`", cert.display()))
                    }
                    other => unusable(&cert, other.to_string()),
                })?,
        };
    Ok(Arc::new(config))
}

fn unusable(file: &Path, reason: impl Into<String>) -> Error {
    Error::Certificate {
        file: file.display().to_string(),
        reason: reason.into(),
    }
}

fn system_authorities() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let first = found.errors.first().map(ToString::to_string);
        return Err(Error::NoAuthorities {
            reason: first.unwrap_or_else(|| "there are none".to_owned()),
        });
    }
    Ok(roots)
}

fn authorities(file: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| unusable(file, error.to_string()))?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| unusable(file, not_pem(&error)))?;
    if all.is_empty() {
        return Err(unusable(file, "there is no certificate in it"));
    }
    Ok(all)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let text = read(file)?;
    let is_encrypted = [&b"ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|mark| text.windows(mark.len()).any(|window| window == *mark));
    if is_encrypted {
        return Err(unusable(file, "the key is protected by a password"));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => unusable(file, "there is no private key in it"),
        other => unusable(file, not_pem(&other)),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file).map_err(|error| unusable(file, error.to_string()))
}

fn not_pem(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a PEM section in it has no end".to_owned(),
        pem::Error::Base64Decode(_) => "a PEM section in it is not base64".to_owned(),
        other => format!("it is not PEM: {other:?}"),
    }
}

/// What an error of TLS means: what is wrong, and what to do about it. `host` is who should have
/// answered.
pub(super) fn in_words(error: &rustls::Error, host: &str) -> (String, &'static str) {
    use rustls::CertificateError as Certificate;
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(Certificate::UnknownIssuer) => (
            "its certificate is signed by an authority that is not trusted here".to_owned(),
            TRUST,
        ),
        Tls::InvalidCertificate(Certificate::NotValidForNameContext { presented, .. }) => (
            format!(
                "its certificate is for {}, not for `{host}`",
                listed(presented)
            ),
            NAMES,
        ),
        Tls::InvalidCertificate(Certificate::NotValidForName) => {
            (format!("its certificate is not for `{host}`"), NAMES)
        }
        Tls::InvalidCertificate(Certificate::Other(other))
            if format!("{other:?}").contains("CaUsedAsEndEntity") =>
        {
            let reason = "its certificate is one of an authority, which cannot stand for a server";
            (reason.to_owned(), ISSUE)
        }
        Tls::InvalidCertificate(_) => (error.to_string(), RENEW),
        Tls::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
            ("it wants a client certificate".to_owned(), IDENTIFY)
        }
        Tls::AlertReceived(alert) => (format!("it refuses: {alert:?}"), IDENTIFY),
        Tls::InvalidMessage(_) => ("what it says is not TLS".to_owned(), SPEAKS),
        other => (other.to_string(), SPEAKS),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no name at all".to_owned();
    }
    // As in `DnsName("example.com")` and `IpAddress(127.0.0.1)`.
    let bare = |name: &String| {
        let inner = name.split_once('(').map(|(_, inner)| inner);
        inner.map_or(name.clone(), |inner| {
            let inner = inner.trim_end_matches(')').trim_matches('"');
            format!("`{inner}`")
        })
    };
    names.iter().map(bare).collect::<Vec<_>>().join(", ")
}

pub(super) const SPEAKS: &str = "does the server speak TLS on this port? Without TLS it is redis:// instead of rediss:// \
     (and redis+sentinel://, redis+cluster://)";

const TRUST: &str = "if it is yours, name the authority's PEM file: `--ca-file FILE`, `ca_file` of the environment in \
     hoist.toml, or HOIST_CA_FILE";

const NAMES: &str = "connect by a name that is in the certificate, or have one issued for this one; nodes of a cluster \
     announce names with cluster-announce-hostname and cluster-preferred-endpoint-type, sentinels with \
     sentinel announce-hostnames";

const ISSUE: &str = "have a certificate issued for the server, signed by that one, and name that one with `--ca-file`";

const RENEW: &str = "look at the server's certificate, and at the clock of this machine";

const IDENTIFY: &str = "name a client certificate that the server accepts, and its key: `--cert FILE --key FILE`, `cert_file` \
     and `key_file` of the environment in hoist.toml, or HOIST_CERT_FILE and HOIST_KEY_FILE";

#[cfg(test)]
mod tests {
    use super::*;

    fn options(base: &Path) -> Options {
        Options {
            base: base.to_owned(),
            ..Options::default()
        }
    }

    #[test]
    fn files_that_are_of_no_use_say_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let pem = |kind: &str, body: &str| {
            format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n")
        };
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        for (name, text) in [
            ("empty", String::new()),
            ("cert", pem("CERTIFICATE", "AAAA")),
            ("base64", pem("CERTIFICATE", "?")),
            ("open", "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned()),
            ("locked", pem("ENCRYPTED PRIVATE KEY", "AAAA")),
            (
                "old-locked",
                pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nAAAA"),
            ),
        ] {
            write(name, &text).expect("a file");
        }
        let files = |ca: Option<&str>, cert: Option<&str>, key: Option<&str>| {
            let [ca, cert, key] = [ca, cert, key].map(|file| file.map(PathBuf::from));
            TlsFiles { ca, cert, key }
        };
        for (files, reason) in [
            (files(Some("missing"), None, None), "No such file"),
            (
                files(Some("empty"), None, None),
                "there is no certificate in it",
            ),
            (files(Some("base64"), None, None), "not base64"),
            (files(Some("open"), None, None), "has no end"),
            (files(Some("cert"), None, None), "invalid peer certificate"),
            (files(None, Some("cert"), None), BOTH),
            (files(None, None, Some("empty")), BOTH),
            (
                files(None, Some("cert"), Some("empty")),
                "no private key in it",
            ),
            (
                files(None, Some("cert"), Some("locked")),
                "protected by a password",
            ),
            (
                files(None, Some("cert"), Some("old-locked")),
                "protected by a password",
            ),
        ] {
            let error = config(&files, &options(folder.path())).expect_err(reason);
            let advised = error.hint().is_some();
            assert!(
                matches!(error, Error::Certificate { .. }) && advised,
                "{error:?}"
            );
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn names_in_a_certificate_are_listed_plainly() {
        let names = ["DnsName(\"a.example\")", "IpAddress(127.0.0.1)"].map(str::to_owned);
        assert_eq!(listed(&names), "`a.example`, `127.0.0.1`");
        assert_eq!(listed(&[]), "no name at all");
    }

    #[test]
    fn a_certificate_and_its_key_stay_together() {
        let file = |name: &str| Some(PathBuf::from(name));
        let ours = TlsFiles {
            cert: file("ours"),
            ..TlsFiles::default()
        };
        let theirs = TlsFiles {
            ca: file("ca"),
            cert: file("theirs"),
            key: file("key"),
        };
        let both = ours.or(theirs.clone());
        assert_eq!(
            (both.ca, both.cert, both.key),
            (file("ca"), file("ours"), None)
        );
        assert_eq!(TlsFiles::default().or(theirs.clone()), theirs);
    }
}
