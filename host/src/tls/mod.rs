//! TLS of the server: its certificate, and the settings that connections share.
//!
//! What TLS does to a client's bytes is the transport's.

mod certificate;

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::{Error, ServerConfig};

use certificate::Chain;

/// TLS, as [`Config::tls`](crate::Config::tls) asks for it: versions 1.2 and 1.3, HTTP/1.1 by ALPN, session tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// What the server proves itself with.
    pub certificate: Certificate,
    /// Whether requests without TLS get 400. Otherwise one port serves both: the first byte of a connection tells which it
    /// is.
    pub only: bool,
}

/// Where the server's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// Made when the server starts, with a key of its own, valid for a year from then.
    SelfSigned {
        /// Host names and addresses besides localhost, 127.0.0.1 and ::1.
        names: Vec<String>,
        /// Where the certificate is written to, in PEM, for the clients to trust it. The key is written nowhere.
        save: Option<PathBuf>,
    },
    /// Read when the server starts, and again at [`Handle::reload`](crate::Handle::reload).
    Files {
        /// The certificate, and those of its issuers after it, in PEM.
        chain: PathBuf,
        /// The key, in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
        key: PathBuf,
    },
}

impl Tls {
    /// With this certificate, beside plain requests.
    pub const fn new(certificate: Certificate) -> Self {
        Self { certificate, only: false }
    }
}

/// The settings that new connections take, with the certificate of now.
#[derive(Debug)]
pub(crate) struct Settings {
    certificate: Certificate,
    config: Arc<ServerConfig>,
    fingerprint: String,
}

impl Settings {
    /// Makes or reads the certificate. The error names the file and the cause in a line.
    pub(crate) fn load(tls: &Tls) -> io::Result<Self> {
        let certificate = tls.certificate.clone();
        let chain = Chain::load(&certificate)?;
        let fingerprint = chain.fingerprint();
        let config = Arc::new(server_config(chain).map_err(|error| unusable(&certificate, error))?);
        Ok(Self { certificate, config, fingerprint })
    }

    /// What a new connection takes.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// SHA-256 of the certificate, in hexadecimal.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads the files again, for the connections that come from now on: whether there are files. After an error all is
    /// as it was.
    pub(crate) fn reload(&mut self) -> io::Result<bool> {
        let Certificate::Files { .. } = self.certificate else { return Ok(false) };
        let chain = Chain::load(&self.certificate)?;
        let fingerprint = chain.fingerprint();
        let config = server_config(chain).map_err(|error| unusable(&self.certificate, error))?;
        (self.config, self.fingerprint) = (Arc::new(config), fingerprint);
        Ok(true)
    }
}

fn server_config(chain: Chain) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain.certificates, chain.key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A client that comes back needs no new key exchange, and the server keeps nothing for it.
    config.ticketer = Ticketer::new()?;
    Ok(config)
}

fn unusable(certificate: &Certificate, error: Error) -> io::Error {
    let what = match (certificate, error) {
        (Certificate::Files { chain, key }, Error::InconsistentKeys(_)) => {
            format!("the key in {} does not fit the certificate in {}", key.display(), chain.display())
        }
        (Certificate::Files { key, .. }, error) => {
            format!("the key in {} can't be used: {error}", key.display())
        }
        (_, error) => format!("the certificate made for this server can't be used: {error}"),
    };
    io::Error::new(ErrorKind::InvalidData, what)
}
