//! TLS of the client: the certificates that it trusts, and the bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ProtocolVersion, RootCertStore,
    SignatureScheme,
};
use url::Host;

use crate::arguments::Arguments;

/// A TLS connection over a stream that it does not own.
#[derive(Debug)]
pub(super) struct Tls {
    connection: ClientConnection,
    /// Our direction ends when all is written.
    ends: bool,
}

impl Tls {
    /// Does the handshake on a stream that waits. The error says what went wrong, in a line.
    pub(super) fn connect(
        tcp: &mut TcpStream,
        host: &Host<String>,
        arguments: &Arguments,
        deadline: Instant,
    ) -> Result<Self, String> {
        let config = Arc::new(config(arguments)?);
        let name = match host {
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|error| format!("{name}: {error}"))?
            }
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(*ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(*ip)),
        };
        let connection = ClientConnection::new(config, name).map_err(|error| format!("no TLS: {error}"))?;
        let mut tls = Self { connection, ends: false };
        tls.shake_hands(tcp, deadline)?;
        Ok(tls)
    }

    fn shake_hands(&mut self, tcp: &mut TcpStream, deadline: Instant) -> Result<(), String> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => "the TLS handshake took too long".to_owned(),
            ErrorKind::UnexpectedEof => "the server ended the TLS handshake".to_owned(),
            _ => format!("the TLS handshake failed: {error}"),
        };
        while self.connection.is_handshaking() || self.connection.wants_write() {
            // A time of 0 is no time to wait.
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            tcp.set_read_timeout(Some(left))
                .and_then(|()| tcp.set_write_timeout(Some(left)))
                .map_err(failed)?;
            if self.connection.wants_write() {
                self.connection.write_tls(tcp).map_err(failed)?;
                continue;
            }
            if self.connection.read_tls(tcp).map_err(failed)? == 0 {
                return Err(failed(ErrorKind::UnexpectedEof.into()));
            }
            if let Err(error) = self.connection.process_new_packets() {
                // The alert gives the server the reason; it may be gone.
                let _ = self.connection.write_tls(tcp);
                return Err(in_words(&error));
            }
        }
        Ok(())
    }

    /// What was agreed to.
    pub(super) fn agreed(&self) -> String {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let suite = self.connection.negotiated_cipher_suite();
        suite.map_or_else(|| version.to_owned(), |suite| format!("{version}, {:?}", suite.suite()))
    }

    pub(super) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    pub(super) fn read(&mut self, tcp: &mut TcpStream, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Without close_notify: the protocol above decides whether that is an error.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            self.connection.read_tls(tcp)?;
            let processed = self.connection.process_new_packets();
            self.flush(tcp)?;
            processed.map_err(|error| io::Error::other(in_words(&error)))?;
        }
    }

    pub(super) fn write(&mut self, tcp: &mut TcpStream, buf: &[u8]) -> io::Result<usize> {
        self.flush(tcp)?;
        match self.connection.writer().write(buf)? {
            0 if !buf.is_empty() => Err(ErrorKind::WouldBlock.into()),
            n => {
                self.flush(tcp)?;
                Ok(n)
            }
        }
    }

    /// Writes out what the stream takes.
    pub(super) fn flush(&mut self, tcp: &mut TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(tcp) {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        if self.ends { super::end(tcp) } else { Ok(()) }
    }

    /// Ends our direction after all that was written.
    pub(super) fn end(&mut self, tcp: &mut TcpStream) -> io::Result<()> {
        self.connection.send_close_notify();
        self.ends = true;
        self.flush(tcp)
    }
}

fn config(arguments: &Arguments) -> Result<ClientConfig, String> {
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = if arguments.insecure {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth()
    } else {
        builder.with_root_certificates(roots(&arguments.ca)?).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates that the system trusts, and those of `files`.
fn roots(files: &[PathBuf]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for file in files {
        let unreadable = |error: &dyn std::fmt::Display| format!("--ca {}: {error}", file.display());
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(&error))?;
        if certificates.is_empty() {
            return Err(unreadable(&"there is no certificate in it"));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
    }
    if roots.is_empty() {
        return Err("the system has no certificates to trust; --ca FILE names some".to_owned());
    }
    Ok(roots)
}

fn in_words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(_) => {
            format!("the server's certificate is not trusted: {error}; --ca FILE trusts it, --insecure any")
        }
        Error::AlertReceived(alert) => format!("TLS: the server sent the alert {alert:?}"),
        Error::InvalidMessage(_) => format!("TLS: {error}; does the server speak TLS on this port?"),
        error => format!("TLS: {error}"),
    }
}

/// Trusts any certificate, if the server has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
