//! How a client comes in: over TCP, or over TLS.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use microws_tests::layer::Layer;
use microws_tests::raw::{REQUEST, Raw};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

/// Where a server is, and how its clients come to it.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    address: SocketAddr,
    /// With TLS: the certificates that are trusted, and the settings.
    tls: Option<(Arc<RootCertStore>, Arc<ClientConfig>)>,
}

impl Door {
    /// Over TCP.
    pub(crate) const fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// Over TLS of the newest version; the server's certificate is in `file`.
    pub(crate) fn tls(address: SocketAddr, file: &Path) -> Result<Self, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file)?)?;
        let roots = Arc::new(roots);
        let config = settings(&roots, &TLS13)?;
        Ok(Self { address, tls: Some((roots, config)) })
    }

    /// The same over TLS 1.2.
    pub(crate) fn over_tls_1_2(&self) -> Result<Self, Box<dyn Error>> {
        let tls = match &self.tls {
            Some((roots, _)) => Some((Arc::clone(roots), settings(roots, &TLS12)?)),
            None => None,
        };
        Ok(Self { address: self.address, tls })
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// A connection on which nothing was said yet, except for the handshake of TLS.
    pub(crate) fn tcp(&self) -> io::Result<Raw> {
        self.enter(Raw::try_connect(self.address)?)
    }

    /// [`tcp`](Self::tcp) with a small receive buffer.
    pub(crate) fn narrow(&self) -> io::Result<Raw> {
        self.enter(Raw::connect_narrow(self.address))
    }

    /// [`tcp`](Self::tcp), but the handshake comes with the first bytes that are read, for a server that is not yet there.
    pub(crate) fn wait(&self) -> io::Result<Raw> {
        let client = Raw::try_connect(self.address)?;
        Ok(match self.connection()? {
            Some(connection) => client.with_layer(Box::new(Tls(connection))),
            None => client,
        })
    }

    fn enter(&self, mut client: Raw) -> io::Result<Raw> {
        let Some(mut connection) = self.connection()? else { return Ok(client) };
        while connection.is_handshaking() {
            connection.complete_io(&mut client.stream)?;
        }
        Ok(client.with_layer(Box::new(Tls(connection))))
    }

    /// The client's side of TLS, of which nothing was sent yet.
    pub(crate) fn connection(&self) -> io::Result<Option<ClientConnection>> {
        let Some((_, config)) = &self.tls else { return Ok(None) };
        let name = ServerName::IpAddress(self.address.ip().into());
        ClientConnection::new(Arc::clone(config), name).map(Some).map_err(io::Error::other)
    }

    /// An open WebSocket.
    pub(crate) fn open(&self) -> io::Result<Raw> {
        let mut client = self.tcp()?;
        client.try_send(REQUEST)?;
        match client.head()?.status {
            101 => Ok(client),
            status => Err(io::Error::other(format!("status {status} instead of 101"))),
        }
    }
}

fn settings(
    roots: &Arc<RootCertStore>,
    version: &'static SupportedProtocolVersion,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])?
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// TLS between a client and its socket.
#[derive(Debug)]
struct Tls(ClientConnection);

impl Layer for Tls {
    fn read(&mut self, tcp: &mut TcpStream, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.reader().read(room) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end without close_notify is UnexpectedEof.
                read => return read,
            }
            self.0.read_tls(tcp)?;
            let processed = self.0.process_new_packets();
            // An alert that ends it, or the reply to an update of keys; the server may be gone.
            let _ = self.flush(tcp);
            processed.map_err(io::Error::other)?;
        }
    }

    fn write(&mut self, tcp: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.flush(tcp)?;
        let n = self.0.writer().write(bytes)?;
        match self.flush(tcp) {
            // The rest goes with the next.
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(n),
        }
    }

    fn flush(&mut self, tcp: &mut TcpStream) -> io::Result<()> {
        while self.0.wants_write() {
            self.0.write_tls(tcp)?;
        }
        Ok(())
    }

    fn finish(&mut self, tcp: &mut TcpStream) -> io::Result<()> {
        self.0.send_close_notify();
        self.flush(tcp)
    }
}
