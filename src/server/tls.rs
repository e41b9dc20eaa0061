//! The server's certificate.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate and its key, from PEM files.
pub struct Identity {
    cert: PathBuf,
    key: PathBuf,
    loaded: ArcSwap<Loaded>,
}

struct Loaded {
    acceptor: TlsAcceptor,
    modified: [Option<SystemTime>; 2],
}

/// Why files are of no use for TLS.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be used for TLS: {reason}", .file.display())]
pub struct IdentityError {
    pub file: PathBuf,
    pub reason: String,
}

impl Identity {
    /// Reads the certificate, followed in its file by those between it and its authority, and its key,
    /// without a password.
    ///
    /// # Errors
    /// Where a file cannot be read or used, or the key is not that of the certificate.
    pub fn read(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, IdentityError> {
        let (cert, key) = (cert.into(), key.into());
        let loaded = load(&cert, &key)?;
        Ok(Self {
            cert,
            key,
            loaded: ArcSwap::from_pointee(loaded),
        })
    }

    /// Reads the files anew if they have changed, or if `force`d: the certificate, where it was.
    pub(super) fn reload(&self, force: bool) -> Result<Option<PathBuf>, String> {
        let modified = modified(&self.cert, &self.key);
        if !force && (modified.contains(&None) || modified == self.loaded.load().modified) {
            return Ok(None);
        }
        let loaded = load(&self.cert, &self.key).map_err(|error| error.to_string())?;
        self.loaded.store(Arc::new(loaded));
        Ok(Some(self.cert.clone()))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.loaded.load().acceptor.clone()
    }
}

fn modified(cert: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [cert, key].map(|file| fs::metadata(file).and_then(|found| found.modified()).ok())
}

fn load(cert: &Path, key: &Path) -> Result<Loaded, IdentityError> {
    let refuse = |file: &Path, reason: String| IdentityError {
        file: file.to_owned(),
        reason,
    };
    let read = |file: &Path| fs::read(file).map_err(|error| refuse(file, error.to_string()));
    let modified = modified(cert, key);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(cert)?).collect();
    let chain = chain.map_err(|error| refuse(cert, format!("it is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(refuse(cert, "there is no certificate in it".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| {
        let reason = "there is no private key in it, or only one that is protected by a password";
        refuse(key, reason.to_owned())
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(cert, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                refuse(key, format!("it is not the key of `{}`", cert.display()))
            }
            other => refuse(cert, other.to_string()),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        modified,
    })
}
