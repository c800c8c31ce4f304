//! The arguments of `microws-echo` about TLS.

use std::path::PathBuf;

use clap::Args;
use microws_host::{Certificate, Tls};

#[derive(Debug, Args)]
pub(crate) struct TlsArguments {
    /// Serve wss:// and https:// as well, on the same ports, with a certificate made at the start for localhost, 127.0.0.1
    /// and ::1. Its SHA-256 is logged
    #[arg(long, env = "MICROWS_TLS")]
    tls: bool,

    /// Host name or address that the certificate is also for; several are allowed
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ' ',
        conflicts_with = "tls_cert",
        env = "MICROWS_TLS_NAME"
    )]
    tls_name: Vec<String>,

    /// Write the certificate to this file, for clients to trust it
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert", env = "MICROWS_TLS_SAVE")]
    tls_save: Option<PathBuf>,

    /// Serve wss:// and https:// with this certificate, followed by those of its issuers, in PEM. SIGHUP reads it and the
    /// key again
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "MICROWS_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// The key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "MICROWS_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Answer requests without TLS with 400
    #[arg(long, env = "MICROWS_TLS_ONLY")]
    tls_only: bool,
}

impl TlsArguments {
    pub(crate) fn config(&self) -> Option<Tls> {
        let certificate = match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => Certificate::Files { chain: chain.clone(), key: key.clone() },
            _ if self.tls || self.tls_only || self.tls_save.is_some() || !self.tls_name.is_empty() => {
                Certificate::SelfSigned { names: self.tls_name.clone(), save: self.tls_save.clone() }
            }
            _ => return None,
        };
        let mut tls = Tls::new(certificate);
        tls.only = self.tls_only;
        Some(tls)
    }
}
